/* A few entries out of a hash, without JSON for the others: dp_marshal_decode_fields. */
#include <string.h>

#include "wire/marshal_read.h"

static bool take_field(struct dp_marshal_cursor *c, struct dp_marshal_field *field)
{
	enum dp_marshal_found found;
	size_t at = c->pos;

	field->is_found = true;
	if (field->want == DP_MARSHAL_VALUE) {
		json_decref(field->value);
		field->value = NULL;
		return dp_marshal_read(c, &field->value);
	}
	found = field->want == DP_MARSHAL_TEXT ? dp_marshal_find_text(c, &field->text)
					       : dp_marshal_find_number(c, &field->number);
	if (found == DP_MARSHAL_ABSENT)
		return dp_marshal_fail(c, at, "%s is not %s", field->name,
			field->want == DP_MARSHAL_TEXT ? "text" : "a number of 64 bits");
	return found == DP_MARSHAL_FOUND;
}

static bool is_name(const char *name, struct dp_slice text)
{
	return text.len > 0 && name[0] == text.data[0] && strlen(name) == text.len &&
	       memcmp(name, text.data, text.len) == 0;
}

/* Take a key. *field: the one of that name, or NULL. */
static bool take_field_key(struct dp_marshal_cursor *c, struct dp_marshal_field *fields,
	size_t count, struct dp_marshal_field **field)
{
	struct dp_slice name;

	*field = NULL;
	switch (dp_marshal_find_text(c, &name)) {
	case DP_MARSHAL_FAILED:
		return false;
	case DP_MARSHAL_ABSENT:
		return dp_marshal_read(c, NULL);
	case DP_MARSHAL_FOUND:
		break;
	}
	for (size_t i = 0; i < count; i++)
		if (is_name(fields[i].name, name))
			*field = &fields[i];
	return true;
}

static bool take_fields(struct dp_marshal_cursor *c, struct dp_marshal_field *fields, size_t count)
{
	struct dp_marshal_field *field;
	size_t at = c->pos, pairs;
	int tag;

	if (!dp_marshal_take_byte(c, &tag))
		return false;
	if (tag != '{' && tag != '}')
		return dp_marshal_fail(c, at, "a hash is wanted here");
	if (!dp_marshal_enter(c) || !dp_marshal_add_object(c, at) ||
		!dp_marshal_take_count(c, &pairs, 2, "hash"))
		return false;
	dp_marshal_object_set_open(c, 0, true);
	for (size_t i = 0; i < pairs; i++) {
		if (!take_field_key(c, fields, count, &field))
			return false;
		if (field ? !take_field(c, field) : !dp_marshal_read(c, NULL))
			return false;
	}
	return tag == '{' || dp_marshal_read(c, NULL);
}

int dp_marshal_decode_fields(struct dp_marshal_field *fields, size_t count, const void *bytes,
	size_t len, struct dp_marshal_notes *notes, struct deploy_error *err)
{
	struct dp_marshal_cursor c;
	bool ok;

	for (size_t i = 0; i < count; i++) {
		fields[i].is_found = false;
		fields[i].value = NULL;
	}
	ok = dp_marshal_cursor_init(&c, bytes, len, err) && take_fields(&c, fields, count) &&
	     dp_marshal_take_end(&c);
	for (size_t i = 0; !ok && i < count; i++) {
		json_decref(fields[i].value);
		fields[i].value = NULL;
	}
	return dp_marshal_cursor_release(&c, ok, notes);
}
