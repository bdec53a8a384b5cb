/* Which operands are completed with names of files; the rest is in test/cli and test/shells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "help.h"

static void an_operand_called_file_is_one(void **state)
{
	static const struct {
		const char *operands;
		int max_args, index;
		bool is_file;
	} rows[] = {
		{"FILE", 1, 0, true},
		{"FILE", 1, 1, false},
		{"[FILE]", 1, 0, true},
		{"FILE...", ARGS_ANY, 0, true},
		{"FILE...", ARGS_ANY, 7, true},
		{"ACTION [FILE...]", ARGS_ANY, 0, false},
		{"ACTION [FILE...]", ARGS_ANY, 1, true},
		{"ACTION [FILE...]", ARGS_ANY, 2, true},
		{"FILE [KEY=VALUE...]", ARGS_ANY, 0, true},
		{"FILE [KEY=VALUE...]", ARGS_ANY, 1, false},
		{"FILENAME", 1, 0, false},
		{"AGENT ACTION", 2, 0, false},
		{"", 0, 0, false},
		{"", ARGS_ANY, 0, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct command command = {
			.operands = rows[i].operands, .max_args = rows[i].max_args};

		assert_int_equal(help_wants_file(&command, rows[i].index), rows[i].is_file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_operand_called_file_is_one)};

	return cmocka_run_group_tests_name("complete", tests, NULL, NULL);
}
