/* Asking whoever sits at the terminal while a run goes on: the loop watches for the answer. */
#ifndef PLAY_ASK_H
#define PLAY_ASK_H

#include <stddef.h>

struct out;

struct play_asker {
	struct out *out;
	char line[64]; /* of an answer, as far as it has come */
	size_t len;
};

/* .ask and .answer of struct deploy_run_options; asker: a struct play_asker. */
int play_ask(void *asker, const char *text);
int play_answer(void *asker);

#endif
