/* Questions in the middle of a run. */
#include "play_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "out.h"

int play_ask(void *arg, const char *text)
{
	struct play_asker *asker = arg;
	char *escaped;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return -1;
	/* What was typed before is no answer. */
	(void)tcflush(STDIN_FILENO, TCIFLUSH);
	escaped = deploy_text_escape(text, strlen(text));
	out_status(asker->out, NULL);
	(void)fprintf(stderr, "%s [y/N] ", escaped);
	(void)fflush(stderr);
	free(escaped);
	asker->len = 0;
	return STDIN_FILENO;
}

/* A terminal hands over whole lines; what is longer than an answer is none. */
int play_answer(void *arg)
{
	struct play_asker *asker = arg;
	ssize_t n =
		read(STDIN_FILENO, asker->line + asker->len, sizeof(asker->line) - 1 - asker->len);

	if (n <= 0)
		return 0;
	asker->len += (size_t)n;
	asker->line[asker->len] = '\0';
	if (!strchr(asker->line, '\n') && asker->len < sizeof(asker->line) - 1)
		return -1;
	asker->line[strcspn(asker->line, "\n")] = '\0';
	return strcmp(asker->line, "y") == 0 || strcmp(asker->line, "Y") == 0 ||
	       strcmp(asker->line, "yes") == 0;
}
