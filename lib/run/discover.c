/* Ends a window after the last reply, and never later than the time given for discovery. */
#include "run/discover.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strset.h"

struct dp_discover {
	const struct deploy_task *task;
	struct deploy_tally *tally;
	struct dp_strset found, excluded; /* who answered */
	bool was_sent;			  /* the question was handed to the broker, at sent_us */
	bool is_confirmed;		  /* … which said that it has it */
	int64_t sent_us;
	int64_t latest_us; /* it ends then, whatever comes */
	int64_t quiet_us;  /* … or then, if no reply comes before, or the broker has it */
	int64_t heard_us;  /* the last node that was new */
	int64_t pause_us;  /* the longest between two of them */
	size_t seen;
};

struct dp_discover *dp_discover_new(const struct deploy_task *task, struct deploy_tally *tally)
{
	struct dp_discover *discover = dp_xcalloc(1, sizeof(*discover));

	discover->task = task;
	discover->tally = tally;
	dp_strset_init(&discover->found);
	dp_strset_init(&discover->excluded);
	return discover;
}

void dp_discover_free(struct dp_discover *discover)
{
	if (!discover)
		return;
	dp_strset_release(&discover->found);
	dp_strset_release(&discover->excluded);
	free(discover);
}

void dp_discover_start(struct dp_discover *discover, struct dp_stage *stage)
{
	struct dp_action send = {
		.kind = DP_DO_SEND, .task = stage->task, .attempt = 1, .is_broadcast = true};

	discover->latest_us = stage->now_us + discover->task->policy.discovery_ms * 1000;
	discover->quiet_us = DP_NEVER;
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED});
	stage->act(stage->act_arg, &send);
}

void dp_discover_sent(struct dp_discover *discover, struct dp_stage *stage)
{
	discover->was_sent = true;
	discover->sent_us = stage->now_us;
	discover->latest_us = stage->now_us + discover->task->policy.discovery_ms * 1000;
	if (dp_is_mute(discover->task))
		discover->quiet_us = stage->now_us;
}

static bool is_excluded(const struct dp_discover *discover, const char *name)
{
	size_t at;

	return discover->task->exclude &&
	       deploy_nodeset_find(discover->task->exclude, name, strlen(name), &at);
}

/* Four answers for each node that was found, and room for a start: more is a flood. */
static enum deploy_ignored reason_for_known(const struct dp_discover *discover)
{
	return discover->seen > 4 * discover->found.count + 1000 ? DEPLOY_IGNORED_FLOOD
								 : DEPLOY_IGNORED_DUPLICATE;
}

/* A new node is heard, whatever others poured in before, as long as there is room. */
static bool is_new(struct dp_discover *discover, const char *sender)
{
	return discover->found.count < DEPLOY_MAX_NODES && dp_strset_add(&discover->found, sender);
}

/*
 * A broker or a network that has paused may pause again: the window is at least so many times as
 * long as the longest pause so far.
 */
#define PAUSES 3

static void wait_for_more(struct dp_discover *discover, int64_t now_us)
{
	int64_t window_us = discover->task->policy.window_ms * 1000;

	if (discover->heard_us && now_us - discover->heard_us > discover->pause_us)
		discover->pause_us = now_us - discover->heard_us;
	if (window_us < PAUSES * discover->pause_us)
		window_us = PAUSES * discover->pause_us;
	discover->heard_us = now_us;
	discover->quiet_us = now_us + window_us;
}

void dp_discover_reply(
	struct dp_discover *discover, struct dp_stage *stage, const struct dp_reply *reply)
{
	struct deploy_outcome outcome = {
		.state = dp_state_of_code(&discover->task->policy, reply->statuscode),
		.attempt = 1,
		.statuscode = reply->statuscode,
		.message = reply->statusmsg,
		.data = reply->data,
		.rtt_us = stage->now_us - discover->sent_us};
	char why[DP_MAX_WHY];

	if (!discover->was_sent) {
		dp_stage_ignore(stage, discover->tally, DEPLOY_IGNORED_UNEXPECTED, reply->sender, 1,
			"nothing was asked yet");
		return;
	}
	if (is_excluded(discover, reply->sender)) {
		outcome.state = DEPLOY_OUTCOME_SKIPPED;
		if (dp_strset_add(&discover->excluded, reply->sender))
			deploy_tally_add(discover->tally, reply->sender, &outcome);
		return;
	}
	discover->seen++;
	if (!is_new(discover, reply->sender)) {
		dp_stage_ignore(
			stage, discover->tally, reason_for_known(discover), reply->sender, 1, "");
		return;
	}
	wait_for_more(discover, stage->now_us);
	discover->tally->nodes++;
	dp_judge_answer(discover->task, reply->sender, &outcome, why, sizeof(why));
	dp_stage_settle(stage, discover->tally, reply->sender, &outcome);
}

int64_t dp_discover_wake_us(const struct dp_discover *discover)
{
	size_t expected = discover->task->policy.expected;

	/* At once, when everybody who is expected was heard. */
	if (expected && discover->found.count >= expected)
		return 0;
	return discover->quiet_us < discover->latest_us ? discover->quiet_us : discover->latest_us;
}

bool dp_discover_is_over(struct dp_discover *discover, const struct dp_stage *stage)
{
	if (stage->now_us < dp_discover_wake_us(discover))
		return false;
	discover->is_confirmed = discover->was_sent && stage->is_confirmed;
	if (!dp_is_mute(discover->task) || discover->is_confirmed ||
		stage->now_us >= discover->latest_us)
		return true;
	discover->quiet_us = stage->now_us + DP_CONFIRM_PAUSE_US;
	return false;
}

bool dp_discover_was_sent(const struct dp_discover *discover)
{
	return dp_is_mute(discover->task) ? discover->is_confirmed : discover->was_sent;
}

struct deploy_nodeset *dp_discover_take_nodes(struct dp_discover *discover)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_error ignored = {0};

	/* Senders are identities and their number is bounded, so adding cannot fail. */
	for (size_t i = 0; i < discover->found.count; i++)
		(void)deploy_nodeset_add(nodes, discover->found.items[i], &ignored);
	return nodes;
}
