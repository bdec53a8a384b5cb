/* A Puppet run on one node, and letting Puppet run or not, against simulated agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deploy/puppet.h"
#include "puppet_agent.h"
#include "run/puppet_tell.h"

static const struct deploy_puppet_run_options plain = {
	.collective = "mcollective", .ttl_s = 60, .timeout_ms = 5000};

static struct dp_act_next run_with(const struct deploy_puppet_run_options *options, struct agent *a)
{
	struct deploy_error err = {0};
	struct deploy_act *act = NULL;
	struct dp_act_next next;

	if (!a->way_us)
		a->way_us = 5000;
	if (!a->length_us)
		a->length_us = 12 * SECOND;
	assert_int_equal(0, deploy_puppet_run_new(&act, options, &err));
	next = puppet_drive(act, a);
	act->ops->free(act);
	return next;
}

struct run_case {
	struct agent agent;
	enum deploy_outcome_state state;
	const char *message;
	const char *asked; /* NULL: whatever */
};

static void check_cases(
	const struct deploy_puppet_run_options *options, const struct run_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct agent agent = cases[i].agent;
		struct dp_act_next next = run_with(options, &agent);

		if (strcmp(cases[i].message, next.message) != 0)
			print_error("case %zu\n", i);
		assert_string_equal(cases[i].message, next.message);
		assert_int_equal(cases[i].state, next.state);
		assert_int_equal(next.state == DEPLOY_OUTCOME_FAILED, next.statuscode != 0);
		if (cases[i].asked)
			assert_string_equal(cases[i].asked, agent.asked);
		json_decref(next.data);
	}
}

#define CHECK(options, cases) check_cases(options, cases, sizeof(cases) / sizeof((cases)[0]))
#define USUAL		      "status last_run_summary runonce status last_run_summary"
#define OLD_RUN		      .has_run = true, .last = {CLEAN, -60 * SECOND, -50 * SECOND, 0, 1}

static void a_run_is_followed_to_its_end(void **state)
{
	static const struct run_case cases[] = {
		{{OLD_RUN}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s", USUAL},
		/* It never ran before. */
		{{.delay_us = 3 * SECOND}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 12.1 s", USUAL},
		/* Clocks are off by minutes, both ways. */
		{{OLD_RUN, .skew_s = 400}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 12.1 s", USUAL},
		{{OLD_RUN, .skew_s = -400}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 12.1 s", USUAL},
		/* Too short to be seen applying; in the second in which it began, and later. */
		{{OLD_RUN, .length_us = 100000}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 0.2 s", USUAL},
		{{OLD_RUN, .length_us = SECOND}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 1.1 s", USUAL},
		/* So short that it ended before the first look, by its length and by its second. */
		{{OLD_RUN, .length_us = 20000, .way_us = 10000}, DEPLOY_OUTCOME_UNKNOWN,
			"a run ended just when ours was to begin, and it cannot be told whether "
			"that was ours",
			USUAL},
		{{OLD_RUN, .length_us = 60000, .delay_us = 1, .way_us = 10000}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 0.2 s", USUAL},
		{{OLD_RUN, .length_us = 800000, .way_us = 450000}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 0.9 s", USUAL},
	};

	(void)state;
	CHECK(&plain, cases);
}

static void what_a_run_came_to_is_told(void **state)
{
	struct agent agent = {OLD_RUN, .kind = FAILING};
	struct dp_act_next next = run_with(&plain, &agent);
	char *text;

	(void)state;
	assert_string_equal("runonce ", agent.told);
	text = json_dumps(next.data, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(4));
	assert_string_equal("{\"changed\":3,\"config_version\":\"1a2b\",\"failed\":2,"
			    "\"initiated_at\":1700000000,\"lastrun\":1700000012,\"noop\":false,"
			    "\"options_left_out\":[],\"total\":120,\"total_time\":12.1}",
		text);
	free(text);
	json_decref(next.data);
}

static void only_a_fresh_catalog_without_failures_is_a_success(void **state)
{
	static const struct run_case cases[] = {
		{{.kind = FAILING}, DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", USUAL},
		{{.kind = UNRESTARTED}, DEPLOY_OUTCOME_FAILED, "1 resources failed to restart",
			USUAL},
		{{.kind = UNCOMPILED}, DEPLOY_OUTCOME_FAILED,
			"no catalog was applied: Could not retrieve catalog from remote server: no",
			USUAL},
		{{.kind = CACHED_AFTER}, DEPLOY_OUTCOME_FAILED,
			"a catalog from the cache was applied: "
			"Could not retrieve catalog from remote server: no",
			USUAL},
		{{.kind = UNFINISHED}, DEPLOY_OUTCOME_FAILED,
			"Puppet logged an error: Failed to apply catalog: no", USUAL},
		/* The node is told not to. */
		{{.kind = CACHED}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s",
			USUAL},
		/* A daemon cannot be told. */
		{{.kind = CACHED, .has_daemon = true}, DEPLOY_OUTCOME_FAILED,
			"nothing shows that the catalog was a fresh one", USUAL},
		{{.kind = CACHED_AFTER, .has_daemon = true}, DEPLOY_OUTCOME_FAILED,
			"Puppet logged an error: Could not retrieve catalog from remote server: no",
			USUAL},
		{{.keeps_old_reports = true, .delay_us = SECOND}, DEPLOY_OUTCOME_FAILED,
			"the node has no report of the run, and nothing else shows that its "
			"catalog was a fresh one",
			NULL},
		{{.keeps_no_reports = true}, DEPLOY_OUTCOME_FAILED,
			"the node has no report of the run, and nothing else shows that its "
			"catalog was a fresh one",
			USUAL},
	};
	struct deploy_puppet_run_options options = plain;
	static const struct run_case asked_for[] = {
		{{.kind = CACHED}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s",
			USUAL},
		{{.kind = CACHED_AFTER}, DEPLOY_OUTCOME_FAILED,
			"Puppet logged an error: Could not retrieve catalog from remote server: no",
			USUAL},
	};

	(void)state;
	CHECK(&plain, cases);
	options.uses_cached_catalog = true;
	CHECK(&options, asked_for);
}

static void runs_of_others_are_not_ours(void **state)
{
	static const struct run_case cases[] = {
		/* One goes on already. */
		{{.foreign = {{CLEAN, 0, 30 * SECOND, 0, 0}}, .foreign_count = 1, .kind = FAILING},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", NULL},
		/* One begins between our looking and our starting. */
		{{.foreign = {{CLEAN, 12000, 30 * SECOND, 0, 0}},
			 .foreign_count = 1,
			 .kind = FAILING},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", NULL},
		/* … and ends before ours begins: in the same second, and before that. */
		{{.foreign = {{CLEAN, 12000, 20000, 0, 0}},
			 .foreign_count = 1,
			 .kind = FAILING,
			 .delay_us = 5 * SECOND,
			 OLD_RUN},
			DEPLOY_OUTCOME_UNKNOWN,
			"a run ended just when ours was to begin, and it cannot be told whether "
			"that was ours",
			USUAL},
		{{.foreign = {{CLEAN, 1300000, 1900000, 0, 0}},
			 .foreign_count = 1,
			 .way_us = 400000,
			 .kind = FAILING,
			 .delay_us = 5 * SECOND,
			 OLD_RUN},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", USUAL},
		/* One ends between the end of ours and our reading what that left. */
		{{.foreign = {{CLEAN, 14 * SECOND, 17 * SECOND, 0, 0}},
			 .foreign_count = 1,
			 .lost = 1 << 10,
			 .kind = FAILING,
			 OLD_RUN},
			DEPLOY_OUTCOME_UNKNOWN,
			"another run ended after ours, so what ours did cannot be told", NULL},
		/* … and goes on when we look for the first time. */
		{{.foreign = {{CLEAN, 12050000, 17 * SECOND, 0, 0}},
			 .foreign_count = 1,
			 .kind = FAILING,
			 OLD_RUN},
			DEPLOY_OUTCOME_UNKNOWN,
			"another run ended after ours, so what ours did cannot be told", NULL},
		/* The old one's summary is no result, whatever it says. */
		{{OLD_RUN, .never_runs = true}, DEPLOY_OUTCOME_FAILED,
			"the node said that it starts a run, but none was seen within 30 s; is its "
			"certificate signed?",
			"status last_run_summary runonce status"},
		{{OLD_RUN, .never_runs = true, .tells_no_start = true}, DEPLOY_OUTCOME_FAILED,
			"the node said that it starts a run, but none was seen within 30 s; is its "
			"certificate signed?",
			"status last_run_summary runonce status"},
	};

	(void)state;
	CHECK(&plain, cases);
}

/* Ours began and ended in one second, and the look at it was lost: it is too long to be another. */
static void what_does_not_fit_between_two_looks_is_ours(void **state)
{
	static const struct run_case cases[] = {
		{{OLD_RUN, .length_us = 500000, .lost = 1 << 3}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 0.6 s", USUAL},
		{{.foreign = {{CLEAN, 0, 3 * SECOND, 0, 0}},
			 .foreign_count = 1,
			 .length_us = 500000,
			 .lost = 1 << 5},
			DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 0.6 s", USUAL},
	};

	(void)state;
	CHECK(&plain, cases);
}

static void a_second_may_hold_two_ends(void **state)
{
	static const struct run_case cases[] = {
		/* The one before ended in the second in which ours begins; ours later, or too. */
		{{.has_run = true, .last = {CLEAN, -9 * SECOND, 1000, 0, 1}, .kind = FAILING},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed",
			"status last_run_summary runonce status last_run_summary status "
			"last_run_summary status last_run_summary"},
		{{.has_run = true,
			 .last = {CLEAN, -9 * SECOND, 1000, 0, 1},
			 .kind = FAILING,
			 .length_us = 500000},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed",
			"status last_run_summary runonce status last_run_summary status "
			"last_run_summary"},
		/* It cannot be told that anything ran. */
		{{.has_run = true, .last = {CLEAN, -9 * SECOND, 1000, 0, 1}, .never_runs = true},
			DEPLOY_OUTCOME_FAILED,
			"the node said that it starts a run, but none was seen within 30 s; is its "
			"certificate signed?",
			NULL},
	};

	(void)state;
	CHECK(&plain, cases);
}

static void a_daemon_gets_no_options_that_it_would_refuse(void **state)
{
	struct agent agent = {OLD_RUN, .has_daemon = true, .delay_us = 2 * SECOND};
	struct deploy_puppet_run_options options = plain;
	struct dp_act_next next = run_with(&plain, &agent);
	char *text = json_dumps(json_object_get(next.data, "options_left_out"), JSON_COMPACT);

	(void)state;
	assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
	assert_string_equal("[\"use_cached_catalog\"]", text);
	assert_int_equal(0, agent.refusals);
	assert_true(json_is_null(json_object_get(next.data, "initiated_at")));
	json_decref(next.data);
	free(text);
	/* What limits the run is never left out. */
	options.noop = true;
	agent = (struct agent){OLD_RUN, .has_daemon = true};
	next = run_with(&options, &agent);
	assert_string_equal("runonce: Cannot specify any custom puppet options when the daemon is "
			    "running",
		next.message);
	assert_int_equal(0, agent.starts);
	json_decref(next.data);
}

static void what_keeps_it_from_running_is_named(void **state)
{
	static const struct run_case cases[] = {
		{{.is_disabled = true, .disable_message = "by ops"}, DEPLOY_OUTCOME_FAILED,
			"disabled: by ops", "status"},
		{{.is_disabled = true}, DEPLOY_OUTCOME_FAILED, "disabled", "status"},
		{{.refusal = "no"}, DEPLOY_OUTCOME_FAILED, "runonce: no",
			"status last_run_summary runonce"},
		{{.foreign = {{CLEAN, 0, 9000 * SECOND, 0, 0}}, .foreign_count = 1},
			DEPLOY_OUTCOME_FAILED,
			"it still applies a catalog after 600 s; no run was started", "status"},
		{{.refusal = "Puppet is currently applying a catalog, cannot run now"},
			DEPLOY_OUTCOME_FAILED,
			"it still applies a catalog after 600 s; no run was started", NULL},
		{{.length_us = 9000 * SECOND}, DEPLOY_OUTCOME_UNKNOWN,
			"the run did not end within 1800 s", NULL},
		{{.status_text = "{}"}, DEPLOY_OUTCOME_FAILED, "status: the answer lacks enabled",
			"status"},
		{{.status_text = "[]"}, DEPLOY_OUTCOME_FAILED, "status: the answer lacks enabled",
			"status"},
		{{.status_text = "{\"enabled\":true,\"applying\":false,\"daemon_present\":0}"},
			DEPLOY_OUTCOME_FAILED, "status: the answer lacks daemon_present", NULL},
		{{.status_text = "{\"enabled\":true,\"applying\":false,\"daemon_present\":true,"
				 "\"lastrun\":-5}"},
			DEPLOY_OUTCOME_FAILED, "status: the answer lacks lastrun", "status"},
		{{.summary_text = "{\"lastrun\":\"x\"}"}, DEPLOY_OUTCOME_FAILED,
			"last_run_summary: the answer lacks lastrun", "status last_run_summary"},
	};

	(void)state;
	CHECK(&plain, cases);
}

static void silence_is_told_from_a_run_that_may_go_on(void **state)
{
	static const struct run_case cases[] = {
		{{.mute_action = "status"}, DEPLOY_OUTCOME_SILENT, "no answer; no run was started",
			"status"},
		{{.mute_action = "status", .is_gone = true}, DEPLOY_OUTCOME_SILENT, "not connected",
			"status"},
		{{.mute_action = "last_run_summary"}, DEPLOY_OUTCOME_SILENT,
			"no answer; no run was started", NULL},
		{{.mute_action = "runonce"}, DEPLOY_OUTCOME_UNKNOWN,
			"no answer to runonce: a run may have been started", NULL},
		{{.mute_action = "status", .mute_from = 2}, DEPLOY_OUTCOME_UNKNOWN,
			"a run was started, then the node stopped answering", NULL},
		{{.mute_action = "last_run_summary", .mute_from = 2}, DEPLOY_OUTCOME_UNKNOWN,
			"a run was started, then the node stopped answering", NULL},
		/* Four of five lost, before and after, are no matter. */
		{{.lost = 0x1e}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s", NULL},
		{{.lost = 0xf0}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s", NULL},
		{{.lost = 0xf0, .is_gone = true}, DEPLOY_OUTCOME_OK,
			"changed 3 of 120 resources in 12.1 s", NULL},
	};

	(void)state;
	CHECK(&plain, cases);
}

static void five_looks_in_a_row_are_enough(void **state)
{
	struct agent agent = {OLD_RUN, .mute_action = "status", .mute_from = 2};
	struct dp_act_next next = run_with(&plain, &agent);

	(void)state;
	assert_int_equal(3 + 5, agent.requests);
	json_decref(next.data);
	/* One is enough if nobody ever answered. */
	agent = (struct agent){.mute_action = "status"};
	next = run_with(&plain, &agent);
	assert_int_equal(1, agent.requests);
	json_decref(next.data);
	/* Four twice, with an answer between them. */
	agent = (struct agent){OLD_RUN, .lost = 0x1ef0, .length_us = 120 * SECOND};
	next = run_with(&plain, &agent);
	assert_int_equal(DEPLOY_OUTCOME_OK, next.state);
	json_decref(next.data);
}

static void who_is_stopped_starts_nothing(void **state)
{
	static const struct run_case cases[] = {
		{{.stop_at = 1}, DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran", "status"},
		{{.stop_at = 2}, DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran", NULL},
		{{.stop_at = -1, .foreign = {{CLEAN, 0, 30 * SECOND, 0, 0}}, .foreign_count = 1},
			DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran", "status"},
		/* Too late: it is followed for as long as the run may. */
		{{.stop_at = 3}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s", NULL},
		{{.stop_at = -1}, DEPLOY_OUTCOME_OK, "changed 3 of 120 resources in 12.1 s", NULL},
		/* It was refused, and is not tried again. */
		{{.stop_at = 3, .foreign = {{CLEAN, 12000, 30 * SECOND, 0, 0}}, .foreign_count = 1},
			DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran",
			"status last_run_summary runonce"},
	};

	(void)state;
	CHECK(&plain, cases);
}

/* A run of a node that is disabled with a message before and after it. */

#define OURS	  .is_disabled = true, .disable_message = "m"
#define HELD	  "status enable " USUAL " status disable"
#define CHANGED_3 "changed 3 of 120 resources in 12.1 s"

struct held_case {
	struct agent agent;
	enum deploy_outcome_state state;
	const char *message, *asked;
	bool is_disabled; /* afterwards */
};

static void check_held(const struct held_case *cases, size_t count)
{
	struct deploy_puppet_run_options options = plain;

	options.message = "m";
	for (size_t i = 0; i < count; i++) {
		struct agent agent = cases[i].agent;
		struct dp_act_next next = run_with(&options, &agent);
		const json_t *again = json_object_get(next.data, "disabled_again");

		if (strcmp(cases[i].message, next.message) != 0)
			print_error("case %zu\n", i);
		assert_string_equal(cases[i].message, next.message);
		assert_int_equal(cases[i].state, next.state);
		assert_int_equal(cases[i].is_disabled, agent.is_disabled);
		if (cases[i].asked)
			assert_string_equal(cases[i].asked, agent.asked);
		if (next.data)
			assert_int_equal(
				!strstr(next.message, "not disabled again"), json_is_true(again));
		json_decref(next.data);
	}
}

#define CHECK_HELD(cases) check_held(cases, sizeof(cases) / sizeof((cases)[0]))

static void a_node_is_enabled_for_its_run_only(void **state)
{
	static const struct held_case cases[] = {
		{{OURS, OLD_RUN}, DEPLOY_OUTCOME_OK, CHANGED_3, HELD, true},
		/* Whatever the run comes to. */
		{{OURS, .kind = FAILING}, DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", HELD,
			true},
		{{OURS, .refusal = "no"}, DEPLOY_OUTCOME_FAILED, "runonce: no",
			"status enable status last_run_summary runonce status disable", true},
		{{OURS, .never_runs = true}, DEPLOY_OUTCOME_FAILED,
			"the node said that it starts a run, but none was seen within 30 s; is its "
			"certificate signed?",
			"status enable status last_run_summary runonce status disable", true},
		{{OURS, .mute_action = "last_run_summary"}, DEPLOY_OUTCOME_SILENT,
			"no answer; no run was started", NULL, true},
		/* It was enabled, for whatever reason. */
		{{OLD_RUN}, DEPLOY_OUTCOME_OK, CHANGED_3, USUAL " status disable", true},
		/* A scheduled run slips in, before we look and between our looking and starting. */
		{{OURS, OLD_RUN, .kind = FAILING, .foreign = {{CLEAN, 16000, 9 * SECOND, 0, 0}},
			 .foreign_count = 1},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed", HELD, true},
		{{OURS, OLD_RUN, .kind = FAILING, .foreign = {{CLEAN, 32000, 9 * SECOND, 0, 0}},
			 .foreign_count = 1},
			DEPLOY_OUTCOME_FAILED, "2 of 120 resources failed",
			"status enable status last_run_summary runonce status last_run_summary "
			"runonce status last_run_summary status disable",
			true},
	};

	(void)state;
	CHECK_HELD(cases);
}

static void a_node_that_somebody_else_disabled_is_left_alone(void **state)
{
	static const struct held_case cases[] = {
		{{.is_disabled = true, .disable_message = "o"}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else: o", "status", true},
		{{.is_disabled = true, .disable_message = "M"}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else: M", "status", true},
		{{.is_disabled = true, .disable_message = "m "}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else: m ", "status", true},
		{{.is_disabled = true, .disable_message = ""}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else", "status", true},
	};

	(void)state;
	CHECK_HELD(cases);
}

static void who_is_not_disabled_again_is_told(void **state)
{
	static const struct held_case cases[] = {
		{{OURS, .length_us = 9000 * SECOND}, DEPLOY_OUTCOME_UNKNOWN,
			"the run did not end within 1800 s; not disabled again: it applies a "
			"catalog",
			NULL, false},
		{{OURS, .foreign = {{CLEAN, 16000, 9000 * SECOND, 0, 0}}, .foreign_count = 1},
			DEPLOY_OUTCOME_FAILED,
			"it still applies a catalog after 600 s; no run was started; not disabled "
			"again: it applies a catalog",
			"status enable status", false},
		{{OURS, .mute_action = "disable"}, DEPLOY_OUTCOME_OK,
			CHANGED_3 "; not disabled again: no answer to disable: it may have been "
				  "done",
			HELD, false},
		{{OURS, .mute_action = "status", .mute_from = 3}, DEPLOY_OUTCOME_UNKNOWN,
			"a run was started, then the node stopped answering; not disabled again: "
			"no answer to status",
			NULL, false},
		{{OURS, .mute_action = "enable"}, DEPLOY_OUTCOME_UNKNOWN,
			"no answer to enable: it may have been done", "status enable", true},
		{{OURS, .mute_action = "status"}, DEPLOY_OUTCOME_SILENT, "no answer to status",
			"status", true},
		{{OURS, .mute_action = "status", .is_gone = true}, DEPLOY_OUTCOME_SILENT,
			"not connected", "status", true},
	};

	(void)state;
	CHECK_HELD(cases);
}

/* What waits for the run's turn stays disabled; what was enabled is disabled before we leave. */
static void an_interrupt_leaves_it_disabled(void **state)
{
	static const struct held_case cases[] = {
		{{OURS, .stop_at = 1}, DEPLOY_OUTCOME_UNKNOWN, "interrupted; nothing was changed",
			"status", true},
		{{OURS, .stop_at = 2}, DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran",
			"status enable status disable", true},
		{{OURS, .stop_at = 3}, DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran",
			"status enable status disable", true},
		{{OURS, .stop_at = 4}, DEPLOY_OUTCOME_UNKNOWN, "interrupted before it ran",
			"status enable status last_run_summary status disable", true},
		/* Too late: it is followed for as long as the run may. */
		{{OURS, OLD_RUN, .stop_at = 5}, DEPLOY_OUTCOME_OK, CHANGED_3, HELD, true},
		{{OURS, OLD_RUN, .stop_at = -1}, DEPLOY_OUTCOME_OK, CHANGED_3, HELD, true},
		/* It is about to be disabled anyway. */
		{{OURS, .refusal = "no", .stop_at = 6}, DEPLOY_OUTCOME_FAILED, "runonce: no",
			"status enable status last_run_summary runonce status disable", true},
		{{OURS, .refusal = "no", .stop_at = 7}, DEPLOY_OUTCOME_FAILED, "runonce: no",
			"status enable status last_run_summary runonce status disable", true},
		/* Somebody's run is not ours to wait for now. */
		{{OURS, .stop_at = -1, .foreign = {{CLEAN, 16000, 30 * SECOND, 0, 0}},
			 .foreign_count = 1},
			DEPLOY_OUTCOME_UNKNOWN,
			"interrupted before it ran; not disabled again: it applies a catalog",
			"status enable status", false},
	};

	(void)state;
	CHECK_HELD(cases);
}

static void what_a_held_run_came_to_is_told(void **state)
{
	struct deploy_puppet_run_options options = plain;
	struct agent agent = {OLD_RUN, OURS};
	struct dp_act_next next;
	char *text;

	(void)state;
	options.message = "m";
	next = run_with(&options, &agent);
	assert_string_equal("enable runonce disable ", agent.told);
	text = json_dumps(next.data, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(4));
	assert_string_equal("{\"changed\":3,\"config_version\":\"1a2b\",\"disabled_again\":true,"
			    "\"failed\":0,\"initiated_at\":1700000000,\"lastrun\":1700000012,"
			    "\"noop\":false,\"options_left_out\":[],\"total\":120,"
			    "\"total_time\":12.1,\"was_disabled\":true}",
		text);
	free(text);
	json_decref(next.data);
	agent = (struct agent){OLD_RUN};
	next = run_with(&options, &agent);
	assert_true(json_is_false(json_object_get(next.data, "was_disabled")));
	json_decref(next.data);
}

static void options_are_sent_as_given(void **state)
{
	static const struct {
		struct deploy_puppet_run_options options;
		bool has_daemon;
		const char *inputs, *message;
	} cases[] = {
		{{.noop = true, .tags = "web,ssh::server", .environment = "test"}, false,
			"{\"environment\":\"test\",\"force\":true,\"noop\":true,"
			"\"tags\":\"web,ssh::server\",\"use_cached_catalog\":false}",
			"would change 5 of 120 resources in 12.1 s"},
		{{.uses_cached_catalog = true}, false,
			"{\"force\":true,\"use_cached_catalog\":true}",
			"changed 3 of 120 resources in 12.1 s"},
		{{.splay_ms = 60000}, false,
			"{\"splay\":true,\"splaylimit\":60,\"use_cached_catalog\":false}",
			"changed 3 of 120 resources in 12.1 s"},
		{{.ttl_s = 60}, true, "{\"force\":true}", "changed 3 of 120 resources in 12.1 s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_puppet_run_options options = cases[i].options;
		struct agent agent = {OLD_RUN, .has_daemon = cases[i].has_daemon};
		struct dp_act_next next;

		agent.delay_us = options.splay_ms ? 80 * SECOND : 1;
		options.collective = "mcollective";
		options.timeout_ms = 5000;
		next = run_with(&options, &agent);
		assert_string_equal(cases[i].inputs, agent.inputs);
		assert_string_equal(cases[i].message, next.message);
		json_decref(next.data);
	}
}

/* As Puppet 7.23 and the lab's agent told them, shortened; then what nobody should tell. */
static void summaries_are_judged_by_what_they_say(void **state)
{
#define LOGS                                                                                       \
	"\"logs\":[{\"level\":\"info\",\"source\":\"Puppet\",\"time\":9,\"msg\":\"Using "          \
	"environment\"}]"
#define COUNTS "\"out_of_sync_resources\":0,\"failed_resources\":0,\"changed_resources\":0,"
	static const struct {
		const char *data, *message;
	} cases[] = {
		{"{\"lastrun\":9,\"total_time\":2.671076275,\"total_resources\":8," COUNTS
		 "\"summary\":{\"resources\":{\"failed_to_restart\":0}}," LOGS "}",
			"changed 0 of 8 resources in 2.7 s"},
		{"{\"lastrun\":9,\"total_resources\":8.0," COUNTS LOGS "}",
			"changed 0 of 8 resources"},
		{"{\"lastrun\":9,\"total_resources\":0," COUNTS LOGS "}", "no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":-1," COUNTS LOGS "}",
			"no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":8,\"failed_resources\":-1,"
		 "\"out_of_sync_resources\":0,\"changed_resources\":0," LOGS "}",
			"no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":8,\"failed_resources\":-0.5,"
		 "\"out_of_sync_resources\":0,\"changed_resources\":0," LOGS "}",
			"no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":8," LOGS "}", "no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":\"8\"," COUNTS LOGS "}",
			"no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":1e300," COUNTS LOGS "}",
			"no catalog was applied"},
		{"{\"lastrun\":9,\"total_resources\":8," COUNTS
		 "\"summary\":{\"resources\":{\"failed_restarts\":2}}," LOGS "}",
			"2 resources failed to restart"},
		{"{\"lastrun\":9,\"total_resources\":8," COUNTS "\"logs\":{},\"summary\":[]}",
			"the node has no report of the run, and nothing else shows that its "
			"catalog was a fresh one"},
		{"{\"lastrun\":9,\"total_resources\":8," COUNTS "\"logs\":[5,null,{}]}",
			"the node has no report of the run, and nothing else shows that its "
			"catalog was a fresh one"},
	};
	const struct dp_puppet_terms terms = {.since = 8, .was_told_uncached = true};
	char message[100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *data = json_loads(cases[i].data, 0, NULL);
		struct dp_puppet_summary summary;

		assert_non_null(data);
		assert_true(dp_puppet_read_summary(&summary, data));
		assert_int_equal(strncmp(cases[i].message, "changed", 7) == 0,
			dp_puppet_judge(&summary, &terms, message, sizeof(message)) ==
				DEPLOY_OUTCOME_OK);
		assert_string_equal(cases[i].message, message);
		json_decref(data);
	}
}

static void what_is_too_long_ends_with_a_whole_character(void **state)
{
	char message[6];

	(void)state;
	dp_puppet_say(message, sizeof(message), "%s", "ab\xe2\x82\xac");
	assert_string_equal("ab\xe2\x82\xac", message);
	dp_puppet_say(message, sizeof(message), "%s", "abc\xe2\x82\xac");
	assert_string_equal("abc", message);
	dp_puppet_say(message, sizeof(message), "%s", "abcdefg");
	assert_string_equal("abcde", message);
}

static void what_agents_would_refuse_is_not_sent(void **state)
{
	struct deploy_puppet_run_options run = plain;
	struct deploy_puppet_switch_options change = {.collective = "mcollective"};
	struct deploy_act *act = NULL;
	struct deploy_error err = {0};
	static const char *const messages[] = {"", "a;b", "a`b", "a$b", "a|b", "a&&b", "a>b", "a<b",
		"a\nb", "\xc3\xa9",
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
		"234567890123456789012345678901234567890"};

	(void)state;
	run.tags = "a b";
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run = plain;
	run.environment = "a-b";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run.environment = "";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run = plain;
	run.tags = "";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run = plain;
	run.environment = "a\n";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run = plain;
	run = plain;
	run.message = "a;b";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_INPUT, deploy_puppet_run_new(&act, &run, &err));
	run = plain;
	run.collective = "a b";
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_USAGE, deploy_puppet_run_new(&act, &run, &err));
	err = (struct deploy_error){0};
	assert_int_equal(DEPLOY_USAGE, deploy_puppet_switch_new(&act, &change, &err));
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		change.message = messages[i];
		err = (struct deploy_error){0};
		assert_int_equal(DEPLOY_INPUT, deploy_puppet_switch_new(&act, &change, &err));
	}
	assert_null(act);
}

struct switch_case {
	bool enables;
	const char *message;
	struct agent agent;
	enum deploy_outcome_state state;
	const char *text, *asked;
	bool is_disabled; /* afterwards */
};

static void a_switch_leaves_alone_what_is_not_ours(void **state)
{
	static const struct switch_case cases[] = {
		{false, "m", {0}, DEPLOY_OUTCOME_OK, "disabled", "status disable", true},
		{false, "m", {.is_disabled = true, .disable_message = "m"}, DEPLOY_OUTCOME_OK,
			"already disabled", "status", true},
		{false, "m", {.is_disabled = true, .disable_message = "o"}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else: o", "status", true},
		{true, NULL, {.is_disabled = true, .disable_message = "o"}, DEPLOY_OUTCOME_OK,
			"enabled", "status enable", false},
		{true, NULL, {0}, DEPLOY_OUTCOME_OK, "already enabled", "status", false},
		{true, "m", {.is_disabled = true, .disable_message = "m"}, DEPLOY_OUTCOME_OK,
			"enabled", "status enable", false},
		{true, "m", {.is_disabled = true, .disable_message = "o"}, DEPLOY_OUTCOME_FAILED,
			"disabled by somebody else: o", "status", true},
		{false, "m", {.mute_action = "status"}, DEPLOY_OUTCOME_SILENT,
			"no answer to status", "status", false},
		{false, "m", {.mute_action = "status", .is_gone = true}, DEPLOY_OUTCOME_SILENT,
			"not connected", "status", false},
		{false, "m", {.mute_action = "disable"}, DEPLOY_OUTCOME_UNKNOWN,
			"no answer to disable: it may have been done", "status disable", false},
		{false, "m", {.stop_at = 1}, DEPLOY_OUTCOME_UNKNOWN,
			"interrupted; nothing was changed", "status", false},
		{false, "m", {.stop_at = 2}, DEPLOY_OUTCOME_OK, "disabled", "status disable", true},
		{true, NULL, {.status_text = "5"}, DEPLOY_OUTCOME_FAILED,
			"status: the answer lacks enabled", "status", false},
		{false, "m", {.lies = true}, DEPLOY_OUTCOME_FAILED,
			"disable was answered, but the node does not say that it is disabled",
			"status disable", true},
		/* Somebody was faster: the first status is an old one. */
		{true, NULL,
			{.status_text = "{\"enabled\":false,\"applying\":false,"
					"\"daemon_present\":false,\"lastrun\":0}"},
			DEPLOY_OUTCOME_FAILED, "enable: the node refused it",
			"status enable status", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_puppet_switch_options options = {.collective = "mcollective",
			.ttl_s = 60,
			.timeout_ms = 5000,
			.enables = cases[i].enables,
			.message = cases[i].message};
		struct agent agent = cases[i].agent;
		struct deploy_error err = {0};
		struct deploy_act *act = NULL;
		struct dp_act_next next;

		assert_int_equal(0, deploy_puppet_switch_new(&act, &options, &err));
		next = puppet_drive(act, &agent);
		assert_string_equal(cases[i].text, next.message);
		assert_int_equal(cases[i].state, next.state);
		assert_string_equal(cases[i].asked, agent.asked);
		assert_int_equal(cases[i].is_disabled, agent.is_disabled);
		if (next.state == DEPLOY_OUTCOME_OK)
			assert_int_equal(strncmp(next.message, "already", 7) != 0,
				json_is_true(json_object_get(next.data, "changed")));
		json_decref(next.data);
		act->ops->free(act);
	}
}

struct busy_case {
	struct deploy_puppet_switch_options options;
	struct agent agent;
	enum deploy_outcome_state state;
	const char *text, *asked;
	int requests;
	bool is_disabled; /* afterwards */
};

/* Somebody's run, of 30 s. */
#define BUSY .foreign = {{CLEAN, 0, 30 * SECOND, 0, 0}}, .foreign_count = 1

static void a_run_that_goes_on_is_waited_for_or_left_alone(void **state)
{
	static const char hidden[] =
		"{\"enabled\":false,\"applying\":true,\"daemon_present\":false,"
		"\"lastrun\":0,\"disable_message\":\"m\"}";
	static const struct busy_case cases[] = {
		{{.message = "m"}, {BUSY}, DEPLOY_OUTCOME_OK, "disabled", "status disable", 2,
			true},
		{{.message = "m", .waits_idle = true}, {0}, DEPLOY_OUTCOME_OK, "disabled",
			"status disable", 2, true},
		{{.message = "m", .waits_idle = true, .poll_ms = 5000}, {BUSY}, DEPLOY_OUTCOME_OK,
			"disabled", "status disable", 7 + 1, true},
		{{.message = "m", .waits_idle = true, .poll_ms = 5000, .idle_ms = 20000}, {BUSY},
			DEPLOY_OUTCOME_FAILED,
			"it still applies a catalog after 20 s; not disabled", "status", 5, false},
		/* Four of five looks are lost, twice. */
		{{.message = "m", .waits_idle = true}, {BUSY, .lost = 0x1e}, DEPLOY_OUTCOME_OK,
			"disabled", "status disable", 7, true},
		{{.message = "m", .waits_idle = true},
			{.foreign = {{CLEAN, 0, 61 * SECOND, 0, 0}},
				.foreign_count = 1,
				.lost = 0x3de},
			DEPLOY_OUTCOME_OK, "disabled", "status disable", 13, true},
		{{.message = "m", .waits_idle = true}, {BUSY, .lost = 0x3e}, DEPLOY_OUTCOME_SILENT,
			"no answer to status", "status", 6, false},
		{{.message = "m", .waits_idle = true}, {BUSY, .stop_at = -1},
			DEPLOY_OUTCOME_UNKNOWN, "interrupted; nothing was changed", "status", 1,
			false},
		{{.message = "m", .skips_busy = true}, {BUSY}, DEPLOY_OUTCOME_FAILED,
			"it applies a catalog", "status", 1, false},
		{{.enables = true, .message = "m", .skips_busy = true},
			{.is_disabled = true, .status_text = hidden}, DEPLOY_OUTCOME_FAILED,
			"it applies a catalog, so it is not enabled; later: deployctl puppet "
			"enable "
			"web1 -m 'm'",
			"status", 1, true},
		{{.enables = true, .skips_busy = true},
			{.is_disabled = true, .status_text = hidden}, DEPLOY_OUTCOME_FAILED,
			"it applies a catalog, so it is not enabled; later: deployctl puppet "
			"enable "
			"web1",
			"status", 1, true},
		/* To enable, nothing is waited for: it would not end before. */
		{{.enables = true, .message = "m", .waits_idle = true}, {OURS, BUSY},
			DEPLOY_OUTCOME_OK, "enabled", "status enable", 2, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_puppet_switch_options options = cases[i].options;
		struct agent agent = cases[i].agent;
		struct deploy_error err = {0};
		struct deploy_act *act = NULL;
		struct dp_act_next next;

		options.collective = "mcollective";
		options.timeout_ms = 5000;
		assert_int_equal(0, deploy_puppet_switch_new(&act, &options, &err));
		next = puppet_drive(act, &agent);
		if (strcmp(cases[i].text, next.message) != 0)
			print_error("case %zu\n", i);
		assert_string_equal(cases[i].text, next.message);
		assert_int_equal(cases[i].state, next.state);
		assert_string_equal(cases[i].asked, agent.asked);
		assert_int_equal(cases[i].requests, agent.requests);
		assert_int_equal(cases[i].is_disabled, agent.is_disabled);
		json_decref(next.data);
		act->ops->free(act);
	}
}

static void the_message_of_a_run_is_one_that_agents_take(void **state)
{
	static const struct {
		const char *run, *name, *message;
	} cases[] = {
		{"01HZX3", "production", "deployctl 01HZX3: production"},
		{"01HZX3", "Lamp[a/b] 'x'\n", "deployctl 01HZX3: Lamp_a_b_ _x__"},
		{"01HZX3", "\xc3\xa9`$;|&&><", "deployctl 01HZX3: __________"},
		{"01HZX3",
			"0123456789012345678901234567890123456789012345678901234567890123456789012"
			"345678901234567890123456789012345678901234567890123456789",
			"deployctl 01HZX3: "
			"0123456789012345678901234567890123456789012345678901234567890123456789012"
			"34567890123456789012345678901"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deploy_puppet_switch_options options = {.collective = "mcollective"};
		char message[DEPLOY_PUPPET_MESSAGE_BYTES + 1];
		struct deploy_error err = {0};
		struct deploy_act *act = NULL;

		deploy_puppet_site_message(message, cases[i].run, cases[i].name);
		assert_string_equal(cases[i].message, message);
		options.message = message;
		assert_int_equal(0, deploy_puppet_switch_new(&act, &options, &err));
		deploy_act_free(act);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_followed_to_its_end),
		cmocka_unit_test(what_a_run_came_to_is_told),
		cmocka_unit_test(only_a_fresh_catalog_without_failures_is_a_success),
		cmocka_unit_test(runs_of_others_are_not_ours),
		cmocka_unit_test(a_second_may_hold_two_ends),
		cmocka_unit_test(a_daemon_gets_no_options_that_it_would_refuse),
		cmocka_unit_test(what_keeps_it_from_running_is_named),
		cmocka_unit_test(silence_is_told_from_a_run_that_may_go_on),
		cmocka_unit_test(who_is_stopped_starts_nothing),
		cmocka_unit_test(five_looks_in_a_row_are_enough),
		cmocka_unit_test(what_does_not_fit_between_two_looks_is_ours),
		cmocka_unit_test(summaries_are_judged_by_what_they_say),
		cmocka_unit_test(what_is_too_long_ends_with_a_whole_character),
		cmocka_unit_test(a_node_is_enabled_for_its_run_only),
		cmocka_unit_test(a_node_that_somebody_else_disabled_is_left_alone),
		cmocka_unit_test(who_is_not_disabled_again_is_told),
		cmocka_unit_test(an_interrupt_leaves_it_disabled),
		cmocka_unit_test(what_a_held_run_came_to_is_told),
		cmocka_unit_test(options_are_sent_as_given),
		cmocka_unit_test(what_agents_would_refuse_is_not_sent),
		cmocka_unit_test(a_switch_leaves_alone_what_is_not_ours),
		cmocka_unit_test(a_run_that_goes_on_is_waited_for_or_left_alone),
		cmocka_unit_test(the_message_of_a_run_is_one_that_agents_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
