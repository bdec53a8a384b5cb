/* Node lists as text, JSON and YAML. */
#include "deploy/nodelist.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/yaml.h"
#include "model/input_file.h"

/* A list that is being read. */
struct list {
	struct deploy_nodeset *set;
	const char *name;
	struct deploy_error *err;
};

static int add_name(struct list *list, const char *name, const char *where, size_t number)
{
	if (deploy_nodeset_add(list->set, name, list->err))
		return deploy_error_wrap(list->err, "%s: %s %zu", list->name, where, number);
	return 0;
}

/* The node that an object is about, or NULL. */
static const char *name_of(const json_t *item)
{
	static const char *const keys[] = {"sender", "node", "certname"};

	if (json_is_string(item))
		return json_string_value(item);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *name = json_object_get(item, keys[i]);

		if (json_is_string(name))
			return json_string_value(name);
	}
	return NULL;
}

static int take_names(struct list *list, const json_t *names, const char *where)
{
	const json_t *name;
	size_t index;

	json_array_foreach(names, index, name)
	{
		if (!json_is_string(name))
			return deploy_error_set(list->err, DEPLOY_INPUT, "%s: %s %zu is no name",
				list->name, where, index + 1);
		if (add_name(list, json_string_value(name), where, index + 1))
			return list->err->code;
	}
	return 0;
}

/* Items of facts name several nodes each, all others one. */
static int take_items(struct list *list, const json_t *items)
{
	const json_t *item;
	size_t index;

	json_array_foreach(items, index, item)
	{
		const json_t *nodes = json_object_get(item, "nodes");
		const char *name = name_of(item);
		int rc;

		if (!name && json_is_array(nodes))
			rc = take_names(list, nodes, "node");
		else if (name)
			rc = add_name(list, name, "item", index + 1);
		else
			rc = deploy_error_set(list->err, DEPLOY_INPUT,
				"%s: item %zu names no node: neither sender nor node nor certname",
				list->name, index + 1);
		if (rc)
			return rc;
	}
	return 0;
}

static int take_document(struct list *list, const json_t *root)
{
	const json_t *items = json_object_get(root, "items");

	if (json_is_null(root))
		return 0;
	if (json_is_array(root))
		return take_items(list, root);
	if (json_is_array(items))
		return take_items(list, items);
	return deploy_error_set(list->err, DEPLOY_INPUT,
		"%s: neither a list of nodes nor a document with items", list->name);
}

static int take_json(struct list *list, const char *text, size_t len)
{
	json_error_t problem;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	int rc;

	if (!root)
		return deploy_error_set(list->err, DEPLOY_INPUT, "%s:%d:%d: %s", list->name,
			problem.line, problem.column, problem.text);
	rc = take_document(list, root);
	json_decref(root);
	return rc;
}

static int take_yaml(struct list *list, const char *text, size_t len)
{
	struct deploy_yaml *doc = NULL;
	int rc = deploy_yaml_read(&doc, list->name, text, len, list->err);

	if (!rc)
		rc = take_document(list, deploy_yaml_root(doc));
	deploy_yaml_free(doc);
	return rc;
}

static int take_line(struct list *list, const char *line, size_t len, size_t number)
{
	size_t comment = 0;
	char *copy;
	int rc;

	while (comment < len && line[comment] != '#')
		comment++;
	len = comment;
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	while (len && strchr(" \t", *line)) {
		line++;
		len--;
	}
	if (!len)
		return 0;
	copy = dp_xstrndup(line, len);
	rc = deploy_nodeset_parse(list->set, copy, list->err);
	free(copy);
	return rc ? deploy_error_wrap(list->err, "%s:%zu", list->name, number) : 0;
}

static int take_lines(struct list *list, const char *text, size_t len)
{
	size_t number = 0;

	while (len && !list->err->code) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		(void)take_line(list, text, line, ++number);
		text += line + (end ? 1 : 0);
		len -= line + (end ? 1 : 0);
	}
	return list->err->code;
}

/* The first line that says something; *len is 0 if none does. */
static const char *first_line(const char *text, size_t size, size_t *len)
{
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t line = end ? (size_t)(end - text) : size, skip = 0;

		while (skip < line && strchr(" \t\r", text[skip]))
			skip++;
		if (skip < line && text[skip] != '#') {
			*len = line - skip;
			return text + skip;
		}
		text += line + (end ? 1 : 0);
		size -= line + (end ? 1 : 0);
	}
	*len = 0;
	return text;
}

static bool is_yaml(const char *line, size_t len)
{
	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	if (len >= 3 && memcmp(line, "---", 3) == 0)
		return true;
	if (len >= 2 && memcmp(line, "- ", 2) == 0)
		return true;
	for (size_t i = 0; i + 1 < len; i++)
		if (line[i] == ':' && line[i + 1] == ' ')
			return true;
	return len && line[len - 1] == ':';
}

int deploy_nodelist_parse(struct deploy_nodeset *set, const char *name, const char *text,
	size_t len, struct deploy_error *err)
{
	struct list list = {set, name, err};
	size_t first_len;
	const char *first;

	if (memchr(text, '\0', len))
		return deploy_error_set(err, DEPLOY_INPUT, "%s: no text, it holds a NUL", name);
	first = first_line(text, len, &first_len);
	if (first_len && strchr("[{", *first))
		return take_json(&list, text, len);
	if (is_yaml(first, first_len))
		return take_yaml(&list, text, len);
	return take_lines(&list, text, len);
}

int deploy_nodelist_read(struct deploy_nodeset *set, const char *path, struct deploy_error *err)
{
	struct dp_buf text;
	int rc = dp_input_read(&text, path, DEPLOY_NODELIST_MAX_BYTES, err);

	if (!rc)
		rc = deploy_nodelist_parse(
			set, dp_input_name(path), dp_buf_text(&text), text.len, err);
	dp_buf_release(&text);
	return rc;
}
