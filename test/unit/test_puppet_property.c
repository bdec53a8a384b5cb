/* Whatever a node and its Puppet do: no run is ok that was not ours, fresh, and without failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deploy/puppet.h"
#include "puppet_agent.h"

#define ROUNDS 4000

static uint64_t seed;

/* 0 … below - 1 (xorshift64*). */
static unsigned pick(unsigned below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * 2685821657736338717ULL) >> 33) % below;
}

static int by_begin(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->begin_us < y->begin_us ? -1 : x->begin_us > y->begin_us;
}

/* Puppet is disabled by us, or by somebody else, or not at all. */
static void hold(struct agent *a)
{
	static const char *const messages[] = {"m", "m", "m", "o", NULL};

	a->disable_message = messages[pick(5)];
	a->is_disabled = a->disable_message;
	a->stop_at = pick(8) ? 0 : 1 + (int)pick(10);
}

/* Who was held disabled is so again, or that is told; what is not ours is not touched. */
static void check_held(
	const struct agent *before, const struct agent *after, const struct dp_act_next *next)
{
	const json_t *again = json_object_get(next->data, "disabled_again");
	bool is_foreign = before->is_disabled && strcmp(before->disable_message, "m") != 0;

	if (is_foreign) {
		assert_int_equal(0, after->starts);
		assert_true(after->is_disabled && next->state != DEPLOY_OUTCOME_OK);
		assert_string_equal("o", after->disable_message);
		return;
	}
	if (json_is_true(again) && (!after->is_disabled || strcmp(after->disable_message, "m")))
		fail_msg("it is not disabled again: %s", next->message);
	if (before->is_disabled && !after->is_disabled &&
		!strstr(next->message, "not disabled again"))
		fail_msg("nobody is told that it is enabled: %s", next->message);
}

/* Times that meet: within one round trip, within one second, and apart. */
static int64_t some_time(void)
{
	static const int64_t scales[] = {20000, 300000, SECOND, 4 * SECOND, 40 * SECOND};

	return 1 + (int64_t)pick((unsigned)scales[pick(5)]);
}

static struct agent some_agent(void)
{
	struct agent a = {.skew_s = (long long)pick(1200) - 600,
		.has_daemon = pick(4) == 0,
		.keeps_no_reports = pick(10) == 0,
		.tells_no_start = pick(10) == 0,
		.way_us = 1000 + pick(pick(2) ? 10000 : 400000),
		.delay_us = some_time(),
		.length_us = some_time(),
		.kind = pick(2) ? CLEAN : (enum run_kind)pick(RUN_KINDS),
		.never_runs = pick(12) == 0,
		.avoids_unseen = true,
		.foreign_count = pick(2) ? pick(MAX_FOREIGN) : 0};

	/* Two such runs in one second leave the very same. */
	if (a.kind == UNCOMPILED)
		a.length_us += SECOND;
	/* Cold, or with a run behind it, which may just have ended. */
	if (pick(4)) {
		a.has_run = true;
		a.last = (struct run){.kind = (enum run_kind)pick(RUN_KINDS),
			.end_us = pick(2) ? 0 : -some_time(),
			.is_verbose = pick(2)};
		a.last.begin_us = a.last.end_us - some_time();
	}
	for (size_t i = 0; i < a.foreign_count; i++) {
		int64_t begin = some_time() + (pick(2) ? some_time() : 0);

		/* A run of Puppet takes a moment at least. */
		a.foreign[i] =
			(struct run){.kind = pick(3) ? CLEAN : (enum run_kind)pick(RUN_KINDS),
				.begin_us = begin,
				.end_us = begin + SECOND + some_time(),
				.is_verbose = pick(2)};
	}
	qsort(a.foreign, a.foreign_count, sizeof(a.foreign[0]), by_begin);
	for (unsigned i = pick(2) ? 0 : pick(12); i; i--)
		a.lost |= UINT64_C(1) << pick(30);
	return a;
}

/* True if nothing is odd about it: then our run must be seen, too. */
static bool is_calm(const struct agent *a)
{
	return !a->stop_at && !a->keeps_no_reports && !a->never_runs && !a->foreign_count &&
	       !a->lost && a->kind == CLEAN && a->delay_us < 20 * SECOND &&
	       a->delay_us + a->length_us > 3 * SECOND && a->last.end_us < -2 * SECOND;
}

static void nothing_is_ok_without_proof(void **state)
{
	size_t ok = 0, calm = 0;

	(void)state;
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		struct deploy_puppet_run_options options = {
			.collective = "mcollective", .ttl_s = 60, .timeout_ms = 5000};
		struct deploy_error err = {0};
		struct deploy_act *act = NULL;
		struct dp_act_next next;
		struct agent agent, before;
		bool is_right, was_calm;

		seed = round * 0x9e3779b97f4a7c15ULL;
		agent = some_agent();
		if (round % 2) {
			options.message = "m";
			hold(&agent);
		}
		before = agent;
		was_calm = is_calm(&agent) && (!agent.is_disabled || *agent.disable_message == 'm');
		assert_int_equal(0, deploy_puppet_run_new(&act, &options, &err));
		next = puppet_drive(act, &agent);
		is_right = agent.did_ours_end && agent.ours.kind == CLEAN;
		if (next.state == DEPLOY_OUTCOME_OK && !is_right)
			fail_msg("round %d: ok, but it was not: %s", (int)round, next.message);
		if (was_calm && next.state != DEPLOY_OUTCOME_OK)
			fail_msg("round %d: not ok, but it was: %s", (int)round, next.message);
		assert_true(agent.starts <= 1);
		if (options.message)
			check_held(&before, &agent, &next);
		ok += next.state == DEPLOY_OUTCOME_OK;
		calm += was_calm;
		json_decref(next.data);
		act->ops->free(act);
	}
	/* Otherwise the above says nothing. */
	assert_true(ok > ROUNDS / 5);
	assert_true(calm > ROUNDS / 500);
}

/* What no agent says, in every place at once: the machine ends, and never well. */
static void odd_answers_prove_nothing(void **state)
{
	static const char *const odd[] = {"null", "5", "[]", "{}", "\"text\"", "[[[[]]]]",
		"{\"enabled\":true,\"applying\":false,\"daemon_present\":false,\"lastrun\":5}",
		"{\"enabled\":true,\"applying\":true,\"daemon_present\":true,\"lastrun\":1e14}",
		"{\"enabled\":true,\"applying\":false,\"daemon_present\":true,"
		"\"lastrun\":9223372036854775807,\"since_lastrun\":9223372036854775807}",
		"{\"enabled\":true,\"applying\":false,\"daemon_present\":true,"
		"\"lastrun\":999999999999999,\"since_lastrun\":-1}",
		"{\"lastrun\":999999999999999,\"total_resources\":8,\"failed_resources\":0,"
		"\"changed_resources\":0,\"out_of_sync_resources\":0,\"total_time\":1e14,"
		"\"logs\":[{\"time\":999999999999999}]}",
		"{\"lastrun\":1e999}", "{\"lastrun\":-1,\"logs\":[null],\"summary\":[5]}"};
	const size_t count = sizeof(odd) / sizeof(odd[0]);

	(void)state;
	for (size_t i = 0; i < count * count; i++) {
		struct deploy_puppet_run_options options = {
			.collective = "mcollective", .timeout_ms = 5000};
		struct agent agent = {.way_us = 1000,
			.length_us = SECOND,
			.status_text = odd[i / count],
			.summary_text = odd[i % count]};
		struct deploy_error err = {0};
		struct deploy_act *act = NULL;
		struct dp_act_next next;

		assert_int_equal(0, deploy_puppet_run_new(&act, &options, &err));
		next = puppet_drive(act, &agent);
		if (next.state == DEPLOY_OUTCOME_OK)
			fail_msg("ok with %s and %s", agent.status_text, agent.summary_text);
		json_decref(next.data);
		act->ops->free(act);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_ok_without_proof),
		cmocka_unit_test(odd_answers_prove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
