/*
 * Ruby Marshal. The documents of the two data files were made by Ruby. Every document is read from
 * a block of its exact size, so that AddressSanitizer sees a read behind its end.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wire/marshal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VECTORS	     "test/data/marshal_vectors.txt"
#define RUBY_VALUES  "test/data/marshal_ruby.txt"

static void add_hex(struct dp_buf *doc, const char *hex)
{
	unsigned byte;
	int n;

	while (*hex && *hex != '\n' && *hex != '\t') {
		assert_int_equal(sscanf(hex, " %2x%n", &byte, &n), 1);
		dp_buf_add_byte(doc, (int)byte);
		hex += n;
	}
}

static void begin(struct dp_buf *doc)
{
	dp_buf_init(doc, 64 << 20);
	dp_marshal_begin(doc);
}

static void begin_hex(struct dp_buf *doc, const char *hex)
{
	begin(doc);
	add_hex(doc, hex);
}

/* In blocks, because some tests want millions. */
static void add_times(struct dp_buf *doc, size_t count, const void *bytes, size_t len)
{
	struct dp_buf block;
	size_t n = 0;

	dp_buf_init(&block, 1 << 20);
	for (; n < count && (n == 0 || block.len < 4096); n++)
		dp_buf_add(&block, bytes, len);
	for (; n > 0 && count >= n; count -= n)
		dp_buf_add(doc, block.data, block.len);
	dp_buf_add(doc, block.data, count * len);
	dp_buf_release(&block);
}

/* A packed integer of four bytes, whatever its value. */
static void add_long(struct dp_buf *doc, size_t value)
{
	dp_buf_add_byte(doc, 4);
	for (int i = 0; i < 4; i++)
		dp_buf_add_byte(doc, (int)(value >> (8 * i) & 0xff));
}

/* Decode from a block of exactly len bytes. */
static json_t *decode_exact(
	const void *bytes, size_t len, struct dp_marshal_notes *notes, struct deploy_error *err)
{
	char *copy = malloc(len ? len : 1);
	json_t *json;
	int rc;

	memcpy(copy, bytes, len);
	rc = dp_marshal_decode(&json, copy, len, notes, err);
	free(copy);
	assert_int_equal(rc, err->code);
	assert_true(rc == 0 ? json != NULL : json == NULL && rc == DEPLOY_PROTOCOL);
	if (rc)
		assert_ptr_equal(strstr(err->text, "marshal: offset "), err->text);
	return json;
}

static json_t *decode_buf(const struct dp_buf *doc, struct dp_marshal_notes *notes)
{
	struct deploy_error err = {0};
	json_t *json = decode_exact(doc->data, doc->len, notes, &err);

	if (!json)
		fail_msg("%s", err.text);
	return json;
}

static void check_json(const char *what, json_t *json, const char *expected)
{
	json_t *want = json_loads(expected, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	char *got;

	assert_non_null(want);
	if (!json_equal(json, want)) {
		got = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
		fail_msg("%s: expected %s, got %s", what, expected, got);
	}
	json_decref(want);
}

static struct dp_marshal_notes check_hex(const char *hex, const char *expected)
{
	struct dp_marshal_notes notes;
	struct dp_buf doc;
	json_t *json;

	begin_hex(&doc, hex);
	json = decode_buf(&doc, &notes);
	check_json(hex, json, expected);
	json_decref(json);
	dp_buf_release(&doc);
	return notes;
}

static void check_error(const char *what, const struct dp_buf *doc, const char *expected)
{
	struct deploy_error err = {0};
	json_t *json = decode_exact(doc->data, doc->len, NULL, &err);

	if (json)
		fail_msg("%s: accepted", what);
	if (!strstr(err.text, expected))
		fail_msg("%s: expected \"%s\", got \"%s\"", what, expected, err.text);
}

static void check_hex_error(const char *hex, const char *expected)
{
	struct dp_buf doc;

	begin_hex(&doc, hex);
	check_error(hex, &doc, expected);
	dp_buf_release(&doc);
}

static void check_accepted(const struct dp_buf *doc)
{
	json_decref(decode_buf(doc, NULL));
}

static void only_versions_up_to_4_8_are_read(void **state)
{
	static const struct {
		const char *bytes;
		bool is_read;
	} samples[] = {{"\4\1"
			"0",
			       true},
		{"\4\10"
		 "0",
			true},
		{"\4\11"
		 "0",
			false},
		{"\3\10"
		 "0",
			false},
		{"\5\10"
		 "0",
			false}};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct deploy_error err = {0};
		json_t *json = decode_exact(samples[i].bytes, 3, NULL, &err);

		assert_int_equal(json != NULL, samples[i].is_read);
		json_decref(json);
	}
}

/* A line of a data file; see the heads of those files. */
struct sample {
	struct dp_buf doc;
	const char *json, *use;
};

/* Call check with every line; returns their number. */
static size_t each_sample(const char *path, void (*check)(const struct sample *sample))
{
	FILE *file = fopen(path, "r");
	char *line = NULL, *rest;
	size_t cap = 0, count = 0;

	assert_non_null(file);
	while (getline(&line, &cap, file) > 0) {
		struct sample sample;

		if (line[0] == '#')
			continue;
		dp_buf_init(&sample.doc, 1 << 20);
		add_hex(&sample.doc, line);
		sample.json = strtok_r(strchr(line, '\t'), "\t\n", &rest);
		sample.use = strtok_r(NULL, "\t\n", &rest);
		check(&sample);
		dp_buf_release(&sample.doc);
		count++;
	}
	free(line);
	(void)fclose(file);
	return count;
}

static void check_reading(const struct sample *sample)
{
	json_t *json = decode_buf(&sample->doc, NULL);

	check_json("value of Ruby", json, sample->json);
	json_decref(json);
}

static void every_vector_is_read(void **state)
{
	(void)state;
	assert_int_equal(each_sample(VECTORS, check_reading), 118);
}

static void values_of_ruby_become_the_json_that_ruby_makes(void **state)
{
	(void)state;
	assert_true(each_sample(RUBY_VALUES, check_reading) >= 400);
}

static void check_writing(const struct sample *sample)
{
	bool symbol_keys = strcmp(sample->use, "write-symbol-keys") == 0;
	struct deploy_error err = {0};
	struct dp_buf written;
	json_t *json;

	if (strcmp(sample->use, "read") == 0)
		return;
	json = json_loads(sample->json, JSON_DECODE_ANY, NULL);
	begin(&written);
	assert_int_equal(
		dp_marshal_put_json(&written, json,
			symbol_keys ? DP_MARSHAL_SYMBOL_KEYS : DP_MARSHAL_STRING_KEYS, &err),
		0);
	if (written.len != sample->doc.len ||
		memcmp(written.data, sample->doc.data, written.len) != 0)
		fail_msg("%s is written differently", sample->json);
	dp_buf_release(&written);
	json_decref(json);
}

static void vectors_without_links_are_written_as_ruby_writes_them(void **state)
{
	(void)state;
	(void)each_sample(VECTORS, check_writing);
}

/* Each entry of a hash, taken as a field, is what the whole document holds there. */
static void check_fields(const struct sample *sample)
{
	const struct dp_buf *doc = &sample->doc;
	struct dp_marshal_field fields[64] = {{0}};
	struct deploy_error err = {0};
	struct dp_marshal_notes notes;
	json_t *json = decode_buf(doc, &notes), *value;
	size_t count = 0;
	const char *key;

	/* Of keys that became the same text, a field takes those that were text before. */
	if ((doc->data[2] == '{' || doc->data[2] == '}') && !notes.collisions) {
		json_object_foreach(json, key, value)
		{
			if (count < COUNT(fields))
				fields[count++] = (struct dp_marshal_field){
					.name = key, .want = DP_MARSHAL_VALUE};
		}
		assert_int_equal(
			dp_marshal_decode_fields(fields, count, doc->data, doc->len, NULL, &err),
			0);
	}
	for (size_t i = 0; i < count; i++) {
		/* A key that is printed has no name that a field could give. */
		if (fields[i].is_found)
			assert_true(
				json_equal(fields[i].value, json_object_get(json, fields[i].name)));
		json_decref(fields[i].value);
	}
	json_decref(json);
}

static void fields_hold_what_the_whole_document_holds(void **state)
{
	(void)state;
	(void)each_sample(VECTORS, check_fields);
	(void)each_sample(RUBY_VALUES, check_fields);
}

static void check_truncations(const struct sample *sample)
{
	for (size_t len = 0; len < sample->doc.len; len++) {
		struct deploy_error err = {0};

		if (decode_exact(sample->doc.data, len, NULL, &err))
			fail_msg("%s: its first %zu bytes are accepted", sample->json, len);
	}
}

static void a_truncated_document_is_an_error(void **state)
{
	(void)state;
	(void)each_sample(VECTORS, check_truncations);
	(void)each_sample(RUBY_VALUES, check_truncations);
}

static void check_mutations(const struct sample *sample)
{
	for (size_t at = 0; at < sample->doc.len; at++) {
		char original = sample->doc.data[at];

		for (int byte = 0; byte < 256; byte++) {
			struct dp_marshal_field field = {.name = "body", .want = DP_MARSHAL_VALUE};
			struct deploy_error err = {0}, err2 = {0};

			sample->doc.data[at] = (char)byte;
			json_decref(decode_exact(sample->doc.data, sample->doc.len, NULL, &err));
			(void)dp_marshal_decode_fields(
				&field, 1, sample->doc.data, sample->doc.len, NULL, &err2);
			json_decref(field.value);
		}
		sample->doc.data[at] = original;
	}
}

/* A crash is what this is about; an error, or another value, is right. */
static void any_changed_byte_is_survived(void **state)
{
	(void)state;
	(void)each_sample(VECTORS, check_mutations);
}

static void malformed_documents_are_refused(void **state)
{
	static const struct {
		const char *hex, *error;
	} samples[] = {
		{"", "offset 2: the document ends"},
		{"7a", "offset 2: unknown type 0x7a"},
		{"00", "unknown type 0x00"},
		{"3030", "offset 3: 1 bytes follow"},
		{"5b06", "offset 3: array claims 1 entries, 0 bytes are left"},
		{"5bfa", "array claims -1 entries"},
		{"7bfa", "hash claims -1 entries"},
		{"7b07303030", "hash claims 2 entries, 3 bytes are left"},
		{"22022c01414141", "offset 3: string claims 300 bytes, 3 are left"},
		{"7b0830303030", "hash claims 3 entries, 4 bytes are left"},
		{"22fa", "string claims -1 bytes"},
		{"2204ffffff7f", "string claims 2147483647 bytes, 0 are left"},
		{"2204ffffffff", "string claims 4294967295 bytes"},
		{"3afa", "symbol claims -1 bytes"},
		{"3a06", "symbol claims 1 bytes, 0 are left"},
		{"4922066106", "claims 1 entries"},
		{"492206610630", "claims 1 entries"},
		{"49220661063030", "offset 7: a symbol is wanted here"},
		{"492206610649493a0645", "a symbol is wanted here"},
		{"49220661064930", "a symbol is wanted here"},
		{"4922066106493b0054", "a symbol is wanted here"},
		{"5b083a06613a0662"
		 "492206610630"
		 "0654",
			"a symbol is wanted here"},
		{"3b00", "offset 3: symbol 0 is wanted, 0 are known"},
		{"5b073a06613b06", "symbol 1 is wanted, 1 are known"},
		{"5b073a06614922066106"
		 "3b0654",
			"symbol 1 is wanted, 1 are known"},
		{"5b073a06613bfa", "symbol -1 is wanted"},
		{"5b063bfe0000", "symbol -65536 is wanted"},
		{"4000", "offset 3: object 0 is wanted, 0 are known"},
		{"5b064006", "object 1 is wanted, 1 are known"},
		{"5b0640fa", "object -1 is wanted"},
		{"5b074006"
		 "220661",
			"object 1 is wanted"}, /* forward */
		{"6c2a060100", "sign 0x2a of a bignum"},
		{"6c2bfa", "bignum claims -1 entries"},
		{"6c2b060100ff", "1 bytes follow"},
		{"6c2b07010000", "bignum claims 2 entries"},
		{"69", "the document ends inside a value"},
		{"6904ffffff", "the document ends inside a number"},
		{"69fcffffff", "the document ends inside a number"},
		{"6630", "float claims"},
		{"6600", "a float of 0 bytes is no number"},
		{"2f06610030", "1 bytes follow"},
		{"2f0661", "ends inside a value"},
		{"6f30", "a symbol is wanted here"},
		{"6f3a0650fa", "object claims -1 entries"},
		{"6f3a06500630", "claims 1 entries"},
		{"6f3a0650063000", "a symbol is wanted here"},
		{"533a0650fa", "object claims -1 entries"},
		{"753a0650fa", "user-defined object claims -1 bytes"},
		{"553a0650", "ends inside a value"},
		{"643a0650", "ends inside a value"},
		{"433a0650", "ends inside a value"},
		{"653a0650", "ends inside a value"},
		{"630a", "class name claims"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		check_hex_error(samples[i].hex, samples[i].error);
}

/* Values of one level around a value: what goes before it, what follows. */
static const struct level {
	const char *name, *before, *after;
	size_t before_len, after_len;
} levels[] = {
	{"array", "[\6", "", 2, 0},
	{"hash value", "{\6i\0", "", 4, 0},
	{"hash key", "{\6", "i\0", 2, 2},
	{"default of a hash", "}\0", "", 2, 0},
	{"value with instance variables", "I", "\0", 1, 1},
	{"extended", "e:\6P", "", 4, 0},
	{"user class", "C:\6P", "", 4, 0},
	{"marshal_dump", "U:\6P", "", 4, 0},
	{"data", "d:\6P", "", 4, 0},
	{"object", "o:\6P\6:\6x", "", 8, 0},
	{"struct", "S:\6P\6:\6x", "", 8, 0},
};

static void nest(struct dp_buf *doc, const struct level *level, size_t depth)
{
	begin(doc);
	add_times(doc, depth, level->before, level->before_len);
	dp_buf_add_byte(doc, '0');
	add_times(doc, depth, level->after, level->after_len);
}

static void nesting_is_limited_for_everything_that_nests(void **state)
{
	static const size_t too_deep[] = {DP_MARSHAL_MAX_DEPTH + 1, 10000, 100000};
	struct dp_buf doc;

	(void)state;
	for (size_t i = 0; i < COUNT(levels); i++) {
		nest(&doc, &levels[i], DP_MARSHAL_MAX_DEPTH);
		check_accepted(&doc);
		dp_buf_release(&doc);
		for (size_t k = 0; k < COUNT(too_deep); k++) {
			nest(&doc, &levels[i], too_deep[k]);
			/* 100,000 names are too many symbols: unreached, depth is first. */
			check_error(levels[i].name, &doc, "nested deeper than 128 levels");
			dp_buf_release(&doc);
		}
	}
}

static void nesting_is_limited_within_instance_variables(void **state)
{
	/* Each a symbol whose instance variable is named by the next one. */
	static const char symbol[] = "I:\6E\6", string[] = "I\"\0\6:\6x";
	struct dp_buf doc;

	(void)state;
	begin(&doc);
	add_times(&doc, 100000, symbol, sizeof(symbol) - 1);
	check_error("symbols", &doc, "nested deeper");
	dp_buf_release(&doc);
	begin(&doc);
	add_times(&doc, 100000, string, sizeof(string) - 1);
	check_error("strings", &doc, "nested deeper");
	dp_buf_release(&doc);
}

static void leaves_need_no_level(void **state)
{
	static const char *const leaves[] = {"[\0", "c\6P", "/\6a\0", "\"\0", ":\0", "u:\6P\0"};
	static const size_t sizes[] = {2, 3, 4, 2, 2, 5};
	struct dp_buf doc;

	(void)state;
	for (size_t i = 0; i < COUNT(leaves); i++) {
		begin(&doc);
		add_times(&doc, DP_MARSHAL_MAX_DEPTH - (leaves[i][0] == '[' ? 1 : 0), "[\6", 2);
		dp_buf_add(&doc, leaves[i], sizes[i]);
		check_accepted(&doc);
		dp_buf_release(&doc);
	}
}

static void begin_symbols(struct dp_buf *doc, size_t count)
{
	begin(doc);
	dp_buf_add_byte(doc, '[');
	add_long(doc, count);
	add_times(doc, count, ":\6a", 3);
}

static void symbols_are_limited(void **state)
{
	struct dp_buf doc;

	(void)state;
	begin_symbols(&doc, DP_MARSHAL_MAX_SYMBOLS);
	check_accepted(&doc);
	dp_buf_release(&doc);
	begin_symbols(&doc, DP_MARSHAL_MAX_SYMBOLS + 1);
	check_error("symbols", &doc, "more than 65536 symbols");
	dp_buf_release(&doc);
}

static void a_negative_symbol_is_refused_however_many_are_known(void **state)
{
	struct dp_buf doc;

	(void)state;
	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, 301);
	add_times(&doc, 300, ":\6a", 3);
	dp_buf_add(&doc, "I\"\6a\6;\200T", 8);
	check_error("instance variable", &doc, "symbol -123 is wanted, 300 are known");
	dp_buf_release(&doc);
}

/* A hash whose one value is an array of count strings, so that fields can skip them. */
static void begin_objects(struct dp_buf *doc, size_t count)
{
	begin(doc);
	dp_buf_add(doc, "{\6:\6a[", 6);
	add_long(doc, count);
	add_times(doc, count, "\"\0", 2);
}

static void objects_are_limited(void **state)
{
	struct deploy_error err = {0};
	struct dp_buf doc;

	(void)state;
	begin_objects(&doc, DP_MARSHAL_MAX_OBJECTS - 2);
	assert_int_equal(dp_marshal_decode_fields(NULL, 0, doc.data, doc.len, NULL, &err), 0);
	dp_buf_release(&doc);
	begin_objects(&doc, DP_MARSHAL_MAX_OBJECTS - 1);
	assert_int_equal(
		dp_marshal_decode_fields(NULL, 0, doc.data, doc.len, NULL, &err), DEPLOY_PROTOCOL);
	assert_non_null(strstr(err.text, "more than 4194304 objects"));
	dp_buf_release(&doc);
}

/* An array of values that cost one unit each, and of one other. */
static void begin_values(struct dp_buf *doc, size_t ones, const char *other, size_t len)
{
	begin(doc);
	dp_buf_add_byte(doc, '[');
	add_long(doc, ones + 1);
	add_times(doc, ones, "0", 1);
	dp_buf_add(doc, other, len);
}

/* Units as marshal.h counts them; the array itself takes two. */
static void values_are_limited_by_what_they_cost(void **state)
{
	static const struct {
		const char *value;
		size_t len, units;
	} samples[] = {{"\"\24aaaaaaaaaaaaaaa", 17, 1}, {"\"\25aaaaaaaaaaaaaaaa", 18, 2},
		{"I\"\6a\6:\6ET", 9, 1}, {"[\0", 2, 2}, {"{\6\"\0000", 5, 6}, {"\"\6\377", 3, 4},
		{"@\0", 2, 4}};
	struct dp_buf doc;

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		size_t ones = DP_MARSHAL_MAX_VALUES - 2 - samples[i].units;

		begin_values(&doc, ones, samples[i].value, samples[i].len);
		check_accepted(&doc);
		dp_buf_release(&doc);
		begin_values(&doc, ones + 1, samples[i].value, samples[i].len);
		check_error(samples[i].value, &doc, "more than 4194304 values");
		dp_buf_release(&doc);
	}
}

static void a_symbol_cannot_be_repeated_without_end(void **state)
{
	enum { LEN = 65536 };
	char *name = malloc(LEN);
	struct dp_buf doc;

	(void)state;
	memset(name, 'a', LEN);
	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, 1025);
	dp_buf_add_byte(&doc, ':');
	add_long(&doc, LEN);
	dp_buf_add(&doc, name, LEN);
	add_times(&doc, 1024, ";\0", 2);
	check_error("64 MiB out of 2 KiB", &doc, "more than 4194304 values");
	dp_buf_release(&doc);
	free(name);
}

static void begin_bignum(struct dp_buf *doc, size_t shorts)
{
	begin(doc);
	dp_buf_add(doc, "l-", 2);
	add_long(doc, shorts);
	add_times(doc, shorts, "\377\377", 2);
}

static void bignums_are_limited(void **state)
{
	struct dp_buf doc;
	json_t *json;

	(void)state;
	begin_bignum(&doc, DP_MARSHAL_MAX_BIGNUM_BYTES / 2);
	json = decode_buf(&doc, NULL);
	/* 2^32768 - 1 has 9,865 digits; one more for the sign. */
	assert_int_equal(json_string_length(json_object_get(json, "$int")), 9866);
	json_decref(json);
	dp_buf_release(&doc);
	begin_bignum(&doc, DP_MARSHAL_MAX_BIGNUM_BYTES / 2 + 1);
	check_error("bignum", &doc, "a bignum has 4098 bytes, at most 4096");
	dp_buf_release(&doc);
}

/* Printing takes the square of their size, so they cost more than their memory. */
static void bignums_cannot_take_much_time(void **state)
{
	enum { COUNT_MAX = 255 };
	struct dp_buf one, doc;

	(void)state;
	begin_bignum(&one, DP_MARSHAL_MAX_BIGNUM_BYTES / 2);
	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, COUNT_MAX + 1);
	add_times(&doc, COUNT_MAX + 1, one.data + 2, one.len - 2);
	check_error("bignums", &doc, "more than 4194304 values");
	dp_buf_release(&doc);
	dp_buf_release(&one);
}

static void integers_of_64_bits_are_numbers_and_larger_ones_text(void **state)
{
	static const struct {
		const char *hex, *json;
	} samples[] = {
		{"6c2b00", "0"},
		{"6c2d00", "0"},
		{"6c2d060000", "0"},
		{"6c2b0a00000000000000000000", "0"},
		{"6c2b06ff00", "255"},
		{"6c2b09ffffffffffffff7f", "9223372036854775807"},
		{"6c2b0affffffffffffff7f0000", "9223372036854775807"},
		{"6c2b090000000000000080", "{\"$int\":\"9223372036854775808\"}"},
		{"6c2d090000000000000080", "-9223372036854775808"},
		{"6c2d090100000000000080", "{\"$int\":\"-9223372036854775809\"}"},
		{"6c2b09ffffffffffffffff", "{\"$int\":\"18446744073709551615\"}"},
		{"6c2b090000e8890423c78a", "{\"$int\":\"10000000000000000000\"}"},
		{"6905", "0"},
		{"69fb", "0"},
		{"6904ffffffff", "4294967295"},
		{"69fc00000000", "-4294967296"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		(void)check_hex(samples[i].hex, samples[i].json);
}

static void floats_are_strictly_decimal(void **state)
{
	static const char *const wrong[] = {"", "-", ".5", "5.", "1e", "1e+", "+1", " 1", "1 ",
		"0x10", "infinity", "NAN", "Inf", "--1", "1,5", "1.5.5", "1e5.5", "1_000", "abc"};
	static const struct {
		const char *text, *json;
	} right[] = {{"0", "0.0"}, {"-0", "-0.0"}, {"007", "7.0"}, {"1E+2", "100.0"},
		{"1.10000000000000009", "1.1"}, {"4.9e-324", "5e-324"}, {"1e-400", "0.0"},
		{"1e400", "{\"$float\":\"inf\"}"}, {"-1e400", "{\"$float\":\"-inf\"}"}};
	struct dp_buf doc;
	json_t *json;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		begin(&doc);
		dp_buf_addf(&doc, "f%c%s", (int)strlen(wrong[i]) + 5, wrong[i]);
		if (!wrong[i][0])
			doc.data[doc.len - 1] = '\0';
		check_error(wrong[i], &doc, "is no number");
		dp_buf_release(&doc);
	}
	for (size_t i = 0; i < COUNT(right); i++) {
		begin(&doc);
		dp_buf_addf(&doc, "f%c%s", (int)strlen(right[i].text) + 5, right[i].text);
		json = decode_buf(&doc, NULL);
		check_json(right[i].text, json, right[i].json);
		json_decref(json);
		dp_buf_release(&doc);
	}
	/* What Ruby 1.8 put behind a NUL, and a NUL alone. */
	check_hex_error("660a312e3100cccd", "is no number");
	check_hex_error("66073100", "is no number");
}

static void the_text_of_a_float_is_limited(void **state)
{
	struct dp_buf doc;

	(void)state;
	begin(&doc);
	dp_buf_addf(&doc, "f%c%064d", 64 + 5, 7);
	check_accepted(&doc);
	dp_buf_release(&doc);
	begin(&doc);
	dp_buf_addf(&doc, "f%c%065d", 65 + 5, 7);
	check_error("65 digits", &doc, "a float of 65 bytes is no number");
	dp_buf_release(&doc);
}

static bool set_locale_with_comma(void)
{
	static const char *const names[] = {
		"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "es_ES.UTF-8", "ru_RU.UTF-8"};

	for (size_t i = 0; i < COUNT(names); i++)
		if (setlocale(LC_NUMERIC, names[i]) && localeconv()->decimal_point[0] == ',')
			return true;
	return false;
}

static void the_locale_does_not_change_floats(void **state)
{
	struct dp_buf doc;

	(void)state;
	if (!set_locale_with_comma())
		skip();
	(void)check_hex("6608312e35", "1.5");
	check_hex_error("6608312c35", "is no number");
	begin(&doc);
	dp_marshal_put_float(&doc, 0.25);
	assert_memory_equal(doc.data, "\4\10f\0110.25", 8);
	dp_buf_release(&doc);
	(void)setlocale(LC_NUMERIC, "C");
}

static void links_are_expanded_and_cycles_are_cut(void **state)
{
	static const struct {
		const char *hex, *json;
		unsigned cuts;
	} samples[] = {
		{"5b07653a064d49220661004006", "[{\"$ruby\":\"M\"},{\"$ruby\":\"M\"}]", 0},
		/* to the array around it, to the hash around it, over two levels */
		{"5b064000", "[{\"$cut\":0}]", 1},
		{"7b063a06614000", "{\"a\":{\"$cut\":0}}", 1},
		{"5b065b065b064006", "[[[{\"$cut\":1}]]]", 1},
		/* a cycle that is closed, then named again */
		{"5b075b0640064006", "[[{\"$cut\":1}],[{\"$cut\":1}]]", 2},
		/* a = [b], b = [a]; [a, b] */
		{"5b075b065b0640064007", "[[[{\"$cut\":1}]],[[[{\"$cut\":1}]]]]", 2},
		/* twice the same is no cycle, nor within another link */
		{"5b085b0040064006", "[[],[],[]]", 0},
		{"5b085b065b0040064007", "[[[]],[[]],[]]", 0},
		/* wrappers are found through a link: extended, user class, both in "I" */
		{"5b07653a06502206614006", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"}]", 0},
		{"5b0749653a0650220661004006", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"}]", 0},
		{"5b07653a0651433a06502206614006", "[{\"$ruby\":\"Q\"},{\"$ruby\":\"Q\"}]", 0},
		{"5b07433a06505b062206614006", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"}]", 0},
		/* what is inside an object can be named, too */
		{"5b07433a06505b062206614007", "[{\"$ruby\":\"P\"},\"a\"]", 0},
		{"5b076f3a0650063a06782206614007", "[{\"$ruby\":\"P\"},\"a\"]", 0},
		{"5b076f3a0650063a06782206614006", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"}]", 0},
		/* an object that holds itself */
		{"5b066f3a0650063a06784006", "[{\"$ruby\":\"P\"}]", 0},
		/* numbers: data before its value, the default of a hash, a symbol's encoding */
		{"5b08643a065022066140064007", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"},\"a\"]", 0},
		{"5b077d002206614007", "[{},\"a\"]", 0},
		{"5b07493a06e9063a0d656e636f64696e672206784006", "[{\"$bytes\":\"6Q==\"},\"x\"]",
			0},
		/* the class name of U with an encoding comes before U, that of o after o */
		{"5b0755493a0650063a0645220678304006", "[{\"$ruby\":\"P\"},\"x\"]", 0},
		{"5b076f493a0650063a0645220678004007", "[{\"$ruby\":\"P\"},\"x\"]", 0},
		{"5b0755493a0650063a0645220678304007", "[{\"$ruby\":\"P\"},{\"$ruby\":\"P\"}]", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_int_equal(check_hex(samples[i].hex, samples[i].json).cuts, samples[i].cuts);
}

static size_t count_values(const json_t *json)
{
	size_t count = 1;
	json_t *value;
	size_t i;
	void *iter;

	json_array_foreach(json, i, value) count += count_values(value);
	for (iter = json_object_iter((json_t *)(uintptr_t)json); iter;
		iter = json_object_iter_next((json_t *)(uintptr_t)json, iter))
		count += count_values(json_object_iter_value(iter));
	return count;
}

/* Ten times ten times ten ... of the same array. */
static void a_billion_laughs_are_cut(void **state)
{
	struct dp_marshal_notes notes;
	struct dp_buf doc;
	json_t *json;

	(void)state;
	begin(&doc);
	dp_buf_add(&doc, "[\17[\0170000000000", 14);
	for (char level = 1; level < 10; level++) {
		char link[2] = {'@', (char)(level + 5)};

		dp_buf_add(&doc, "[\17", 2);
		add_times(&doc, 10, link, 2);
	}
	json = decode_buf(&doc, &notes);
	assert_true(notes.cuts > 0);
	assert_true(count_values(json) < 65536 + 17 * doc.len);
	json_decref(json);
	dp_buf_release(&doc);
}

static void a_long_text_is_not_repeated_without_end(void **state)
{
	enum { LEN = 65536, LINKS = 10000 };
	struct dp_marshal_notes notes;
	struct dp_buf doc;
	json_t *json;

	(void)state;
	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, LINKS + 1);
	dp_buf_add_byte(&doc, '"');
	add_long(&doc, LEN);
	add_times(&doc, LEN, "a", 1);
	add_times(&doc, LINKS, "@\6", 2);
	json = decode_buf(&doc, &notes);
	assert_int_equal(json_array_size(json), LINKS + 1);
	/* 16 bytes of text for each of 65,536 units and of 16 for each byte. */
	assert_int_equal(LINKS - notes.cuts, (65536 + 16 * doc.len) / (1 + LEN / 16));
	json_decref(json);
	dp_buf_release(&doc);
}

/* Objects make no values, but to skip them again and again takes time. */
static void check_skipping(const char *value, size_t len)
{
	enum { VALUES = 10000, LINKS = 10000 };
	struct dp_marshal_notes notes;
	struct dp_buf doc;

	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, LINKS + 1);
	dp_buf_add(&doc, "[\6o:\6P\6:\6x[", 11);
	add_long(&doc, VALUES);
	add_times(&doc, VALUES, value, len);
	add_times(&doc, LINKS, "@\6", 2);
	json_decref(decode_buf(&doc, &notes));
	assert_in_range(notes.cuts, LINKS - 200, LINKS - 1);
	dp_buf_release(&doc);
}

static void objects_are_not_skipped_without_end(void **state)
{
	(void)state;
	check_skipping("0", 1);
	check_skipping("I\"\0\0", 4);
}

/* How many of LINKS links to 1,000 strings, each with the one member, are cut. */
static unsigned cuts_of_strings(const char *member, size_t len)
{
	enum { LINKS = 200 };
	struct dp_marshal_notes notes;
	struct dp_buf strings, doc;

	dp_buf_init(&strings, 64);
	dp_buf_add(&strings, "I\"\6a", 4);
	dp_buf_add(&strings, member, len);
	begin(&doc);
	dp_buf_add(&doc, "[\2\313\0:\6A:\6E[\2\350\3", 14);
	add_times(&doc, 1000, strings.data, strings.len);
	add_times(&doc, LINKS, "@\6", 2);
	dp_buf_release(&strings);
	json_decref(decode_buf(&doc, &notes));
	dp_buf_release(&doc);
	return notes.cuts;
}

/* The reader has a short way over the first, not over the second. */
static void the_usual_encoding_costs_what_any_other_member_costs(void **state)
{
	unsigned cuts = cuts_of_strings("\6;\6T", 4);

	(void)state;
	assert_in_range(cuts, 1, 199);
	assert_int_equal(cuts_of_strings("\6;\0060", 4), cuts);
}

static size_t depth_of(const json_t *json)
{
	size_t depth = 0, i;
	json_t *value;

	json_array_foreach(json, i, value)
	{
		size_t inner = depth_of(value);

		depth = inner > depth ? inner : depth;
	}
	return depth + (json_is_array(json) ? 1 : 0);
}

/* Each array holds a link to the one before it. */
static void links_that_nest_too_deep_are_cut(void **state)
{
	struct dp_marshal_notes notes;
	struct dp_buf doc;
	json_t *json;

	(void)state;
	begin(&doc);
	dp_buf_add_byte(&doc, '[');
	add_long(&doc, 200);
	dp_buf_add(&doc, "[\0", 2);
	for (size_t i = 1; i < 200; i++) {
		dp_buf_add(&doc, "[\6@", 3);
		add_long(&doc, i);
	}
	json = decode_buf(&doc, &notes);
	/* The array with number n is n + 1 deep with the root. */
	assert_int_equal(depth_of(json), DP_MARSHAL_MAX_DEPTH);
	check_json("first that is cut", json_array_get(json, 127), "[{\"$cut\":127}]");
	assert_true(notes.cuts > 0);
	json_decref(json);
	dp_buf_release(&doc);
}

static void keys_that_are_no_text_are_printed(void **state)
{
	static const struct {
		const char *hex, *json;
		unsigned collisions;
	} samples[] = {
		{"7b06306906", "{\"null\":1}", 0},
		{"7b06546906", "{\"true\":1}", 0},
		{"7b066902393030", "{\"12345\":null}", 0},
		{"7b0666063130", "{\"1.0\":null}", 0},
		{"7b066608302e3130", "{\"0.1\":null}", 0},
		{"7b06660a316531303030", "{\"1e100\":null}", 0},
		{"7b066608696e6630", "{\"{\\\"$float\\\":\\\"inf\\\"}\":null}", 0},
		{"7b066c2b0a0000000000000000010030",
			"{\"{\\\"$int\\\":\\\"18446744073709551616\\\"}\":null}", 0},
		{"7b065b0769063030", "{\"[1,null]\":null}", 0},
		{"7b067b063a0661690630", "{\"{\\\"a\\\":1}\":null}", 0},
		{"7b066f3a06500030", "{\"{\\\"$ruby\\\":\\\"P\\\"}\":null}", 0},
		{"7b062206e930", "{\"\\\\xe9\":null}", 0},
		{"7b0622096100c3a930", "{\"a\\\\x00\\\\xc3\\\\xa9\":null}", 0},
		{"7b06493a06e9063a06455430", "{\"\\\\xe9\":null}", 0},
		{"7b06400030", "{\"{\\\"$cut\\\":0}\":null}", 0},
		/* a string within two wrappers is a string */
		{"7b064949220661000030", "{\"a\":null}", 0},
		/* links to a string, to bytes, to an array, to a bignum of 64 bits */
		{"5b072206617b06400630", "[\"a\",{\"a\":null}]", 0},
		{"5b072206e97b06400630", "[{\"$bytes\":\"6Q==\"},{\"\\\\xe9\":null}]", 0},
		{"5b075b007b06400630", "[[],{\"[]\":null}]", 0},
		{"5b076c2b0601007b06400630", "[1,{\"1\":null}]", 0},
		/* the same key twice, or what becomes the same; the last one wins */
		{"7b073a06613022066154", "{\"a\":true}", 1},
		{"7b072206613022066154", "{\"a\":true}", 1},
		{"7b08690630220631543a063146", "{\"1\":false}", 2},
		/* expanded again, they collide again */
		{"5b077b073a0661303a0661544006", "[{\"a\":true},{\"a\":true}]", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_int_equal(check_hex(samples[i].hex, samples[i].json).collisions,
			samples[i].collisions);
}

/* A key of JSON within a key of JSON: each level doubles the backslashes of the one inside. */
static void printed_keys_do_not_grow_with_their_depth(void **state)
{
	struct dp_buf doc;
	json_t *json;
	const char *key;

	(void)state;
	begin(&doc);
	add_times(&doc, 100, "{\6", 2);
	dp_buf_add(&doc, "\"\6a0", 4);
	add_times(&doc, 99, "0", 1);
	json = decode_buf(&doc, NULL);
	key = json_object_iter_key(json_object_iter(json));
	assert_in_range(strlen(key), 100, 1027);
	assert_string_equal(key + strlen(key) - 3, "...");
	json_decref(json);
	dp_buf_release(&doc);
}

static void class_names_that_are_no_text_are_printed(void **state)
{
	(void)state;
	(void)check_hex("6f3a07c3a900", "{\"$ruby\":\"é\"}");
	(void)check_hex("6f3a07c34100", "{\"$ruby\":\"\\\\xc3A\"}");
	(void)check_hex("4d0650", "{\"$ruby\":\"Module\"}");
}

static int decode_fields(struct dp_marshal_field *fields, size_t count, const char *hex,
	struct dp_buf *doc, struct deploy_error *err)
{
	*err = (struct deploy_error){0};
	begin_hex(doc, hex);
	return dp_marshal_decode_fields(fields, count, doc->data, doc->len, NULL, err);
}

static void check_text_field(const char *hex, const char *expected)
{
	struct dp_marshal_field field = {.name = "body", .want = DP_MARSHAL_TEXT};
	struct deploy_error err;
	struct dp_buf doc;

	if (decode_fields(&field, 1, hex, &doc, &err))
		fail_msg("%s: %s", hex, err.text);
	assert_true(field.is_found);
	assert_int_equal(field.text.len, strlen(expected));
	assert_memory_equal(field.text.data, expected, field.text.len);
	assert_in_range(field.text.data - doc.data, 0, (int)(doc.len - field.text.len));
	dp_buf_release(&doc);
}

static void text_fields_point_into_the_document(void **state)
{
	(void)state;
	check_text_field("7b063a09626f647922077879", "xy"); /* :body => binary */
	check_text_field("7b062209626f64793a077879", "xy"); /* "body" => symbol */
	check_text_field("7b06492209626f6479063a0645544922077879063b0054", "xy"); /* both UTF-8 */
	check_text_field("7d063a09626f64792207787930", "xy");		      /* with a default */
	check_text_field("7b073a0661220778793a09626f64794006", "xy");	      /* a link */
	check_text_field("7b073a06614922077879003a09626f64794006", "xy");     /* to I" */
	check_text_field("7b073a077879303a09626f64793b00", "xy");	      /* a symlink */
	check_text_field("7b073a06612209626f6479400622077879", "xy");	      /* the key a link */
	check_text_field("7b083a09626f64792206786906302209626f64792200", ""); /* last of two */
}

static void a_field_of_another_type_is_an_error(void **state)
{
	static const struct {
		const char *hex, *error;
		enum dp_marshal_want want;
	} samples[] = {
		{"7b063a06616906", "offset 7: a is not text", DP_MARSHAL_TEXT},
		{"7b063a066130", "a is not text", DP_MARSHAL_TEXT},
		{"7b063a06614000", "a is not text", DP_MARSHAL_TEXT},
		{"7b063a0661433a0650220678", "a is not text", DP_MARSHAL_TEXT},
		{"7b063a0661220678", "a is not a number of 64 bits", DP_MARSHAL_INTEGER},
		{"7b063a0661660631", "a is not a number", DP_MARSHAL_INTEGER},
		{"7b063a06614000", "a is not a number", DP_MARSHAL_INTEGER},
		{"7b063a06616c2b090000000000000080", "a is not a number", DP_MARSHAL_INTEGER},
		{"7b073a06626c2b0900000000000000803a06614006", "a is not a number",
			DP_MARSHAL_INTEGER},
		{"7b063a0661", "the document ends", DP_MARSHAL_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct dp_marshal_field field = {.name = "a", .want = samples[i].want};
		struct deploy_error err;
		struct dp_buf doc;

		assert_int_equal(
			decode_fields(&field, 1, samples[i].hex, &doc, &err), DEPLOY_PROTOCOL);
		if (!strstr(err.text, samples[i].error))
			fail_msg("%s: %s", samples[i].hex, err.text);
		assert_null(field.value);
		dp_buf_release(&doc);
	}
}

static void number_fields_are_read_from_every_form(void **state)
{
	static const struct {
		const char *hex;
		long long number;
	} samples[] = {
		{"7b063a066169fa", -1},
		{"7b063a06616c2b07dd03016b", 1795228637},
		{"7b063a06616c2d090000000000000080", INT64_MIN},
		{"7b073a06626c2b07dd03016b3a06614006", 1795228637},
		{"7b073a0661692a3a06616900", 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct dp_marshal_field field = {.name = "a", .want = DP_MARSHAL_INTEGER};
		struct deploy_error err;
		struct dp_buf doc;

		assert_int_equal(decode_fields(&field, 1, samples[i].hex, &doc, &err), 0);
		assert_true(field.is_found && field.number == samples[i].number);
		dp_buf_release(&doc);
	}
}

static void value_fields_are_expanded_and_cut(void **state)
{
	static const struct {
		const char *hex, *json;
	} samples[] = {
		{"7b063a066130", "null"}, {"7b063a06614000", "{\"$cut\":0}"},
		{"7b073a06625b0669063a06614006", "[1]"},
		{"7b073a06616f3a0650003a06616906", "1"}, /* the last of two */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct dp_marshal_field field = {.name = "a", .want = DP_MARSHAL_VALUE};
		struct deploy_error err;
		struct dp_buf doc;

		assert_int_equal(decode_fields(&field, 1, samples[i].hex, &doc, &err), 0);
		check_json(samples[i].hex, field.value, samples[i].json);
		json_decref(field.value);
		dp_buf_release(&doc);
	}
}

static void missing_fields_are_not_found(void **state)
{
	struct dp_marshal_field fields[] = {{.name = "a", .want = DP_MARSHAL_TEXT},
		{.name = "", .want = DP_MARSHAL_TEXT}, {.name = "ab", .want = DP_MARSHAL_VALUE}};
	struct deploy_error err;
	struct dp_buf doc;

	(void)state;
	/* nil, "a\0", "" and "abc" are other keys. */
	assert_int_equal(
		decode_fields(fields, 3, "7b0930302207610030220030220861626330", &doc, &err), 0);
	for (size_t i = 0; i < COUNT(fields); i++)
		assert_false(fields[i].is_found);
	dp_buf_release(&doc);
}

static void fields_are_taken_from_a_hash_only(void **state)
{
	static const char *const others[] = {"30", "5b00", "4000", "497b0000", "2200", "7b0030"};
	struct deploy_error err;
	struct dp_buf doc;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(decode_fields(NULL, 0, others[i], &doc, &err), DEPLOY_PROTOCOL);
		dp_buf_release(&doc);
	}
}

static void values_are_freed_when_a_later_field_fails(void **state)
{
	struct dp_marshal_field fields[] = {
		{.name = "a", .want = DP_MARSHAL_VALUE}, {.name = "b", .want = DP_MARSHAL_TEXT}};
	struct deploy_error err;
	struct dp_buf doc;

	(void)state;
	assert_int_equal(decode_fields(fields, 2, "7b073a06615b0669063a066230", &doc, &err),
		DEPLOY_PROTOCOL);
	assert_null(fields[0].value);
	dp_buf_release(&doc);
}

static void fields_report_what_could_not_be_expressed(void **state)
{
	struct dp_marshal_field field = {.name = "a", .want = DP_MARSHAL_VALUE};
	struct deploy_error err = {0};
	struct dp_marshal_notes notes;
	struct dp_buf doc;

	(void)state;
	begin_hex(&doc, "7b063a06617b076906302206314000");
	assert_int_equal(dp_marshal_decode_fields(&field, 1, doc.data, doc.len, &notes, &err), 0);
	assert_int_equal(notes.collisions, 1);
	assert_int_equal(notes.cuts, 1);
	json_decref(field.value);
	dp_buf_release(&doc);
}

static void check_written(const struct dp_buf *written, const char *hex)
{
	struct dp_buf doc;

	begin_hex(&doc, hex);
	assert_int_equal(written->len, doc.len);
	assert_memory_equal(written->data, doc.data, doc.len);
	dp_buf_release(&doc);
}

static void single_values_are_written_as_ruby_writes_them(void **state)
{
	struct dp_buf doc;

	(void)state;
	begin(&doc);
	dp_marshal_put_array(&doc, 9);
	dp_marshal_put_nil(&doc);
	dp_marshal_put_bool(&doc, true);
	dp_marshal_put_bool(&doc, false);
	dp_marshal_put_symbol(&doc, "a");
	dp_marshal_put_symbol(&doc, "é");
	dp_marshal_put_text(&doc, "a\0b", 3);
	dp_marshal_put_bytes(&doc, "\xff", 1);
	dp_marshal_put_hash(&doc, 1);
	dp_marshal_put_integer(&doc, INT64_MAX);
	dp_marshal_put_integer(&doc, INT64_MIN);
	dp_marshal_put_array(&doc, 300);
	check_written(&doc, "5b0e3054463a0661493a07c3a9063a064554492208610062063a064554"
			    "2206ff7b066c2b09ffffffffffffff7f6c2d0900000000000000805b022c01");
	dp_buf_release(&doc);
}

static void floats_are_written_as_ruby_writes_them(void **state)
{
	static const struct {
		double value;
		const char *text;
	} samples[] = {{0.001, "0.001"}, {0.0001, "0.0001"}, {0.00001, "1e-5"},
		{-1.5e-7, "-1.5e-7"}, {123456789.0, "123456789"}, {1230.0, "1.23e3"}, {10.0, "1e1"},
		{0.1 + 0.2, "0.30000000000000004"}, {5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e308"}, {-12.5, "-12.5"}, {NAN, "nan"},
		{-INFINITY, "-inf"}, {-0.0, "-0"}, {0x1p-44, "5.684341886080802e-14"},
		{9.5, "9.5"}};
	struct dp_buf doc;

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		dp_buf_init(&doc, 64);
		dp_marshal_put_float(&doc, samples[i].value);
		assert_int_equal(doc.len, 2 + strlen(samples[i].text));
		assert_string_equal(doc.data + 2, samples[i].text);
		dp_buf_release(&doc);
	}
}

static void only_the_outermost_object_gets_symbol_keys(void **state)
{
	struct deploy_error err = {0};
	json_t *json = json_pack("{s:{s:n}}", "a", "b");
	struct dp_buf doc;

	(void)state;
	begin(&doc);
	assert_int_equal(dp_marshal_put_json(&doc, json, DP_MARSHAL_SYMBOL_KEYS, &err), 0);
	check_written(&doc, "7b063a06617b0649220662063a06455430");
	dp_buf_release(&doc);
	json_decref(json);
}

/* depth arrays, or objects with a key, around inner; takes inner. */
static json_t *wrapped(bool in_objects, size_t depth, json_t *inner)
{
	while (depth-- > 0)
		inner = in_objects ? json_pack("{s:o}", "k", inner) : json_pack("[o]", inner);
	return inner;
}

static int put_and_read(json_t *take_json)
{
	struct deploy_error err = {0};
	struct dp_buf doc;
	json_t *back;
	int rc;

	begin(&doc);
	rc = dp_marshal_put_json(&doc, take_json, DP_MARSHAL_STRING_KEYS, &err);
	if (rc == 0) {
		back = decode_buf(&doc, NULL);
		assert_true(json_equal(back, take_json));
		json_decref(back);
	}
	dp_buf_release(&doc);
	json_decref(take_json);
	return rc;
}

static void what_is_written_is_never_too_deep_to_be_read(void **state)
{
	(void)state;
	assert_int_equal(put_and_read(wrapped(false, 128, json_null())), 0);
	assert_int_equal(put_and_read(wrapped(false, 129, json_null())), DEPLOY_INPUT);
	assert_int_equal(put_and_read(wrapped(false, 127, json_string("a"))), 0);
	assert_int_equal(put_and_read(wrapped(false, 128, json_string("a"))), DEPLOY_INPUT);
	assert_int_equal(put_and_read(wrapped(true, 127, json_object())), 0);
	assert_int_equal(put_and_read(wrapped(true, 128, json_null())), DEPLOY_INPUT);
	assert_int_equal(put_and_read(wrapped(true, 5000, json_null())), DEPLOY_INPUT);
}

static void too_long_a_document_overflows_the_buffer(void **state)
{
	struct dp_buf doc;

	(void)state;
	dp_buf_init(&doc, 8);
	dp_marshal_begin(&doc);
	dp_marshal_put_text(&doc, "abc", 3);
	assert_true(doc.overflow);
	dp_buf_release(&doc);
	begin(&doc);
	dp_marshal_put_array(&doc, (size_t)INT32_MAX + 1);
	assert_true(doc.overflow);
	dp_buf_release(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_versions_up_to_4_8_are_read),
		cmocka_unit_test(every_vector_is_read),
		cmocka_unit_test(values_of_ruby_become_the_json_that_ruby_makes),
		cmocka_unit_test(vectors_without_links_are_written_as_ruby_writes_them),
		cmocka_unit_test(fields_hold_what_the_whole_document_holds),
		cmocka_unit_test(a_truncated_document_is_an_error),
		cmocka_unit_test(any_changed_byte_is_survived),
		cmocka_unit_test(malformed_documents_are_refused),
		cmocka_unit_test(nesting_is_limited_for_everything_that_nests),
		cmocka_unit_test(nesting_is_limited_within_instance_variables),
		cmocka_unit_test(leaves_need_no_level),
		cmocka_unit_test(symbols_are_limited),
		cmocka_unit_test(a_negative_symbol_is_refused_however_many_are_known),
		cmocka_unit_test(objects_are_limited),
		cmocka_unit_test(values_are_limited_by_what_they_cost),
		cmocka_unit_test(a_symbol_cannot_be_repeated_without_end),
		cmocka_unit_test(bignums_are_limited),
		cmocka_unit_test(bignums_cannot_take_much_time),
		cmocka_unit_test(integers_of_64_bits_are_numbers_and_larger_ones_text),
		cmocka_unit_test(floats_are_strictly_decimal),
		cmocka_unit_test(the_text_of_a_float_is_limited),
		cmocka_unit_test(the_locale_does_not_change_floats),
		cmocka_unit_test(links_are_expanded_and_cycles_are_cut),
		cmocka_unit_test(a_billion_laughs_are_cut),
		cmocka_unit_test(a_long_text_is_not_repeated_without_end),
		cmocka_unit_test(objects_are_not_skipped_without_end),
		cmocka_unit_test(the_usual_encoding_costs_what_any_other_member_costs),
		cmocka_unit_test(links_that_nest_too_deep_are_cut),
		cmocka_unit_test(keys_that_are_no_text_are_printed),
		cmocka_unit_test(printed_keys_do_not_grow_with_their_depth),
		cmocka_unit_test(class_names_that_are_no_text_are_printed),
		cmocka_unit_test(text_fields_point_into_the_document),
		cmocka_unit_test(a_field_of_another_type_is_an_error),
		cmocka_unit_test(number_fields_are_read_from_every_form),
		cmocka_unit_test(value_fields_are_expanded_and_cut),
		cmocka_unit_test(missing_fields_are_not_found),
		cmocka_unit_test(fields_are_taken_from_a_hash_only),
		cmocka_unit_test(values_are_freed_when_a_later_field_fails),
		cmocka_unit_test(fields_report_what_could_not_be_expressed),
		cmocka_unit_test(single_values_are_written_as_ruby_writes_them),
		cmocka_unit_test(floats_are_written_as_ruby_writes_them),
		cmocka_unit_test(only_the_outermost_object_gets_symbol_keys),
		cmocka_unit_test(what_is_written_is_never_too_deep_to_be_read),
		cmocka_unit_test(too_long_a_document_overflows_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
