/* One word is waited for, so there is little to remember. */
#include "run/chore.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/http.h"

#define TIMEOUT_MS 5000

struct dp_chore {
	const struct deploy_task *task;
	int64_t deadline_us; /* of the task */
	int64_t timeout_us;  /* for the broker's word; of a port curl keeps the time */
	char *why;	     /* it is not ok */
	bool is_over, is_ok;
};

struct dp_chore *dp_chore_new(const struct deploy_task *task)
{
	struct dp_chore *chore = dp_xcalloc(1, sizeof(*chore));

	chore->task = task;
	chore->deadline_us = chore->timeout_us = DP_NEVER;
	return chore;
}

void dp_chore_free(struct dp_chore *chore)
{
	if (!chore)
		return;
	free(chore->why);
	free(chore);
}

static long long timeout_ms(const struct dp_chore *chore)
{
	long long given_ms = chore->task->policy.timeout_ms;

	return given_ms ? given_ms : TIMEOUT_MS;
}

static void finish(struct dp_chore *chore)
{
	if (chore->is_over)
		return;
	chore->is_over = chore->is_ok = true;
}

void dp_chore_cut(struct dp_chore *chore, const char *why)
{
	if (chore->is_over)
		return;
	chore->is_over = true;
	chore->why = chore->task->chore == DEPLOY_CHORE_PUBLISH
			     ? dp_xasprintf("topic %s: %s", chore->task->text, why)
			     : dp_xstrdup(why);
}

static void connect(const struct dp_chore *chore, struct dp_stage *stage)
{
	static const uint32_t nobody = 0;
	const struct deploy_task *task = chore->task;
	struct dp_action fetch = {.kind = DP_DO_FETCH,
		.task = stage->task,
		.rows = &nobody,
		.row_count = 1,
		.fetch = dp_http_probe_new(task->host, task->port, timeout_ms(chore))};

	stage->act(stage->act_arg, &fetch);
}

static void say(const struct dp_chore *chore, struct dp_stage *stage, enum dp_action_kind kind)
{
	struct dp_action action = {.kind = kind,
		.task = stage->task,
		.text = chore->task->text,
		.body = chore->task->body};

	stage->act(stage->act_arg, &action);
}

void dp_chore_start(struct dp_chore *chore, struct dp_stage *stage)
{
	long long deadline_ms = chore->task->policy.deadline_ms;

	if (deadline_ms)
		chore->deadline_us = stage->now_us + deadline_ms * 1000;
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_TASK_STARTED});
	switch (chore->task->chore) {
	case DEPLOY_CHORE_NONE:
	case DEPLOY_CHORE_REST:
		finish(chore);
		break;
	case DEPLOY_CHORE_CONFIRM:
		say(chore, stage, DP_DO_ASK);
		break;
	case DEPLOY_CHORE_CONNECT:
		connect(chore, stage);
		break;
	case DEPLOY_CHORE_PUBLISH:
		chore->timeout_us = stage->now_us + timeout_ms(chore) * 1000;
		say(chore, stage, DP_DO_ANNOUNCE);
		break;
	}
}

static void conclude(struct dp_chore *chore, bool is_ok, const char *why)
{
	if (is_ok)
		finish(chore);
	else
		dp_chore_cut(chore, why);
}

void dp_chore_take(struct dp_chore *chore, const struct dp_input *input)
{
	bool is_connect = chore->task->chore == DEPLOY_CHORE_CONNECT;

	if (input->kind == DP_IN_RESPONSE && is_connect)
		conclude(chore, !input->response->err.code, input->response->err.text);
	else if (input->kind == DP_IN_ANSWER && !is_connect)
		conclude(chore, input->is_yes, input->text);
}

void dp_chore_advance(struct dp_chore *chore, const struct dp_stage *stage)
{
	if (stage->now_us >= chore->deadline_us)
		dp_chore_cut(chore, "the deadline of the task has passed");
	if (stage->now_us >= chore->timeout_us)
		dp_chore_cut(chore, "the broker did not say in time that it has the message");
}

bool dp_chore_is_over(const struct dp_chore *chore)
{
	return chore->is_over;
}

bool dp_chore_is_ok(const struct dp_chore *chore)
{
	return chore->is_ok;
}

const char *dp_chore_why(const struct dp_chore *chore)
{
	return chore->why;
}

void dp_chore_end(struct dp_chore *chore, struct dp_stage *stage)
{
	struct dp_action withdraw = {.kind = DP_DO_WITHDRAW, .task = stage->task};

	stage->act(stage->act_arg, &withdraw);
	dp_stage_emit(stage, (struct deploy_event){.type = DEPLOY_EVENT_TASK_ENDED,
				     .is_ok = chore->is_ok,
				     .text = chore->why});
}

int64_t dp_chore_due_us(const struct dp_chore *chore)
{
	return chore->deadline_us;
}

int64_t dp_chore_wake_us(const struct dp_chore *chore)
{
	return chore->timeout_us < chore->deadline_us ? chore->timeout_us : chore->deadline_us;
}
