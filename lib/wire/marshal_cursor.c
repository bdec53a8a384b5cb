/* Bounded walk over a Marshal document: see marshal_cursor.h. */
#include "wire/marshal_cursor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"

#define OPEN_OBJECT 0x80000000U /* offsets are below: documents end at 2 GiB */

/* Links may be expanded to this many units for nothing, and to this many for a byte. */
enum { LINKED_BASE = 65536, LINKED_PER_BYTE = 16 };

void dp_marshal_set_error(struct dp_marshal_cursor *c, size_t at, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)deploy_error_set(c->err, DEPLOY_PROTOCOL, "marshal: offset %zu: %s", at, text);
}

bool dp_marshal_fail_limit(
	struct dp_marshal_cursor *c, const char *exceeded, int limit, const char *what)
{
	if (!c->linked)
		return dp_marshal_fail(c, c->pos, "%s %d %s", exceeded, limit, what);
	c->gave_up = true;
	return false;
}

static bool take_version(struct dp_marshal_cursor *c)
{
	int major = 0, minor = 0;

	if (c->len > INT32_MAX)
		return dp_marshal_fail(c, 0, "a document of %zu bytes is too large", c->len);
	if (!dp_marshal_take_byte(c, &major) || !dp_marshal_take_byte(c, &minor))
		return false;
	if (major != 4 || minor > 8)
		return dp_marshal_fail(c, 0, "version %d.%d is not 4.0 to 4.8", major, minor);
	return true;
}

bool dp_marshal_cursor_init(
	struct dp_marshal_cursor *c, const void *bytes, size_t len, struct deploy_error *err)
{
	c->bytes = bytes;
	c->len = len;
	c->pos = 0;
	c->depth = 0;
	c->linked = 0;
	c->gave_up = false;
	c->spent = 0;
	c->linked_spent = 0;
	c->linked_limit = DP_MARSHAL_MAX_VALUES;
	if (len < (DP_MARSHAL_MAX_VALUES - LINKED_BASE) / LINKED_PER_BYTE)
		c->linked_limit = LINKED_BASE + LINKED_PER_BYTE * len;
	c->symbols = c->few_symbols;
	c->symbol_count = 0;
	c->symbol_cap = DP_MARSHAL_FEW_SYMBOLS;
	c->objects = c->few_objects;
	c->object_count = 0;
	c->object_cap = DP_MARSHAL_FEW_OBJECTS;
	c->notes = (struct dp_marshal_notes){0};
	c->err = err;
	return take_version(c);
}

int dp_marshal_cursor_release(struct dp_marshal_cursor *c, bool ok, struct dp_marshal_notes *notes)
{
	assert(ok || c->err->code != DEPLOY_OK);
	if (c->symbols != c->few_symbols)
		free(c->symbols);
	if (c->objects != c->few_objects)
		free(c->objects);
	if (notes)
		*notes = c->notes;
	return ok ? 0 : (int)c->err->code;
}

bool dp_marshal_take_end(struct dp_marshal_cursor *c)
{
	return c->pos == c->len ||
	       dp_marshal_fail(c, c->pos, "%zu bytes follow the value", dp_marshal_left(c));
}

bool dp_marshal_take_any_long(struct dp_marshal_cursor *c, long long *out)
{
	long long value = 0;
	int first = 0, n;

	if (!dp_marshal_take_byte(c, &first))
		return false;
	first = first < 128 ? first : first - 256;
	if (first == 0 || first > 4 || first < -4) {
		*out = first > 0 ? first - 5 : first < 0 ? first + 5 : 0;
		return true;
	}
	n = first > 0 ? first : -first;
	if ((size_t)n > dp_marshal_left(c))
		return dp_marshal_fail(c, c->pos, "the document ends inside a number");
	for (int i = 0; i < n; i++)
		value |= (long long)c->bytes[c->pos++] << (8 * i);
	/* Missing high bytes of a negative number are 0xff. */
	*out = first > 0 ? value : value - (1LL << (8 * n));
	return true;
}

/* Make a full table larger; the small one inside the cursor is left for the heap once. */
static void *grown(void *table, const void *few, size_t *cap, size_t size)
{
	void *copy;

	if (table != few)
		return dp_grow(table, cap, *cap + 1, size);
	copy = dp_xmalloc(4 * *cap * size);
	memcpy(copy, few, *cap * size);
	*cap *= 4;
	return copy;
}

static bool add_symbol(struct dp_marshal_cursor *c, struct dp_slice name)
{
	if (c->linked)
		return true;
	if (c->symbol_count == DP_MARSHAL_MAX_SYMBOLS)
		return dp_marshal_fail(c, c->pos, "more than %d symbols", DP_MARSHAL_MAX_SYMBOLS);
	if (c->symbol_count == c->symbol_cap)
		c->symbols =
			grown(c->symbols, c->few_symbols, &c->symbol_cap, sizeof(c->symbols[0]));
	c->symbols[c->symbol_count++] = name;
	return true;
}

static bool take_symlink(struct dp_marshal_cursor *c, struct dp_slice *name)
{
	size_t at = c->pos;
	long long number;

	if (!dp_marshal_take_long(c, &number))
		return false;
	if (number < 0 || (unsigned long long)number >= c->symbol_count)
		return dp_marshal_fail(
			c, at, "symbol %lld is wanted, %zu are known", number, c->symbol_count);
	*name = c->symbols[number];
	return true;
}

bool dp_marshal_take_symbol(struct dp_marshal_cursor *c, struct dp_slice *name)
{
	int tag = dp_marshal_peek(c, 0);

	if (tag != ':' && tag != ';')
		return dp_marshal_fail(c, c->pos, "a symbol is wanted here");
	c->pos++;
	if (tag == ';')
		return take_symlink(c, name);
	return dp_marshal_take_span(c, name, "symbol") && add_symbol(c, *name);
}

bool dp_marshal_grow_objects(struct dp_marshal_cursor *c)
{
	if (c->object_count == DP_MARSHAL_MAX_OBJECTS)
		return dp_marshal_fail(c, c->pos, "more than %d objects", DP_MARSHAL_MAX_OBJECTS);
	c->objects = grown(c->objects, c->few_objects, &c->object_cap, sizeof(c->objects[0]));
	/* A table that ends at the limit is full there, and asks again. */
	if (c->object_cap > DP_MARSHAL_MAX_OBJECTS)
		c->object_cap = DP_MARSHAL_MAX_OBJECTS;
	return true;
}

bool dp_marshal_take_link(struct dp_marshal_cursor *c, size_t *number)
{
	size_t at = c->pos;
	long long n;

	if (!dp_marshal_take_long(c, &n))
		return false;
	if (n < 0 || (unsigned long long)n >= c->object_count)
		return dp_marshal_fail(
			c, at, "object %lld is wanted, %zu are known", n, c->object_count);
	*number = (size_t)n;
	return true;
}

size_t dp_marshal_object_offset(const struct dp_marshal_cursor *c, size_t number)
{
	return c->objects[number] & ~OPEN_OBJECT;
}

bool dp_marshal_object_is_open(const struct dp_marshal_cursor *c, size_t number)
{
	return c->objects[number] & OPEN_OBJECT;
}

void dp_marshal_object_set_open(struct dp_marshal_cursor *c, size_t number, bool is_open)
{
	if (is_open)
		c->objects[number] |= OPEN_OBJECT;
	else
		c->objects[number] &= ~OPEN_OBJECT;
}
