/* Giving nodes facts: one node's machine against agents of every kind, and every odd answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "deploy/fact.h"
#include "deploy/push.h"
#include "model/act.h"
#include "model/fact_words.h"

enum agent_kind {
	OURS,	   /* sets a value, says whether that changed it */
	REPLACING, /* the older published one */
	ADDING	   /* the newer one: adds words, unless they are found inside the text */
};

/* A node: its facts, and what it was asked, as "action inputs" joined by "; ". */
struct node {
	enum agent_kind kind;
	json_t *facts;
	json_t *shown; /* what get_facts tells; another object while facts are stale */
	int stale_looks;
	char asked[2048];
	char told[512];		       /* what was said before it was sent */
	const char *wants_environment; /* to be set */
	bool was_given;		       /* that one, before */
	const char *environment;
	int64_t now_us;
	const char *fail_action; /* it answers this one with statuscode 1 */
	const char *mute_action; /* … not at all */
	const char *odd_data;	 /* … answers get_facts so */
	json_t *fetches;	 /* borrowed: facts that fetch_facts tells of; NULL: rack=r1 */
	int stop_after;		 /* STOP is told after so many requests; 0: never */
	int requests;
};

static json_t *answer_look(struct node *node, const json_t *inputs)
{
	char *names = dp_xstrdup(json_string_value(json_object_get(inputs, "facts")));
	json_t *values = json_object(), *from = node->facts;
	char *rest = NULL, *name;

	assert_true(strlen(names) <= 200);
	if (node->stale_looks > 0 && node->stale_looks-- > 0)
		from = node->shown;
	for (name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		json_t *value = json_object_get(from, name);

		(void)json_object_set_new(values, name, value ? json_incref(value) : json_null());
	}
	free(names);
	return json_pack("{s:o}", "values", values);
}

static json_t *answer_create(struct node *node, const json_t *inputs)
{
	const char *name = json_string_value(json_object_get(inputs, "fact"));
	const char *value = json_string_value(json_object_get(inputs, "value"));
	const char *old = json_string_value(json_object_get(node->facts, name));
	bool changed = !old || strcmp(old, value) != 0;
	char *text;

	if (node->kind == ADDING && old) {
		text = strstr(old, value) ? dp_xstrdup(old) : dp_xasprintf("%s %s", old, value);
		(void)json_object_set_new(node->facts, name, json_string(text));
		free(text);
	} else {
		(void)json_object_set_new(node->facts, name, json_string(value));
	}
	return node->kind == OURS ? json_pack("{s:i, s:b}", "response_code", 0, "changed", changed)
				  : json_pack("{s:i}", "response_code", 0);
}

static json_t *answer(struct node *node, const struct deploy_request *request)
{
	const char *action = request->action;

	if (strcmp(action, "get_facts") == 0)
		return node->odd_data ? json_loads(node->odd_data, JSON_DECODE_ANY, NULL)
				      : answer_look(node, request->inputs);
	if (strcmp(action, "agent_inventory") == 0)
		return json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "agents", "agent", "rpcutil",
			"version", "1.0", "agent", "deploop", "version",
			node->kind == OURS ? "2.0.0" : "1.0.0");
	if (strcmp(action, "create_fact") == 0)
		return answer_create(node, request->inputs);
	if (strcmp(action, "remove_fact") == 0) {
		(void)json_object_del(
			node->facts, json_string_value(json_object_get(request->inputs, "fact")));
		return json_pack("{s:i}", "response_code", 0);
	}
	if (strcmp(action, "fetch_facts") == 0 && node->fetches)
		return json_pack("{s:i, s:b, s:O}", "response_code", 0, "changed", 1, "facts",
			node->fetches);
	if (strcmp(action, "fetch_facts") == 0) {
		(void)json_object_set_new(node->facts, "rack", json_string("r1"));
		return json_pack("{s:i, s:b, s:{s:s}}", "response_code", 0, "changed", 1, "facts",
			"rack", "r1");
	}
	assert_string_equal("puppet_environment", action);
	node->environment = "set";
	return json_pack("{s:i}", "response_code", 0);
}

static void note(char *list, size_t size, const char *text)
{
	size_t len = strlen(list);

	(void)snprintf(list + len, size - len, "%s%s", len ? "; " : "", text);
}

static void note_request(struct node *node, const struct deploy_request *request)
{
	const char *fact = json_string_value(json_object_get(request->inputs, "fact"));
	const char *value = json_string_value(json_object_get(request->inputs, "value"));
	char text[256];

	(void)snprintf(text, sizeof(text), "%s%s%s%s%s", request->action, fact ? " " : "",
		fact ? fact : "", value ? "=" : "", value ? value : "");
	note(node->asked, sizeof(node->asked), text);
}

/* Carry the machine through until it is done. The result's data is the caller's. */
static struct dp_act_next drive(struct deploy_act *act, struct node *node)
{
	void *row = dp_xcalloc(1, act->ops->row_size);
	struct dp_act_input input = {.kind = DP_ACT_BEGIN, .now_us = node->now_us};
	struct dp_act_next next, stop;
	struct dp_reply reply;
	json_t *data = NULL;

	for (int turns = 0;; turns++) {
		assert_true(turns < 200);
		next = (struct dp_act_next){0};
		act->ops->step(act, row, "web1", &input, &next);
		json_decref(data);
		data = NULL;
		if (next.what)
			note(node->told, sizeof(node->told), next.what);
		input = (struct dp_act_input){.kind = DP_ACT_AWAKE, .now_us = node->now_us};
		if (next.kind == DP_ACT_DONE)
			break;
		if (next.kind == DP_ACT_SLEEP) {
			node->now_us += next.sleep_ms * 1000;
			input.now_us = node->now_us;
			if (node->stop_after < 0)
				input.kind = DP_ACT_STOP;
			continue;
		}
		assert_int_equal(DP_ACT_ASK, next.kind);
		assert_true(next.timeout_ms > 0);
		note_request(node, next.request);
		node->requests++;
		if (node->requests == node->stop_after) {
			stop = (struct dp_act_next){0};
			input.kind = DP_ACT_STOP;
			act->ops->step(act, row, "web1", &input, &stop);
			assert_int_equal(DP_ACT_GO_ON, stop.kind);
		}
		input.kind = DP_ACT_NO_REPLY;
		if (node->mute_action && strcmp(next.request->action, node->mute_action) == 0)
			continue;
		data = answer(node, next.request);
		reply = (struct dp_reply){.sender = "web1", .statusmsg = "OK", .data = data};
		if (node->fail_action && strcmp(next.request->action, node->fail_action) == 0) {
			reply.statuscode = 1;
			reply.statusmsg = "no room";
		}
		input.kind = DP_ACT_REPLY;
		input.reply = &reply;
	}
	act->ops->release_row(act, row);
	free(row);
	return next;
}

static const struct deploy_push_options plain = {
	.collective = "mcollective", .ttl_s = 60, .timeout_ms = 1000, .verify_ms = 10000};

/* before and wanted: JSON objects. *after is what the node then has, compact; caller frees. */
static struct dp_act_next push(const struct deploy_push_options *options, struct node *node,
	const char *before, const char *wanted, char **after)
{
	struct deploy_error err = {0};
	struct deploy_act *act = NULL;
	struct dp_act_next next;
	json_t *facts = json_loads(wanted, 0, NULL);

	node->facts = json_loads(before, 0, NULL);
	node->shown = json_deep_copy(node->facts);
	assert_non_null(facts);
	assert_int_equal(0, deploy_push_new(&act, options, &err));
	assert_int_equal(0,
		deploy_push_add(act, "web1",
			&(struct deploy_push_node){facts, node->wants_environment, node->was_given},
			&err));
	next = drive(act, node);
	*after = json_dumps(node->facts, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(facts);
	json_decref(node->facts);
	json_decref(node->shown);
	act->ops->free(act);
	return next;
}

struct push_case {
	enum agent_kind kind;
	const char *before, *wanted, *after;
	const char *asked; /* without the looks */
	bool changed;
};

static void without_looks(char *asked)
{
	static const char look[] = "get_facts";
	char *at;

	while ((at = strstr(asked, look))) {
		char *end = at + strlen(look);

		if (strncmp(end, "; ", 2) == 0)
			end += 2;
		else if (at > asked + 1)
			at -= 2;
		memmove(at, end, strlen(end) + 1);
	}
}

static void nodes_get_what_they_lack_whatever_their_agent_does(void **state)
{
	static const struct push_case cases[] = {
		{OURS, "{}", "{\"a\":\"x\"}", "{\"a\":\"x\"}", "create_fact a=x", true},
		{REPLACING, "{}", "{\"a\":\"x\"}", "{\"a\":\"x\"}", "create_fact a=x", true},
		{ADDING, "{}", "{\"a\":\"x\"}", "{\"a\":\"x\"}", "create_fact a=x", true},
		{OURS, "{\"a\":\"x\"}", "{\"a\":\"x\"}", "{\"a\":\"x\"}", "", false},
		{OURS, "{\"a\":\"y x\"}", "{\"a\":\"x y\"}", "{\"a\":\"y x\"}", "", false},
		{OURS, "{\"a\":\"dn\"}", "{\"a\":\"dn rm\"}", "{\"a\":\"dn rm\"}",
			"agent_inventory; create_fact a=dn rm", true},
		{ADDING, "{\"a\":\"dn\"}", "{\"a\":\"dn rm\"}", "{\"a\":\"dn rm\"}",
			"agent_inventory; create_fact a=rm", true},
		{REPLACING, "{\"a\":\"dn\"}", "{\"a\":\"dn rm\"}", "{\"a\":\"dn rm\"}",
			"agent_inventory; create_fact a=rm; create_fact a=dn rm", true},
		{REPLACING, "{\"a\":\"dn\"}", "{\"a\":\"rm\"}", "{\"a\":\"rm\"}",
			"create_fact a=rm", true},
		{OURS, "{\"a\":\"dn rm\"}", "{\"a\":\"dn\"}", "{\"a\":\"dn\"}", "create_fact a=dn",
			true},
		{OURS, "{\"a\":\"x\",\"b\":\"1\"}", "{\"a\":null,\"b\":\"2\"}", "{\"b\":\"2\"}",
			"remove_fact a; create_fact b=2", true},
		{OURS, "{\"b\":\"1\"}", "{\"a\":null}", "{\"b\":\"1\"}", "", false},
		{OURS, "{\"a\":5,\"b\":true}", "{\"a\":\"5\",\"b\":\"true\"}",
			"{\"a\":5,\"b\":true}", "", false},
		{ADDING, "{\"a\":\"dn\",\"b\":\"z\"}", "{\"a\":\"dn rm\",\"b\":\"z\",\"c\":\"n\"}",
			"{\"a\":\"dn rm\",\"b\":\"z\",\"c\":\"n\"}",
			"agent_inventory; create_fact a=rm; create_fact c=n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node node = {.kind = cases[i].kind};
		char *after;
		struct dp_act_next next =
			push(&plain, &node, cases[i].before, cases[i].wanted, &after);

		without_looks(node.asked);
		assert_string_equal(cases[i].asked, node.asked);
		assert_string_equal(cases[i].after, after);
		assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
		assert_int_equal(
			cases[i].changed, json_is_true(json_object_get(next.data, "changed")));
		assert_string_equal(cases[i].changed ? "changed" : "unchanged", next.message);
		free(after);
		json_decref(next.data);
	}
}

static void what_is_sent_is_told_before(void **state)
{
	struct node node = {.kind = OURS};
	char *after;
	struct dp_act_next next;

	(void)state;
	node.wants_environment = "production";
	next = push(&plain, &node, "{}", "{\"a\":\"x\",\"b\":null}", &after);
	assert_string_equal("puppet_environment production; create_fact a", node.told);
	assert_string_equal(
		"get_facts; puppet_environment; create_fact a=x; get_facts", node.asked);
	assert_string_equal(
		"production", json_string_value(json_object_get(next.data, "environment")));
	assert_non_null(node.environment);
	json_decref(next.data);
	free(after);
}

static void an_environment_alone_is_set_too(void **state)
{
	struct node node = {.kind = REPLACING};
	char *after;
	struct dp_act_next next;

	(void)state;
	node.wants_environment = "test";
	next = push(&plain, &node, "{}", "{}", &after);
	assert_string_equal("puppet_environment", node.asked);
	assert_true(json_is_true(json_object_get(next.data, "changed")));
	json_decref(next.data);
	free(after);
}

/* A machine that was set up anew under its old name has lost its environment with its facts. */
static void an_environment_that_was_given_goes_with_a_fact_that_is_missing(void **state)
{
	struct node node = {.kind = OURS, .wants_environment = "test", .was_given = true};
	struct deploy_push_options compare = plain;
	char *after;
	struct dp_act_next next;

	(void)state;
	next = push(&plain, &node, "{\"a\":\"x\"}", "{\"a\":\"x\"}", &after);
	assert_string_equal("get_facts", node.asked);
	assert_null(json_object_get(next.data, "environment"));
	assert_true(json_is_false(json_object_get(next.data, "changed")));
	json_decref(next.data);
	free(after);
	compare.only_compares = true;
	node = (struct node){.kind = OURS, .wants_environment = "test", .was_given = true};
	next = push(&compare, &node, "{}", "{\"a\":\"x\"}", &after);
	assert_non_null(json_object_get(next.data, "environment"));
	json_decref(next.data);
	free(after);
	node = (struct node){.kind = OURS, .wants_environment = "test", .was_given = true};
	next = push(&plain, &node, "{}", "{\"a\":\"x\"}", &after);
	assert_string_equal(
		"get_facts; puppet_environment; create_fact a=x; get_facts", node.asked);
	json_decref(next.data);
	free(after);
}

static void a_word_found_inside_another_is_never_taken_for_it(void **state)
{
	struct node node = {.kind = ADDING};
	char *after;
	struct dp_act_next next = push(&plain, &node, "{\"a\":\"storm-worker\"}",
		"{\"a\":\"storm-worker worker\"}", &after);

	(void)state;
	assert_int_equal(DEPLOY_OUTCOME_FAILED, next.state);
	assert_string_equal("a was sent, but the node still shows \"storm-worker\"", next.message);
	json_decref(next.data);
	free(after);
}

static void facts_may_take_their_time_to_show(void **state)
{
	struct node node = {.kind = OURS, .stale_looks = 15};
	char *after, *data;
	struct dp_act_next next = push(&plain, &node, "{}", "{\"a\":\"x\"}", &after);

	(void)state;
	assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
	data = json_dumps(next.data, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		"{\"changed\":true,\"facts\":{\"a\":{\"from\":null,\"to\":\"x\"}}}", data);
	free(data);
	without_looks(node.asked);
	assert_string_equal("create_fact a=x", node.asked);
	json_decref(next.data);
	free(after);
	node = (struct node){.kind = OURS, .stale_looks = 1000};
	next = push(&plain, &node, "{}", "{\"a\":\"x\"}", &after);
	assert_int_equal(DEPLOY_OUTCOME_FAILED, next.state);
	assert_string_equal("a was sent, but the node still shows no such fact", next.message);
	without_looks(node.asked);
	assert_string_equal("create_fact a=x", node.asked);
	json_decref(next.data);
	free(after);
}

static void a_comparison_changes_nothing(void **state)
{
	struct node node = {.kind = OURS};
	struct deploy_push_options options = plain;
	char *after, *data;
	struct dp_act_next next;

	(void)state;
	options.only_compares = true;
	next = push(
		&options, &node, "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\",\"b\":\"3\"}", &after);
	assert_string_equal("get_facts", node.asked);
	data = json_dumps(next.data, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(
		"{\"changed\":true,\"facts\":{\"b\":{\"from\":\"2\",\"to\":\"3\"}}}", data);
	free(data);
	free(after);
	json_decref(next.data);
}

struct end_case {
	struct node node;
	enum deploy_outcome_state state;
	const char *message;
};

static void what_goes_wrong_is_named(void **state)
{
	static const struct end_case cases[] = {
		{{.fail_action = "get_facts"}, DEPLOY_OUTCOME_FAILED, "get_facts: no room"},
		{{.fail_action = "create_fact"}, DEPLOY_OUTCOME_FAILED, "create_fact a: no room"},
		{{.mute_action = "get_facts"}, DEPLOY_OUTCOME_SILENT, "no answer to get_facts"},
		{{.mute_action = "create_fact"}, DEPLOY_OUTCOME_SILENT,
			"no answer to create_fact a: it may have been done, or there is no agent "
			"deploop"},
		{{.odd_data = "[]"}, DEPLOY_OUTCOME_FAILED, "get_facts answered without values"},
		{{.odd_data = "{\"values\": 5}"}, DEPLOY_OUTCOME_FAILED,
			"get_facts answered without values"},
		{{.odd_data = "{\"values\": {\"b\": 5}}"}, DEPLOY_OUTCOME_FAILED,
			"get_facts did not say what a is"},
		{{.stop_after = 1}, DEPLOY_OUTCOME_UNKNOWN,
			"interrupted before all facts were given"},
		{{.stop_after = -1, .stale_looks = 99}, DEPLOY_OUTCOME_UNKNOWN,
			"interrupted before the facts showed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node node = cases[i].node;
		char *after;
		struct dp_act_next next = push(&plain, &node, "{}", "{\"a\":\"x\"}", &after);

		assert_string_equal(cases[i].message, next.message);
		assert_int_equal(cases[i].state, next.state);
		json_decref(next.data);
		free(after);
	}
}

static void a_file_is_fetched_and_read_back(void **state)
{
	struct node node = {.kind = OURS};
	struct deploy_push_options options = plain;
	char *after;
	struct dp_act_next next;

	(void)state;
	options.url = "https://files.example.net/facts.yaml";
	next = push(&options, &node, "{}", "{}", &after);
	assert_string_equal("fetch_facts; get_facts", node.asked);
	assert_string_equal("fetch_facts", node.told);
	assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
	assert_true(json_is_true(json_object_get(next.data, "changed")));
	json_decref(next.data);
	free(after);
}

/* A node that tells of a million facts would be asked for them for hours. */
static void a_node_that_tells_of_too_many_facts_is_not_asked_for_them(void **state)
{
	struct node node = {.kind = OURS, .fetches = json_object()};
	struct deploy_push_options options = plain;
	char *after, name[16];
	struct dp_act_next next;

	(void)state;
	for (int i = 0; i < 1001; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)json_object_set_new(node.fetches, name, json_string("v"));
	}
	options.url = "https://files.example.net/facts.yaml";
	next = push(&options, &node, "{}", "{}", &after);
	assert_int_equal(DEPLOY_OUTCOME_FAILED, next.state);
	assert_string_equal("fetch_facts set 1001 facts; of more than 1000 it cannot be seen that "
			    "they are there",
		next.message);
	assert_int_equal(1, node.requests);
	json_decref(next.data);
	json_decref(node.fetches);
	free(after);
}

static void many_names_are_asked_for_in_portions(void **state)
{
	struct node node = {.kind = OURS};
	json_t *wanted = json_object();
	char *text, *after, name[60];
	struct dp_act_next next;

	(void)state;
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "fact_with_a_name_of_thirty_bytes_%02d", i);
		(void)json_object_set_new(wanted, name, json_string("v"));
	}
	text = json_dumps(wanted, 0);
	next = push(&plain, &node, text, text, &after);
	assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
	assert_int_equal(4, node.requests);
	json_decref(next.data);
	json_decref(wanted);
	free(text);
	free(after);
}

static void what_agents_would_refuse_is_not_sent(void **state)
{
	static const char *const names[] = {"", "-a", "a b", "../a", "a/b", ".a", "a:b", "a\n",
		"a_name_of_forty_one_bytes_is_one_too_long"};
	static const char *const values[] = {
		"", " a", "a ", "a  b", "a\nb", "a;b", "$(a)", "\xc3\xa9"};
	struct deploy_push_options options = plain;
	struct deploy_act *act = NULL;
	struct deploy_error err = {0};
	json_t *facts;
	char text[102];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(DEPLOY_INPUT, deploy_fact_check_name(names[i], &err));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(DEPLOY_INPUT, deploy_fact_check_value("a", values[i], &err));
	memset(text, 'x', 101);
	text[101] = '\0';
	assert_int_equal(DEPLOY_INPUT, deploy_fact_check_value("a", text, &err));
	text[100] = '\0';
	err = (struct deploy_error){0};
	assert_int_equal(0, deploy_fact_check_value("a", text, &err));
	options.url = "http://x/f.yaml";
	assert_int_equal(DEPLOY_INPUT, deploy_push_new(&act, &options, &err));
	options.sha256 = "0123";
	assert_int_equal(DEPLOY_INPUT, deploy_push_new(&act, &options, &err));
	options.url = "ftp://x/f.yaml";
	assert_int_equal(DEPLOY_INPUT, deploy_push_new(&act, &options, &err));
	options.url = "https://x/a b";
	assert_int_equal(DEPLOY_INPUT, deploy_push_new(&act, &options, &err));
	assert_null(act);
	assert_int_equal(0, deploy_push_new(&act, &plain, &(struct deploy_error){0}));
	facts = json_object();
	assert_int_equal(
		DEPLOY_INPUT, deploy_push_add(act, "web1",
				      &(struct deploy_push_node){facts, "../x", false}, &err));
	(void)json_object_set_new(facts, "a", json_integer(5));
	assert_int_equal(DEPLOY_INPUT,
		deploy_push_add(act, "web1", &(struct deploy_push_node){facts, NULL, false}, &err));
	json_decref(facts);
	act->ops->free(act);
}

static void words_are_compared_as_words(void **state)
{
	char *missing;

	(void)state;
	assert_true(deploy_fact_equal("a b", "b a"));
	assert_true(deploy_fact_equal("a  b\n", "a b"));
	assert_false(deploy_fact_equal("a a", "a"));
	assert_false(deploy_fact_equal("ab", "a b"));
	missing = dp_fact_missing("dn", "hbase dn rm");
	assert_string_equal("hbase rm", missing);
	free(missing);
	assert_null(dp_fact_missing("dn x", "dn rm"));
	assert_null(dp_fact_missing("dn rm", "rm dn"));
	assert_null(dp_fact_missing("zz", "aa"));
	missing = dp_fact_missing("dn", "dn dn");
	assert_string_equal("dn", missing);
	free(missing);
}

static void words_of_a_file_stand_in_its_order(void **state)
{
	static const struct {
		const char *whole, *chosen, *before, *united;
	} cases[] = {
		{"dn rm", "dn rm", NULL, "dn rm"},
		{"dn hbase-master", "hbase-master", "dn", "dn hbase-master"},
		{"dn hbase-master", "hbase-master", NULL, "hbase-master"},
		/* Words of before that the file says no more are gone. */
		{"dn", "dn", "dn rm", "dn"},
		{"storm-worker", "worker", "storm", ""},
		{"blue", NULL, NULL, ""},
		{"blue green", NULL, "green", "green"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *words = deploy_fact_unite(cases[i].whole, cases[i].chosen, cases[i].before);

		assert_string_equal(cases[i].united, words);
		free(words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_get_what_they_lack_whatever_their_agent_does),
		cmocka_unit_test(what_is_sent_is_told_before),
		cmocka_unit_test(an_environment_alone_is_set_too),
		cmocka_unit_test(an_environment_that_was_given_goes_with_a_fact_that_is_missing),
		cmocka_unit_test(a_word_found_inside_another_is_never_taken_for_it),
		cmocka_unit_test(facts_may_take_their_time_to_show),
		cmocka_unit_test(a_comparison_changes_nothing),
		cmocka_unit_test(what_goes_wrong_is_named),
		cmocka_unit_test(a_file_is_fetched_and_read_back),
		cmocka_unit_test(a_node_that_tells_of_too_many_facts_is_not_asked_for_them),
		cmocka_unit_test(many_names_are_asked_for_in_portions),
		cmocka_unit_test(what_agents_would_refuse_is_not_sent),
		cmocka_unit_test(words_are_compared_as_words),
		cmocka_unit_test(words_of_a_file_stand_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
