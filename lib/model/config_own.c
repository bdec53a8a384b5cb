/* The keys of a file or of a context, one after the other. */
#include "model/config_own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "model/config_own_value.h"

#define MAX_CONTEXT_BYTES 64
#define GROUP_BYTES	  64

/* A key with a dot is in a mapping of its first part. */
static const char *const groups[] = {"guard", "keep", "role_facts", "puppet"};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* ^[A-Za-z0-9_.-]{1,64}$ */
static bool is_context_name(const char *name)
{
	size_t len = strlen(name);

	return len <= MAX_CONTEXT_BYTES && deploy_identity_is_valid(name, len);
}

/* prefix: "guard." within it. */
static int refuse_key(const struct dp_own *own, const json_t *object, const char *prefix,
	const char *key, struct deploy_error *err)
{
	const char *names[DP_KEYS + GROUPS + 2], *close;
	char name[GROUP_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < DP_KEYS; i++)
		if (*prefix ? strncmp(dp_keys[i].name, prefix, strlen(prefix)) == 0
			    : !strchr(dp_keys[i].name, '.'))
			names[count++] = dp_keys[i].name;
	if (!*prefix) {
		for (size_t i = 0; i < GROUPS; i++)
			names[count++] = groups[i];
		names[count++] = "context";
		names[count++] = "contexts";
	}
	(void)deploy_yaml_fail(own->doc, deploy_yaml_key(own->doc, object, key), DEPLOY_CONFIG, err,
		"unknown key '%s%s'", prefix, key);
	(void)snprintf(name, sizeof(name), "%s%s", prefix, key);
	close = deploy_text_suggest(name, names, count);
	if (close)
		deploy_error_hint(err, "did you mean '%s'?", close + strlen(prefix));
	return err->code;
}

static void note_block(struct dp_own *own, const json_t *object, enum dp_key_id id)
{
	struct dp_source *source = own->source;
	unsigned line;

	if (own->is_check || !dp_keys[id].is_block || (source->block_key && id != DP_KEY_BROKERS))
		return;
	line = deploy_yaml_key(own->doc, object, dp_keys[id].name).line;
	if (!source->block_key) {
		source->block_key = dp_keys[id].name;
		source->block_line = line;
	}
	if (id == DP_KEY_BROKERS)
		source->brokers_line = line;
}

static int read_key(struct dp_own *own, const json_t *object, const char *prefix, const char *key,
	json_t *value, struct deploy_error *err)
{
	char name[GROUP_BYTES];
	enum dp_key_id id = DP_KEYS;

	if ((size_t)snprintf(name, sizeof(name), "%s%s", prefix, key) < sizeof(name))
		id = dp_key_find(name);
	if (id == DP_KEYS || (!*prefix && strchr(name, '.')))
		return refuse_key(own, object, prefix, key, err);
	note_block(own, object, id);
	return dp_own_read_value(own, id, dp_own_at_key(object, key, value), err);
}

static bool is_group(const char *key)
{
	for (size_t i = 0; i < GROUPS; i++)
		if (strcmp(groups[i], key) == 0)
			return true;
	return false;
}

static int read_group(struct dp_own *own, const json_t *object, const char *group, json_t *value,
	struct deploy_error *err)
{
	char prefix[GROUP_BYTES];
	const char *key;
	json_t *child;

	(void)snprintf(prefix, sizeof(prefix), "%s.", group);
	if (!json_is_object(value))
		return deploy_yaml_fail(own->doc, deploy_yaml_value(own->doc, object, group),
			DEPLOY_CONFIG, err, "%s wants a mapping", group);
	json_object_foreach(value, key, child)
	{
		if (read_key(own, value, prefix, key, child, err))
			return err->code;
	}
	return 0;
}

/* What brokers say wins over what stands beside them, so they come last. */
static int read_mapping(struct dp_own *own, json_t *object, bool is_top, struct deploy_error *err)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(object, key, value)
	{
		if (is_top && (strcmp(key, "context") == 0 || strcmp(key, "contexts") == 0))
			continue;
		rc = is_group(key) ? read_group(own, object, key, value, err)
				   : read_key(own, object, "", key, value, err);
		if (rc)
			break;
	}
	if (!rc && own->brokers.value)
		rc = dp_own_read_brokers(own, err);
	dp_own_forget(own);
	return rc;
}

static json_t *contexts_of(const struct dp_own_file *file)
{
	return json_object_get(deploy_yaml_root(file->doc), "contexts");
}

static char *where(const struct dp_own_file *file, const char *context)
{
	return context ? dp_xasprintf("%s: context '%s'", file->path, context)
		       : dp_xstrdup(file->path);
}

static int read_part(struct dp_source *source, const struct dp_own_file *file, const char *context,
	json_t *object, bool is_check, struct deploy_error *err)
{
	struct dp_own own = {
		.doc = file->doc, .path = file->path, .source = source, .is_check = is_check};

	source->where = where(file, context);
	source->path = dp_xstrdup(file->path);
	return read_mapping(&own, object, !context, err);
}

/* Read, only to see whether it can be. */
static int check_part(const struct dp_own_file *file, const char *context, json_t *object,
	struct deploy_error *err)
{
	struct dp_source source = {0};
	int rc = read_part(&source, file, context, object, true, err);

	dp_source_release(&source);
	return rc;
}

static int check_contexts(const struct dp_own_file *file, struct deploy_error *err)
{
	json_t *root = deploy_yaml_root(file->doc), *contexts = contexts_of(file), *context;
	const char *name;

	if (!contexts)
		return 0;
	if (!json_is_object(contexts))
		return deploy_yaml_fail(file->doc, deploy_yaml_value(file->doc, root, "contexts"),
			DEPLOY_CONFIG, err, "contexts wants a mapping of names to settings");
	json_object_foreach(contexts, name, context)
	{
		if (!is_context_name(name))
			return deploy_yaml_fail(file->doc,
				deploy_yaml_key(file->doc, contexts, name), DEPLOY_CONFIG, err,
				"'%s' is no name of a context: A-Z a-z 0-9 _ . -, at most %d", name,
				MAX_CONTEXT_BYTES);
		if (!json_is_object(context))
			return deploy_yaml_fail(file->doc,
				deploy_yaml_value(file->doc, contexts, name), DEPLOY_CONFIG, err,
				"context '%s' wants a mapping of settings", name);
		if (check_part(file, name, context, err))
			return err->code;
	}
	return 0;
}

static int read_choice(struct dp_own_file *file, struct deploy_error *err)
{
	json_t *root = deploy_yaml_root(file->doc), *choice = json_object_get(root, "context");

	if (!choice)
		return 0;
	file->context_place = deploy_yaml_value(file->doc, root, "context");
	file->context = json_string_value(choice);
	if (file->context && is_context_name(file->context))
		return 0;
	return deploy_yaml_fail(file->doc, file->context_place, DEPLOY_CONFIG, err,
		"context wants the name of one of the contexts");
}

int dp_own_open(struct dp_own_file *file, const char *path, const struct dp_file *text,
	struct deploy_error *err)
{
	json_t *root;

	file->path = dp_xstrdup(path);
	if (deploy_yaml_read(&file->doc, path, dp_buf_text(&text->text), text->text.len, err)) {
		err->code = DEPLOY_CONFIG;
		return err->code;
	}
	root = deploy_yaml_root(file->doc);
	if (json_is_null(root))
		return 0;
	if (!json_is_object(root))
		return deploy_error_set(err, DEPLOY_CONFIG,
			"%s: a configuration is a mapping of keys to values", path);
	if (check_part(file, NULL, root, err) || check_contexts(file, err))
		return err->code;
	return read_choice(file, err);
}

void dp_own_release(struct dp_own_file *file)
{
	free(file->path);
	deploy_yaml_free(file->doc);
	*file = (struct dp_own_file){0};
}

bool dp_own_read(struct dp_source *source, const struct dp_own_file *file, const char *context)
{
	json_t *root = deploy_yaml_root(file->doc);
	json_t *object = context ? json_object_get(contexts_of(file), context) : root;
	struct deploy_error ignored = {.code = DEPLOY_OK};

	/* An empty file is null; and dp_own_open() has seen all errors that there can be. */
	if (json_is_object(object))
		(void)read_part(source, file, context, object, false, &ignored);
	return object != NULL;
}

const char **dp_own_contexts(const struct dp_own_file *file, size_t *count)
{
	json_t *contexts = contexts_of(file), *context;
	const char **names = dp_xcalloc(json_object_size(contexts), sizeof(*names)), *name;

	*count = 0;
	json_object_foreach(contexts, name, context)
	{
		names[(*count)++] = name;
	}
	return names;
}
