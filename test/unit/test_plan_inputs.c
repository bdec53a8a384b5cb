/* What a plan is told: who wins, what is refused, and what is asked at a terminal. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "folder.h"
#include "plan_inputs.h"
#include "signals.h"
#include "terminal.h"

#define MAX_SECONDS 20 /* of a test that waits for another process */

static const char plan[] =
	"plan: p\n"
	"inputs:\n"
	"  backend: {type: string, match: '^[a-z]+$', prompt: Backend name, "
	"description: As HAProxy calls it}\n"
	"  revision: {type: integer, required: true}\n"
	"  color: {type: list, values: [blue, green], default: blue}\n"
	"  token: {type: string, secret: true, required: false, match: '^[a-z]+$'}\n"
	"  note: {type: string, required: false}\n"
	"steps: [{set: {x: 1}}]\n";

static const char hidden_plan[] =
	"plan: p\n"
	"inputs: {token: {type: string, secret: true, match: '^[a-z]+$'}}\n"
	"steps: [{set: {x: 1}}]\n";

struct bench {
	struct ctx ctx;
	struct deploy_playbook *book;
	struct terminal terminal;
	struct deploy_error err;
	json_t *out;
};

static int set_up_plan(void **state, const char *text)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->ctx.signal_fd = -1;
	if (deploy_playbook_read(&bench->book, "t", text, strlen(text), NULL, &bench->err) ||
		deploy_playbook_flaw_count(bench->book))
		fail_msg("%s %s", bench->err.text,
			bench->book ? deploy_playbook_flaw(bench->book, 0)->text : "");
	*state = bench;
	return 0;
}

static int set_up(void **state)
{
	return set_up_plan(state, plan);
}

static int set_up_hidden(void **state)
{
	return set_up_plan(state, hidden_plan);
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	json_decref(bench->out);
	deploy_playbook_free(bench->book);
	free(bench);
	return 0;
}

static int give(
	struct bench *bench, const char *words, const char *params, bool may_ask, json_t *before)
{
	char text[500], *values[20];
	struct args args = {0, values};

	(void)snprintf(text, sizeof(text), "%s", words);
	for (char *at = text; *at; args.count++) {
		values[args.count] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = '\0';
	}
	json_decref(bench->out);
	bench->err = (struct deploy_error){.code = DEPLOY_OK};
	return plan_inputs(
		&bench->out, &bench->ctx, bench->book, args, params, may_ask, before, &bench->err);
}

static void expect(struct bench *bench, const char *expected)
{
	char *text = json_dumps(bench->out, JSON_COMPACT);

	assert_string_equal("", bench->err.text);
	assert_string_equal(expected, text);
	free(text);
}

static void expect_error(struct bench *bench, enum deploy_code code, const char *text)
{
	assert_null(bench->out);
	assert_string_equal(text, bench->err.text);
	assert_int_equal(code, bench->err.code);
}

static void words_are_converted_and_json_is_not(void **state)
{
	struct bench *bench = *state;

	(void)give(bench, "backend=web revision=07 color=green note=5", NULL, false, NULL);
	expect(bench, "{\"backend\":\"web\",\"revision\":7,\"color\":\"green\",\"token\":null,"
		      "\"note\":\"5\"}");
	(void)give(bench, "revision:=8 backend:=\"db\" note:=\"a=b\"", NULL, false, NULL);
	expect(bench, "{\"backend\":\"db\",\"revision\":8,\"color\":\"blue\",\"token\":null,"
		      "\"note\":\"a=b\"}");
	(void)give(bench, "backend=web revision:=\"8\"", NULL, false, NULL);
	assert_int_equal(DEPLOY_INPUT, bench->err.code);
	assert_null(bench->out);
}

/* Each of the sources has one more than the one before, and all of them are the last one's. */
static void later_sources_win(void **state)
{
	struct bench *bench = *state;
	json_t *before = json_pack("{s:s, s:i, s:s, s:s, s:n, s:s}", "backend", "before",
		"revision", 1, "color", "green", "token", "***", "note", "gone", "x");
	char params[520];

	write_text(in_folder("params"), "revision: 2\nbackend: params\n");
	(void)snprintf(params, sizeof(params), "@%s", in_folder("params"));
	(void)give(bench, "", NULL, false, before);
	expect(bench, "{\"backend\":\"before\",\"revision\":1,\"color\":\"green\",\"token\":null,"
		      "\"note\":null}");
	(void)give(bench, "", params, false, before);
	expect(bench, "{\"backend\":\"params\",\"revision\":2,\"color\":\"green\",\"token\":null,"
		      "\"note\":null}");
	(void)give(bench, "revision:=3", params, false, before);
	expect(bench, "{\"backend\":\"params\",\"revision\":3,\"color\":\"green\",\"token\":null,"
		      "\"note\":null}");
	(void)give(bench, "revision=4 revision:=3", params, false, before);
	expect(bench, "{\"backend\":\"params\",\"revision\":4,\"color\":\"green\",\"token\":null,"
		      "\"note\":null}");
	/* It was not given then, and has a default now. */
	(void)json_object_set_new(before, "color", json_null());
	(void)give(bench, "", NULL, false, before);
	expect(bench, "{\"backend\":\"before\",\"revision\":1,\"color\":\"blue\",\"token\":null,"
		      "\"note\":null}");
	json_decref(before);
}

static void words_that_are_no_inputs_are_refused(void **state)
{
	static const struct {
		const char *word, *text, *hint;
		enum deploy_code code;
	} rows[] = {
		{"backend", "input \"backend\": expected KEY=VALUE or KEY:=JSON", "", DEPLOY_USAGE},
		{"=x", "input \"=x\": its key is 1 to 255 of A-Z a-z 0-9 _", "", DEPLOY_USAGE},
		{":=x", "input \":=x\": its key is 1 to 255 of A-Z a-z 0-9 _", "", DEPLOY_USAGE},
		{"note=a note=b", "input \"note=b\": was given before", "", DEPLOY_USAGE},
		{"revison=1", "t has no input revison", "revision=...", DEPLOY_INPUT},
		{"revison:={", "t has no input revison", "revision=...", DEPLOY_INPUT},
		{"zzz=1", "t has no input zzz", "", DEPLOY_INPUT},
		{"backend=A", "input backend: 'A' does not match ^[a-z]+$", "", DEPLOY_INPUT},
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)give(bench, rows[i].word, NULL, false, NULL);
		expect_error(bench, rows[i].code, rows[i].text);
		assert_string_equal(rows[i].hint, bench->err.hint);
	}
}

/* Not even in the error is what was given. */
static void a_secret_is_not_taken_from_the_command_line(void **state)
{
	static const char *const words[] = {"token=hunter", "token:=\"hunter\"", "token:={hunter"};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)give(bench, words[i], NULL, true, NULL);
		expect_error(bench, DEPLOY_USAGE,
			"input token is secret: on a command line everybody here can read it; "
			"give it in a file, or at the prompt");
		assert_string_equal("--params @FILE", bench->err.hint);
	}
}

/* text: of the file "params"; FILE in the error stands for its path. */
static void expect_refused_params(
	struct bench *bench, const char *text, enum deploy_code code, const char *error)
{
	char params[520], expected[700];

	write_text(in_folder("params"), text);
	(void)snprintf(params, sizeof(params), "@%s", in_folder("params"));
	(void)give(bench, "", params, true, NULL);
	(void)snprintf(expected, sizeof(expected), "%s%s", params + 1, error);
	expect_error(bench, code, expected);
}

static void what_is_wrong_in_a_file_is_told_with_its_place(void **state)
{
	struct bench *bench = *state;

	expect_refused_params(bench, "backend: web\nrevision: x\n", DEPLOY_INPUT,
		":2:11: input revision: 'x' is no whole number");
	expect_refused_params(bench, "backend: web\n  \nrevison: 1\n", DEPLOY_INPUT,
		":3:1: t has no input revison");
	assert_string_equal("revision=...", bench->err.hint);
	expect_refused_params(bench, "[backend, web]", DEPLOY_INPUT,
		": expected a mapping, the name of each input and its value");
	expect_refused_params(bench, "", DEPLOY_INPUT,
		": expected a mapping, the name of each input and its value");
	expect_refused_params(bench, "{\"token\": \"HUNTER\"}", DEPLOY_INPUT,
		":1:11: input token: what was given, which is secret, is not what the plan takes: "
		"string, matching ^[a-z]+$");
	expect_refused_params(bench, "a: [b", DEPLOY_INPUT, ":1:4: a '[' that is never closed");
}

static void params_name_a_file(void **state)
{
	struct bench *bench = *state;

	(void)give(bench, "", "params.yaml", true, NULL);
	expect_error(bench, DEPLOY_USAGE, "--params params.yaml: expected @FILE, or @- for stdin");
	(void)give(bench, "", "@", true, NULL);
	expect_error(bench, DEPLOY_USAGE, "--params @: expected @FILE, or @- for stdin");
	(void)give(bench, "", "@/nonexistent/x", true, NULL);
	expect_error(bench, DEPLOY_NO_INPUT, "/nonexistent/x: No such file or directory");
}

static void params_come_from_stdin(void **state)
{
	struct bench *bench = *state;

	write_text(in_folder("params"), "{backend: web, revision: 1, token: hunter}");
	divert(&bench->terminal, in_folder("params"));
	(void)give(bench, "", "@-", true, NULL);
	restore(&bench->terminal);
	expect(bench, "{\"backend\":\"web\",\"revision\":1,\"color\":\"blue\","
		      "\"token\":\"hunter\",\"note\":null}");
	write_text(in_folder("params"), "\nrevision: x\n");
	divert(&bench->terminal, in_folder("params"));
	(void)give(bench, "", "@-", true, NULL);
	restore(&bench->terminal);
	expect_error(bench, DEPLOY_INPUT, "stdin:2:11: input revision: 'x' is no whole number");
}

static void all_that_is_missing_is_named_where_nobody_can_be_asked(void **state)
{
	struct bench *bench = *state;

	(void)give(bench, "", NULL, false, NULL);
	expect_error(bench, DEPLOY_USAGE, "t wants to be told 2 more inputs: backend, revision");
	assert_string_equal("backend=... revision=...", bench->err.hint);
	divert(&bench->terminal, "/dev/null");
	(void)give(bench, "backend=web", NULL, true, NULL);
	restore(&bench->terminal);
	expect_error(bench, DEPLOY_USAGE, "t wants to be told 1 more input: revision");
	begin_typing(&bench->terminal, "1\n");
	(void)give(bench, "backend=web", NULL, false, NULL);
	end_typing(&bench->terminal);
	expect_error(bench, DEPLOY_USAGE, "t wants to be told 1 more input: revision");
	assert_string_equal("", bench->terminal.shown);
}

static void a_missing_secret_wants_a_file(void **state)
{
	struct bench *bench = *state;

	(void)give(bench, "", NULL, false, NULL);
	expect_error(bench, DEPLOY_USAGE, "t wants to be told 1 more input: token");
	assert_string_equal("--params @FILE", bench->err.hint);
}

static void what_is_missing_is_asked_for_until_it_is_right(void **state)
{
	struct bench *bench = *state;

	begin_typing(&bench->terminal, "A\n\nweb\nx\n7\n");
	(void)give(bench, "", NULL, true, NULL);
	end_typing(&bench->terminal);
	expect(bench, "{\"backend\":\"web\",\"revision\":7,\"color\":\"blue\",\"token\":null,"
		      "\"note\":null}");
	assert_string_equal("As HAProxy calls it\r\nBackend name: "
			    "input backend: 'A' does not match ^[a-z]+$\r\n"
			    "As HAProxy calls it\r\nBackend name: nothing was typed\r\n"
			    "As HAProxy calls it\r\nBackend name: "
			    "revision (integer): input revision: 'x' is no number\r\n"
			    "revision (integer): ",
		bench->terminal.shown);
}

static void the_end_of_input_is_a_no(void **state)
{
	struct bench *bench = *state;

	begin_typing(&bench->terminal, "web\n\004");
	(void)give(bench, "", NULL, true, NULL);
	end_typing(&bench->terminal);
	expect_error(bench, DEPLOY_REFUSED, "input revision was not given, nothing was done");
}

static bool is_shown(const struct terminal *terminal)
{
	struct termios settings;

	assert_int_equal(0, tcgetattr(terminal->keyboard, &settings));
	/* A stop, or a core dump, must not happen while it is hidden. */
	assert_int_equal(!(settings.c_lflag & ECHO), settings.c_cc[VSUSP] == _POSIX_VDISABLE);
	assert_int_equal(!(settings.c_lflag & ECHO), settings.c_cc[VQUIT] == _POSIX_VDISABLE);
	return settings.c_lflag & ECHO;
}

/* In a process of its own, which somebody types for: exits with the error's code. */
static pid_t start_asking(struct bench *bench, const char *expected)
{
	pid_t child;

	open_terminal(&bench->terminal);
	(void)alarm(MAX_SECONDS);
	child = fork();
	assert_true(child >= 0);
	if (child)
		return child;
	(void)alarm(MAX_SECONDS);
	divert(&bench->terminal, ptsname(bench->terminal.keyboard));
	if (signals_open(&bench->ctx.signal_fd, &bench->err))
		_exit(99);
	(void)give(bench, "", NULL, true, NULL);
	if (expected && (!bench->out || strcmp(expected, json_string_value(json_object_get(
								 bench->out, "token")))))
		_exit(98);
	_exit(-bench->err.code);
}

static int end_asking(pid_t child)
{
	int ended;

	assert_int_equal(child, waitpid(child, &ended, 0));
	(void)alarm(0);
	return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

static void type(const struct terminal *terminal, const char *text)
{
	assert_int_equal(strlen(text), write(terminal->keyboard, text, strlen(text)));
}

static void a_secret_is_not_shown(void **state)
{
	struct bench *bench = *state;
	struct terminal *terminal = &bench->terminal;
	int slave;
	pid_t child = start_asking(bench, "hunter");

	slave = open(ptsname(terminal->keyboard), O_RDWR | O_NOCTTY);
	read_shown(terminal, ':');
	assert_string_equal("token", terminal->shown);
	assert_false(is_shown(terminal));
	type(terminal, "HUNTER\n");
	read_shown(terminal, '\n');
	read_shown(terminal, '\n');
	assert_null(strstr(terminal->shown, "HUNTER"));
	assert_non_null(strstr(terminal->shown, "which is secret"));
	read_shown(terminal, ':');
	type(terminal, "hunter\n");
	assert_int_equal(0, end_asking(child));
	assert_true(is_shown(terminal));
	assert_int_equal(3, write(slave, "end", 3));
	read_shown(terminal, 'd');
	assert_null(strstr(terminal->shown, "hunter"));
	(void)close(slave);
	(void)close(terminal->keyboard);
}

static void a_signal_leaves_a_terminal_that_shows_what_is_typed(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t child = start_asking(bench, NULL);
		int slave = open(ptsname(bench->terminal.keyboard), O_RDWR | O_NOCTTY);

		read_shown(&bench->terminal, ':');
		assert_false(is_shown(&bench->terminal));
		assert_int_equal(0, kill(child, SIGUSR1));
		assert_int_equal(0, kill(child, signals[i]));
		assert_int_equal(-DEPLOY_INTERRUPTED, end_asking(child));
		assert_true(is_shown(&bench->terminal));
		(void)close(slave);
		(void)close(bench->terminal.keyboard);
	}
}

#define TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define HIDDEN(name) cmocka_unit_test_setup_teardown(name, set_up_hidden, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_are_converted_and_json_is_not),
		TEST(later_sources_win),
		TEST(words_that_are_no_inputs_are_refused),
		TEST(a_secret_is_not_taken_from_the_command_line),
		TEST(what_is_wrong_in_a_file_is_told_with_its_place),
		TEST(params_name_a_file),
		TEST(params_come_from_stdin),
		TEST(all_that_is_missing_is_named_where_nobody_can_be_asked),
		TEST(what_is_missing_is_asked_for_until_it_is_right),
		TEST(the_end_of_input_is_a_no),
		HIDDEN(a_missing_secret_wants_a_file),
		HIDDEN(a_secret_is_not_shown),
		HIDDEN(a_signal_leaves_a_terminal_that_shows_what_is_typed),
	};

	if (open_folder("test_plan_inputs"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, remove_folder);
}
