/* Going to the background: who learns what, and who holds what open. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "detach.h"
#include "folder.h"
#include "signals.h"

#define RUN	    "01JZ0000000000000000000000"
#define MAX_SECONDS 20 /* of a test */

/* What the background does, and how the caller looks. */
struct scene {
	enum out_format format;
	bool is_quiet;
	bool tells_run, waits, has_document, is_killed;
	int status; /* of the background */
};

/* What the caller saw; status: of the foreground. */
struct seen {
	char out[2000], err[2000];
	int status;
};

static void write_all(int fd, const char *text)
{
	assert_int_equal(strlen(text), write(fd, text, strlen(text)));
}

/* A pipe, of which neither end goes further than this process and its children. */
static void open_pipe(int ends[2])
{
	assert_int_equal(0, pipe(ends));
	assert_int_equal(0, fcntl(ends[0], F_SETFD, FD_CLOEXEC));
}

static bool has_log(const char *prefix, char *name, size_t size)
{
	DIR *dir = opendir(in_folder("state"));
	const struct dirent *entry;
	bool found = false;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			(void)snprintf(name, size, "state/%s", entry->d_name);
			found = true;
		}
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

/* gate: what it waits for, and what says that it is done; these are the test's own, not the
 * caller's. */
static int background(struct ctx *ctx, const struct scene *scene, int ready_fd, int gate)
{
	struct deploy_error closing = {.code = DEPLOY_OK};
	struct deploy_error why = {.code = DEPLOY_OK};
	struct pollfd signals = {.fd = ctx->signal_fd, .events = POLLIN};
	char byte;

	if (getsid(0) != getpid() || ctx->state || read(STDIN_FILENO, &byte, 1) != 0)
		return 90;
	(void)fputs("about to begin\n", stderr);
	if (scene->waits && read(gate, &byte, 1) < 0)
		return 91;
	if (scene->is_killed)
		(void)raise(SIGKILL);
	if (scene->tells_run)
		detach_ready(ready_fd, RUN);
	if (scene->tells_run && scene->waits && read(gate, &byte, 1) < 0)
		return 92;
	if (poll(&signals, 1, 0) != 0)
		(void)fputs("a signal came\n", stderr);
	(void)fputs("deployctl: that is how it ended\n", stderr);
	if (scene->has_document)
		(void)deploy_error_set(&why, DEPLOY_REFUSED, "because");
	out_text(ctx->out, "%s", out_is_for_people(ctx->out) ? "a result\n" : "");
	out_document(ctx->out, "run-plan", NULL, NULL, scene->status, &why);
	return out_close(ctx->out, &closing) == 0 ? scene->status : 93;
}

/* The process that a caller starts. */
static void foreground(const struct scene *scene, int gate)
{
	char path[512];
	struct ctx ctx = {.signal_fd = -1};
	struct deploy_error err = {.code = DEPLOY_OK};
	int ready_fd;

	(void)alarm(MAX_SECONDS);
	(void)snprintf(path, sizeof(path), "%s", in_folder("state/state.db"));
	ctx.global.state = path;
	ctx.out =
		out_open(&(struct out_options){.format = scene->format, .quiet = scene->is_quiet});
	if (signals_open(&ctx.signal_fd, &err) || detach(&ctx, &ready_fd, &err)) {
		(void)fprintf(stderr, "%s\n", err.text);
		_exit(99);
	}
	(void)alarm(MAX_SECONDS);
	_exit(background(&ctx, scene, ready_fd, gate));
}

/* held: what the caller has open beside its output, and does not know of. */
struct caller {
	pid_t pid;
	int out, err, held, gate;
};

static struct caller start(const struct scene *scene)
{
	int out[2], err[2], held[2], gate[2];
	struct caller caller;

	(void)alarm(MAX_SECONDS);
	open_pipe(out);
	open_pipe(err);
	open_pipe(held);
	open_pipe(gate);
	assert_int_equal(0, fcntl(gate[1], F_SETFD, FD_CLOEXEC));
	caller = (struct caller){fork(), out[0], err[0], held[0], gate[1]};
	assert_true(caller.pid >= 0);
	if (caller.pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)close(gate[1]);
		(void)dup2(open("/proc/self/exe", O_RDONLY), STDIN_FILENO);
		foreground(scene, gate[0]);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	(void)close(held[1]);
	(void)close(gate[0]);
	return caller;
}

/* Up to its end: as long as anybody has the other end open, this waits. */
static void read_to_end(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(0, n);
	text[len] = '\0';
	(void)close(fd);
}

static void see(struct caller *caller, struct seen *seen)
{
	char nothing[10];
	int ended;

	read_to_end(caller->out, seen->out, sizeof(seen->out));
	read_to_end(caller->err, seen->err, sizeof(seen->err));
	read_to_end(caller->held, nothing, sizeof(nothing));
	assert_int_equal(caller->pid, waitpid(caller->pid, &ended, 0));
	seen->status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -WTERMSIG(ended);
}

static void look(const struct scene *scene, struct seen *seen)
{
	struct caller caller = start(scene);

	see(&caller, seen);
	(void)close(caller.gate);
	(void)alarm(0);
}

static void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	read_to_end(fd, text, size);
}

/* Until the log of the background, which nobody can wait for, ends like that. */
static void wait_for_log(const char *path, const char *end)
{
	char text[2000];

	for (;;) {
		if (access(path, F_OK) == 0) {
			read_text(path, text, sizeof(text));
			if (strlen(text) >= strlen(end) &&
				strcmp(text + strlen(text) - strlen(end), end) == 0)
				return;
		}
		(void)poll(NULL, 0, 5);
	}
}

/* While the run goes on, its caller has the id and nothing more to wait for. */
static void the_caller_gets_the_run_and_is_free(void **state)
{
	const struct scene scene = {.tells_run = true, .waits = true};
	struct caller caller = start(&scene);
	struct seen seen;
	char name[300];
	struct stat st;

	(void)state;
	write_all(caller.gate, "r");
	see(&caller, &seen);
	assert_string_equal(RUN "\n", seen.out);
	assert_string_equal(
		"it goes on in the background: deployctl status " RUN " --watch\n", seen.err);
	assert_int_equal(0, seen.status);
	assert_int_equal(0, stat(in_folder("state/" RUN ".log"), &st));
	assert_int_equal(0600, st.st_mode & 0777);
	assert_false(has_log("deployctl-", name, sizeof(name)));
	write_all(caller.gate, "e");
	wait_for_log(in_folder("state/" RUN ".log"),
		"about to begin\ndeployctl: that is how it ended\na result\n");
	(void)close(caller.gate);
}

static void a_run_that_goes_on_keeps_its_older_log(void **state)
{
	const struct scene scene = {.tells_run = true, .is_quiet = true};
	struct seen seen;

	(void)state;
	look(&scene, &seen);
	wait_for_log(in_folder("state/" RUN ".log"), "a result\n");
	look(&scene, &seen);
	assert_string_equal("", seen.err);
	wait_for_log(in_folder("state/" RUN ".2.log"), "a result\n");
	look(&scene, &seen);
	wait_for_log(in_folder("state/" RUN ".3.log"), "a result\n");
}

static void programs_get_a_document(void **state)
{
	struct scene scene = {.tells_run = true, .format = OUT_JSON};
	struct seen seen;
	json_t *document;

	(void)state;
	look(&scene, &seen);
	document = json_loads(seen.out, 0, NULL);
	assert_non_null(document);
	assert_string_equal(RUN, json_string_value(json_object_get(document, "run")));
	assert_string_equal("run-plan", json_string_value(json_object_get(document, "kind")));
	json_decref(document);
	scene.format = OUT_NAME;
	look(&scene, &seen);
	assert_string_equal(RUN "\n", seen.out);
}

static void what_ends_before_its_run_is_passed_on(void **state)
{
	const struct scene scene = {.status = 6};
	struct seen seen;
	char name[300];

	(void)state;
	look(&scene, &seen);
	assert_string_equal("", seen.out);
	assert_string_equal(
		"about to begin\ndeployctl: that is how it ended\na result\n", seen.err);
	assert_int_equal(6, seen.status);
	assert_false(has_log("deployctl-", name, sizeof(name)));
	assert_false(has_log(RUN, name, sizeof(name)));
}

static void its_document_is_passed_on_as_one(void **state)
{
	static const enum out_format formats[] = {OUT_JSON, OUT_YAML, OUT_JSONL};
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct scene scene = {
			.status = 6, .has_document = true, .format = formats[i]};
		struct deploy_yaml *doc;
		struct deploy_error err = {.code = DEPLOY_OK};
		json_t *error;

		look(&scene, &seen);
		assert_string_equal("about to begin\ndeployctl: that is how it ended\n", seen.err);
		assert_int_equal(6, seen.status);
		assert_int_equal(
			0, deploy_yaml_read(&doc, "out", seen.out, strlen(seen.out), &err));
		error = json_array_get(json_object_get(deploy_yaml_root(doc), "errors"), 0);
		assert_string_equal("because", json_string_value(json_object_get(error, "text")));
		deploy_yaml_free(doc);
	}
}

static void a_background_that_dies_is_told(void **state)
{
	struct scene scene = {.is_killed = true};
	struct seen seen;
	json_t *document;

	(void)state;
	look(&scene, &seen);
	assert_string_equal("about to begin\nthe background was ended by signal 9\n", seen.err);
	assert_int_equal(EXIT_INTERNAL, seen.status);
	scene.format = OUT_JSON;
	look(&scene, &seen);
	document = json_loads(seen.out, 0, NULL);
	assert_non_null(document);
	assert_int_equal(EXIT_INTERNAL,
		json_integer_value(json_object_get(json_object_get(document, "exit"), "code")));
	json_decref(document);
}

static void a_caller_that_dies_does_no_harm(void **state)
{
	const struct scene scene = {.tells_run = true, .waits = true};
	struct caller caller = start(&scene);
	struct seen seen;
	char name[300] = "";

	(void)state;
	/* Till the background has its log. */
	while (!has_log("deployctl-", name, sizeof(name)))
		(void)poll(NULL, 0, 5);
	wait_for_log(in_folder(name), "about to begin\n");
	assert_int_equal(0, kill(caller.pid, SIGKILL));
	see(&caller, &seen);
	assert_int_equal(-SIGKILL, seen.status);
	write_all(caller.gate, "re");
	wait_for_log(in_folder("state/" RUN ".log"), "a result\n");
	(void)close(caller.gate);
}

/* A signal to the foreground is none to the background, though both had one pipe for signals. */
static void the_background_has_signals_of_its_own(void **state)
{
	const struct scene scene = {.tells_run = true, .waits = true};
	struct caller caller = start(&scene);
	struct seen seen;
	char name[300] = "";

	(void)state;
	while (!has_log("deployctl-", name, sizeof(name)))
		(void)poll(NULL, 0, 5);
	wait_for_log(in_folder(name), "about to begin\n");
	assert_int_equal(0, kill(caller.pid, SIGUSR1));
	assert_int_equal(0, kill(caller.pid, SIGINT));
	see(&caller, &seen);
	assert_int_equal(EXIT_INT, seen.status);
	write_all(caller.gate, "re");
	wait_for_log(in_folder("state/" RUN ".log"),
		"about to begin\ndeployctl: that is how it ended\na result\n");
	(void)close(caller.gate);
}

static void a_state_file_that_cannot_be_is_told_at_once(void **state)
{
	const struct scene scene = {.tells_run = true};
	struct seen seen;

	(void)state;
	write_text(in_folder("state"), "no folder");
	look(&scene, &seen);
	assert_int_equal(99, seen.status);
	assert_non_null(strstr(seen.err, "state/state.db"));
}

static void what_is_open_cannot_go_along(void **state)
{
	struct ctx ctx = {.signal_fd = -1};
	struct deploy_error err = {.code = DEPLOY_OK};
	int ready_fd;

	(void)state;
	assert_int_equal(DEPLOY_IO, detach(&ctx, &ready_fd, &err));
	assert_string_equal("--state=FILE", err.hint);
	err = (struct deploy_error){.code = DEPLOY_OK};
	assert_int_equal(0, mkdir(in_folder("state"), 0700));
	assert_int_equal(0, deploy_state_open(&ctx.state, in_folder("state/state.db"), true, &err));
	assert_int_equal(DEPLOY_BUG, detach(&ctx, &ready_fd, &err));
	assert_string_equal("--detach: the state file is open", err.text);
	deploy_state_close(ctx.state);
}

static int set_up(void **state)
{
	(void)state;
	return open_folder("test_detach");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_caller_gets_the_run_and_is_free),
		TEST(a_run_that_goes_on_keeps_its_older_log),
		TEST(programs_get_a_document),
		TEST(what_ends_before_its_run_is_passed_on),
		TEST(its_document_is_passed_on_as_one),
		TEST(a_background_that_dies_is_told),
		TEST(a_caller_that_dies_does_no_harm),
		TEST(the_background_has_signals_of_its_own),
		TEST(a_state_file_that_cannot_be_is_told_at_once),
		TEST(what_is_open_cannot_go_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
