/* deployctl lock — who holds which lock, and taking one away from a run that is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "completion.h"
#include "confirm.h"
#include "report_parts.h"
#include "status.h"

static const enum exit_status lock_exits[] = {EXIT_ALL_OK, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_OUTPUT, EXIT_CONFIG, EXIT_LIST_END};

static const struct example lock_examples[] = {
	{"deployctl lock list", "who holds what, since when, and whether that process lives"},
	{"deployctl lock list -o json", "the same for programs"},
	{"deployctl lock break cluster/alfa", "take it from a run that nobody carries out"},
	{NULL, NULL},
};

static json_t *item_of(const struct deploy_lock_record *lock)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:s, s:o, s:o}", "lock",
		report_foreign_text(lock->name), "run", report_foreign_text(lock->run), "kind",
		report_foreign_text(lock->kind), "user", report_foreign_text(lock->user), "host",
		report_foreign_text(lock->host), "pid", (json_int_t)lock->pid, "state",
		deploy_owner_life_name(lock->owner), "since", when_json(lock->taken_us), "reason",
		report_foreign_text(lock->reason));
}

/* list */

struct listing {
	struct out *out;
	struct out_table *table;
	json_t *items;
};

static int list_lock(void *arg, const struct deploy_lock_record *lock)
{
	const struct listing *listing = arg;
	char since[WHEN_SIZE];
	const char *const cells[] = {lock->name, lock->run, lock->user ? lock->user : "-",
		lock->host, when_local(since, lock->taken_us), deploy_owner_life_name(lock->owner)};

	out_table_add(listing->table, cells);
	(void)json_array_append_new(listing->items, item_of(lock));
	if (out_format(listing->out) == OUT_NAME)
		status_name(listing->out, lock->name);
	return 0;
}

static int list(struct ctx *ctx, struct deploy_error *err)
{
	static const char *const headers[] = {"NAME", "RUN", "USER", "HOST", "SINCE", "STATE"};
	struct listing listing = {ctx->out,
		out_table_new(headers, sizeof(headers) / sizeof(headers[0])), json_array()};
	json_t *summary;

	if (!ctx_state(ctx, false, err) &&
		!deploy_state_each_lock(ctx->state, list_lock, &listing, err)) {
		summary = json_pack("{s:I}", "locks", (json_int_t)json_array_size(listing.items));
		if (out_is_for_people(ctx->out))
			out_table_print(ctx->out, listing.table);
		out_lines(ctx->out, "lock", listing.items);
		out_document(ctx->out, "lock", listing.items, summary, EXIT_ALL_OK, err);
		json_decref(summary);
	}
	out_table_free(listing.table);
	json_decref(listing.items);
	return exit_of_error(err->code);
}

/* break */

/* A lock as it was seen, to be told of, and to be found unchanged. */
struct sight {
	const char *name;
	json_t *item; /* NULL: nobody holds it */
	int64_t taken_us;
	char *words; /* "run … of root on …" */
};

static int see(void *arg, const struct deploy_lock_record *lock)
{
	struct sight *sight = arg;
	char since[WHEN_SIZE];
	size_t size = 0;
	FILE *stream;

	if (strcmp(lock->name, sight->name) != 0)
		return 0;
	sight->item = item_of(lock);
	sight->taken_us = lock->taken_us;
	stream = open_memstream(&sight->words, &size);
	if (!stream)
		abort();
	(void)fprintf(stream, "run %s (%s) of %s on %s, process %ld (%s), since %s%s%s", lock->run,
		lock->kind, lock->user ? lock->user : "-", lock->host, lock->pid,
		deploy_owner_life_name(lock->owner), when_local(since, lock->taken_us),
		lock->reason ? ": " : "", lock->reason ? lock->reason : "");
	(void)fclose(stream);
	return 1;
}

static void forget(struct sight *sight)
{
	json_decref(sight->item);
	free(sight->words);
}

/* Whoever was asked about one lock does not mean the next run that got it meanwhile. */
static int break_same(struct ctx *ctx, const struct sight *asked, struct deploy_error *err)
{
	struct sight now = {.name = asked->name};

	if (deploy_state_each_lock(ctx->state, see, &now, err) == 0 && asked->item && now.item &&
		now.taken_us != asked->taken_us)
		(void)deploy_error_set(err, DEPLOY_REFUSED,
			"lock \"%s\" was taken anew meanwhile, by %s; nothing was done", now.name,
			now.words);
	forget(&now);
	return err->code ? (int)err->code : deploy_lock_break(ctx->state, asked->name, err);
}

static int break_it(struct ctx *ctx, const struct sight *asked, struct deploy_error *err)
{
	if (deploy_state_begin(ctx->state, err))
		return err->code;
	return deploy_state_finish(ctx->state, break_same(ctx, asked, err), err);
}

static int ask(struct ctx *ctx, const struct confirm_opts *opts, const struct sight *sight,
	struct deploy_error *err)
{
	char *question = NULL;
	size_t size = 0;
	FILE *stream;
	int status;

	if (!sight->item)
		return EXIT_ALL_OK;
	stream = open_memstream(&question, &size);
	if (!stream)
		abort();
	(void)fprintf(stream, "lock \"%s\" is taken from %s", sight->name, sight->words);
	(void)fclose(stream);
	status = confirm_plain(ctx, opts, question, err);
	free(question);
	return status;
}

static void tell(struct out *out, const struct sight *sight, const struct deploy_error *err)
{
	json_t *items = json_array(), *summary = json_pack("{s:i}", "broken", 1);

	(void)json_array_append(items, sight->item);
	if (out_is_for_people(out)) {
		out_text(out, "taken from ");
		out_foreign(out, sight->words, strlen(sight->words));
		out_text(out, "\n");
	} else if (out_format(out) == OUT_NAME) {
		status_name(out, sight->name);
	}
	out_lines(out, "lock", items);
	out_document(out, "lock", items, summary, EXIT_ALL_OK, err);
	json_decref(items);
	json_decref(summary);
}

static int break_lock(struct ctx *ctx, const struct confirm_opts *opts, const char *name,
	struct deploy_error *err)
{
	struct sight sight = {.name = name};
	int status = EXIT_ALL_OK;

	if (!deploy_lock_check(name, err) && !ctx_state(ctx, true, err) &&
		!deploy_state_each_lock(ctx->state, see, &sight, err))
		status = ask(ctx, opts, &sight, err);
	if (!err->code && status == EXIT_ALL_OK && !break_it(ctx, &sight, err))
		tell(ctx->out, &sight, err);
	forget(&sight);
	return err->code ? (int)exit_of_error(err->code) : status;
}

static int check_words(struct args args, struct deploy_error *err)
{
	static const char *const words[] = {"list", "break"};
	const char *word = args.values[0], *meant = deploy_text_suggest(word, words, 2);

	if (strcmp(word, "break") == 0)
		return args.count == 2 ? 0
				       : deploy_error_set(err, DEPLOY_USAGE,
						 "lock break takes one NAME of a lock");
	if (strcmp(word, "list") == 0)
		return args.count == 1
			       ? 0
			       : deploy_error_set(err, DEPLOY_USAGE, "lock list takes no NAME");
	deploy_error_hint(err, "deployctl lock %s", meant ? meant : "list");
	return deploy_error_set(err, DEPLOY_USAGE, "lock: \"%s\" is neither list nor break", word);
}

static int lock_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	if (ctx_settings(ctx, err) || check_words(args, err))
		return exit_of_error(err->code);
	return args.count == 1 ? list(ctx, err) : break_lock(ctx, opts, args.values[1], err);
}

static struct choice lock_first_operand(size_t index)
{
	static const struct choice choices[] = {{"list", "who holds which lock"},
		{"break", "take a lock from whoever holds it"}, {NULL, NULL}};

	return choices[index];
}

static int offer_lock(void *completion, const struct deploy_lock_record *lock)
{
	completion_offer(completion, lock->name, lock->run);
	return 0;
}

static void complete_lock(struct completion *completion, struct args operands)
{
	const struct deploy_state *state = completion_state(completion);
	struct deploy_error ignored = {0};

	if (state && operands.count == 1 && strcmp(operands.values[0], "break") == 0)
		(void)deploy_state_each_lock(state, offer_lock, completion, &ignored);
}

const struct command cmd_lock = {
	.name = "lock",
	.group = "act",
	.summary = "show locks, or take one away from a dead run",
	.operands = "list|break [NAME]",
	.description =
		"A plan may name a lock; two runs with the same lock do not run at the same time. "
		"list shows the locks that the state file holds: which run has each, and whether "
		"its process is alive or dead. It is unknown of a process on another host, in "
		"another container, or before the last boot of this host.\n\n"
		"A lock whose process is dead is simply taken by the next run. break is for one "
		"whose process is unknown: it takes the lock away from whoever holds it, after "
		"asking. A run that lives does not notice, and goes on: be sure that there is "
		"none.\n\n"
		"Where the broker permits it, a run that holds a lock also has a queue "
		"deployctl.lock.NAME there, so that runs on other machines and of other users "
		"see it. It is gone with that run's connection, and neither listed nor broken "
		"here.",
	.min_args = 1,
	.max_args = 2,
	.first_operand = lock_first_operand,
	.complete = complete_lock,
	.options = confirm_options,
	.opts_size = sizeof(struct confirm_opts),
	.needs = NEED_SETTINGS,
	.exits = lock_exits,
	.examples = lock_examples,
	.main = lock_main,
};
