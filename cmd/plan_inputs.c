/* What a plan is told when it is run, put together from all who may tell it. */
#include "plan_inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_prompt.h"

static const struct deploy_playbook_input *find_input(
	const struct deploy_playbook *book, const char *name, size_t len)
{
	for (size_t i = 0; i < book->input_count; i++)
		if (strlen(book->inputs[i].name) == len &&
			memcmp(book->inputs[i].name, name, len) == 0)
			return &book->inputs[i];
	return NULL;
}

/* Null is what an optional input is that was not given. */
static void take_before(json_t *given, const struct deploy_playbook *book, const json_t *before)
{
	for (size_t i = 0; i < book->input_count; i++) {
		const struct deploy_playbook_input *input = &book->inputs[i];
		json_t *value = json_object_get(before, input->name);

		if (value && !json_is_null(value) && !input->is_secret)
			(void)json_object_set(given, input->name, value);
	}
}

/* All of it, though not more than may be read. It may be a socket, which has no name to open. */
static int read_stdin(struct deploy_yaml **doc, struct deploy_error *err)
{
	char *text = out_resize(NULL, DEPLOY_YAML_MAX_BYTES + 1);
	size_t len = fread(text, 1, DEPLOY_YAML_MAX_BYTES + 1, stdin);

	if (ferror(stdin))
		(void)deploy_error_set(err, DEPLOY_NO_INPUT, "stdin: %s", strerror(errno));
	else
		(void)deploy_yaml_read(doc, "stdin", text, len, err);
	clearerr(stdin);
	free(text);
	return err->code;
}

static int read_params(struct deploy_yaml **doc, const char *params, struct deploy_error *err)
{
	if (params[0] != '@' || !params[1]) {
		deploy_error_hint(err, "--params @FILE");
		return deploy_error_set(err, DEPLOY_USAGE,
			"--params %.200s: expected @FILE, or @- for stdin", params);
	}
	return strcmp(params, "@-") == 0 ? read_stdin(doc, err)
					 : deploy_yaml_read_file(doc, params + 1, err);
}

/* One by one, so that what is wrong with a value is told with its place. */
static int check_param(const struct deploy_playbook *book, const struct deploy_yaml *doc,
	const char *name, json_t *value, struct deploy_error *err)
{
	json_t *root = deploy_yaml_root(doc), *given = json_pack("{s:O}", name, value);
	bool is_known = find_input(book, name, strlen(name)) != NULL;
	struct deploy_error why = {.code = DEPLOY_OK};
	json_t *values, *missing;

	if (deploy_playbook_inputs(&values, &missing, book, given, NULL, &why)) {
		(void)deploy_yaml_fail(doc,
			is_known ? deploy_yaml_value(doc, root, name)
				 : deploy_yaml_key(doc, root, name),
			why.code, err, "%s", why.text);
		if (why.hint[0])
			deploy_error_hint(err, "%s", why.hint);
	}
	json_decref(values);
	json_decref(missing);
	json_decref(given);
	return err->code;
}

static int take_params(json_t *given, const struct deploy_playbook *book, const char *params,
	struct deploy_error *err)
{
	struct deploy_yaml *doc = NULL;
	json_t *root, *value;
	const char *name;

	if (read_params(&doc, params, err))
		return err->code;
	root = deploy_yaml_root(doc);
	if (!json_is_object(root))
		(void)deploy_error_set(err, DEPLOY_INPUT,
			"%s: expected a mapping, the name of each input and its value",
			deploy_yaml_name(doc));
	json_object_foreach(root, name, value)
	{
		if (check_param(book, doc, name, value, err))
			break;
		(void)json_object_set(given, name, value);
	}
	deploy_yaml_free(doc);
	return err->code;
}

/* A name is looked at before the value, of which an error may quote what is secret. */
static int check_name(
	const struct deploy_playbook *book, const char *word, size_t len, struct deploy_error *err)
{
	const struct deploy_playbook_input *input = find_input(book, word, len);
	json_t *given, *values, *missing;

	if (input && input->is_secret) {
		deploy_error_hint(err, "--params @FILE");
		return deploy_error_set(err, DEPLOY_USAGE,
			"input %s is secret: on a command line everybody here can read it; give it "
			"in a file, or at the prompt",
			input->name);
	}
	if (input)
		return 0;
	/* Which one was meant, if any was, is known there. */
	given = json_object();
	(void)json_object_setn_new(given, word, len, json_null());
	(void)deploy_playbook_inputs(&values, &missing, book, given, NULL, err);
	json_decref(given);
	json_decref(values);
	json_decref(missing);
	return err->code;
}

/* KEY:=JSON goes to given, KEY=VALUE to texts, which is converted by the input's type. */
static int take_word(json_t *given, json_t *texts, const struct deploy_playbook *book,
	const char *word, struct deploy_error *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : 0;
	bool is_json = len && word[len - 1] == ':';

	if (len - is_json && check_name(book, word, len - is_json, err))
		return err->code;
	return deploy_request_parse_input(is_json ? given : texts, word, err);
}

static int take_words(json_t *given, json_t *texts, const struct deploy_playbook *book,
	struct args words, struct deploy_error *err)
{
	json_t *values = json_object();

	for (int i = 0; i < words.count && !err->code; i++)
		(void)take_word(values, texts, book, words.values[i], err);
	(void)json_object_update(given, values);
	json_decref(values);
	return err->code;
}

/* All of them, and how they may be given. */
static int fail_by_missing(
	const struct deploy_playbook *book, const json_t *missing, struct deploy_error *err)
{
	size_t count = json_array_size(missing), size = 0, i;
	bool has_secret = false;
	char *list = NULL, *hint = NULL;
	FILE *names = open_memstream(&list, &size), *example = open_memstream(&hint, &size);
	const json_t *item;

	if (!names || !example)
		abort();
	json_array_foreach(missing, i, item)
	{
		const char *name = json_string_value(item);
		const struct deploy_playbook_input *input = find_input(book, name, strlen(name));

		(void)fprintf(names, "%s%s", i ? ", " : "", name);
		if (input && input->is_secret)
			has_secret = true;
		else
			(void)fprintf(example, "%s%s=...", ftell(example) ? " " : "", name);
	}
	(void)fclose(names);
	(void)fclose(example);
	deploy_error_hint(err, "%s%s%s", hint, hint[0] && has_secret ? " " : "",
		has_secret ? "--params @FILE" : "");
	(void)deploy_error_set(err, DEPLOY_USAGE, "%s wants to be told %zu more input%s: %s",
		book->name, count, count == 1 ? "" : "s", list);
	free(list);
	free(hint);
	return err->code;
}

static int ask_for(json_t **out, const struct ctx *ctx, const struct deploy_playbook *book,
	json_t *given, json_t *texts, json_t *missing, struct deploy_error *err)
{
	json_t *still = NULL;

	*out = NULL;
	if (plan_prompt(ctx, book, missing, texts, err) == 0)
		(void)deploy_playbook_inputs(out, &still, book, given, texts, err);
	json_decref(still);
	return err->code;
}

/* What is known, and then what is not. */
static int complete(json_t **out, const struct ctx *ctx, const struct deploy_playbook *book,
	json_t *given, json_t *texts, bool may_ask, struct deploy_error *err)
{
	json_t *missing;

	if (deploy_playbook_inputs(out, &missing, book, given, texts, err))
		return err->code;
	if (json_array_size(missing)) {
		json_decref(*out);
		*out = NULL;
		if (may_ask && plan_prompt_is_possible())
			(void)ask_for(out, ctx, book, given, texts, missing, err);
		else
			(void)fail_by_missing(book, missing, err);
	}
	json_decref(missing);
	return err->code;
}

int plan_inputs(json_t **out, struct ctx *ctx, const struct deploy_playbook *book,
	struct args words, const char *params, bool may_ask, json_t *before,
	struct deploy_error *err)
{
	json_t *given = json_object(), *texts = json_object();

	*out = NULL;
	take_before(given, book, before);
	if ((!params || take_params(given, book, params, err) == 0) &&
		take_words(given, texts, book, words, err) == 0)
		(void)complete(out, ctx, book, given, texts, may_ask, err);
	json_decref(given);
	json_decref(texts);
	return err->code;
}
