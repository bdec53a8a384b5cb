/* The writer of stdout: what reaches it byte by byte, and what is told when it cannot. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "out.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Descriptor fd becomes a file of ours, or whatever path names, until restore(). */
struct capture {
	int fd, saved, file;
	char text[8192];
};

static void divert(struct capture *capture, int fd, const char *path)
{
	char name[] = "/tmp/test_out.XXXXXX";

	(void)fflush(NULL);
	capture->fd = fd;
	capture->saved = dup(fd);
	capture->file = path ? open(path, O_WRONLY) : mkstemp(name);
	assert_true(capture->saved >= 0 && capture->file >= 0);
	if (!path)
		(void)unlink(name);
	assert_int_equal(dup2(capture->file, fd), fd);
}

/* Nothing may fail before this: cmocka itself writes to stdout. */
static const char *restore(struct capture *capture)
{
	ssize_t len;

	(void)fflush(NULL);
	(void)dup2(capture->saved, capture->fd);
	(void)close(capture->saved);
	len = pread(capture->file, capture->text, sizeof(capture->text) - 1, 0);
	(void)close(capture->file);
	capture->text[len > 0 ? len : 0] = '\0';
	return capture->text;
}

/* Run body on a fresh writer and return what it wrote; *rc: of out_close(). */
typedef void body_fn(struct out *out);

static const char *written(
	struct capture *capture, const struct out_options *options, body_fn *body)
{
	struct deploy_error err = {0};
	struct out *out;
	int rc;

	divert(capture, STDOUT_FILENO, NULL);
	out = out_open(options);
	body(out);
	rc = out_close(out, &err);
	(void)restore(capture);
	assert_int_equal(rc, 0);
	return capture->text;
}

static void write_foreign(struct out *out)
{
	static const char bytes[] = "a\033[31m\b\r\n\tb\x9b \xc2\x9b \xe2\x80\xae \xc3\xa4\0z";

	out_foreign(out, bytes, sizeof(bytes) - 1);
}

static void foreign_bytes_cannot_move_a_terminal(void **state)
{
	struct capture capture;
	const char *text = written(&capture, &(struct out_options){.color = 1}, write_foreign);

	(void)state;
	assert_non_null(strstr(text, "\xc3\xa4"));
	for (; *text; text++)
		assert_true((unsigned char)*text >= ' ' && *text != 127);
}

static void write_tones(struct out *out)
{
	out_tone(out, OUT_GOOD, "ok");
	out_tone(out, OUT_PLAIN, "-");
	out_tone(out, OUT_BAD, "failed");
}

static void color_is_decided_by_option_then_environment_then_terminal(void **state)
{
	static const struct {
		int color;
		const char *no_color, *force;
		bool is_colored;
	} cases[] = {{0, NULL, NULL, false}, {0, NULL, "1", true}, {0, NULL, "0", false},
		{0, NULL, "", false}, {0, "1", "1", false}, {0, "0", "1", false},
		{0, "", "1", true}, {1, "1", NULL, true}, {1, NULL, "0", true},
		{2, NULL, "1", false}, {2, "", "1", false}, {1, NULL, NULL, true}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct capture capture;
		const char *text;

		(void)unsetenv("NO_COLOR");
		(void)unsetenv("CLICOLOR_FORCE");
		if (cases[i].no_color)
			(void)setenv("NO_COLOR", cases[i].no_color, 1);
		if (cases[i].force)
			(void)setenv("CLICOLOR_FORCE", cases[i].force, 1);
		text = written(
			&capture, &(struct out_options){.color = cases[i].color}, write_tones);
		assert_string_equal(text, cases[i].is_colored
						  ? "\033[32mok\033[0m-\033[31mfailed\033[0m"
						  : "ok-failed");
	}
	(void)unsetenv("NO_COLOR");
	(void)unsetenv("CLICOLOR_FORCE");
}

static void write_table(struct out *out)
{
	static const char *const headers[] = {"NODE", "STATUS"};
	static const char *const rows[][2] = {{"w\xc3\xa9"
					       "b",
						      "ok"},
		{"\033[2Jdb", "a\nb"}, {"longest.example.net", ""}};
	struct out_table *table = out_table_new(headers, 2);

	for (size_t i = 0; i < COUNT(rows); i++)
		out_table_add(table, rows[i]);
	out_table_print(out, table);
	out_table_free(table);
}

static void a_table_is_as_wide_as_its_widest_cells_and_escaped(void **state)
{
	struct capture capture;

	(void)state;
	assert_string_equal(
		written(&capture, &(struct out_options){.no_headers = false}, write_table),
		"NODE                 STATUS\n"
		"w\xc3\xa9"
		"b                  ok\n"
		"\\e[2Jdb              a\\nb\n"
		"longest.example.net\n");
	assert_string_equal(
		written(&capture, &(struct out_options){.no_headers = true}, write_table),
		"w\xc3\xa9"
		"b                  ok\n"
		"\\e[2Jdb              a\\nb\n"
		"longest.example.net\n");
}

/* 70 columns: wider than what is aligned. */
#define WIDE70 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void write_wide_cells(struct out *out)
{
	static const char *const rows[][2] = {{"short", "1"}, {WIDE70, "2"}};
	struct out_table *table = out_table_new(NULL, 2);

	out_table_cut(table, 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		out_table_add(table, rows[i]);
	out_table_print(out, table);
	out_table_free(table);
}

static void a_very_wide_cell_moves_nothing_in_other_rows_and_is_whole_in_a_file(void **state)
{
	struct capture capture;

	(void)state;
	assert_string_equal(written(&capture, &(struct out_options){.color = 0}, write_wide_cells),
		"short  1\n" WIDE70 "  2\n");
}

static void write_states(struct out *out)
{
	static const char *const headers[] = {"NODE", "ok"};
	static const char *const rows[][2] = {{"ok", "ok"}, {"a", "failed"}, {"b", "other"}};
	struct out_table *table = out_table_new(headers, 2);

	out_table_tone(table, 1);
	for (size_t i = 0; i < COUNT(rows); i++)
		out_table_add(table, rows[i]);
	out_table_print(out, table);
	out_table_free(table);
}

static void words_of_one_column_are_in_colour_and_aligned(void **state)
{
	struct capture capture;

	(void)state;
	assert_string_equal(written(&capture, &(struct out_options){.color = 1}, write_states),
		"NODE  ok\n"
		"ok    \033[32mok\033[0m\n"
		"a     \033[31mfailed\033[0m\n"
		"b     other\n");
}

static void write_long_table(struct out *out)
{
	struct out_table *table = out_table_new(NULL, 1);
	char name[16];
	const char *const cells[] = {name};

	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "n%03d", i);
		out_table_add(table, cells);
	}
	out_table_print(out, table);
	out_table_free(table);
}

static void write_empty_table(struct out *out)
{
	static const char *const headers[] = {"NODE"};
	struct out_table *table = out_table_new(headers, 1);

	out_table_print(out, table);
	out_table_free(table);
	out_table_free(NULL);
}

static void a_table_holds_any_number_of_rows_and_is_nothing_without(void **state)
{
	struct capture capture;

	(void)state;
	assert_string_equal(
		written(&capture, &(struct out_options){.color = 0}, write_empty_table), "");
	assert_int_equal(
		strlen(written(&capture, &(struct out_options){.color = 0}, write_long_table)),
		500 * 5);
	assert_string_equal(capture.text + 499 * 5, "n499\n");
}

static void write_document(struct out *out)
{
	struct deploy_error err = {.code = DEPLOY_CONNECT, .hint = "deployctl ping"};
	json_t *items = json_pack("[{s:s}]", "sender", "web1");

	(void)snprintf(err.text, sizeof(err.text), "broker \xff\033: refused");
	out_document(out, "ping", items, NULL, 69, &err);
	json_decref(items);
}

static void the_document_has_every_member_whatever_an_error_quotes(void **state)
{
	struct capture capture;
	const char *text =
		written(&capture, &(struct out_options){.format = OUT_JSON}, write_document);
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *expected =
		json_pack("{s:s, s:s, s:n, s:[{s:s}], s:{}, s:{s:i, s:s}, s:[{s:s, s:s, s:s}]}",
			"schema", "deployctl/v1", "kind", "ping", "run", "items", "sender", "web1",
			"summary", "exit", "code", 69, "name", "unreachable", "errors", "code",
			"connect", "text", "broker \\xff\\e: refused", "hint", "deployctl ping");

	(void)state;
	assert_non_null(document);
	assert_true(json_equal(document, expected));
	json_decref(document);
	json_decref(expected);
}

static void each_format_has_its_own_last_word(void **state)
{
	struct capture capture;
	const char *text;

	(void)state;
	text = written(&capture, &(struct out_options){.format = OUT_TABLE}, write_document);
	assert_string_equal(text, "");
	text = written(&capture, &(struct out_options){.format = OUT_NAME}, write_document);
	assert_string_equal(text, "");
	text = written(&capture, &(struct out_options){.mco_json = true}, write_document);
	assert_string_equal(text, "[{\"sender\":\"web1\"}]\n");
	text = written(&capture, &(struct out_options){.format = OUT_JSONL}, write_document);
	assert_non_null(strstr(text, "{\"type\":\"summary\",\"schema\":\"deployctl/v1\""));
	assert_null(strstr(text, "items"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void write_line(struct out *out)
{
	json_t *value = json_pack("{s:i, s:s}", "b", 1, "a", "\xc3\xa4\033");

	assert_true(out_is_empty(out));
	out_json_line(out, value);
	assert_false(out_is_empty(out));
	out_flush(out);
	json_decref(value);
}

static void a_json_line_is_compact_and_keeps_the_order_of_keys(void **state)
{
	struct capture capture;

	(void)state;
	assert_string_equal(
		written(&capture, &(struct out_options){.format = OUT_JSONL}, write_line),
		"{\"b\":1,\"a\":\"\xc3\xa4\\u001B\"}\n");
}

static void notes_go_to_stderr_escaped_unless_quiet(void **state)
{
	(void)state;
	for (int quiet = 0; quiet < 2; quiet++) {
		struct deploy_error err = {0};
		struct capture capture;
		struct out *out;

		divert(&capture, STDERR_FILENO, NULL);
		out = out_open(&(struct out_options){.quiet = quiet == 1});
		out_note(out, "%s: %d", "web1\033[2J\nweb2", 5);
		(void)out_close(out, &err);
		(void)restore(&capture);
		assert_string_equal(capture.text, quiet ? "" : "web1\\e[2J\\nweb2: 5\n");
	}
}

/* Write so much that the buffer overflows long before the end. */
static int close_of_writes(struct deploy_error *err, int lines)
{
	struct out *out = out_open(&(struct out_options){.color = 0});

	for (int i = 0; i < lines; i++)
		out_text(out, "%d: some text\n", i);
	return out_close(out, err);
}

static void a_full_disk_is_told_once_however_much_was_written(void **state)
{
	static const int lines[] = {1, 100000};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct deploy_error err = {0};
		struct capture capture;
		int rc;

		divert(&capture, STDOUT_FILENO, "/dev/full");
		rc = close_of_writes(&err, lines[i]);
		(void)restore(&capture);
		assert_int_equal(rc, DEPLOY_IO);
		assert_string_equal(err.text, "stdout: No space left on device");
	}
}

static void a_reader_that_went_away_is_an_error_without_words(void **state)
{
	struct deploy_error err = {0};
	int ends[2], saved = dup(STDOUT_FILENO), rc;

	(void)state;
	(void)fflush(stdout);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	(void)close(ends[0]);
	(void)dup2(ends[1], STDOUT_FILENO);
	(void)close(ends[1]);
	rc = close_of_writes(&err, 100000);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(rc, DEPLOY_IO);
	assert_string_equal(err.text, "");
}

static void a_closed_stdout_fails_when_something_is_written_and_not_before(void **state)
{
	int saved = dup(STDOUT_FILENO), rc[2];
	struct deploy_error err[2] = {{0}, {0}};

	(void)state;
	(void)fflush(stdout);
	(void)close(STDOUT_FILENO);
	rc[0] = close_of_writes(&err[0], 0);
	rc[1] = close_of_writes(&err[1], 1);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	assert_int_equal(rc[0], 0);
	assert_int_equal(rc[1], DEPLOY_IO);
	assert_string_equal(err[1].text, "stdout: Bad file descriptor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_bytes_cannot_move_a_terminal),
		cmocka_unit_test(color_is_decided_by_option_then_environment_then_terminal),
		cmocka_unit_test(a_table_is_as_wide_as_its_widest_cells_and_escaped),
		cmocka_unit_test(
			a_very_wide_cell_moves_nothing_in_other_rows_and_is_whole_in_a_file),
		cmocka_unit_test(words_of_one_column_are_in_colour_and_aligned),
		cmocka_unit_test(a_table_holds_any_number_of_rows_and_is_nothing_without),
		cmocka_unit_test(the_document_has_every_member_whatever_an_error_quotes),
		cmocka_unit_test(each_format_has_its_own_last_word),
		cmocka_unit_test(a_json_line_is_compact_and_keeps_the_order_of_keys),
		cmocka_unit_test(notes_go_to_stderr_escaped_unless_quiet),
		cmocka_unit_test(a_full_disk_is_told_once_however_much_was_written),
		cmocka_unit_test(a_reader_that_went_away_is_an_error_without_words),
		cmocka_unit_test(a_closed_stdout_fails_when_something_is_written_and_not_before),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
