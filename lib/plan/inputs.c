/* What a plan is told: values from several sources, converted and checked by its declarations. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/ddl.h"
#include "deploy/playbook.h"
#include "deploy/text.h"
#include "plan/reader.h"

#define MASK "***"

/* A DDL owns its texts; here it has them on loan. */
static char *borrow(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* Inputs of a plan have the rules that inputs of agents have. */
static struct deploy_ddl_input as_ddl(const struct deploy_playbook_input *input)
{
	static const enum deploy_ddl_type types[] = {
		[DEPLOY_INPUT_STRING] = DEPLOY_TYPE_STRING,
		[DEPLOY_INPUT_INTEGER] = DEPLOY_TYPE_INTEGER,
		[DEPLOY_INPUT_NUMBER] = DEPLOY_TYPE_NUMBER,
		[DEPLOY_INPUT_BOOLEAN] = DEPLOY_TYPE_BOOLEAN,
		[DEPLOY_INPUT_LIST] = DEPLOY_TYPE_LIST,
		[DEPLOY_INPUT_ARRAY] = DEPLOY_TYPE_ARRAY,
	};

	return (struct deploy_ddl_input){.name = borrow(input->name),
		.type = types[input->type],
		.type_name = borrow(deploy_input_type_name(input->type)),
		.regex = borrow(input->match),
		.list = input->values};
}

/* ^ and $ of Ruby match at every line, which nobody thinks of who writes ^[a-z]+$. */
static int check_lines(
	const struct deploy_playbook_input *input, json_t *value, struct deploy_error *err)
{
	if (!input->match || !json_is_string(value) ||
		!memchr(json_string_value(value), '\n', json_string_length(value)))
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT,
		"input %s: has to match %s, and has several lines", input->name, input->match);
}

/* What cannot be told is refused as well: nobody else will look. */
static int check_rules(
	const struct deploy_playbook_input *input, json_t *value, struct deploy_error *err)
{
	struct deploy_ddl_input rules = as_ddl(input);
	const struct deploy_ddl_action action = {
		.name = borrow("plan"), .inputs = &rules, .input_count = 1};
	json_t *inputs = json_object(), *doubts = json_array();

	(void)json_object_set_nocheck(inputs, input->name, value);
	(void)deploy_ddl_check(&action, inputs, doubts, err);
	if (!err->code && json_array_size(doubts))
		(void)deploy_error_set(err, DEPLOY_INPUT,
			"input %s: it takes too long to tell whether it matches %s", input->name,
			input->match);
	json_decref(inputs);
	json_decref(doubts);
	return err->code;
}

/* An error of a secret input must not quote it. */
static int hide(const struct deploy_playbook_input *input, struct deploy_error *err)
{
	if (!err->code || !input->is_secret)
		return err->code;
	*err = (struct deploy_error){.code = DEPLOY_OK};
	return deploy_error_set(err, DEPLOY_INPUT,
		"input %s: what was given, which is secret, is not what the plan takes: %s%s%s",
		input->name, deploy_input_type_name(input->type), input->match ? ", matching " : "",
		input->match ? input->match : "");
}

int dp_plan_input_check(
	const struct deploy_playbook_input *input, json_t *value, struct deploy_error *err)
{
	if (!check_lines(input, value, err))
		(void)check_rules(input, value, err);
	return hide(input, err);
}

static int convert(json_t **out, const struct deploy_playbook_input *input, const char *word,
	struct deploy_error *err)
{
	const struct deploy_ddl_input rules = as_ddl(input);

	(void)deploy_ddl_convert(out, &rules, word, err);
	return hide(input, err);
}

static const struct deploy_playbook_input *find(
	const struct deploy_playbook *book, const char *name)
{
	for (size_t i = 0; i < book->input_count; i++)
		if (strcmp(book->inputs[i].name, name) == 0)
			return &book->inputs[i];
	return NULL;
}

static int unknown_input(
	const struct deploy_playbook *book, const char *name, struct deploy_error *err)
{
	const char **names = dp_xcalloc(book->input_count + 1, sizeof(*names)), *meant;
	char *shown = deploy_text_escape(name, strlen(name));

	for (size_t i = 0; i < book->input_count; i++)
		names[i] = book->inputs[i].name;
	meant = deploy_text_suggest(name, names, book->input_count);
	if (meant)
		deploy_error_hint(err, "%s=...", meant);
	(void)deploy_error_set(err, DEPLOY_INPUT, "%s has no input %.100s", book->name, shown);
	free(shown);
	free(names);
	return err->code;
}

static int check_names(const struct deploy_playbook *book, json_t *values, struct deploy_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(values, name, value) if (!find(book, name)) return unknown_input(
		book, name, err);
	return 0;
}

/* A new reference; NULL without an error: nothing was given. */
static json_t *take(const struct deploy_playbook_input *input, json_t *given, json_t *words,
	struct deploy_error *err)
{
	const char *word = json_string_value(json_object_get(words, input->name));
	json_t *value = json_incref(json_object_get(given, input->name));

	if (word) {
		json_decref(value);
		value = NULL;
		(void)convert(&value, input, word, err);
	}
	if (value && !err->code && !(json_is_null(value) && input->is_optional))
		(void)dp_plan_input_check(input, value, err);
	if (err->code || value)
		return value;
	if (input->preset)
		return json_deep_copy(input->preset);
	return input->is_optional ? json_null() : NULL;
}

int deploy_playbook_inputs(json_t **out, json_t **missing, const struct deploy_playbook *book,
	json_t *given, json_t *words, struct deploy_error *err)
{
	*out = json_object();
	*missing = json_array();
	if (!check_names(book, given, err))
		(void)check_names(book, words, err);
	for (size_t i = 0; i < book->input_count && !err->code; i++) {
		const struct deploy_playbook_input *input = &book->inputs[i];
		json_t *value = take(input, given, words, err);

		if (!value && !err->code)
			(void)json_array_append_new(*missing, json_string(input->name));
		if (value)
			(void)json_object_set_new_nocheck(*out, input->name, value);
	}
	if (!err->code)
		return 0;
	json_decref(*out);
	json_decref(*missing);
	*out = *missing = NULL;
	return err->code;
}

json_t *deploy_playbook_mask(const struct deploy_playbook *book, json_t *inputs)
{
	json_t *masked = json_copy(inputs);

	for (size_t i = 0; i < book->input_count; i++)
		if (book->inputs[i].is_secret && json_object_get(inputs, book->inputs[i].name))
			(void)json_object_set_new(masked, book->inputs[i].name, json_string(MASK));
	return masked;
}
