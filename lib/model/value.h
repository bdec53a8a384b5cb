/* Values of jansson: what they cost. */
#ifndef DP_VALUE_H
#define DP_VALUE_H

#include <stddef.h>

#include <jansson.h>

/* About how many bytes of memory a value takes; it is not nested deeper than messages may be. */
size_t dp_value_bytes(const json_t *value);

#endif
