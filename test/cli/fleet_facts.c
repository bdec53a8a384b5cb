/* What agents of a fleet have done to their nodes, kept in a file between runs of the program. */
#include "fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int fail(struct deploy_error *err, const char *path, const char *why)
{
	return deploy_error_set(err, DEPLOY_BUG, "%s: %s", path, why);
}

/* {"message": TEXT or null, "lastrun": seconds} */
static void take_puppet(struct loop_node *node, const json_t *kept)
{
	const char *message = json_string_value(json_object_get(kept, "message"));

	node->puppet_lastrun = json_integer_value(json_object_get(kept, "lastrun"));
	node->disable_message = message ? node->disable_room : NULL;
	(void)snprintf(
		node->disable_room, sizeof(node->disable_room), "%s", message ? message : "");
}

/* "NODE {"environment": E, "facts": {}, "puppet": {}}" */
static bool take_line(struct loop_fleet *fleet, char *line)
{
	char *rest = strchr(line, ' ');
	struct loop_node *node;
	json_t *kept;

	if (!rest)
		return false;
	*rest = '\0';
	node = loop_fleet_find(fleet, line);
	kept = json_loads(rest + 1, 0, NULL);
	if (node && json_object_get(kept, "puppet"))
		take_puppet(node, json_object_get(kept, "puppet"));
	(void)json_object_del(kept, "puppet");
	if (node && kept)
		(void)json_object_update(node->traits, kept);
	json_decref(kept);
	return node && kept;
}

int loop_facts_load(struct loop_fleet *fleet, const char *path, struct deploy_error *err)
{
	char line[65536];
	FILE *file = fopen(path, "r");

	if (!file)
		return errno == ENOENT ? 0 : fail(err, path, strerror(errno));
	while (!err->code && fgets(line, sizeof(line), file))
		if (!take_line(fleet, line))
			(void)fail(err, path, "a line is not as we write it");
	(void)fclose(file);
	return err->code;
}

static void put_line(FILE *file, const struct loop_node *node)
{
	json_t *kept = json_pack("{s:O*, s:O}", "environment",
		json_object_get(node->traits, "environment"), "facts",
		json_object_get(node->traits, "facts"));
	char *text;

	if (node->puppet)
		(void)json_object_set_new(kept, "puppet",
			json_pack("{s:s?, s:I}", "message", node->disable_message, "lastrun",
				(json_int_t)node->puppet_lastrun));
	text = json_dumps(kept, JSON_COMPACT | JSON_SORT_KEYS);
	(void)fprintf(file, "%s %s\n", node->name, text);
	free(text);
	json_decref(kept);
}

/* In one step: whoever ends the program must not leave half of it. */
int loop_facts_save(struct loop_fleet *fleet, const char *path, struct deploy_error *err)
{
	char *next = dp_xasprintf("%s.next", path);
	bool has_changed = false;
	FILE *file;

	for (size_t i = 0; i < fleet->count; i++) {
		has_changed |= fleet->nodes[i].has_changed;
		fleet->nodes[i].has_changed = false;
	}
	file = has_changed ? fopen(next, "w") : NULL;
	for (size_t i = 0; file && i < fleet->count; i++)
		if (fleet->nodes[i].deploop || fleet->nodes[i].puppet)
			put_line(file, &fleet->nodes[i]);
	if (has_changed && (!file || fclose(file) != 0 || rename(next, path) != 0))
		(void)fail(err, path, strerror(errno));
	free(next);
	return err->code;
}
