/*
 * One Puppet run on one node: look until it idles, keep what its last run was, start ours, look
 * until a run has ended that can only be ours, and judge it by its report.
 *
 * A node starts no run while one is going on. So once it said yes, the run that ends next is ours:
 * it is known to be the next one if a look after that yes still showed the old one as the last, or
 * if it ended in a later second than ours began. A run that ended before we looked, in the very
 * second in which ours began, may have been somebody's; then it must have taken longer than all
 * the time for which nobody looked.
 */
#include "run/puppet_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MISSED 5 /* looks in a row without an answer */

enum step {
	LOOKING,   /* status was asked: may it run, does it idle? */
	KEEPING,   /* last_run_summary was asked: what was the last run before ours? */
	STARTING,  /* runonce was asked */
	FOLLOWING, /* status was asked: did ours end? */
	COMPARING, /* last_run_summary: … in the same second as the run before? */
	READING	   /* last_run_summary with logs */
};

struct row {
	enum step step; /* what was asked last, perhaps before a pause */
	unsigned missed;
	bool is_stopping, was_answered;
	int64_t idle_until_us; /* for a foreign run to end */
	int64_t looked_us;     /* when the last look at the idle node was asked for */
	bool has_daemon;
	/* The run before ours. */
	long long base_lastrun;
	double base_time;
	json_t *base_version;
	/* Ours, from the node's yes on. */
	bool is_started, leaves_out;
	int64_t unseen_us;	/* from the last look before it until its yes */
	long long clock;	/* the node's, at that look */
	long long initiated_at; /* as the node said; DP_PUPPET_NEVER: it did not */
	int64_t start_until_us, run_until_us;
	bool is_seen;	  /* it was seen applying a catalog */
	bool is_next;	  /* what ends now is ours: nothing had ended since the node's yes */
	bool has_ended;	  /* with ended as the time of the last run */
	bool is_applying; /* at the last look */
	long long ended;
};

static void ask(
	const struct dp_puppet_run *run, struct row *row, struct dp_act_next *next, enum step step)
{
	const struct deploy_request *const requests[] = {[LOOKING] = run->status,
		[KEEPING] = run->summary,
		[STARTING] = row->leaves_out ? run->plain_run : run->run,
		[FOLLOWING] = run->status,
		[COMPARING] = run->summary,
		[READING] = run->report};

	row->step = step;
	next->kind = DP_ACT_ASK;
	next->request = requests[step];
	next->timeout_ms = run->timeout_ms;
	if (step == STARTING)
		next->what = "runonce";
}

static void look(const struct dp_puppet_run *run, struct row *row, const struct dp_act_input *input,
	struct dp_act_next *next)
{
	if (!row->is_started)
		row->looked_us = input->now_us;
	ask(run, row, next, row->is_started ? FOLLOWING : LOOKING);
}

static void pause(struct dp_act_next *next, long long sleep_ms)
{
	next->kind = DP_ACT_SLEEP;
	next->sleep_ms = sleep_ms;
	next->is_aligned = true;
}

/* Seconds by the node's clock, or null. */
static json_t *moment(long long seconds)
{
	return seconds > 0 ? json_integer(seconds) : json_null();
}

/* The outcome's data; summary is NULL as long as there is none of ours. */
static json_t *tell(const struct dp_puppet_run *run, const struct row *row,
	const struct dp_puppet_summary *summary)
{
	json_t *data = json_object();

	(void)json_object_set_new(data, "initiated_at", moment(row->initiated_at));
	(void)json_object_set_new(data, "noop", json_boolean(run->is_noop));
	(void)json_object_set_new(data, "options_left_out",
		row->leaves_out ? json_pack("[s]", "use_cached_catalog") : json_array());
	if (!summary)
		return data;
	(void)json_object_set_new(data, "lastrun", moment(summary->lastrun));
	(void)json_object_set_new(data, "changed", json_integer(summary->changed));
	(void)json_object_set_new(data, "failed", json_integer(summary->failed));
	(void)json_object_set_new(data, "total", json_integer(summary->total));
	(void)json_object_set_new(data, "total_time", json_real(summary->total_time));
	(void)json_object_set_new(data, "config_version",
		summary->config_version ? json_deep_copy(summary->config_version) : json_null());
	return data;
}

static void end(const struct dp_puppet_run *run, const struct row *row, struct dp_act_next *next,
	enum deploy_outcome_state state)
{
	next->kind = DP_ACT_DONE;
	next->state = state;
	if (state == DEPLOY_OUTCOME_FAILED)
		next->statuscode = 1;
	if (row->is_started)
		next->data = tell(run, row, NULL);
}

/* Somebody's run goes on, and ours must wait. */
static void wait_idle(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	row->step = LOOKING;
	if (row->is_stopping) {
		end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next, "interrupted before it ran");
	} else if (input->now_us >= row->idle_until_us) {
		end(run, row, next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "it still applies a catalog after %lld s; no run was started",
			run->idle_ms / 1000);
	} else {
		pause(next, run->poll_ms);
	}
}

/* Is the node free for our run? */
static void take_look(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next,
	const struct dp_puppet_status *status)
{
	if (!status->is_enabled) {
		end(run, row, next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "disabled%s%s", *status->disable_message ? ": " : "",
			status->disable_message);
		return;
	}
	if (status->is_applying) {
		wait_idle(run, row, input, next);
		return;
	}
	row->clock = status->clock;
	row->has_daemon = status->has_daemon;
	ask(run, row, next, KEEPING);
}

static void take_kept(const struct dp_puppet_run *run, struct row *row, struct dp_act_next *next,
	const struct dp_puppet_summary *summary)
{
	row->base_lastrun = summary->lastrun;
	row->base_time = summary->total_time;
	json_decref(row->base_version);
	row->base_version = json_deep_copy(summary->config_version);
	/* What limits a run is never left out: the daemon then refuses, and nothing is changed. */
	row->leaves_out = row->has_daemon && !run->is_limited;
	ask(run, row, next, STARTING);
}

static void take_started(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const json_t *initiated_at = json_object_get(input->reply->data, "initiated_at");

	row->is_started = true;
	row->initiated_at = json_integer_value(initiated_at) > 0 ? json_integer_value(initiated_at)
								 : DP_PUPPET_NEVER;
	row->unseen_us = input->now_us - row->looked_us;
	row->start_until_us = input->now_us + run->start_ms * 1000;
	row->run_until_us = input->now_us + run->run_ms * 1000;
	look(run, row, input, next);
}

static void take_refusal(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	/* Somebody's run began since we looked. */
	if (input->reply->statuscode == 1 &&
		strstr(input->reply->statusmsg, "applying a catalog")) {
		wait_idle(run, row, input, next);
		return;
	}
	end(run, row, next, DEPLOY_OUTCOME_FAILED);
	next->statuscode = input->reply->statuscode;
	DP_SAY(next, "runonce: %s", input->reply->statusmsg);
}

static void keep_following(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	row->step = FOLLOWING;
	if (input->now_us >= row->run_until_us) {
		end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next, "the run did not end within %lld s", run->run_ms / 1000);
	} else if (!row->is_seen && !row->has_ended && input->now_us >= row->start_until_us) {
		end(run, row, next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next,
			"the node said that it starts a run, but none was seen within %lld s; "
			"is its certificate signed?",
			run->start_ms / 1000);
	} else {
		pause(next, run->poll_ms);
	}
}

static void overtaken(
	const struct dp_puppet_run *run, const struct row *row, struct dp_act_next *next)
{
	end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(next, "another run ended after ours, so what ours did cannot be told");
}

/* The first moment, by the node's clock, at which ours may have ended. */
static long long earliest(const struct row *row)
{
	return row->initiated_at > 0 ? row->initiated_at : row->clock;
}

/* A run has ended that is not the one before ours; wait until all of it is written. */
static void take_end(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next, long long lastrun)
{
	if (row->has_ended && lastrun != row->ended) {
		overtaken(run, row, next);
		return;
	}
	row->is_next |= row->initiated_at > 0 && lastrun > row->initiated_at;
	row->has_ended = true;
	row->ended = lastrun;
	if (row->is_applying)
		keep_following(run, row, input, next);
	else
		ask(run, row, next, READING);
}

static void take_status(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next,
	const struct dp_puppet_status *status)
{
	row->is_applying = status->is_applying;
	row->is_seen |= status->is_applying;
	if (row->has_ended) {
		take_end(run, row, input, next, status->lastrun);
	} else if (status->lastrun < earliest(row)) {
		/* Also a run that ended between our looking and our starting. */
		row->base_lastrun = status->lastrun;
		row->is_next = true;
		keep_following(run, row, input, next);
	} else if (status->lastrun == row->base_lastrun) {
		ask(run, row, next, COMPARING);
	} else {
		take_end(run, row, input, next, status->lastrun);
	}
}

/* The last run ended in the same second as the one before ours did. */
static void take_comparison(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next,
	const struct dp_puppet_summary *summary)
{
	const json_t *version = summary->config_version;
	bool is_same = summary->total_time == row->base_time &&
		       (version ? json_equal(version, row->base_version) : !row->base_version);

	if (summary->lastrun == row->base_lastrun && !is_same) {
		take_end(run, row, input, next, summary->lastrun);
		return;
	}
	row->is_next |= summary->lastrun == row->base_lastrun;
	keep_following(run, row, input, next);
}

/* Could a run of somebody else have begun and ended while nobody looked? */
static bool fits_unseen(const struct row *row, const struct dp_puppet_summary *summary)
{
	double startup = summary->startup_time > 0 ? summary->startup_time : 0;

	return (summary->total_time - startup) * 1e6 <= (double)row->unseen_us;
}

static void take_report(const struct dp_puppet_run *run, struct row *row, struct dp_act_next *next,
	const struct dp_puppet_summary *summary)
{
	struct dp_puppet_terms terms = {.since = earliest(row),
		.is_noop = run->is_noop,
		.may_be_cached = run->may_be_cached,
		.was_told_uncached = !run->may_be_cached && !row->leaves_out};

	if (summary->lastrun != row->ended) {
		overtaken(run, row, next);
		return;
	}
	if (!row->is_next && fits_unseen(row, summary)) {
		end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next,
			"a run ended just when ours was to begin, and it cannot be told whether "
			"that was ours");
		return;
	}
	next->kind = DP_ACT_DONE;
	next->state = dp_puppet_judge(summary, &terms, next->message, sizeof(next->message));
	next->statuscode = next->state == DEPLOY_OUTCOME_OK ? 0 : 1;
	next->data = tell(run, row, summary);
}

/* A look came to nothing. why: what was wrong with the answer; NULL: there was none. */
static void take_miss(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next, const char *why)
{
	bool is_late = row->is_started && input->now_us >= row->run_until_us;
	/* Before our run nothing is lost by ending here. */
	bool is_worth_it = row->is_started || (row->was_answered && !why);

	if (is_worth_it && ++row->missed < MAX_MISSED && !is_late && !row->is_stopping) {
		/* The broker knows at once that a node is gone; it may come back as late as any. */
		pause(next, input->is_unconnected && run->timeout_ms > run->poll_ms
				    ? run->timeout_ms
				    : run->poll_ms);
		return;
	}
	if (row->is_started) {
		end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next, "a run was started, then the node stopped answering%s%s",
			why ? ": " : "", why ? why : "");
		return;
	}
	end(run, row, next, why ? DEPLOY_OUTCOME_FAILED : DEPLOY_OUTCOME_SILENT);
	next->not_connected = !why && input->is_unconnected;
	DP_SAY(next, "%s",
		why			? why
		: input->is_unconnected ? "not connected"
					: "no answer; no run was started");
}

/* lacks: what is not in the answer; NULL: the agent says why there is none. */
static void take_bad_reply(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next, const char *lacks)
{
	bool is_status = row->step == LOOKING || row->step == FOLLOWING;
	char why[400];

	(void)dp_puppet_say(why, sizeof(why), "%s: %s%s", is_status ? "status" : "last_run_summary",
		lacks ? "the answer lacks " : "", lacks ? lacks : input->reply->statusmsg);
	take_miss(run, row, input, next, why);
	if (next->state == DEPLOY_OUTCOME_FAILED && !lacks)
		next->statuscode = input->reply->statuscode;
}

static void take_reply(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct dp_reply *reply = input->reply;
	bool is_status = row->step == LOOKING || row->step == FOLLOWING;
	struct dp_puppet_status status = {0};
	struct dp_puppet_summary summary = {0};
	const char *lacks = "lastrun";

	if (row->step == STARTING && reply->statuscode == 0) {
		take_started(run, row, input, next);
		return;
	}
	if (row->step == STARTING) {
		take_refusal(run, row, input, next);
		return;
	}
	if (reply->statuscode != 0) {
		take_bad_reply(run, row, input, next, NULL);
		return;
	}
	if (is_status ? !dp_puppet_read_status(&status, reply->data, &lacks)
		      : !dp_puppet_read_summary(&summary, reply->data)) {
		take_bad_reply(run, row, input, next, lacks);
		return;
	}
	row->missed = 0;
	row->was_answered = true;
	switch (row->step) {
	case LOOKING:
		take_look(run, row, input, next, &status);
		break;
	case KEEPING:
		take_kept(run, row, next, &summary);
		break;
	case FOLLOWING:
		take_status(run, row, input, next, &status);
		break;
	case COMPARING:
		take_comparison(run, row, input, next, &summary);
		break;
	case READING:
		take_report(run, row, next, &summary);
		break;
	case STARTING:
		break;
	}
}

static void take_silence(const struct dp_puppet_run *run, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	if (row->step != STARTING) {
		take_miss(run, row, input, next, NULL);
		return;
	}
	end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(next, "no answer to runonce: a run may have been started");
}

/* Nothing was started yet: then nothing is. Otherwise the run is followed for as long as we may. */
static void stop(const struct dp_puppet_run *run, struct row *row, struct dp_act_next *next)
{
	row->is_stopping = true;
	if (row->is_started || row->step == STARTING) {
		next->kind = DP_ACT_GO_ON;
		return;
	}
	end(run, row, next, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(next, "interrupted before it ran");
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct dp_puppet_run *run = (const struct dp_puppet_run *)act;
	struct row *row = memory;

	(void)node;
	switch (input->kind) {
	case DP_ACT_BEGIN:
		row->initiated_at = row->clock = DP_PUPPET_NEVER;
		row->idle_until_us = input->now_us + run->idle_ms * 1000;
		look(run, row, input, next);
		break;
	case DP_ACT_REPLY:
		take_reply(run, row, input, next);
		break;
	case DP_ACT_NO_REPLY:
		take_silence(run, row, input, next);
		break;
	case DP_ACT_AWAKE:
		look(run, row, input, next);
		break;
	case DP_ACT_STOP:
		stop(run, row, next);
		break;
	case DP_ACT_RESPONSE:
		break;
	}
}

static void release_row(struct deploy_act *act, void *memory)
{
	(void)act;
	json_decref(((struct row *)memory)->base_version);
}

const struct dp_act_ops dp_puppet_run_ops = {.row_size = sizeof(struct row),
	.step = step,
	.release_row = release_row,
	.free = dp_puppet_run_free};
