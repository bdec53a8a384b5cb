/* Questions at the terminal. */
#include "confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deploy/text.h"

bool confirm_is_possible(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* A line without its newline; empty at the end of input, or if it is too long. */
static void read_line(char *line, size_t size)
{
	char *end;

	line[0] = '\0';
	if (!fgets(line, (int)size, stdin))
		(void)fputc('\n', stderr);
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	else
		line[0] = '\0';
}

bool confirm_count(const char *question, size_t count)
{
	char line[32], expected[32], *escaped = deploy_text_escape(question, strlen(question));

	(void)snprintf(expected, sizeof(expected), "%zu", count);
	(void)fprintf(stderr, "%s\ntype %s to go on: ", escaped, expected);
	(void)fflush(stderr);
	free(escaped);
	read_line(line, sizeof(line));
	return strcmp(line, expected) == 0;
}
