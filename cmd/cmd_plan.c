/* deployctl plan — check plans, and show what one does, without doing it. */
#include "command.h"
#include "flaws.h"
#include "plan_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum exit_status plan_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_OUTPUT, EXIT_LIST_END};

static const struct example plan_examples[] = {
	{"deployctl plan lint web-deploy.yaml", "everything that is wrong in a plan, at once"},
	{"deployctl plan lint *.yaml", "several plans"},
	{"deployctl plan show web-deploy.yaml", "its steps, with their nodes, in order"},
	{"deployctl plan show web-deploy.yaml -o json", "the same for programs"},
	{NULL, NULL},
};

static int read_book(struct deploy_playbook **book, const struct ctx *ctx, const char *path,
	struct deploy_error *err)
{
	const struct deploy_playbook_options options = {
		.ddl_dirs = ctx->config ? ctx->config->ddl_dirs : NULL,
		.ddl_dir_count = ctx->config ? ctx->config->ddl_dir_count : 0};

	return deploy_playbook_read_file(book, path, &options, err);
}

/* lint */

/* What several files come to. */
struct lint {
	struct ctx *ctx;
	json_t *items;
	size_t files, flaws, steps, sets, inputs;
	bool lacks_file;
};

/* Of agents that have no DDL here the inputs could not be compared with anything. */
static void note_unknown(struct out *out, const struct deploy_playbook *book)
{
	const struct deploy_texts *unknown = &book->unknown_agents;
	char *text = NULL;
	size_t size = 0;
	FILE *stream;

	if (!unknown->count)
		return;
	stream = open_memstream(&text, &size);
	if (!stream)
		abort();
	for (size_t i = 0; i < unknown->count; i++)
		(void)fprintf(stream, "%s%s", i ? ", " : "", unknown->items[i]);
	(void)fclose(stream);
	out_note(out, "%s: actions and inputs are not checked, no DDL is here: %s", book->name,
		text);
	free(text);
}

static void print_ok(const struct lint *lint, const struct deploy_playbook *book)
{
	struct out *out = lint->ctx->out;

	if (!out_is_for_people(out))
		return;
	if (lint->files > 1) {
		out_foreign(out, book->name, strlen(book->name));
		out_text(out, ": ");
	}
	out_text(out, "ok: %zu step%s, %zu set%s, %zu input%s\n", book->step_count,
		book->step_count == 1 ? "" : "s", book->set_count, book->set_count == 1 ? "" : "s",
		book->input_count, book->input_count == 1 ? "" : "s");
}

static void lint_book(struct lint *lint, const struct deploy_playbook *book)
{
	size_t count = deploy_playbook_flaw_count(book);

	flaws_print(lint->ctx->out, deploy_playbook_flaw(book, 0), count, lint->items);
	if (!count) {
		print_ok(lint, book);
		note_unknown(lint->ctx->out, book);
	}
	lint->flaws += count;
	lint->steps += book->step_count;
	lint->sets += book->set_count;
	lint->inputs += book->input_count;
}

/* A file that is no plan at all has one flaw: why says its place already. */
static void lint_unread(struct lint *lint, const char *path, const struct deploy_error *why)
{
	size_t len = strlen(path);
	bool begins = strncmp(why->text, path, len) == 0 && why->text[len] == ':';
	const char *text = begins ? why->text + len + 1 : why->text;
	struct deploy_flaw flaw = {.file = path, .pointer = "", .text = text + strspn(text, " ")};

	flaws_print(lint->ctx->out, &flaw, 1, lint->items);
	lint->flaws++;
	lint->lacks_file |= why->code == DEPLOY_NO_INPUT;
}

static int fail_by_flaws(const struct lint *lint, const char *path, struct deploy_error *err)
{
	const char *s = lint->flaws == 1 ? "" : "s";

	if (!lint->flaws)
		return 0;
	if (lint->files == 1)
		return deploy_error_set(
			err, DEPLOY_INPUT, "%s: %zu error%s", path, lint->flaws, s);
	return deploy_error_set(err,
		lint->lacks_file && lint->flaws == 1 ? DEPLOY_NO_INPUT : DEPLOY_INPUT,
		"%zu error%s in %zu files", lint->flaws, s, lint->files);
}

static int lint_files(struct ctx *ctx, struct args args, struct deploy_error *err)
{
	struct lint lint = {.ctx = ctx, .items = json_array(), .files = (size_t)args.count - 1};
	json_t *summary;

	for (int i = 1; i < args.count; i++) {
		struct deploy_playbook *book = NULL;
		struct deploy_error why = {DEPLOY_OK};

		if (read_book(&book, ctx, args.values[i], &why) == 0)
			lint_book(&lint, book);
		else if (lint.files == 1)
			*err = why;
		else
			lint_unread(&lint, args.values[i], &why);
		deploy_playbook_free(book);
	}
	(void)fail_by_flaws(&lint, args.values[1], err);
	summary = json_pack("{s:I, s:I, s:I, s:I, s:I}", "files", (json_int_t)lint.files, "errors",
		(json_int_t)lint.flaws, "steps", (json_int_t)lint.steps, "sets",
		(json_int_t)lint.sets, "inputs", (json_int_t)lint.inputs);
	if (out_format(ctx->out) == OUT_JSONL)
		flaws_print_lines(ctx->out, "error", lint.items);
	out_document(ctx->out, "plan", lint.items, summary, exit_of_error(err->code), err);
	json_decref(summary);
	json_decref(lint.items);
	return exit_of_error(err->code);
}

/* show */

static int show(struct ctx *ctx, const char *path, struct deploy_error *err)
{
	struct deploy_playbook *book = NULL;
	json_t *items = json_array();
	size_t flaws = 0;

	if (read_book(&book, ctx, path, err) == 0)
		flaws = deploy_playbook_flaw_count(book);
	if (flaws) {
		deploy_error_hint(err, "deployctl plan lint %s", path);
		(void)deploy_error_set(
			err, DEPLOY_INPUT, "%s: %zu error%s", path, flaws, flaws == 1 ? "" : "s");
	} else if (book) {
		(void)json_array_append_new(items, deploy_playbook_json(book));
		if (out_is_for_people(ctx->out))
			plan_show(ctx->out, book);
		if (out_format(ctx->out) == OUT_NAME)
			plan_show_ids(ctx->out, book);
		if (out_format(ctx->out) == OUT_JSONL)
			flaws_print_lines(ctx->out, "plan", items);
		out_document(ctx->out, "plan", items, NULL, EXIT_ALL_OK, err);
	}
	json_decref(items);
	deploy_playbook_free(book);
	return exit_of_error(err->code);
}

static int wrong_words(struct args args, struct deploy_error *err)
{
	static const char *const words[] = {"lint", "show"};
	const char *meant = deploy_text_suggest(args.values[0], words, 2);
	const char *word = args.values[0];

	if (strcmp(word, "show") == 0 && args.count > 2)
		return deploy_error_set(err, DEPLOY_USAGE, "plan show takes one FILE");
	if (strcmp(word, "lint") == 0 || strcmp(word, "show") == 0)
		return deploy_error_set(err, DEPLOY_USAGE, "plan %s: which FILE?", word);
	deploy_error_hint(err, "deployctl plan %s FILE", meant ? meant : "lint");
	return deploy_error_set(err, DEPLOY_USAGE, "plan: \"%s\" is neither lint nor show", word);
}

/* A configuration is wanted only for the folders of DDLs; without one a plan is checked as well. */
static int plan_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	(void)opts;
	*err = (struct deploy_error){DEPLOY_OK};
	if (strcmp(args.values[0], "lint") == 0 && args.count > 1)
		return lint_files(ctx, args, err);
	if (strcmp(args.values[0], "show") == 0 && args.count == 2)
		return show(ctx, args.values[1], err);
	return exit_of_error((enum deploy_code)wrong_words(args, err));
}

static struct choice plan_first_operand(size_t index)
{
	static const struct choice choices[] = {{"lint", "everything that is wrong in plans"},
		{"show", "the steps of a plan"}, {NULL, NULL}};

	return choices[index];
}

const struct command cmd_plan = {
	.name = "plan",
	.group = "observe",
	.summary = "check plans, and show what they do",
	.operands = "lint|show FILE...",
	.description =
		"lint tells everything that is wrong in plans at once, each with file, line, "
		"column "
		"and JSON pointer, and what was probably meant; or how many steps, sets and inputs "
		"a plan has. show prints what a plan wants to be told, its sets of nodes, and its "
		"steps, with those of plans in it; -o json is all of it, -o name the ids of its "
		"steps. deployctl-plan(5) tells what a plan is.\n\n"
		"Actions and their inputs are compared with the DDLs in ddl_dirs, where there are "
		"some. Neither the broker nor any node is asked, and no configuration is needed.",
	.min_args = 1,
	.max_args = ARGS_ANY,
	.needs = NEED_SETTINGS,
	.first_operand = plan_first_operand,
	.exits = plan_exits,
	.examples = plan_examples,
	.main = plan_main,
};
