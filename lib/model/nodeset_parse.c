/*
 * Node set expressions. An element is first measured (grammar, number and length of its names),
 * so that nothing is expanded that would not fit, then expanded; the second pass cannot fail.
 */
#include "deploy/nodeset.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/text.h"

#define MAX_DIGITS   18			    /* of the ends of a range: fits 64 bits */
#define MAX_EXPANDED (4 * DEPLOY_MAX_NODES) /* made for one expression, duplicates counted */

struct reader {
	const char *text, *at; /* at is where an error is reported */
	struct deploy_error *err;
};

__attribute__((format(printf, 2, 3))) static int malformed(
	const struct reader *r, const char *format, ...)
{
	size_t column = (size_t)(r->at - r->text), from = column > 40 ? column - 40 : 0;
	char *shown = deploy_text_escape(r->text + from, strnlen(r->text + from, 80));
	char why[128];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	(void)deploy_error_set(r->err, DEPLOY_INPUT, "node set \"%s%s\": column %zu: %s",
		from ? "..." : "", shown, column + 1, why);
	free(shown);
	return r->err->code;
}

/* One alternative of a bracket: a word as it stands, or numbers from low to high. */
struct item {
	const char *word;
	size_t len;
	bool is_range;
	uint64_t low, high, step;
	size_t width; /* digits, if fixed by a leading zero; else 0 */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
	return deploy_identity_is_valid(&c, 1);
}

/* Read digits at r->at; 0 if there are none or too many. */
static size_t read_number(struct reader *r, uint64_t *value)
{
	size_t len = strspn(r->at, "0123456789");

	if (len == 0 || len > MAX_DIGITS)
		return 0;
	for (*value = 0; is_digit(*r->at); r->at++)
		*value = *value * 10 + (uint64_t)(*r->at - '0');
	return len;
}

static int read_range(struct item *item, struct reader *r)
{
	const char *start = r->at;
	size_t low_len = read_number(r, &item->low), high_len;
	const char *high;
	bool is_fixed;

	if (low_len == 0)
		return malformed(r, "a range takes numbers of at most %d digits", MAX_DIGITS);
	high = ++r->at;
	high_len = read_number(r, &item->high);
	if (high_len == 0)
		return malformed(r, "a range ends in a number of at most %d digits", MAX_DIGITS);
	item->step = 1;
	if (*r->at == '/') {
		r->at++;
		if (strspn(r->at, "0") == strspn(r->at, "0123456789") ||
			read_number(r, &item->step) == 0)
			return malformed(r, "a step is a number above 0");
	}
	if (*r->at != ',' && *r->at != ']')
		return malformed(r, "expected , or ] after the range");
	item->len = (size_t)(r->at - start);
	r->at = start;
	if (item->low > item->high)
		return malformed(r, "the range runs backwards");
	is_fixed = (low_len > 1 && *start == '0') || (high_len > 1 && *high == '0');
	if (is_fixed && low_len != high_len)
		return malformed(
			r, "a leading zero fixes the width: both ends need as many digits");
	item->width = is_fixed ? low_len : 0;
	item->is_range = true;
	return 0;
}

/* Read the alternative at r->at, which is left where it starts; item->len leads past it. */
static int read_item(struct item *item, struct reader *r)
{
	const char *p = r->at;

	*item = (struct item){.word = p};
	while (is_name_byte(*p) && *p != '-')
		p++;
	item->len = (size_t)(p - r->at);
	if (item->len > 0 && *p == '-' && strspn(r->at, "0123456789") == item->len)
		return read_range(item, r);
	if (*p == ',' || *p == ']')
		return item->len > 0 ? 0 : malformed(r, "an alternative is missing");
	r->at = p;
	if (*p == '-')
		return malformed(r, "only numbers make a range");
	return malformed(r, *p ? "not allowed in brackets" : "] is missing");
}

static size_t digits_of(uint64_t value)
{
	size_t n = 1;

	for (; value >= 10; value /= 10)
		n++;
	return n;
}

static uint64_t range_count(const struct item *item)
{
	return (item->high - item->low) / item->step + 1;
}

/* Measure the bracket at r->at and step behind it. */
static int measure_bracket(struct reader *r, uint64_t *count, size_t *len)
{
	const char *open = r->at;
	size_t longest = 0;
	uint64_t sum = 0;
	struct item item;

	do {
		size_t most;

		r->at++;
		if (read_item(&item, r) != 0)
			return r->err->code;
		sum += item.is_range ? range_count(&item) : 1;
		most = item.is_range ? digits_of(item.high) : item.len;
		most = item.width ? item.width : most;
		longest = most > longest ? most : longest;
		r->at += item.len;
		if (sum > DEPLOY_MAX_NODES)
			break;
	} while (*r->at == ',');
	if (sum > DEPLOY_MAX_NODES || *count * sum > DEPLOY_MAX_NODES) {
		r->at = open;
		return malformed(r, "more than %d names", DEPLOY_MAX_NODES);
	}
	*count *= sum;
	*len += longest;
	r->at++;
	return 0;
}

/* Check the element at r->at, step behind it, and tell how many names it makes. */
static int measure(struct reader *r, uint64_t *count)
{
	const char *start = r->at;
	size_t len = 0;

	*count = 1;
	while (*r->at == '[' || is_name_byte(*r->at)) {
		if (*r->at != '[') {
			len++;
			r->at++;
		} else if (measure_bracket(r, count, &len) != 0) {
			return r->err->code;
		}
		if (len > DEPLOY_MAX_IDENTITY) {
			r->at = start;
			return malformed(r, "a name longer than %d bytes", DEPLOY_MAX_IDENTITY);
		}
	}
	if (r->at > start)
		return 0;
	return malformed(
		r, strchr(",!&", *start) ? "a name is missing" : "not allowed in a node name");
}

static size_t write_number(char *to, uint64_t value, size_t width)
{
	size_t len = width ? width : digits_of(value);

	for (size_t i = len; i > 0; i--) {
		to[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return len;
}

/* A name under construction; text[0 … len) stands. */
struct name {
	char text[DEPLOY_MAX_IDENTITY + 1];
	struct deploy_nodeset *set;
};

/* Append every completion of name with the element's rest at r->at. */
static int expand(struct name *name, size_t len, struct reader *r)
{
	struct item item;
	int rc = 0;

	for (; is_name_byte(*r->at); r->at++)
		name->text[len++] = *r->at;
	if (*r->at != '[') {
		name->text[len] = '\0';
		return deploy_nodeset_add(name->set, name->text, r->err);
	}
	do {
		const char *next, *rest = strchr(r->at, ']') + 1;

		r->at++;
		(void)read_item(&item, r);
		next = r->at + item.len;
		if (!item.is_range) {
			memcpy(name->text + len, item.word, item.len);
			r->at = rest;
			rc = expand(name, len + item.len, r);
		}
		for (uint64_t v = item.low; item.is_range && v <= item.high && rc == 0;
			v += item.step) {
			r->at = rest;
			rc = expand(name, len + write_number(name->text + len, v, item.width), r);
		}
		r->at = next;
	} while (rc == 0 && *r->at == ',');
	return rc;
}

/* Add the names of the element at r->at to set and step behind it. */
static int read_element(struct deploy_nodeset *set, struct reader *r, uint64_t *expanded)
{
	struct reader again = *r;
	struct name name = {.set = set};
	uint64_t count;

	if (measure(r, &count) != 0)
		return r->err->code;
	*expanded += count;
	if (*expanded > MAX_EXPANDED) {
		r->at = again.at;
		return malformed(
			r, "the elements up to here make more than %d names", MAX_EXPANDED);
	}
	if (expand(&name, 0, &again) != 0)
		return deploy_error_wrap(
			r->err, "node set: column %zu", (size_t)(r->at - r->text) + 1);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Read what joins two elements: blanks, with at most one of , ! & among them. '\0' at the end. */
static char read_joint(struct reader *r)
{
	char joint = ',';

	while (is_blank(*r->at))
		r->at++;
	if (*r->at == '\0')
		return '\0';
	if (*r->at == ',' || *r->at == '!' || *r->at == '&')
		joint = *r->at++;
	while (is_blank(*r->at))
		r->at++;
	return joint;
}

static int read_operand(
	struct deploy_nodeset *sum, char joint, struct reader *r, uint64_t *expanded)
{
	struct deploy_nodeset *operand;
	int rc;

	if (joint == ',')
		return read_element(sum, r, expanded);
	operand = deploy_nodeset_new();
	rc = read_element(operand, r, expanded);
	if (joint == '!')
		deploy_nodeset_subtract(sum, operand);
	else
		deploy_nodeset_intersect(sum, operand);
	deploy_nodeset_free(operand);
	return rc;
}

static int read_expression(struct deploy_nodeset *sum, struct reader *r)
{
	uint64_t expanded = 0;
	char joint = ',';
	int rc;

	while (is_blank(*r->at))
		r->at++;
	do
		rc = read_operand(sum, joint, r, &expanded);
	while (rc == 0 && (joint = read_joint(r)) != '\0');
	return rc;
}

/* How many names of other are not in set. */
static size_t count_new(const struct deploy_nodeset *set, const struct deploy_nodeset *other)
{
	size_t count = 0, index;

	for (size_t i = 0; i < deploy_nodeset_count(other); i++) {
		const char *name = deploy_nodeset_get(other, i);

		count += deploy_nodeset_find(set, name, strlen(name), &index) ? 0 : 1;
	}
	return count;
}

int deploy_nodeset_parse(struct deploy_nodeset *set, const char *text, struct deploy_error *err)
{
	struct deploy_nodeset *sum = deploy_nodeset_new();
	struct reader r = {.text = text, .at = text, .err = err};
	int rc = read_expression(sum, &r);

	if (rc == 0 && deploy_nodeset_count(set) + count_new(set, sum) > DEPLOY_MAX_NODES)
		rc = malformed(&r, "more than %d nodes together", DEPLOY_MAX_NODES);
	if (rc == 0)
		deploy_nodeset_unite(set, sum);
	deploy_nodeset_free(sum);
	return rc;
}
