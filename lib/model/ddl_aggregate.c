/*
 * Sums over replies. Source: MCollective 2.12.5, aggregate/ (summary, average, sum) and
 * rpc/stats.rb; boolean_summary comes with the puppet agent.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/ddl.h"
#include "deploy/text.h"

#define MAX_TEXT      (4 * 1024 * 1024)
#define MAX_WIDTH     200
#define MAX_PRECISION 50
#define MAX_VALUES    100000 /* different ones of one output */

enum function { SUMMARY, BOOLEAN_SUMMARY, AVERAGE, SUM };

struct total {
	const struct deploy_ddl_aggregate *aggregate;
	const char *title; /* display_as of the output */
	enum function function;
	const char *failure; /* NULL while all is well */
	/* summary: the value as JSON text, so that 1 and "1" differ → {"text": shown, "count": n}
	 */
	json_t *counts;
	bool is_cut; /* there were more different values than are kept */
	/* average, sum */
	bool is_real;
	long long whole;
	double real;
	size_t replies;
};

struct deploy_aggregate {
	struct total *totals;
	size_t count;
};

static bool find_function(enum function *out, const char *name)
{
	static const char *const names[] = {"summary", "boolean_summary", "average", "sum"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum function)i;
			return true;
		}
	}
	return false;
}

static int compare_outputs(const void *a, const void *b)
{
	const struct total *first = a, *second = b;

	return strcmp(first->aggregate->output, second->aggregate->output);
}

struct deploy_aggregate *deploy_aggregate_new(const struct deploy_ddl_action *action)
{
	struct deploy_aggregate *aggregate = dp_xcalloc(1, sizeof(*aggregate));

	aggregate->totals = dp_xcalloc(action->aggregate_count + 1, sizeof(*aggregate->totals));
	for (size_t i = 0; i < action->aggregate_count; i++) {
		const struct deploy_ddl_aggregate *from = &action->aggregates[i];
		const struct deploy_ddl_output *output = deploy_ddl_output(action, from->output);
		struct total *total = &aggregate->totals[aggregate->count];

		if (!find_function(&total->function, from->function))
			continue;
		aggregate->count++;
		total->aggregate = from;
		total->title = output ? output->display_as : from->output;
		total->failure = output ? NULL : "the action has no such output";
		total->counts = json_object();
	}
	if (aggregate->count == 0) {
		deploy_aggregate_free(aggregate);
		return NULL;
	}
	qsort(aggregate->totals, aggregate->count, sizeof(*aggregate->totals), compare_outputs);
	return aggregate;
}

void deploy_aggregate_free(struct deploy_aggregate *aggregate)
{
	if (!aggregate)
		return;
	for (size_t i = 0; i < aggregate->count; i++)
		json_decref(aggregate->totals[i].counts);
	free(aggregate->totals);
	free(aggregate);
}

/* Counting values. */

/* What true and false are called. */
static const char *find_label(const struct total *total, const json_t *value)
{
	if (total->function != BOOLEAN_SUMMARY || !json_is_boolean(value))
		return NULL;
	return json_string_value(json_object_get(
		total->aggregate->arguments, json_is_true(value) ? "true" : "false"));
}

static void count_value(struct total *total, const json_t *value)
{
	const char *label = find_label(total, value);
	char *key, *shown;
	json_t *entry;

	if (json_is_null(value))
		return;
	key = json_dumps(
		value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
	entry = key ? json_object_get(total->counts, key) : NULL;
	if (entry) {
		(void)json_object_set_new(entry, "count",
			json_integer(json_integer_value(json_object_get(entry, "count")) + 1));
	} else if (key && json_object_size(total->counts) < MAX_VALUES) {
		shown = json_is_string(value) ? dp_xstrdup(json_string_value(value))
					      : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
									  JSON_REAL_PRECISION(15));
		(void)json_object_set_new(total->counts, key,
			json_pack("{s:s, s:i}", "text", label ? label : shown, "count", 1));
		free(shown);
	} else {
		total->is_cut = true;
	}
	free(key);
}

/* An array counts each of its values, and not what those hold. */
static void count_values(struct total *total, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(value)) {
		count_value(total, value);
		return;
	}
	json_array_foreach(value, i, item) count_value(total, item);
}

/* Numbers. */

static void add_number(struct total *total, const json_t *value)
{
	long long sum = 0;

	if (!json_is_number(value)) {
		total->failure = "a node sent what is no number";
		return;
	}
	total->replies++;
	total->real += json_number_value(value);
	if (json_is_real(value) ||
		__builtin_add_overflow(total->whole, (long long)json_integer_value(value), &sum))
		total->is_real = true;
	else
		total->whole = sum;
}

void deploy_aggregate_add(struct deploy_aggregate *aggregate, const json_t *data)
{
	for (size_t i = 0; i < aggregate->count; i++) {
		struct total *total = &aggregate->totals[i];
		const json_t *value = json_object_get(data, total->aggregate->output);

		if (total->failure)
			continue;
		if (total->function == AVERAGE || total->function == SUM)
			add_number(total, value);
		else if (value)
			count_values(total, value);
	}
}

/* Ruby's formats: %[flags][width][.precision] and d i f e g s; anything else stays as it is. */

struct spec {
	bool is_left, has_zeros, has_plus, has_precision;
	int width, precision;
	char letter;
};

static int read_count(const char **at, int max)
{
	int value = 0;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		value = value > max ? max + 1 : value * 10 + (**at - '0');
	return value > max ? max : value;
}

/* Behind a '%'; *at is moved behind the letter. False: it is none that we know. */
static bool read_spec(struct spec *spec, const char **at)
{
	*spec = (struct spec){.precision = 6};
	for (; **at && strchr("-0+ ", **at); (*at)++) {
		spec->is_left |= **at == '-';
		spec->has_zeros |= **at == '0';
		spec->has_plus |= **at == '+';
	}
	spec->width = read_count(at, MAX_WIDTH);
	if (**at == '.') {
		(*at)++;
		spec->has_precision = true;
		spec->precision = read_count(at, MAX_PRECISION);
	}
	spec->letter = **at;
	if (!spec->letter || !strchr("difegs", spec->letter))
		return false;
	(*at)++;
	return true;
}

/* A value of a format: a text, or a number. */
struct operand {
	const char *text; /* NULL: a number */
	bool is_real;
	long long whole;
	double real;
};

static double as_real(const struct operand *operand)
{
	return operand->is_real ? operand->real : (double)operand->whole;
}

/* True if a double can be one of long long. */
static bool fits(double real)
{
	return real > -9.2e18 && real < 9.2e18;
}

/* In as few digits as are exact, as Ruby prints a float. Caller frees. */
static char *shortest(double real)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, real);
		if (!(strtod(text, NULL) < real) && !(strtod(text, NULL) > real))
			break;
	}
	return dp_xasprintf("%s%s", text, text[strspn(text, "-0123456789")] ? "" : ".0");
}

/* The number or text itself, without padding. Caller frees. */
static char *format_body(const struct spec *spec, const struct operand *operand)
{
	if (operand->text) {
		/* A text has no digits; precision would cut it, which helps nobody. */
		return deploy_text_escape(operand->text, strlen(operand->text));
	}
	switch (spec->letter) {
	case 'd':
	case 'i':
		if (operand->is_real && !fits(operand->real))
			return dp_xasprintf("%.0f", operand->real);
		return dp_xasprintf(
			"%lld", operand->is_real ? (long long)operand->real : operand->whole);
	case 'f':
		return dp_xasprintf("%.*f", spec->precision, as_real(operand));
	case 'e':
		return dp_xasprintf("%.*e", spec->precision, as_real(operand));
	case 'g':
		return dp_xasprintf("%.*g", spec->precision, as_real(operand));
	default:
		return operand->is_real ? shortest(operand->real)
					: dp_xasprintf("%lld", operand->whole);
	}
}

static void add_repeated(struct dp_buf *out, char byte, size_t count)
{
	while (count--)
		dp_buf_add_byte(out, byte);
}

static void add_formatted(
	struct dp_buf *out, const struct spec *spec, const struct operand *operand)
{
	char *body = format_body(spec, operand);
	bool is_number = !operand->text && spec->letter != 's', has_minus = body[0] == '-';
	const char *digits = body + (is_number && has_minus ? 1 : 0);
	const char *sign = !is_number ? "" : has_minus ? "-" : spec->has_plus ? "+" : "";
	size_t columns = deploy_text_columns(digits) + strlen(sign);
	size_t padding = (size_t)spec->width > columns ? (size_t)spec->width - columns : 0;
	bool has_zeros = spec->has_zeros && is_number && !spec->is_left;

	if (!spec->is_left && !has_zeros)
		add_repeated(out, ' ', padding);
	dp_buf_add_text(out, sign);
	if (has_zeros)
		add_repeated(out, '0', padding);
	dp_buf_add_text(out, digits);
	if (spec->is_left)
		add_repeated(out, ' ', padding);
	free(body);
}

/* One line. Without operands left, what is written stays. */
static void add_line(
	struct dp_buf *out, const char *format, const struct operand *operands, size_t count)
{
	size_t used = 0;
	struct dp_buf line;
	char *escaped;

	dp_buf_init(&line, MAX_TEXT);
	for (const char *at = format; *at;) {
		const char *behind = at + 1;
		struct spec spec;

		if (at[0] == '%' && at[1] == '%') {
			dp_buf_add_byte(&line, '%');
			at += 2;
		} else if (at[0] == '%' && used < count && read_spec(&spec, &behind)) {
			add_formatted(&line, &spec, &operands[used++]);
			at = behind;
		} else {
			dp_buf_add_byte(&line, *at++);
		}
	}
	/* The format is foreign, too. */
	escaped = deploy_text_escape(dp_buf_text(&line), line.len);
	dp_buf_addf(out, "   %s\n", escaped);
	free(escaped);
	dp_buf_release(&line);
}

/* Printing. */

struct counted {
	const char *text;
	long long count;
};

static int compare_counts(const void *a, const void *b)
{
	const struct counted *first = a, *second = b;

	if (first->count != second->count)
		return first->count < second->count ? 1 : -1;
	return strcmp(first->text, second->text);
}

/* Sorted by count, then text. Caller frees. */
static struct counted *sort_counts(const struct total *total, size_t *count, size_t *width)
{
	struct counted *list = dp_xcalloc(json_object_size(total->counts) + 1, sizeof(*list));
	const char *key;
	json_t *entry;

	*count = *width = 0;
	json_object_foreach(total->counts, key, entry)
	{
		struct counted *item = &list[(*count)++];
		char *escaped;

		item->text = json_string_value(json_object_get(entry, "text"));
		item->count = json_integer_value(json_object_get(entry, "count"));
		escaped = deploy_text_escape(item->text, strlen(item->text));
		if (deploy_text_columns(escaped) > *width)
			*width = deploy_text_columns(escaped);
		free(escaped);
	}
	qsort(list, *count, sizeof(*list), compare_counts);
	return list;
}

static void print_counts(struct dp_buf *out, const struct total *total)
{
	size_t count, width;
	struct counted *list = sort_counts(total, &count, &width);
	char own[32];
	const char *format = total->aggregate->format;

	if (total->function == BOOLEAN_SUMMARY && width < 5)
		width = 5;
	(void)snprintf(own, sizeof(own), "%%%zus = %%s", width < MAX_WIDTH ? width : MAX_WIDTH);
	for (size_t i = 0; i < count; i++) {
		const struct operand operands[] = {
			{.text = list[i].text}, {.whole = list[i].count}};

		add_line(out, format ? format : own, operands, 2);
	}
	if (count == 0)
		dp_buf_add_text(out, "   no node has a value\n");
	if (total->is_cut)
		dp_buf_addf(out, "   only the first %d values are counted\n", MAX_VALUES);
	free(list);
}

/* Ruby divides whole numbers to whole ones, downwards. */
static long long divide(long long sum, long long count)
{
	long long quotient = sum / count;

	return quotient - (sum % count != 0 && sum < 0 ? 1 : 0);
}

static void print_number(struct dp_buf *out, const struct total *total)
{
	bool is_average = total->function == AVERAGE;
	struct operand operand = {.is_real = total->is_real};
	struct dp_buf own;

	if (total->replies == 0) {
		dp_buf_add_text(out, "   no node has a value\n");
		return;
	}
	operand.real = is_average ? total->real / (double)total->replies : total->real;
	operand.whole = is_average ? divide(total->whole, (long long)total->replies) : total->whole;
	dp_buf_init(&own, 4096);
	/* An output's name may hold a percent sign. */
	dp_buf_addf(&own, "%s of ", is_average ? "Average" : "Sum");
	for (const char *at = total->aggregate->output; *at; at++)
		dp_buf_addf(&own, "%s%c", *at == '%' ? "%" : "", *at);
	dp_buf_add_text(&own, ": %f");
	add_line(out, total->aggregate->format ? total->aggregate->format : dp_buf_text(&own),
		&operand, 1);
	dp_buf_release(&own);
}

char *deploy_aggregate_print(const struct deploy_aggregate *aggregate)
{
	struct dp_buf out;

	dp_buf_init(&out, MAX_TEXT);
	for (size_t i = 0; i < aggregate->count; i++) {
		const struct total *total = &aggregate->totals[i];
		char *title = deploy_text_escape(total->title, strlen(total->title));

		dp_buf_addf(&out, "Summary of %s:\n", title);
		if (total->failure)
			dp_buf_addf(&out, "   could not be computed: %s\n", total->failure);
		else if (total->function == AVERAGE || total->function == SUM)
			print_number(&out, total);
		else
			print_counts(&out, total);
		free(title);
	}
	dp_buf_add_text(&out, "");
	return dp_buf_take(&out);
}
