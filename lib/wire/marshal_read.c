/* Marshal to JSON: one pass by recursive descent; the table is in marshal.h. */
#include "wire/marshal_read.h"

#include <stdlib.h>

bool dp_marshal_read(struct dp_marshal_cursor *c, json_t **out)
{
	return dp_marshal_read_from(c, c->pos, out);
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

static bool read_text(struct dp_marshal_cursor *c, size_t start, json_t **out)
{
	struct dp_slice text;

	if (!dp_marshal_take_text(c, start, &text))
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
	if (!dp_marshal_take_text(c, start, &text) || !dp_marshal_skip_members(c, "value"))
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
		return dp_marshal_read_bignum(c, start, out);
	case 'f':
		return dp_marshal_read_float(c, start, out);
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
