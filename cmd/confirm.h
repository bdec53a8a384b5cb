/* Before much is done: somebody at the terminal is asked. */
#ifndef CONFIRM_H
#define CONFIRM_H

#include <stdbool.h>
#include <stddef.h>

/* True if somebody can be asked: stdin and stderr are terminals. */
bool confirm_is_possible(void);

/*
 * Ask on stderr to type count, which tells more than "y" that it was read. Waits for as long as it
 * takes: no connection should be open. True only if count was typed.
 */
bool confirm_count(const char *question, size_t count);

#endif
