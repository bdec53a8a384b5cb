/* DDLs: see deploy/ddl.h. Finding and reading files, looking things up, the whole as JSON. */
#include "deploy/ddl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/error.h"
#include "deploy/text.h"
#include "model/ddl_parts.h"

#define MAX_AGENT_BYTES 255

const char *deploy_ddl_kind_name(enum deploy_ddl_kind kind)
{
	return kind == DEPLOY_DDL_DATA ? "data" : "agent";
}

const char *deploy_ddl_display_name(enum deploy_ddl_display display)
{
	static const char *const names[] = {"failed", "ok", "always"};

	return names[display];
}

static bool ends_in(const char *text, const char *ending)
{
	size_t len = strlen(text), ending_len = strlen(ending);

	return len > ending_len && strcmp(text + len - ending_len, ending) == 0;
}

char *deploy_ddl_agent(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return dp_xstrndup(name, dot ? (size_t)(dot - name) : strlen(name));
}

static struct deploy_ddl *make(const char *path)
{
	struct deploy_ddl *ddl = dp_xcalloc(1, sizeof(*ddl));
	char **const words[] = {&ddl->name, &ddl->description, &ddl->author, &ddl->license,
		&ddl->version, &ddl->url};

	ddl->agent = deploy_ddl_agent(path);
	ddl->path = dp_xstrdup(path);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		*words[i] = dp_xstrdup("");
	return ddl;
}

int deploy_ddl_read(struct deploy_ddl **out, const char *path, const char *text, size_t len,
	struct deploy_error *err)
{
	struct deploy_ddl *ddl = make(path);

	*out = NULL;
	if (len > DEPLOY_DDL_MAX_BYTES)
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s: more than 1 MiB", path);
	else if (!deploy_text_is_utf8(text, len))
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s: no text in UTF-8", path);
	else if (ends_in(path, ".json"))
		(void)dp_ddl_read_json(ddl, text, len, err);
	else
		(void)dp_ddl_read_ruby(ddl, text, len, err);
	if (err->code)
		deploy_ddl_free(ddl);
	else
		*out = ddl;
	return err->code;
}

/* -1: errno says why. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

int deploy_ddl_read_file(struct deploy_ddl **out, const char *path, struct deploy_error *err)
{
	int fd = open_file(path);
	struct dp_buf text;

	*out = NULL;
	/* One byte more tells that there is too much. */
	dp_buf_init(&text, DEPLOY_DDL_MAX_BYTES + 4096);
	if (fd < 0 || dp_buf_read(&text, fd))
		(void)deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", path,
			errno == EINVAL ? "not a regular file" : strerror(errno));
	else if (text.overflow)
		(void)deploy_error_set(err, DEPLOY_INPUT, "%s: more than 1 MiB", path);
	else
		(void)deploy_ddl_read(out, path, dp_buf_text(&text), text.len, err);
	if (fd >= 0)
		(void)close(fd);
	dp_buf_release(&text);
	return err->code;
}

/* Words that may become a part of a path. */
static bool is_agent_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= MAX_AGENT_BYTES &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       len;
}

int deploy_ddl_find(struct deploy_ddl **out, char *const *dirs, size_t count, const char *agent,
	struct deploy_error *err)
{
	static const char *const endings[] = {"json", "ddl"};
	struct stat st;

	*out = NULL;
	for (size_t i = 0; is_agent_name(agent) && !*out && !err->code && i < 2 * count; i++) {
		char *path = dp_xasprintf("%s/agent/%s.%s", dirs[i / 2], agent, endings[i % 2]);

		if (stat(path, &st) == 0)
			(void)deploy_ddl_read_file(out, path, err);
		free(path);
	}
	return err->code;
}

/* found: agent → path; in an object, because that finds names fast. */
static void list_folder(json_t *found, const char *dir, const char *ending)
{
	char *folder = dp_xasprintf("%s/agent", dir), *name;
	DIR *entries = opendir(folder);
	const struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		if (!ends_in(entry->d_name, ending))
			continue;
		name = deploy_ddl_agent(entry->d_name);
		if (is_agent_name(name) && !json_object_get(found, name)) {
			char *path = dp_xasprintf("%s/%s", folder, entry->d_name);

			(void)json_object_set_new(found, name, json_string(path));
			free(path);
		}
		free(name);
	}
	if (entries)
		(void)closedir(entries);
	free(folder);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

json_t *deploy_ddl_list(char *const *dirs, size_t count)
{
	json_t *found = json_object(), *list = json_array(), *path;
	const char **names, *name;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		list_folder(found, dirs[i], ".json");
		list_folder(found, dirs[i], ".ddl");
	}
	names = dp_xcalloc(json_object_size(found) + 1, sizeof(*names));
	json_object_foreach(found, name, path) names[n++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append(list, json_object_get(found, names[i]));
	free(names);
	json_decref(found);
	return list;
}

/* Looking up. */

const struct deploy_ddl_action *deploy_ddl_action(
	const struct deploy_ddl *ddl, const char *name, struct deploy_error *err)
{
	const char **names = dp_xcalloc(ddl->action_count + 1, sizeof(*names)), *meant;
	const struct deploy_ddl_action *found = NULL;

	for (size_t i = 0; i < ddl->action_count; i++) {
		names[i] = ddl->actions[i].name;
		if (strcmp(names[i], name) == 0)
			found = &ddl->actions[i];
	}
	if (!found) {
		meant = deploy_text_suggest(name, names, ddl->action_count);
		if (meant)
			deploy_error_hint(err, "%s %s", ddl->agent, meant);
		(void)deploy_error_set(err, DEPLOY_INPUT, "agent %s has no action \"%s\" (%s)",
			ddl->agent, name, ddl->path);
	}
	free(names);
	return found;
}

const struct deploy_ddl_input *deploy_ddl_input(
	const struct deploy_ddl_action *action, const char *name)
{
	for (size_t i = 0; i < action->input_count; i++)
		if (strcmp(action->inputs[i].name, name) == 0)
			return &action->inputs[i];
	return NULL;
}

const struct deploy_ddl_output *deploy_ddl_output(
	const struct deploy_ddl_action *action, const char *name)
{
	for (size_t i = 0; i < action->output_count; i++)
		if (strcmp(action->outputs[i].name, name) == 0)
			return &action->outputs[i];
	return NULL;
}

/* As JSON. */

static json_t *input_json(const struct deploy_ddl_input *input)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:b, s:O?}", "input", input->name, "prompt",
		input->prompt, "description", input->description, "type", input->type_name,
		"optional", input->is_optional, "default", input->preset);

	if (input->regex)
		(void)json_object_set_new(json, "regex", json_string(input->regex));
	if (input->validator)
		(void)json_object_set_new(json, "validator", json_string(input->validator));
	if (input->list)
		(void)json_object_set(json, "list", input->list);
	if (input->type == DEPLOY_TYPE_STRING)
		(void)json_object_set_new(
			json, "maxlength", json_integer((json_int_t)input->maxlength));
	return json;
}

static json_t *output_json(const struct deploy_ddl_output *output)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "output", output->name, "description",
		output->description, "display_as", output->display_as);

	(void)json_object_set_new(
		json, "default", output->preset ? json_incref(output->preset) : json_null());
	if (output->type[0])
		(void)json_object_set_new(json, "type", json_string(output->type));
	return json;
}

static json_t *aggregate_json(const struct deploy_ddl_aggregate *aggregate)
{
	json_t *json = json_pack(
		"{s:s, s:s}", "function", aggregate->function, "output", aggregate->output);

	if (aggregate->arguments)
		(void)json_object_set(json, "arguments", aggregate->arguments);
	if (aggregate->format)
		(void)json_object_set_new(json, "format", json_string(aggregate->format));
	return json;
}

static json_t *action_json(const struct deploy_ddl_action *action)
{
	json_t *inputs = json_array(), *outputs = json_array(), *aggregates = json_array();
	json_t *json = json_pack("{s:s, s:s, s:s}", "action", action->name, "description",
		action->description, "display", deploy_ddl_display_name(action->display));

	for (size_t i = 0; i < action->input_count; i++)
		(void)json_array_append_new(inputs, input_json(&action->inputs[i]));
	for (size_t i = 0; i < action->output_count; i++)
		(void)json_array_append_new(outputs, output_json(&action->outputs[i]));
	for (size_t i = 0; i < action->aggregate_count; i++)
		(void)json_array_append_new(aggregates, aggregate_json(&action->aggregates[i]));
	if (action->untyped_why)
		(void)json_object_set_new(json, "untyped", json_string(action->untyped_why));
	(void)json_object_set_new(json, "inputs", inputs);
	(void)json_object_set_new(json, "outputs", outputs);
	(void)json_object_set_new(json, "aggregates", aggregates);
	return json;
}

/* A path may be any bytes. */
static json_t *path_json(const char *path)
{
	json_t *json = json_string(path);
	char *escaped;

	if (json)
		return json;
	escaped = deploy_text_escape(path, strlen(path));
	json = json_string(escaped);
	free(escaped);
	return json;
}

json_t *deploy_ddl_json(const struct deploy_ddl *ddl)
{
	json_t *actions = json_array();
	json_t *json = json_object();

	for (size_t i = 0; i < ddl->action_count; i++)
		(void)json_array_append_new(actions, action_json(&ddl->actions[i]));
	(void)json_object_set_new(json, "agent", path_json(ddl->agent));
	(void)json_object_set_new(json, "path", path_json(ddl->path));
	(void)json_object_set_new(json, "kind", json_string(deploy_ddl_kind_name(ddl->kind)));
	(void)json_object_set_new(json, "metadata",
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "name", ddl->name, "description",
			ddl->description, "author", ddl->author, "license", ddl->license, "version",
			ddl->version, "url", ddl->url, "timeout", (json_int_t)ddl->timeout_s));
	(void)json_object_set_new(json, "actions", actions);
	return json;
}
