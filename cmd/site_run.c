/* Carrying out a site's Puppet runs: all disabled, each enabled for its own run, all enabled. */
#include "site_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detach.h"
#include "play_ask.h"
#include "record.h"
#include "report.h"
#include "signals.h"
#include "site_names.h"
#include "site_report.h"

#define ALL "site" /* name of the frozen set */

/* One run. */
struct job {
	struct ctx *ctx;
	const struct site_opts *opts;
	const struct play_opts *play;
	struct site_plan plan;
	const char *environment;
	const char *resume;		   /* NULL: a new run */
	struct deploy_nodeset *all, *done; /* of the selection; of these, those done before */
	struct site_part part;		   /* the others */
	struct site_report report;
	struct record record;
	struct deploy_site_run_options options;
	char message[DEPLOY_PUPPET_MESSAGE_BYTES + 1];
};

static const char *collective_of(const struct job *job)
{
	if (job->play->collective)
		return job->play->collective;
	return job->opts->collective ? job->opts->collective : job->ctx->config->main_collective;
}

/* Who is meant */

static int take_done(void *arg, const struct deploy_outcome_record *outcome)
{
	struct deploy_error ignored = {0};

	if (outcome->label && outcome->is_known && outcome->outcome.state == DEPLOY_OUTCOME_OK &&
		(strncmp(outcome->label, "rank ", 5) == 0 || strcmp(outcome->label, "run") == 0))
		(void)deploy_nodeset_add(arg, outcome->node, &ignored);
	return 0;
}

static int take_frozen(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	if (strcmp(name, ALL) == 0)
		deploy_nodeset_unite(arg, nodes);
	return 0;
}

/* What an earlier process has left: nodes that are done, and all those that it may have disabled.
 */
static int look_back(struct job *job, struct deploy_error *err)
{
	const struct deploy_outcome_query query = {.run = job->resume};

	if (!job->resume || ctx_state(job->ctx, true, err) ||
		deploy_state_each_outcome(job->ctx->state, &query, take_done, job->done, err))
		return err->code;
	(void)deploy_state_each_frozen(job->ctx->state, job->resume, take_frozen, job->all, err);
	/* Whoever goes to the background holds no file open. */
	deploy_state_close(job->ctx->state);
	job->ctx->state = NULL;
	return err->code;
}

/* The nodes that are left: --limit and --canary count those that were done before. */
static int choose(struct job *job, struct deploy_error *err)
{
	const struct deploy_ranks *ranks = job->plan.ranks;
	size_t most = deploy_amount_part(job->opts->limit.amount, ranks->node_count), at, first = 0;
	bool *keep = out_resize(NULL, ranks->node_count + 1);

	memset(keep, 0, ranks->node_count + 1);
	job->all = deploy_nodeset_new();
	job->done = deploy_nodeset_new();
	(void)look_back(job, err);
	for (size_t i = 0; i < most && !err->code; i++) {
		const char *node = ranks->nodes[ranks->by_rank[i]];

		(void)deploy_nodeset_add(job->all, node, err);
		keep[ranks->by_rank[i]] = !deploy_nodeset_find(job->done, node, strlen(node), &at);
		first += ranks->rank[ranks->by_rank[i]] == 0;
	}
	if (!err->code)
		site_part_make(
			&job->part, ranks, keep, job->opts->canary < first ? job->opts->canary : 0);
	free(keep);
	return err->code;
}

static int confirm(const struct job *job, struct deploy_error *err)
{
	static const struct confirm_question question = {
		.before = "Puppet will run, in the order of the site, on ", .after = ""};

	return confirm_act(job->ctx, &job->play->confirm, &question,
		deploy_nodeset_count(job->part.nodes), err);
}

/* The run */

static void set_options(struct job *job)
{
	const struct site_opts *opts = job->opts;
	bool is_pausing = opts->canary && !job->play->confirm.says_yes;

	job->options = (struct deploy_site_run_options){.policy = opts->policy,
		.ready = opts->schedule == SITE_WHEN_READY,
		.keeps_disabled = opts->on_fail == SITE_KEEP_DISABLED,
		.pause = is_pausing ? "the first nodes are done; go on with the others?" : NULL};
	job->options.run = (struct deploy_puppet_run_options){.collective = collective_of(job),
		.ttl_s = job->ctx->config->ttl_s,
		.timeout_ms = opts->timeout_ms ? opts->timeout_ms : PUPPET_TIMEOUT_MS,
		.idle_ms = opts->idle_ms,
		.run_ms = opts->run_ms,
		.noop = opts->noop,
		.tags = opts->tags,
		.message = job->message};
}

static int make_plan(struct job *job, struct deploy_plan *plan, struct deploy_error *err)
{
	const struct site_part *part = &job->part;

	set_options(job);
	/* All were done before: what is left is to let Puppet run again. */
	if (!deploy_nodeset_count(part->nodes))
		return 0;
	if (deploy_site_plan(plan, part->nodes, part->rank, part->ranks, part->start, part->after,
		    &job->options, err))
		return err->code;
	/* Only a whole run that changes things says how far a node has come. */
	for (size_t i = DEPLOY_SITE_RUN; i < plan->task_count; i++)
		if (plan->tasks[i]->act && !job->opts->noop && !job->opts->tags)
			plan->tasks[i]->deed = DEPLOY_PUPPET_RUN;
	return 0;
}

static void carry_out(struct job *job, struct deploy_plan *plan, struct deploy_run_result *result,
	struct deploy_error *err)
{
	/* A process that died may have left nodes disabled. */
	struct deploy_site_end end = {
		.nodes = job->all, .options = &job->options, .was_disabling = job->resume != NULL};
	const struct deploy_director director = {deploy_site_direct_end, &end};
	struct play_asker asker = {.out = job->ctx->out};
	struct deploy_run_options options = {.signal_fd = job->ctx->signal_fd,
		.progress_ms = report_progress_ms(job->ctx->out),
		.idle = out_drain,
		.idle_arg = job->ctx->out,
		.director = &director,
		.ask = play_ask,
		.answer = play_answer,
		.ask_arg = &asker};

	record_join(&job->record, &options);
	(void)deploy_run(result, job->ctx->bus, plan, &options, err);
	record_flush(&job->record);
}

/* What the table begins with. */
static void expect(struct job *job)
{
	const struct site_part *part = &job->part;
	char rank[32];

	for (size_t i = 0; i < deploy_nodeset_count(part->nodes); i++) {
		(void)snprintf(rank, sizeof(rank), "rank %u", part->rank[i] + 1);
		site_report_expect(&job->report, deploy_nodeset_get(part->nodes, i),
			job->opts->schedule == SITE_WHEN_READY ? "run" : rank);
	}
	site_report_done_before(&job->report, job->done);
	if (job->report.before)
		out_note(job->ctx->out, "%zu %s done before", job->report.before,
			job->report.before == 1 ? "node was" : "nodes were");
	if (job->resume)
		deploy_nodeset_unite(job->report.held, job->all);
}

static int run_recorded(struct job *job, struct deploy_plan *plan, struct deploy_error *err)
{
	struct deploy_run_result result = {.end = DEPLOY_RUN_FAILED};
	char id[DEPLOY_RUN_ID_SIZE] = "";
	int status;

	(void)snprintf(id, sizeof(id), "%s", job->ctx->run_id);
	deploy_puppet_site_message(job->message, id, job->environment);
	expect(job);
	site_names_check(job->ctx, job->all);
	if (make_plan(job, plan, err) == 0) {
		deploy_journal_freeze(job->record.journal, ALL, job->all);
		carry_out(job, plan, &result, err);
	}
	status = site_report_status(&job->report, &result, err);
	status = record_end(&job->record, &result, status, err);
	site_report_show(&job->report, &result, id, status, err);
	site_report_note_held(&job->report, job->message);
	deploy_run_result_release(&result);
	return status;
}

static int run(struct job *job, int ready_fd, struct deploy_error *err)
{
	struct deploy_plan *plan = deploy_plan_new();
	json_t *recorded = site_opts_json(job->opts, collective_of(job), job->environment);
	const struct record_info info = {.kind = "run-plan",
		.reason = job->play->reason,
		.is_act = true,
		.plan_file = job->plan.file,
		.plan_digest = job->plan.digest,
		.options = recorded,
		.resume = job->resume};
	int status;

	plan->deadline_ms = job->play->deadline_ms;
	site_report_init(&job->report, job->ctx->out, plan);
	if (ctx_bus(job->ctx, collective_of(job), err) ||
		record_begin(&job->record, job->ctx, &info, plan, site_report_event, &job->report,
			err)) {
		status = (int)exit_of_error(err->code);
	} else {
		if (ready_fd >= 0)
			detach_ready(ready_fd, job->ctx->run_id);
		status = run_recorded(job, plan, err);
	}
	site_report_release(&job->report);
	json_decref(recorded);
	deploy_plan_free(plan);
	return status;
}

static int check_digest(const struct job *job, const char *digest, struct deploy_error *err)
{
	if (!digest || strcmp(job->plan.digest, digest) == 0)
		return 0;
	deploy_error_hint(err,
		"deployctl resume %s --changed-plan; or deployctl cancel %s, which lets Puppet "
		"run again",
		job->resume, job->resume);
	return deploy_error_set(err, DEPLOY_REFUSED,
		"nothing was done: the order of %s is not the one any more with which the run "
		"began",
		job->plan.file);
}

/* What would have to ask, or to read, where nobody is. */
static int check_unattended(const struct job *job, struct deploy_error *err)
{
	if (job->opts->canary && job->play->detach && !job->play->confirm.says_yes)
		return deploy_error_set(err, DEPLOY_USAGE,
			"in the background nobody can be asked after the first nodes: --canary "
			"with --detach needs --yes, and then goes on by itself");
	if (!job->resume || strcmp(job->opts->source, "-") != 0 || !isatty(STDIN_FILENO))
		return 0;
	deploy_error_hint(err, "deployctl resume %s --yes <FILE", job->resume);
	return deploy_error_set(
		err, DEPLOY_USAGE, "the run has read its site from stdin: give it again");
}

static int start(struct job *job, const char *digest, struct deploy_error *err)
{
	int status, ready_fd = -1;

	if (check_unattended(job, err) || site_check_opts(job->opts, err) ||
		site_plan_read(&job->plan, job->ctx, job->opts, err) ||
		check_digest(job, digest, err) || choose(job, err))
		return (int)exit_of_error(err->code);
	job->environment = job->opts->environment ? job->opts->environment
						  : deploy_site_environment(job->plan.site);
	if (!deploy_nodeset_count(job->all)) {
		out_note(job->ctx->out, "the site has no applications: nothing to do");
		return EXIT_ALL_OK;
	}
	status = deploy_nodeset_count(job->part.nodes) ? confirm(job, err) : EXIT_ALL_OK;
	if (status != EXIT_ALL_OK)
		return status;
	if (job->play->detach && detach(job->ctx, &ready_fd, err))
		return (int)exit_of_error(err->code);
	return run(job, ready_fd, err);
}

int site_start(struct ctx *ctx, const struct site_opts *opts, const struct play_opts *play,
	const char *resume, const char *digest, struct deploy_error *err)
{
	struct job job = {.ctx = ctx, .opts = opts, .play = play, .resume = resume};
	int status = start(&job, digest, err);

	site_part_release(&job.part);
	deploy_nodeset_free(job.all);
	deploy_nodeset_free(job.done);
	site_plan_release(&job.plan);
	return status;
}

/* Of a run whose process died */

/* job->report holds the nodes in question. */
static int enable_all(struct job *job, struct deploy_error *err)
{
	const struct record_info info = {
		.kind = "cancel", .reason = "its process died", .is_act = true};
	struct deploy_run_result result = {.end = DEPLOY_RUN_FAILED};
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	site_report_init(&job->report, job->ctx->out, plan);
	deploy_nodeset_unite(job->report.held, job->all);
	if (ctx_open_secrets(job->ctx, err) || signals_open(&job->ctx->signal_fd, err) ||
		ctx_bus(job->ctx, collective_of(job), err) ||
		record_begin(&job->record, job->ctx, &info, plan, site_report_event, &job->report,
			err)) {
		status = (int)exit_of_error(err->code);
	} else {
		set_options(job);
		carry_out(job, plan, &result, err);
		status = site_report_status(&job->report, &result, err);
		status = record_end(&job->record, &result, status, err);
	}
	site_report_note_held(&job->report, job->message);
	deploy_run_result_release(&result);
	site_report_release(&job->report);
	deploy_plan_free(plan);
	return status;
}

int site_let_go(struct ctx *ctx, const char *run, const json_t *options, struct deploy_error *err)
{
	static const struct play_opts none;
	struct site_opts opts;
	struct job job = {.ctx = ctx,
		.opts = &opts,
		.play = &none,
		.resume = run,
		.all = deploy_nodeset_new()};
	int status;

	site_opts_take(&opts, options);
	if (deploy_state_each_frozen(ctx->state, run, take_frozen, job.all, err)) {
		status = (int)exit_of_error(err->code);
	} else if (!opts.environment || !deploy_nodeset_count(job.all)) {
		status = EXIT_ALL_OK;
	} else {
		deploy_puppet_site_message(job.message, run, opts.environment);
		status = enable_all(&job, err);
	}
	deploy_nodeset_free(job.all);
	return status;
}

int site_dry_run(struct ctx *ctx, const struct site_opts *opts, struct deploy_error *err)
{
	struct site_plan plan = {.site = NULL};

	if (site_check_opts(opts, err) == 0 && site_plan_read(&plan, ctx, opts, err) == 0) {
		size_t most = deploy_amount_part(opts->limit.amount, plan.ranks->node_count);

		if (!plan.ranks->node_count)
			out_note(ctx->out, "the site has no applications: nothing to do");
		else if (most < plan.ranks->node_count)
			out_note(ctx->out, "of these nodes only the first %zu would run", most);
		site_plan_show(&plan, ctx, err);
	}
	site_plan_release(&plan);
	return (int)exit_of_error(err->code);
}
