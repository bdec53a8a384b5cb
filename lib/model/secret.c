/* Opening secrets: from a file, from the environment, from what a command prints. */
#include "model/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "deploy/secret.h"
#include "model/file_check.h"

#define SLICE_MS 100 /* so often a command is looked after when it says nothing */

extern char **environ;

/* One byte more than may be in it tells what is too long; never moved, so nothing stays behind. */
struct secret {
	char bytes[DP_SECRET_MAX_BYTES + 2];
	size_t len;
};

/* Signals that end us: they wait until the command is dead. */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define ENDING (sizeof(ending) / sizeof(ending[0]))

struct command {
	const char *program;
	pid_t pid;
	int output; /* the pipe's reading end */
	bool has_ended;
	int status; /* of waitpid() */
	int64_t deadline_us;
	sigset_t usual, held;
	struct sigaction usual_end; /* what SIGCHLD did */
};

static int spawn(struct command *command, const char *const *words, size_t count, int writing_end,
	struct deploy_error *err)
{
	char **argv = dp_xcalloc(count + 1, sizeof(*argv));
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t pipe_signal;
	int rc;

	for (size_t i = 0; i < count; i++)
		argv[i] = dp_xstrdup(words[i]);
	(void)sigemptyset(&pipe_signal);
	(void)sigaddset(&pipe_signal, SIGPIPE);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, writing_end, STDOUT_FILENO);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attributes, 0);
	(void)posix_spawnattr_setsigmask(&attributes, &command->usual);
	(void)posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
	rc = posix_spawnp(&command->pid, argv[0], &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; i < count; i++)
		free(argv[i]);
	free(argv);
	if (rc)
		return deploy_error_set(err, DEPLOY_CONFIG, "command '%s' cannot be run: %s",
			command->program, strerror(rc));
	return 0;
}

/* What is ignored (nohup) ends nobody. But while the end of children is, nobody knows of it. */
static void hold_signals(struct command *command)
{
	struct sigaction action, usual_end = {.sa_handler = SIG_DFL};

	(void)sigemptyset(&command->held);
	for (size_t i = 0; i < ENDING; i++)
		if (sigaction(ending[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)sigaddset(&command->held, ending[i]);
	(void)sigprocmask(SIG_BLOCK, &command->held, &command->usual);
	(void)sigaction(SIGCHLD, &usual_end, &command->usual_end);
}

static bool has_signal(const struct command *command)
{
	sigset_t pending;

	if (sigpending(&pending) != 0)
		return false;
	for (size_t i = 0; i < ENDING; i++)
		if (sigismember(&command->held, ending[i]) == 1 &&
			sigismember(&pending, ending[i]) == 1)
			return true;
	return false;
}

static void look_for_end(struct command *command)
{
	pid_t pid;

	if (command->has_ended)
		return;
	do
		pid = waitpid(command->pid, &command->status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	/* Somebody else has asked for it. */
	if (pid < 0)
		command->status = -1;
	command->has_ended = pid != 0;
}

static void kill_command(struct command *command)
{
	if (command->has_ended)
		return;
	(void)kill(-command->pid, SIGKILL);
	while (waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
		;
	command->has_ended = true;
}

/* Milliseconds until it is time to look again; fails when there is nothing to wait for. */
static int check_patience(const struct command *command, int *wait_ms, struct deploy_error *err)
{
	int64_t left_ms = (command->deadline_us - dp_clock_us() + 999) / 1000;

	*wait_ms = left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
	if (has_signal(command))
		return deploy_error_set(err, DEPLOY_INTERRUPTED,
			"interrupted while command '%s' ran", command->program);
	if (left_ms <= 0)
		return deploy_error_set(err, DEPLOY_CONFIG,
			"command '%s' did not end in time, it was killed", command->program);
	return 0;
}

/* Returns false at the end: also when the command is gone and only its children hold the pipe. */
static bool read_some(
	struct command *command, struct secret *secret, int wait_ms, struct deploy_error *err)
{
	struct pollfd wanted = {.fd = command->output, .events = POLLIN};
	ssize_t n;

	look_for_end(command);
	if (poll(&wanted, 1, command->has_ended ? 0 : wait_ms) <= 0)
		return !command->has_ended;
	n = read(command->output, secret->bytes + secret->len,
		DP_SECRET_MAX_BYTES + 2 - secret->len);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		(void)deploy_error_set(
			err, DEPLOY_CONFIG, "command '%s': %s", command->program, strerror(errno));
	if (n > 0)
		secret->len += (size_t)n;
	if (secret->len > DP_SECRET_MAX_BYTES + 1)
		(void)deploy_error_set(err, DEPLOY_CONFIG, "command '%s' prints more than %d bytes",
			command->program, DP_SECRET_MAX_BYTES);
	return n != 0 && !err->code;
}

static int collect(struct command *command, struct secret *secret, struct deploy_error *err)
{
	int wait_ms, pause_ms = 1, rc;

	do
		rc = check_patience(command, &wait_ms, err);
	while (!rc && read_some(command, secret, wait_ms, err));
	/* Between the pipe's end and the command's own lie some microseconds; or much more. */
	for (look_for_end(command); !err->code && !command->has_ended; look_for_end(command)) {
		if (check_patience(command, &wait_ms, err))
			break;
		(void)poll(NULL, 0, pause_ms < wait_ms ? pause_ms : wait_ms);
		pause_ms = pause_ms < SLICE_MS ? pause_ms * 2 : SLICE_MS;
	}
	return err->code;
}

static int check_status(const struct command *command, struct deploy_error *err)
{
	int status = command->status;

	if (status == 0)
		return 0;
	if (status > 0 && WIFEXITED(status))
		return deploy_error_set(err, DEPLOY_CONFIG, "command '%s' ended with status %d",
			command->program, WEXITSTATUS(status));
	if (status > 0 && WIFSIGNALED(status))
		return deploy_error_set(err, DEPLOY_CONFIG, "command '%s' ended by signal %d",
			command->program, WTERMSIG(status));
	return deploy_error_set(
		err, DEPLOY_CONFIG, "how command '%s' ended is not known", command->program);
}

static int run_command(struct secret *secret, const char *const *words, size_t count,
	long long limit_ms, struct deploy_error *err)
{
	struct command command = {
		.program = words[0], .deadline_us = dp_clock_us() + limit_ms * 1000};
	int ends[2], rc;

	if (pipe(ends) != 0)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "command '%s': %s", words[0], strerror(errno));
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	command.output = ends[0];
	hold_signals(&command);
	rc = spawn(&command, words, count, ends[1], err);
	(void)close(ends[1]);
	if (!rc) {
		rc = collect(&command, secret, err);
		kill_command(&command);
	}
	(void)close(ends[0]);
	(void)sigaction(SIGCHLD, &command.usual_end, NULL);
	/* Now the signal that came, if any, does what it does. */
	(void)sigprocmask(SIG_SETMASK, &command.usual, NULL);
	return rc ? rc : check_status(&command, err);
}

static int read_variable(struct secret *secret, const char *name, struct deploy_error *err)
{
	const char *value = getenv(name);

	if (!value || !*value)
		return deploy_error_set(
			err, DEPLOY_CONFIG, "environment variable %s is not set", name);
	secret->len = strlen(value);
	if (secret->len <= DP_SECRET_MAX_BYTES + 1)
		memcpy(secret->bytes, value, secret->len);
	return 0;
}

/* One newline at the end belongs to the file or to the command, not to the secret. */
static int take_text(char **out, struct secret *secret, bool ends_line, struct deploy_error *err)
{
	if (ends_line && secret->len && secret->len <= DP_SECRET_MAX_BYTES + 1 &&
		secret->bytes[secret->len - 1] == '\n')
		secret->len--;
	if (!secret->len)
		return deploy_error_set(err, DEPLOY_CONFIG, "the secret is empty");
	if (secret->len > DP_SECRET_MAX_BYTES)
		return deploy_error_set(err, DEPLOY_CONFIG, "the secret is longer than %d bytes",
			DP_SECRET_MAX_BYTES);
	if (memchr(secret->bytes, '\0', secret->len))
		return deploy_error_set(err, DEPLOY_CONFIG, "the secret holds a NUL");
	*out = dp_xstrndup(secret->bytes, secret->len);
	return 0;
}

int dp_secret_open(char **out, const char *const *words, size_t count, long long limit_ms,
	struct deploy_error *err)
{
	struct secret *secret;
	int rc;

	if (strcmp(words[0], "literal") == 0) {
		*out = dp_xstrdup(words[1]);
		return 0;
	}
	secret = dp_xcalloc(1, sizeof(*secret));
	if (strcmp(words[0], "file") == 0)
		rc = dp_file_read_secret(
			secret->bytes, sizeof(secret->bytes), &secret->len, words[1], err);
	else if (strcmp(words[0], "env") == 0)
		rc = read_variable(secret, words[1], err);
	else
		rc = run_command(secret, words + 1, count - 1, limit_ms, err);
	if (!rc && (rc = take_text(out, secret, strcmp(words[0], "env") != 0, err)) != 0)
		(void)deploy_error_wrap(err, "%s '%s'", words[0], words[1]);
	dp_wipe(secret, sizeof(*secret));
	free(secret);
	return rc;
}

static bool is_text(const json_t *value)
{
	return json_string_length(value) > 0 &&
	       strlen(json_string_value(value)) == json_string_length(value);
}

/* {kind, word…}; NULL if it is no reference. What it holds is borrowed. */
static const char **words_of(const json_t *reference, size_t *count)
{
	json_t *cmd = json_object_get(reference, "cmd"), *one = json_object_get(reference, "file");
	const char *kind = one ? "file" : "env", **words;

	if (!one)
		one = json_object_get(reference, "env");
	if (json_object_size(reference) != 1 || !(cmd ? json_array_size(cmd) > 0 : is_text(one)))
		return NULL;
	for (size_t i = 0; i < json_array_size(cmd); i++)
		if (!is_text(json_array_get(cmd, i)))
			return NULL;
	*count = cmd ? 1 + json_array_size(cmd) : 2;
	words = dp_xcalloc(*count, sizeof(*words));
	words[0] = cmd ? "cmd" : kind;
	for (size_t i = 1; i < *count; i++)
		words[i] = json_string_value(cmd ? json_array_get(cmd, i - 1) : one);
	return words;
}

int deploy_secret_open(
	char **out, const json_t *reference, long long limit_ms, struct deploy_error *err)
{
	size_t count;
	const char **words = words_of(reference, &count);
	int rc;

	*out = NULL;
	if (!words)
		return deploy_error_set(err, DEPLOY_INPUT,
			"expected where the secret is: one of file: PATH, env: NAME, "
			"cmd: [PROGRAM, ...]");
	rc = dp_secret_open(out, words, count, limit_ms, err);
	free(words);
	return rc;
}

char *dp_secret_describe(const char *const *words, size_t count)
{
	struct dp_buf text;
	char *taken;

	if (strcmp(words[0], "literal") == 0)
		return dp_xstrdup(words[1][0] ? "(set)" : "");
	dp_buf_init(&text, SIZE_MAX / 2);
	for (size_t i = 0; i < count; i++) {
		dp_buf_add_text(&text, i == 0 ? "" : i == 1 ? ":" : " ");
		dp_buf_add_text(&text, words[i]);
	}
	taken = dp_buf_take(&text);
	return taken;
}
