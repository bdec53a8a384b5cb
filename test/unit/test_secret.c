/* Secrets: where they may be, what they may be, and what becomes of commands that misbehave. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "model/secret.h"

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET	     "words-that-stay"
#define LONG_MS	     60000
#define NOBODY	     65534

static char path[96];

static int make_file(void **state)
{
	(void)state;
	if (open_folder("test_secret") != 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s", in_folder("secret"));
	write_text(path, "");
	return 0;
}

/* The text, or "error: why"; borrowed until the next call. */
static const char *open_words(const char *const *words, size_t count, long long limit_ms)
{
	static char text[DP_SECRET_MAX_BYTES + 16];
	struct deploy_error err = {.code = DEPLOY_OK};
	char *secret = NULL;

	if (dp_secret_open(&secret, words, count, limit_ms, &err)) {
		assert_null(secret);
		assert_null(strstr(err.text, SECRET));
		assert_null(strstr(err.hint, SECRET));
		(void)snprintf(text, sizeof(text), "error: %s | %s", err.text, err.hint);
	} else {
		assert_int_equal(DEPLOY_OK, err.code);
		(void)snprintf(text, sizeof(text), "%s", secret);
		free(secret);
	}
	return text;
}

static const char *open_file(void)
{
	const char *const words[] = {"file", path};

	return open_words(words, 2, LONG_MS);
}

static const char *open_script(const char *script, long long limit_ms)
{
	const char *const words[] = {"cmd", "sh", "-c", script};

	return open_words(words, 4, limit_ms);
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%.200s\"", part, text);
}

static void one_newline_at_the_end_is_no_part_of_it(void **state)
{
	static const char *const table[][2] = {{"a", "a"}, {"a\n", "a"}, {"a\n\n", "a\n"},
		{"\na\n", "\na"}, {"a b ", "a b "}, {"a\r\n", "a\r"}, {"\n\n", "\n"}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		const char *const words[] = {"cmd", "cat", path};

		write_text(path, table[i][0]);
		assert_string_equal(table[i][1], open_file());
		assert_string_equal(table[i][1], open_words(words, 3, LONG_MS));
	}
}

static void a_file_is_a_secret_only_if_it_is_one(void **state)
{
	const char *const slash[] = {"file", "/"};
	char *text = calloc(1, DP_SECRET_MAX_BYTES + 3);

	(void)state;
	write_text(path, "");
	expect(open_file(), "the secret is empty");
	write_bytes(path, "\n", 1);
	expect(open_file(), "the secret is empty");
	write_bytes(path, "a\0b", 3);
	expect(open_file(), "the secret holds a NUL");
	expect(open_words(slash, 2, LONG_MS), "error: /: not a regular file");
	memset(text, 'a', DP_SECRET_MAX_BYTES + 2);
	text[DP_SECRET_MAX_BYTES] = '\n';
	write_bytes(path, text, DP_SECRET_MAX_BYTES + 1);
	assert_int_equal(DP_SECRET_MAX_BYTES, strlen(open_file()));
	write_bytes(path, text, DP_SECRET_MAX_BYTES + 2);
	expect(open_file(), "the secret is longer than 65536 bytes");
	text[DP_SECRET_MAX_BYTES] = 'a';
	write_bytes(path, text, DP_SECRET_MAX_BYTES + 1);
	expect(open_file(), "the secret is longer than 65536 bytes");
	assert_int_equal(0, truncate(path, 1024L * 1024 * 1024));
	expect(open_file(), "error: ");
	free(text);
}

static void a_file_that_others_can_read_or_write_is_refused(void **state)
{
	static const mode_t modes[] = {0604, 0602, 0644, 0666};

	(void)state;
	write_text(path, SECRET);
	for (size_t i = 0; i < COUNT(modes); i++) {
		assert_int_equal(0, chmod(path, modes[i]));
		expect(open_file(),
			": everybody can read or write this secret | chmod o-rwx /tmp/");
	}
	assert_int_equal(0, chmod(path, 0660));
	assert_string_equal(SECRET, open_file());
}

static void a_file_of_somebody_else_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	write_text(path, SECRET);
	assert_int_equal(0, chown(path, NOBODY, NOBODY));
	expect(open_file(), "belongs to user 65534, neither root nor you");
}

static void a_variable_must_be_set(void **state)
{
	const char *const words[] = {"env", "TEST_SECRET"};

	(void)state;
	(void)unsetenv("TEST_SECRET");
	expect(open_words(words, 2, LONG_MS), "error: environment variable TEST_SECRET is not set");
	(void)setenv("TEST_SECRET", "", 1);
	expect(open_words(words, 2, LONG_MS), "error: environment variable TEST_SECRET is not set");
	(void)setenv("TEST_SECRET", "a\n", 1);
	assert_string_equal("a\n", open_words(words, 2, LONG_MS));
	(void)unsetenv("TEST_SECRET");
}

static void a_command_that_fails_is_named_without_what_it_printed(void **state)
{
	static const char *const table[][2] = {
		{"echo " SECRET "; exit 7", "error: command 'sh' ended with status 7"},
		{"echo " SECRET "; kill -9 $$", "error: command 'sh' ended by signal 9"},
		{"true", "error: cmd 'sh': the secret is empty"},
		{"echo", "error: cmd 'sh': the secret is empty"},
		{"printf 'a\\0" SECRET "'", "error: cmd 'sh': the secret holds a NUL"},
		{"head -c 1048576 /dev/zero", "error: command 'sh' prints more than 65536 bytes"},
		{"exec head -c 65537 /dev/zero | tr '\\0' a",
			"the secret is longer than 65536 bytes"},
	};
	const char *const missing[] = {"cmd", "no-such-program-anywhere"};
	const char *const slash[] = {"cmd", "/"};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		expect(open_script(table[i][0], LONG_MS), table[i][1]);
	expect(open_words(missing, 2, LONG_MS),
		"error: command 'no-such-program-anywhere' cannot be run: ");
	expect(open_words(slash, 2, LONG_MS), "error: command '/' cannot be run");
}

static void a_command_is_run_without_a_shell(void **state)
{
	const char *const words[] = {"cmd", "printf", "%s", "$HOME; `id` *"};

	(void)state;
	assert_string_equal("$HOME; `id` *", open_words(words, 4, LONG_MS));
}

static void a_command_gets_nothing_of_ours(void **state)
{
	(void)state;
	assert_string_equal("0", open_script("cat | wc -c | tr -d ' '", LONG_MS));
	/* The pipe is its stdout, and nothing else. */
	assert_string_equal("none", open_script("for f in /proc/$$/fd/*; do case $f in */1) ;; "
						"*) [ ! $f -ef /proc/$$/fd/1 ] || echo $f ;; esac; "
						"done; echo none",
					    LONG_MS));
	(void)signal(SIGPIPE, SIG_IGN);
	expect(open_script("kill -PIPE $$; echo lives", LONG_MS), "ended by signal 13");
	(void)signal(SIGPIPE, SIG_DFL);
}

/* A process that the command leaves behind may keep its pipe: what was printed counts. */
static void a_command_that_leaves_a_child_behind_is_not_waited_for(void **state)
{
	(void)state;
	(void)alarm(30);
	assert_string_equal("a", open_script("sleep 60 2>&- & echo a", LONG_MS));
	(void)alarm(0);
}

/* Whoever starts us may ignore the end of children; how ours end must be known all the same. */
static void a_command_is_known_to_have_ended_though_nobody_asks(void **state)
{
	struct sigaction action;

	(void)state;
	(void)signal(SIGCHLD, SIG_IGN);
	assert_string_equal("a", open_script("echo a", LONG_MS));
	expect(open_script("exit 7", LONG_MS), "ended with status 7");
	assert_int_equal(0, sigaction(SIGCHLD, NULL, &action));
	(void)signal(SIGCHLD, SIG_DFL);
	assert_true(action.sa_handler == SIG_IGN);
}

/* True once the script has written to the file: it has come to where it hangs. */
static bool has_begun(void)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* A pipe that everybody who is started holds open. */
static void open_pipe(int *ends)
{
	assert_int_equal(0, pipe(ends));
	assert_int_equal(0, fcntl(ends[0], F_SETFD, FD_CLOEXEC));
	(void)setenv("TEST_FILE", path, 1);
}

/* It ends when all of them are dead. */
static void expect_all_dead(const int *ends)
{
	char byte;

	(void)close(ends[1]);
	assert_int_equal(0, read(ends[0], &byte, 1));
	(void)close(ends[0]);
}

static void a_command_that_hangs_is_killed_with_its_children(void **state)
{
	static const char *const scripts[] = {
		"echo x >$TEST_FILE; sleep 100 & sleep 100; echo " SECRET,
		"echo x >$TEST_FILE; exec sleep 100 >&-",
		"echo x >$TEST_FILE; trap '' TERM INT; sleep 100 & wait"};

	(void)state;
	(void)alarm(60);
	for (size_t i = 0; i < COUNT(scripts); i++) {
		int ends[2];

		open_pipe(ends);
		/* As much time as it needs. */
		for (long long limit_ms = 100; !has_begun(); limit_ms *= 2)
			expect(open_script(scripts[i], limit_ms),
				"error: command 'sh' did not end in time, it was killed");
		expect_all_dead(ends);
		write_text(path, "");
	}
	(void)alarm(0);
}

/* ^C reaches our process group, and not the command's. */
static void a_signal_that_ends_us_ends_the_command_first(void **state)
{
	int status, ends[2];
	pid_t child;

	(void)state;
	(void)alarm(60);
	open_pipe(ends);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)alarm(0);
		(void)open_script("echo x >$TEST_FILE; sleep 100", LONG_MS);
		_exit(1);
	}
	while (!has_begun())
		(void)usleep(1000);
	assert_int_equal(0, kill(child, SIGINT));
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(SIGINT, WTERMSIG(status));
	expect_all_dead(ends);
	(void)alarm(0);
}

static void secrets_are_described_by_where_they_are(void **state)
{
	static const struct {
		const char *words[4];
		size_t count;
		const char *text;
	} table[] = {{{"file", "/x y"}, 2, "file:/x y"}, {{"env", "A"}, 2, "env:A"},
		{{"cmd", "pass"}, 2, "cmd:pass"}, {{"cmd", "a", "b", "c d"}, 4, "cmd:a b c d"},
		{{"literal", SECRET}, 2, "(set)"}, {{"literal", ""}, 2, ""}};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char *text = dp_secret_describe(table[i].words, table[i].count);

		assert_string_equal(table[i].text, text);
		free(text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_newline_at_the_end_is_no_part_of_it),
		TEST(a_file_is_a_secret_only_if_it_is_one),
		TEST(a_file_that_others_can_read_or_write_is_refused),
		TEST(a_file_of_somebody_else_is_refused),
		TEST(a_variable_must_be_set),
		TEST(a_command_that_fails_is_named_without_what_it_printed),
		TEST(a_command_is_run_without_a_shell),
		TEST(a_command_gets_nothing_of_ours),
		TEST(a_command_that_leaves_a_child_behind_is_not_waited_for),
		TEST(a_command_is_known_to_have_ended_though_nobody_asks),
		TEST(a_command_that_hangs_is_killed_with_its_children),
		TEST(a_signal_that_ends_us_ends_the_command_first),
		TEST(secrets_are_described_by_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
