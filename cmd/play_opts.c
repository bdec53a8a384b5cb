/* From a command line to a plan's run. */
#include "play_opts.h"

#include <stdlib.h>
#include <string.h>

#include "detach.h"
#include "flaws.h"
#include "plan_inputs.h"

const struct opt play_options[] = {
	OPT_TEXT(0, "params", struct play_opts, params, "@FILE",
		"inputs from FILE (YAML or JSON), or stdin (@-); NAME=VALUE wins"),
	OPT_TEXT('T', "target", struct play_opts, collective, "COLLECTIVE",
		"use this collective instead of the main one"),
	OPT_FLAG(0, "allow-destructive", struct play_opts, allow_destructive,
		"steps that destroy something may run"),
	OPT_FLAG(0, "retry-silent", struct play_opts, retry_silent,
		"ask nodes again that did not answer, whatever the step says"),
	OPT_TIME(0, "deadline", struct play_opts, deadline_ms, "TIME",
		"end the run after TIME; what must be cleaned up gets 60 s more", NULL),
	OPT_TEXT(0, "reason", struct play_opts, reason, "TEXT", "why, for the record"),
	OPT_FLAG(0, "detach", struct play_opts, detach,
		"go on in the background; the run's id is printed"),
	OPT_GROUP(confirm_options, struct play_opts, confirm),
	OPT_END,
};

int play_read(
	struct deploy_playbook **book, struct ctx *ctx, const char *path, struct deploy_error *err)
{
	const struct deploy_playbook_options options = {
		.ddl_dirs = ctx->config->ddl_dirs, .ddl_dir_count = ctx->config->ddl_dir_count};
	size_t count;
	json_t *items;

	if (deploy_playbook_read_file(book, path, &options, err))
		return err->code;
	count = deploy_playbook_flaw_count(*book);
	if (!count)
		return 0;
	items = json_array();
	flaws_print(ctx->out, deploy_playbook_flaw(*book, 0), count, items);
	(void)deploy_error_set(err, DEPLOY_INPUT, "%s: %zu error%s, nothing was done", path, count,
		count == 1 ? "" : "s");
	if (out_format(ctx->out) == OUT_JSONL)
		flaws_print_lines(ctx->out, "error", items);
	out_document(ctx->out, "run-plan", items, NULL, EXIT_INPUT, err);
	out_flush(ctx->out);
	json_decref(items);
	return err->code;
}

int play_inputs(json_t **out, struct ctx *ctx, const struct play_opts *opts,
	const struct play_job *job, struct deploy_error *err)
{
	return plan_inputs(out, ctx, job->book, job->words, opts->params,
		!opts->confirm.asks_nothing, job->before, err);
}

static bool is_called(const struct deploy_step *step, const char *name)
{
	return strcmp(name, step->id) == 0 || strcmp(name, step->number) == 0;
}

static bool is_named(const struct play_names *names, const struct deploy_step *step)
{
	for (size_t i = 0; i < names->count; i++)
		if (is_called(step, names->names[i]))
			return true;
	return false;
}

/* Of the plan's own steps. */
static bool is_left_out(
	const struct play_request *request, const struct deploy_steps *own, size_t index)
{
	const struct deploy_step *step = &own->items[index];
	size_t first = 0;

	while (request->from && first < own->count && !is_called(&own->items[first], request->from))
		first++;
	return index < first || is_named(&request->skip, step) ||
	       (request->only.count && !is_named(&request->only, step));
}

json_t *play_left_out(const struct deploy_playbook *book, const struct play_request *request)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < book->steps.count; i++)
		if (is_left_out(request, &book->steps, i))
			(void)json_array_append_new(ids, json_string(book->steps.items[i].id));
	return ids;
}

/* Steps that destroy something, as "format, erase". */
struct destroyers {
	char text[400];
	size_t len;
};

static void look_at_steps(struct destroyers *found, const struct deploy_steps *steps);

static void look_at_step(struct destroyers *found, const struct deploy_step *step)
{
	if (step->is_destructive && found->len < sizeof(found->text) - 1)
		found->len +=
			(size_t)snprintf(found->text + found->len, sizeof(found->text) - found->len,
				"%s%.60s", found->len ? ", " : "", step->id);
	look_at_steps(found, &step->steps);
	look_at_steps(found, &step->always);
	for (size_t lane = 0; lane < step->lane_count; lane++)
		look_at_steps(found, &step->lanes[lane]);
	if (!step->plan)
		return;
	look_at_steps(found, &step->plan->steps);
	look_at_steps(found, &step->plan->on_success);
	look_at_steps(found, &step->plan->on_failure);
	look_at_steps(found, &step->plan->always);
}

static void look_at_steps(struct destroyers *found, const struct deploy_steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		look_at_step(found, &steps->items[i]);
}

static int check_destructive(
	const struct play_opts *opts, const struct play_job *job, struct deploy_error *err)
{
	struct destroyers found = {.len = 0};

	if (opts->allow_destructive || job->request.is_preflight)
		return 0;
	for (size_t i = 0; i < job->book->steps.count; i++)
		if (!is_left_out(&job->request, &job->book->steps, i))
			look_at_step(&found, &job->book->steps.items[i]);
	look_at_steps(&found, &job->book->on_success);
	look_at_steps(&found, &job->book->on_failure);
	look_at_steps(&found, &job->book->always);
	if (!found.len)
		return 0;
	deploy_error_hint(err, "--allow-destructive");
	return deploy_error_set(err, DEPLOY_REFUSED,
		"nothing was done: these steps destroy something: %s", found.text);
}

static int confirm(struct ctx *ctx, const struct play_opts *opts, const struct play_job *job,
	struct deploy_error *err)
{
	char text[400];

	if (job->request.is_preflight)
		return EXIT_ALL_OK;
	(void)snprintf(text, sizeof(text), "%s the plan %.100s (%zu step%s)",
		job->request.resume ? "go on with" : "run", job->book->plan, job->book->step_count,
		job->book->step_count == 1 ? "" : "s");
	return confirm_plain(ctx, &opts->confirm, text, err);
}

/* The child of --detach tells its id to whoever waits for it. */
static void tell_begun(void *arg, const char *run_id)
{
	detach_ready(*(int *)arg, run_id);
}

static int run(struct ctx *ctx, const struct play_opts *opts, struct play_job *job,
	struct deploy_error *err)
{
	int ready_fd = -1;

	if (opts->detach && detach(ctx, &ready_fd, err))
		return (int)exit_of_error(err->code);
	if (opts->detach) {
		job->request.begun = tell_begun;
		job->request.begun_arg = &ready_fd;
	}
	return play_run(ctx, &job->request, err);
}

int play_start(struct ctx *ctx, const struct play_opts *opts, struct play_job *job,
	struct deploy_error *err)
{
	struct play_request *request = &job->request;
	int status;

	request->book = job->book;
	request->collective = opts->collective ? opts->collective : ctx->config->main_collective;
	request->reason = opts->reason;
	request->deadline_ms = opts->deadline_ms;
	request->says_yes = opts->confirm.says_yes;
	request->retries_silent = opts->retry_silent;
	if (check_destructive(opts, job, err) || play_inputs(&request->inputs, ctx, opts, job, err))
		return (int)exit_of_error(err->code);
	if (play_check(ctx, request, err))
		status = (int)exit_of_error(err->code);
	else
		status = confirm(ctx, opts, job, err);
	if (status == EXIT_ALL_OK)
		status = run(ctx, opts, job, err);
	json_decref(request->inputs);
	request->inputs = NULL;
	return status;
}
