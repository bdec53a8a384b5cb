/* What the state file knows of a run that is to go on. */
#ifndef PLAY_PAST_H
#define PLAY_PAST_H

#include "command.h"

/* Errors: those of deploy_state_open(). Caller frees with deploy_past_free(). */
int play_past_load(struct deploy_past **out, const struct deploy_state *state, const char *run,
	struct deploy_error *err);

#endif
