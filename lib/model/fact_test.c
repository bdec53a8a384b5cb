/*
 * How nodes compare facts, which are always text there. An order is one of integers only if both
 * texts have a line ^[0-9]+$, one of floats only if both have a line ^[0-9]+.[0-9]+$ (any character
 * between, so that 100 and 1e3 are floats, too), and otherwise one of bytes.
 */
#include "model/fact_test.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char digits[] = "0123456789";
static const char blanks[] = " \t\n\v\f\r"; /* what Ruby drops around a number */

/* Part of a text. */
struct span {
	const char *at;
	size_t len;
};

void dp_fact_test_init(struct dp_fact_test *test, const struct deploy_fact_term *term)
{
	const char *pattern = term->value;
	size_t len = strlen(pattern);

	*test = (struct dp_fact_test){.term = term};
	if (strcmp(term->operator, "=~") != 0)
		return;
	/* One pair of slashes is dropped, if there is something between. */
	if (len >= 3 && pattern[0] == '/' && pattern[len - 1] == '/') {
		pattern++;
		len -= 2;
	}
	(void)dp_regex_new(&test->regex, pattern, len, false, &test->problem);
}

void dp_fact_test_release(struct dp_fact_test *test)
{
	dp_regex_free(test->regex);
	test->regex = NULL;
}

struct dp_comparison dp_search(
	const struct dp_regex *regex, const struct deploy_error *problem, const char *text)
{
	struct dp_comparison found = {.answer = DP_UNSURE, .reason = problem->text};
	int rc;

	if (!regex)
		return found;
	rc = dp_regex_matches(regex, text, strlen(text));
	found.answer = rc > 0 ? DP_YES : rc == 0 ? DP_NO : DP_UNSURE;
	found.reason = rc < 0 ? "the regular expression takes too long to try here" : NULL;
	return found;
}

static bool is_integer(const char *line, size_t len)
{
	return len > 0 && strspn(line, digits) >= len;
}

static bool is_float(const char *line, size_t len)
{
	size_t before = strspn(line, digits), at = before + 1;

	if (before >= len)
		return len >= 3;
	/* The rest of a character of several bytes. */
	while (at < len && ((unsigned char)line[at] & 0xc0) == 0x80)
		at++;
	return before > 0 && is_integer(line + at, len - at);
}

typedef bool line_fn(const char *line, size_t len);

/* Ruby's ^ and $ are the ends of a line, not of the text. */
static bool has_line(const char *text, line_fn *fits)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		if (fits(text, len))
			return true;
		if (text[len] == '\0')
			return false;
		text += len + 1;
	}
}

static struct span trimmed(const char *text)
{
	struct span span = {.at = text + strspn(text, blanks)};

	span.len = strlen(span.at);
	while (span.len > 0 && strchr(blanks, span.at[span.len - 1]))
		span.len--;
	return span;
}

struct integer {
	struct span digits; /* without leading zeros */
	unsigned base;	    /* 8 if the text began with a zero */
};

/* Kernel#Integer: false if it raises. */
static bool read_integer(struct integer *out, const char *text)
{
	struct span span = trimmed(text);

	if (!is_integer(span.at, span.len))
		return false;
	out->base = span.len > 1 && span.at[0] == '0' ? 8 : 10;
	for (; span.len > 0 && span.at[0] == '0'; span.len--)
		span.at++;
	out->digits = span;
	return out->base == 10 || strcspn(span.at, "89") >= span.len;
}

/* Ruby's integers have no limit; ours is far beyond every fact. */
#define LIMBS 64 /* 2048 bits */

struct big {
	uint32_t limb[LIMBS]; /* the least one first */
};

static bool read_big(struct big *out, const struct integer *number)
{
	*out = (struct big){{0}};
	for (size_t i = 0; i < number->digits.len; i++) {
		uint64_t carry = (uint64_t)(number->digits.at[i] - '0');

		for (size_t j = 0; j < LIMBS; j++) {
			carry += (uint64_t)out->limb[j] * number->base;
			out->limb[j] = (uint32_t)carry;
			carry >>= 32;
		}
		if (carry)
			return false;
	}
	return true;
}

static int sign(bool is_less, bool is_more)
{
	return is_less ? -1 : is_more ? 1 : 0;
}

static int compare_bigs(const struct big *a, const struct big *b)
{
	for (size_t i = LIMBS; i-- > 0;)
		if (a->limb[i] != b->limb[i])
			return sign(a->limb[i] < b->limb[i], true);
	return 0;
}

static struct dp_comparison compare_integers(int *order, const char *a_text, const char *b_text)
{
	struct dp_comparison found = {.answer = DP_FAILS};
	struct integer a, b;
	struct big a_value, b_value;
	bool a_fits, b_fits;

	if (!read_integer(&a, a_text) || !read_integer(&b, b_text))
		return found;
	if ((a.base == 8 && a.digits.len > 1) || (b.base == 8 && b.digits.len > 1))
		found.surprise = DP_READ_AS_OCTAL;
	found.answer = DP_YES;
	a_fits = read_big(&a_value, &a);
	b_fits = read_big(&b_value, &b);
	if (a_fits && b_fits) {
		*order = compare_bigs(&a_value, &b_value);
	} else if (a_fits != b_fits) {
		*order = a_fits ? -1 : 1;
	} else {
		found.answer = DP_UNSURE;
		found.reason = "both numbers are too long to compare here";
	}
	return found;
}

/*
 * Kernel#Float of a text with a line that is_float(): false if it raises. The point is turned into
 * an exponent, because strtod() may want another one in the user's locale.
 */
static bool read_float(double *out, const char *text)
{
	struct span span = trimmed(text);
	size_t before = strspn(span.at, digits);
	char between = before < span.len ? span.at[before] : '\0';
	const char *after = span.at + before + 1;
	int after_len = before < span.len ? (int)(span.len - before - 1) : 0;
	bool is_hex = (between == 'x' || between == 'X') && before == 1 && span.at[0] == '0';
	char *number;

	if (between != '\0' && !is_integer(after, (size_t)after_len))
		return false;
	if (between == '.')
		number = dp_xasprintf(
			"%.*s%.*se-%d", (int)before, span.at, after_len, after, after_len);
	else if (between == '_')
		number = dp_xasprintf("%.*s%.*s", (int)before, span.at, after_len, after);
	else if (between == '\0' || between == 'e' || between == 'E' || is_hex)
		number = dp_xstrndup(span.at, span.len);
	else
		return false;
	*out = strtod(number, NULL);
	free(number);
	return true;
}

static struct dp_comparison compare_floats(int *order, const char *a_text, const char *b_text)
{
	struct dp_comparison found = {.answer = DP_FAILS};
	double a, b;

	if (!read_float(&a, a_text) || !read_float(&b, b_text))
		return found;
	found.answer = DP_YES;
	*order = sign(a<b, a> b);
	return found;
}

static bool starts_like_a_number(const char *text)
{
	text += *text == '-' || *text == '+';
	return *text >= '0' && *text <= '9';
}

static struct dp_comparison compare_texts(int *order, const char *a, const char *b)
{
	struct dp_comparison found = {.answer = DP_YES};
	int bytes = strcmp(a, b);

	*order = sign(bytes<0, bytes> 0);
	if (starts_like_a_number(a) || starts_like_a_number(b))
		found.surprise = DP_COMPARED_AS_TEXT;
	return found;
}

static bool order_suits(const char *operator, int order)
{
	if (strcmp(operator, "!=") == 0)
		return order != 0;
	if (operator[1] == '=' && order == 0)
		return true;
	return operator[0] == '<' ? order < 0 : order> 0;
}

struct dp_comparison dp_fact_test_text(const struct dp_fact_test *test, const char *text)
{
	const char *operator= test->term->operator, * value = test->term->value;
	struct dp_comparison found = {.answer = DP_NO};
	int order = 0;

	if (strcmp(operator, "=~") == 0)
		return dp_search(test->regex, &test->problem, text);
	if (strcmp(operator, "==") == 0) {
		found.answer = strcmp(text, value) == 0 ? DP_YES : DP_NO;
		return found;
	}
	if (has_line(value, is_integer) && has_line(text, is_integer))
		found = compare_integers(&order, text, value);
	else if (has_line(value, is_float) && has_line(text, is_float))
		found = compare_floats(&order, text, value);
	else
		found = compare_texts(&order, text, value);
	if (found.answer == DP_YES && !order_suits(operator, order))
		found.answer = DP_NO;
	/* Whether texts differ needs no order. */
	if (strcmp(operator, "!=") == 0 && found.surprise == DP_COMPARED_AS_TEXT)
		found.surprise = DP_NO_SURPRISE;
	return found;
}
