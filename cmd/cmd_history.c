/* deployctl history — the runs that the state file keeps. */
#include <string.h>

#include "command.h"
#include "runs.h"
#include "status.h"

#define PRUNE_ROWS 5000 /* in one go; others may write in between */

struct history_opts {
	unsigned limit;
	const char *kind;
	bool acts;
};

static const struct opt history_options[] = {
	OPT_NUMBER(0, "limit", struct history_opts, limit, "N", 1, 1000000,
		"show the newest N runs", "50"),
	OPT_TEXT(0, "kind", struct history_opts, kind, "KIND",
		"only runs of this command: ping, rpc, 'puppet run'"),
	OPT_FLAG(0, "acts", struct history_opts, acts,
		"only what may have changed something, not ping, discover and their like"),
	OPT_END,
};

static const enum exit_status history_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_NO_INPUT, EXIT_OUTPUT, EXIT_CONFIG, EXIT_LIST_END};

static const struct example history_examples[] = {
	{"deployctl history", "what was done last, newest first"},
	{"deployctl history --acts --limit 5 -o json", "for programs"},
	{"deployctl history --kind rpc -o name", "the ids alone"},
	{"deployctl history prune", "forget old runs now"},
	{NULL, NULL},
};

static void history_init(void *opts)
{
	((struct history_opts *)opts)->limit = 50;
}

static struct choice history_first_operand(size_t index)
{
	static const struct choice choices[] = {
		{"prune", "forget the runs that need not be kept"}, {NULL, NULL}};

	return choices[index];
}

struct listing {
	struct out *out;
	struct out_table *table;
	json_t *items;
};

static int list_run(void *arg, const struct deploy_run_record *run)
{
	struct listing *listing = arg;

	if (out_is_for_people(listing->out))
		runs_table_add(listing->table, run);
	else if (out_format(listing->out) == OUT_NAME)
		status_name(listing->out, run->id);
	else
		(void)json_array_append_new(listing->items, runs_item(run));
	return 0;
}

static void print_listing(struct listing *listing, const struct deploy_error *err)
{
	json_t *summary = json_pack("{s:I}", "runs", (json_int_t)json_array_size(listing->items));

	out_table_print(listing->out, listing->table);
	out_lines(listing->out, "run", listing->items);
	out_document(listing->out, "history", listing->items, summary, EXIT_ALL_OK, err);
	json_decref(summary);
}

static int list(struct ctx *ctx, const struct history_opts *history, struct deploy_error *err)
{
	struct listing listing = {ctx->out, runs_table_new(), json_array()};
	const struct deploy_run_query query = {
		.kind = history->kind, .acts = history->acts, .limit = history->limit};

	if (!ctx_state(ctx, false, err) &&
		!deploy_state_each_run(ctx->state, &query, list_run, &listing, err))
		print_listing(&listing, err);
	out_table_free(listing.table);
	json_decref(listing.items);
	return exit_of_error(err->code);
}

static int count_run(void *arg, const struct deploy_run_record *run)
{
	(void)run;
	++*(size_t *)arg;
	return 0;
}

static int count_runs(size_t *count, const struct deploy_state *state, struct deploy_error *err)
{
	const struct deploy_run_query all = {0};

	*count = 0;
	return deploy_state_each_run(state, &all, count_run, count, err);
}

static int remove_old(struct ctx *ctx, struct deploy_error *err)
{
	const struct deploy_retention retention = {.keep_days = ctx->config->keep_days,
		.keep_runs = ctx->config->keep_runs,
		.max_rows = PRUNE_ROWS};
	bool more = true;

	while (more && !deploy_state_prune(ctx->state, &retention, &more, err))
		;
	return err->code;
}

static int prune(struct ctx *ctx, struct deploy_error *err)
{
	size_t before, kept;
	json_t *summary;

	if (ctx_state(ctx, true, err) || count_runs(&before, ctx->state, err) ||
		remove_old(ctx, err) || count_runs(&kept, ctx->state, err))
		return exit_of_error(err->code);
	/* Others may have added some meanwhile. */
	before = before > kept ? before - kept : 0;
	if (out_is_for_people(ctx->out))
		out_text(ctx->out, "removed %zu of %zu runs\n", before, before + kept);
	summary = json_pack("{s:I, s:I}", "removed", (json_int_t)before, "kept", (json_int_t)kept);
	out_document(ctx->out, "history", NULL, summary, EXIT_ALL_OK, err);
	json_decref(summary);
	return EXIT_ALL_OK;
}

static int history_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct history_opts *history = opts;

	if (args.count && strcmp(args.values[0], "prune") != 0) {
		deploy_error_hint(err, "deployctl status %s", args.values[0]);
		(void)deploy_error_set(err, DEPLOY_USAGE,
			"\"%s\" is not prune, the only word that may stand here", args.values[0]);
		return EXIT_USAGE;
	}
	if (ctx_settings(ctx, err))
		return exit_of_error(err->code);
	return args.count ? prune(ctx, err) : list(ctx, history, err);
}

const struct command cmd_history = {
	.name = "history",
	.group = "observe",
	.summary = "list the runs so far, or forget old ones",
	.operands = "[prune]",
	.description =
		"Lists the runs that the state file keeps, newest first: what was typed, when, by "
		"whom, and how many nodes were ok, failed, silent and unknown. A run whose "
		"process died shows as interrupted; its nodes without an outcome are unknown. "
		"deployctl status RUN tells all about one of them. The broker is not needed.\n\n"
		"Every run removes a few of those that are older than keep.days of the "
		"configuration (90), or beyond the newest keep.runs (1000) acts and as many "
		"others; prune removes all of them now.",
	.min_args = 0,
	.max_args = 1,
	.first_operand = history_first_operand,
	.options = history_options,
	.opts_size = sizeof(struct history_opts),
	.opts_init = history_init,
	.needs = NEED_SETTINGS,
	.exits = history_exits,
	.examples = history_examples,
	.main = history_main,
};
