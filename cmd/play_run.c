/* Carrying out a playbook. */
#include "play_run.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "play_acts.h"
#include "play_ask.h"
#include "play_past.h"
#include "play_report.h"
#include "record.h"
#include "report.h"

#define WAY_MS	  5000 /* beside what an agent's DDL says that it takes */
#define NO_DDL_MS 30000

/* One run of a plan. */
struct run {
	struct ctx *ctx;
	const struct play_request *request;
	struct play_report report;
	struct record record;
	struct deploy_play *play;
	struct deploy_past *past;
	char *lock; /* NULL: none */
	bool has_lock;
	struct play_acts *acts;
	const struct deploy_expr_function *functions;
	size_t function_count;
	struct play_asker asker;
};

/* What the play wants to know. */

/*
 * Errors quote a value, or its beginning, in which nobody would find the secret again: they are
 * made of the values without secrets.
 */
static int check_inputs(const struct run *run, const struct deploy_ddl_action *action,
	json_t *inputs, struct deploy_error *err)
{
	const struct deploy_outcome outcome = {.data = inputs, .message = ""};
	const struct deploy_event event = {.type = DEPLOY_EVENT_OUTCOME, .outcome = &outcome};
	json_t *masked = deploy_play_mask(run->play, &event)->outcome->data;
	struct deploy_error told = {.code = DEPLOY_OK};

	if (json_equal(masked, inputs))
		return deploy_ddl_check(action, inputs, NULL, err);
	if (deploy_ddl_check(action, inputs, NULL, &told) == 0)
		return 0;
	(void)deploy_ddl_check(action, masked, NULL, err);
	return deploy_error_set(
		err, told.code, "an input that holds a secret is not what its DDL wants");
}

static int prepare(
	void *arg, struct deploy_request *request, long long *timeout_ms, struct deploy_error *err)
{
	const struct run *run = arg;
	const struct deploy_config *config = run->ctx->config;
	const struct deploy_ddl_action *action;
	struct deploy_error ignored = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl = NULL;

	*timeout_ms = NO_DDL_MS;
	/* That one cannot be read was told when the plan was. */
	if (deploy_ddl_find(
		    &ddl, config->ddl_dirs, config->ddl_dir_count, request->agent, &ignored) ||
		!ddl)
		return 0;
	if (ddl->timeout_s)
		*timeout_ms = ddl->timeout_s * 1000LL + WAY_MS;
	action = deploy_ddl_action(ddl, request->action, err);
	if (action && !request->inputs)
		request->inputs = json_object();
	if (action)
		(void)check_inputs(run, action, request->inputs, err);
	deploy_ddl_free(ddl);
	return err->code;
}

static void freeze(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	struct run *run = arg;

	if (run->record.journal && !run->request->is_preflight)
		deploy_journal_freeze(run->record.journal, name, nodes);
}

/* Text without the secrets in it; borrowed until the next call. */
static const char *without_secrets(const struct run *run, const char *text)
{
	const struct deploy_event event = {.type = DEPLOY_EVENT_STOPPED, .text = text};

	return run->play ? deploy_play_mask(run->play, &event)->text : text;
}

static void note(void *arg, enum deploy_play_note what, const char *label,
	const struct deploy_step *step, size_t count, const char *text)
{
	struct run *run = arg;

	/* What happened before it is told before it. */
	record_flush(&run->record);
	play_report_note(
		&run->report, what, label, step, count, text ? without_secrets(run, text) : NULL);
}

/* A wrong value is quoted by whoever says that it is wrong. */
static void mask_error(const struct run *run, struct deploy_error *err)
{
	struct deploy_error masked = {.code = DEPLOY_OK};

	if (!err->code || !run->play)
		return;
	deploy_error_hint(&masked, "%s", err->hint);
	(void)deploy_error_set(&masked, err->code, "%s", without_secrets(run, err->text));
	*err = masked;
}

static int make_act(void *arg, struct deploy_act **out, const struct deploy_step *step,
	json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err)
{
	return play_acts_make(((struct run *)arg)->acts, out, step, values, nodes, err);
}

static void flush(void *arg)
{
	record_flush(&((struct run *)arg)->record);
}

static void hide(void *arg, json_t *value)
{
	struct run *run = arg;

	if (run->play)
		deploy_play_hide(run->play, value);
}

/* For the journal: what the outcome of a step means beside itself. */
static int record_outcome(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	const struct run *run = arg;
	const struct deploy_step *step =
		run->play ? deploy_play_step(run->play, event->task) : NULL;

	return step ? play_acts_record(run->acts, step, state, event, err) : 0;
}

/* Questions */

static int ask(void *arg, const char *text)
{
	struct run *run = arg;

	return play_ask(&run->asker, without_secrets(run, text));
}

static int answer(void *arg)
{
	return play_answer(&((struct run *)arg)->asker);
}

/* Events: secrets are gone before anything is recorded or shown. */

static void take_event(void *arg, const struct deploy_event *event)
{
	struct run *run = arg;

	if (run->play)
		event = deploy_play_mask(run->play, event);
	if (run->record.journal)
		deploy_journal_sink(run->record.journal, event);
	else
		play_report_event(&run->report, event);
}

static struct deploy_play_options options_of(struct run *run)
{
	const struct play_request *request = run->request;
	const struct deploy_config *config = run->ctx->config;
	const struct passwd *user = getpwuid(getuid());

	return (struct deploy_play_options){.book = request->book,
		.inputs = request->inputs,
		.clipboard = request->clipboard,
		.run_id = run->ctx->run_id,
		.user = user ? user->pw_name : "",
		.started_us = request->started_us,
		.collective = request->collective,
		.ttl_s = config->ttl_s,
		.discovery_ms = config->discovery_timeout_ms,
		.window_ms = config->window_ms,
		.from = request->from,
		.skip = request->skip.names,
		.skip_count = request->skip.count,
		.only = request->only.names,
		.only_count = request->only.count,
		.says_yes = request->says_yes,
		.is_preflight = request->is_preflight,
		.retries_unknown = request->retries_unknown,
		.retries_silent = request->retries_silent,
		.past = run->past,
		.prepare = prepare,
		.make_act = make_act,
		.freeze = freeze,
		.note = note,
		.functions = run->functions,
		.function_count = run->function_count,
		.arg = run};
}

/* Locks */

static int take_lock(struct run *run, struct deploy_error *err)
{
	const struct deploy_lock_info info = {.name = run->lock,
		.run = run->ctx->run_id,
		.kind = "run-plan",
		.reason = run->request->reason};
	struct deploy_error why = {.code = DEPLOY_OK};
	char dead_run[DEPLOY_RUN_ID_SIZE];

	if (deploy_lock_take(run->ctx->state, &info, dead_run, err))
		return err->code;
	run->has_lock = true;
	if (dead_run[0])
		out_note(run->ctx->out, "the lock %s was still held by run %s, which died",
			run->lock, dead_run);
	if (!run->ctx->bus || deploy_bus_lock(run->ctx->bus, run->lock, &why) == 0)
		return 0;
	if (why.code != DEPLOY_AUTH) {
		*err = why;
		return err->code;
	}
	out_note(run->ctx->out, "the lock holds on this machine only: %s", why.text);
	return 0;
}

static void release_lock(struct run *run)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (run->has_lock &&
		deploy_lock_release(run->ctx->state, run->lock, run->ctx->run_id, &err))
		out_note(run->ctx->out, "%s", err.text);
	free(run->lock);
}

/* The run */

/* Everybody may see what is locked. */
static int check_lock(const struct run *run, struct deploy_error *err)
{
	if (!run->lock || strcmp(without_secrets(run, run->lock), run->lock) == 0)
		return 0;
	return deploy_error_set(
		err, DEPLOY_INPUT, "%s: the lock's name holds a secret", run->request->file);
}

static int begin_play(struct run *run, struct deploy_error *err)
{
	const struct deploy_play_options options = options_of(run);

	if (deploy_play_new(&run->play, &options, err))
		return err->code;
	run->report.play = run->play;
	if (run->request->is_preflight)
		return 0;
	if (deploy_play_lock(&run->lock, &options, err) == 0 && check_lock(run, err) == 0 &&
		run->lock)
		(void)take_lock(run, err);
	return err->code;
}

static void carry_out(struct run *run, struct deploy_plan *plan, struct deploy_run_result *result,
	struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = run->ctx->signal_fd,
		.progress_ms = report_progress_ms(run->ctx->out),
		.idle = out_drain,
		.idle_arg = run->ctx->out,
		.director = deploy_play_director(run->play),
		.ask = ask,
		.answer = answer,
		.ask_arg = run};

	record_join(&run->record, &options);
	options.sink = take_event;
	options.sink_arg = run;
	(void)deploy_run(result, run->ctx->bus, plan, &options, err);
	record_flush(&run->record);
}

static int begin_record(struct run *run, const struct deploy_plan *plan, struct deploy_error *err)
{
	const struct play_request *request = run->request;
	char digest[DEPLOY_DIGEST_SIZE];
	json_t *inputs = deploy_playbook_mask(request->book, request->inputs);
	struct record_info info = {.kind = request->is_preflight ? "preflight" : "run-plan",
		.reason = request->reason,
		.is_act = !request->is_preflight,
		.fn = record_outcome,
		.fn_arg = run,
		/* Of a preflight nothing is left to resume. */
		.plan_file = request->is_preflight ? NULL : request->file,
		.plan_digest = digest,
		.inputs = inputs,
		.options = request->options,
		.resume = request->resume};

	deploy_playbook_digest(digest, request->book);
	(void)record_begin(
		&run->record, run->ctx, &info, plan, play_report_event, &run->report, err);
	json_decref(inputs);
	return err->code;
}

static int run_recorded(struct run *run, struct deploy_plan *plan, struct deploy_error *err)
{
	struct deploy_run_result result = {.end = DEPLOY_RUN_FAILED};
	char id[DEPLOY_RUN_ID_SIZE] = "";
	int status;

	if (run->ctx->run_id)
		(void)snprintf(id, sizeof(id), "%s", run->ctx->run_id);
	if (begin_play(run, err) == 0) {
		if (run->request->begun)
			run->request->begun(run->request->begun_arg, id);
		carry_out(run, plan, &result, err);
	}
	mask_error(run, err);
	status = play_report_status(&run->report, &result, err);
	/* The same command again would do again what was done. */
	if (err->code == DEPLOY_REFUSED && status != EXIT_REFUSED) {
		err->hint[0] = '\0';
		deploy_error_hint(err, "deployctl resume %s --yes", id);
	}
	release_lock(run);
	/* The status is in the file before anybody is told. */
	status = record_end(&run->record, &result, status, err);
	play_report_show(&run->report, &result, id[0] && !run->request->is_preflight ? id : NULL,
		status, err);
	deploy_run_result_release(&result);
	return status;
}

int play_check(struct ctx *ctx, const struct play_request *request, struct deploy_error *err)
{
	struct run run = {.ctx = ctx, .request = request};
	const struct deploy_play_options options = options_of(&run);
	struct deploy_play *play;

	if (deploy_play_new(&play, &options, err) == 0)
		deploy_play_free(play);
	return err->code;
}

int play_run(struct ctx *ctx, const struct play_request *request, struct deploy_error *err)
{
	struct run run = {.ctx = ctx, .request = request, .asker = {.out = ctx->out}};
	struct deploy_plan *plan = deploy_plan_new();
	int status;

	run.acts = play_acts_new(ctx, request->collective, flush, &run);
	run.functions = play_functions(ctx, hide, &run, &run.function_count);

	plan->deadline_ms = request->deadline_ms;
	play_report_init(&run.report, ctx->out, request->is_preflight);
	if ((request->resume && (ctx_state(ctx, true, err) || play_past_load(&run.past, ctx->state,
								      request->resume, err))) ||
		ctx_bus(ctx, request->collective, err) || begin_record(&run, plan, err))
		status = (int)exit_of_error(err->code);
	else
		status = run_recorded(&run, plan, err);
	deploy_play_free(run.play);
	play_acts_free(run.acts);
	play_functions_free(run.functions);
	deploy_past_free(run.past);
	play_report_release(&run.report);
	deploy_plan_free(plan);
	return status;
}
