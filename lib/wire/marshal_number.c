/*
 * Numbers of Marshal: see marshal_number.h. strtod and printf run under the C locale of the
 * calling thread alone, so that a program which sets LC_NUMERIC reads the same numbers.
 */
#include "wire/marshal_number.h"

#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct locale_guard {
	locale_t c, before;
};

static struct locale_guard enter_c_locale(void)
{
	struct locale_guard guard = {.c = newlocale(LC_ALL_MASK, "C", (locale_t)0)};

	assert(guard.c != (locale_t)0);
	guard.before = uselocale(guard.c);
	return guard;
}

static void leave_c_locale(struct locale_guard guard)
{
	(void)uselocale(guard.before);
	freelocale(guard.c);
}

static const char *skip_digits(const char *text)
{
	while (*text >= '0' && *text <= '9')
		text++;
	return text;
}

/* Check the form; strtod alone would also take spaces, "0x1p3", "infinity" and half a text. */
static bool is_decimal(const char *text)
{
	const char *digits = text + (*text == '-');
	const char *p = skip_digits(digits);

	if (p == digits)
		return false;
	if (*p == '.') {
		digits = p + 1;
		p = skip_digits(digits);
		if (p == digits)
			return false;
	}
	if (*p == 'e' || *p == 'E') {
		digits = p + 1 + (p[1] == '+' || p[1] == '-');
		p = skip_digits(digits);
		if (p == digits)
			return false;
	}
	return *p == '\0';
}

bool dp_marshal_float_parse(double *out, const char *text, size_t len)
{
	char copy[DP_MARSHAL_FLOAT_TEXT + 1];
	struct locale_guard guard;

	if (len > DP_MARSHAL_FLOAT_TEXT || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (strcmp(copy, "nan") == 0) {
		*out = NAN;
	} else if (strcmp(copy, "inf") == 0) {
		*out = HUGE_VAL;
	} else if (strcmp(copy, "-inf") == 0) {
		*out = -HUGE_VAL;
	} else if (is_decimal(copy)) {
		guard = enter_c_locale();
		*out = strtod(copy, NULL);
		leave_c_locale(guard);
	} else {
		return false;
	}
	return true;
}

/* From 1.29e+05 to 1.30e+05; false for 9.99e+05. */
static bool count_up(char *text)
{
	char *p = strchr(text, 'e');

	while (p-- > text) {
		if (*p >= '0' && *p < '9') {
			++*p;
			return true;
		}
		if (*p == '9')
			*p = '0';
	}
	return false;
}

/*
 * The shortest "D.DDDe+XX" that reads back as value, which is finite and positive. At powers of
 * two, where numbers below are closer than above, that may be the nearest decimal or the next.
 */
static void print_shortest(char *text, size_t size, double value)
{
	struct locale_guard guard = enter_c_locale();

	for (int digits = 0; digits < 17; digits++) {
		(void)snprintf(text, size, "%.*e", digits, value);
		if (strtod(text, NULL) == value)
			break;
		if (count_up(text) && strtod(text, NULL) == value)
			break;
	}
	leave_c_locale(guard);
}

/* Place the point as w_float() of Ruby's marshal.c does: 0.001, 123.4, 1e2, 1.5e100. */
static void place_point(char *text, size_t size, const char *digits, int count, int exponent)
{
	int before = exponent + 1;

	if (before < -3 || before > count)
		(void)snprintf(text, size, "%c%s%se%d", digits[0], count > 1 ? "." : "", digits + 1,
			exponent);
	else if (before > 0)
		(void)snprintf(text, size, "%.*s%s%s", before, digits, before < count ? "." : "",
			digits + before);
	else
		(void)snprintf(text, size, "0.%.*s%s", -before, "000", digits);
}

void dp_marshal_float_print(char text[DP_MARSHAL_FLOAT_TEXT], double value)
{
	char shortest[40], digits[20];
	const char *sign = signbit(value) ? "-" : "";
	int count = 0;

	if (isnan(value)) {
		(void)snprintf(text, DP_MARSHAL_FLOAT_TEXT, "nan");
	} else if (isinf(value) || value == 0) {
		(void)snprintf(text, DP_MARSHAL_FLOAT_TEXT, "%s%s", sign, value == 0 ? "0" : "inf");
	} else {
		print_shortest(shortest, sizeof(shortest), fabs(value));
		for (const char *p = shortest; *p != 'e'; p++)
			if (*p != '.')
				digits[count++] = *p;
		digits[count] = '\0';
		text[0] = '-';
		place_point(text + (*sign != '\0'), DP_MARSHAL_FLOAT_TEXT - 1, digits, count,
			(int)strtol(strchr(shortest, 'e') + 1, NULL, 10));
	}
}

static uint32_t limb_at(const unsigned char *bytes, size_t len, size_t index)
{
	uint32_t limb = 0;

	for (size_t i = 0; i < 4 && 4 * index + i < len; i++)
		limb |= (uint32_t)bytes[4 * index + i] << (8 * i);
	return limb;
}

/* Divide in place; limbs are little-endian. Returns the remainder. */
static uint32_t divide(uint32_t *limbs, size_t count, uint32_t divisor)
{
	uint64_t rest = 0;

	while (count-- > 0) {
		rest = rest << 32 | limbs[count];
		limbs[count] = (uint32_t)(rest / divisor);
		rest %= divisor;
	}
	return (uint32_t)rest;
}

static size_t without_leading_zeros(const uint32_t *limbs, size_t count)
{
	while (count > 0 && limbs[count - 1] == 0)
		count--;
	return count;
}

void dp_marshal_bignum_print(struct dp_buf *out, bool is_negative, const void *bytes, size_t len)
{
	size_t count = (len + 3) / 4, n = 0;
	uint32_t *limbs = dp_xcalloc(count + 1, sizeof(*limbs));
	/* 32 bits are 9.64 digits, so 8 chunks of 9 digits hold 7 limbs. */
	uint32_t *chunks = dp_xcalloc(count + count / 7 + 2, sizeof(*chunks));

	for (size_t i = 0; i < count; i++)
		limbs[i] = limb_at(bytes, len, i);
	count = without_leading_zeros(limbs, count);
	if (is_negative && count > 0)
		dp_buf_add_byte(out, '-');
	do {
		chunks[n++] = divide(limbs, count, 1000000000);
		count = without_leading_zeros(limbs, count);
	} while (count > 0);

	dp_buf_addf(out, "%u", chunks[--n]);
	while (n > 0)
		dp_buf_addf(out, "%09u", chunks[--n]);
	free(chunks);
	free(limbs);
}
