/*
 * A bounded walk over a Marshal document: the bytes, what was numbered so far, and all limits.
 * Everything that reads goes through here, so nothing can leave the document or outgrow it.
 */
#ifndef DP_MARSHAL_CURSOR_H
#define DP_MARSHAL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/marshal.h"

enum {
	DP_MARSHAL_FEW_SYMBOLS = 32, /* tables of this size need no allocation */
	DP_MARSHAL_FEW_OBJECTS = 64
};

/*
 * Symbols and objects are numbered in the order of Ruby's reader. An object is the offset that
 * a link reads again. While `linked` is not 0 that happens: nothing is numbered then, what is
 * made counts against linked_limit, and a limit sets gave_up instead of an error.
 */
struct dp_marshal_cursor {
	const unsigned char *bytes;
	size_t len, pos;
	unsigned depth, linked;
	bool gave_up;
	size_t spent, linked_spent, linked_limit;
	struct dp_slice *symbols;
	size_t symbol_count, symbol_cap;
	uint32_t *objects; /* offset, and whether it is being read right now */
	size_t object_count, object_cap;
	struct dp_marshal_notes notes;
	struct deploy_error *err;
	struct dp_slice few_symbols[DP_MARSHAL_FEW_SYMBOLS];
	uint32_t few_objects[DP_MARSHAL_FEW_OBJECTS];
};

/* Functions that return bool: false after an error, or after giving up on a link. */

/* Start behind the version, which is checked. Release in any case. */
bool dp_marshal_cursor_init(
	struct dp_marshal_cursor *c, const void *bytes, size_t len, struct deploy_error *err);
/* ok: whether all went well. Returns 0 or the code of the error. notes may be NULL. */
int dp_marshal_cursor_release(struct dp_marshal_cursor *c, bool ok, struct dp_marshal_notes *notes);
/* True at the end of the document; bytes that are left are an error. */
bool dp_marshal_take_end(struct dp_marshal_cursor *c);

/* Set the error "marshal: offset AT: ...". */
void dp_marshal_set_error(struct dp_marshal_cursor *c, size_t at, const char *format, ...)
	__attribute__((cold, format(printf, 3, 4)));
/* The same as a value: false, which as a macro the compiler knows as well. */
#define dp_marshal_fail(...) (dp_marshal_set_error(__VA_ARGS__), false)
/* Too much, e.g. "more than" 100 "values": an error, or giving up on a link. Returns false. */
bool dp_marshal_fail_limit(struct dp_marshal_cursor *c, const char *exceeded, int limit,
	const char *what) __attribute__((cold));

/*
 * Inline is what every byte of a reply goes through: reading a text takes a dozen of these calls,
 * and they would cost more than the digest of its bytes.
 */

static inline size_t dp_marshal_left(const struct dp_marshal_cursor *c)
{
	return c->len - c->pos;
}

/* The byte that stands ahead places further, or -1 behind the end. */
static inline int dp_marshal_peek(const struct dp_marshal_cursor *c, size_t ahead)
{
	return ahead < dp_marshal_left(c) ? c->bytes[c->pos + ahead] : -1;
}

static inline bool dp_marshal_take_byte(struct dp_marshal_cursor *c, int *out)
{
	if (c->pos == c->len)
		return dp_marshal_fail(c, c->pos, "the document ends inside a value");
	*out = c->bytes[c->pos++];
	return true;
}

bool dp_marshal_take_any_long(struct dp_marshal_cursor *c, long long *out);

static inline bool dp_marshal_take_long(struct dp_marshal_cursor *c, long long *out)
{
	int first = dp_marshal_peek(c, 0);

	/* From 1 to 122 a number is one byte, 5 more than itself. */
	if (first < 1 + 5 || first > 122 + 5)
		return dp_marshal_take_any_long(c, out);
	c->pos++;
	*out = first - 5;
	return true;
}

/* A count of things that are at least `each` bytes long; what: "array", for the message. */
static inline bool dp_marshal_take_count(
	struct dp_marshal_cursor *c, size_t *out, size_t each, const char *what)
{
	size_t at = c->pos;
	long long count;

	if (!dp_marshal_take_long(c, &count))
		return false;
	if (count < 0 || (unsigned long long)count > dp_marshal_left(c) / each)
		return dp_marshal_fail(c, at, "%s claims %lld entries, %zu bytes are left", what,
			count, dp_marshal_left(c));
	*out = (size_t)count;
	return true;
}

/* A length and that many bytes. */
static inline bool dp_marshal_take_span(
	struct dp_marshal_cursor *c, struct dp_slice *out, const char *what)
{
	size_t at = c->pos;
	long long len;

	if (!dp_marshal_take_long(c, &len))
		return false;
	if (len < 0 || (unsigned long long)len > dp_marshal_left(c))
		return dp_marshal_fail(
			c, at, "%s claims %lld bytes, %zu are left", what, len, dp_marshal_left(c));
	*out = (struct dp_slice){.data = (const char *)c->bytes + c->pos, .len = (size_t)len};
	c->pos += (size_t)len;
	return true;
}

/* A symbol without instance variables, by name (and then numbered) or by number. */
bool dp_marshal_take_symbol(struct dp_marshal_cursor *c, struct dp_slice *name);

/* Make room for one more. */
bool dp_marshal_grow_objects(struct dp_marshal_cursor *c);

static inline bool dp_marshal_add_object(struct dp_marshal_cursor *c, size_t at)
{
	if (c->linked)
		return true;
	if (c->object_count == c->object_cap && !dp_marshal_grow_objects(c))
		return false;
	c->objects[c->object_count++] = (uint32_t)at;
	return true;
}

/* The number behind "@", of an object that is known. */
bool dp_marshal_take_link(struct dp_marshal_cursor *c, size_t *number);
size_t dp_marshal_object_offset(const struct dp_marshal_cursor *c, size_t number);
bool dp_marshal_object_is_open(const struct dp_marshal_cursor *c, size_t number);
void dp_marshal_object_set_open(struct dp_marshal_cursor *c, size_t number, bool is_open);

/* One level deeper; a caller that fails inside need not leave. */
static inline bool dp_marshal_enter(struct dp_marshal_cursor *c)
{
	if (c->depth == DP_MARSHAL_MAX_DEPTH)
		return dp_marshal_fail_limit(
			c, "nested deeper than", DP_MARSHAL_MAX_DEPTH, "levels");
	c->depth++;
	return true;
}

static inline void dp_marshal_leave(struct dp_marshal_cursor *c)
{
	c->depth--;
}

/* Pay for JSON values: units as in marshal.h. */
static inline bool dp_marshal_spend(struct dp_marshal_cursor *c, size_t units)
{
	size_t *spent = c->linked ? &c->linked_spent : &c->spent;
	size_t limit = c->linked ? c->linked_limit : DP_MARSHAL_MAX_VALUES;

	if (units > limit - *spent)
		return dp_marshal_fail_limit(c, "more than", DP_MARSHAL_MAX_VALUES, "values");
	*spent += units;
	return true;
}

#endif
