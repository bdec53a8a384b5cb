/*
 * A run in the background. Two processes share a pipe, through which the background tells its run's
 * id, and a log, which the foreground reads if the background ends without telling one.
 */
#include "detach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

#define LOG_PREFIX "deployctl-"
#define PATH_SIZE  4096
#define MAX_LOGS   1000 /* of one run */

/* What both processes have of each other. */
struct link {
	int pipe[2]; /* read, write */
	int log;
	char path[PATH_SIZE]; /* of the log */
};

static int fail(struct deploy_error *err, enum deploy_code code, const char *what)
{
	return deploy_error_set(err, code, "--detach: %s: %s", what, strerror(errno));
}

/* Opened and closed: its folder is there then, and nobody has to look for it in a log. */
static int try_state(struct ctx *ctx, struct deploy_error *err)
{
	if (ctx->bus || ctx->state)
		return deploy_error_set(err, DEPLOY_BUG, "--detach: the %s is open",
			ctx->bus ? "broker" : "state file");
	if (ctx_state(ctx, true, err))
		return err->code;
	deploy_state_close(ctx->state);
	ctx->state = NULL;
	return 0;
}

/* Beside the state file. One that is there already was left by a process that is no more. */
static int open_log(struct link *link, const char *state, struct deploy_error *err)
{
	const char *slash = strrchr(state, '/');
	int len = slash ? (int)(slash - state) + 1 : 0;

	if (snprintf(link->path, sizeof(link->path), "%.*s" LOG_PREFIX "%ld.log", len, state,
		    (long)getpid()) >= (int)sizeof(link->path)) {
		errno = ENAMETOOLONG;
		return fail(err, DEPLOY_IO, "log");
	}
	(void)unlink(link->path);
	link->log =
		open(link->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	return link->log < 0 ? fail(err, DEPLOY_IO, link->path) : 0;
}

static int open_link(struct link *link, const char *state, struct deploy_error *err)
{
	if (open_log(link, state, err))
		return err->code;
	if (pipe(link->pipe) == 0 && fcntl(link->pipe[0], F_SETFD, FD_CLOEXEC) == 0 &&
		fcntl(link->pipe[1], F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	(void)fail(err, DEPLOY_BUG, "pipe");
	(void)unlink(link->path);
	(void)close(link->log);
	return err->code;
}

/* The background */

/* What we opened is closed by exec; what is not came with exec, from the caller. */
static void close_files_of_caller(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10), flags = fcntl(fd, F_GETFD);

		if (fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC))
			(void)close(fd);
	}
	(void)closedir(folder);
}

static int take_files(const struct link *link, struct deploy_error *err)
{
	int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (empty < 0 || dup2(empty, STDIN_FILENO) < 0 || dup2(link->log, STDOUT_FILENO) < 0 ||
		dup2(link->log, STDERR_FILENO) < 0)
		(void)fail(err, DEPLOY_BUG, "its files");
	if (empty > STDERR_FILENO)
		(void)close(empty);
	close_files_of_caller();
	return err->code;
}

/* The pipe of signals is the foreground's, too: what that is sent is not for us. */
static int go_on(struct ctx *ctx, struct link *link, int *ready_fd, struct deploy_error *err)
{
	(void)close(link->pipe[0]);
	*ready_fd = link->pipe[1];
	signals_close();
	(void)setsid();
	(void)take_files(link, err);
	out_reopen(ctx->out);
	(void)close(link->log);
	return err->code ? err->code : signals_open(&ctx->signal_fd, err);
}

/* A name that no earlier part of the run has taken. */
static void rename_log(const char *path, const char *run_id)
{
	int folder = (int)(strrchr(path, '/') + 1 - path);
	char name[PATH_SIZE + 64];

	(void)snprintf(name, sizeof(name), "%.*s%s.log", folder, path, run_id);
	for (int i = 2; i < MAX_LOGS && access(name, F_OK) == 0; i++)
		(void)snprintf(name, sizeof(name), "%.*s%s.%d.log", folder, path, run_id, i);
	(void)rename(path, name);
}

void detach_ready(int ready_fd, const char *run_id)
{
	char path[PATH_SIZE], line[DEPLOY_RUN_ID_SIZE + 1];
	ssize_t len = readlink("/proc/self/fd/1", path, sizeof(path) - 1);
	const char *slash;
	int count;

	path[len > 0 ? len : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash && strncmp(slash + 1, LOG_PREFIX, strlen(LOG_PREFIX)) == 0)
		rename_log(path, run_id);
	count = snprintf(line, sizeof(line), "%s\n", run_id);
	/* In one piece. Whoever waited may have been killed, which is nothing to us. */
	(void)!write(ready_fd, line, (size_t)count);
	(void)close(ready_fd);
}

/* The foreground */

/* False if the background ended before it had a run. */
static bool read_id(int fd, char id[DEPLOY_RUN_ID_SIZE])
{
	char line[DEPLOY_RUN_ID_SIZE + 1];
	size_t len = 0;
	ssize_t n = 1;

	while (n != 0 && len < sizeof(line)) {
		n = read(fd, line + len, sizeof(line) - len);
		if (n < 0 && errno != EINTR)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (len < 2 || line[len - 1] != '\n')
		return false;
	memcpy(id, line, len - 1);
	id[len - 1] = '\0';
	return true;
}

static int tell_run(struct ctx *ctx, const char *id)
{
	static const struct deploy_error none = {.code = DEPLOY_OK};
	struct deploy_error closing = {.code = DEPLOY_OK};

	out_note(ctx->out, "it goes on in the background: deployctl status %s --watch", id);
	out_set_run(ctx->out, id);
	if (out_is_for_people(ctx->out) || out_format(ctx->out) == OUT_NAME)
		out_text(ctx->out, "%s\n", id);
	else
		out_document(ctx->out, "run-plan", NULL, NULL, EXIT_ALL_OK, &none);
	return out_close(ctx->out, &closing) == 0 ? EXIT_ALL_OK : EXIT_OUTPUT;
}

/* Where the document of the background begins in what it wrote: it is the last that it writes. */
static size_t document_at(const char *text, size_t len)
{
	size_t at = len;

	for (size_t i = 0; i < len; i++)
		if ((i == 0 || text[i - 1] == '\n') &&
			(text[i] == '{' || strncmp(text + i, "schema: ", 8) == 0))
			at = i;
	return at;
}

/* The caller frees it; ends with NUL. */
static char *read_log(int fd, size_t *len)
{
	struct stat st = {.st_size = 0};
	char *text;
	ssize_t n = 1;

	(void)fstat(fd, &st);
	text = out_resize(NULL, (size_t)st.st_size + 1);
	for (*len = 0; n > 0 && *len<(size_t)st.st_size; *len += n> 0 ? (size_t)n : 0)
		n = pread(fd, text + *len, (size_t)st.st_size - *len, (off_t)*len);
	text[*len] = '\0';
	return text;
}

/* What it wrote is its error; for programs the document behind that is ours. */
static void pass_on(struct ctx *ctx, const struct link *link, int status)
{
	static const struct deploy_error none = {.code = DEPLOY_OK};
	bool is_plain = out_is_for_people(ctx->out) || out_format(ctx->out) == OUT_NAME;
	size_t len, at;
	char *text = read_log(link->log, &len);

	at = is_plain ? len : document_at(text, len);
	(void)fwrite(text, 1, at, stderr);
	if (at < len)
		out_text(ctx->out, "%s", text + at);
	else if (!is_plain)
		out_document(ctx->out, "run-plan", NULL, NULL, status, &none);
	free(text);
}

static int tell_end(struct ctx *ctx, const struct link *link, pid_t background)
{
	struct deploy_error closing = {.code = DEPLOY_OK};
	int ended = 0, status;

	while (waitpid(background, &ended, 0) < 0 && errno == EINTR)
		;
	status = WIFEXITED(ended) ? WEXITSTATUS(ended) : EXIT_INTERNAL;
	pass_on(ctx, link, status);
	if (WIFSIGNALED(ended))
		out_note(ctx->out, "the background was ended by signal %d", WTERMSIG(ended));
	(void)unlink(link->path);
	return out_close(ctx->out, &closing) == 0 ? status : exit_worse(status, EXIT_OUTPUT);
}

static int wait_for(struct ctx *ctx, const struct link *link, pid_t background)
{
	char id[DEPLOY_RUN_ID_SIZE];

	(void)close(link->pipe[1]);
	return read_id(link->pipe[0], id) ? tell_run(ctx, id) : tell_end(ctx, link, background);
}

int detach(struct ctx *ctx, int *ready_fd, struct deploy_error *err)
{
	struct link link;
	pid_t background;

	if (try_state(ctx, err) || open_link(&link, ctx_state_path(ctx, err), err))
		return err->code;
	/* What waits to be written is not to be written twice. */
	out_flush(ctx->out);
	(void)fflush(NULL);
	background = fork();
	if (background == 0)
		return go_on(ctx, &link, ready_fd, err);
	if (background > 0)
		exit(wait_for(ctx, &link, background));
	(void)fail(err, DEPLOY_BUG, "fork");
	(void)unlink(link.path);
	(void)close(link.log);
	(void)close(link.pipe[0]);
	(void)close(link.pipe[1]);
	return err->code;
}
