/* deployctl cancel — have a run end that another process carries out. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>

#include "command.h"
#include "completion.h"
#include "runs.h"
#include "site_run.h"
#include "status.h"

#define LOOK_MS 50

struct cancel_opts {
	long long wait_ms;
};

static const struct opt cancel_options[] = {
	OPT_TIME(0, "wait", struct cancel_opts, wait_ms, "TIME",
		"wait until the run has ended, for TIME at most; 0: not at all", "15s"),
	OPT_END,
};

static const enum exit_status cancel_exits[] = {EXIT_ALL_OK, EXIT_NODE_FAILED, EXIT_NO_ANSWER,
	EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_INPUT, EXIT_UNREACHABLE,
	EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example cancel_examples[] = {
	{"deployctl cancel 01KAM8", "the beginning of a run's id is enough"},
	{"deployctl cancel 01KAM8 --wait 2m", "if what it does to nodes takes long"},
	{NULL, NULL},
};

static void cancel_init(void *opts)
{
	((struct cancel_opts *)opts)->wait_ms = 15000;
}

/* How the run is now. */
struct look {
	enum deploy_run_life life;
	json_t *item; /* NULL: it is not kept any more */
	json_t *options;
	bool can_resume;
};

static int take_run(void *arg, const struct deploy_run_record *run)
{
	struct look *look = arg;

	look->life = run->life;
	look->item = runs_item(run);
	look->options = json_incref(run->options);
	look->can_resume = runs_can_resume(run);
	return 0;
}

static int look_at(struct look *look, const struct deploy_state *state, const char *id,
	struct deploy_error *err)
{
	const struct deploy_run_query query = {.id = id};

	json_decref(look->item);
	json_decref(look->options);
	*look = (struct look){.life = DEPLOY_LIFE_ENDED};
	if (deploy_state_each_run(state, &query, take_run, look, err))
		return err->code;
	return look->item
		       ? 0
		       : deploy_error_set(err, DEPLOY_INPUT, "run %s: it is not kept any more", id);
}

/* To kill() a number below 1 is no single process: -1 is every process there is. */
static int end_process(long pid)
{
	assert(pid > 0);
	return kill((pid_t)pid, SIGTERM);
}

/* Returns whether there is something to wait for. */
static bool tell_owner(struct ctx *ctx, long pid)
{
	if (pid == 0)
		return true;
	if (pid < 0) {
		out_note(ctx->out,
			"its process is not on this host, or cannot be told from others: "
			"end it there");
		return false;
	}
	if (end_process(pid) == 0 || errno == ESRCH)
		return true;
	out_note(ctx->out, "process %ld cannot be told to end: %s", pid, strerror(errno));
	return false;
}

static int wait_for_end(struct look *look, const struct deploy_state *state, const char *id,
	long long wait_ms, struct deploy_error *err)
{
	for (; !look_at(look, state, id, err) && look->life == DEPLOY_LIFE_RUNNING && wait_ms > 0;
		wait_ms -= LOOK_MS)
		when_wait(wait_ms < LOOK_MS ? wait_ms : LOOK_MS);
	return err->code;
}

static void print_text(struct out *out, const char *id, const struct look *look)
{
	int exit = (int)json_integer_value(json_object_get(look->item, "exit"));

	if (look->life == DEPLOY_LIFE_RUNNING) {
		out_text(out, "%s is still running\nto see it end: deployctl status --watch %s\n",
			id, id);
		return;
	}
	if (look->life == DEPLOY_LIFE_INTERRUPTED)
		out_text(out, "%s was interrupted: its process died\n", id);
	else
		out_text(out, "%s has ended, status %d %s\n", id, exit, exit_name(exit));
	out_text(out, "%s: deployctl %s %s\n", look->can_resume ? "to go on" : "what it came to",
		look->can_resume ? "resume" : "status", id);
}

static void print(struct out *out, const char *id, const struct look *look, int status,
	const struct deploy_error *err)
{
	json_t *items = json_pack("[O]", look->item);

	if (out_is_for_people(out))
		print_text(out, id, look);
	else if (out_format(out) == OUT_NAME)
		status_name(out, id);
	out_lines(out, "run", items);
	out_document(out, "cancel", items, NULL, status, err);
	json_decref(items);
}

/* How it is now, when nobody is waited for any more. */
static int conclude(
	struct ctx *ctx, const char *id, const struct look *look, struct deploy_error *err)
{
	int status = look->life == DEPLOY_LIFE_RUNNING ? EXIT_STOPPED : EXIT_ALL_OK;

	/* Its process can no longer do what it would have done at its end. */
	if (look->life == DEPLOY_LIFE_INTERRUPTED && site_is_recorded(look->options))
		status = site_let_go(ctx, id, look->options, err);
	out_set_run(ctx->out, id);
	print(ctx->out, id, look, status, err);
	return status;
}

static int cancel_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct cancel_opts *cancel = opts;
	struct look look = {.item = NULL};
	char id[DEPLOY_RUN_ID_SIZE];
	int status;
	long pid;

	if (ctx_settings(ctx, err) || ctx_state(ctx, true, err) ||
		deploy_state_find_run(id, ctx->state, args.values[0], err))
		return exit_of_error(err->code);
	out_set_run(ctx->out, id);
	if (deploy_state_cancel(ctx->state, id, NULL, &pid, err))
		return exit_of_error(err->code);
	if (wait_for_end(&look, ctx->state, id, tell_owner(ctx, pid) ? cancel->wait_ms : 0, err))
		status = exit_of_error(err->code);
	else
		status = conclude(ctx, id, &look, err);
	json_decref(look.item);
	json_decref(look.options);
	return status;
}

static void cancel_complete(struct completion *completion, struct args operands)
{
	if (operands.count == 0)
		completion_offer_runs(completion);
}

const struct command cmd_cancel = {
	.name = "cancel",
	.group = "act",
	.summary = "have a run end that another process does",
	.operands = "RUN",
	.description =
		"Notes in the state file that somebody wants a run to end, and sends TERM to the "
		"process that carries it out: nobody else is asked then, what is in flight is "
		"waited for up to 10 s, and what a plan always does at its end is done. RUN is the "
		"beginning of its id, which deployctl history lists.\n\n"
		"It waits until the run has ended and says how. If it is still running then, the "
		"status is 5; it has been told nevertheless. Told again it leaves at once, and "
		"what is in flight is unknown. Only a process on this host can be "
		"told: of a run that lives elsewhere it says so. One whose process died is "
		"interrupted, and deployctl resume goes on with it if it was a plan's or a site's. "
		"Nodes on which a site's run that died has disabled Puppet are enabled here: only "
		"where the message is that run's, and not while a catalog is applied; that is "
		"recorded as an act of its own. A run that has ended is refused with status 6.",
	.min_args = 1,
	.max_args = 1,
	.complete = cancel_complete,
	.options = cancel_options,
	.opts_size = sizeof(struct cancel_opts),
	.opts_init = cancel_init,
	.needs = NEED_SETTINGS,
	.exits = cancel_exits,
	.examples = cancel_examples,
	.main = cancel_main,
};
