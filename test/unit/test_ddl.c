/* DDLs: read as MCollective reads them, and no further than it is safe. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/ddl.h"

#include "folder.h"
#include "verdicts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define METADATA                                                                                   \
	"metadata :name => 'n', :description => 'd', :author => 'a', :license => 'l', "            \
	":version => '1', :url => 'u', :timeout => 5\n"
#define METADATA_JSON                                                                              \
	"\"metadata\": {\"name\": \"n\", \"description\": \"d\", \"author\": \"a\", "              \
	"\"license\": \"l\", \"version\": \"1\", \"url\": \"u\", \"timeout\": 4.5}"

static struct deploy_ddl *read_as(const char *path, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;

	if (deploy_ddl_read(&ddl, path, text, strlen(text), &err))
		fail_msg("%s", err.text);
	return ddl;
}

/* text is refused, and the error is why. */
static void assert_refused_len(const char *path, const char *text, size_t len, const char *why)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;

	assert_int_equal(DEPLOY_INPUT, deploy_ddl_read(&ddl, path, text, len, &err));
	assert_null(ddl);
	assert_string_equal(why, err.text);
}

static void assert_refused(const char *text, const char *why)
{
	char *whole = NULL;

	assert_true(asprintf(&whole, "%s%s", METADATA, text) > 0);
	assert_refused_len("x.ddl", whole, strlen(whole), why);
	free(whole);
}

/* Compare, and say both if they differ. */
static void assert_json(const char *what, const json_t *expected, const json_t *is)
{
	char *a, *b;

	if (json_equal(expected, is))
		return;
	a = json_dumps(expected, JSON_ENCODE_ANY | JSON_INDENT(1));
	b = json_dumps(is, JSON_ENCODE_ANY | JSON_INDENT(1));
	print_message("%s\nexpected: %s\nis: %s\n", what, a, b);
	free(a);
	free(b);
	fail();
}

/* Against Ruby. */

static void compare_actions(const char *file, const json_t *expected, const json_t *is)
{
	const json_t *action;
	size_t i;

	assert_int_equal(json_array_size(expected), json_array_size(is));
	json_array_foreach(expected, i, action)
	{
		const json_t *ours = json_array_get(is, i);

		/* What needs Ruby has its name and description, and no inputs to be wrong about. */
		if (strcmp(json_string_value(json_object_get(action, "action")), "computed") == 0) {
			assert_json(file, json_object_get(action, "description"),
				json_object_get(ours, "description"));
			assert_string_equal("test/data/ddl/partly.ddl:10:3: 'if' is not understood "
					    "here",
				json_string_value(json_object_get(ours, "untyped")));
			assert_int_equal(0, json_array_size(json_object_get(ours, "inputs")));
		} else {
			assert_json(file, action, ours);
		}
	}
}

static void compare_line(const json_t *line, void *arg)
{
	const char *file = json_string_value(json_array_get(line, 0));
	const json_t *expected = json_array_get(line, 1);
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;
	char path[200];
	json_t *is;

	(void)arg;
	(void)snprintf(path, sizeof(path), "test/data/ddl/%s", file);
	if (deploy_ddl_read_file(&ddl, path, &err))
		fail_msg("%s", err.text);
	is = deploy_ddl_json(ddl);
	assert_json(file, json_object_get(expected, "kind"), json_object_get(is, "kind"));
	assert_json(file, json_object_get(expected, "metadata"), json_object_get(is, "metadata"));
	compare_actions(file, json_object_get(expected, "actions"), json_object_get(is, "actions"));
	json_decref(is);
	deploy_ddl_free(ddl);
}

static void files_are_read_as_mcollective_reads_them(void **state)
{
	(void)state;
	assert_int_equal(4, each_verdict("test/data/ddl_ruby.txt", compare_line, NULL));
}

/* What is not understood. */

static void what_is_not_understood_costs_one_action_its_inputs(void **state)
{
	static const struct {
		const char *body, *why;
	} table[] = {
		{"input :x, :prompt => X", "x.ddl:3:22: 'X' is not understood"},
		{"input :x, :prompt => 'p'.reverse",
			"x.ddl:3:26: the method reverse is not understood"},
		{"x = 1", "x.ddl:3:1: 'x' is not understood here"},
		{"metadata :name => 1", "x.ddl:3:1: 'metadata' is not understood here"},
		{"input :x, :prompt => 'p'", "x.ddl:3:1: input x does not say optional"},
		{"input :x, :optional => true, :prompt => 'p', :description => 'd', :type => "
		 ":string, :maxlength => 1",
			"x.ddl:3:1: input x is a string without validation"},
		{"input :x, :optional => true, :prompt => 'p', :description => 'd', :type => "
		 ":string, :validation => ''",
			"x.ddl:3:1: input x is a string without maxlength"},
		{"input :x, :optional => true, :prompt => 'p', :description => 'd', :type => :list",
			"x.ddl:3:1: input x is of a list that is none"},
		{"output :x, :description => 'd'", "x.ddl:3:1: output x has no display_as"},
		{"output :x, :description => 1, :display_as => 'X'",
			"x.ddl:3:1: output x: its description is no text"},
		{"display :never", "x.ddl:3:1: display never is none of ok, failed, always"},
		{"summarize do aggregate 5 end", "x.ddl:3:14: aggregate wants a function"},
		{"summarize do aggregate sum end",
			"x.ddl:3:24: an aggregate wants the name of an output"},
		{"summarize do output :x end", "x.ddl:3:14: 'output' is not understood here"},
		{"output \"\\xff\", :description => 'd'", "x.ddl:3:8: this is no text in UTF-8"},
		{"output \"#{x}\", :description => 'd'", "x.ddl:3:8: 'x' is not understood"},
		{"output :x, :description => 'd', :display_as => 'X' if true",
			"x.ddl:3:52: 'if' is not understood here"},
		{"display 99999999999999999999", "x.ddl:3:9: this number is not understood"},
		{"[1].map do |x| end", "x.ddl:3:5: the method map is not understood"},
		{"display :ok, [/x/]",
			"x.ddl:3:18: a list of regular expressions is not understood"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct deploy_ddl *ddl;
		char *text = NULL;

		assert_true(asprintf(&text,
				    "%saction 'a', :description => 'x' do\n%s\nend\n"
				    "action 'b', :description => 'y' do\n"
				    "display :ok\nend\n",
				    METADATA, table[i].body) > 0);
		ddl = read_as("x.ddl", text);
		assert_int_equal(2, ddl->action_count);
		assert_non_null(ddl->actions[0].untyped_why);
		assert_string_equal(table[i].why, ddl->actions[0].untyped_why);
		assert_int_equal(0, ddl->actions[0].input_count);
		assert_null(ddl->actions[1].untyped_why);
		assert_int_equal(DEPLOY_DISPLAY_OK, ddl->actions[1].display);
		deploy_ddl_free(ddl);
		free(text);
	}
}

static void an_action_that_is_untyped_stays_so(void **state)
{
	struct deploy_ddl *ddl = read_as("x.ddl",
		METADATA "action 'a', :description => 'x' do\nX\nend\n"
			 "action 'a', :description => 'y' do\ninput :i, :prompt => 'p', "
			 ":description => 'd', :type => :integer, :optional => true\nend\n");

	(void)state;
	assert_int_equal(1, ddl->action_count);
	assert_string_equal("x", ddl->actions[0].description);
	assert_string_equal("x.ddl:3:1: 'X' is not understood here", ddl->actions[0].untyped_why);
	assert_int_equal(0, ddl->actions[0].input_count);
	deploy_ddl_free(ddl);
}

static void a_file_of_which_not_even_names_are_known_is_refused(void **state)
{
	(void)state;
	assert_refused("names.each do |n|\nend", "x.ddl:2:1: 'names' is not understood here");
	assert_refused("action NAME, :description => 'x'", "x.ddl:2:8: 'NAME' is not understood");
	assert_refused("action 'a' do", "x.ddl:2:12: 'do' has no end");
	assert_refused("end", "x.ddl:2:1: 'end' closes nothing");
	assert_refused("[1)", "x.ddl:2:3: ')' closes nothing");
	assert_refused("action 'ü', 'x", "x.ddl:2:13: what begins here has no end");
	assert_refused("usage <<-EOU\nx\n", "x.ddl:2:7: this heredoc has no end");
	assert_refused("action 'a'", "x.ddl:2:1: a has no description");
	assert_refused(
		"['a'].each do\nend", "x.ddl:2:14: a loop without parameter is not understood");
	assert_refused("discovery do\nend", "x.ddl:2:1: 'discovery' is not understood here");
	assert_refused("dataquery :description => 'x'\ndataquery :description => 'y'",
		"x.ddl:3:1: a dataquery stands alone");
	assert_refused_len("x.ddl", "", 0, "x.ddl:1:1: there is no metadata");
	assert_refused_len("x.ddl", "\xff", 1, "x.ddl: no text in UTF-8");
	assert_refused_len("x.ddl", "a\0b", 3, "x.ddl: no text in UTF-8");
	assert_refused_len(
		"x.ddl", "metadata :name => 'x'", 21, "x.ddl:1:1: metadata has no description");
}

/* Limits. */

/* count times unit, behind the metadata, and behind that the end. Caller frees. */
static char *repeat(const char *unit, size_t count, const char *end)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	(void)fputs(METADATA, stream);
	while (count--)
		(void)fputs(unit, stream);
	(void)fputs(end, stream);
	(void)fclose(stream);
	return text;
}

static void reading_is_bounded(void **state)
{
	static const struct {
		const char *unit;
		size_t count;
		const char *end, *why;
	} table[] = {
		{"[", 33, "", "x.ddl:2:33: more than 32 levels"},
		{"[", 200000, "", "x.ddl:2:33: more than 32 levels"},
		{"begin\n", 33, "", "x.ddl:34:1: more than 32 levels"},
		{";", 200001, "", "x.ddl:2:199972: more than 200000 words"},
		{"[1,2,3,4,5,6,7,8,9,10].each do |x|\n", 5, "end\nend\nend\nend\nend\n",
			"x.ddl:3:35: more than 10000 turns of loops"},
		{"usage \"#{", 1, "\"\n", "x.ddl:2:7: what begins here has no end"},
		{"#", 1048576, "", "x.ddl: more than 1 MiB"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *text = repeat(table[i].unit, table[i].count, table[i].end);

		assert_refused_len("x.ddl", text, strlen(text), table[i].why);
		free(text);
	}
}

/* 9,999 turns are allowed, what they hold is not free. */
static void loops_may_not_repeat_without_end(void **state)
{
	char *text = repeat("x", 100000, "' end\n");
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;
	char *whole = NULL;

	(void)state;
	assert_true(asprintf(&whole, "%s%%w[%s].each do |x|\nusage '%s", METADATA,
			    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
			    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
			    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
			    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a",
			    text + strlen(METADATA)) > 0);
	assert_int_equal(DEPLOY_INPUT, deploy_ddl_read(&ddl, "x.ddl", whole, strlen(whole), &err));
	assert_string_equal("x.ddl:3:100010: reading this costs too much", err.text);
	free(whole);
	free(text);
}

/* A limit that is met in an action is no reason to go on with the next one. */
static void a_limit_ends_the_file(void **state)
{
	char *text = repeat("[1,2,3,4,5,6,7,8,9,10].each do |x|\n", 4,
		"action \"#{x}\", :description => 'd' do\n[1,2].each do |y|\nend\nend\n"
		"end\nend\nend\nend\n");

	(void)state;
	assert_refused_len(
		"x.ddl", text, strlen(text), "x.ddl:7:18: more than 10000 turns of loops");
	free(text);
}

/* JSON. */

static void choria_json_is_read(void **state)
{
	struct deploy_ddl *ddl = read_as("/d/agent/puppet.json",
		"{\"$schema\": \"x\", " METADATA_JSON ", \"actions\": [{\"action\": \"runonce\", "
		"\"description\": \"Run\", \"display\": \"always\", \"new\": 1, \"input\": {"
		"\"tags\": {\"prompt\": \"T\", \"description\": \"D\", \"type\": \"string\", "
		"\"optional\": true, \"validation\": \"puppet_tags\", \"maxlength\": 120}, "
		"\"re\": {\"prompt\": \"R\", \"description\": \"D\", \"type\": \"string\", "
		"\"optional\": false, \"validation\": \"^a$\", \"maxlength\": 5, \"default\": "
		"\"a\"},"
		"\"map\": {\"prompt\": \"M\", \"description\": \"D\", \"type\": \"Hash\", "
		"\"optional\": true}}, \"output\": {\"on\": {\"description\": \"O\", "
		"\"display_as\": \"On\", \"type\": \"boolean\"}}, \"aggregate\": [{\"function\": "
		"\"boolean_summary\", \"args\": [\"on\", {\"true\": \"yes\", \"format\": \"%s\"}]}]"
		"}, {\"action\": \"bare\"}]}");
	const struct deploy_ddl_action *action = &ddl->actions[0];

	(void)state;
	assert_string_equal("puppet", ddl->agent);
	assert_int_equal(5, ddl->timeout_s);
	assert_int_equal(2, ddl->action_count);
	assert_int_equal(DEPLOY_DISPLAY_ALWAYS, action->display);
	assert_string_equal("puppet_tags", action->inputs[0].validator);
	assert_null(action->inputs[0].regex);
	assert_int_equal(120, action->inputs[0].maxlength);
	assert_true(action->inputs[0].is_optional);
	assert_string_equal("^a$", action->inputs[1].regex);
	assert_string_equal("a", json_string_value(action->inputs[1].preset));
	assert_int_equal(DEPLOY_TYPE_HASH, action->inputs[2].type);
	assert_string_equal("boolean", action->outputs[0].type);
	assert_string_equal("%s", action->aggregates[0].format);
	assert_int_equal(1, json_object_size(action->aggregates[0].arguments));
	assert_int_equal(DEPLOY_DISPLAY_FAILED, ddl->actions[1].display);
	deploy_ddl_free(ddl);
}

static void json_is_strict_about_types(void **state)
{
	static const struct {
		const char *actions, *why;
	} table[] = {
		{"5", "x.json: actions is no list"},
		{"[5]", "x.json: action 1 has no name"},
		{"[{\"action\": \"a\", \"input\": []}]", "x.json: action a: input is no object"},
		{"[{\"action\": \"a\"}, {\"action\": \"a\"}]", "x.json: action a is there twice"},
		{"[{\"action\": \"a\", \"display\": \"x\"}]",
			"x.json: action a: display x is none of ok, failed, always"},
		{"[{\"action\": \"a\", \"input\": {\"i\": {\"prompt\": \"\", \"description\": "
		 "\"\", \"type\": \"string\", \"validation\": 5, \"maxlength\": 1}}}]",
			"x.json: action a: input i: its validation is neither text, symbol, "
			"regular "
			"expression nor list"},
		{"[{\"action\": \"a\", \"input\": {\"i\": {\"prompt\": \"\", \"description\": "
		 "\"\", \"type\": \"string\", \"validation\": \"\", \"maxlength\": \"x\"}}}]",
			"x.json: action a: input i: its maxlength is no whole number"},
		{"[{\"action\": \"a\", \"input\": {\"i\": {\"optional\": 1}}}]",
			"x.json: action a: input i: optional is no boolean"},
		{"[{\"action\": \"a\", \"aggregate\": [{\"function\": \"sum\", \"args\": [1]}]}]",
			"x.json: action a: aggregate 1 has not both a function and args that begin "
			"with an output"},
		{"[,]", "x.json:1:136: unexpected token near ','"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
			"x.json: more than 32 levels"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *text = NULL;

		assert_true(asprintf(&text, "{" METADATA_JSON ", \"actions\": %s}",
				    table[i].actions) > 0);
		assert_refused_len("x.json", text, strlen(text), table[i].why);
		free(text);
	}
	assert_refused_len("x.json", "[]", 2, "x.json: is no object");
}

/* Finding. */

static int make_folders(void **state)
{
	static const char *const dirs[] = {"a", "a/agent", "b", "b/agent"};
	static const char *const files[][2] = {{"a/agent/one.ddl", METADATA},
		{"a/agent/three.json", "{" METADATA_JSON "}"},
		{"b/agent/one.json", "{" METADATA_JSON "}"}, {"b/agent/two.ddl", METADATA},
		{"b/agent/two.json", "{" METADATA_JSON "}"}, {"b/agent/bad.ddl", "x"},
		{"b/agent/not.txt", "x"}};

	(void)state;
	assert_int_equal(0, open_folder("test_ddl"));
	for (size_t i = 0; i < COUNT(dirs); i++)
		assert_int_equal(0, mkdir(in_folder(dirs[i]), 0700));
	for (size_t i = 0; i < COUNT(files); i++)
		write_text(in_folder(files[i][0]), files[i][1]);
	return 0;
}

/* Where agent is found, below the folder of the test; NULL: nowhere. Borrowed till the next call.
 */
static const char *find(const char *agent)
{
	static char found[200];
	char a[80], b[80], *const dirs[] = {a, b};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl;

	(void)snprintf(a, sizeof(a), "%s/a", folder);
	(void)snprintf(b, sizeof(b), "%s/b", folder);
	if (deploy_ddl_find(&ddl, dirs, 2, agent, &err))
		(void)snprintf(found, sizeof(found), "%s", err.text + strlen(folder) + 1);
	else if (ddl)
		(void)snprintf(found, sizeof(found), "%s", ddl->path + strlen(folder) + 1);
	deploy_ddl_free(ddl);
	return ddl || err.code ? found : NULL;
}

static void the_first_folder_counts_and_json_within_one(void **state)
{
	(void)state;
	assert_string_equal("a/agent/one.ddl", find("one"));
	assert_string_equal("b/agent/two.json", find("two"));
	assert_string_equal("a/agent/three.json", find("three"));
	assert_string_equal("b/agent/bad.ddl:1:1: 'x' is not understood here", find("bad"));
	assert_null(find("none"));
	assert_null(find("../agent/one"));
	assert_null(find(""));
}

static void all_that_would_be_found_is_listed(void **state)
{
	char a[200], b[200], *const dirs[] = {a, b, b};
	static const char *const names[] = {
		"b/agent/bad.ddl", "a/agent/one.ddl", "a/agent/three.json", "b/agent/two.json"};
	json_t *list;

	(void)state;
	(void)snprintf(a, sizeof(a), "%s/a", folder);
	(void)snprintf(b, sizeof(b), "%s/b", folder);
	list = deploy_ddl_list(dirs, 3);
	assert_int_equal(4, json_array_size(list));
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(
			names[i], json_string_value(json_array_get(list, i)) + strlen(folder) + 1);
	json_decref(list);
}

static void a_folder_is_no_ddl(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl;

	(void)state;
	assert_int_equal(DEPLOY_NO_INPUT, deploy_ddl_read_file(&ddl, folder, &err));
	assert_null(ddl);
	assert_non_null(strstr(err.text, ": not a regular file"));
}

static void an_unknown_action_is_told_with_what_was_meant(void **state)
{
	struct deploy_ddl *ddl =
		read_as("svc.ddl", METADATA "action 'restart', :description => ''\n"
					    "action 'stop', :description => ''\n");
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)state;
	assert_non_null(deploy_ddl_action(ddl, "stop", &err));
	assert_int_equal(DEPLOY_OK, err.code);
	assert_null(deploy_ddl_action(ddl, "restrat", &err));
	assert_int_equal(DEPLOY_INPUT, err.code);
	assert_string_equal("agent svc has no action \"restrat\" (svc.ddl)", err.text);
	assert_string_equal("svc restart", err.hint);
	deploy_ddl_free(ddl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_as_mcollective_reads_them),
		cmocka_unit_test(what_is_not_understood_costs_one_action_its_inputs),
		cmocka_unit_test(an_action_that_is_untyped_stays_so),
		cmocka_unit_test(a_file_of_which_not_even_names_are_known_is_refused),
		cmocka_unit_test(reading_is_bounded),
		cmocka_unit_test(loops_may_not_repeat_without_end),
		cmocka_unit_test(a_limit_ends_the_file),
		cmocka_unit_test(choria_json_is_read),
		cmocka_unit_test(json_is_strict_about_types),
		cmocka_unit_test(the_first_folder_counts_and_json_within_one),
		cmocka_unit_test(all_that_would_be_found_is_listed),
		cmocka_unit_test(a_folder_is_no_ddl),
		cmocka_unit_test(an_unknown_action_is_told_with_what_was_meant),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folder);
}
