/* Questions at the terminal. */
#include "confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define YES_OR_NO ". Go on? [y/N] "

const struct opt confirm_options[] = {
	OPT_FLAG('y', "yes", struct confirm_opts, says_yes, "do not ask before acting"),
	OPT_FLAG(0, "no-input", struct confirm_opts, asks_nothing,
		"ask nothing at the terminal: without --yes nothing is then done"),
	OPT_END,
};

static bool can_ask(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

/* False with err if it may not be done unasked, and nobody can be asked. */
static bool must_ask(const struct ctx *ctx, const struct confirm_opts *opts,
	const struct confirm_question *question, struct deploy_error *err)
{
	bool can = can_ask() && !opts->asks_nothing;

	if (opts->says_yes)
		return false;
	if (question->is_for_many_only)
		return can && ctx->config->confirm_above;
	if (!can)
		(void)deploy_error_set(err, DEPLOY_USAGE,
			"it asks before it acts; %s --yes is needed",
			opts->asks_nothing ? "with --no-input" : "without a terminal");
	return can;
}

/* A line without its newline; empty at the end of input, or if it is too long. */
static void read_line(char *line, size_t size)
{
	char *end;

	line[0] = '\0';
	if (!fgets(line, (int)size, stdin))
		(void)fputc('\n', stderr);
	end = strchr(line, '\n');
	if (end)
		*end = '\0';
	else
		line[0] = '\0';
}

/* Print the text, foreign, and prompt, and read what is answered. */
static void ask(const char *text, const char *prompt, char *line, size_t size)
{
	char *escaped = deploy_text_escape(text, strlen(text));

	(void)fprintf(stderr, "%s%s", escaped, prompt);
	(void)fflush(stderr);
	free(escaped);
	read_line(line, size);
}

static bool is_yes(const char *line)
{
	return strcmp(line, "y") == 0 || strcmp(line, "Y") == 0 || strcmp(line, "yes") == 0;
}

static bool is_meant(const struct confirm_question *question, size_t count, bool is_many)
{
	char text[800], line[32], number[24], prompt[64] = YES_OR_NO;

	(void)snprintf(number, sizeof(number), "%zu", count);
	if (is_many)
		(void)snprintf(prompt, sizeof(prompt), "\ntype %s to go on: ", number);
	(void)snprintf(text, sizeof(text), "%.600s%zu %s%.100s", question->before, count,
		count == 1 ? "node" : "nodes", question->after);
	(void)fputs(question->lines ? question->lines : "", stderr);
	ask(text, prompt, line, sizeof(line));
	return is_many ? strcmp(line, number) == 0 : is_yes(line);
}

static int status_of(const struct ctx *ctx, bool goes_on)
{
	if (!goes_on)
		out_note(ctx->out, "nothing was done");
	return goes_on ? EXIT_ALL_OK : EXIT_REFUSED;
}

/* Somebody is there to be asked. */
static int ask_about(
	struct ctx *ctx, const struct confirm_question *question, size_t count, bool *was_asked)
{
	size_t above = ctx->config->confirm_above;
	bool is_many = above && count > above;

	*was_asked = is_many || !question->is_for_many_only;
	if (!*was_asked)
		return EXIT_ALL_OK;
	ctx_leave_bus(ctx);
	return status_of(ctx, is_meant(question, count, is_many));
}

int confirm_act(struct ctx *ctx, const struct confirm_opts *opts,
	const struct confirm_question *question, size_t count, struct deploy_error *err)
{
	bool was_asked;

	if (!must_ask(ctx, opts, question, err))
		return (int)exit_of_error(err->code);
	return ask_about(ctx, question, count, &was_asked);
}

int confirm_plain(struct ctx *ctx, const struct confirm_opts *opts, const char *text,
	struct deploy_error *err)
{
	static const struct confirm_question always = {.is_for_many_only = false};
	char line[32];

	if (!must_ask(ctx, opts, &always, err))
		return (int)exit_of_error(err->code);
	ask(text, YES_OR_NO, line, sizeof(line));
	return status_of(ctx, is_yes(line));
}

/* How many of nodes are left when those that are not to be asked are gone. */
static size_t count_of(const struct deploy_nodeset *nodes, const struct target_opts *target)
{
	struct deploy_nodeset *rest = deploy_nodeset_copy(nodes);
	size_t count;

	if (target->exclude)
		deploy_nodeset_subtract(rest, target->exclude);
	count = deploy_amount_part(target->limit.amount, deploy_nodeset_count(rest));
	deploy_nodeset_free(rest);
	return count;
}

int confirm_nodes(struct deploy_nodeset **found, struct ctx *ctx, const struct confirm_opts *opts,
	const struct confirm_question *question, const struct target_opts *target,
	const char *agent, struct deploy_error *err)
{
	const struct deploy_nodeset *nodes = target_nodes(target);
	bool was_asked;
	int status;

	*found = NULL;
	if (!must_ask(ctx, opts, question, err))
		return (int)exit_of_error(err->code);
	if (!nodes && target_find(found, ctx, target, agent, err))
		return (int)exit_of_error(err->code);
	if (!nodes)
		nodes = *found;
	/* That nobody is there is said by who wants to ask them. */
	if (!nodes || !count_of(nodes, target))
		return EXIT_ALL_OK;
	status = ask_about(ctx, question, count_of(nodes, target), &was_asked);
	if (status == EXIT_ALL_OK && was_asked && target_connect(ctx, target, err))
		status = (int)exit_of_error(err->code);
	return status;
}
