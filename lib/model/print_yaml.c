/*
 * Values as YAML that every reader takes for the same: block style, and text in quotes as soon as
 * YAML 1.1, 1.2 or Ruby's Psych could see anything else in it. Libyaml's emitter would quote by
 * the rules of 1.1 alone, and write 1e3 where Ruby wants 1.0e+3.
 */
#include "deploy/yaml.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/utf8.h"

/* Readers look no further than 1024 characters for the ':' behind a key; quotes and all. */
#define MAX_SIMPLE_KEY 1000

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words that some reader takes for a boolean or null, in whatever case. */
static bool is_reserved(const char *text)
{
	static const char *const words[] = {
		"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Begins with a digit and could be a number, a date or a time, in any reader's eyes. */
static bool is_like_number(const char *text)
{
	return is_one_of(*text, "0123456789") &&
	       text[strspn(text, "0123456789abcdefABCDEFxXoO_,.:+-tTzZ ")] == '\0';
}

/* Is there a character that cannot stand as it is, in this mode of writing? */
static bool has_unsafe(const char *text, size_t len, bool may_break)
{
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = dp_utf8_decode(text + i, len - i, &cp);
		if (n == 0)
			return true;
		if (cp == 0xfeff || cp == 0xfffe || cp == 0xffff)
			return true;
		if (dp_utf8_is_unsafe(cp) && !(cp == '\n' && may_break))
			return true;
	}
	return false;
}

static bool is_plain(const char *text, size_t len)
{
	char first = text[0];

	if (len == 0 || has_unsafe(text, len, false))
		return false;
	if (!is_letter(first) && !is_one_of(first, "0123456789_/($") &&
		!((unsigned char)first & 0x80))
		return false;
	if (strstr(text, ": ") || strstr(text, " #") || is_one_of(text[len - 1], " :"))
		return false;
	return !is_reserved(text) && !is_like_number(text);
}

/* Text of lines that a literal block shows as they are: none begins or ends in what is not seen. */
static bool is_literal(const char *text, size_t len)
{
	return !is_one_of(text[0], " \n") && strchr(text, '\n') && !strstr(text, " \n") &&
	       text[len - 1] != ' ' && !has_unsafe(text, len, true);
}

static void add_escaped(struct dp_buf *out, uint32_t cp)
{
	static const char names[][2] = {
		{'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}, {'\0', '0'}, {'"', '"'}, {'\\', '\\'}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (cp == (uint32_t)names[i][0]) {
			dp_buf_addf(out, "\\%c", names[i][1]);
			return;
		}
	}
	dp_buf_addf(out, cp > 0xff ? "\\u%04x" : "\\x%02x", (unsigned)cp);
}

static void print_quoted(struct dp_buf *out, const char *text, size_t len)
{
	dp_buf_add_byte(out, '"');
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = dp_utf8_decode(text + i, len - i, &cp);

		/* Jansson lets no other text in than UTF-8. */
		n = n ? n : 1;
		if (cp == '"' || cp == '\\' || has_unsafe(text + i, n, false))
			add_escaped(out, cp);
		else
			dp_buf_add(out, text + i, n);
		i += n;
	}
	dp_buf_add_byte(out, '"');
}

static void add_blanks(struct dp_buf *out, size_t count)
{
	while (count--)
		dp_buf_add_byte(out, ' ');
}

/* How many line breaks it ends in decides what becomes of them: |- none, | one, |+ all. */
static void print_literal(struct dp_buf *out, const char *text, size_t len, size_t indent)
{
	bool ends = text[len - 1] == '\n', ends_twice = ends && text[len - 2] == '\n';

	dp_buf_add_text(out, ends_twice ? "|+\n" : ends ? "|\n" : "|-\n");
	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line)
			add_blanks(out, indent);
		dp_buf_add(out, text, line);
		dp_buf_add_byte(out, '\n');
		text += line + (text[line] == '\n');
	}
}

static void print_word(struct dp_buf *out, const char *text, size_t len)
{
	if (is_plain(text, len))
		dp_buf_add(out, text, len);
	else
		print_quoted(out, text, len);
}

static void print_text(struct dp_buf *out, const json_t *value, size_t indent)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (is_literal(text, len)) {
		print_literal(out, text, len, indent);
	} else {
		print_word(out, text, len);
		dp_buf_add_byte(out, '\n');
	}
}

/* The fewest digits that read back as the same number. */
static char *shortest_real(const json_t *value)
{
	for (size_t digits = 15;; digits++) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
		json_t *again = json_loads(text, JSON_DECODE_ANY, NULL);
		bool is_same = json_real_value(again) == json_real_value(value);

		json_decref(again);
		if (is_same || digits == 17)
			return text;
		free(text);
	}
}

/* With a point, and a sign in the exponent: without them YAML 1.1 and Ruby see text. */
static void print_real(struct dp_buf *out, const json_t *value)
{
	char *text = shortest_real(value);
	size_t mantissa = strcspn(text, "e");

	dp_buf_add(out, text, mantissa);
	if (!memchr(text, '.', mantissa))
		dp_buf_add_text(out, ".0");
	if (text[mantissa])
		dp_buf_addf(
			out, "e%s%s", text[mantissa + 1] == '-' ? "" : "+", text + mantissa + 1);
	free(text);
}

/* Anything but a collection with something in it, to the end of its line. */
static void print_scalar(struct dp_buf *out, const json_t *value, size_t indent)
{
	if (json_is_string(value)) {
		print_text(out, value, indent);
		return;
	}
	if (json_is_object(value))
		dp_buf_add_text(out, "{}");
	else if (json_is_array(value))
		dp_buf_add_text(out, "[]");
	else if (json_is_integer(value))
		dp_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		print_real(out, value);
	else
		dp_buf_add_text(out, json_is_true(value)    ? "true"
				     : json_is_false(value) ? "false"
							    : "null");
	dp_buf_add_byte(out, '\n');
}

static bool is_block(const json_t *value)
{
	return json_object_size(value) || json_array_size(value);
}

static void print_block(struct dp_buf *out, const json_t *value, size_t indent);

static void print_key(struct dp_buf *out, const char *key, size_t indent)
{
	struct dp_buf word;

	dp_buf_init(&word, SIZE_MAX / 2);
	print_word(&word, key, strlen(key));
	if (word.len > MAX_SIMPLE_KEY)
		dp_buf_add_text(out, "? ");
	dp_buf_add(out, dp_buf_text(&word), word.len);
	if (word.len > MAX_SIMPLE_KEY) {
		dp_buf_add_byte(out, '\n');
		add_blanks(out, indent);
	}
	dp_buf_add_byte(out, ':');
	dp_buf_release(&word);
}

static void print_member(struct dp_buf *out, const char *key, const json_t *value, size_t indent)
{
	print_key(out, key, indent);
	if (is_block(value)) {
		dp_buf_add_byte(out, '\n');
		add_blanks(out, indent + 2);
		print_block(out, value, indent + 2);
	} else {
		dp_buf_add_byte(out, ' ');
		print_scalar(out, value, indent + 2);
	}
}

static void print_object(struct dp_buf *out, const json_t *object, size_t indent)
{
	/* Jansson's iterators want what they do not change to be changeable. */
	json_t *same = (json_t *)(uintptr_t)object;

	for (void *at = json_object_iter(same); at; at = json_object_iter_next(same, at)) {
		if (at != json_object_iter(same))
			add_blanks(out, indent);
		print_member(out, json_object_iter_key(at), json_object_iter_value(at), indent);
	}
}

static void print_array(struct dp_buf *out, const json_t *array, size_t indent)
{
	const json_t *item;

	for (size_t i = 0; (item = json_array_get(array, i)); i++) {
		if (i > 0)
			add_blanks(out, indent);
		dp_buf_add_text(out, "- ");
		if (is_block(item))
			print_block(out, item, indent + 2);
		else
			print_scalar(out, item, indent + 2);
	}
}

/* Its first line is indented already: it may stand behind "- ". */
static void print_block(struct dp_buf *out, const json_t *value, size_t indent)
{
	if (json_is_object(value))
		print_object(out, value, indent);
	else
		print_array(out, value, indent);
}

char *deploy_yaml_print(const json_t *value)
{
	struct dp_buf out;

	dp_buf_init(&out, SIZE_MAX / 2);
	if (is_block(value))
		print_block(&out, value, 0);
	else
		print_scalar(&out, value, 2);
	return dp_buf_take(&out);
}
