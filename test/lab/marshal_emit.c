/*
 * Print seeded random JSON values and what our encoder makes of them: JSON, a tab, hex.
 * usage: marshal_emit [COUNT [SEED]] | ruby test/lab/marshal_roundtrip.rb
 * Links with libdeploy.a and jansson. Every second object has symbol keys on its outside.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/marshal.h"

/* xorshift64*: the same values on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static unsigned below(uint64_t *state, unsigned limit)
{
	return (unsigned)(next_random(state) >> 33) % limit;
}

static void add_utf8(struct dp_buf *text, unsigned cp)
{
	if (cp < 0x80) {
		dp_buf_add_byte(text, (int)cp);
		return;
	}
	if (cp < 0x800) {
		dp_buf_add_byte(text, (int)(0xc0 | cp >> 6));
	} else if (cp < 0x10000) {
		dp_buf_add_byte(text, (int)(0xe0 | cp >> 12));
		dp_buf_add_byte(text, (int)(0x80 | (cp >> 6 & 63)));
	} else {
		dp_buf_add_byte(text, (int)(0xf0 | cp >> 18));
		dp_buf_add_byte(text, (int)(0x80 | (cp >> 12 & 63)));
		dp_buf_add_byte(text, (int)(0x80 | (cp >> 6 & 63)));
	}
	dp_buf_add_byte(text, (int)(0x80 | (cp & 63)));
}

/* Lengths about the edges of a packed integer, too. */
static void random_text(uint64_t *state, struct dp_buf *text)
{
	static const unsigned lengths[] = {0, 1, 4, 8, 20, 122, 123, 255, 256, 300};
	static const unsigned limits[] = {0x80, 0x80, 0x800, 0xd800, 0x110000};
	unsigned len = lengths[below(state, below(state, 8) ? 5 : 10)];
	unsigned limit = limits[below(state, 5)];

	dp_buf_init(text, 4096);
	while (len-- > 0) {
		unsigned cp = 1 + below(state, limit - 1);

		add_utf8(text, cp >= 0xd800 && cp < 0xe000 ? 'x' : cp);
	}
}

static json_t *random_integer(uint64_t *state)
{
	int64_t edge = (int64_t)(UINT64_C(1) << below(state, 64));

	if (below(state, 2))
		return json_integer((json_int_t)(next_random(state) >> below(state, 64)));
	edge = below(state, 2) ? edge : (int64_t)(0 - (uint64_t)edge);
	return json_integer((json_int_t)((uint64_t)edge + below(state, 3) - 1));
}

static json_t *random_real(uint64_t *state)
{
	uint64_t bits = next_random(state);
	double value;

	switch (below(state, 3)) {
	case 0:
		return json_real((double)below(state, 100000) / 100);
	case 1:
		return json_real(ldexp(1, (int)below(state, 2098) - 1074));
	default:
		memcpy(&value, &bits, sizeof(value));
		return json_real(isfinite(value) ? value : -0.0);
	}
}

static json_t *random_string(uint64_t *state)
{
	struct dp_buf text;
	json_t *json;

	random_text(state, &text);
	json = json_stringn(dp_buf_text(&text), text.len);
	dp_buf_release(&text);
	return json;
}

static json_t *random_json(uint64_t *state, unsigned depth);

static json_t *random_object(uint64_t *state, unsigned depth)
{
	json_t *json = json_object();
	struct dp_buf key;

	for (unsigned count = below(state, 6); count > 0; count--) {
		random_text(state, &key);
		(void)json_object_set_new(json, dp_buf_text(&key), random_json(state, depth + 1));
		dp_buf_release(&key);
	}
	return json;
}

static json_t *random_json(uint64_t *state, unsigned depth)
{
	json_t *json;

	switch (below(state, depth < 6 ? 10 : 6)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(below(state, 2));
	case 2:
		return random_real(state);
	case 3:
	case 4:
		return random_integer(state);
	case 5:
		return random_string(state);
	case 6:
	case 7:
		json = json_array();
		for (unsigned count = below(state, 6); count > 0; count--)
			(void)json_array_append_new(json, random_json(state, depth + 1));
		return json;
	default:
		return random_object(state, depth);
	}
}

static void print_line(const json_t *json, enum dp_marshal_keys keys)
{
	struct deploy_error err = {0};
	struct dp_buf doc;

	dp_buf_init(&doc, 1 << 20);
	dp_marshal_begin(&doc);
	if (dp_marshal_put_json(&doc, json, keys, &err) || doc.overflow) {
		(void)fprintf(stderr, "marshal_emit: %s\n", err.text);
		exit(1);
	}
	(void)json_dumpf(json, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	(void)putchar('\t');
	for (size_t i = 0; i < doc.len; i++)
		(void)printf("%02x", (unsigned char)doc.data[i]);
	(void)putchar('\n');
	dp_buf_release(&doc);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 10000;
	uint64_t state = argc > 2 ? strtoull(argv[2], NULL, 10) : 2125;

	state = state ? state : 1; /* 0 stays 0 */
	for (long i = 0; i < count; i++) {
		json_t *json = random_json(&state, 0);

		print_line(json, i % 2 ? DP_MARSHAL_SYMBOL_KEYS : DP_MARSHAL_STRING_KEYS);
		json_decref(json);
	}
	return 0;
}
