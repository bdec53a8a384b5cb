/* Steps that ask no node: variables, waiting, asking a person, messages, lanes, plans in the plan.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

#define WAIT_EVERY_MS	 5000
#define WAIT_DEADLINE_MS (10 * 60 * 1000LL)
#define REACHABLE_MS	 3000 /* for a node to answer a ping */
#define LEAST_MS	 100  /* … however close the deadline is */

/* set */

static enum dp_progress set_vars(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	json_t *vars = json_object_get(frame->scope->values, "vars"), *made = json_object();
	json_t *value;
	const char *name;

	json_object_foreach(dp_frame_step(frame)->act, name, value)
	{
		json_t *result = NULL;

		if (!json_is_string(value))
			result = json_incref(value);
		else if (dp_world_eval(play, frame, name, json_string_value(value), &result, err))
			break;
		(void)json_object_set_new(made, name, result);
	}
	if (!err->code)
		(void)json_object_update(vars, made);
	json_decref(made);
	return err->code ? DP_STEP_BAD : DP_STEP_OVER;
}

/* confirm, publish: tasks that ask no node. */

static struct deploy_task *add_chore(
	struct deploy_play *play, struct dp_frame *frame, enum deploy_chore chore)
{
	struct deploy_task *task = dp_play_chore(play, frame, DP_FOR_STEP, chore);

	task->policy.deadline_ms = dp_frame_step(frame)->policy.deadline_ms;
	return task;
}

static enum dp_progress confirm(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	bool was_yes;
	char *text;

	if ((dp_past_is_done(dp_frame_past(play, frame), frame->at.label, &was_yes) && was_yes) ||
		play->options.says_yes)
		return DP_STEP_OVER;
	if (dp_world_text(play, frame, "confirm", step->confirm, &text, err))
		return DP_STEP_BAD;
	dp_mask_text(play, text, strlen(text) + 1);
	add_chore(play, frame, DEPLOY_CHORE_CONFIRM)->text = text;
	return DP_BUSY;
}

/* A message that an earlier process may have sent is not sent again. */
static bool was_published(struct deploy_play *play, struct dp_frame *frame, bool *is_unknown)
{
	const struct deploy_past *past = dp_frame_past(play, frame);
	struct deploy_outcome unknown = {.state = DEPLOY_OUTCOME_UNKNOWN, .attempt = 1};
	bool was_ok, has_ended = dp_past_is_done(past, frame->at.label, &was_ok);

	*is_unknown = dp_past_knows(past, frame->at.label) && !has_ended &&
		      !play->options.retries_unknown;
	if (*is_unknown) {
		deploy_tally_add(&play->left, frame->at.label, &unknown);
		dp_play_tell(play, DEPLOY_PLAY_LEFT, frame->at.label, dp_frame_step(frame), 0,
			"the message");
	}
	return has_ended && was_ok;
}

static enum dp_progress publish(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	json_t *values = NULL, *body;
	struct deploy_task *task;
	bool is_unknown;

	if (was_published(play, frame, &is_unknown))
		return DP_STEP_OVER;
	if (is_unknown ||
		dp_world_json(play, frame, "publish", dp_frame_step(frame)->act, &values, err))
		return DP_STEP_BAD;
	body = json_object_get(values, "body");
	if (!json_is_string(json_object_get(values, "topic"))) {
		json_decref(values);
		(void)deploy_error_set(
			err, DEPLOY_INPUT, "%s: the topic is no text", frame->at.label);
		return DP_STEP_BAD;
	}
	task = add_chore(play, frame, DEPLOY_CHORE_PUBLISH);
	task->text = dp_xstrdup(json_string_value(json_object_get(values, "topic")));
	if (json_is_string(body))
		task->body = dp_xstrdup(json_string_value(body));
	else
		task->body = json_dumps(body, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(values);
	return DP_BUSY;
}

/* wait */

static bool known_probe(json_t *probes, const char *key)
{
	json_t *known = json_object_get(probes, key);

	if (!known)
		(void)json_object_set_new(probes, key, json_null());
	return json_is_true(known);
}

static int call_up(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	const char *host = json_string_value(json_array_get(args, 0));
	json_int_t port = json_integer_value(json_array_get(args, 1));
	char *key;

	if (json_array_size(args) != 2 || !host || port < 1 || port > 65535)
		return deploy_error_set(
			err, DEPLOY_INPUT, "up() wants a host and a port: up('db1', 5432)");
	key = dp_xasprintf("%u %s", (unsigned)port, host);
	*out = json_boolean(known_probe(arg, key));
	free(key);
	return 0;
}

static int call_reachable(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	const char *node = json_string_value(json_array_get(args, 0));

	if (json_array_size(args) != 1 || !node || !deploy_identity_is_valid(node, strlen(node)))
		return deploy_error_set(
			err, DEPLOY_INPUT, "reachable() wants a node: reachable('web1')");
	*out = json_boolean(known_probe(arg, node));
	return 0;
}

size_t dp_probe_functions(const struct dp_frame *frame, struct deploy_expr_function out[2])
{
	if (!frame->at.probes)
		return 0;
	out[0] = (struct deploy_expr_function){"up", call_up, frame->at.probes};
	out[1] = (struct deploy_expr_function){"reachable", call_reachable, frame->at.probes};
	return 2;
}

static void look_at_host(struct deploy_play *play, struct dp_frame *frame, const char *key)
{
	struct deploy_task *task = dp_play_chore(play, frame, DP_FOR_PROBE, DEPLOY_CHORE_CONNECT);

	task->port = (unsigned)strtoul(key, NULL, 10);
	task->host = dp_xstrdup(strchr(key, ' ') + 1);
}

static void look_at_node(struct deploy_play *play, struct dp_frame *frame, const char *node)
{
	long long left_ms;
	struct deploy_filter filter = {0};
	struct deploy_error ignored = {.code = DEPLOY_OK};
	struct deploy_task *task;

	(void)deploy_filter_add_identity(&filter, node, &ignored);
	dp_find(play, frame, DP_FOR_PROBE, 0, &filter);
	task = play->plan->tasks[play->plan->task_count - 1];
	left_ms = (frame->at.until_us - play->now_us) / 1000;
	task->policy.discovery_ms = left_ms < LEAST_MS	     ? LEAST_MS
				    : left_ms < REACHABLE_MS ? left_ms
							     : REACHABLE_MS;
	task->policy.window_ms = task->policy.discovery_ms;
	task->policy.expected = 1;
}

/* Look at all that the expression has asked for and that was not seen in this round. */
static bool look(struct deploy_play *play, struct dp_frame *frame)
{
	json_t *known;
	const char *key;
	bool has_looked = false;

	json_object_foreach(frame->at.probes, key, known)
	{
		if (!json_is_null(known))
			continue;
		if (strchr(key, ' '))
			look_at_host(play, frame, key);
		else
			look_at_node(play, frame, key);
		play->notes[play->plan->task_count - 1].probe = dp_xstrdup(key);
		has_looked = true;
	}
	return has_looked;
}

void dp_kind_probed(struct dp_frame *frame, const char *probe, bool is_ok)
{
	(void)json_object_set_new(frame->at.probes, probe, json_boolean(is_ok));
}

static enum dp_progress wait_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	long long every_ms = step->every_ms ? step->every_ms : WAIT_EVERY_MS;
	bool is_true;

	if (frame->at.is_round_over)
		(void)json_object_clear(frame->at.probes);
	frame->at.is_round_over = false;
	if (dp_world_test(play, frame, "wait", step->wait_for, &is_true, err))
		return DP_STEP_BAD;
	if (is_true)
		return DP_STEP_OVER;
	if (look(play, frame))
		return DP_BUSY;
	if (play->now_us >= frame->at.until_us) {
		(void)deploy_error_set(err, DEPLOY_STOPPED, "%s: not true in time: %.200s",
			frame->at.label, step->wait_for);
		return DP_STEP_BAD;
	}
	if (every_ms > (frame->at.until_us - play->now_us) / 1000 + 1)
		every_ms = (frame->at.until_us - play->now_us) / 1000 + 1;
	frame->at.is_round_over = true;
	dp_play_chore(play, frame, DP_FOR_PAUSE, DEPLOY_CHORE_REST)->delay_ms = every_ms;
	return DP_BUSY;
}

static enum dp_progress begin_wait(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	long long deadline_ms = dp_frame_step(frame)->policy.deadline_ms;

	frame->at.probes = json_object();
	frame->at.until_us = play->now_us + (deadline_ms ? deadline_ms : WAIT_DEADLINE_MS) * 1000;
	return wait_on(play, frame, err);
}

/* parallel, plan: lists of their own. */

static enum dp_progress begin_lanes(struct deploy_play *play, struct dp_frame *frame)
{
	const struct deploy_step *step = dp_frame_step(frame);

	for (size_t i = 0; i < step->lane_count; i++) {
		frame->pending++;
		dp_frame_queue(play,
			dp_frame_new(play, DP_FRAME_LANE, frame, frame->scope, &step->lanes[i]));
	}
	return DP_BUSY;
}

static enum dp_progress begin_plan(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	json_t *given = NULL, *inputs = NULL, *missing = NULL;
	struct dp_scope *scope = NULL;

	if (step->inputs && dp_world_json(play, frame, "inputs", step->inputs, &given, err))
		return DP_STEP_BAD;
	if (deploy_playbook_inputs(&inputs, &missing, step->plan, given, NULL, err) == 0)
		scope = dp_scope_new(
			play, step->plan, dp_xasprintf("%s/", frame->at.label), inputs, err);
	if (scope) {
		frame->pending++;
		dp_frame_queue(
			play, dp_frame_new(play, DP_FRAME_BOOK, frame, scope, &step->plan->steps));
	}
	json_decref(given);
	json_decref(inputs);
	json_decref(missing);
	return scope ? DP_BUSY : DP_STEP_BAD;
}

enum dp_progress dp_kind_begin(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	switch (dp_frame_step(frame)->kind) {
	case DEPLOY_STEP_SET:
		return set_vars(play, frame, err);
	case DEPLOY_STEP_CONFIRM:
		return confirm(play, frame, err);
	case DEPLOY_STEP_PUBLISH:
		return publish(play, frame, err);
	case DEPLOY_STEP_WAIT:
		return begin_wait(play, frame, err);
	case DEPLOY_STEP_PARALLEL:
		return begin_lanes(play, frame);
	case DEPLOY_STEP_PLAN:
		return begin_plan(play, frame, err);
	default:
		(void)deploy_error_set(
			err, DEPLOY_BUG, "%s: no such kind of step", frame->at.label);
		return DP_STEP_BAD;
	}
}

enum dp_progress dp_kind_go_on(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	if (dp_frame_step(frame)->kind == DEPLOY_STEP_WAIT)
		return wait_on(play, frame, err);
	return frame->at.is_bad ? DP_STEP_BAD : DP_STEP_OVER;
}
