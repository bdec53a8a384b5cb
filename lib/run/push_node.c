/*
 * One node is given its facts: look, give what is not as wanted, look again until it shows.
 *
 * Agents differ. Ours sets a value; the published ones either replace it or add to it, and do not
 * say which. So a value that only lacks words gets those words, and when these are then all that is
 * there, the agent replaces, and gets the whole.
 */
#include "run/push_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/fact.h"
#include "model/fact_words.h"
#include "run/push_row.h"

#define MAX_FETCHED	1000 /* facts of one file: each few of them are a question more */
#define MAX_NAMES_BYTES 200  /* of get_facts, as its DDL has it */
#define LOOK_MS		500  /* between two looks */
#define OUR_VERSION	2    /* of our agent, which sets a value to what it is told */

static void fail(struct dp_act_next *next, enum deploy_outcome_state state, int statuscode,
	const char *message)
{
	next->kind = DP_ACT_DONE;
	next->state = state;
	next->statuscode = statuscode;
	(void)snprintf(next->message, sizeof(next->message), "%s", message);
}

static void ask(struct dp_push *push, struct dp_push_row *row, struct dp_act_next *next,
	enum dp_push_step step, const struct deploy_request *request)
{
	row->step = step;
	if (step == DP_PUSH_LOOKING || step == DP_PUSH_ASKING_AGENT)
		(void)snprintf(row->what, sizeof(row->what), "%s", request->action);
	else
		next->what = row->what;
	next->kind = DP_ACT_ASK;
	next->request = request;
	next->timeout_ms = push->timeout_ms;
}

static void done(
	const struct dp_push *push, const struct dp_push_row *row, struct dp_act_next *next)
{
	const char *changed = push->only_compares ? "would change" : "changed";

	next->kind = DP_ACT_DONE;
	next->state = DEPLOY_OUTCOME_OK;
	next->data = dp_push_tell(row);
	(void)snprintf(next->message, sizeof(next->message), "%s",
		json_is_true(json_object_get(next->data, "changed")) ? changed : "unchanged");
}

/* Ask for the next names; one question has room for so many. */
static void look(struct dp_push *push, struct dp_push_row *row, struct dp_act_next *next)
{
	json_t *inputs;
	struct dp_buf names;

	dp_buf_init(&names, MAX_NAMES_BYTES + 1);
	for (; row->at; row->at = json_object_iter_next(row->wanted, row->at)) {
		const char *name = json_object_iter_key(row->at);

		if (names.len + strlen(name) + 1 > MAX_NAMES_BYTES)
			break;
		dp_buf_addf(&names, "%s%s", names.len ? "," : "", name);
	}
	inputs = json_object();
	(void)json_object_set_new(inputs, "facts", json_string(dp_buf_text(&names)));
	dp_buf_release(&names);
	ask(push, row, next, DP_PUSH_LOOKING,
		dp_push_request(push, "rpcutil", "get_facts", inputs));
}

static void give(
	struct dp_push *push, struct dp_push_row *row, struct dp_act_next *next, const char *name)
{
	const char *wanted = json_string_value(json_object_get(row->wanted, name));
	char *words = wanted ? dp_push_words(row, name, wanted) : NULL;
	json_t *inputs = json_object();

	(void)json_object_set_new(inputs, "fact", json_string(name));
	if (words)
		(void)json_object_set_new(inputs, "value", json_string(words));
	(void)json_object_set_new(row->given, name, words ? json_string(words) : json_null());
	free(words);
	row->giving = name;
	(void)snprintf(row->what, sizeof(row->what), "%s %s",
		wanted ? "create_fact" : "remove_fact", name);
	ask(push, row, next, DP_PUSH_GIVING,
		dp_push_request(push, "deploop", wanted ? "create_fact" : "remove_fact", inputs));
}

static void set_environment(struct dp_push *push, struct dp_push_row *row, struct dp_act_next *next)
{
	json_t *inputs = json_object();

	(void)json_object_set_new(inputs, "env", json_string(row->environment));
	ask(push, row, next, DP_PUSH_SETTING_ENVIRONMENT,
		dp_push_request(push, "deploop", "puppet_environment", inputs));
}

/* True if the node shows what it is to have of a fact, and more. */
static bool shows_more(const struct dp_push_row *row, const char *name)
{
	const char *seen = json_string_value(json_object_get(row->seen, name));
	const char *wanted = json_string_value(json_object_get(row->wanted, name));
	char *surplus = seen && wanted ? dp_fact_missing(wanted, seen) : NULL;
	bool is_more = surplus != NULL;

	free(surplus);
	return is_more;
}

/* The first fact that does not show. */
static void give_up(const struct dp_push_row *row, struct dp_act_next *next)
{
	const char *name;
	json_t *value;

	fail(next, DEPLOY_OUTCOME_FAILED, 1, "");
	next->data = dp_push_tell(row);
	json_object_foreach(row->wanted, name, value)
	{
		const char *seen = json_string_value(json_object_get(row->seen, name));

		if (dp_push_is_settled(row, name))
			continue;
		(void)snprintf(next->message, sizeof(next->message),
			"%s was sent, but the node still shows %s%s%s%s", name, seen ? "\"" : "",
			seen ? seen : "no such fact", seen ? "\"" : "",
			shows_more(row, name)
				? "; a published agent may add words and take none away"
				: "");
		return;
	}
}

static void pause_or_give_up(
	struct dp_push_row *row, const struct dp_act_input *input, struct dp_act_next *next)
{
	if (input->now_us >= row->verify_us) {
		give_up(row, next);
		return;
	}
	row->step = DP_PUSH_PAUSING;
	next->kind = DP_ACT_SLEEP;
	next->sleep_ms = LOOK_MS;
	next->is_aligned = true;
}

/* What the node needs now that all its facts were looked at. */
static void go_on(struct dp_push *push, struct dp_push_row *row, const struct dp_act_input *input,
	struct dp_act_next *next)
{
	const char *name = dp_push_next(row);
	bool needs_environment =
		row->environment && !row->sets_environment && (name || !row->was_given);

	if (push->only_compares || (!name && !needs_environment && !row->given)) {
		done(push, row, next);
		return;
	}
	if (!row->knows_agent && name && dp_push_must_know_agent(row)) {
		ask(push, row, next, DP_PUSH_ASKING_AGENT, push->inventory);
		return;
	}
	if (!row->given) {
		row->given = json_object();
		row->verify_us = INT64_MAX;
	}
	if (needs_environment) {
		row->sets_environment = true;
		(void)snprintf(
			row->what, sizeof(row->what), "puppet_environment %.40s", row->environment);
		set_environment(push, row, next);
		return;
	}
	if (name) {
		give(push, row, next, name);
		row->verify_us = INT64_MAX;
		return;
	}
	for (void *at = json_object_iter(row->wanted); at;
		at = json_object_iter_next(row->wanted, at)) {
		if (dp_push_is_settled(row, json_object_iter_key(at)))
			continue;
		pause_or_give_up(row, input, next);
		return;
	}
	done(push, row, next);
}

static void begin_look(struct dp_push *push, struct dp_push_row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	json_decref(row->seen);
	row->seen = json_object();
	row->at = json_object_iter(row->wanted);
	if (row->at)
		look(push, row, next);
	else
		go_on(push, row, input, next);
}

static void take_look(struct dp_push *push, struct dp_push_row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const char *name;
	json_t *value;

	if (!dp_push_keep_seen(row, input->reply->data)) {
		fail(next, DEPLOY_OUTCOME_FAILED, 1, "get_facts answered without values");
		return;
	}
	if (row->at) {
		look(push, row, next);
		return;
	}
	if (!row->first)
		row->first = json_copy(row->seen);
	json_object_foreach(row->wanted, name, value)
	{
		if (json_object_get(row->seen, name))
			continue;
		fail(next, DEPLOY_OUTCOME_FAILED, 1, "");
		(void)snprintf(next->message, sizeof(next->message),
			"get_facts did not say what %s is", name);
		return;
	}
	go_on(push, row, input, next);
}

static void take_agent(struct dp_push_row *row, const json_t *data)
{
	json_t *agents = json_object_get(data, "agents"), *agent;
	size_t i;

	row->knows_agent = true;
	json_array_foreach(agents, i, agent)
	{
		const char *name = json_string_value(json_object_get(agent, "agent"));
		const char *version = json_string_value(json_object_get(agent, "version"));

		if (name && version && strcmp(name, "deploop") == 0)
			row->is_exact = strtol(version, NULL, 10) >= OUR_VERSION;
	}
}

/* What the file holds is wanted now: only texts can be. */
static void take_fetched(struct dp_push *push, struct dp_push_row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	json_t *facts = json_object_get(input->reply->data, "facts");
	struct deploy_error ignored = {0};
	const char *name;
	json_t *value;
	char room[64];

	row->changed = json_is_true(json_object_get(input->reply->data, "changed"));
	if (json_object_size(facts) > MAX_FETCHED) {
		fail(next, DEPLOY_OUTCOME_FAILED, 1, "");
		(void)snprintf(next->message, sizeof(next->message),
			"fetch_facts set %zu facts; of more than %d it cannot be seen that they "
			"are there",
			json_object_size(facts), MAX_FETCHED);
		return;
	}
	row->fetched = json_object();
	json_object_foreach(facts, name, value)
	{
		const char *text = dp_push_text(value, room, sizeof(room));

		if (!text || deploy_fact_check_name(name, &ignored))
			continue;
		(void)json_object_set_new(row->fetched, name, json_string(text));
	}
	if (!json_object_size(row->fetched)) {
		fail(next, DEPLOY_OUTCOME_FAILED, 1,
			"fetch_facts answered without the facts that it set");
		return;
	}
	row->wanted = row->fetched;
	row->given = json_deep_copy(row->fetched);
	row->verify_us = input->now_us + push->verify_ms * 1000;
	begin_look(push, row, input, next);
}

/* A fact was given, or the environment set: go on with the next, or see what it came to. */
static void take_given(struct dp_push *push, struct dp_push_row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const json_t *code = json_object_get(input->reply->data, "response_code");
	const json_t *changed = json_object_get(input->reply->data, "changed");

	if (json_is_integer(code) && json_integer_value(code) != 0) {
		fail(next, DEPLOY_OUTCOME_FAILED, 1, "");
		(void)snprintf(next->message, sizeof(next->message),
			"%s: response_code %" JSON_INTEGER_FORMAT, row->what,
			json_integer_value(code));
		return;
	}
	/* Only our agent says so. */
	row->changed |= !json_is_false(changed);
	/* Sent, and not to be sent again in this round, whatever was seen before. */
	if (row->giving)
		(void)json_object_set(
			row->seen, row->giving, json_object_get(row->wanted, row->giving));
	row->giving = NULL;
	if (dp_push_next(row)) {
		go_on(push, row, input, next);
		return;
	}
	row->verify_us = input->now_us + push->verify_ms * 1000;
	begin_look(push, row, input, next);
}

static void take_reply(struct dp_push *push, struct dp_push_row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	if (input->reply->statuscode != 0) {
		fail(next, DEPLOY_OUTCOME_FAILED, input->reply->statuscode, "");
		(void)snprintf(next->message, sizeof(next->message), "%s: %s", row->what,
			input->reply->statusmsg);
		return;
	}
	if (row->is_stopping) {
		fail(next, DEPLOY_OUTCOME_UNKNOWN, 0, "interrupted before all facts were given");
		return;
	}
	switch (row->step) {
	case DP_PUSH_LOOKING:
		take_look(push, row, input, next);
		break;
	case DP_PUSH_ASKING_AGENT:
		take_agent(row, input->reply->data);
		go_on(push, row, input, next);
		break;
	case DP_PUSH_FETCHING:
		take_fetched(push, row, input, next);
		break;
	case DP_PUSH_SETTING_ENVIRONMENT:
	case DP_PUSH_GIVING:
		take_given(push, row, input, next);
		break;
	case DP_PUSH_PAUSING:
		break;
	}
}

static void take_silence(
	const struct dp_push_row *row, const struct dp_act_input *input, struct dp_act_next *next)
{
	next->kind = DP_ACT_DONE;
	next->state = DEPLOY_OUTCOME_SILENT;
	next->not_connected = input->is_unconnected;
	(void)snprintf(next->message, sizeof(next->message), "no answer to %s%s", row->what,
		row->step == DP_PUSH_LOOKING || row->step == DP_PUSH_ASKING_AGENT
			? ""
			: ": it may have been done, or there is no agent deploop");
	if (input->is_unconnected)
		(void)snprintf(next->message, sizeof(next->message), "not connected");
}

static void begin(struct dp_push *push, struct dp_push_row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const json_t *entry = json_object_get(push->nodes, node);

	row->wanted = json_object_get(entry, "facts");
	row->environment = json_string_value(json_object_get(entry, "environment"));
	row->was_given = json_is_true(json_object_get(entry, "was_given"));
	if (push->fetch) {
		(void)snprintf(row->what, sizeof(row->what), "fetch_facts");
		ask(push, row, next, DP_PUSH_FETCHING, push->fetch);
	} else {
		begin_look(push, row, input, next);
	}
}

static void stop(struct dp_push_row *row, struct dp_act_next *next)
{
	row->is_stopping = true;
	if (row->step == DP_PUSH_PAUSING)
		fail(next, DEPLOY_OUTCOME_UNKNOWN, 0, "interrupted before the facts showed");
	else
		next->kind = DP_ACT_GO_ON;
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct dp_push *push = (struct dp_push *)act;
	struct dp_push_row *row = memory;

	switch (input->kind) {
	case DP_ACT_BEGIN:
		begin(push, row, node, input, next);
		break;
	case DP_ACT_REPLY:
		take_reply(push, row, input, next);
		break;
	case DP_ACT_NO_REPLY:
		take_silence(row, input, next);
		break;
	case DP_ACT_AWAKE:
		begin_look(push, row, input, next);
		break;
	case DP_ACT_STOP:
		stop(row, next);
		break;
	case DP_ACT_RESPONSE:
		break;
	}
}

static void release_row(struct deploy_act *act, void *memory)
{
	struct dp_push_row *row = memory;

	(void)act;
	json_decref(row->fetched);
	json_decref(row->seen);
	json_decref(row->first);
	json_decref(row->given);
}

const struct dp_act_ops dp_push_ops = {.row_size = sizeof(struct dp_push_row),
	.step = step,
	.release_row = release_row,
	.free = dp_push_free};
