/* deployctl resume — go on with a plan that was interrupted, or that has failed. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "completion.h"
#include "play_opts.h"
#include "runs.h"
#include "site_run.h"

struct resume_opts {
	struct play_opts play;
	bool retry_unknown, changed_plan;
};

static const struct opt resume_options[] = {
	OPT_FLAG(0, "retry-unknown", struct resume_opts, retry_unknown,
		"do again what may have been done already, also where it is not idempotent"),
	OPT_FLAG(0, "changed-plan", struct resume_opts, changed_plan,
		"go on with the plan as it is now, although it was another"),
	OPT_GROUP(play_options, struct resume_opts, play),
	OPT_END,
};

static const enum exit_status resume_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example resume_examples[] = {
	{"deployctl resume 01KAM8", "the beginning of a run's id is enough"},
	{"deployctl resume 01KAM8 --retry-unknown", "also what may have been done already"},
	{NULL, NULL},
};

/* What is known of the run. */
struct earlier {
	char *file, *digest;
	json_t *inputs, *options;
	int64_t started_us;
	bool is_plan, is_done, is_damaged;
};

static int take_run(void *arg, const struct deploy_run_record *run)
{
	struct earlier *earlier = arg;

	earlier->is_plan = run->plan_file != NULL;
	earlier->is_damaged = run->is_damaged;
	earlier->is_done = run->life == DEPLOY_LIFE_ENDED && run->exit == EXIT_ALL_OK;
	earlier->file = out_copy(run->plan_file);
	earlier->digest = out_copy(run->plan_digest);
	earlier->inputs = json_incref(run->inputs);
	earlier->options = json_incref(run->options);
	earlier->started_us = run->started_us;
	return 0;
}

static void release(struct earlier *earlier)
{
	free(earlier->file);
	free(earlier->digest);
	json_decref(earlier->inputs);
	json_decref(earlier->options);
}

static int find_run(struct earlier *earlier, char id[DEPLOY_RUN_ID_SIZE], struct ctx *ctx,
	const char *prefix, struct deploy_error *err)
{
	const struct deploy_run_query query = {.id = id};

	if (ctx_state(ctx, true, err) || deploy_state_find_run(id, ctx->state, prefix, err) ||
		deploy_state_each_run(ctx->state, &query, take_run, earlier, err))
		return err->code;
	if (!earlier->is_plan)
		return deploy_error_set(err, DEPLOY_USAGE, "run %s carried out no plan", id);
	/* Steps that were left out would be done, with inputs that nobody gave. */
	if (earlier->is_damaged)
		return deploy_error_set(err, DEPLOY_IO,
			"run %s: its inputs and options cannot be read in the state file", id);
	return 0;
}

static int check_digest(const struct earlier *earlier, const struct resume_opts *opts,
	const struct deploy_playbook *book, const char *id, struct deploy_error *err)
{
	char digest[DEPLOY_DIGEST_SIZE];

	deploy_playbook_digest(digest, book);
	if (opts->changed_plan || (earlier->digest && strcmp(digest, earlier->digest) == 0))
		return 0;
	deploy_error_hint(err, "deployctl resume %s --changed-plan", id);
	return deploy_error_set(err, DEPLOY_REFUSED,
		"nothing was done: %s is not the plan any more with which the run began; steps "
		"that were done are known by their ids",
		earlier->file);
}

static void take_names(struct play_names *names, const json_t *options, const char *key)
{
	const json_t *list = json_object_get(options, key), *name;
	size_t i;

	json_array_foreach(list, i, name) if (json_is_string(name) && names->count < PLAY_NAMES_MAX)
		names->names[names->count++] = json_string_value(name);
}

static int go_on(struct ctx *ctx, const struct resume_opts *opts, const struct earlier *earlier,
	const char *id, struct args words, struct deploy_error *err)
{
	struct play_job job = {.words = words, .before = earlier->inputs};
	struct play_opts play = opts->play;
	int status;

	/* Elsewhere the same names may be nobody, or others. */
	if (!play.collective)
		play.collective =
			json_string_value(json_object_get(earlier->options, "collective"));

	job.request = (struct play_request){.file = earlier->file,
		.resume = id,
		.from = json_string_value(json_object_get(earlier->options, "from")),
		.started_us = earlier->started_us,
		.retries_unknown = opts->retry_unknown};
	take_names(&job.request.skip, earlier->options, "skip");
	take_names(&job.request.only, earlier->options, "only");
	if (play_read(&job.book, ctx, earlier->file, err) ||
		check_digest(earlier, opts, job.book, id, err))
		status = (int)exit_of_error(err->code);
	else
		status = play_start(ctx, &play, &job, err);
	deploy_playbook_free(job.book);
	return status;
}

static int go_on_with_site(struct ctx *ctx, const struct resume_opts *opts,
	const struct earlier *earlier, const char *id, struct args words, struct deploy_error *err)
{
	struct site_opts site;

	if (words.count)
		return exit_of_error((enum deploy_code)deploy_error_set(
			err, DEPLOY_USAGE, "a site takes no inputs: \"%s\"", words.values[0]));
	site_opts_take(&site, earlier->options);
	/* From wherever it is resumed, it is the same file. */
	site.source = earlier->file;
	return site_start(
		ctx, &site, &opts->play, id, opts->changed_plan ? NULL : earlier->digest, err);
}

static int resume_main(struct ctx *ctx, void *options, struct args args, struct deploy_error *err)
{
	struct args words = {args.count - 1, args.values + 1};
	struct earlier earlier = {.file = NULL};
	char id[DEPLOY_RUN_ID_SIZE];
	int status = EXIT_ALL_OK;

	(void)find_run(&earlier, id, ctx, args.values[0], err);
	/* Whoever goes to the background holds no file open. */
	deploy_state_close(ctx->state);
	ctx->state = NULL;
	if (err->code)
		status = (int)exit_of_error(err->code);
	else if (earlier.is_done)
		out_note(ctx->out, "run %s has ended, and all was well: nothing is left to do", id);
	else if (site_is_recorded(earlier.options))
		status = go_on_with_site(ctx, options, &earlier, id, words, err);
	else
		status = go_on(ctx, options, &earlier, id, words, err);
	release(&earlier);
	return status;
}

static int offer_run(void *arg, const struct deploy_run_record *run)
{
	if (runs_can_resume(run))
		completion_offer(arg, run->id, run->command);
	return 0;
}

static void resume_complete(struct completion *completion, struct args operands)
{
	const struct deploy_run_query latest = {.limit = 200};
	const struct deploy_state *state = completion_state(completion);
	struct deploy_error ignored = {.code = DEPLOY_OK};

	if (!operands.count && state)
		(void)deploy_state_each_run(state, &latest, offer_run, completion, &ignored);
}

const struct command cmd_resume = {
	.name = "resume",
	.group = "act",
	.summary = "go on with a plan that was cut off or failed",
	.operands = "RUN [NAME=VALUE...]",
	.description =
		"Goes on with a run of a plan, under the same id: with the same nodes, groups and "
		"inputs. A step that is known to be done on a node is not repeated there. Nodes "
		"that failed are asked again; so are those of which nobody knows whether they did "
		"it, if the step is idempotent. Otherwise they are told, the plan does not go on "
		"behind that step, and the status is 4; when somebody has looked, "
		"--retry-unknown asks them again.\n\n"
		"Inputs that are secret were not recorded and have to be given again. A plan that "
		"is no longer the same is refused, unless --changed-plan says that the ids of its "
		"steps still mean the same.\n\n"
		"A run of run-plan --site goes on with the nodes whose Puppet run is not known to "
		"be "
		"done, in their order. In the end all nodes that it has disabled are enabled, also "
		"if nothing else is left to do.",
	.min_args = 1,
	.max_args = ARGS_ANY,
	.complete = resume_complete,
	.options = resume_options,
	.opts_size = sizeof(struct resume_opts),
	.needs = NEED_CONFIG | NEED_BROKER,
	.exits = resume_exits,
	.examples = resume_examples,
	.main = resume_main,
};
