/* Numbers as Marshal spells them: decimal floats, and integers of any size. */
#ifndef DP_MARSHAL_NUMBER_H
#define DP_MARSHAL_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { DP_MARSHAL_FLOAT_TEXT = 64 }; /* bytes; Ruby itself never writes more than 24 */

/*
 * Parse -?D+(.D+)?(e[+-]?D+)? or inf, -inf, nan; nothing else. The point is a point whatever
 * LC_NUMERIC says. False: not such a text, or longer than DP_MARSHAL_FLOAT_TEXT.
 */
bool dp_marshal_float_parse(double *out, const char *text, size_t len);

/* Print as Ruby dumps it: the shortest digits that read back as the same number, e.g. "1e2". */
void dp_marshal_float_print(char text[DP_MARSHAL_FLOAT_TEXT], double value);

/* Print the decimal text of len little-endian bytes. Time grows with the square of len. */
void dp_marshal_bignum_print(struct dp_buf *out, bool is_negative, const void *bytes, size_t len);

#endif
