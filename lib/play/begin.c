/* Steps on nodes: what is to be asked of whom, less what an earlier process has done. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/stage.h"
#include "play/play_parts.h"

#define REPLY_MS 30000 /* where no DDL says more */

/* Acts of ours may be done twice. */
static bool is_idempotent(const struct deploy_step *step)
{
	return step->is_idempotent || step->kind != DEPLOY_STEP_RPC;
}

/* What is left to do of a step, and what is not to be done again. */
struct rest {
	bool is_done; /* it ended well before: what was tolerated then is not asked again */
	struct deploy_nodeset *todo, *ok, *bad; /* bad: not ok, and not to be asked again */
	struct deploy_nodeset *failed;		/* of these */
	bool is_unknown;			/* of one of these, whether it did it */
	json_t *data;				/* of those that answered */
};

static bool is_to_do(const struct deploy_play *play, const struct deploy_step *step,
	const struct rest *rest, enum deploy_outcome_state state)
{
	if (rest->is_done)
		return false;
	switch (state) {
	case DEPLOY_OUTCOME_SILENT:
		return is_idempotent(step) || step->policy.retries_silent ||
		       play->options.retries_silent || play->options.retries_unknown;
	case DEPLOY_OUTCOME_UNKNOWN:
		return is_idempotent(step) || play->options.retries_unknown;
	default:
		return state != DEPLOY_OUTCOME_OK;
	}
}

static void take_past(struct deploy_play *play, const struct dp_frame *frame,
	const struct deploy_nodeset *nodes, struct rest *rest)
{
	const struct deploy_past *past = dp_frame_past(play, frame);
	const struct deploy_step *step = dp_frame_step(frame);
	struct deploy_error ignored = {.code = DEPLOY_OK};

	for (size_t i = 0; i < deploy_nodeset_count(nodes); i++) {
		const char *node = deploy_nodeset_get(nodes, i);
		enum deploy_outcome_state state = DEPLOY_OUTCOME_CANCELLED;
		json_t *data;

		if (!dp_past_outcome(past, frame->at.label, node, &state, &data) ||
			is_to_do(play, step, rest, state)) {
			(void)deploy_nodeset_add(rest->todo, node, &ignored);
			continue;
		}
		if (data)
			(void)json_object_set(rest->data, node, data);
		if (state == DEPLOY_OUTCOME_OK) {
			(void)deploy_nodeset_add(rest->ok, node, &ignored);
			continue;
		}
		(void)deploy_nodeset_add(rest->bad, node, &ignored);
		if (state == DEPLOY_OUTCOME_FAILED)
			(void)deploy_nodeset_add(rest->failed, node, &ignored);
		rest->is_unknown = rest->is_unknown || state == DEPLOY_OUTCOME_UNKNOWN;
	}
}

/* Who keeps an outcome that is not ok, for good. */
static void leave(struct deploy_play *play, const struct dp_frame *frame, const struct rest *rest)
{
	const struct deploy_past *past = dp_frame_past(play, frame);
	char *folded = deploy_nodeset_print(rest->bad);

	for (size_t i = 0; i < deploy_nodeset_count(rest->bad); i++) {
		const char *node = deploy_nodeset_get(rest->bad, i);
		struct deploy_outcome outcome = {.attempt = 1};
		json_t *ignored;

		(void)dp_past_outcome(past, frame->at.label, node, &outcome.state, &ignored);
		deploy_tally_add(&play->left, node, &outcome);
	}
	if (deploy_nodeset_count(rest->bad) && !rest->is_done)
		dp_play_tell(play, DEPLOY_PLAY_LEFT, frame->at.label, dp_frame_step(frame),
			deploy_nodeset_count(rest->bad), folded);
	free(folded);
}

static void release_rest(struct rest *rest)
{
	deploy_nodeset_free(rest->todo);
	deploy_nodeset_free(rest->ok);
	deploy_nodeset_free(rest->bad);
	deploy_nodeset_free(rest->failed);
	json_decref(rest->data);
}

/* Limits are parts of all the step's nodes, whoever of them is left. */
static void set_limits(struct deploy_policy *policy, size_t all, size_t bad)
{
	size_t limit = deploy_amount_limit(policy->max_fail, all);

	policy->max_fail =
		(struct deploy_amount){.value = (unsigned)(bad < limit ? limit - bad : 0)};
	for (unsigned i = 0; i < policy->batch_count; i++)
		policy->batch[i] = (struct deploy_amount){
			.value = (unsigned)deploy_amount_group(policy->batch[i], all)};
}

static void set_policy(struct deploy_policy *policy, const struct deploy_step *step)
{
	*policy = step->policy;
	policy->retries_silent = policy->retries_silent || is_idempotent(step);
	policy->try_sleeps_ms = step->try_sleeps_ms;
	policy->try_sleep_count = step->try_sleep_count;
	policy->is_one = step->is_one;
	for (size_t i = 0; i < step->ok_code_count && i < DEPLOY_MAX_OK_CODES; i++)
		policy->ok_codes[policy->ok_code_count++] = step->ok_codes[i];
}

/*
 * What the step has come to before: OVER or BAD, and nobody is asked; BUSY if somebody is left to
 * ask. Where one is enough, another may be asked unless one may have done it already.
 */
static enum dp_progress progress_of(
	const struct deploy_step *step, const struct rest *rest, size_t all)
{
	size_t bad = deploy_nodeset_count(rest->bad);

	if (rest->is_done || (step->is_one && deploy_nodeset_count(rest->ok)))
		return DP_STEP_OVER;
	if (step->is_one ? rest->is_unknown : bad > deploy_amount_limit(step->policy.max_fail, all))
		return DP_STEP_BAD;
	if (deploy_nodeset_count(rest->todo) || !all)
		return DP_BUSY;
	return step->is_one ? DP_STEP_BAD : DP_STEP_OVER;
}

static int make_request(struct deploy_play *play, struct dp_frame *frame,
	struct deploy_policy *policy, struct deploy_task **out, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct deploy_request *request = NULL;
	long long timeout_ms = REPLY_MS;
	json_t *inputs = NULL;
	int rc;

	if (step->with && dp_world_json(play, frame, "with", step->with, &inputs, err))
		return err->code;
	for (size_t i = 0; i < step->secret.count; i++)
		deploy_play_hide(play, json_object_get(inputs, step->secret.items[i]));
	rc = deploy_request_new(&request, step->agent, step->action, inputs, err);
	if (!rc)
		rc = deploy_request_set_collective(request, play->options.collective, err);
	if (!rc && play->options.prepare)
		rc = play->options.prepare(play->options.arg, request, &timeout_ms, err);
	json_decref(inputs);
	if (rc) {
		deploy_request_free(request);
		return deploy_error_wrap(err, "%s", frame->at.label);
	}
	request->ttl_s = play->options.ttl_s;
	if (!policy->timeout_ms)
		policy->timeout_ms = timeout_ms;
	*out = deploy_plan_take_request(play->plan, request);
	return 0;
}

static int make_act(struct deploy_play *play, struct dp_frame *frame, struct deploy_nodeset **nodes,
	struct deploy_task **out, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct deploy_act *act = NULL;
	json_t *values = NULL;
	bool is_whole;

	if (dp_world_json(play, frame, deploy_step_kind_name(step->kind), step->act, &values, err))
		return err->code;
	(void)play->options.make_act(play->options.arg, &act, step, values, nodes, err);
	/* Only a whole run that changes things says how far a node has come. */
	is_whole = step->kind == DEPLOY_STEP_PUPPET_RUN &&
		   !json_is_true(json_object_get(values, "noop")) &&
		   !json_object_get(values, "tags");
	json_decref(values);
	if (err->code)
		return deploy_error_wrap(err, "%s", frame->at.label);
	*out = deploy_plan_take_act(play->plan, act);
	(*out)->deed = is_whole ? DEPLOY_PUPPET_RUN : NULL;
	return 0;
}

static int make_task(struct deploy_play *play, struct dp_frame *frame, struct rest *rest,
	const struct deploy_policy *policy, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct deploy_policy used = *policy;
	struct deploy_task *task = NULL;
	struct dp_task_note *note;

	if (step->kind == DEPLOY_STEP_RPC)
		(void)make_request(play, frame, &used, &task, err);
	else
		(void)make_act(play, frame, &rest->todo, &task, err);
	if (err->code)
		return err->code;
	task->policy = used;
	task->nodes = deploy_nodeset_copy(rest->todo);
	task->keeps_replies = step->keeps_replies;
	task->on_failure =
		dp_is_caught(frame, step) ? DEPLOY_ON_FAILURE_CONTINUE : DEPLOY_ON_FAILURE_STOP;
	note = dp_play_note(play, DP_FOR_STEP, frame, task);
	if (step->until || step->fail_when || step->changed_when) {
		note->look = dp_look_new(play, frame, step, err);
		task->judge = (struct deploy_judge){dp_look_judge, note->look};
	}
	return err->code;
}

/* What was done before counts as if it were now. */
static void add_past(
	struct deploy_play *play, struct dp_frame *frame, struct rest *rest, bool is_left)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct dp_scope *scope = frame->scope;

	if (deploy_nodeset_count(rest->ok))
		dp_play_tell(play, DEPLOY_PLAY_DONE, frame->at.label, step,
			deploy_nodeset_count(rest->ok), NULL);
	if (is_left)
		leave(play, frame, rest);
	if (deploy_nodeset_count(rest->ok))
		dp_scope_changed(scope, step);
	dp_scope_add_result(scope, step, "ok", rest->ok);
	dp_scope_add_result(scope, step, "failed", rest->failed);
	dp_scope_add_replies(scope, step, rest->data);
	dp_frame_lose(frame, rest->bad);
	if (step->on_failure == DEPLOY_ON_FAILURE_DROP_NODES)
		dp_play_drop(play, rest->bad);
	deploy_nodeset_subtract(rest->bad, rest->failed);
	dp_scope_add_result(scope, step, "silent", rest->bad);
}

static enum dp_progress begin_on(struct deploy_play *play, struct dp_frame *frame,
	const struct deploy_nodeset *nodes, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct rest rest = {.todo = deploy_nodeset_new(),
		.ok = deploy_nodeset_new(),
		.bad = deploy_nodeset_new(),
		.failed = deploy_nodeset_new(),
		.data = json_object()};
	size_t all = deploy_nodeset_count(nodes), bad;
	enum dp_progress progress;
	struct deploy_policy policy;
	bool was_ok;

	rest.is_done =
		dp_past_is_done(dp_frame_past(play, frame), frame->at.label, &was_ok) && was_ok;
	take_past(play, frame, nodes, &rest);
	bad = deploy_nodeset_count(rest.bad);
	progress = progress_of(step, &rest, all);
	/* Where one is enough, those before it do not count. */
	add_past(play, frame, &rest, !step->is_one || progress == DP_STEP_BAD);
	set_policy(&policy, step);
	if (deploy_nodeset_count(rest.todo) < all)
		set_limits(&policy, all, bad);
	if (progress == DP_BUSY && make_task(play, frame, &rest, &policy, err))
		progress = DP_STEP_BAD;
	release_rest(&rest);
	return progress;
}

static bool is_on_nodes(const struct deploy_step *step)
{
	return step->kind <= DEPLOY_STEP_SIGN_CERT;
}

enum dp_progress dp_step_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	struct deploy_nodeset *nodes;
	enum dp_progress progress;
	bool names_nodes = step->kind == DEPLOY_STEP_ASSIGN_ROLE && !step->nodes.set_count &&
			   !step->nodes.has_group && !step->nodes.selection;

	if (step->kind == DEPLOY_STEP_ROLL)
		return dp_roll_begin(play, frame, err);
	if (!is_on_nodes(step))
		return dp_kind_begin(play, frame, err);
	nodes = dp_sets_nodes(play, frame, &step->nodes, frame->at.own);
	if (!deploy_nodeset_count(nodes) && !names_nodes) {
		(void)deploy_error_set(err, DEPLOY_NO_NODES,
			"%s: no node is left for it: all failed or were silent before",
			frame->at.label);
		progress = DP_STEP_BAD;
	} else {
		progress = begin_on(play, frame, nodes, err);
	}
	deploy_nodeset_free(nodes);
	return progress;
}

enum dp_progress dp_step_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);

	if (step->kind == DEPLOY_STEP_ROLL)
		return dp_roll_go_on(play, frame, err);
	if (!is_on_nodes(step))
		return dp_kind_go_on(play, frame, err);
	return frame->at.is_bad ? DP_STEP_BAD : DP_STEP_OVER;
}

static struct deploy_nodeset *not_ok(const struct deploy_tally *tally)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();

	deploy_nodeset_unite(nodes, tally->set[DEPLOY_OUTCOME_FAILED]);
	deploy_nodeset_unite(nodes, tally->set[DEPLOY_OUTCOME_SILENT]);
	deploy_nodeset_unite(nodes, tally->set[DEPLOY_OUTCOME_UNKNOWN]);
	return nodes;
}

void dp_step_ended(struct deploy_play *play, const struct dp_task_note *note,
	const struct deploy_task_result *result)
{
	struct dp_frame *frame = note->frame;
	struct dp_scope *scope = frame->scope;
	const struct deploy_step *step = note->step;
	struct deploy_nodeset *bad = not_ok(result->tally);

	frame->at.is_bad = !result->is_ok;
	dp_scope_add_result(scope, step, "ok", result->ok);
	dp_scope_add_result(scope, step, "failed", result->tally->set[DEPLOY_OUTCOME_FAILED]);
	dp_scope_add_result(scope, step, "silent", result->tally->set[DEPLOY_OUTCOME_SILENT]);
	/* Whoever is not known to be ok is not left out of what a plan says of who is not. */
	dp_scope_add_result(scope, step, "silent", result->tally->set[DEPLOY_OUTCOME_UNKNOWN]);
	dp_scope_add_replies(scope, step, result->replies);
	if (note->look ? dp_look_saw_change(note->look) : deploy_nodeset_count(result->ok) > 0)
		dp_scope_changed(scope, step);
	dp_frame_lose(frame, bad);
	/* Whom it did not come to is not done either. */
	if (!result->is_ok)
		dp_frame_lose(frame, result->tally->set[DEPLOY_OUTCOME_CANCELLED]);
	if (step->on_failure == DEPLOY_ON_FAILURE_DROP_NODES)
		dp_play_drop(play, bad);
	deploy_nodeset_free(bad);
}
