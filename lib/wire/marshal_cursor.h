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

/* Set the error "marshal: offset AT: ..."; returns false. */
bool dp_marshal_fail(struct dp_marshal_cursor *c, size_t at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The byte that stands ahead places further, or -1 behind the end. */
int dp_marshal_peek(const struct dp_marshal_cursor *c, size_t ahead);

bool dp_marshal_take_byte(struct dp_marshal_cursor *c, int *out);
bool dp_marshal_take_long(struct dp_marshal_cursor *c, long long *out);
/* A count of things that are at least `each` bytes long; what: "array", for the message. */
bool dp_marshal_take_count(struct dp_marshal_cursor *c, size_t *out, size_t each, const char *what);
/* A length and that many bytes. */
bool dp_marshal_take_span(struct dp_marshal_cursor *c, struct dp_slice *out, const char *what);

/* A symbol without instance variables, by name (and then numbered) or by number. */
bool dp_marshal_take_symbol(struct dp_marshal_cursor *c, struct dp_slice *name);

bool dp_marshal_add_object(struct dp_marshal_cursor *c, size_t at);
/* The number behind "@", of an object that is known. */
bool dp_marshal_take_link(struct dp_marshal_cursor *c, size_t *number);
size_t dp_marshal_object_offset(const struct dp_marshal_cursor *c, size_t number);
bool dp_marshal_object_is_open(const struct dp_marshal_cursor *c, size_t number);
void dp_marshal_object_set_open(struct dp_marshal_cursor *c, size_t number, bool is_open);

/* One level deeper; a caller that fails inside need not leave. */
bool dp_marshal_enter(struct dp_marshal_cursor *c);
void dp_marshal_leave(struct dp_marshal_cursor *c);

/* Pay for JSON values: units as in marshal.h. */
bool dp_marshal_spend(struct dp_marshal_cursor *c, size_t units);

#endif
