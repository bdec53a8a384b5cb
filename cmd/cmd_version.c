/* deployctl version — which one this is. Reads and opens nothing. */
#include "command.h"

static const enum exit_status version_exits[] = {
	EXIT_ALL_OK, EXIT_USAGE, EXIT_OUTPUT, EXIT_LIST_END};

static const struct example version_examples[] = {
	{"deployctl version", "name and version on one line"},
	{"deployctl version -o json", "the same as a document"},
	{NULL, NULL},
};

static int version_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	json_t *items;

	(void)opts;
	(void)args;
	if (out_is_for_people(ctx->out) || out_format(ctx->out) == OUT_NAME) {
		out_text(ctx->out, out_format(ctx->out) == OUT_NAME ? "deployctl\n"
								    : "deployctl " DEPLOYCTL_VERSION
								      "\n");
		return EXIT_ALL_OK;
	}
	items = json_pack("[{s:s, s:s}]", "name", "deployctl", "version", DEPLOYCTL_VERSION);
	if (out_format(ctx->out) == OUT_JSONL) {
		json_t *line = json_pack("{s:s, s:i}", "type", "version", "seq", 1);

		(void)json_object_update(line, json_array_get(items, 0));
		out_json_line(ctx->out, line);
		json_decref(line);
	}
	out_document(ctx->out, "version", items, NULL, EXIT_ALL_OK, err);
	json_decref(items);
	return EXIT_ALL_OK;
}

const struct command cmd_version = {
	.name = "version",
	.group = "about",
	.summary = "print the version",
	.operands = "",
	.description =
		"Prints the name and the version of the program. Neither a configuration nor "
		"the broker is looked at.",
	.min_args = 0,
	.max_args = 0,
	.exits = version_exits,
	.examples = version_examples,
	.main = version_main,
};
