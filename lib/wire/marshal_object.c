/* Ruby objects, which are never interpreted: only their class is told, and all is numbered. */
#include "wire/marshal_read.h"

/* A symbol that may name its encoding. */
static bool take_name(struct dp_marshal_cursor *c, struct dp_slice *name)
{
	if (dp_marshal_peek(c, 0) != 'I' || dp_marshal_peek(c, 1) != ':')
		return dp_marshal_take_symbol(c, name);
	c->pos++;
	if (!dp_marshal_enter(c) || !dp_marshal_take_symbol(c, name) ||
		!dp_marshal_skip_members(c, "symbol"))
		return false;
	dp_marshal_leave(c);
	return true;
}

/*
 * The one member that nearly every string has: a known symbol, :E, that is true or false. Takes
 * these four bytes at once, or nothing.
 */
static bool skip_encoding(struct dp_marshal_cursor *c)
{
	const unsigned char *member = c->bytes + c->pos;
	unsigned number;

	if (c->linked || dp_marshal_left(c) < 4 || member[0] != 1 + 5 || member[1] != ';')
		return false;
	number = member[2] - 5U;
	if (number > 122 || number >= c->symbol_count || (member[3] != 'T' && member[3] != 'F'))
		return false;
	c->pos += 4;
	return true;
}

bool dp_marshal_skip_members(struct dp_marshal_cursor *c, const char *what)
{
	struct dp_slice name;
	size_t count;

	if (skip_encoding(c))
		return true;
	if (!dp_marshal_take_count(c, &count, 2, what))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_name(c, &name) || !dp_marshal_read(c, NULL))
			return false;
	return true;
}

/* Class, module or regular expression; its tag is taken. */
static bool skip_leaf(struct dp_marshal_cursor *c, size_t start, int tag, struct dp_slice *name)
{
	struct dp_slice bytes;
	int options;

	if (tag == '/') {
		*name = (struct dp_slice){"Regexp", 6};
		return dp_marshal_take_span(c, &bytes, "regexp") &&
		       dp_marshal_take_byte(c, &options) && dp_marshal_add_object(c, start);
	}
	*name = tag == 'c' ? (struct dp_slice){"Class", 5} : (struct dp_slice){"Module", 6};
	return dp_marshal_take_span(c, &bytes, "class name") && dp_marshal_add_object(c, start);
}

/* Ruby calls _load with the finished string, so the object is numbered behind all of it. */
bool dp_marshal_skip_user_defined(
	struct dp_marshal_cursor *c, size_t start, bool has_ivars, struct dp_slice *name)
{
	struct dp_slice bytes;

	if (!take_name(c, name) || !dp_marshal_take_span(c, &bytes, "user-defined object"))
		return false;
	if (has_ivars && !dp_marshal_skip_members(c, "user-defined object"))
		return false;
	return dp_marshal_add_object(c, start);
}

/* Objects that hold values. Where the number is taken differs, because it does in Ruby. */
static bool skip_holder(struct dp_marshal_cursor *c, size_t start, int tag, struct dp_slice *name)
{
	switch (tag) {
	case 'o':
	case 'S':
		return dp_marshal_add_object(c, start) && take_name(c, name) &&
		       dp_marshal_skip_members(c, "object");
	case 'U':
	case 'd':
		return take_name(c, name) && dp_marshal_add_object(c, start) &&
		       dp_marshal_read(c, NULL);
	default: /* 'C' and 'e': the value inside is the object */
		return take_name(c, name) && dp_marshal_read_from(c, start, NULL);
	}
}

bool dp_marshal_skip_object(
	struct dp_marshal_cursor *c, size_t start, int tag, struct dp_slice *name)
{
	switch (tag) {
	case '/':
	case 'c':
	case 'm':
	case 'M':
		return skip_leaf(c, start, tag, name);
	case 'u':
		return dp_marshal_skip_user_defined(c, start, false, name);
	case 'o':
	case 'S':
	case 'U':
	case 'd':
	case 'C':
	case 'e':
		if (!dp_marshal_enter(c) || !skip_holder(c, start, tag, name))
			return false;
		dp_marshal_leave(c);
		return true;
	default:
		return dp_marshal_fail(c, c->pos - 1, "unknown type 0x%02x", (unsigned)tag);
	}
}
