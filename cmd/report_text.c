/* A report for people, on stderr: what happens, the counts, who was not ok, and why nobody
 * answered. */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

/* What a person at the terminal should know while it happens. */
void report_narrate(struct report *report, const struct deploy_event *event)
{
	char *text;

	switch (event->type) {
	case DEPLOY_EVENT_GROUP_STARTED:
		out_note(report->out, "asking %s (%zu %s)", event->text, event->count,
			event->count == 1 ? "node" : "nodes");
		break;
	case DEPLOY_EVENT_RETRY:
		out_note(report->out, "%s: try %u: %s%s%s", event->node, event->attempt,
			deploy_outcome_state_name(event->outcome->state),
			event->outcome->message[0] ? ": " : "", event->outcome->message);
		break;
	case DEPLOY_EVENT_STOPPED:
		out_note(report->out, "stopped: %s", event->text);
		break;
	case DEPLOY_EVENT_PROGRESS:
		text = report_progress_text(report, event);
		out_status(report->out, text);
		free(text);
		break;
	case DEPLOY_EVENT_BLOCKED:
		out_note(report->out, "the broker takes no publishes: %s", event->text);
		break;
	case DEPLOY_EVENT_UNBLOCKED:
		out_note(report->out, "the broker takes publishes again");
		break;
	default:
		break;
	}
}

static void note_set(
	const struct report *report, const char *what, const struct deploy_nodeset *set)
{
	char *folded;

	if (deploy_nodeset_count(set) == 0)
		return;
	folded = deploy_nodeset_print(set);
	out_note(report->out, "%s: %s", what, folded);
	free(folded);
}

/* The last block: counts, then who did not do it. */

/* ", 3 failed" if there are any. */
static void add_count(FILE *text, size_t count, const char *what)
{
	if (count)
		(void)fprintf(text, ", %zu %s", count, what);
}

/* "5 nodes: 3 ok, 1 failed, 1 not connected" */
static void note_counts(const struct report *report, const struct deploy_tally *tally)
{
	size_t absent = deploy_nodeset_count(tally->not_connected);
	size_t handed_over = deploy_nodeset_count(tally->handed_over), size = 0;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	(void)fprintf(stream, "%zu %s: ", tally->nodes, tally->nodes == 1 ? "node" : "nodes");
	if (report->no_results)
		(void)fprintf(stream, "%zu not asked for an answer", handed_over);
	else
		(void)fprintf(stream, "%zu ok", tally->count[DEPLOY_OUTCOME_OK]);
	add_count(stream, tally->count[DEPLOY_OUTCOME_FAILED], "failed");
	add_count(stream, tally->count[DEPLOY_OUTCOME_SILENT] - absent, "silent");
	add_count(stream, absent, "not connected");
	add_count(stream, tally->count[DEPLOY_OUTCOME_UNKNOWN] - handed_over, "unknown");
	add_count(stream, tally->count[DEPLOY_OUTCOME_CANCELLED], "not asked");
	(void)fclose(stream);
	out_note(report->out, "%s", text);
	free(text);
}

/* word with backslashes and quotes doubled or marked, as $'…' wants it. Free with free(). */
static char *mark_quotes(const char *word)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		abort();
	for (; *word; word++)
		(void)fprintf(stream, *word == '\'' || *word == '\\' ? "\\%c" : "%c", *word);
	(void)fclose(stream);
	return text;
}

/* A word as a shell would have it typed: plain, in quotes, or with control characters spelt out. */
static void add_word(FILE *text, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
	char *escaped = deploy_text_escape(word, strlen(word)), *marked;

	if (*word && word[strspn(word, plain)] == '\0') {
		(void)fprintf(text, " %s", word);
	} else if (strcmp(escaped, word) == 0 && !strchr(word, '\'')) {
		(void)fprintf(text, " '%s'", word);
	} else {
		free(escaped);
		marked = mark_quotes(word);
		escaped = deploy_text_escape(marked, strlen(marked));
		(void)fprintf(text, " $'%s'", escaped);
		free(marked);
	}
	free(escaped);
}

/* " -T subcol"; nothing without a value. */
static void add_option(FILE *text, const char *option, const char *value)
{
	if (!value)
		return;
	(void)fprintf(text, " %s", option);
	add_word(text, value);
}

/* The command that asks those again that are not ok. */
static void note_again(const struct report *report, const struct deploy_tally *tally)
{
	struct deploy_nodeset *rest = deploy_nodeset_new();
	char *text = NULL, *folded;
	size_t size = 0;
	FILE *stream;

	for (int state = 0; state < DEPLOY_OUTCOME_STATES; state++)
		if (state != DEPLOY_OUTCOME_SKIPPED)
			deploy_nodeset_unite(rest, tally->set[state]);
	deploy_nodeset_subtract(rest, tally->handed_over);
	if (report->goes_on && deploy_nodeset_count(rest))
		out_note(report->out, "to go on, give the same command again");
	stream = report->operands.count && deploy_nodeset_count(rest) ? open_memstream(&text, &size)
								      : NULL;
	if (stream) {
		(void)fputs("to ask those again: deployctl rpc", stream);
		for (int i = 0; i < report->operands.count; i++)
			add_word(stream, report->operands.values[i]);
		folded = deploy_nodeset_print(rest);
		add_option(stream, "-c", report->global->config);
		add_option(stream, "--context", report->global->context);
		for (size_t i = 0; i < report->global->ddl_dirs.count; i++)
			add_option(stream, "--ddl-dir", report->global->ddl_dirs.paths[i]);
		add_option(stream, "-T", report->collective);
		if (report->no_results)
			(void)fputs(" --nr", stream);
		add_option(stream, "--until", report->until);
		add_option(stream, "-I", folded);
		(void)fclose(stream);
		out_note(report->out, "%s", text);
		free(folded);
		free(text);
	}
	deploy_nodeset_free(rest);
}

/* Nobody was found who said anything, or everybody that is connected was silent. */
static void note_silence(const struct report *report)
{
	if (report->is_blocked)
		out_note(report->out, "nodes cannot answer while the broker takes no publishes; "
				      "free its memory or disk");
	else
		out_note(report->out, "a wrong PSK, a wrong collective and nodes whose clock is "
				      "off all look like this");
	/* What an operand names may be misspelt; rpcutil, which we name ourselves, is everywhere.
	 */
	if (!report->is_blocked && strcmp(report->kind, "rpc") == 0)
		out_note(report->out,
			"so do nodes without the agent %s: deployctl discover "
			"--check-agents %s",
			report->agent, report->agent);
}

void report_note_summary(const struct report *report, const struct deploy_tally *tally)
{
	struct deploy_nodeset *silent = deploy_nodeset_copy(tally->set[DEPLOY_OUTCOME_SILENT]);
	struct deploy_nodeset *unknown = deploy_nodeset_copy(tally->set[DEPLOY_OUTCOME_UNKNOWN]);

	deploy_nodeset_subtract(silent, tally->not_connected);
	deploy_nodeset_subtract(unknown, tally->handed_over);
	note_counts(report, tally);
	if (report->view == &report_times && report->replies)
		out_note(report->out, "round trip: min %.2f, average %.2f, max %.2f ms",
			(double)report->rtt_min_us / 1000,
			(double)report->rtt_sum_us / 1000 / (double)report->replies,
			(double)report->rtt_max_us / 1000);
	note_set(report, "failed", tally->set[DEPLOY_OUTCOME_FAILED]);
	note_set(report, "silent", silent);
	note_set(report, "not connected", tally->not_connected);
	note_set(report, "unknown", unknown);
	note_set(report, "not asked", tally->set[DEPLOY_OUTCOME_CANCELLED]);
	if (!report->replies && deploy_nodeset_count(silent))
		note_silence(report);
	note_again(report, tally);
	deploy_nodeset_free(silent);
	deploy_nodeset_free(unknown);
}

void report_note_broadcast(const struct report *report, const struct deploy_run_result *result)
{
	/* Otherwise it is not known to have gone anywhere. */
	if (result->end != DEPLOY_RUN_COMPLETE)
		return;
	out_note(report->out, "%s %s went to every node %s; which ones do it is not known",
		report->agent, report->action,
		report->is_filtered ? "that matches the filter" : "that has the agent");
}

void report_note_ignored(const struct report *report, const struct deploy_run_result *result)
{
	size_t missed = report_missed(report, result);

	if (missed)
		out_note(report->out,
			"discovery ended too early, %zu more %s came later: not all nodes are "
			"known; "
			"give it time with --window-time, --dt or --expect",
			missed, missed == 1 ? "reply" : "replies");
	for (int i = 0; i < DEPLOY_IGNORED_REASONS; i++) {
		enum deploy_ignored reason = (enum deploy_ignored)i;
		size_t total = report_ignored(result, reason);

		if (total)
			out_note(report->out, "%zu %s %s not credited%s%s", total,
				deploy_ignored_name(reason),
				total == 1 ? "reply was" : "replies were",
				reason == DEPLOY_IGNORED_REJECTED ? ": " : "",
				reason == DEPLOY_IGNORED_REJECTED ? report->rejected_text : "");
	}
}

void report_note_nobody(const struct report *report, const struct deploy_run_result *result)
{
	/* Without a discovery the names were given, and all of them excluded. */
	if (!result->found[0] || result->tally[0].count[DEPLOY_OUTCOME_SKIPPED]) {
		out_note(report->out, "no node is left to ask");
		return;
	}
	out_note(report->out, report->is_filtered ? "no node matches, or none that matches answered"
						  : "no node answered");
	note_silence(report);
}
