/* Requests and the inputs typed for them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void request_copies_its_names_and_shares_its_inputs(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_request *request;
	json_t *inputs = json_pack("{s:s}", "fact", "os");

	(void)state;
	assert_int_equal(deploy_request_new(&request, "rpcutil", "get_fact", inputs, &err), 0);
	json_decref(inputs);
	assert_string_equal(request->agent, "rpcutil");
	assert_string_equal(request->action, "get_fact");
	assert_string_equal(json_string_value(json_object_get(request->inputs, "fact")), "os");
	assert_string_equal(request->collective, "mcollective");
	assert_int_equal(request->ttl_s, 60);
	deploy_request_free(request);
	deploy_request_free(NULL);
}

static void ping_asks_discovery_without_an_action(void **state)
{
	struct deploy_request *request = deploy_request_ping();

	(void)state;
	assert_string_equal(request->agent, "discovery");
	assert_null(request->action);
	assert_null(request->inputs);
	deploy_request_free(request);
}

static void agent_and_action_keep_to_their_grammars(void **state)
{
	static const char *const cases[][2] = {
		{"", "run"},
		{"Puppet", "run"},
		{"pup-pet", "run"},
		{"pup.pet", "run"},
		{"a b", "run"},
		{"a/", "run"},
		{"\xc3\xbc", "run"},
		{"puppet", ""},
		{"puppet", "run once"},
		{"puppet", "run-once"},
		{"puppet", "r."},
		{"puppet", NULL},
		{"discovery", "ping"},
		{"puppet\n", "run"},
		{"puppet", "run\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		struct deploy_request *request;

		assert_int_equal(deploy_request_new(&request, cases[i][0], cases[i][1], NULL, &err),
			DEPLOY_USAGE);
		assert_null(request);
		assert_null(strchr(err.text, '\n'));
	}
}

static void names_are_limited_to_255_bytes(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_request *request;
	char name[257];

	(void)state;
	memset(name, 'a', 256);
	name[256] = '\0';
	assert_int_equal(deploy_request_new(&request, name + 1, name + 1, NULL, &err), 0);
	assert_int_equal(deploy_request_set_collective(request, name + 1, &err), 0);
	assert_int_equal(deploy_request_set_collective(request, name, &err), DEPLOY_USAGE);
	deploy_request_free(request);
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_request_new(&request, name, "run", NULL, &err), DEPLOY_USAGE);
	err.code = DEPLOY_OK;
	assert_int_equal(deploy_request_new(&request, "puppet", name, NULL, &err), DEPLOY_USAGE);
}

static void inputs_must_be_an_object(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_request *request;
	json_t *list = json_array();

	(void)state;
	assert_int_equal(deploy_request_new(&request, "puppet", "run", list, &err), DEPLOY_USAGE);
	assert_null(request);
	json_decref(list);
}

static void collective_that_cannot_be_a_routing_key_is_refused(void **state)
{
	static const char *const cases[] = {"", "a b", "a/b", "*", "#", "a\n", "\xc3\xbc"};
	struct deploy_request *request = deploy_request_ping();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(
			deploy_request_set_collective(request, cases[i], &err), DEPLOY_USAGE);
		assert_string_equal(request->collective, "mcollective");
	}
	deploy_request_free(request);
}

static void input_is_text_unless_json_is_asked_for(void **state)
{
	static const struct {
		const char *text, *key, *json;
	} cases[] = {
		{"fact=os", "fact", "\"os\""},
		{"a=1", "a", "\"1\""},
		{"a=true", "a", "\"true\""},
		{"a=b=c", "a", "\"b=c\""},
		{"a==", "a", "\"=\""},
		{"a= b ", "a", "\" b \""},
		{"A_9=x", "A_9", "\"x\""},
		{"a=b:=c", "a", "\"b:=c\""},
		{"a:=1", "a", "1"},
		{"a:=true", "a", "true"},
		{"a:=null", "a", "null"},
		{"a:=\"\"", "a", "\"\""},
		{"a:= [1, {\"b\": 2}] ", "a", "[1,{\"b\":2}]"},
		{"a:=-1.5", "a", "-1.5"},
		{"a:=\"x=y\"", "a", "\"x=y\""},
		{"a=\xc3\xbc", "a", "\"\xc3\xbc\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		json_t *inputs = json_object();
		char *json;

		assert_int_equal(deploy_request_parse_input(inputs, cases[i].text, &err), 0);
		json = json_dumps(
			json_object_get(inputs, cases[i].key), JSON_ENCODE_ANY | JSON_COMPACT);
		assert_string_equal(json, cases[i].json);
		assert_int_equal(json_object_size(inputs), 1);
		free(json);
		json_decref(inputs);
	}
}

static void malformed_input_is_refused_and_adds_nothing(void **state)
{
	static const char *const cases[] = {"", "a", "=b", ":=1", "a b=c", "a-b=c", "a.b=c",
		"\xc3\xbc=c", "a =b", "a=", "a:=", "a:={", "a:=[1,]", "a:=yes", "a:='b'", "a:=1 2",
		"a:={\"b\":1,\"b\":2}", "a:=\"\\u0000\"", "a=\xff", "a:=\"\xff\"",
		"a:=99999999999999999999", "a:=NaN", "a::=1", "a:b=c"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};
		json_t *inputs = json_object();

		if (deploy_request_parse_input(inputs, cases[i], &err) != DEPLOY_USAGE)
			fail_msg("\"%s\" was taken", cases[i]);
		assert_int_equal(json_object_size(inputs), 0);
		assert_non_null(strstr(err.text, "input"));
		json_decref(inputs);
	}
}

static void input_given_twice_is_refused(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *inputs = json_object();

	(void)state;
	assert_int_equal(deploy_request_parse_input(inputs, "a=1", &err), 0);
	assert_int_equal(deploy_request_parse_input(inputs, "a:=2", &err), DEPLOY_USAGE);
	assert_string_equal(json_string_value(json_object_get(inputs, "a")), "1");
	json_decref(inputs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_copies_its_names_and_shares_its_inputs),
		cmocka_unit_test(ping_asks_discovery_without_an_action),
		cmocka_unit_test(agent_and_action_keep_to_their_grammars),
		cmocka_unit_test(names_are_limited_to_255_bytes),
		cmocka_unit_test(inputs_must_be_an_object),
		cmocka_unit_test(collective_that_cannot_be_a_routing_key_is_refused),
		cmocka_unit_test(input_is_text_unless_json_is_asked_for),
		cmocka_unit_test(malformed_input_is_refused_and_adds_nothing),
		cmocka_unit_test(input_given_twice_is_refused),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
