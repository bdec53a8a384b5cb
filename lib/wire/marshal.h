/*
 * Ruby Marshal 4.8: what MCollective's messages are made of (psk, ssl and aes security).
 * Reading never trusts: every claim is checked against the bytes that are there, depth and counts
 * are bounded, nothing is ever instantiated. Source: Ruby 3.1 marshal.c and its documentation.
 *
 * How Ruby's values become JSON values:
 *   nil true false, fixnum, bignum of 64 bits, float, array   the same in JSON
 *   string, symbol (also as value)      text; a symbol key loses its colon
 *   not UTF-8, or holding NUL           {"$bytes": base64}
 *   bignum beyond 64 bits               {"$int": "18446744073709551616"}
 *   NaN, Infinity, -Infinity            {"$float": "nan" | "inf" | "-inf"}
 *   any other object                    {"$ruby": "Class"}, never interpreted; for one that is
 *                                       extended or a subclass of a core class, the outermost name
 *   key that is no text                 its printed form; a collision is counted
 *   link to an object                   the object again, while depth and units last
 *   link to an object around it, or
 *   to one too deep or too large        {"$cut": n}, n the number of the object
 * Strings keep their text whatever encoding they name: only the bytes decide. Instance variables
 * and a hash's default are left out.
 *
 * Printed forms: a key that is not UTF-8, or holds NUL, has every byte but printable ASCII written
 * as \xNN; a float has the digits that Ruby dumps, and .0 if it is whole (0.1, 1.0, 1e2); the rest
 * is compact JSON (null, 1, [1,2], {"$ruby":"Time"}), cut to 1,024 bytes and "...".
 *
 * Memory stays in proportion to the document. What is made is paid in units of about 64 bytes: a
 * value or key costs 1, and 1 more for every 16 bytes of its text (symlinks repeat text); an
 * array costs 2, a hash or one of {"$..."} 4, {"$int"} also the square of its bytes / 1,024. A
 * document may cost DP_MARSHAL_MAX_VALUES units. What its links repeat is counted apart: 65,536
 * and 16 per byte, but at most DP_MARSHAL_MAX_VALUES.
 */
#ifndef DP_MARSHAL_H
#define DP_MARSHAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "deploy/error.h"

enum {
	DP_MARSHAL_MAX_DEPTH = 128, /* containers and wrappers ("I" of a text, too) in each other */
	DP_MARSHAL_MAX_SYMBOLS = 65536,
	DP_MARSHAL_MAX_OBJECTS = 4194304,
	DP_MARSHAL_MAX_VALUES = 4194304, /* units of JSON made; links that are expanded: as many */
	DP_MARSHAL_MAX_BIGNUM_BYTES = 4096
};

/* A borrowed piece of the document. */
struct dp_slice {
	const char *data;
	size_t len;
};

/* What a reader noticed and could not express. */
struct dp_marshal_notes {
	unsigned collisions; /* keys that are or became the same text; the last one won */
	unsigned cuts;	     /* places where {"$cut"} stands */
};

/*
 * Decode one document, of version 4.0 to 4.8 and at most 2 GiB. *out: a new reference, NULL on
 * error. Bytes after the value are an error. notes may be NULL.
 * Errors: DEPLOY_PROTOCOL with the offset, e.g.
 * "marshal: offset 17: string claims 2147483647 bytes, 12 are left".
 */
int dp_marshal_decode(json_t **out, const void *bytes, size_t len, struct dp_marshal_notes *notes,
	struct deploy_error *err);

enum dp_marshal_want {
	DP_MARSHAL_TEXT,    /* string or symbol → text */
	DP_MARSHAL_INTEGER, /* fixnum or bignum of 64 bits → number */
	DP_MARSHAL_VALUE    /* anything → value, a new reference that the caller frees */
};

/* One entry that the caller wants out of a hash. Fill in name and want; zero the rest. */
struct dp_marshal_field {
	const char *name; /* matches a symbol or a string key */
	enum dp_marshal_want want;
	bool is_found;
	struct dp_slice text; /* points into the document, also when it was a link */
	long long number;
	json_t *value;
};

/*
 * Read the fields that are wanted out of a document whose root is a hash; other entries are
 * checked and skipped. No copies and, for messages of ordinary size, no allocation.
 * Duplicate keys: the last wins. An entry of another type than wanted is an error; one that is
 * missing is not: see is_found. Text is as it stands in the document, UTF-8 or not.
 * Errors: DEPLOY_PROTOCOL; the values of all fields are then NULL.
 */
int dp_marshal_decode_fields(struct dp_marshal_field *fields, size_t count, const void *bytes,
	size_t len, struct dp_marshal_notes *notes, struct deploy_error *err);

/*
 * Writing: a document is dp_marshal_begin and one value. Containers say their size first.
 * Never writes links or symlinks; Ruby reads repeated symbols all the same.
 * Going over the buffer's limit, or a length over 2^31 - 1, shows in buf->overflow.
 */
void dp_marshal_begin(struct dp_buf *buf);
void dp_marshal_put_nil(struct dp_buf *buf);
void dp_marshal_put_bool(struct dp_buf *buf, bool value);
void dp_marshal_put_integer(struct dp_buf *buf, long long value);
void dp_marshal_put_float(struct dp_buf *buf, double value);
void dp_marshal_put_symbol(struct dp_buf *buf, const char *name);	       /* UTF-8 */
void dp_marshal_put_text(struct dp_buf *buf, const char *text, size_t len);    /* UTF-8 */
void dp_marshal_put_bytes(struct dp_buf *buf, const void *data, size_t len);   /* ASCII-8BIT */
void dp_marshal_put_regex(struct dp_buf *buf, const char *source, size_t len); /* UTF-8 */
void dp_marshal_put_array(struct dp_buf *buf, size_t count); /* then count values */
void dp_marshal_put_hash(struct dp_buf *buf, size_t count);  /* then count × (key, value) */

/* How the keys of the outermost object are written; inner objects always have string keys. */
enum dp_marshal_keys { DP_MARSHAL_STRING_KEYS, DP_MARSHAL_SYMBOL_KEYS };

/*
 * Write a JSON value. {"$bytes"} and its like are hashes here as any other.
 * Errors: DEPLOY_INPUT when deeper than DP_MARSHAL_MAX_DEPTH; buf then holds a part.
 */
int dp_marshal_put_json(struct dp_buf *buf, const json_t *value, enum dp_marshal_keys keys,
	struct deploy_error *err);

#endif
