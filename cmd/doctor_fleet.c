/* doctor asks nodes: who is there, does a request come back, and do the clocks agree. */
#include "doctor_fleet.h"

#include <stdlib.h>
#include <string.h>

/* Seconds are all that a pong tells, so less than this says nothing. */
#define CLOCK_SLACK_S 2

/* The same words as everywhere when nobody answers. */
#define SILENCE                                                                                    \
	"check PSK, collective and clocks: a wrong PSK, a wrong collective and nodes whose clock " \
	"is off all look like this"

static const char discovery[] = "discovery", round_trip[] = "round trip", clocks[] = "clocks";

/* What the events of one run come to. */
struct hearing {
	struct deploy_nodeset *answered, *off, *refused;
	int64_t round_trip_us;
	long long worst_s; /* the largest difference of clocks, with its sign */
	char worst_node[DEPLOY_MAX_IDENTITY + 1];
	long long limit_s; /* from here on requests are lost */
	bool is_beyond;	   /* a node is beyond it */
	char message[256]; /* of a node that failed, or of a reply that was rejected */
	bool is_blocked;
};

static void hear_nothing(struct hearing *hearing)
{
	*hearing = (struct hearing){.answered = deploy_nodeset_new(),
		.off = deploy_nodeset_new(),
		.refused = deploy_nodeset_new()};
}

static void release(struct hearing *hearing)
{
	deploy_nodeset_free(hearing->answered);
	deploy_nodeset_free(hearing->off);
	deploy_nodeset_free(hearing->refused);
}

/*
 * The node's clock against ours at half of the round trip. pong holds whole seconds, so the node
 * meant any instant of that second: the middle of it is taken, and the result rounded.
 */
static long long clock_difference_s(int64_t pong_s, int64_t at_us, int64_t round_trip_us)
{
	int64_t theirs_us = pong_s * 1000000 + 500000, ours_us = at_us - round_trip_us / 2;
	int64_t off_us = theirs_us - ours_us;

	return (off_us + (off_us < 0 ? -500000 : 500000)) / 1000000;
}

static void compare_clock(struct hearing *hearing, const struct deploy_event *event)
{
	const json_t *pong = json_object_get(event->outcome->data, "pong");
	struct deploy_error ignored = {0};
	long long off_s;

	/* What is no time, or one that cannot be, is no clock. */
	if (!json_is_integer(pong) || json_integer_value(pong) < 0 ||
		json_integer_value(pong) > INT64_C(1) << 40)
		return;
	off_s = clock_difference_s(json_integer_value(pong), event->at_us, event->outcome->rtt_us);
	if (llabs(off_s) > llabs(hearing->worst_s)) {
		hearing->worst_s = off_s;
		(void)snprintf(hearing->worst_node, sizeof(hearing->worst_node), "%s", event->node);
	}
	if (llabs(off_s) > CLOCK_SLACK_S)
		(void)deploy_nodeset_add(hearing->off, event->node, &ignored);
	if (llabs(off_s) > hearing->limit_s)
		hearing->is_beyond = true;
}

static void hear(void *arg, const struct deploy_event *event)
{
	struct hearing *hearing = arg;
	struct deploy_error ignored = {0};
	bool is_outcome = event->type == DEPLOY_EVENT_OUTCOME;

	if (event->type == DEPLOY_EVENT_BLOCKED || event->type == DEPLOY_EVENT_UNBLOCKED)
		hearing->is_blocked = event->type == DEPLOY_EVENT_BLOCKED;
	if (event->type == DEPLOY_EVENT_IGNORED && event->reason == DEPLOY_IGNORED_REJECTED)
		(void)snprintf(hearing->message, sizeof(hearing->message), "%s", event->text);
	if (is_outcome && event->outcome->state == DEPLOY_OUTCOME_OK) {
		(void)deploy_nodeset_add(hearing->answered, event->node, &ignored);
		hearing->round_trip_us = event->outcome->rtt_us;
		compare_clock(hearing, event);
	}
	if (is_outcome && event->outcome->state == DEPLOY_OUTCOME_FAILED) {
		(void)deploy_nodeset_add(hearing->refused, event->node, &ignored);
		(void)snprintf(
			hearing->message, sizeof(hearing->message), "%s", event->outcome->message);
	}
}

static int run(struct deploy_run_result *result, struct hearing *hearing, struct ctx *ctx,
	struct deploy_plan *plan, struct deploy_error *err)
{
	struct deploy_run_options options = {
		.signal_fd = ctx->signal_fd, .sink = hear, .sink_arg = hearing};

	(void)deploy_run(result, ctx->bus, plan, &options, err);
	deploy_plan_free(plan);
	if (result->end == DEPLOY_RUN_INTERRUPTED)
		(void)deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted");
	return err->code;
}

static long long patience_ms(const struct ctx *ctx, const struct target_opts *target)
{
	return target->discovery_ms ? target->discovery_ms : ctx->config->discovery_timeout_ms;
}

/* rpcutil ping to one node, or to all that were found. */
static struct deploy_plan *plan_ping(const struct ctx *ctx, const struct target_opts *target,
	const struct deploy_nodeset *one, const struct deploy_nodeset *found)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_policy policy = {.timeout_ms = patience_ms(ctx, target)};
	struct deploy_request *request = NULL;
	struct deploy_error ignored = {0};
	struct target_opts whom = *target;
	json_t *inputs = json_object();

	/* The words are our own. */
	(void)deploy_request_new(&request, "rpcutil", "ping", inputs, &ignored);
	json_decref(inputs);
	request->ttl_s = ctx->config->ttl_s;
	whom.filter = (struct deploy_filter){.nodes = one ? deploy_nodeset_copy(one) : NULL};
	(void)target_plan(plan, ctx, &whom, request, &policy, found);
	deploy_filter_release(&whom.filter);
	return plan;
}

static void tell_nobody(struct findings *findings, const char *collective,
	const struct hearing *hearing, const struct deploy_run_result *result)
{
	size_t rejected = result->tally ? result->tally[0].ignored[DEPLOY_IGNORED_REJECTED] : 0;

	if (hearing->is_blocked)
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_NO_ANSWER, discovery, collective,
			"rabbitmq-diagnostics alarms", "the broker takes no publishes");
	else if (rejected)
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_NO_ANSWER, discovery, collective,
			SILENCE, "no node is to be believed: %zu replies were rejected (%s)",
			rejected, hearing->message);
	else
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_NO_ANSWER, discovery, collective,
			SILENCE, "no node answers");
}

/* *found: who is there; the caller frees it. */
static int discover(struct findings *findings, struct ctx *ctx, const struct target_opts *target,
	const char *collective, struct deploy_nodeset **found, struct deploy_error *err)
{
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_run_result result;
	struct hearing hearing;
	size_t count = 0;

	hear_nothing(&hearing);
	target_plan_ping(plan, ctx, target, NULL);
	if (!run(&result, &hearing, ctx, plan, err)) {
		*found = deploy_nodeset_copy(hearing.answered);
		count = deploy_nodeset_count(*found);
		if (count)
			findings_tell(findings, DEPLOY_GRADE_OK, 0, discovery, collective, NULL,
				"%zu node%s", count, count == 1 ? " answers" : "s answer");
		else
			tell_nobody(findings, collective, &hearing, &result);
	}
	deploy_run_result_release(&result);
	release(&hearing);
	return err->code;
}

static void tell_round_trip(struct findings *findings, const char *node,
	const struct hearing *hearing, const struct deploy_tally *tally)
{
	if (deploy_nodeset_count(hearing->answered))
		findings_tell(findings, DEPLOY_GRADE_OK, 0, round_trip, node, NULL,
			"rpcutil ping came back in %.1f ms", (double)hearing->round_trip_us / 1000);
	else if (deploy_nodeset_count(hearing->refused))
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_NODE_FAILED, round_trip, node,
			"may this caller ask rpcutil there? See the node's policies and its log",
			"rpcutil ping failed: %s", hearing->message);
	else if (deploy_nodeset_count(tally->not_connected))
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_SOME_SILENT, round_trip, node,
			"does mcollectived run there, with this broker and this collective? Is the "
			"name right?",
			"not connected: the broker knows no queue of it");
	else
		findings_tell(findings, DEPLOY_GRADE_FAILED, EXIT_SOME_SILENT, round_trip, node,
			"connected, but silent: see its log for a wrong PSK, a clock that is off "
			"or an "
			"agent rpcutil that is missing; a slow node wants a longer --dt",
			"no answer in time");
}

static int go_and_return(struct findings *findings, struct ctx *ctx,
	const struct target_opts *target, const char *node, struct deploy_error *err)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_run_result result;
	struct hearing hearing;

	hear_nothing(&hearing);
	(void)deploy_nodeset_add(nodes, node, err);
	if (!err->code) {
		if (!run(&result, &hearing, ctx, plan_ping(ctx, target, nodes, NULL), err))
			tell_round_trip(findings, node, &hearing, &result.tally[0]);
		deploy_run_result_release(&result);
	}
	deploy_nodeset_free(nodes);
	release(&hearing);
	return err->code;
}

static void tell_clocks(struct findings *findings, const char *collective,
	const struct hearing *hearing, const struct deploy_nodeset *found)
{
	char *folded = deploy_nodeset_print(hearing->off);
	size_t answered = deploy_nodeset_count(hearing->answered);

	if (!answered)
		findings_tell(findings, DEPLOY_GRADE_WARNING, 0, clocks, collective,
			"may this caller ask rpcutil? See the policies of the nodes",
			"no node of %zu told its time%s%s", deploy_nodeset_count(found),
			hearing->message[0] ? ": " : "", hearing->message);
	else if (!deploy_nodeset_count(hearing->off))
		findings_tell(findings, DEPLOY_GRADE_OK, 0, clocks, collective, NULL,
			"%zu of %zu nodes told their time; none is off by more than %d s", answered,
			deploy_nodeset_count(found), CLOCK_SLACK_S);
	else
		findings_tell(findings,
			hearing->is_beyond ? DEPLOY_GRADE_FAILED : DEPLOY_GRADE_WARNING,
			EXIT_NODE_FAILED, clocks, collective,
			"timedatectl, or chronyc tracking, there and here: a request that is older "
			"than its ttl is dropped",
			"off by more than %d s: %s; most: %s, %lld s %s", CLOCK_SLACK_S, folded,
			hearing->worst_node, llabs(hearing->worst_s),
			hearing->worst_s < 0 ? "behind" : "ahead");
	free(folded);
}

/* Ttl is what a clock that is off uses up. */
static int compare_clocks(struct findings *findings, struct ctx *ctx,
	const struct target_opts *target, const char *collective,
	const struct deploy_nodeset *found, struct deploy_error *err)
{
	struct deploy_run_result result;
	struct hearing hearing;

	hear_nothing(&hearing);
	hearing.limit_s = ctx->config->ttl_s / 2;
	if (!run(&result, &hearing, ctx, plan_ping(ctx, target, NULL, found), err))
		tell_clocks(findings, collective, &hearing, found);
	deploy_run_result_release(&result);
	release(&hearing);
	return err->code;
}

int doctor_fleet(struct findings *findings, struct ctx *ctx, const struct target_opts *target,
	const char *node, struct deploy_error *err)
{
	const char *collective =
		target->collective ? target->collective : ctx->config->main_collective;
	struct deploy_nodeset *found = NULL;
	bool has_nodes;
	int rc = discover(findings, ctx, target, collective, &found, err);

	has_nodes = !rc && deploy_nodeset_count(found);
	if (!rc && !node && has_nodes)
		node = deploy_nodeset_get(found, 0);
	if (!rc && node)
		rc = go_and_return(findings, ctx, target, node, err);
	else if (!rc)
		findings_tell(findings, DEPLOY_GRADE_UNTRIED, 0, round_trip, collective, NULL,
			"no node is known");
	if (!rc && has_nodes)
		rc = compare_clocks(findings, ctx, target, collective, found, err);
	else if (!rc)
		findings_tell(findings, DEPLOY_GRADE_UNTRIED, 0, clocks, collective, NULL,
			"no node is known");
	deploy_nodeset_free(found);
	return rc;
}

void doctor_fleet_untried(struct findings *findings, const char *subject, const char *why)
{
	static const char *const checks[] = {discovery, round_trip, clocks};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		findings_tell(
			findings, DEPLOY_GRADE_UNTRIED, 0, checks[i], subject, NULL, "%s", why);
}
