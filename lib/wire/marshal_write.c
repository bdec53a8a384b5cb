/* JSON and single values to Marshal: the bytes that Ruby 3.1 writes, but for links and symlinks. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "wire/marshal.h"
#include "wire/marshal_number.h"

/* Beyond these Ruby writes a bignum, so that nodes of 32 bits can read it. */
#define MIN_FIXNUM (-(1LL << 30))
#define MAX_FIXNUM ((1LL << 30) - 1)

static void put_bytes_of(struct dp_buf *buf, unsigned long long value, int count)
{
	for (int i = 0; i < count; i++)
		dp_buf_add_byte(buf, (int)(value >> (8 * i) & 0xff));
}

/* Ruby's packed integer, of at most 32 bits with its sign. */
static void put_long(struct dp_buf *buf, long long value)
{
	long long rest = value;
	int n = 0;

	if (value == 0) {
		dp_buf_add_byte(buf, 0);
		return;
	}
	if (value >= -123 && value <= 122) {
		dp_buf_add_byte(buf, (int)((value > 0 ? value + 5 : value - 5) & 0xff));
		return;
	}
	for (; rest != 0 && rest != -1; rest >>= 8)
		n++;
	dp_buf_add_byte(buf, (value > 0 ? n : -n) & 0xff);
	put_bytes_of(buf, (unsigned long long)value, n);
}

/* The length of a string or container; more than Ruby can read counts as overflow. */
static bool put_length(struct dp_buf *buf, size_t len)
{
	if (len > INT32_MAX) {
		buf->overflow = true;
		return false;
	}
	put_long(buf, (long long)len);
	return true;
}

static void put_span(struct dp_buf *buf, const char *data, size_t len)
{
	if (put_length(buf, len))
		dp_buf_add(buf, data, len);
}

/* The instance variable that says UTF-8: one, :E, true. */
static void put_utf8(struct dp_buf *buf)
{
	dp_buf_add(buf,
		"\x06:\x06"
		"ET",
		5);
}

void dp_marshal_begin(struct dp_buf *buf)
{
	dp_buf_add(buf, "\x04\x08", 2);
}

void dp_marshal_put_nil(struct dp_buf *buf)
{
	dp_buf_add_byte(buf, '0');
}

void dp_marshal_put_bool(struct dp_buf *buf, bool value)
{
	dp_buf_add_byte(buf, value ? 'T' : 'F');
}

void dp_marshal_put_integer(struct dp_buf *buf, long long value)
{
	unsigned long long magnitude = (unsigned long long)value;
	int shorts = 0;

	if (value >= MIN_FIXNUM && value <= MAX_FIXNUM) {
		dp_buf_add_byte(buf, 'i');
		put_long(buf, value);
		return;
	}
	if (value < 0)
		magnitude = 0 - magnitude;
	while (shorts < 4 && magnitude >> (16 * shorts))
		shorts++;
	dp_buf_add_byte(buf, 'l');
	dp_buf_add_byte(buf, value < 0 ? '-' : '+');
	put_long(buf, shorts);
	put_bytes_of(buf, magnitude, 2 * shorts);
}

void dp_marshal_put_float(struct dp_buf *buf, double value)
{
	char text[DP_MARSHAL_FLOAT_TEXT];

	dp_marshal_float_print(text, value);
	dp_buf_add_byte(buf, 'f');
	put_span(buf, text, strlen(text));
}

static bool is_ascii(const char *text)
{
	while (*text && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

void dp_marshal_put_symbol(struct dp_buf *buf, const char *name)
{
	bool is_plain = is_ascii(name);

	if (!is_plain)
		dp_buf_add_byte(buf, 'I');
	dp_buf_add_byte(buf, ':');
	put_span(buf, name, strlen(name));
	if (!is_plain)
		put_utf8(buf);
}

void dp_marshal_put_text(struct dp_buf *buf, const char *text, size_t len)
{
	dp_buf_add(buf, "I\"", 2);
	put_span(buf, text, len);
	put_utf8(buf);
}

/* At most max digits of a number. */
static unsigned long digits_of(const char *text, size_t max, int base)
{
	char digits[8] = "";

	for (size_t i = 0; i < max && isxdigit((unsigned char)text[i]); i++)
		digits[i] = text[i];
	return strtoul(digits, NULL, base);
}

/* True if the escape at text, behind its backslash, names a character beyond ASCII or a property.
 */
static bool is_wide_escape(const char *text)
{
	unsigned long code = 0;

	if (*text == 'p' || *text == 'P')
		return true;
	if (*text == 'x')
		code = digits_of(text + 1, 2, 16);
	else if (*text == 'u')
		code = text[1] == '{' ? digits_of(text + 2, 6, 16) : digits_of(text + 1, 4, 16);
	else if (*text >= '1' && *text <= '3')
		code = digits_of(text, 3, 8);
	return code > 0x7f;
}

/* Ruby ties such an expression to UTF-8, and others to no encoding. */
static bool is_wide(const char *source)
{
	for (; *source; source++) {
		if ((unsigned char)*source > 0x7f)
			return true;
		if (*source != '\\')
			continue;
		if (is_wide_escape(source + 1))
			return true;
		if (source[1])
			source++;
	}
	return false;
}

void dp_marshal_put_regex(struct dp_buf *buf, const char *source, size_t len)
{
	enum { FIXED_ENCODING = 0x10 };
	bool wide = is_wide(source);

	dp_buf_add(buf, "I/", 2);
	put_span(buf, source, len);
	dp_buf_add_byte(buf, wide ? FIXED_ENCODING : 0);
	if (wide)
		put_utf8(buf);
	else
		dp_buf_add(buf,
			"\x06:\x06"
			"EF",
			5);
}

void dp_marshal_put_bytes(struct dp_buf *buf, const void *data, size_t len)
{
	dp_buf_add_byte(buf, '"');
	put_span(buf, data, len);
}

void dp_marshal_put_array(struct dp_buf *buf, size_t count)
{
	dp_buf_add_byte(buf, '[');
	(void)put_length(buf, count);
}

void dp_marshal_put_hash(struct dp_buf *buf, size_t count)
{
	dp_buf_add_byte(buf, '{');
	(void)put_length(buf, count);
}

static int put_value(struct dp_buf *buf, json_t *value, unsigned depth, enum dp_marshal_keys keys,
	struct deploy_error *err);

/* The reader's rule: containers count, and the wrapper that says a text is UTF-8. */
static int check_depth(unsigned depth, struct deploy_error *err)
{
	if (depth < DP_MARSHAL_MAX_DEPTH)
		return 0;
	return deploy_error_set(
		err, DEPLOY_INPUT, "a value is nested deeper than %d levels", DP_MARSHAL_MAX_DEPTH);
}

static int put_elements(
	struct dp_buf *buf, const json_t *array, unsigned depth, struct deploy_error *err)
{
	size_t count = json_array_size(array);
	int rc = 0;

	dp_marshal_put_array(buf, count);
	for (size_t i = 0; i < count && !rc; i++)
		rc = put_value(buf, json_array_get(array, i), depth, DP_MARSHAL_STRING_KEYS, err);
	return rc;
}

static int put_key(struct dp_buf *buf, const char *key, size_t len, unsigned depth,
	enum dp_marshal_keys keys, struct deploy_error *err)
{
	if (keys == DP_MARSHAL_SYMBOL_KEYS)
		dp_marshal_put_symbol(buf, key);
	else
		dp_marshal_put_text(buf, key, len);
	return check_depth(depth, err);
}

static int put_entries(struct dp_buf *buf, json_t *object, unsigned depth,
	enum dp_marshal_keys keys, struct deploy_error *err)
{
	const char *key;
	json_t *value;
	size_t len;
	int rc = 0;

	dp_marshal_put_hash(buf, json_object_size(object));
	json_object_keylen_foreach(object, key, len, value)
	{
		rc = put_key(buf, key, len, depth, keys, err);
		if (!rc)
			rc = put_value(buf, value, depth, DP_MARSHAL_STRING_KEYS, err);
		if (rc)
			break;
	}
	return rc;
}

/* depth: levels around the value. */
static int put_value(struct dp_buf *buf, json_t *value, unsigned depth, enum dp_marshal_keys keys,
	struct deploy_error *err)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return check_depth(depth, err) ? (int)err->code
					       : put_entries(buf, value, depth + 1, keys, err);
	case JSON_ARRAY:
		return check_depth(depth, err) ? (int)err->code
					       : put_elements(buf, value, depth + 1, err);
	case JSON_STRING:
		dp_marshal_put_text(buf, json_string_value(value), json_string_length(value));
		return check_depth(depth, err);
	case JSON_INTEGER:
		dp_marshal_put_integer(buf, json_integer_value(value));
		return 0;
	case JSON_REAL:
		dp_marshal_put_float(buf, json_real_value(value));
		return 0;
	case JSON_TRUE:
	case JSON_FALSE:
		dp_marshal_put_bool(buf, json_is_true(value));
		return 0;
	case JSON_NULL:
		break;
	}
	dp_marshal_put_nil(buf);
	return 0;
}

int dp_marshal_put_json(struct dp_buf *buf, const json_t *value, enum dp_marshal_keys keys,
	struct deploy_error *err)
{
	/* jansson's iterators want a value that is not const, but leave it as it is. */
	return put_value(buf, (json_t *)(uintptr_t)value, 0, keys, err);
}
