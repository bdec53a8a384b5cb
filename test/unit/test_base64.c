/* Base64: the vectors of RFC 4648, and what is no base64. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *bytes, *text;
} vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"},
	{"\xfb\xef\xbe", "++++"}};

static void check_decoded(const char *text, const char *bytes)
{
	struct dp_buf out;

	dp_buf_init(&out, 64);
	assert_true(dp_base64_decode(&out, text, strlen(text)));
	assert_string_equal(dp_buf_text(&out), bytes);
	dp_buf_release(&out);
}

static void vectors_are_encoded_and_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct dp_buf out;

		dp_buf_init(&out, 64);
		dp_base64_encode(&out, vectors[i].bytes, strlen(vectors[i].bytes));
		assert_string_equal(dp_buf_text(&out), vectors[i].text);
		dp_buf_release(&out);
		check_decoded(vectors[i].text, vectors[i].bytes);
	}
}

static void white_space_is_ignored(void **state)
{
	(void)state;
	check_decoded(" Zm\r\n9v\tY\vg\f=\n=\n", "foob");
	check_decoded("\n", "");
}

static void malformed_text_adds_nothing(void **state)
{
	static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zm9", "=",
		"====", "Z===", "Zg===", "Zg==Zg==", "Zg=g", "Zm9v=", "Zm9v====", "Zm9-", "Zm9_",
		"Zm9.", "Zm\xc3\xa9",
		/* bits under the padding are set */
		"Zh==", "Zm9="};
	struct dp_buf out;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		dp_buf_init(&out, 64);
		dp_buf_add_text(&out, "before");
		if (dp_base64_decode(&out, wrong[i], strlen(wrong[i])))
			fail_msg("%s is accepted", wrong[i]);
		assert_string_equal(dp_buf_text(&out), "before");
		dp_buf_release(&out);
	}
	dp_buf_init(&out, 64);
	assert_false(dp_base64_decode(&out, "Zm\0v", 4));
	dp_buf_release(&out);
}

static void all_bytes_of_any_length_come_back(void **state)
{
	unsigned char bytes[3000];
	struct dp_buf text, out;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t len = 0; len < sizeof(bytes); len++) {
		dp_buf_init(&text, 8192);
		dp_buf_init(&out, 4096);
		dp_base64_encode(&text, bytes, len);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		assert_true(dp_base64_decode(&out, text.data, text.len));
		assert_int_equal(out.len, len);
		if (len)
			assert_memory_equal(out.data, bytes, len);
		dp_buf_release(&out);
		dp_buf_release(&text);
	}
}

static void the_limit_of_the_buffer_holds(void **state)
{
	struct dp_buf out;

	(void)state;
	dp_buf_init(&out, 5);
	dp_base64_encode(&out, "foobar", 6);
	assert_true(out.overflow);
	dp_buf_clear(&out);
	assert_false(dp_base64_decode(&out, "Zm9vYmFy", 8));
	assert_true(out.overflow);
	assert_int_equal(out.len, 0);
	dp_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_encoded_and_decoded),
		cmocka_unit_test(white_space_is_ignored),
		cmocka_unit_test(malformed_text_adds_nothing),
		cmocka_unit_test(all_bytes_of_any_length_come_back),
		cmocka_unit_test(the_limit_of_the_buffer_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
