/* Rules that a DDL calls by name. Sources: MCollective 2.12.5 (shellsafe, ipv4address,
 * ipv6address), the agents puppet, service and bolt_tasks (the others). */
#ifndef DP_DDL_VALIDATORS_H
#define DP_DDL_VALIDATORS_H

#include <stdbool.h>
#include <stddef.h>

bool dp_validator_is_known(const char *name);

/* True if the text of len bytes keeps the rule, which is known. */
bool dp_validator_holds(const char *name, const char *text, size_t len);

#endif
