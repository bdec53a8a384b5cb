/* deployctl run-plan — go through the steps of a plan. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "completion.h"
#include "plan_show.h"
#include "play_opts.h"
#include "site_run.h"

struct run_plan_opts {
	struct play_opts play;
	struct site_opts site;
	const char *from;
	struct play_names skip, only;
	bool dry_run, preflight;
};

/* "a,b": names that are kept as long as the options. */
static int parse_names(void *field, const char *text, struct deploy_error *err)
{
	struct play_names *names = field;

	while (*text) {
		size_t len = strcspn(text, ",");
		char *name;

		if (names->count == PLAY_NAMES_MAX)
			return deploy_error_set(
				err, DEPLOY_USAGE, "more than %d steps", PLAY_NAMES_MAX);
		if (len == 0)
			return deploy_error_set(err, DEPLOY_USAGE, "an empty name");
		name = out_resize(NULL, len + 1);
		memcpy(name, text, len);
		name[len] = '\0';
		names->names[names->count++] = name;
		text += len + (text[len] == ',');
	}
	return names->count ? 0 : deploy_error_set(err, DEPLOY_USAGE, "an empty name");
}

static void release_names(struct play_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free((void *)(uintptr_t)names->names[i]);
}

static const struct opt run_plan_options[] = {
	OPT_FLAG(0, "dry-run", struct run_plan_opts, dry_run,
		"show what would be done; neither the broker nor any node is asked"),
	OPT_FLAG(0, "preflight", struct run_plan_opts, preflight,
		"only find the nodes, and check that they have the agents that steps ask"),
	OPT_TEXT(0, "from", struct run_plan_opts, from, "STEP",
		"begin with this step: those before it are skipped"),
	OPT_PARSED(0, "skip", struct run_plan_opts, skip, "STEP", parse_names, true,
		"leave out these steps; several by commas"),
	OPT_PARSED(0, "only", struct run_plan_opts, only, "STEP", parse_names, true,
		"do only these steps; several by commas"),
	OPT_GROUP(site_options, struct run_plan_opts, site),
	OPT_GROUP(play_options, struct run_plan_opts, play),
	OPT_END,
};

static const enum exit_status run_plan_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example run_plan_examples[] = {
	{"deployctl run-plan web-deploy.yaml cluster=alfa backend=web revision=42",
		"a plan with its inputs"},
	{"deployctl run-plan web-deploy.yaml --params @alfa.yaml --dry-run",
		"inputs from a file; only show what would be done"},
	{"deployctl run-plan web-deploy.yaml --params @alfa.yaml --preflight",
		"are all nodes and agents there?"},
	{"deployctl run-plan web-deploy.yaml --params @alfa.yaml --detach --yes",
		"in the background, from a job"},
	{"deployctl run-plan --site site.yaml --dry-run",
		"which nodes wait for which, and in which order Puppet will run"},
	{"deployctl run-plan --site production --canary 1",
		"Puppet's own graph; after the first node somebody is asked"},
	{NULL, NULL},
};

static void run_plan_release(void *opts)
{
	struct run_plan_opts *run = opts;

	release_names(&run->skip);
	release_names(&run->only);
}

static json_t *names_json(const struct play_names *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->count; i++)
		(void)json_array_append_new(array, json_string(names->names[i]));
	return array;
}

static void print_inputs(struct out *out, json_t *inputs)
{
	const char *name;
	json_t *value;

	json_object_foreach(inputs, name, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		out_text(out, "%s = ", name);
		out_foreign(out, text, strlen(text));
		out_text(out, "\n");
		free(text);
	}
	if (json_object_size(inputs))
		out_text(out, "\n");
}

static void print_left_out(struct out *out, const json_t *ids)
{
	const json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
		out_text(out, "%s%s", i ? ", " : "\nleft out: ", json_string_value(id));
	if (json_array_size(ids))
		out_text(out, "\n");
}

/* What would be done, with these inputs. */
static void show_dry(struct ctx *ctx, const struct play_job *job, json_t *inputs)
{
	struct deploy_error none = {.code = DEPLOY_OK};
	json_t *left_out = play_left_out(job->book, &job->request);
	json_t *items = json_pack("[o]", deploy_playbook_json(job->book));
	json_t *summary =
		json_pack("{s:b, s:O, s:O}", "dry_run", 1, "inputs", inputs, "left_out", left_out);

	if (out_is_for_people(ctx->out)) {
		print_inputs(ctx->out, inputs);
		plan_show(ctx->out, job->book);
		print_left_out(ctx->out, left_out);
	}
	if (out_format(ctx->out) == OUT_NAME)
		plan_show_ids(ctx->out, job->book);
	out_lines(ctx->out, "plan", items);
	out_note(ctx->out, "dry run: nothing was asked or done");
	out_document(ctx->out, "run-plan", items, summary, EXIT_ALL_OK, &none);
	json_decref(items);
	json_decref(summary);
	json_decref(left_out);
}

static int dry_run(struct ctx *ctx, const struct run_plan_opts *opts, struct play_job *job,
	struct deploy_error *err)
{
	json_t *masked;

	job->request.book = job->book;
	if (play_inputs(&job->request.inputs, ctx, &opts->play, job, err) == 0 &&
		play_check(ctx, &job->request, err) == 0) {
		masked = deploy_playbook_mask(job->book, job->request.inputs);
		show_dry(ctx, job, masked);
		json_decref(masked);
	}
	json_decref(job->request.inputs);
	return (int)exit_of_error(err->code);
}

static int run_site(struct ctx *ctx, const struct run_plan_opts *opts, struct args args,
	struct deploy_error *err)
{
	if (args.count)
		return exit_of_error((enum deploy_code)deploy_error_set(err, DEPLOY_USAGE,
			"--site and a plan exclude each other: \"%s\"", args.values[0]));
	if (opts->from || opts->skip.count || opts->only.count || opts->preflight)
		return exit_of_error((enum deploy_code)deploy_error_set(err, DEPLOY_USAGE,
			"--from, --skip, --only and --preflight are of plans, not of --site"));
	if (opts->play.params || opts->play.allow_destructive || opts->play.retry_silent)
		return exit_of_error((enum deploy_code)deploy_error_set(err, DEPLOY_USAGE,
			"--params, --allow-destructive and --retry-silent are of plans, not of "
			"--site"));
	return opts->dry_run ? site_dry_run(ctx, &opts->site, err)
			     : site_start(ctx, &opts->site, &opts->play, NULL, NULL, err);
}

/* What asks neither the broker nor a node needs nothing that says where they are. */
static int open_settings(
	struct ctx *ctx, const struct run_plan_opts *opts, struct deploy_error *err)
{
	if (opts->dry_run) {
		*err = (struct deploy_error){.code = DEPLOY_OK};
		return 0;
	}
	return err->code ? err->code : ctx_open_secrets(ctx, err);
}

static int run_plan_main(struct ctx *ctx, void *options, struct args args, struct deploy_error *err)
{
	const struct run_plan_opts *opts = options;
	struct play_job job = {.words = {args.count - 1, args.values + 1}};
	json_t *recorded;
	char *path;
	int status;

	if (open_settings(ctx, opts, err))
		return (int)exit_of_error(err->code);
	if (opts->site.source)
		return run_site(ctx, opts, args, err);
	if (site_check_absent(&opts->site, err))
		return EXIT_USAGE;
	if (!args.count)
		return exit_of_error((enum deploy_code)deploy_error_set(
			err, DEPLOY_USAGE, "which FILE, or --site?"));
	if (opts->dry_run && opts->preflight)
		return deploy_error_set(
			       err, DEPLOY_USAGE, "--dry-run and --preflight exclude each other"),
		       EXIT_USAGE;
	if (play_read(&job.book, ctx, args.values[0], err)) {
		deploy_playbook_free(job.book);
		return (int)exit_of_error(err->code);
	}
	path = realpath(args.values[0], NULL);
	recorded = json_pack("{s:s?, s:s?, s:o, s:o}", "collective", opts->play.collective, "from",
		opts->from, "skip", names_json(&opts->skip), "only", names_json(&opts->only));
	job.request = (struct play_request){.file = path ? path : args.values[0],
		.from = opts->from,
		.skip = opts->skip,
		.only = opts->only,
		.options = recorded,
		.is_preflight = opts->preflight};
	status = opts->dry_run ? dry_run(ctx, opts, &job, err)
			       : play_start(ctx, &opts->play, &job, err);
	json_decref(recorded);
	free(path);
	deploy_playbook_free(job.book);
	return status;
}

/* Behind the plan: what it wants to be told. */
static void run_plan_complete(struct completion *completion, struct args operands)
{
	const struct deploy_playbook_options options = {.ddl_dirs = NULL};
	struct deploy_playbook *book = NULL;
	struct deploy_error ignored = {.code = DEPLOY_OK};

	if (!operands.count)
		return;
	if (deploy_playbook_read_file(&book, operands.values[0], &options, &ignored) == 0)
		for (size_t i = 0; i < book->input_count; i++)
			if (!book->inputs[i].is_secret)
				completion_offer_within(completion, "", book->inputs[i].name, "=",
					book->inputs[i].description);
	deploy_playbook_free(book);
}

const struct command cmd_run_plan = {
	.name = "run-plan",
	.group = "act",
	.summary = "run a plan, or Puppet in the order of a site",
	.operands = "[FILE [NAME=VALUE...]]",
	.description =
		"Reads a plan, a YAML file that deployctl-plan(5) describes, checks it completely, "
		"and goes through its steps: each one when those before it are done, on as many "
		"nodes at a time as it says. A step that fails on more nodes than it tolerates "
		"ends the plan; what the plan has for that case, and for every case, is still "
		"done.\n\n"
		"NAME=VALUE gives the plan an input, NAME:=JSON as any JSON value. Inputs that are "
		"secret come from --params or are asked for at the terminal, never from the "
		"command line, and are neither shown nor recorded. What is missing is asked for, "
		"where somebody can be asked.\n\n"
		"Everything is recorded before it is done: a run that was interrupted, killed, or "
		"has failed goes on with deployctl resume, which repeats nothing that is known to "
		"have been done. Nodes are found once, and are the same ones from then on.\n\n"
		"With --site there is no plan: Puppet runs on the nodes of a site graph, which "
		"deployctl-site(5) describes, those first that others wait for. Puppet is disabled "
		"on all of them meanwhile, but for the run of a node itself. -o dot with --dry-run "
		"draws the order for Graphviz.",
	.min_args = 0,
	.draws = true,
	.max_args = ARGS_ANY,
	.complete = run_plan_complete,
	.options = run_plan_options,
	.opts_size = sizeof(struct run_plan_opts),
	.opts_release = run_plan_release,
	.needs = NEED_SETTINGS | NEED_BROKER,
	.exits = run_plan_exits,
	.examples = run_plan_examples,
	.main = run_plan_main,
};
