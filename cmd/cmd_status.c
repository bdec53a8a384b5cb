/* deployctl status — what the state file knows: of the fleet, a node, a run, a cluster. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "completion.h"
#include "status.h"

#define EVERY_MS 2000

struct status_opts {
	bool watches;
	long long every_ms; /* 0: not said */
	const char *topology;
};

static const struct opt status_options[] = {
	OPT_FLAG('w', "watch", struct status_opts, watches,
		"show it again whenever it changes; of a run, until it has ended"),
	OPT_TIME(0, "every", struct status_opts, every_ms, "TIME", "with --watch: look every TIME",
		"2s"),
	OPT_TEXT(0, "topology", struct status_opts, topology, "CLUSTER",
		"show the categories, roles and nodes of CLUSTER as a tree"),
	OPT_END,
};

static const enum exit_status status_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT,
	EXIT_OUTPUT, EXIT_CONFIG, EXIT_LIST_END};

static const struct example status_examples[] = {
	{"deployctl status", "how many nodes are known, how far they are, what was done last"},
	{"deployctl status -o wide", "a row for each node"},
	{"deployctl status web01.example.net", "how far a node is, and what to type next"},
	{"deployctl status 01KAM8", "what became of a run; the beginning of its id is enough"},
	{"deployctl status --watch 01KAM8", "until it has ended, with the status of the run"},
	{"deployctl status --topology preview", "who is what in a cluster"},
	{NULL, NULL},
};

static int check_opts(const struct ctx *ctx, const struct status_opts *opts, struct args args,
	struct deploy_error *err)
{
	if (opts->topology && args.count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--topology shows a cluster: \"%s\" cannot stand beside it",
			args.values[0]);
	if (opts->every_ms && !opts->watches)
		return deploy_error_set(err, DEPLOY_USAGE, "--every belongs to --watch");
	if (opts->watches && out_is_document(ctx->out)) {
		deploy_error_hint(err, "--watch -o jsonl");
		return deploy_error_set(err, DEPLOY_USAGE,
			"--watch shows more than the one document that json and yaml are");
	}
	return 0;
}

static int found(void *arg, const char *name, const char *text)
{
	(void)name;
	(void)text;
	*(bool *)arg = true;
	return 0;
}

/* Errors: DEPLOY_INPUT if no run begins so; DEPLOY_USAGE if more than one does. */
static int find_run(char id[DEPLOY_RUN_ID_SIZE], const struct deploy_state *state, const char *name,
	struct deploy_error *err)
{
	const struct deploy_names_query query = {
		.what = DEPLOY_NAMES_RUNS, .prefix = name, .limit = 1};
	bool is_run = false;

	if (deploy_state_each_name(state, &query, found, &is_run, err))
		return err->code;
	if (is_run)
		return deploy_state_find_run(id, state, name, err);
	deploy_error_hint(err, "deployctl discover");
	return deploy_error_set(err, DEPLOY_INPUT,
		"%s: neither a node that is known nor the beginning of a run's id", name);
}

/* A name that is both means the node: more of the id tells the run. */
static int show_named(
	const struct status_look *look, const char *name, int *ended, struct deploy_error *err)
{
	char id[DEPLOY_RUN_ID_SIZE];
	bool is_node = false;

	if (status_node(look, name, &is_node, err) || is_node)
		return exit_of_error(err->code);
	if (find_run(id, look->ctx->state, name, err))
		return err->code == DEPLOY_INPUT ? EXIT_NO_NODES : exit_of_error(err->code);
	(void)status_run(look, id, ended, err);
	return exit_of_error(err->code);
}

static int show_topology(
	const struct status_look *look, const char *cluster, struct deploy_error *err)
{
	size_t nodes;

	if (status_topology(look, cluster, &nodes, err) || nodes)
		return exit_of_error(err->code);
	deploy_error_hint(err, "deployctl status -o wide");
	(void)deploy_error_set(
		err, DEPLOY_INPUT, "%s: no node is in a cluster of that name", cluster);
	return EXIT_NO_NODES;
}

/* One look at the file as it is now. *ended: what watching comes to; -1: it goes on. */
static int show(struct ctx *ctx, const struct status_opts *opts, struct args args, int *ended,
	struct deploy_error *err)
{
	const struct status_look look = {.ctx = ctx,
		.out = ctx->out,
		.now_us = when_now_us(),
		.is_steady = opts->watches && !out_columns(ctx->out)};

	*ended = -1;
	if (ctx_state(ctx, false, err))
		return exit_of_error(err->code);
	if (opts->topology)
		return show_topology(&look, opts->topology, err);
	if (args.count)
		return show_named(&look, args.values[0], ended, err);
	(void)status_fleet(&look, err);
	return exit_of_error(err->code);
}

/* A reader of a file that was not there yet would never see it: each look opens it anew. */
static int watch(
	struct ctx *ctx, const struct status_opts *opts, struct args args, struct deploy_error *err)
{
	char *before = NULL, *text;
	int status, ended;

	for (;;) {
		out_capture_begin(ctx->out);
		status = show(ctx, opts, args, &ended, err);
		text = out_capture_end(ctx->out);
		if (!before || strcmp(before, text) != 0)
			out_repaint(ctx->out, text);
		free(before);
		before = text;
		if (status != EXIT_ALL_OK || ended >= 0 || out_has_failed(ctx->out))
			break;
		deploy_state_close(ctx->state);
		ctx->state = NULL;
		when_wait(opts->every_ms ? opts->every_ms : EVERY_MS);
	}
	free(before);
	return status == EXIT_ALL_OK && ended >= 0 ? ended : status;
}

static int status_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct status_opts *status = opts;
	int ended;

	if (ctx_settings(ctx, err) || check_opts(ctx, status, args, err))
		return exit_of_error(err->code);
	return status->watches ? watch(ctx, status, args, err)
			       : show(ctx, status, args, &ended, err);
}

static void status_complete(struct completion *completion, struct args operands)
{
	if (operands.count)
		return;
	completion_offer_nodes(completion, 0);
	completion_offer_runs(completion);
}

const struct command cmd_status = {
	.name = "status",
	.group = "observe",
	.summary = "show what is known of fleet, node or run",
	.operands = "[NODE|RUN]",
	.description =
		"Shows what the state file knows, without the broker: what commands have seen and "
		"done so far, not what nodes are now; deployctl discover and inventory ask them. "
		"Who writes meanwhile is not waited for.\n\n"
		"Without an operand it shows the fleet: how many nodes are known and how far each "
		"has come, what is running or was interrupted, and the last acts. A node is "
		"discovered while nothing is assigned to it; at role until all facts that were "
		"assigned have been read back from it; at facts then, or if it shows a role of "
		"its own; at certificate when the CA has signed it; at puppet if its last puppet "
		"run failed or nobody knows how it ended; and done when a run ended ok after it "
		"had its facts.\n\n"
		"Of a NODE it shows the stage and the command that brings it on, what it is "
		"assigned and has shown, its certificate and its last outcomes. Of a RUN, named "
		"by the beginning of its id, it shows who did what, how it ended, and which nodes "
		"were not ok. A name that is both means the node.\n\n"
		"With --watch a terminal is repainted; anything else gets the whole again when "
		"something changed. Watching a run ends when the run has ended, and the status is "
		"then the run's own, 4 if it was interrupted; otherwise the status is 0 whatever "
		"became of nodes, and 1 if nothing is known of the name.",
	.min_args = 0,
	.max_args = 1,
	.complete = status_complete,
	.options = status_options,
	.opts_size = sizeof(struct status_opts),
	.needs = NEED_SETTINGS,
	.exits = status_exits,
	.examples = status_examples,
	.main = status_main,
};
