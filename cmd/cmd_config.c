/* deployctl config — what is configured, and which place says so. */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_VALUE 60 /* bytes */
#define LINE_BYTES 4096

static const enum exit_status config_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_NO_INPUT, EXIT_OUTPUT, EXIT_CONFIG, EXIT_LIST_END};

static const struct example config_examples[] = {
	{"deployctl config show", "every value, and where it comes from"},
	{"deployctl config show --context lab", "the same with another context"},
	{"deployctl config path", "the files that are looked for, and what became of each"},
	{"deployctl config path -o name", "only the file that names the brokers"},
	{NULL, NULL},
};

/* Rows of up to three cells, for whatever format is asked for. */
struct listing {
	struct out *out;
	const char *const *keys; /* as JSON calls the cells */
	size_t columns;
	struct out_table *table;
	json_t *items;
};

static json_t *json_cell(const char *cell)
{
	char *escaped;
	json_t *value = json_string(cell);

	if (value)
		return value;
	escaped = deploy_text_escape(cell, strlen(cell));
	value = json_string(escaped);
	free(escaped);
	return value;
}

static void add_row(struct listing *listing, const char *const *cells)
{
	json_t *item = json_object();
	size_t i;

	for (i = 0; i < listing->columns; i++)
		(void)json_object_set_new(item, listing->keys[i], json_cell(cells[i]));
	(void)json_array_append_new(listing->items, item);
}

static void print_lines(const struct listing *listing)
{
	size_t index;
	json_t *item;

	json_array_foreach(listing->items, index, item)
	{
		json_t *line =
			json_pack("{s:s, s:I}", "type", "config", "seq", (json_int_t)index + 1);

		(void)json_object_update(line, item);
		out_json_line(listing->out, line);
		json_decref(line);
	}
}

static void print_listing(struct listing *listing, struct deploy_error *err)
{
	enum out_format format = out_format(listing->out);

	if (out_is_for_people(listing->out))
		out_table_print(listing->out, listing->table);
	else if (format == OUT_JSONL)
		print_lines(listing);
	out_document(listing->out, "config", listing->items, NULL, exit_of_error(err->code), err);
	out_table_free(listing->table);
	json_decref(listing->items);
}

static struct listing begin_listing(
	struct out *out, const char *const *headers, const char *const *keys, size_t columns)
{
	return (struct listing){.out = out,
		.keys = keys,
		.columns = columns,
		.table = out_table_new(headers, columns),
		.items = json_array()};
}

/* For -o name: one word a line. */
static void print_name(struct out *out, const char *name)
{
	out_foreign(out, name, strlen(name));
	out_text(out, "\n");
}

static void note_warnings(const struct ctx *ctx)
{
	size_t i;

	for (i = 0; i < ctx->config->warning_count; i++)
		out_note(ctx->out, "%s (%s)", ctx->config->warnings[i].text,
			ctx->config->warnings[i].hint);
}

/* Long lists take a line for each item: the origin is not to stand far to the right. */
static void add_lines(struct out_table *table, const struct deploy_setting *setting)
{
	const char *cells[] = {setting->key, setting->value, setting->origin};
	char line[LINE_BYTES];

	while (strlen(cells[1]) > LONG_VALUE && strchr(cells[1], ',')) {
		size_t len = strcspn(cells[1], ",") + 1;
		const char *rest = cells[1] + len;

		if (len >= sizeof(line))
			break;
		(void)snprintf(line, sizeof(line), "%.*s", (int)len, cells[1]);
		cells[1] = line;
		out_table_add(table, cells);
		cells[0] = cells[2] = "";
		cells[1] = rest;
	}
	out_table_add(table, cells);
}

static void show(const struct ctx *ctx, struct deploy_error *err)
{
	static const char *const headers[] = {"KEY", "VALUE", "ORIGIN"};
	static const char *const keys[] = {"key", "value", "origin"};
	struct listing listing = begin_listing(ctx->out, headers, keys, 3);
	size_t i;

	for (i = 0; i < ctx->config->setting_count; i++) {
		const struct deploy_setting *setting = &ctx->config->settings[i];
		const char *const cells[] = {setting->key, setting->value, setting->origin};

		add_row(&listing, cells);
		add_lines(listing.table, setting);
		if (out_format(ctx->out) == OUT_NAME)
			print_name(ctx->out, setting->key);
	}
	print_listing(&listing, err);
	note_warnings(ctx);
}

static void path(const struct ctx *ctx, struct deploy_error *err)
{
	static const char *const headers[] = {"FILE", "STATE"};
	static const char *const keys[] = {"file", "state"};
	struct listing listing = begin_listing(ctx->out, headers, keys, 2);
	size_t i;

	for (i = 0; i < ctx->config->file_count; i++) {
		const struct deploy_config_file *file = &ctx->config->files[i];
		const char *const cells[] = {file->path, deploy_config_use_name(file->use)};

		add_row(&listing, cells);
		out_table_add(listing.table, cells);
	}
	if (out_format(ctx->out) == OUT_NAME && ctx->config->path)
		print_name(ctx->out, ctx->config->path);
	print_listing(&listing, err);
}

static int unknown_word(const char *word, struct deploy_error *err)
{
	static const char *const words[] = {"show", "path"};
	const char *meant = deploy_text_suggest(word, words, 2);

	/* A wrong word says more about what was typed than a wrong configuration does. */
	*err = (struct deploy_error){0};
	deploy_error_hint(err, "deployctl config %s", meant ? meant : "show");
	(void)deploy_error_set(err, DEPLOY_USAGE, "config: \"%s\" is neither show nor path", word);
	return EXIT_USAGE;
}

static int config_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	(void)opts;
	if (strcmp(args.values[0], "show") == 0)
		show(ctx, err);
	else if (strcmp(args.values[0], "path") == 0)
		path(ctx, err);
	else
		return unknown_word(args.values[0], err);
	return exit_of_error(err->code);
}

static struct choice config_first_operand(size_t index)
{
	static const struct choice choices[] = {{"show", "every value, and where it comes from"},
		{"path", "the files that are looked for"}, {NULL, NULL}};

	return choices[index];
}

const struct command cmd_config = {
	.name = "config",
	.group = "about",
	.summary = "show what is configured, and where",
	.operands = "show|path",
	.description =
		"show lists every value of the configuration with the place that says it: a file "
		"with line and column, a variable of the environment, or what is built in. path "
		"lists the files in the order in which they are looked for.\n\n"
		"Secrets are neither opened nor shown, only where they are. What is known is "
		"printed also if the configuration is wrong; the error follows. Neither the "
		"broker nor any node is asked.",
	.min_args = 1,
	.max_args = 1,
	.needs = NEED_SETTINGS,
	.first_operand = config_first_operand,
	.exits = config_exits,
	.examples = config_examples,
	.main = config_main,
};
