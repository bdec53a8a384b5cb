/* Runs in the state file, seen from a command. */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Rows that one run may remove of older ones: a little each time. */
#define PRUNE_ROWS 5000

/* Looks need no place for state; without one they are just not recorded. */
static bool has_place(const struct ctx *ctx)
{
	return ctx->global.state || (ctx->config && ctx->config->state);
}

int record_begin(struct record *record, struct ctx *ctx, const struct record_info *info,
	const struct deploy_plan *plan, deploy_event_fn *sink, void *sink_arg,
	struct deploy_error *err)
{
	struct deploy_run_info run = {.kind = info->kind,
		.command = ctx->command_line,
		.reason = info->reason,
		.is_act = info->is_act,
		.is_record_only = info->is_record_only,
		.record = info->fn,
		.record_arg = info->fn_arg,
		.plan_file = info->plan_file,
		.plan_digest = info->plan_digest,
		.resume = info->resume,
		.inputs = info->inputs,
		.options = info->options};

	*record = (struct record){.ctx = ctx};
	if (!info->is_act && !has_place(ctx))
		return 0;
	if (ctx_state(ctx, true, &record->why) == 0)
		(void)deploy_journal_begin(
			&record->journal, ctx->state, &run, plan, sink, sink_arg, &record->why);
	if (record->journal) {
		ctx->run_id = deploy_journal_run_id(record->journal);
		out_set_run(ctx->out, ctx->run_id);
	} else if (info->is_act) {
		*err = record->why;
	}
	return err->code;
}

/* The journal's and the writer's, as one. */
static int idle(void *arg)
{
	struct record *record = arg;
	int journal_ms = deploy_journal_idle(record->journal), out_ms = out_drain(record->ctx->out);

	return journal_ms < 0 || (out_ms >= 0 && out_ms < journal_ms) ? out_ms : journal_ms;
}

void record_join(struct record *record, struct deploy_run_options *options)
{
	if (!record->journal)
		return;
	options->sink = deploy_journal_sink;
	options->sink_arg = record->journal;
	options->idle = idle;
	options->idle_arg = record;
	options->wants_intents = true;
	options->before_publish = deploy_journal_commit;
	options->before_publish_arg = record->journal;
}

void record_flush(struct record *record)
{
	if (record->journal)
		(void)deploy_journal_commit(record->journal);
}

/* Old runs go a few at a time; that they could not is no fault of this one. */
static void prune(struct ctx *ctx)
{
	const struct deploy_retention retention = {.keep_days = ctx->config->keep_days,
		.keep_runs = ctx->config->keep_runs,
		.max_rows = PRUNE_ROWS};
	struct deploy_error ignored = {0};
	bool more;

	(void)deploy_state_prune(ctx->state, &retention, &more, &ignored);
}

int record_end(struct record *record, const struct deploy_run_result *result, int status,
	struct deploy_error *err)
{
	if (record->journal &&
		deploy_journal_end(record->journal, result, status, &record->why) == 0)
		prune(record->ctx);
	record->journal = NULL;
	record->ctx->run_id = NULL;
	if (record->why.code == DEPLOY_OK)
		return status;
	if (err->code == DEPLOY_OK)
		*err = record->why;
	else
		out_note(record->ctx->out, "%s", record->why.text);
	return exit_worse(status, exit_of_error(record->why.code));
}

/* True if a secret is named in text. */
static bool names_secret(const char *text, size_t len)
{
	static const char *const words[] = {"pass", "secret", "token", "psk", "credential"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t at = 0, n = strlen(words[i]); at + n <= len; at++)
			if (strncasecmp(text + at, words[i], n) == 0)
				return true;
	return false;
}

/* KEY=VALUE: by its key; of KEY:=JSON the keys are in the value. */
static bool is_secret(const char *word, size_t key)
{
	return names_secret(word, word[key - 1] == ':' ? strlen(word) : key);
}

static size_t add(char *line, size_t at, const char *text, size_t len)
{
	memcpy(line + at, text, len);
	return at + len;
}

/* Bytes of "user:password@" where a URL's server begins; 0 if there is none. */
static size_t login_len(const char *at)
{
	size_t len = strcspn(at, "/?# ");

	while (len && at[len - 1] != '@')
		len--;
	return len;
}

/* Text within quotes, or where none are needed; who logs in to a server stays out. */
static size_t add_text(char *line, size_t at, const char *text)
{
	for (const char *c = text; *c; c++) {
		size_t login = c - text >= 3 && memcmp(c - 3, "://", 3) == 0 ? login_len(c) : 0;

		if (login) {
			at = add(line, at, "***@", 4);
			c += login - 1;
		} else {
			at = *c == '\'' ? add(line, at, "'\\''", 4) : add(line, at, c, 1);
		}
	}
	return at;
}

static size_t add_word(char *line, size_t at, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				    "_-.,:=/@%+~";
	const char *equals = strchr(word, '=');
	size_t key = equals ? (size_t)(equals - word) : 0, len = strlen(word);
	bool must_quote = len == 0 || strspn(word, plain) < len;

	if (key && is_secret(word, key)) {
		at = add(line, at, word, key + 1);
		return add(line, at, "***", 3);
	}
	if (must_quote)
		line[at++] = '\'';
	at = add_text(line, at, word);
	if (must_quote)
		line[at++] = '\'';
	return at;
}

char *record_command_line(int count, char **words)
{
	size_t size = 1, at = 0;
	char *line;

	for (int i = 0; i < count; i++)
		size += 4 * strlen(words[i]) + 8; /* a byte becomes four at most */
	line = out_resize(NULL, size);
	for (int i = 0; i < count; i++) {
		if (i)
			line[at++] = ' ';
		at = add_word(line, at, words[i]);
	}
	line[at] = '\0';
	return line;
}
