/* Reading single values at a cursor: what marshal_read.c, _scalar.c, _object.c and _fields.c
 * share. */
#ifndef DP_MARSHAL_READ_H
#define DP_MARSHAL_READ_H

#include "wire/marshal_json.h"

/*
 * Read one value. out NULL skips it, which checks and numbers just the same.
 * False: an error is set, or the cursor gave up on a link; nothing was handed out.
 */
bool dp_marshal_read(struct dp_marshal_cursor *c, json_t **out);

/*
 * The same for a value inside a wrapper. start is the offset that a link to it reads again: that
 * of the outermost wrapper that says the class, so that a link finds the class too.
 */
bool dp_marshal_read_from(struct dp_marshal_cursor *c, size_t start, json_t **out);

/* Read a number whose tag is taken. */
bool dp_marshal_read_bignum(struct dp_marshal_cursor *c, size_t start, json_t **out);
bool dp_marshal_read_float(struct dp_marshal_cursor *c, size_t start, json_t **out);

/* Skip an object whose tag is taken. *name: its class, or the outermost one around it. */
bool dp_marshal_skip_object(
	struct dp_marshal_cursor *c, size_t start, int tag, struct dp_slice *name);
bool dp_marshal_skip_user_defined(
	struct dp_marshal_cursor *c, size_t start, bool has_ivars, struct dp_slice *name);

/* A count and so many pairs of a symbol and a value: members or instance variables. */
bool dp_marshal_skip_members(struct dp_marshal_cursor *c, const char *what);

/* Take a string or symbol that stands here without a wrapper. */
bool dp_marshal_take_text(struct dp_marshal_cursor *c, size_t start, struct dp_slice *out);

enum dp_marshal_found {
	DP_MARSHAL_FAILED, /* an error is set */
	DP_MARSHAL_ABSENT, /* something else stands here; the cursor did not move */
	DP_MARSHAL_FOUND
};

/* The same, also behind a link or with instance variables. */
enum dp_marshal_found dp_marshal_find_text(struct dp_marshal_cursor *c, struct dp_slice *out);

/* Take a fixnum, or a bignum of 64 bits, also behind a link. */
enum dp_marshal_found dp_marshal_find_number(struct dp_marshal_cursor *c, long long *out);

#endif
