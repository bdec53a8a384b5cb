/*
 * Expressions about replies. What they see is one object: four of its values are replaced for each
 * reply, so that 10,000 replies do not copy what a plan knows 10,000 times.
 */
#include "deploy/reply_expr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/text.h"

static const char *const reply_names[] = {"node", "data", "statuscode", "statusmsg"};

static json_t *new_values(const struct deploy_expr_world *world)
{
	json_t *values = world ? json_copy(world->values) : json_object();

	for (size_t i = 0; i < sizeof(reply_names) / sizeof(reply_names[0]); i++)
		(void)json_object_set_new(values, reply_names[i], json_null());
	return values;
}

int deploy_reply_expr_new(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err)
{
	struct deploy_expr_world world = {.values = new_values(NULL)};
	struct deploy_error why = {.code = DEPLOY_OK};

	if (deploy_expr_new(out, label, text, err) == 0 &&
		deploy_expr_check(*out, &world, &why) != 0) {
		deploy_expr_free(*out);
		*out = NULL;
		(void)deploy_error_set(err, DEPLOY_INPUT,
			"%s%s%s%s; a reply has node, data, statuscode and statusmsg", why.text,
			why.hint[0] ? " (" : "", why.hint, why.hint[0] ? ")" : "");
	}
	json_decref(world.values);
	return err->code;
}

void deploy_reply_judge_release(struct deploy_reply_judge *judge)
{
	deploy_nodeset_free(judge->changed);
	json_decref(judge->values);
	judge->changed = NULL;
	judge->values = NULL;
}

/* A node's text may be anything. */
static json_t *text_of(const char *text)
{
	json_t *value = json_string(text);
	char *escaped;

	if (value)
		return value;
	escaped = deploy_text_escape(text, strlen(text));
	value = json_string(escaped);
	free(escaped);
	return value;
}

static void set_reply(json_t *values, const char *node, const struct deploy_outcome *reply)
{
	(void)json_object_set_new(values, "node", text_of(node));
	(void)json_object_set_new(
		values, "data", reply->data ? json_incref(reply->data) : json_null());
	(void)json_object_set_new(values, "statuscode", json_integer(reply->statuscode));
	(void)json_object_set_new(values, "statusmsg", text_of(reply->message));
}

int deploy_reply_judge_test(bool *out, struct deploy_reply_judge *judge, struct deploy_expr *expr,
	const char *node, const struct deploy_outcome *reply, struct deploy_error *err)
{
	struct deploy_expr_world world = {.values = NULL};

	if (judge->world)
		world = *judge->world;
	if (!judge->values)
		judge->values = new_values(judge->world);
	world.values = judge->values;
	set_reply(world.values, node, reply);
	return deploy_expr_test(out, expr, &world, err);
}

/* The agent has no such action, the inputs were wrong, or it crashed: then data says nothing. */
static bool is_undone(const struct deploy_outcome *reply)
{
	return reply->state == DEPLOY_OUTCOME_FAILED && reply->statuscode >= 2 &&
	       reply->statuscode <= 5;
}

static bool refuse(char *why, size_t size, const char *which, const struct deploy_expr *expr,
	const struct deploy_outcome *reply)
{
	bool has_failed = reply->state == DEPLOY_OUTCOME_FAILED && reply->message[0];

	(void)snprintf(why, size, "%s%s%s met: %s", has_failed ? reply->message : "",
		has_failed ? "; " : "", which, deploy_expr_source(expr));
	return false;
}

/* Only what counts of a reply: status, fail_when, until. */
static bool is_good(struct deploy_reply_judge *judge, const char *node,
	const struct deploy_outcome *reply, char *why, size_t size, struct deploy_error *err)
{
	bool holds = false;

	if (is_undone(reply))
		return false;
	if (judge->fail_when &&
		deploy_reply_judge_test(&holds, judge, judge->fail_when, node, reply, err))
		return false;
	if (holds)
		return refuse(why, size, "fail_when", judge->fail_when, reply);
	if (!judge->until)
		return reply->state == DEPLOY_OUTCOME_OK;
	if (deploy_reply_judge_test(&holds, judge, judge->until, node, reply, err))
		return false;
	return holds || refuse(why, size, "until not", judge->until, reply);
}

static void note_change(struct deploy_reply_judge *judge, const char *node,
	const struct deploy_outcome *reply, struct deploy_error *err)
{
	bool has_changed = false;

	if (deploy_reply_judge_test(&has_changed, judge, judge->changed_when, node, reply, err) ||
		!has_changed)
		return;
	if (!judge->changed)
		judge->changed = deploy_nodeset_new();
	(void)deploy_nodeset_add(judge->changed, node, err);
}

bool deploy_reply_judge(
	void *arg, const char *node, const struct deploy_outcome *reply, char *why, size_t size)
{
	struct deploy_reply_judge *judge = arg;
	struct deploy_error err = {.code = DEPLOY_OK};
	bool good;

	(void)snprintf(why, size, "%s", reply->message);
	good = is_good(judge, node, reply, why, size, &err);
	if (judge->changed_when && !is_undone(reply) && err.code == DEPLOY_OK)
		note_change(judge, node, reply, &err);
	if (err.code == DEPLOY_OK)
		return good;
	(void)snprintf(why, size, "%s", err.text);
	return false;
}
