/* Steps of plans as acts: what they may say when it is known, and what outcomes of theirs mean. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "assigned.h"
#include "play_acts.h"
#include "state_world.h"

struct bench {
	struct world *world;
	struct deploy_config config;
	struct ctx ctx;
	struct play_acts *acts;
	struct deploy_nodeset *nodes;
	unsigned flushes;
	json_t *hidden;
	struct deploy_error err;
};

static void count_flush(void *arg)
{
	((struct bench *)arg)->flushes++;
}

static char *literal(const char *text)
{
	return (char *)(uintptr_t)text;
}

static int set_up(void **arg)
{
	struct bench *bench = dp_xcalloc(1, sizeof(*bench));
	char *key;

	assert_int_equal(0, world_open((void **)&bench->world));
	key = world_path(bench->world, "key.pem");
	write_file(key, "", 0600);
	bench->config = (struct deploy_config){.ttl_s = 60,
		.identity = literal("here"),
		.state = bench->world->path,
		.puppet = {literal("https://puppet:8140"), key, key, key}};
	bench->ctx = (struct ctx){.config = &bench->config, .signal_fd = -1};
	assert_int_equal(0, ctx_state(&bench->ctx, true, &bench->err));
	bench->acts = play_acts_new(&bench->ctx, "mcollective", count_flush, bench);
	bench->nodes = deploy_nodeset_new();
	bench->hidden = json_array();
	*arg = bench;
	return 0;
}

static int tear_down(void **arg)
{
	struct bench *bench = *arg;

	play_acts_free(bench->acts);
	deploy_nodeset_free(bench->nodes);
	deploy_state_close(bench->ctx.state);
	json_decref(bench->hidden);
	(void)world_close((void **)&bench->world);
	free(bench);
	return 0;
}

static void add_nodes(struct bench *bench, const char *nodes)
{
	assert_int_equal(0, deploy_nodeset_parse(bench->nodes, nodes, &bench->err));
}

/* The error, or "ok"; borrowed until the next call. */
static const char *make(struct bench *bench, struct deploy_step *step, const char *values)
{
	json_t *json = json_loads(values, JSON_DECODE_ANY, NULL);
	struct deploy_act *act = NULL;
	int rc;

	assert_non_null(json);
	bench->err = (struct deploy_error){.code = DEPLOY_OK};
	rc = play_acts_make(bench->acts, &act, step, json, &bench->nodes, &bench->err);
	assert_int_equal(rc, bench->err.code);
	assert_true((rc == 0) == (act != NULL));
	deploy_act_free(act);
	json_decref(json);
	return rc ? bench->err.text : "ok";
}

static void tell(struct bench *bench, const struct deploy_step *step, const char *node,
	enum deploy_outcome_state state, const char *data)
{
	struct deploy_outcome outcome = {.state = state, .data = json_loads(data, 0, NULL)};
	const struct deploy_event event = {
		.type = DEPLOY_EVENT_OUTCOME, .node = node, .outcome = &outcome};
	int rc = deploy_state_begin(bench->ctx.state, &bench->err);

	if (!rc)
		rc = play_acts_record(bench->acts, step, bench->ctx.state, &event, &bench->err);
	(void)deploy_state_finish(bench->ctx.state, rc, &bench->err);
	json_decref(outcome.data);
	assert_string_equal("", bench->err.text);
}

static int print_assignment(void *arg, const struct deploy_assignment *assignment)
{
	print(arg, "%s %s=%s%s%s", assignment->node, assignment->fact, assignment->value,
		assignment->pushed_at_us ? " pushed" : "",
		assignment->verified_at_us ? " verified" : "");
	return 0;
}

static void assert_assigned(struct bench *bench, const char *expected)
{
	const struct deploy_assignment_query all = {.node = NULL};
	struct text text = {.len = 0};

	assert_int_equal(0, deploy_state_each_assignment(
				    bench->ctx.state, &all, print_assignment, &text, &bench->err));
	assert_string_equal(expected, text.bytes);
}

static void assign(struct bench *bench, const char *node, const char *facts)
{
	json_t *json = json_loads(facts, 0, NULL);

	assert_int_equal(0, deploy_state_assign(bench->ctx.state, node, json, NULL, &bench->err));
	json_decref(json);
}

/* A value, and the error that it makes. */
struct bad {
	const char *values, *error;
};

static void check_bad(
	struct bench *bench, struct deploy_step *step, const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(bad[i].error, make(bench, step, bad[i].values));
		assert_int_equal(DEPLOY_INPUT, bench->err.code);
	}
}

#define CHECK_BAD(bench, step, bad) check_bad(bench, step, bad, sizeof(bad) / sizeof((bad)[0]))

static void a_puppet_run_is_checked_when_its_values_are_known(void **state)
{
	static const struct bad bad[] = {
		{"{\"tags\": [\"a\", 5]}", "puppet_run: tags: expected a list of texts"},
		{"{\"tags\": []}", "puppet_run: tags: expected text, or a list of texts"},
		{"{\"tags\": \"a b\"}", "puppet_run: \"a b\": agents take no such tags"},
		{"{\"noop\": null}", "puppet_run: noop: expected true or false"},
		{"{\"noop\": \"yes\"}", "puppet_run: noop: expected true or false"},
		{"{\"environment\": \"\"}", "puppet_run: environment: expected text"},
		{"{\"use_cached_catalog\": 1}",
			"puppet_run: use_cached_catalog: expected true or false"},
		{"{\"run\": true}", "puppet_run: run: expected a time"},
		{"{\"idle\": \"x\"}", "puppet_run: idle: time \"x\": expected seconds or a number "
				      "with ms, s, m, h "
				      "or d, such as 90s"},
	};
	struct deploy_step step = {.kind = DEPLOY_STEP_PUPPET_RUN};
	struct bench *bench = *state;

	add_nodes(bench, "web1");
	CHECK_BAD(bench, &step, bad);
	assert_string_equal("ok", make(bench, &step, "null"));
	assert_string_equal("ok",
		make(bench, &step,
			"{\"tags\": [\"web\", \"ssh\"], \"noop\": true, \"splay\": 5, \"poll\": "
			"\"1s\", \"start\": 0.5, \"environment\": \"test\"}"));
}

static void a_role_is_recorded_with_the_outcome(void **state)
{
	static const struct bad bad[] = {
		{"{\"collection\": \"c\", \"category\": \"l\"}", "assign_role: role: missing"},
		{"{\"collection\": null, \"category\": \"l\", \"role\": \"r\"}",
			"assign_role: collection: expected text"},
		{"{\"collection\": \"c\", \"category\": \"l\", \"role\": \"r\", \"environment\": "
		 "\"a/b\"}",
			"assign_role: \"a/b\" is no name of a Puppet environment: A-Z a-z 0-9 _, "
			"at "
			"most 50 bytes"},
	};
	struct deploy_step step = {.kind = DEPLOY_STEP_ASSIGN_ROLE};
	struct bench *bench = *state;

	assign(bench, "web1", "{\"rack\": \"r1\"}");
	assign(bench, "web2", "{\"rack\": \"r2\"}");
	add_nodes(bench, "web[1-2]");
	CHECK_BAD(bench, &step, bad);
	assert_string_equal("ok",
		make(bench, &step,
			"{\"collection\": \"c\", \"category\": \"l\", \"role\": \"r\", \"entity\": "
			"[\"a\", \"b\"], \"environment\": \"test\"}"));
	assert_true(bench->flushes > 0);
	assert_assigned(bench, "web1 rack=r1, web2 rack=r2");
	tell(bench, &step, "web2", DEPLOY_OUTCOME_CANCELLED, "{}");
	tell(bench, &step, "web9", DEPLOY_OUTCOME_OK, "{}");
	tell(bench, &step, "web1", DEPLOY_OUTCOME_OK, "{}");
	assert_assigned(bench,
		"web1 deploop_category=l, web1 deploop_collection=c, web1 deploop_entity=a b, "
		"web1 deploop_role=r, web1 puppet/environment=test, web1 rack=r1, web2 rack=r2");
}

static void who_was_never_seen_is_assigned_nothing(void **state)
{
	struct deploy_step step = {.kind = DEPLOY_STEP_ASSIGN_ROLE};
	struct bench *bench = *state;

	add_nodes(bench, "web1");
	assert_string_equal("assign_role: no node of the fleet: web1; nothing was done",
		make(bench, &step,
			"{\"collection\": \"c\", \"category\": \"l\", \"role\": \"r\"}"));
	assert_int_equal(DEPLOY_REFUSED, bench->err.code);
}

#define CLUSTER                                                                                    \
	"{\"buildoop_repository\": \"http://x/\", \"environment_cluster\": \"lab\", "              \
	"\"cluster_layout\": {\"name\": \"n\", \"bus\": {\"name\": \"kafka\", \"worker\": "        \
	"[{\"hostname\": \"web1\"}]}, \"speed\": {\"name\": \"storm\", \"master\": "               \
	"{\"hostname\": "                                                                          \
	"\"web2\"}, \"worker\": [{\"hostname\": \"web3\"}]}}}"

static void a_cluster_file_says_which_nodes(void **state)
{
	static const struct bad bad[] = {
		{"{\"layers\": \"dust\"}", "assign_role: layers: \"dust\" is no layer: expected "
					   "batch, bus, speed, serving"},
		{"{\"cluster\": \"x\"}",
			"assign_role: cluster: no file is about \"x\", only about lab"},
	};
	struct bench *bench = *state;
	struct deploy_step step = {
		.kind = DEPLOY_STEP_ASSIGN_ROLE, .file = world_path(bench->world, "cluster.json")};
	char *folded;

	write_file(step.file, CLUSTER, 0600);
	assign(bench, "web2", "{\"rack\": \"r2\"}");
	assign(bench, "web3", "{\"rack\": \"r3\"}");
	CHECK_BAD(bench, &step, bad);
	assert_string_equal("assign_role: no node has a role in these layers",
		make(bench, &step, "{\"layers\": \"batch\"}"));
	assert_int_equal(DEPLOY_NO_NODES, bench->err.code);
	assert_string_equal("ok", make(bench, &step, "{\"layers\": [\"speed\"]}"));
	folded = deploy_nodeset_print(bench->nodes);
	assert_string_equal("web[2-3]", folded);
	free(folded);
	tell(bench, &step, "web3", DEPLOY_OUTCOME_OK, "{}");
	assert_assigned(bench,
		"web2 rack=r2, web3 deploop_category=speed, web3 deploop_collection=lab, "
		"web3 deploop_entity=, web3 deploop_role=storm-worker, web3 "
		"puppet/environment=lab, web3 rack=r3");
	write_file(step.file, "{\"a\": 1}", 0600);
	assert_string_not_equal("ok", make(bench, &step, "{}"));
	assert_int_equal(DEPLOY_INPUT, bench->err.code);
}

static void a_cluster_file_stands_beside_its_plan(void **state)
{
	struct bench *bench = *state;
	char *path = world_path(bench->world, "plan.yaml");
	char *file = world_path(bench->world, "cluster.json");
	struct deploy_playbook *book;

	write_file(file, CLUSTER, 0600);
	write_file(path, "plan: p\nsteps:\n  - {assign_role: {file: cluster.json}}\n", 0600);
	assert_int_equal(0, deploy_playbook_read_file(&book, path, NULL, &bench->err));
	assert_int_equal(0, deploy_playbook_flaw_count(book));
	assert_string_equal(file, book->steps.items[0].file);
	deploy_playbook_free(book);
}

static void facts_are_checked_when_they_are_known(void **state)
{
	static const struct bad bad[] = {
		{"{\"facts\": {\"a\": null}}", "push_facts: facts: a: ${x} comes to nothing, which "
					       "would take the fact away"},
		{"{\"facts\": {\"a\": [1]}}", "push_facts: web1: a: the value is no text"},
		{"{\"facts\": [1]}", "push_facts: facts: expected a mapping"},
		{"{\"url\": \"http://x/\"}", "push_facts: url: http://x/: nodes cannot tell who "
					     "sends this; the file's digest is needed"},
		{"{\"url\": \"https://x/\", \"sha256\": \"ABC\"}",
			"push_facts: sha256: \"ABC\" is no SHA256: 64 digits of 0-9 a-f"},
		{"{\"url\": \"https://x/\", \"facts\": {}}",
			"push_facts: facts: nodes fetch them from the url"},
		{"{\"verify\": \"soon\"}", "push_facts: verify: time \"soon\": expected seconds or "
					   "a number with ms, s, "
					   "m, h or d, such as 90s"},
		{"{}", "push_facts: nothing is assigned to web1"},
	};
	struct deploy_step step = {.kind = DEPLOY_STEP_PUSH_FACTS};
	struct bench *bench = *state;

	step.act = json_loads("{\"facts\": {\"a\": \"${x}\", \"b\": null}}", 0, NULL);
	add_nodes(bench, "web1");
	CHECK_BAD(bench, &step, bad);
	assert_string_equal(
		"ok", make(bench, &step, "{\"facts\": {\"a\": 0.1, \"b\": null}, \"verify\": 1}"));
	assert_string_equal("ok", make(bench, &step, "{\"url\": \"https://x/\"}"));
	json_decref(step.act);
}

static int print_facts(void *arg, const struct deploy_node_record *node)
{
	char *text = json_dumps(node->facts, JSON_COMPACT | JSON_SORT_KEYS);

	print(arg, "%s", text);
	free(text);
	return 0;
}

static void assigned_facts_are_known_to_be_there_when_the_node_says_so(void **state)
{
	struct deploy_step step = {.kind = DEPLOY_STEP_PUSH_FACTS};
	struct bench *bench = *state;
	struct text text = {.len = 0};

	assign(bench, "web1", "{\"rack\": \"r1\", \"puppet/environment\": \"test\"}");
	assign(bench, "web2", "{\"rack\": \"r2\"}");
	add_nodes(bench, "web[1-2]");
	assert_string_equal("ok", make(bench, &step, "{}"));
	tell(bench, &step, "web1", DEPLOY_OUTCOME_OK, "{\"changed\": true}");
	tell(bench, &step, "web2", DEPLOY_OUTCOME_FAILED, "{\"changed\": true}");
	assert_assigned(bench, "web1 puppet/environment=test pushed, web1 rack=r1 pushed verified, "
			       "web2 rack=r2");
	/* Another value makes that unknown before anything is sent. */
	assert_string_equal("ok", make(bench, &step, "{\"facts\": {\"rack\": 12}}"));
	assert_assigned(bench, "web1 puppet/environment=test pushed, web1 rack=r1, web2 rack=r2");
	tell(bench, &step, "web1", DEPLOY_OUTCOME_OK, "{\"changed\": true}");
	assert_int_equal(
		0, deploy_state_node(bench->ctx.state, "web1", print_facts, &text, &bench->err));
	assert_string_equal("{\"rack\":\"12\"}", text.bytes);
}

static void groups_of_a_step_are_kept_apart(void **state)
{
	struct deploy_step step = {.kind = DEPLOY_STEP_PUSH_FACTS};
	struct bench *bench = *state;

	assign(bench, "web1", "{\"rack\": \"r1\"}");
	assign(bench, "web2", "{\"rack\": \"r2\"}");
	add_nodes(bench, "web1");
	assert_string_equal("ok", make(bench, &step, "{}"));
	deploy_nodeset_free(bench->nodes);
	bench->nodes = deploy_nodeset_new();
	add_nodes(bench, "web2");
	assert_string_equal("ok", make(bench, &step, "{}"));
	tell(bench, &step, "web1", DEPLOY_OUTCOME_OK, "{}");
	assert_assigned(bench, "web1 rack=r1 pushed verified, web2 rack=r2");
	tell(bench, &step, "web2", DEPLOY_OUTCOME_OK, "{}");
	assert_assigned(bench, "web1 rack=r1 pushed verified, web2 rack=r2 pushed verified");
}

static void steps_about_the_same_node_are_kept_apart(void **state)
{
	struct deploy_step own = {.kind = DEPLOY_STEP_PUSH_FACTS},
			   other = {.kind = DEPLOY_STEP_PUSH_FACTS};
	struct bench *bench = *state;
	struct text text = {.len = 0};

	add_nodes(bench, "web1");
	assert_string_equal("ok", make(bench, &own, "{\"facts\": {\"rack\": \"r1\"}}"));
	assert_string_equal("ok", make(bench, &other, "{\"facts\": {\"row\": \"7\"}}"));
	tell(bench, &own, "web1", DEPLOY_OUTCOME_OK, "{}");
	assert_int_equal(
		0, deploy_state_node(bench->ctx.state, "web1", print_facts, &text, &bench->err));
	assert_string_equal("{\"rack\":\"r1\"}", text.bytes);
}

static int print_certificate(void *arg, const struct deploy_node_record *node)
{
	print(arg, "%s %s", node->certificate, node->fingerprint);
	return 0;
}

static void certificates_are_recorded(void **state)
{
	static const struct bad bad[] = {
		{"{}", "sign_cert: nothing says whose requests may be signed: expected "
		       "verify_node, fingerprints or trust_on_first_use"},
		{"{\"fingerprints\": {}}", "sign_cert: nothing says whose requests may be signed: "
					   "expected verify_node, fingerprints or "
					   "trust_on_first_use"},
		{"{\"verify_node\": null}", "sign_cert: verify_node: expected true or false"},
		{"{\"fingerprints\": {\"web1\": null}}",
			"sign_cert: fingerprints: web1: expected text"},
		{"{\"trust_on_first_use\": true, \"allow_alt_names\": [\"web\"]}",
			"sign_cert: allow_alt_names: \"web\" is no alternative name: "
			"DNS:web.example.net or IP:10.0.0.1"},
		{"{\"trust_on_first_use\": true, \"allow_extensions\": 5}",
			"sign_cert: allow_extensions: expected text, or a list of texts"},
	};
	struct deploy_step step = {.kind = DEPLOY_STEP_SIGN_CERT};
	struct bench *bench = *state;
	struct text text = {.len = 0};

	add_nodes(bench, "web1");
	CHECK_BAD(bench, &step, bad);
	assert_string_not_equal("ok", make(bench, &step, "{\"fingerprints\": {\"web1\": \"AB\"}}"));
	assert_int_equal(DEPLOY_INPUT, bench->err.code);
	assert_string_equal("ok", make(bench, &step, "{\"verify_node\": true, \"wait\": \"5s\"}"));
	tell(bench, &step, "web1", DEPLOY_OUTCOME_OK,
		"{\"state\": \"signed\", \"fingerprint\": \"AA\", \"certificate\": \"BB\"}");
	assert_int_equal(0,
		deploy_state_node(bench->ctx.state, "web1", print_certificate, &text, &bench->err));
	assert_string_equal("signed BB", text.bytes);
	bench->config.puppet.url = NULL;
	assert_string_equal("sign_cert: the Puppet CA cannot be asked: the configuration does not "
			    "say puppet.url",
		make(bench, &step, "{\"verify_node\": true}"));
	assert_int_equal(DEPLOY_CONFIG, bench->err.code);
}

static void note_hidden(void *arg, json_t *value)
{
	(void)json_array_append(((struct bench *)arg)->hidden, value);
}

/* What an expression with these functions comes to, as JSON, or the error; caller frees. */
static char *evaluate(
	struct bench *bench, const struct deploy_expr_function *functions, const char *text)
{
	struct deploy_expr_world world = {
		.values = json_object(), .functions = functions, .function_count = 2};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_expr *expr = NULL;
	json_t *value = NULL;
	char *result;

	(void)bench;
	assert_int_equal(0, deploy_expr_new(&expr, "e", text, &err));
	if (deploy_expr_eval(&value, expr, &world, &err))
		result = dp_xasprintf("error: %s", err.text);
	else
		result = json_dumps(value, JSON_ENCODE_ANY);
	json_decref(value);
	json_decref(world.values);
	deploy_expr_free(expr);
	return result;
}

static void assert_value(struct bench *bench, const struct deploy_expr_function *functions,
	const char *text, const char *expected)
{
	char *value = evaluate(bench, functions, text);

	if (!strstr(value, expected))
		fail_msg("%s: %s, not %s", text, value, expected);
	free(value);
}

static void expressions_ask_for_facts_and_secrets(void **state)
{
	struct bench *bench = *state;
	const struct deploy_expr_function *functions;
	json_t *facts = json_pack("{s:s, s:n}", "country", "de", "gone");
	size_t count;

	assert_int_equal(0, deploy_state_set_facts(bench->ctx.state, "web1", facts, &bench->err));
	json_decref(facts);
	functions = play_functions(&bench->ctx, note_hidden, bench, &count);
	assert_int_equal(2, count);
	assert_value(bench, functions, "fact('web1', 'country')", "\"de\"");
	assert_value(bench, functions, "fact('web1', 'gone') == nil", "true");
	assert_value(bench, functions, "fact('web1', 'x') == nil", "true");
	assert_value(bench, functions, "fact('web2', 'country') == nil", "true");
	assert_value(bench, functions, "fact('web1')", "error: e:1:1: fact: fact() wants a node");
	assert_int_equal(0, setenv("PLAY_SECRET", "hunter2", 1));
	assert_value(bench, functions, "secret({env = 'PLAY_SECRET'})", "\"hunter2\"");
	assert_value(bench, functions, "secret({cmd = {'echo', 'a', 'b'}})", "\"a b\"");
	assert_int_equal(2, json_array_size(bench->hidden));
	assert_string_equal("hunter2", json_string_value(json_array_get(bench->hidden, 0)));
	/* Opened once. */
	assert_int_equal(0, unsetenv("PLAY_SECRET"));
	assert_value(bench, functions, "secret({env = 'PLAY_SECRET'})", "\"hunter2\"");
	assert_value(bench, functions, "secret({env = 'PLAY_OTHER'})", "PLAY_OTHER is not set");
	assert_value(bench, functions, "secret('hunter2')", "secret() wants to be told where");
	assert_value(bench, functions, "secret({env = 'A', file = '/b'})", "where the secret is");
	assert_value(bench, functions, "secret({cmd = {}})", "where the secret is");
	assert_value(bench, functions, "secret({cmd = {'echo', 5}})", "where the secret is");
	assert_value(bench, functions, "secret({literal = 'x'})", "where the secret is");
	play_functions_free(functions);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_puppet_run_is_checked_when_its_values_are_known),
		TEST(a_role_is_recorded_with_the_outcome),
		TEST(who_was_never_seen_is_assigned_nothing),
		TEST(a_cluster_file_says_which_nodes),
		TEST(a_cluster_file_stands_beside_its_plan),
		TEST(facts_are_checked_when_they_are_known),
		TEST(assigned_facts_are_known_to_be_there_when_the_node_says_so),
		TEST(groups_of_a_step_are_kept_apart),
		TEST(steps_about_the_same_node_are_kept_apart),
		TEST(certificates_are_recorded),
		TEST(expressions_ask_for_facts_and_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
