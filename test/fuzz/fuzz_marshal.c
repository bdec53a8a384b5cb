/*
 * Marshal documents from anyone. Beyond not crashing: what is decoded as a whole can be skipped,
 * and what is written of it is read again as the same.
 * Corpus: the documents of test/data/marshal_*.txt.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/marshal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(const uint8_t *data, size_t size)
{
	struct dp_marshal_field fields[] = {
		{.name = "body", .want = DP_MARSHAL_TEXT},
		{.name = "statuscode", .want = DP_MARSHAL_INTEGER},
		{.name = "data", .want = DP_MARSHAL_VALUE},
		{.name = "a", .want = DP_MARSHAL_VALUE},
	};
	struct deploy_error err = {0};
	int rc = dp_marshal_decode_fields(
		fields, sizeof(fields) / sizeof(fields[0]), data, size, NULL, &err);

	assert(rc == (int)err.code && rc <= 0);
	if (rc == 0 && fields[0].is_found) {
		assert(fields[0].text.data >= (const char *)data);
		assert(fields[0].text.data + fields[0].text.len <= (const char *)data + size);
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		assert(rc == 0 || !fields[i].value);
		json_decref(fields[i].value);
	}
}

/* Skipping checks all but the number of values. */
static void check_skipping(const uint8_t *data, size_t size, const struct deploy_error *whole_err)
{
	struct deploy_error err = {0};
	int rc = dp_marshal_decode_fields(NULL, 0, data, size, NULL, &err);

	if (rc == 0 && whole_err->code)
		assert(strstr(whole_err->text, "values"));
	if (rc && !whole_err->code)
		assert(strstr(err.text, "a hash is wanted here"));
}

static void check_writing(const json_t *whole)
{
	struct deploy_error err = {0};
	struct dp_buf buf;
	json_t *back;

	dp_buf_init(&buf, 1 << 20);
	dp_marshal_begin(&buf);
	if (dp_marshal_put_json(&buf, whole, DP_MARSHAL_SYMBOL_KEYS, &err) == 0 && !buf.overflow) {
		if (dp_marshal_decode(&back, buf.data, buf.len, NULL, &err))
			/* Each text that is written takes a symbol to say UTF-8. */
			assert(strstr(err.text, "symbols"));
		else
			assert(json_equal(back, whole));
		json_decref(back);
	}
	dp_buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_error err = {0};
	struct dp_marshal_notes notes;
	json_t *whole;
	int rc = dp_marshal_decode(&whole, data, size, &notes, &err);

	assert(rc == (int)err.code && (rc == 0) == (whole != NULL));
	check_fields(data, size);
	check_skipping(data, size, &err);
	if (whole)
		check_writing(whole);
	json_decref(whole);
	return 0;
}
