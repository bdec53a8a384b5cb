/* Assigning: what was assigned before, what is to be, and the run that changes it. */
#include "assign_state.h"

#include "assigning.h"
#include "report.h"
#include "target_opts.h"

/* Ask the nodes themselves. strangers: those that did not answer are left in it. */
static int look_for(struct ctx *ctx, struct deploy_nodeset *strangers, struct deploy_error *err)
{
	struct deploy_run_options options = {.signal_fd = ctx->signal_fd};
	struct target_opts target = {0};
	struct deploy_run_result result;
	struct deploy_plan *plan = deploy_plan_new();

	target_opts_init(&target);
	target.list = deploy_nodeset_copy(strangers);
	if (ctx_open_secrets(ctx, err) == 0 && target_connect(ctx, &target, err) == 0) {
		target_plan_ping(plan, ctx, &target, NULL);
		(void)deploy_run(&result, ctx->bus, plan, &options, err);
		if (result.end == DEPLOY_RUN_COMPLETE)
			deploy_nodeset_intersect(
				strangers, result.tally[0].set[DEPLOY_OUTCOME_SILENT]);
		else if (result.end == DEPLOY_RUN_INTERRUPTED)
			(void)deploy_error_set(
				err, DEPLOY_INTERRUPTED, "interrupted; nothing was assigned");
		deploy_run_result_release(&result);
	}
	target_opts_release(&target);
	deploy_plan_free(plan);
	return err->code;
}

static int refuse_strangers(struct assigning *assigning, struct deploy_error *err)
{
	struct deploy_nodeset *known, *strangers = deploy_nodeset_copy(assigning->nodes);

	if (assigning_list_known(&known, assigning, err) == 0) {
		deploy_nodeset_subtract(strangers, known);
		if (deploy_nodeset_count(strangers) && look_for(assigning->ctx, strangers, err) &&
			err->code != DEPLOY_INTERRUPTED)
			deploy_error_wrap(err, "%s was never seen, and cannot be asked",
				deploy_nodeset_get(strangers, 0));
		else if (!err->code && deploy_nodeset_count(strangers))
			(void)assigning_refuse(strangers, known, err);
	}
	deploy_nodeset_free(known);
	deploy_nodeset_free(strangers);
	return err->code;
}

static bool changes_any(const struct assigning *assigning)
{
	const char *node;
	json_t *data;

	json_object_foreach(assigning->told, node,
		data) if (json_is_true(json_object_get(data, "changed"))) return true;
	return false;
}

static int run(
	struct assigning *assigning, const struct assign_request *request, struct deploy_error *err)
{
	struct report report = {.out = assigning->ctx->out,
		.kind = "assign-role",
		.view = &report_acts,
		.is_act = !request->diff,
		.is_record_only = !request->diff,
		.reason = request->reason,
		.record = assigning_record,
		.record_arg = assigning,
		.shows_changes = request->diff,
		.is_filtered = true};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = deploy_plan_take_act(plan,
		deploy_act_known(assigning->told, request->diff ? "would change" : "changed"));
	int status;

	task->nodes = deploy_nodeset_copy(assigning->nodes);
	status = report_run(&report, assigning->ctx, plan, err);
	deploy_plan_free(plan);
	if (status == EXIT_ALL_OK && request->tells_change && changes_any(assigning))
		status = EXIT_CHANGES;
	return status;
}

static int ask_and_run(
	struct assigning *assigning, const struct assign_request *request, struct deploy_error *err)
{
	static const struct confirm_question question = {
		.before = "", .after = " will be assigned other roles"};
	int status = EXIT_ALL_OK;

	if (!request->diff && changes_any(assigning))
		status = confirm_act(assigning->ctx, &request->confirm, &question,
			deploy_nodeset_count(assigning->nodes), err);
	if (status == EXIT_ALL_OK && assigning_check(assigning, assigning->nodes, err))
		status = (int)exit_of_error(err->code);
	return status == EXIT_ALL_OK ? run(assigning, request, err) : status;
}

/* What is settled is refused, or done. */
static int finish(
	struct assigning *assigning, const struct assign_request *request, struct deploy_error *err)
{
	int status;

	if (err->code || refuse_strangers(assigning, err))
		status = (int)exit_of_error(err->code);
	else
		status = ask_and_run(assigning, request, err);
	assigning_release(assigning);
	return status;
}

int assign_record(struct ctx *ctx, const struct assign_request *request, struct deploy_error *err)
{
	struct assigning assigning;

	if (assigning_begin(&assigning, ctx, request->whole, err) == 0) {
		assigning.environment = request->environment;
		assigning.is_from_file = request->is_from_file;
		assigning_settle_all(&assigning, request->chosen);
	}
	return finish(&assigning, request, err);
}

int assign_remove(struct ctx *ctx, const struct deploy_nodeset *nodes,
	const struct assign_request *request, struct deploy_error *err)
{
	struct assigning assigning;

	if (assigning_begin(&assigning, ctx, NULL, err) == 0)
		for (size_t i = 0; i < deploy_nodeset_count(nodes); i++)
			assigning_settle(&assigning, deploy_nodeset_get(nodes, i), NULL);
	return finish(&assigning, request, err);
}
