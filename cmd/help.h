/* Everything that is printed from the entries of the commands: help, man pages, completion, JSON.
 */
#ifndef HELP_H
#define HELP_H

#include "command.h"

/* What the program says about itself as a whole. */
struct program_variable {
	const char *name, *text;
};
extern const char program_summary[], program_text[];
extern const struct program_variable program_environment[]; /* ends with a NULL name */

/* help.c: how to call the program, and its commands. */
void help_usage(struct out *out);

/* help.c: the help of a command; NULL: of the program. With -o json the document of kind
 * "commands". */
void help_print(struct out *out, const struct command *command);

/* man.c: a man page in mdoc(7); NULL: the program's. */
void help_man(struct out *out, const struct command *command);

/*
 * complete.c: print what may stand in the place of the last word, a line each, perhaps with a tab
 * and a description: "--output\tprint results as FORMAT". An empty candidate, "\tFILE", stands for
 * the names of files; after "--nodes=" too.
 * words: what was typed after the program's name, the last one perhaps unfinished or empty.
 */
void help_complete(struct out *out, int count, char **words);

/* complete.c: whether the operand at index is called FILE: "ACTION [FILE...]" from 1 on. */
bool help_wants_file(const struct command *command, int index);

#endif
