/* deployctl assign-role — who has which role in a cluster: from files, or said one by one. */
#include "assign_state.h"
#include "assigning.h"
#include "command.h"
#include "flaws.h"
#include "completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILES 64

struct assign_opts {
	const char *files[MAX_FILES];
	size_t file_count;
	unsigned layers; /* bits; 0: all */
	const char *cluster;
	const char *collection, *category, *role, *entity;
	const char *environment, *reason;
	struct confirm_opts confirm;
	bool checks, shows, removes, diff, tells_change;
};

static int parse_file(void *field, const char *text, struct deploy_error *err)
{
	struct assign_opts *assign = field;

	if (!*text)
		return deploy_error_set(err, DEPLOY_USAGE, "the value is empty");
	if (assign->file_count == MAX_FILES)
		return deploy_error_set(err, DEPLOY_USAGE, "more than %d files", MAX_FILES);
	assign->files[assign->file_count++] = text;
	return 0;
}

static int unknown_layer(const char *text, size_t len, struct deploy_error *err)
{
	const char *names[DEPLOY_LAYER_NONE], *meant;
	char word[32];

	for (int i = 0; i < DEPLOY_LAYER_NONE; i++)
		names[i] = deploy_layer_name((enum deploy_layer)i);
	(void)snprintf(word, sizeof(word), "%.*s", (int)len, text);
	meant = deploy_text_suggest(word, names, DEPLOY_LAYER_NONE);
	if (meant)
		deploy_error_hint(err, "--layers=%s", meant);
	return deploy_error_set(err, DEPLOY_USAGE,
		"\"%.*s\" is no layer: expected batch, bus, speed, serving",
		(int)(len < 60 ? len : 60), text);
}

static int parse_layers(void *field, const char *text, struct deploy_error *err)
{
	unsigned *layers = field;

	for (;; text++) {
		size_t len = strcspn(text, ",");
		int layer = role_layer(text, len);

		if (layer < 0)
			return unknown_layer(text, len, err);
		*layers |= 1u << layer;
		text += len;
		if (!*text)
			return 0;
	}
}

static const struct opt assign_options[] = {
	/* The field is the struct itself: two of its members belong together. */
	OPT_PARSED('f', "file", struct assign_opts, files, "FILE", parse_file, true,
		"read who has which role from the cluster file FILE; - is stdin"),
	OPT_PARSED(0, "layers", struct assign_opts, layers, "L1,L2", parse_layers, false,
		"only these layers: batch, bus, speed, serving"),
	OPT_TEXT(0, "cluster", struct assign_opts, cluster, "NAME",
		"only this one of the clusters that the files are about"),
	OPT_TEXT(0, "collection", struct assign_opts, collection, "NAME",
		"without a file: the cluster that the nodes belong to"),
	OPT_TEXT(0, "category", struct assign_opts, category, "NAME",
		"without a file: their layer in it"),
	OPT_TEXT(0, "role", struct assign_opts, role, "NAME", "without a file: their role"),
	OPT_TEXT(
		0, "entity", struct assign_opts, entity, "E1,E2", "without a file: their entities"),
	OPT_FLAG(0, "check", struct assign_opts, checks,
		"tell everything that is wrong in the files, and do no more"),
	OPT_FLAG(0, "show", struct assign_opts, shows, "show who has which role, and do no more"),
	OPT_TEXT(0, "environment", struct assign_opts, environment, "NAME",
		"the Puppet environment that the nodes are to use; of files, the cluster's name"),
	OPT_FLAG(0, "remove", struct assign_opts, removes, "take their roles away from NODE"),
	OPT_FLAG(0, "diff", struct assign_opts, diff,
		"show what would change in what is assigned, and do no more"),
	OPT_FLAG(0, "detailed-exitcode", struct assign_opts, tells_change,
		"exit with 10 instead of 0 if something changed, or with --diff would"),
	OPT_GROUP(confirm_options, struct assign_opts, confirm),
	OPT_TEXT(0, "reason", struct assign_opts, reason, "TEXT",
		"why it is done: recorded with the run"),
	OPT_END,
};

_Static_assert(offsetof(struct assign_opts, files) == 0, "parse_file() takes the whole struct");

static const enum exit_status assign_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_REFUSED,
	EXIT_CHANGES, EXIT_USAGE, EXIT_INPUT, EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT,
	EXIT_AUTH, EXIT_CONFIG, EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example assign_examples[] = {
	{"deployctl assign-role -f preview.json --check",
		"everything that is wrong in a cluster file, with its place"},
	{"deployctl assign-role -f preview.json --show", "who has which role"},
	{"deployctl assign-role -f preview.json --show --layers bus -o json",
		"the facts that the nodes of a layer get by it"},
	{"deployctl assign-role -f a.yaml -f b.yaml --show --cluster b",
		"two clusters are checked together; one of them"},
	{"deployctl assign-role web01.example.net --collection shop --category front --role "
	 "web",
		"a role for one node"},
	{"deployctl assign-role web09.example.net --remove --yes",
		"none any more: push-facts then takes the facts away"},
	{"deployctl assign-role web[01-03] --collection shop --category front --role web --show",
		"without a file: one role for some nodes"},
	{NULL, NULL},
};

/* Either files, or nodes with what they are. */
static int check_opts(const struct assign_opts *assign, struct args args, struct deploy_error *err)
{
	const struct {
		const char *name, *value;
	} needed[] = {{"collection", assign->collection}, {"category", assign->category},
		{"role", assign->role}};
	bool says_role = assign->collection || assign->category || assign->role || assign->entity;

	if (assign->checks + assign->shows + assign->diff > 1)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--check, --show and --diff exclude each other");
	if (assign->removes && (assign->file_count || says_role || assign->environment ||
				       assign->checks || assign->shows))
		return deploy_error_set(err, DEPLOY_USAGE,
			"--remove takes NODE, and nothing that says a role or shows one");
	if (assign->environment && deploy_push_check_environment(assign->environment, err))
		return err->code = DEPLOY_USAGE;
	if (assign->file_count && (args.count || says_role))
		return deploy_error_set(err, DEPLOY_USAGE,
			"-f says who has which role: no NODE, --collection, --category, --role, "
			"--entity beside it");
	if (assign->file_count)
		return 0;
	if (assign->layers || assign->cluster)
		return deploy_error_set(err, DEPLOY_USAGE, "%s needs -f FILE",
			assign->layers ? "--layers" : "--cluster");
	if (args.count == 0)
		return deploy_error_set(err, DEPLOY_USAGE,
			assign->removes ? "NODE is missing" : "neither -f FILE nor NODE is given");
	for (size_t i = 0; !assign->removes && i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].value)
			return deploy_error_set(
				err, DEPLOY_USAGE, "--%s is missing", needed[i].name);
	return 0;
}

static int read_files(
	struct deploy_roles *roles, const struct assign_opts *assign, struct deploy_error *err)
{
	for (size_t i = 0; i < assign->file_count; i++)
		if (deploy_roles_read_file(roles, assign->files[i], err))
			return err->code;
	return 0;
}

/* What does not go together is found after the nodes' names are: 10,000 nodes are one set. */
static int read_words(struct deploy_roles *roles, const struct assign_opts *assign,
	struct args args, struct deploy_error *err)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_role role = {.collection = assign->collection,
		.category = assign->category,
		.role = assign->role,
		.entity = assign->entity ? assign->entity : ""};

	for (int i = 0; i < args.count && !err->code; i++)
		if (deploy_nodeset_parse(nodes, args.values[i], err))
			err->code = DEPLOY_USAGE;
	for (size_t i = 0; i < deploy_nodeset_count(nodes) && !err->code; i++) {
		role.node = deploy_nodeset_get(nodes, i);
		(void)deploy_roles_add(roles, &role, err);
	}
	deploy_nodeset_free(nodes);
	return err->code;
}

static int fail_by_flaws(const struct assign_opts *assign, const struct deploy_roles *roles,
	struct deploy_error *err)
{
	size_t count = deploy_roles_flaw_count(roles);
	const char *s = count == 1 ? "" : "s";

	if (!count)
		return 0;
	if (!assign->checks)
		deploy_error_hint(err, "deployctl assign-role -f %s --check", assign->files[0]);
	if (assign->file_count == 1)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: %zu error%s",
			deploy_roles_flaw(roles, 0)->file, count, s);
	return deploy_error_set(
		err, DEPLOY_INPUT, "%zu error%s in %zu files", count, s, assign->file_count);
}

/* What is counted only if it may be used. */
static json_t *summary_of(const struct deploy_roles *roles, const json_t *nodes)
{
	size_t flaws = deploy_roles_flaw_count(roles);

	if (flaws)
		return json_pack("{s:I}", "errors", (json_int_t)flaws);
	return json_pack("{s:I, s:I, s:I}", "hosts", (json_int_t)json_array_size(nodes), "roles",
		(json_int_t)deploy_roles_count(roles), "errors", (json_int_t)0);
}

/* --check: one line for each thing that is wrong, or ok. */
static int check(struct ctx *ctx, const struct deploy_roles *roles, struct deploy_error *err)
{
	json_t *nodes = role_facts(ctx, roles);
	json_t *summary = summary_of(roles, nodes), *items = json_array();
	size_t hosts = json_array_size(nodes), count = deploy_roles_count(roles);
	int status = (int)exit_of_error(err->code);

	flaws_print(ctx->out, deploy_roles_flaw(roles, 0), deploy_roles_flaw_count(roles), items);
	if (!err->code && out_is_for_people(ctx->out))
		out_text(ctx->out, "ok: %zu host%s, %zu role%s\n", hosts, hosts == 1 ? "" : "s",
			count, count == 1 ? "" : "s");
	if (out_format(ctx->out) == OUT_JSONL)
		flaws_print_lines(ctx->out, "error", items);
	out_document(ctx->out, "assign-role", items, summary, status, err);
	json_decref(summary);
	json_decref(items);
	json_decref(nodes);
	return status;
}

static void print_table(struct out *out, const struct deploy_roles *roles)
{
	static const char *const headers[] = {
		"NODE", "LAYER", "ROLE", "COLLECTION", "CATEGORY", "ENTITY"};
	struct out_table *table = out_table_new(
		out_has_headers(out) ? headers : NULL, out_format(out) == OUT_WIDE ? 6 : 3);

	for (size_t i = 0; i < deploy_roles_count(roles); i++) {
		const struct deploy_role *role = deploy_roles_get(roles, i);
		const char *cells[] = {role->node, deploy_layer_name(role->layer), role->role,
			role->collection, role->category, role->entity};

		out_table_add(table, cells);
	}
	out_table_print(out, table);
	out_table_free(table);
}

static void print_nodes(struct out *out, const json_t *items)
{
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		const json_t *node = json_object_get(item, "node");

		out_foreign(out, json_string_value(node), json_string_length(node));
		out_text(out, "\n");
	}
}

/* --show: a row for each role; for programs an item for each node, with the facts it gets. */
static int show(struct ctx *ctx, const struct deploy_roles *roles, struct deploy_error *err)
{
	json_t *items = role_facts(ctx, roles);
	json_t *summary = summary_of(roles, items);
	int status = deploy_roles_count(roles) ? EXIT_ALL_OK : EXIT_NO_NODES;

	if (out_is_for_people(ctx->out))
		print_table(ctx->out, roles);
	else if (out_format(ctx->out) == OUT_JSONL)
		flaws_print_lines(ctx->out, "node", items);
	else if (out_format(ctx->out) == OUT_NAME)
		print_nodes(ctx->out, items);
	if (status == EXIT_NO_NODES)
		out_note(ctx->out, "no node has a role in these layers");
	out_document(ctx->out, "assign-role", items, summary, status, err);
	json_decref(summary);
	json_decref(items);
	return status;
}

/* whole: what all layers come to; NULL if all were chosen. */
static int assign(struct ctx *ctx, const struct assign_opts *options, const json_t *whole,
	const struct deploy_roles *roles, struct deploy_error *err)
{
	json_t *chosen = role_facts(ctx, roles);
	const struct assign_request request = {.chosen = chosen,
		.whole = whole,
		.environment = options->environment,
		.is_from_file = options->file_count > 0,
		.reason = options->reason,
		.confirm = options->confirm,
		.diff = options->diff,
		.tells_change = options->tells_change};
	int status;

	if (json_array_size(chosen)) {
		status = assign_record(ctx, &request, err);
	} else {
		out_note(ctx->out, "no node has a role in these layers");
		status = EXIT_NO_NODES;
	}
	json_decref(chosen);
	return status;
}

static int remove_roles(struct ctx *ctx, const struct assign_opts *options, struct args args,
	struct deploy_error *err)
{
	const struct assign_request request = {.reason = options->reason,
		.confirm = options->confirm,
		.diff = options->diff,
		.tells_change = options->tells_change};
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	int status;

	for (int i = 0; i < args.count && !err->code; i++)
		if (deploy_nodeset_parse(nodes, args.values[i], err))
			err->code = DEPLOY_USAGE;
	status = err->code ? EXIT_USAGE : assign_remove(ctx, nodes, &request, err);
	deploy_nodeset_free(nodes);
	return status;
}

/* The files are fine, or there are none. */
static int use(struct ctx *ctx, const struct assign_opts *options, struct deploy_roles *roles,
	struct deploy_error *err)
{
	json_t *whole = options->layers ? role_facts(ctx, roles) : NULL;
	int status;

	if (role_choose(roles, options->layers, options->cluster, err)) {
		deploy_error_wrap(err, "--cluster");
		status = EXIT_USAGE;
	} else if (options->checks)
		status = check(ctx, roles, err);
	else
		status = options->shows ? show(ctx, roles, err)
					: assign(ctx, options, whole, roles, err);
	json_decref(whole);
	return status;
}

/*
 * Files are checked and shown without a configuration. What is recorded goes where it says, under
 * the names of facts that it says: one that cannot be used is not guessed at.
 */
static int assign_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	const struct assign_opts *options = opts;
	const struct deploy_error unusable = *err;
	struct deploy_roles *roles = deploy_roles_new();
	int status;

	*err = (struct deploy_error){0};
	if (check_opts(options, args, err))
		status = EXIT_USAGE;
	else if (!options->removes &&
		 (read_files(roles, options, err) || read_words(roles, options, args, err)))
		status = (int)exit_of_error(err->code);
	else if (fail_by_flaws(options, roles, err))
		status = options->checks ? check(ctx, roles, err) : EXIT_INPUT;
	else if (unusable.code && !options->checks && !options->shows)
		status = (int)exit_of_error((*err = unusable).code);
	else
		status = options->removes ? remove_roles(ctx, options, args, err)
					  : use(ctx, options, roles, err);
	deploy_roles_free(roles);
	return status;
}

const struct command cmd_assign_role = {
	.name = "assign-role",
	.group = "act",
	.summary = "assign roles to nodes, and show who has which",
	.operands = "[NODE...]",
	.description =
		"Says who has which role in a cluster: by cluster files, or for NODE, a name or a "
		"node set, with --collection, --category, --role and --entity. It is recorded in "
		"the state file as the facts that each node is to have: deploop_collection, "
		"deploop_category, deploop_role and deploop_entity, or as role_facts of the "
		"configuration calls them; push-facts then gives them to the nodes. A node with "
		"several roles gets all of them, as words with a blank between two; what a node "
		"was "
		"assigned before and is not any more is taken away. With --layers a node keeps "
		"what "
		"it was assigned in the other layers. A node that was never seen is looked for, "
		"and "
		"if it does not answer, nothing is assigned to anybody, nor taken from anybody.\n\n"
		"--check tells everything that is wrong in the files at once, each with file, "
		"line, "
		"column and JSON pointer, or the number of hosts and roles. --show prints a row "
		"for "
		"each role of each node; for programs one item for each node, with the facts that "
		"it gets. Neither needs configuration or broker. --diff shows what would "
		"change.\n\n"
		"A cluster file is JSON or YAML with the keys buildoop_repository (a URI), "
		"environment_cluster (the cluster's name: a letter or digit, then at most 49 "
		"letters, digits, _ . -), cluster_layout, and optionally environment_path and "
		"environment_branch. cluster_layout has a name and at least one of the layers "
		"batch (nn1, nn2, rm: a host each; dn: a list of hosts), bus (name, worker: a "
		"list), speed and serving (name, master: a host, worker: a list). Instead of "
		"master and worker the keys may be NAME-master and NAME-worker, as the roles are "
		"called: storm-worker. A host is a mapping with hostname, the node's identity, "
		"and optionally entity, a list of words.\n\n"
		"Refused are a host twice in a layer or in two files, two names of one host (with "
		"and without its domain), two files about one cluster, and what nodes do not take "
		"as the value of a fact: more than 100 bytes, or other characters than letters, "
		"digits and _ . : / -.",
	.min_args = 0,
	.max_args = ARGS_ANY,
	.complete = complete_nodes,
	.options = assign_options,
	.opts_size = sizeof(struct assign_opts),
	.needs = NEED_SETTINGS | NEED_BROKER,
	.exits = assign_exits,
	.examples = assign_examples,
	.main = assign_main,
};
