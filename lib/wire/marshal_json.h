/*
 * JSON values for what a Marshal document holds, also for what JSON has no value for: the table
 * in marshal.h. All pay their units to the cursor. False: nothing was made; see marshal_cursor.h.
 */
#ifndef DP_MARSHAL_JSON_H
#define DP_MARSHAL_JSON_H

#include "wire/marshal_cursor.h"

/* What values cost beyond the unit that each one costs; a unit is about 64 bytes of memory. */
enum {
	DP_MARSHAL_UNITS_ARRAY = 1,
	DP_MARSHAL_UNITS_OBJECT = 3,
	DP_MARSHAL_TEXT_BYTES_PER_UNIT = 16
};

struct dp_marshal_bignum {
	bool is_negative;
	struct dp_slice magnitude; /* little-endian, without leading zeros */
};

/* True if it fits into 64 bits. */
bool dp_marshal_bignum_to_number(const struct dp_marshal_bignum *big, long long *out);

bool dp_marshal_give_text(struct dp_marshal_cursor *c, struct dp_slice text, json_t **out);
bool dp_marshal_give_bignum(
	struct dp_marshal_cursor *c, const struct dp_marshal_bignum *big, json_t **out);
bool dp_marshal_give_float(struct dp_marshal_cursor *c, double number, json_t **out);
bool dp_marshal_give_opaque(struct dp_marshal_cursor *c, struct dp_slice class, json_t **out);
bool dp_marshal_give_cut(struct dp_marshal_cursor *c, size_t object, json_t **out);

/* json itself, after the check that there is one; takes the reference. */
json_t *dp_marshal_made(json_t *json);

/* A key of a JSON object: borrowed from the document, or printed and owned. */
struct dp_marshal_key {
	struct dp_slice text;
	char *owned; /* NULL or what text points to; free with free() */
};

/* A key that is a string or symbol. */
void dp_marshal_key_from_text(struct dp_marshal_key *key, struct dp_slice text);
/* A key that is anything else, printed. */
void dp_marshal_key_from_json(struct dp_marshal_key *key, const json_t *json);

#endif
