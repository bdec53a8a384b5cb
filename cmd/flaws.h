/* What is wrong in files that people wrote: one line each, or an item each for programs. */
#ifndef FLAWS_H
#define FLAWS_H

#include "command.h"

/*
 * Show flaws, of which count there are in all and the first DEPLOY_MAX_FLAWS stand at told, in the
 * format of out. Adds those that documents and lines of jsonl are to hold to items, an array.
 */
void flaws_print(struct out *out, const struct deploy_flaw *told, size_t count, json_t *items);

/* Lines of jsonl, each of this type with a running number. */
void flaws_print_lines(struct out *out, const char *type, const json_t *items);

#endif
