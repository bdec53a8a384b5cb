/* Marshal to JSON: one pass by recursive descent; the table is in marshal.h. */
#include "wire/marshal_read.h"

#include <stdlib.h>

#include "wire/marshal_number.h"

bool dp_marshal_read(struct dp_marshal_cursor *c, json_t **out)
{
	return dp_marshal_read_from(c, c->pos, out);
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

static bool read_bignum(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_marshal_bignum big;

	if (!take_bignum(c, &big) || !dp_marshal_add_object(c, start))
		return false;
	return !out || dp_marshal_give_bignum(c, &big, out);
}

static bool read_fixnum(struct dp_marshal_cursor *c, json_t **out)
{
	long long number;

	if (!dp_marshal_take_long(c, &number))
		return false;
	if (out)
		*out = dp_marshal_made(json_integer(number));
	return true;
}

static bool read_float(struct dp_marshal_cursor *c, size_t start, json_t **out)
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

/* A string or symbol without wrapper. */
static bool take_bare_text(struct dp_marshal_cursor *c, size_t start, struct dp_slice *out)
{
	if (dp_marshal_peek(c, 0) != '"')
		return dp_marshal_take_symbol(c, out);
	c->pos++;
	return dp_marshal_take_span(c, out, "string") && dp_marshal_add_object(c, start);
}

static bool read_text(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_slice text;

	if (!take_bare_text(c, start, &text))
		return false;
	return !out || dp_marshal_give_text(c, text, out);
}

static bool read_object(struct dp_marshal_cursor *c, size_t start, int tag, json_t **out)
{
	struct dp_slice name;

	if (!dp_marshal_skip_object(c, start, tag, &name))
		return false;
	return !out || dp_marshal_give_opaque(c, name, out);
}

static bool read_user_defined_with_ivars(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_slice name;

	c->pos++;
	if (!dp_marshal_skip_user_defined(c, start, true, &name))
		return false;
	return !out || dp_marshal_give_opaque(c, name, out);
}

static bool read_value_with_ivars(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	json_t *value = NULL;

	if (!dp_marshal_read_from(c, start, out ? &value : NULL))
		return false;
	if (!dp_marshal_skip_members(c, "value")) {
		json_decref(value);
		return false;
	}
	if (out)
		*out = value;
	return true;
}

/* What most values are. */
static bool read_text_with_ivars(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_slice text;

	if ((out || c->linked) && !dp_marshal_spend(c, 1))
		return false;
	if (!take_bare_text(c, start, &text) || !dp_marshal_skip_members(c, "value"))
		return false;
	return !out || dp_marshal_give_text(c, text, out);
}

/* Behind "I". Instance variables say a string's encoding; no value of ours shows any. */
static bool read_with_ivars(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	bool ok;

	if (!dp_marshal_enter(c))
		return false;
	switch (dp_marshal_peek(c, 0)) {
	case '"':
		ok = read_text_with_ivars(c, start, out);
		break;
	case 'u':
		ok = read_user_defined_with_ivars(c, start, out);
		break;
	default:
		ok = read_value_with_ivars(c, start, out);
		break;
	}
	dp_marshal_leave(c);
	return ok;
}

/* Read an object again in the place of a link. */
static bool expand(struct dp_marshal_cursor *c, size_t number, json_t **out)
{
	size_t back = c->pos;
	unsigned depth = c->depth;
	bool ok;

	dp_marshal_object_set_open(c, number, true);
	c->linked++;
	c->pos = dp_marshal_object_offset(c, number);
	ok = dp_marshal_read(c, out);
	c->pos = back;
	c->depth = depth;
	c->linked--;
	dp_marshal_object_set_open(c, number, false);
	return ok;
}

static bool read_link(struct dp_marshal_cursor *c, json_t **out)
{
	struct dp_marshal_notes before = c->notes;
	size_t number;

	if (!dp_marshal_take_link(c, &number))
		return false;
	if (!out)
		return true;
	if (dp_marshal_object_is_open(c, number))
		return dp_marshal_give_cut(c, number, out);
	if (expand(c, number, out))
		return true;
	/* What is too deep or too much is left out as a whole, where the document has the link. */
	if (!c->gave_up || c->linked)
		return false;
	c->gave_up = false;
	c->notes = before;
	return dp_marshal_give_cut(c, number, out);
}

/* Containers are open while they are read: a link to an open one is a cycle. */
static bool begin_container(struct dp_marshal_cursor *c, size_t start, bool is_made)
{
	if (!dp_marshal_enter(c) || !dp_marshal_add_object(c, start))
		return false;
	if (is_made && !c->linked)
		dp_marshal_object_set_open(c, c->object_count - 1, true);
	return true;
}

static void finish_container(struct dp_marshal_cursor *c, size_t number, bool is_made)
{
	if (is_made && !c->linked)
		dp_marshal_object_set_open(c, number, false);
	dp_marshal_leave(c);
}

static bool fill_array(struct dp_marshal_cursor *c, size_t count, json_t *array)
{
	json_t *item;

	for (size_t i = 0; i < count; i++) {
		if (!dp_marshal_read(c, array ? &item : NULL))
			return false;
		if (array && json_array_append_new(array, item))
			abort();
	}
	return true;
}

static bool read_array(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	size_t number = c->object_count, count;
	json_t *array = NULL;

	if (!begin_container(c, start, out) || !dp_marshal_take_count(c, &count, 1, "array"))
		return false;
	if (out) {
		if (!dp_marshal_spend(c, DP_MARSHAL_UNITS_ARRAY))
			return false;
		array = dp_marshal_made(json_array());
	}
	if (!fill_array(c, count, array)) {
		json_decref(array);
		return false;
	}
	finish_container(c, number, out);
	if (out)
		*out = array;
	return true;
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
	ok = take_bare_text(c, c->pos, out);
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
		return take_bare_text(c, c->pos, out) ? DP_MARSHAL_FOUND : DP_MARSHAL_FAILED;
	c->pos++;
	if (!dp_marshal_enter(c) || !take_bare_text(c, c->pos, out) ||
		!dp_marshal_skip_members(c, "value"))
		return DP_MARSHAL_FAILED;
	dp_marshal_leave(c);
	return DP_MARSHAL_FOUND;
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

static bool take_key(struct dp_marshal_cursor *c, struct dp_marshal_key *key)
{
	struct dp_slice text;
	json_t *json;

	*key = (struct dp_marshal_key){0};
	switch (dp_marshal_find_text(c, &text)) {
	case DP_MARSHAL_FAILED:
		return false;
	case DP_MARSHAL_FOUND:
		dp_marshal_key_from_text(key, text);
		break;
	case DP_MARSHAL_ABSENT:
		if (!dp_marshal_read(c, &json))
			return false;
		dp_marshal_key_from_json(key, json);
		json_decref(json);
		break;
	}
	if (dp_marshal_spend(c, 1 + key->text.len / DP_MARSHAL_TEXT_BYTES_PER_UNIT))
		return true;
	free(key->owned);
	return false;
}

static bool take_pair(struct dp_marshal_cursor *c, json_t *object)
{
	struct dp_marshal_key key;
	json_t *value;

	if (!take_key(c, &key))
		return false;
	if (!dp_marshal_read(c, &value)) {
		free(key.owned);
		return false;
	}
	if (json_object_setn_new_nocheck(object, key.text.data, key.text.len, value))
		abort();
	free(key.owned);
	return true;
}

static bool fill_object(struct dp_marshal_cursor *c, size_t count, json_t *object)
{
	for (size_t i = 0; i < count; i++) {
		if (object ? !take_pair(c, object)
			   : !dp_marshal_read(c, NULL) || !dp_marshal_read(c, NULL))
			return false;
	}
	if (object)
		c->notes.collisions += (unsigned)(count - json_object_size(object));
	return true;
}

static bool read_hash(struct dp_marshal_cursor *c, size_t start, bool has_default, json_t **out)
{
	size_t number = c->object_count, count;
	json_t *object = NULL;

	if (!begin_container(c, start, out) || !dp_marshal_take_count(c, &count, 2, "hash"))
		return false;
	if (out) {
		if (!dp_marshal_spend(c, DP_MARSHAL_UNITS_OBJECT))
			return false;
		object = dp_marshal_made(json_object());
	}
	if (!fill_object(c, count, object) || (has_default && !dp_marshal_read(c, NULL))) {
		json_decref(object);
		return false;
	}
	finish_container(c, number, out);
	if (out)
		*out = object;
	return true;
}

static bool read_constant(json_t **out, json_t *json)
{
	if (out)
		*out = json;
	return true;
}

bool dp_marshal_read_from(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	size_t at = c->pos;
	int tag;

	if (!dp_marshal_take_byte(c, &tag))
		return false;
	if (tag == 'I')
		return read_with_ivars(c, start == at ? c->pos : start, out);
	/* Skipping is free while it goes forward; but links may go back many times. */
	if ((out || c->linked) && !dp_marshal_spend(c, 1))
		return false;
	switch (tag) {
	case '0':
		return read_constant(out, json_null());
	case 'T':
		return read_constant(out, json_true());
	case 'F':
		return read_constant(out, json_false());
	case 'i':
		return read_fixnum(c, out);
	case 'l':
		return read_bignum(c, start, out);
	case 'f':
		return read_float(c, start, out);
	case '"':
	case ':':
	case ';':
		c->pos = at;
		return read_text(c, start, out);
	case '@':
		return read_link(c, out);
	case '[':
		return read_array(c, start, out);
	case '{':
	case '}':
		return read_hash(c, start, tag == '}', out);
	default:
		return read_object(c, start, tag, out);
	}
}

int dp_marshal_decode(json_t **out, const void *bytes, size_t len, struct dp_marshal_notes *notes,
	struct deploy_error *err)
{
	struct dp_marshal_cursor c;
	json_t *root = NULL;
	bool ok = dp_marshal_cursor_init(&c, bytes, len, err) && dp_marshal_read(&c, &root) &&
		  dp_marshal_take_end(&c);

	if (!ok) {
		json_decref(root);
		root = NULL;
	}
	*out = root;
	return dp_marshal_cursor_release(&c, ok, notes);
}
