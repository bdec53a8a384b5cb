/* JSON values of a Marshal document: see marshal_json.h. */
#include "wire/marshal_json.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "deploy/text.h"
#include "wire/marshal_number.h"

enum {
	BIGNUM_SQUARE_PER_UNIT = 1024, /* printing one takes the square of its bytes */
	MAX_KEY_BYTES = 1024 /* of a key that is printed; "..." takes the place of the rest */
};

/* Out of memory is the only way that jansson fails here, and ends the program. */
json_t *dp_marshal_made(json_t *json)
{
	assert(json);
	return json;
}

static bool give(json_t **out, json_t *json)
{
	*out = dp_marshal_made(json);
	return true;
}

/* {"$name": inner}; takes inner. */
static bool give_marked(struct dp_marshal_cursor *c, const char *name, json_t *inner, json_t **out)
{
	json_t *object;

	if (!dp_marshal_spend(c, DP_MARSHAL_UNITS_OBJECT)) {
		json_decref(inner);
		return false;
	}
	object = dp_marshal_made(json_object());
	if (json_object_set_new_nocheck(object, name, dp_marshal_made(inner)))
		abort();
	return give(out, object);
}

static bool give_bytes(struct dp_marshal_cursor *c, struct dp_slice bytes, json_t **out)
{
	struct dp_buf text;
	bool ok;

	dp_buf_init(&text, bytes.len * 2 + 4);
	dp_base64_encode(&text, bytes.data, bytes.len);
	ok = give_marked(c, "$bytes", json_stringn_nocheck(dp_buf_text(&text), text.len), out);
	dp_buf_release(&text);
	return ok;
}

bool dp_marshal_give_text(struct dp_marshal_cursor *c, struct dp_slice text, json_t **out)
{
	if (!dp_marshal_spend(c, text.len / DP_MARSHAL_TEXT_BYTES_PER_UNIT))
		return false;
	if (!deploy_text_is_utf8(text.data, text.len))
		return give_bytes(c, text, out);
	return give(out, json_stringn_nocheck(text.data, text.len));
}

bool dp_marshal_bignum_to_number(const struct dp_marshal_bignum *big, long long *out)
{
	unsigned long long magnitude = 0;

	if (big->magnitude.len > sizeof(magnitude))
		return false;
	for (size_t i = big->magnitude.len; i-- > 0;)
		magnitude = magnitude << 8 | (unsigned char)big->magnitude.data[i];
	if (magnitude > (unsigned long long)LLONG_MAX + (big->is_negative ? 1 : 0))
		return false;
	/* One less while it changes sides: 2^63 exists as a negative number only. */
	*out = big->is_negative && magnitude ? -(long long)(magnitude - 1) - 1
					     : (long long)magnitude;
	return true;
}

bool dp_marshal_give_bignum(
	struct dp_marshal_cursor *c, const struct dp_marshal_bignum *big, json_t **out)
{
	size_t len = big->magnitude.len;
	struct dp_buf text;
	long long number;
	bool ok;

	if (dp_marshal_bignum_to_number(big, &number))
		return give(out, json_integer(number));
	if (!dp_marshal_spend(c, len * len / BIGNUM_SQUARE_PER_UNIT))
		return false;
	dp_buf_init(&text, len * 3 + 2);
	dp_marshal_bignum_print(&text, big->is_negative, big->magnitude.data, len);
	ok = give_marked(c, "$int", json_string_nocheck(dp_buf_text(&text)), out);
	dp_buf_release(&text);
	return ok;
}

bool dp_marshal_give_float(struct dp_marshal_cursor *c, double number, json_t **out)
{
	const char *name = isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";

	if (isfinite(number))
		return give(out, json_real(number));
	return give_marked(c, "$float", json_string_nocheck(name), out);
}

bool dp_marshal_give_opaque(struct dp_marshal_cursor *c, struct dp_slice class, json_t **out)
{
	struct dp_marshal_key name;
	bool ok;

	if (!dp_marshal_spend(c, class.len / DP_MARSHAL_TEXT_BYTES_PER_UNIT))
		return false;
	dp_marshal_key_from_text(&name, class);
	ok = give_marked(c, "$ruby", json_stringn_nocheck(name.text.data, name.text.len), out);
	free(name.owned);
	return ok;
}

bool dp_marshal_give_cut(struct dp_marshal_cursor *c, size_t object, json_t **out)
{
	c->notes.cuts++;
	return give_marked(c, "$cut", json_integer((json_int_t)object), out);
}

static void set_printed(struct dp_marshal_key *key, char *take_text)
{
	key->owned = take_text;
	key->text = (struct dp_slice){take_text, strlen(take_text)};
}

/* Every byte but printable ASCII becomes \xNN. */
static char *escape(struct dp_slice name)
{
	struct dp_buf text;

	dp_buf_init(&text, name.len * 4);
	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.data[i];

		if (byte >= 0x20 && byte < 0x7f)
			dp_buf_add_byte(&text, byte);
		else
			dp_buf_addf(&text, "\\x%02x", byte);
	}
	return dp_buf_take(&text);
}

void dp_marshal_key_from_text(struct dp_marshal_key *key, struct dp_slice text)
{
	key->text = text;
	key->owned = NULL;
	if (!deploy_text_is_utf8(text.data, text.len))
		set_printed(key, escape(text));
}

/* Add what there is room for, in whole characters; -1 ends the printing. */
static int add_chunk(const char *text, size_t len, void *buf)
{
	struct dp_buf *printed = buf;
	size_t room = printed->limit - printed->len, n = len < room ? len : room;

	while (n < len && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	dp_buf_add(printed, text, n);
	return n < len ? -1 : 0;
}

/* Cut, because JSON within keys of JSON within keys doubles its backslashes every time. */
static char *print_json(const json_t *json)
{
	struct dp_buf printed;

	dp_buf_init(&printed, MAX_KEY_BYTES);
	if (json_dump_callback(json, add_chunk, &printed, JSON_ENCODE_ANY | JSON_COMPACT)) {
		printed.limit += 3;
		dp_buf_add_text(&printed, "...");
	}
	return dp_buf_take(&printed);
}

void dp_marshal_key_from_json(struct dp_marshal_key *key, const json_t *json)
{
	char number[DP_MARSHAL_FLOAT_TEXT];

	if (json_is_string(json)) {
		set_printed(key, dp_xstrdup(json_string_value(json)));
	} else if (json_is_real(json)) {
		dp_marshal_float_print(number, json_real_value(json));
		set_printed(key, dp_xasprintf("%s%s", number, strpbrk(number, ".e") ? "" : ".0"));
	} else {
		set_printed(key, print_json(json));
	}
}
