/* Texts and numbers at a cursor, as JSON or plain: see marshal_read.h. */
#include "wire/marshal_read.h"

#include "wire/marshal_number.h"

bool dp_marshal_take_text(struct dp_marshal_cursor *c, size_t start, struct dp_slice *out)
{
	if (dp_marshal_peek(c, 0) != '"')
		return dp_marshal_take_symbol(c, out);
	c->pos++;
	return dp_marshal_take_span(c, out, "string") && dp_marshal_add_object(c, start);
}

/* The string that a link names; the cursor is before "@". */
static enum dp_marshal_found find_linked_text(struct dp_marshal_cursor *c, struct dp_slice *out)
{
	size_t at = c->pos++, back, number;
	bool ok;

	if (!dp_marshal_take_link(c, &number))
		return DP_MARSHAL_FAILED;
	back = c->pos;
	c->pos = dp_marshal_object_offset(c, number);
	if (dp_marshal_peek(c, 0) != '"') {
		c->pos = at;
		return DP_MARSHAL_ABSENT;
	}
	c->linked++;
	ok = dp_marshal_take_text(c, c->pos, out);
	c->linked--;
	c->pos = back;
	return ok ? DP_MARSHAL_FOUND : DP_MARSHAL_FAILED;
}

enum dp_marshal_found dp_marshal_find_text(struct dp_marshal_cursor *c, struct dp_slice *out)
{
	bool has_ivars = dp_marshal_peek(c, 0) == 'I';
	int tag = dp_marshal_peek(c, has_ivars ? 1 : 0);

	if (tag == '@' && !has_ivars)
		return find_linked_text(c, out);
	if (tag != '"' && tag != ':' && tag != ';')
		return DP_MARSHAL_ABSENT;
	if (!has_ivars)
		return dp_marshal_take_text(c, c->pos, out) ? DP_MARSHAL_FOUND : DP_MARSHAL_FAILED;
	c->pos++;
	if (!dp_marshal_enter(c) || !dp_marshal_take_text(c, c->pos, out) ||
		!dp_marshal_skip_members(c, "value"))
		return DP_MARSHAL_FAILED;
	dp_marshal_leave(c);
	return DP_MARSHAL_FOUND;
}

static bool take_bignum(struct dp_marshal_cursor *c, struct dp_marshal_bignum *out)
{
	size_t at = c->pos, shorts;
	int sign;

	if (!dp_marshal_take_byte(c, &sign) || !dp_marshal_take_count(c, &shorts, 2, "bignum"))
		return false;
	if (sign != '+' && sign != '-')
		return dp_marshal_fail(c, at, "sign 0x%02x of a bignum", (unsigned)sign);
	if (shorts * 2 > DP_MARSHAL_MAX_BIGNUM_BYTES)
		return dp_marshal_fail(c, at, "a bignum has %zu bytes, at most %d are allowed",
			shorts * 2, DP_MARSHAL_MAX_BIGNUM_BYTES);
	out->is_negative = sign == '-';
	out->magnitude = (struct dp_slice){(const char *)c->bytes + c->pos, shorts * 2};
	c->pos += shorts * 2;
	while (out->magnitude.len > 0 && out->magnitude.data[out->magnitude.len - 1] == 0)
		out->magnitude.len--;
	return true;
}

bool dp_marshal_read_bignum(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_marshal_bignum big;

	if (!take_bignum(c, &big) || !dp_marshal_add_object(c, start))
		return false;
	return !out || dp_marshal_give_bignum(c, &big, out);
}

bool dp_marshal_read_float(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	size_t at = c->pos;
	struct dp_slice text;
	double number;

	if (!dp_marshal_take_span(c, &text, "float") || !dp_marshal_add_object(c, start))
		return false;
	if (!dp_marshal_float_parse(&number, text.data, text.len))
		return dp_marshal_fail(c, at, "a float of %zu bytes is no number", text.len);
	return !out || dp_marshal_give_float(c, number, out);
}

/* Behind "l" at a cursor that is put back if the number is too big. */
static enum dp_marshal_found find_bignum(struct dp_marshal_cursor *c, size_t at, long long *out)
{
	struct dp_marshal_bignum big;

	if (!take_bignum(c, &big))
		return DP_MARSHAL_FAILED;
	if (!dp_marshal_bignum_to_number(&big, out)) {
		c->pos = at;
		return DP_MARSHAL_ABSENT;
	}
	return dp_marshal_add_object(c, at) ? DP_MARSHAL_FOUND : DP_MARSHAL_FAILED;
}

enum dp_marshal_found dp_marshal_find_number(struct dp_marshal_cursor *c, long long *out)
{
	enum dp_marshal_found found = DP_MARSHAL_ABSENT;
	size_t at = c->pos, back, number;
	int tag = dp_marshal_peek(c, 0);

	if (tag != 'i' && tag != 'l' && tag != '@')
		return DP_MARSHAL_ABSENT;
	c->pos++;
	if (tag == 'i')
		return dp_marshal_take_long(c, out) ? DP_MARSHAL_FOUND : DP_MARSHAL_FAILED;
	if (tag == 'l')
		return find_bignum(c, at, out);
	if (!dp_marshal_take_link(c, &number))
		return DP_MARSHAL_FAILED;
	back = c->pos;
	c->pos = dp_marshal_object_offset(c, number);
	c->linked++;
	if (dp_marshal_peek(c, 0) == 'l') {
		c->pos++;
		found = find_bignum(c, at, out);
	}
	c->linked--;
	c->pos = found == DP_MARSHAL_FOUND ? back : at;
	return found;
}
