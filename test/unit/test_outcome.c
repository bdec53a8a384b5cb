/* Outcomes and events: every value has its own text, and the sum adds up. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/event.h"
#include "deploy/log.h"
#include "deploy/outcome.h"

static const char *state_name(int value)
{
	return deploy_outcome_state_name((enum deploy_outcome_state)value);
}

static const char *ignored_name(int value)
{
	return deploy_ignored_name((enum deploy_ignored)value);
}

static const char *event_name(int value)
{
	return deploy_event_type_name((enum deploy_event_type)value);
}

/* All values below count have texts that differ from each other and from that of no value. */
static void check_names(const char *(*name)(int), int count)
{
	for (int i = 0; i < count; i++) {
		assert_non_null(name(i));
		assert_string_not_equal(name(i), name(count));
		assert_string_not_equal(name(i), name(-1));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name(i), name(j));
	}
}

static void every_outcome_state_has_its_own_text(void **state)
{
	(void)state;
	check_names(state_name, DEPLOY_OUTCOME_STATES);
	assert_string_equal(state_name(DEPLOY_OUTCOME_SILENT), "silent");
}

static void every_reason_to_ignore_has_its_own_text(void **state)
{
	(void)state;
	check_names(ignored_name, DEPLOY_IGNORED_REASONS);
	assert_string_equal(ignored_name(DEPLOY_IGNORED_LATE), "late");
}

static void every_event_type_has_its_own_text(void **state)
{
	(void)state;
	check_names(event_name, DEPLOY_EVENT_TYPES);
	assert_string_equal(event_name(DEPLOY_EVENT_TASK_STARTED), "task_started");
}

static void tally_lists_who_was_not_ok(void **state)
{
	struct deploy_tally tally;
	char node[16];

	(void)state;
	deploy_tally_init(&tally);
	for (int i = 0; i < DEPLOY_OUTCOME_STATES; i++) {
		for (int n = 0; n <= i; n++) {
			struct deploy_outcome outcome = {.state = (enum deploy_outcome_state)i};

			(void)snprintf(node, sizeof(node), "n%d-%d", i, n);
			deploy_tally_add(&tally, node, &outcome);
		}
	}
	for (int i = 0; i < DEPLOY_OUTCOME_STATES; i++) {
		assert_int_equal(tally.count[i], i + 1);
		assert_int_equal(
			deploy_nodeset_count(tally.set[i]), i == DEPLOY_OUTCOME_OK ? 0 : i + 1);
	}
	assert_int_equal(deploy_nodeset_count(tally.not_connected), 0);
	deploy_tally_release(&tally);
}

static void not_connected_is_silent_too(void **state)
{
	struct deploy_outcome gone = {.state = DEPLOY_OUTCOME_SILENT, .not_connected = true};
	struct deploy_outcome failed = {.state = DEPLOY_OUTCOME_FAILED, .not_connected = true};
	struct deploy_tally tally;

	(void)state;
	deploy_tally_init(&tally);
	deploy_tally_add(&tally, "a", &gone);
	deploy_tally_add(&tally, "b", &failed);
	assert_int_equal(tally.count[DEPLOY_OUTCOME_SILENT], 1);
	assert_string_equal(deploy_nodeset_get(tally.set[DEPLOY_OUTCOME_SILENT], 0), "a");
	assert_int_equal(deploy_nodeset_count(tally.not_connected), 1);
	assert_string_equal(deploy_nodeset_get(tally.not_connected, 0), "a");
	deploy_tally_release(&tally);
}

static void handed_over_is_unknown_too(void **state)
{
	struct deploy_outcome left = {.state = DEPLOY_OUTCOME_UNKNOWN, .was_handed_over = true};
	struct deploy_outcome lost = {.state = DEPLOY_OUTCOME_UNKNOWN};
	struct deploy_tally tally;

	(void)state;
	deploy_tally_init(&tally);
	deploy_tally_add(&tally, "a", &left);
	deploy_tally_add(&tally, "b", &lost);
	assert_int_equal(deploy_nodeset_count(tally.set[DEPLOY_OUTCOME_UNKNOWN]), 2);
	assert_int_equal(deploy_nodeset_count(tally.handed_over), 1);
	assert_string_equal(deploy_nodeset_get(tally.handed_over, 0), "a");
	deploy_tally_release(&tally);
}

static void remember_line(void *arg, enum deploy_log_level level, const char *text)
{
	(void)level;
	(void)snprintf(arg, 64, "%s", text);
}

static void foreign_name_is_counted_and_logged_but_not_listed(void **state)
{
	struct deploy_outcome failed = {.state = DEPLOY_OUTCOME_FAILED};
	struct deploy_tally tally;
	char line[64] = "";

	(void)state;
	deploy_log_set(remember_line, line, DEPLOY_LOG_WARN);
	deploy_tally_init(&tally);
	deploy_tally_add(&tally, "no name", &failed);
	deploy_log_set(NULL, NULL, DEPLOY_LOG_ERROR);
	assert_int_equal(tally.count[DEPLOY_OUTCOME_FAILED], 1);
	assert_int_equal(deploy_nodeset_count(tally.set[DEPLOY_OUTCOME_FAILED]), 0);
	assert_non_null(strstr(line, "no name"));
	deploy_tally_release(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_state_has_its_own_text),
		cmocka_unit_test(every_reason_to_ignore_has_its_own_text),
		cmocka_unit_test(every_event_type_has_its_own_text),
		cmocka_unit_test(tally_lists_who_was_not_ok),
		cmocka_unit_test(not_connected_is_silent_too),
		cmocka_unit_test(handed_over_is_unknown_too),
		cmocka_unit_test(foreign_name_is_counted_and_logged_but_not_listed),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
