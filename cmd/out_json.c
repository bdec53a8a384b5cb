/* Documents on stdout: JSON, lines of it, and YAML. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"
#include "out_parts.h"

/* DEL is the one control character that JSON lets stand; a terminal need not see it. */
static int write_json(const char *bytes, size_t len, void *arg)
{
	struct out *out = arg;
	const char *del;

	while (out->is_terminal && (del = memchr(bytes, 0x7f, len))) {
		out_bytes(out, bytes, (size_t)(del - bytes));
		out_bytes(out, "\\u007f", 6);
		len -= (size_t)(del + 1 - bytes);
		bytes = del + 1;
	}
	out_bytes(out, bytes, len);
	return 0;
}

/* The fewest digits that read back as the same number. */
static size_t precision_of_real(double value)
{
	size_t precision;
	char text[40];

	for (precision = 15; precision < 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", (int)precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return precision;
}

/* jansson prints all reals with one precision: the least that loses nothing, so that 0.1 stays 0.1.
 */
static size_t precision_of(json_t *value)
{
	size_t most = 15, one, index;
	const char *key;
	json_t *child;

	if (json_is_real(value))
		return precision_of_real(json_real_value(value));
	json_object_foreach(value, key, child) if (most < 17 && (one = precision_of(child)) > most)
		most = one;
	json_array_foreach(value, index, child) if (most < 17 && (one = precision_of(child)) > most)
		most = one;
	return most;
}

/* To a terminal everything beyond ASCII is written as \uXXXX: C1 controls, overrides of direction.
 */
static void print_json(struct out *out, json_t *value, size_t flags)
{
	flags |= JSON_REAL_PRECISION(precision_of(value));
	if (out->is_terminal)
		flags |= JSON_ENSURE_ASCII;
	if (json_dump_callback(value, write_json, out, flags | JSON_ENCODE_ANY) != 0)
		out_fail(out, EILSEQ);
	out_bytes(out, "\n", 1);
}

static void print_yaml(struct out *out, const json_t *value)
{
	char *text = deploy_yaml_print(value);

	out_bytes(out, text, strlen(text));
	free(text);
}

void out_json_line(struct out *out, json_t *value)
{
	print_json(out, value, JSON_COMPACT);
}

void out_lines(struct out *out, const char *type, const json_t *items)
{
	json_t *item, *line;
	size_t i;

	if (out->options.format != OUT_JSONL)
		return;
	json_array_foreach(items, i, item)
	{
		line = json_pack("{s:s, s:I}", "type", type, "seq", (json_int_t)i + 1);
		(void)json_object_update(line, item);
		out_json_line(out, line);
		json_decref(line);
	}
}

/* Errors may quote what others sent: JSON takes UTF-8 only. */
static json_t *json_text(const char *text)
{
	size_t len = strlen(text);
	char *escaped;
	json_t *value;

	if (deploy_text_is_utf8(text, len))
		return json_stringn(text, len);
	escaped = deploy_text_escape(text, len);
	value = json_string(escaped);
	free(escaped);
	return value;
}

static json_t *json_errors(const struct deploy_error *err)
{
	json_t *list = json_array(), *entry;

	if (err->code == DEPLOY_OK)
		return list;
	entry = json_pack(
		"{s:s, s:o}", "code", deploy_code_name(err->code), "text", json_text(err->text));
	if (err->hint[0] != '\0')
		(void)json_object_set_new(entry, "hint", json_text(err->hint));
	(void)json_array_append_new(list, entry);
	return list;
}

void out_set_run(struct out *out, const char *id)
{
	(void)snprintf(out->run, sizeof(out->run), "%s", id);
}

void out_document(struct out *out, const char *kind, json_t *items, json_t *summary, int status,
	const struct deploy_error *err)
{
	bool is_line = out->options.format == OUT_JSONL;
	json_t *document;

	if (!out_is_document(out) && !is_line)
		return;
	out->has_document = true;
	items = items ? json_incref(items) : json_array();
	summary = summary ? json_incref(summary) : json_object();
	if (out->options.mco_json) {
		print_json(out, items, out->is_terminal ? JSON_INDENT(2) : JSON_COMPACT);
		json_decref(items);
		json_decref(summary);
		return;
	}
	document = is_line ? json_pack("{s:s}", "type", "summary") : json_object();
	(void)json_object_set_new(document, "schema", json_string("deployctl/v1"));
	(void)json_object_set_new(document, "kind", json_string(kind));
	(void)json_object_set_new(
		document, "run", out->run[0] ? json_string(out->run) : json_null());
	if (is_line)
		json_decref(items);
	else
		(void)json_object_set_new(document, "items", items);
	(void)json_object_set_new(document, "summary", summary);
	(void)json_object_set_new(document, "exit",
		json_pack("{s:i, s:s}", "code", status, "name", exit_name(status)));
	(void)json_object_set_new(document, "errors", json_errors(err));
	if (out->options.format == OUT_YAML)
		print_yaml(out, document);
	else
		print_json(out, document, is_line ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(document);
}
