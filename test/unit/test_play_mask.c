/* Secrets: nobody who is told of a play learns them. */
#include "play_bench.h"

static void secrets_are_hidden_in_data(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 "
			       "0{\"out\":\"is_hunter2_so\",\"hunter2\":{\"hunter2\":[\"hunter2\","
			       "\"x\"]}}",
		     .inputs = "{\"word\": \"hunter2\"}"},
		"inputs: {word: {secret: true}, more: {secret: true, required: false}, pin: {type: "
		"integer, secret: true, default: 7}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, on_failure: continue}\n",
		"a web1\n"
		"  web1 ok: OK {\"***\": {\"***\": [\"***\", \"x\"]}, \"out\": \"is_***_so\"}\n"
		"end ok\n");
}

static void the_longer_one_leaves_no_end(void **state)
{
	static const char text[] =
		"inputs: {word: {secret: true}, more: {secret: true, required: false}, pin: {type: "
		"integer, secret: true, default: 7}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, on_failure: continue}\n";

	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"out\":\"my_hunter2000_x\",\"both\":\"hunterunter\"}",
		     .inputs = "{\"word\": \"hunter\", \"more\": \"hunter2000\"}"},
		text,
		"a web1\n"
		"  web1 ok: OK {\"both\": \"***unter\", \"out\": \"my_***_x\"}\n"
		"end ok\n");
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"out\":\"xabcdefx\",\"x\":\"ababab\"}",
		     .inputs = "{\"word\": \"abcd\", \"more\": \"cdef\"}"},
		text,
		"a web1\n"
		"  web1 ok: OK {\"out\": \"x***x\", \"x\": \"ababab\"}\n"
		"end ok\n");
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"out\":\"xababababx\"}",
		     .inputs = "{\"word\": \"abab\"}"},
		text,
		"a web1\n"
		"  web1 ok: OK {\"out\": \"x***x\"}\n"
		"end ok\n");
}

static void short_ones_are_hidden_where_they_stand_alone(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 "
			       "0{\"out\":\"abc\",\"far\":\"xabcx\",\"n\":7,\"t\":\"7\",\"m\":77}",
		     .inputs = "{\"word\": \"abc\"}"},
		"inputs: {word: {secret: true}, more: {secret: true, required: false}, pin: {type: "
		"integer, secret: true, default: 7}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, on_failure: continue}\n",
		"a web1\n"
		"  web1 ok: OK {\"far\": \"xabcx\", \"m\": 77, \"n\": \"***\", \"out\": \"***\", "
		"\"t\": \"***\"}\n"
		"end ok\n");
}

static void numbers_are_hidden(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"n\":12345,\"t\":\"12345\",\"r\":1.5,\"m\":1234}",
		     .inputs = "{\"word\": \"none\", \"pin\": 12345}"},
		"inputs: {word: {secret: true}, more: {secret: true, required: false}, pin: {type: "
		"integer, secret: true, default: 7}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, on_failure: continue}\n",
		"a web1\n"
		"  web1 ok: OK {\"m\": 1234, \"n\": \"***\", \"r\": 1.5, \"t\": \"***\"}\n"
		"end ok\n");
}

static void keys_of_a_step_are_hidden(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"token\":{\"x\":1},\"word\":\"other\",\"out\":\"open\"}",
		     .inputs = "{}"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, with: {word: sesame, n: 1}, secret: "
		"[token, word]}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: web1}}\n",
		"a web1 {\"n\": 1, \"word\": \"sesame\"}\n"
		"  web1 ok: OK {\"out\": \"open\", \"token\": \"***\", \"word\": \"***\"}\n"
		"b web1\n"
		"  web1 ok: OK -\n"
		"end ok\n");
	play((struct play_world){.shows_message = true,
		     .script = "b web1 0{\"token\":1,\"out\":\"open_sesame\"}",
		     .inputs = "{}"},
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, with: {word: sesame}, secret: "
		"[word]}\n"
		"  - {id: b, rpc: a.c, nodes: {nodes: web1}}\n",
		"a web1 {\"word\": \"sesame\"}\n"
		"  web1 ok: OK -\n"
		"b web1\n"
		"  web1 ok: OK {\"out\": \"open_***\", \"token\": 1}\n"
		"end ok\n");
}

static void messages_and_errors_hide_them(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 1",
		     .inputs = "{\"word\": \"no\"}"},
		"inputs: {word: {secret: true}, more: {secret: true, required: false}, pin: {type: "
		"integer, secret: true, default: 7}}\n"
		"steps:\n"
		"  - {id: a, rpc: a.b, nodes: {nodes: web1}, on_failure: continue}\n",
		"a web1\n"
		"  web1 failed: *** -\n"
		"a stopped 1 of 1 nodes not ok, more than the 0 that max-fail 0 tolerates\n"
		"a not ok\n"
		"failed a\n"
		"end ok\n");
	play((struct play_world){.inputs = "{\"word\": \"hunter2\"}"},
		"inputs: {word: {secret: true}}\n"
		"steps:\n"
		"  - {id: a, confirm: 'With ${inputs.word}?'}\n"
		"  - {id: b, rpc: a.b, nodes: {nodes: '${inputs.word}!'}, on_failure: continue}\n"
		"  - {id: c, rpc: a.b, nodes: {nodes: '${inputs.word}!'}}\n",
		"a asks With ***?\n"
		"failed b: test/data/plays/t: nodes@b: nodes: node set \"***!\": column 9: a name "
		"is missing\n"
		"end failed input: test/data/plays/t: nodes@c: nodes: node set \"***!\": column 9: "
		"a name is "
		"missing\n");
}

static void the_clipboard_has_secrets(void **state)
{
	(void)state;
	play((struct play_world){.shows_message = true,
		     .script = "a web1 0{\"out\":\"hunter2\"}",
		     .inputs = "{}"},
		"clipboard: {word: hunter2, other: open}\n"
		"secret: [word]\n"
		"steps: [{id: a, rpc: a.b, nodes: {nodes: web1}}]\n",
		"a web1\n"
		"  web1 ok: OK {\"out\": \"***\"}\n"
		"end ok\n");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(secrets_are_hidden_in_data),
		TEST(the_longer_one_leaves_no_end),
		TEST(short_ones_are_hidden_where_they_stand_alone),
		TEST(numbers_are_hidden),
		TEST(keys_of_a_step_are_hidden),
		TEST(messages_and_errors_hide_them),
		TEST(the_clipboard_has_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
