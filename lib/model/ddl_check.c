/* Inputs: what was typed becomes what the DDL wants, and is judged as a node would judge it. */
#include "deploy/ddl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/regex.h"
#include "base/utf8.h"
#include "deploy/error.h"
#include "deploy/text.h"
#include "model/ddl_validators.h"

#define MAX_SHOWN  60  /* bytes of a value */
#define MAX_NUMBER 128 /* bytes of a number, zeros in front included */

/* A value in quotes, escaped, cut. Caller frees. */
static char *show(const json_t *value)
{
	char *text = json_is_string(value) ? dp_xstrdup(json_string_value(value))
					   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, cut = len < MAX_SHOWN ? len : MAX_SHOWN;
	char *escaped, *shown;

	/* Not in the middle of a character. */
	while (cut < len && cut > 0 && (text[cut] & 0xc0) == 0x80)
		cut--;
	escaped = deploy_text_escape(text ? text : "", cut);
	shown = dp_xasprintf("'%s%s'", escaped, cut < len ? "…" : "");
	free(escaped);
	free(text);
	return shown;
}

static int refuse(const struct deploy_ddl_input *input, const json_t *value,
	struct deploy_error *err, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "input NAME: 'VALUE' RULE" */
static int refuse(const struct deploy_ddl_input *input, const json_t *value,
	struct deploy_error *err, const char *format, ...)
{
	char rule[400], *shown = show(value), *escaped;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(rule, sizeof(rule), format, args);
	va_end(args);
	escaped = deploy_text_escape(rule, strlen(rule));
	(void)deploy_error_set(err, DEPLOY_INPUT, "input %s: %s %s", input->name, shown, escaped);
	free(escaped);
	free(shown);
	return err->code;
}

/* What was typed. */

static int refuse_text(const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err, const char *rule)
{
	char *escaped = deploy_text_escape(text, strlen(text));
	json_t *value = json_string(escaped);

	(void)refuse(input, value, err, "%s", rule);
	json_decref(value);
	free(escaped);
	return err->code;
}

static bool is_same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a >= 'A' && *a <= 'Z' ? *a + 32 : *a) != *b)
			return false;
	return !*a && !*b;
}

static int convert_boolean(json_t **out, const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err)
{
	static const char *const words[][2] = {
		{"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"}, {"1", "0"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_same_word(text, words[i][0]) || is_same_word(text, words[i][1])) {
			*out = json_boolean(is_same_word(text, words[i][0]));
			return 0;
		}
	}
	return refuse_text(input, text, err, "is no boolean: true or false");
}

/* Write text without the zeros that JSON does not want in front; false if it is too long. */
static bool trim_number(char *out, size_t size, const char *text)
{
	size_t n = 0;

	if (*text == '-')
		out[n++] = *text++;
	while (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
		text++;
	if (strlen(text) + n >= size)
		return false;
	memcpy(out + n, text, strlen(text) + 1);
	return true;
}

static int convert_number(json_t **out, const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err)
{
	char number[MAX_NUMBER];
	json_error_t why;
	json_t *value = NULL;

	if (trim_number(number, sizeof(number), text) &&
		(number[0] == '-' || (number[0] >= '0' && number[0] <= '9')))
		value = json_loads(number, JSON_DECODE_ANY, &why);
	if (!json_is_number(value)) {
		json_decref(value);
		return refuse_text(input, text, err,
			strspn(number, "-0123456789") == strlen(number) && strlen(number) > 18
				? "is beyond 64 bits"
				: "is no number");
	}
	/* A float may be written as 5, which nodes refuse unless it becomes 5.0. */
	if (input->type == DEPLOY_TYPE_FLOAT && json_is_integer(value)) {
		*out = json_real((double)json_integer_value(value));
		json_decref(value);
	} else {
		*out = value;
	}
	return 0;
}

static int convert_json(json_t **out, const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err)
{
	json_error_t why;
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &why);

	if (!value) {
		deploy_error_hint(err, "%s:='%s'", input->name,
			input->type == DEPLOY_TYPE_ARRAY ? "[\"a\", \"b\"]"
							 : "{\"key\": \"value\"}");
		return refuse_text(input, text, err,
			input->type == DEPLOY_TYPE_ARRAY ? "is no array of JSON"
							 : "is no object of JSON");
	}
	*out = value;
	return 0;
}

/* A list may have members that are no texts. */
static json_t *find_member(const json_t *list, const char *text)
{
	json_t *member;
	size_t i;

	json_array_foreach(list, i, member)
	{
		char *written = json_is_string(member)
					? dp_xstrdup(json_string_value(member))
					: json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT |
								     JSON_REAL_PRECISION(15));
		bool is_same = written && strcmp(written, text) == 0;

		free(written);
		if (is_same)
			return json_incref(member);
	}
	return NULL;
}

int deploy_ddl_convert(json_t **out, const struct deploy_ddl_input *input, const char *text,
	struct deploy_error *err)
{
	*out = NULL;
	switch (input->type) {
	case DEPLOY_TYPE_BOOLEAN:
		return convert_boolean(out, input, text, err);
	case DEPLOY_TYPE_INTEGER:
	case DEPLOY_TYPE_FLOAT:
	case DEPLOY_TYPE_NUMBER:
		return convert_number(out, input, text, err);
	case DEPLOY_TYPE_ARRAY:
	case DEPLOY_TYPE_HASH:
		return convert_json(out, input, text, err);
	case DEPLOY_TYPE_LIST:
		*out = find_member(input->list, text);
		break;
	case DEPLOY_TYPE_STRING:
	case DEPLOY_TYPE_OTHER:
		break;
	}
	if (!*out)
		*out = json_string(text);
	return *out ? 0 : refuse_text(input, text, err, "is no text in UTF-8");
}

/* Rules. */

static void warn(json_t *warnings, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(json_t *warnings, const char *format, ...)
{
	char text[512], *escaped;
	va_list args;

	if (!warnings)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	escaped = deploy_text_escape(text, strlen(text));
	(void)json_array_append_new(warnings, json_string(escaped));
	free(escaped);
}

static size_t count_characters(const json_t *text)
{
	const char *at = json_string_value(text);
	size_t len = json_string_length(text), count = 0;

	for (size_t i = 0; i < len; i++)
		count += (at[i] & 0xc0) != 0x80;
	return count;
}

static int check_regex(const struct deploy_ddl_input *input, const json_t *value, json_t *warnings,
	struct deploy_error *err)
{
	struct deploy_error why = {.code = DEPLOY_OK};
	struct dp_regex *regex = NULL;
	int answer = -1;

	if (dp_regex_new(&regex, input->regex, strlen(input->regex), false, &why) == 0)
		answer = dp_regex_matches(
			regex, json_string_value(value), json_string_length(value));
	dp_regex_free(regex);
	if (answer < 0)
		warn(warnings, "input %s: only nodes can tell whether it matches %s%s%s",
			input->name, input->regex, why.code ? ": " : "", why.text);
	return answer == 0 ? refuse(input, value, err, "does not match %s", input->regex) : 0;
}

static int check_validator(const struct deploy_ddl_input *input, const json_t *value,
	json_t *warnings, struct deploy_error *err)
{
	const char *name = input->validator;

	/* A text is one whatever is said about it. */
	if (strcmp(name, "string") == 0)
		return 0;
	if (!dp_validator_is_known(name)) {
		warn(warnings, "input %s: only nodes can tell whether it is a %s", input->name,
			name);
		return 0;
	}
	if (dp_validator_holds(name, json_string_value(value), json_string_length(value)))
		return 0;
	return refuse(input, value, err, "does not match %s", name);
}

/* "a, b, c", cut. Caller frees. */
static char *list_text(const json_t *list)
{
	struct dp_buf text;
	json_t *member;
	size_t i;

	dp_buf_init(&text, 200);
	json_array_foreach(list, i, member)
	{
		char *shown = json_is_string(member)
				      ? dp_xstrdup(json_string_value(member))
				      : json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT);

		dp_buf_addf(&text, "%s%s", i ? ", " : "", shown ? shown : "");
		free(shown);
	}
	if (text.overflow) {
		/* What did not fit was left out whole. */
		text.overflow = false;
		text.limit += 16;
		dp_buf_add_text(&text, ", …");
	}
	dp_buf_add_text(&text, i ? "" : "nothing");
	return dp_buf_take(&text);
}

static int check_member(
	const struct deploy_ddl_input *input, const json_t *value, struct deploy_error *err)
{
	const json_t *member;
	size_t i;
	char *all;

	json_array_foreach(input->list, i, member)
	{
		/* Ruby has 1 and 1.0 for equal. */
		if (json_equal(member, value) ||
			(json_is_number(member) && json_is_number(value) &&
				json_number_value(member) <= json_number_value(value) &&
				json_number_value(member) >= json_number_value(value)))
			return 0;
	}
	all = list_text(input->list);
	(void)refuse(input, value, err, "is none of %s", all);
	free(all);
	return err->code;
}

static int check_string(const struct deploy_ddl_input *input, const json_t *value, json_t *warnings,
	struct deploy_error *err)
{
	if (!json_is_string(value))
		return refuse(input, value, err, "is no text");
	if (input->maxlength && count_characters(value) > input->maxlength)
		return refuse(input, value, err, "is longer than %zu characters", input->maxlength);
	if (input->regex)
		return check_regex(input, value, warnings, err);
	if (input->validator)
		return check_validator(input, value, warnings, err);
	return input->list ? check_member(input, value, err) : 0;
}

static int check_type(const struct deploy_ddl_input *input, const json_t *value, bool holds,
	const char *what, struct deploy_error *err)
{
	return holds ? 0 : refuse(input, value, err, "is no %s", what);
}

static int check_input(const struct deploy_ddl_input *input, const json_t *value, json_t *warnings,
	struct deploy_error *err)
{
	switch (input->type) {
	case DEPLOY_TYPE_STRING:
		return check_string(input, value, warnings, err);
	case DEPLOY_TYPE_INTEGER:
		return check_type(input, value, json_is_integer(value), "whole number", err);
	case DEPLOY_TYPE_FLOAT:
		return check_type(input, value, json_is_real(value), "float", err);
	case DEPLOY_TYPE_NUMBER:
		return check_type(input, value, json_is_number(value), "number", err);
	case DEPLOY_TYPE_BOOLEAN:
		return check_type(input, value, json_is_boolean(value), "boolean", err);
	case DEPLOY_TYPE_LIST:
		return check_member(input, value, err);
	case DEPLOY_TYPE_ARRAY:
		return check_type(input, value, json_is_array(value), "array", err);
	case DEPLOY_TYPE_HASH:
		return check_type(input, value, json_is_object(value), "hash", err);
	case DEPLOY_TYPE_OTHER:
		warn(warnings, "input %s: only nodes know the type %s", input->name,
			input->type_name);
		break;
	}
	return 0;
}

static int check_declared(const struct deploy_ddl_action *action, json_t *inputs, json_t *warnings,
	struct deploy_error *err)
{
	for (size_t i = 0; i < action->input_count; i++) {
		const struct deploy_ddl_input *input = &action->inputs[i];
		const json_t *value = json_object_get(inputs, input->name);

		if (!value && !input->is_optional)
			return deploy_error_set(err, DEPLOY_INPUT,
				"input %s is missing: action %s needs it (%s)", input->name,
				action->name, input->description);
		if (value && check_input(input, value, warnings, err))
			return err->code;
	}
	return 0;
}

int deploy_ddl_check(const struct deploy_ddl_action *action, json_t *inputs, json_t *warnings,
	struct deploy_error *err)
{
	const char *name;
	json_t *value;

	if (action->untyped_why) {
		warn(warnings, "the inputs of %s are not checked: %s", action->name,
			action->untyped_why);
		return 0;
	}
	for (size_t i = 0; i < action->input_count; i++) {
		const struct deploy_ddl_input *input = &action->inputs[i];

		if (!input->is_optional && input->preset && !json_object_get(inputs, input->name))
			(void)json_object_set_new(
				inputs, input->name, json_deep_copy(input->preset));
	}
	if (check_declared(action, inputs, warnings, err))
		return err->code;
	json_object_foreach(inputs, name, value) if (!deploy_ddl_input(action, name)) warn(
		warnings, "input %s: action %s declares none of that name", name, action->name);
	return 0;
}
