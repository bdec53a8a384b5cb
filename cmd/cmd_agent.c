/* deployctl agent — which agents this machine knows, and what they can do. */
#include "command.h"
#include "completion.h"

#include <stdlib.h>
#include <string.h>

static const enum exit_status agent_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_OUTPUT, EXIT_LIST_END};

static const struct example agent_examples[] = {
	{"deployctl agent list", "every agent that has a DDL on this machine"},
	{"deployctl agent doc rpcutil", "its actions, and what they want and return"},
	{"deployctl agent doc rpcutil -o json", "the same for programs"},
	{NULL, NULL},
};

/* list */

static json_t *item_of(
	const char *path, const struct deploy_ddl *ddl, const struct deploy_error *err)
{
	char *agent = deploy_ddl_agent(path), *shown = deploy_text_escape(path, strlen(path));
	json_t *item = json_pack("{s:s}", "agent", agent), *actions = json_array();

	for (size_t i = 0; ddl && i < ddl->action_count; i++)
		(void)json_array_append_new(actions, json_string(ddl->actions[i].name));
	(void)json_object_set_new(item, "version", ddl ? json_string(ddl->version) : json_null());
	(void)json_object_set_new(item, "actions", actions);
	(void)json_object_set_new(
		item, "description", ddl ? json_string(ddl->description) : json_null());
	(void)json_object_set_new(item, "path", json_string(shown));
	if (!ddl)
		(void)json_object_set_new(item, "error", json_string(err->text));
	free(agent);
	free(shown);
	return item;
}

static void add_row(struct out_table *table, const json_t *item)
{
	const char *version = json_string_value(json_object_get(item, "version"));
	const char *description = json_string_value(json_object_get(item, "description"));
	char count[32];
	const char *const cells[] = {json_string_value(json_object_get(item, "agent")),
		version ? version : "-", count, description ? description : "cannot be read",
		json_string_value(json_object_get(item, "path"))};

	(void)snprintf(
		count, sizeof(count), "%zu", json_array_size(json_object_get(item, "actions")));
	out_table_add(table, cells);
}

static void print_name(struct out *out, const char *name)
{
	out_foreign(out, name, strlen(name));
	out_text(out, "\n");
}

static void print_lines(struct out *out, const json_t *items)
{
	size_t index;
	json_t *item;

	json_array_foreach(items, index, item)
	{
		json_t *line =
			json_pack("{s:s, s:I}", "type", "agent", "seq", (json_int_t)index + 1);

		(void)json_object_update(line, item);
		out_json_line(out, line);
		json_decref(line);
	}
}

static void print_table(struct out *out, const json_t *items)
{
	static const char *const headers[] = {"AGENT", "VERSION", "ACTIONS", "DESCRIPTION", "PATH"};
	struct out_table *table = out_table_new(headers, 5);
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item) add_row(table, item);
	out_table_cut(table, 3);
	out_table_print(out, table);
	out_table_free(table);
}

/* What people, or the pipe behind us, read of items; documents come later. */
static void print_items(struct out *out, const json_t *items)
{
	const json_t *item;
	size_t i;

	if (out_is_for_people(out))
		print_table(out, items);
	if (out_format(out) == OUT_JSONL)
		print_lines(out, items);
	if (out_format(out) != OUT_NAME)
		return;
	json_array_foreach(items, i, item)
		print_name(out, json_string_value(json_object_get(item, "agent")));
}

static int list(const struct ctx *ctx, struct deploy_error *err)
{
	json_t *paths = deploy_ddl_list(ctx->config->ddl_dirs, ctx->config->ddl_dir_count);
	json_t *items = json_array(), *path;
	size_t i;

	json_array_foreach(paths, i, path)
	{
		const char *name = json_string_value(path);
		struct deploy_error why = {DEPLOY_OK};
		struct deploy_ddl *ddl = NULL;

		if (deploy_ddl_read_file(&ddl, name, &why))
			out_note(ctx->out, "%s", why.text);
		(void)json_array_append_new(items, item_of(name, ddl, &why));
		deploy_ddl_free(ddl);
	}
	if (json_array_size(paths) == 0)
		out_note(
			ctx->out, "no DDL in the folders of ddl_dirs; deployctl doctor tells more");
	print_items(ctx->out, items);
	out_document(ctx->out, "agent", items, NULL, EXIT_ALL_OK, err);
	json_decref(items);
	json_decref(paths);
	return EXIT_ALL_OK;
}

/* doc */

/* Foreign text of a DDL, line by line, behind so many blanks. */
static void print_indented(struct out *out, int indent, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len) {
			out_text(out, "%*s", indent, "");
			out_foreign(out, text, len);
			out_text(out, "\n");
		}
		text += len + (text[len] ? 1 : 0);
	}
}

static void add_json(FILE *text, const char *before, const json_t *value)
{
	char *printed = json_dumps(value, JSON_ENCODE_ANY);

	(void)fprintf(text, "%s%s", before, printed ? printed : "?");
	free(printed);
}

static void add_list(FILE *text, const json_t *members)
{
	const json_t *member;
	size_t i;

	json_array_foreach(members, i, member) add_json(text, i ? ", " : ", one of ", member);
}

/* "string, required, at most 90 characters, matches service_name" */
static void print_rules(struct out *out, const struct deploy_ddl_input *input)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	(void)fprintf(stream, "%s, %s", input->type_name,
		input->is_optional ? "optional"
		: input->preset	   ? "preset"
				   : "required");
	if (input->preset)
		add_json(stream, ", default ", input->preset);
	if (input->maxlength)
		(void)fprintf(stream, ", at most %zu characters", input->maxlength);
	if (input->validator)
		(void)fprintf(stream, ", a valid %s", input->validator);
	if (input->regex)
		(void)fprintf(stream, ", matches /%s/", input->regex);
	add_list(stream, input->list);
	(void)fclose(stream);
	print_indented(out, 6, text);
	free(text);
}

/* "  input service: Service Name" */
static void print_named(struct out *out, const char *what, const char *name, const char *title)
{
	out_text(out, "  %s ", what);
	out_foreign(out, name, strlen(name));
	out_text(out, ": ");
	out_foreign(out, title, strlen(title));
	out_text(out, "\n");
}

static void print_output(struct out *out, const struct deploy_ddl_output *output)
{
	print_named(out, "output", output->name, output->display_as);
	if (strcmp(output->description, output->display_as) != 0)
		print_indented(out, 6, output->description);
}

static const char *display_text(enum deploy_ddl_display display)
{
	static const char *const texts[] = {
		"shows failed replies", "shows ok replies", "shows every reply"};

	return texts[display];
}

static void print_action(struct out *out, const struct deploy_ddl_action *action)
{
	out_text(out, "\n");
	out_tone(out, OUT_GOOD, "action");
	out_text(out, " ");
	out_foreign(out, action->name, strlen(action->name));
	out_text(out, ": ");
	out_foreign(out, action->description, strlen(action->description));
	out_text(out, " (%s)\n", display_text(action->display));
	if (action->untyped_why) {
		out_text(out, "  inputs are not known and not checked:\n");
		print_indented(out, 6, action->untyped_why);
	}
	for (size_t i = 0; i < action->input_count; i++) {
		const struct deploy_ddl_input *input = &action->inputs[i];

		print_named(out, "input", input->name, input->prompt);
		print_rules(out, input);
		print_indented(out, 6, input->description);
	}
	for (size_t i = 0; i < action->output_count; i++)
		print_output(out, &action->outputs[i]);
	for (size_t i = 0; i < action->aggregate_count; i++)
		print_named(out, "sums up", action->aggregates[i].output,
			action->aggregates[i].function);
}

static void print_doc(struct out *out, const struct deploy_ddl *ddl)
{
	out_foreign(out, ddl->agent, strlen(ddl->agent));
	out_text(out, " ");
	out_foreign(out, ddl->version, strlen(ddl->version));
	out_text(out, ": ");
	out_foreign(out, ddl->description, strlen(ddl->description));
	out_text(out, "\n  timeout %u s, by ", ddl->timeout_s);
	out_foreign(out, ddl->author, strlen(ddl->author));
	out_text(out, ", ");
	out_foreign(out, ddl->license, strlen(ddl->license));
	out_text(out, "\n");
	print_indented(out, 2, ddl->url);
	print_indented(out, 2, ddl->path);
	for (size_t i = 0; i < ddl->action_count; i++)
		print_action(out, &ddl->actions[i]);
}

static void unknown_agent(const struct ctx *ctx, const char *name, struct deploy_error *err)
{
	json_t *paths = deploy_ddl_list(ctx->config->ddl_dirs, ctx->config->ddl_dir_count), *path;
	size_t count = json_array_size(paths), i;
	char **names = out_resize(NULL, (count + 1) * sizeof(*names));
	const char *meant;

	json_array_foreach(paths, i, path) names[i] = deploy_ddl_agent(json_string_value(path));
	meant = deploy_text_suggest(name, (const char *const *)names, count);
	deploy_error_hint(err, "deployctl agent %s%s", meant ? "doc " : "list", meant ? meant : "");
	(void)deploy_error_set(
		err, DEPLOY_INPUT, "there is no DDL of an agent \"%s\" in ddl_dirs", name);
	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
	json_decref(paths);
}

static int doc(const struct ctx *ctx, const char *agent, struct deploy_error *err)
{
	struct deploy_ddl *ddl = NULL;
	json_t *items = json_array();

	if (!deploy_ddl_find(&ddl, ctx->config->ddl_dirs, ctx->config->ddl_dir_count, agent, err) &&
		!ddl)
		unknown_agent(ctx, agent, err);
	if (ddl) {
		(void)json_array_append_new(items, deploy_ddl_json(ddl));
		if (out_is_for_people(ctx->out))
			print_doc(ctx->out, ddl);
		if (out_format(ctx->out) == OUT_JSONL)
			print_lines(ctx->out, items);
		for (size_t i = 0; out_format(ctx->out) == OUT_NAME && i < ddl->action_count; i++)
			print_name(ctx->out, ddl->actions[i].name);
		out_document(ctx->out, "agent", items, NULL, EXIT_ALL_OK, err);
	}
	json_decref(items);
	deploy_ddl_free(ddl);
	return exit_of_error(err->code);
}

static int wrong_words(struct args args, struct deploy_error *err)
{
	static const char *const words[] = {"list", "doc"};
	const char *meant = deploy_text_suggest(args.values[0], words, 2);

	if (strcmp(args.values[0], "list") == 0)
		return deploy_error_set(err, DEPLOY_USAGE, "agent list takes no further word");
	if (strcmp(args.values[0], "doc") == 0) {
		deploy_error_hint(err, "deployctl agent list");
		return deploy_error_set(err, DEPLOY_USAGE, "agent doc: which agent?");
	}
	deploy_error_hint(err, "deployctl agent %s", meant ? meant : "list");
	return deploy_error_set(
		err, DEPLOY_USAGE, "agent: \"%s\" is neither list nor doc", args.values[0]);
}

static int agent_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct deploy_error why = *err;

	(void)opts;
	/* What is wrong with the broker is no matter here; what names the folders may be. */
	*err = (struct deploy_error){DEPLOY_OK};
	if (why.code && why.text[0])
		out_note(ctx->out, "the configuration is not complete: %s", why.text);
	if (strcmp(args.values[0], "list") == 0 && args.count == 1)
		return list(ctx, err);
	if (strcmp(args.values[0], "doc") == 0 && args.count == 2)
		return doc(ctx, args.values[1], err);
	return exit_of_error((enum deploy_code)wrong_words(args, err));
}

static struct choice agent_first_operand(size_t index)
{
	static const struct choice choices[] = {{"list", "agents that have a DDL here"},
		{"doc", "what an agent can do"}, {NULL, NULL}};

	return choices[index];
}

static void agent_complete(struct completion *completion, struct args operands)
{
	if (operands.count == 1 && strcmp(operands.values[0], "doc") == 0)
		completion_offer_agents(completion);
}

const struct command cmd_agent = {
	.name = "agent",
	.group = "observe",
	.summary = "show what agents can do",
	.operands = "list|doc [AGENT]",
	.description =
		"list names the agents that have a DDL on this machine, doc tells what one of "
		"them can do: its actions, their inputs with types and rules, and what they "
		"return. A DDL is a file AGENT.json or AGENT.ddl below agent/ in one of the "
		"folders of ddl_dirs; the first one counts.\n\n"
		"Ruby's DDLs are read, never executed. What an action says with more Ruby than "
		"declarations and simple loops cannot be told then: the action is known by name, "
		"and its inputs are not checked. Neither the broker nor any node is asked.",
	.min_args = 1,
	.max_args = 2,
	.needs = NEED_SETTINGS,
	.first_operand = agent_first_operand,
	.complete = agent_complete,
	.exits = agent_exits,
	.examples = agent_examples,
	.main = agent_main,
};
