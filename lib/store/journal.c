/*
 * The journal. Events wait in a queue and are written in one short transaction, so that the lock on
 * the file is never held between them; they go on when that transaction is committed.
 */
#include "deploy/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deploy/stage.h"
#include "store/journal_entry.h"
#include "store/nodes.h"
#include "store/runs.h"

#define MAX_WAITING 500
#define MAX_WAIT_US 100000
#define MAX_BYTES   (4 * 1024 * 1024) /* that wait: what nodes say may be large */

struct deploy_journal {
	struct deploy_state *state;
	struct deploy_run_info info; /* strings are owned */
	json_t *inputs, *options;
	const struct deploy_plan *plan;
	deploy_event_fn *downstream;
	void *arg;
	struct dp_run run;
	struct deploy_error failed; /* the first error of writing; nothing is recorded after it */
	struct dp_journal_entry **waiting;
	size_t count, cap;
	size_t bytes;	  /* about what they take */
	int64_t since_us; /* when the first of them came */
};

static const struct deploy_task *task_of(
	const struct deploy_journal *journal, const struct deploy_event *event)
{
	return journal->plan && event->task < journal->plan->task_count
		       ? journal->plan->tasks[event->task]
		       : NULL;
}

/* A task that only finds the nodes for a later one: what it has to tell is that they are there. */
static bool is_finder(const struct deploy_journal *journal, const struct deploy_event *event)
{
	const struct deploy_task *task = task_of(journal, event);

	return task && task->only_finds;
}

static bool is_reply(const struct deploy_event *event)
{
	return event->type == DEPLOY_EVENT_OUTCOME && event->outcome->rtt_us >= 0 &&
	       deploy_identity_is_valid(event->node, strlen(event->node));
}

/* What a node's final outcome says about the node itself. */
static int record_node(struct deploy_journal *journal, const struct dp_journal_entry *entry,
	struct deploy_error *err)
{
	const struct deploy_event *event = &entry->event;
	const struct deploy_task *task = task_of(journal, event);
	const struct deploy_request *request = task ? task->request : NULL;
	struct dp_deed deed = {.run_key = 0};

	if (event->type != DEPLOY_EVENT_OUTCOME)
		return 0;
	/* What was never asked was not acted on. */
	if (journal->info.is_act && event->outcome->attempt && !is_finder(journal, event))
		deed = (struct dp_deed){journal->run.key, event->outcome->state};
	/* Who answers an act need not be the node itself: a CA signs for it. */
	if (!is_reply(event) || (task && task->act))
		return deed.run_key ? dp_node_acted_on(
					      journal->state, event->node, &deed, event->at_us, err)
				    : 0;
	if (dp_node_seen(journal->state, event->node, request ? request->collective : NULL, &deed,
		    event->at_us, err))
		return err->code;
	return dp_node_learn(journal->state, event->node, &entry->lesson, event->at_us, err);
}

/* From before a node is asked to run Puppet, and until it is known, how that ended is unknown. */
static int record_puppet(
	struct deploy_journal *journal, const struct deploy_event *event, struct deploy_error *err)
{
	const struct deploy_task *task = task_of(journal, event);
	struct dp_deed deed = {journal->run.key, DEPLOY_OUTCOME_UNKNOWN};

	if (!task || !task->deed || strcmp(task->deed, DEPLOY_PUPPET_RUN) != 0)
		return 0;
	if (event->type == DEPLOY_EVENT_OUTCOME && event->outcome->attempt)
		deed.outcome = event->outcome->state;
	else if (event->type != DEPLOY_EVENT_INTENT)
		return 0;
	return dp_node_puppet_run(journal->state, event->node, &deed, event->at_us, err);
}

/* A try that ended: the last one of the node, or one that is followed by another. */
static int record_try(
	struct deploy_journal *journal, const struct deploy_event *event, struct deploy_error *err)
{
	char *owned, *data = dp_journal_data(event->outcome->data);
	const char *message = dp_journal_text(&owned, event->outcome->message);
	int rc = dp_run_outcome(journal->state, &journal->run, event, message, data, err);

	if (!rc && event->type == DEPLOY_EVENT_OUTCOME && journal->info.record)
		rc = journal->info.record(journal->info.record_arg, journal->state, event, err);
	free(owned);
	free(data);
	return rc;
}

static int record_other(
	struct deploy_journal *journal, const struct deploy_event *event, struct deploy_error *err)
{
	char *owned_node, *owned_text;
	const char *node = dp_journal_text(&owned_node, event->node);
	const char *text = dp_journal_text(&owned_text, event->text);
	int rc = dp_run_event(journal->state, &journal->run, event, node, text, err);

	free(owned_node);
	free(owned_text);
	return rc;
}

static int record_event(
	struct deploy_journal *journal, const struct deploy_event *event, struct deploy_error *err)
{
	const struct deploy_task *task = task_of(journal, event);

	switch (event->type) {
	case DEPLOY_EVENT_TASK_STARTED:
		return dp_run_task_started(journal->state, &journal->run, event, task, err);
	case DEPLOY_EVENT_TASK_ENDED:
		if (dp_run_task_ended(journal->state, &journal->run, event, err))
			return err->code;
		return event->text ? record_other(journal, event, err) : 0;
	case DEPLOY_EVENT_INTENT:
		return dp_run_intent(journal->state, &journal->run, event, err);
	case DEPLOY_EVENT_RETRY:
	case DEPLOY_EVENT_OUTCOME:
		return is_finder(journal, event) ? 0 : record_try(journal, event, err);
	case DEPLOY_EVENT_ASKED:
	case DEPLOY_EVENT_PROGRESS:
		return 0;
	default:
		return record_other(journal, event, err);
	}
}

static int record_entry(struct deploy_journal *journal, const struct dp_journal_entry *entry,
	struct deploy_error *err)
{
	int rc;

	if (entry->frozen)
		return dp_run_freeze(
			journal->state, &journal->run, entry->frozen, entry->nodes, err);
	rc = record_node(journal, entry, err);
	if (!rc && journal->info.is_act)
		rc = record_event(journal, &entry->event, err);
	if (!rc && journal->info.is_act)
		rc = record_puppet(journal, &entry->event, err);
	return rc;
}

static int record_waiting(struct deploy_journal *journal, struct deploy_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < journal->count; i++)
		rc = record_entry(journal, journal->waiting[i], err);
	if (!rc && journal->info.is_act)
		rc = dp_run_update_counts(journal->state, &journal->run, err);
	return rc;
}

static bool is_unproven(const struct deploy_journal *journal, const struct deploy_event *event)
{
	return journal->failed.code && journal->info.is_record_only &&
	       event->type == DEPLOY_EVENT_OUTCOME && event->outcome->state == DEPLOY_OUTCOME_OK;
}

static void pass_on(const struct deploy_journal *journal, struct deploy_event event)
{
	struct deploy_outcome unknown = {.state = DEPLOY_OUTCOME_UNKNOWN,
		.message = "it could not be recorded",
		.rtt_us = -1};

	if (!journal->downstream)
		return;
	if (is_unproven(journal, &event)) {
		unknown.attempt = event.outcome->attempt;
		event.outcome = &unknown;
	}
	journal->downstream(journal->arg, &event);
}

/* An act's events go on now, recorded or not: who watches must learn of them anyhow. */
static void hand_over(struct deploy_journal *journal)
{
	for (size_t i = 0; i < journal->count; i++) {
		if (journal->info.is_act && !journal->waiting[i]->frozen)
			pass_on(journal, journal->waiting[i]->event);
		dp_journal_entry_free(journal->waiting[i]);
	}
	journal->count = 0;
	journal->bytes = 0;
}

static int flush(struct deploy_journal *journal)
{
	struct deploy_error *err = &journal->failed;

	if (journal->count && !err->code && !deploy_state_begin(journal->state, err))
		(void)deploy_state_finish(journal->state, record_waiting(journal, err), err);
	hand_over(journal);
	return err->code;
}

static void add_waiting(struct deploy_journal *journal, struct dp_journal_entry *entry)
{
	if (journal->count == 0)
		journal->since_us = dp_clock_us();
	journal->waiting = dp_grow(
		journal->waiting, &journal->cap, journal->count + 1, sizeof(journal->waiting[0]));
	journal->waiting[journal->count++] = entry;
	journal->bytes += dp_journal_entry_bytes(entry);
}

static void wait_for_commit(struct deploy_journal *journal, const struct deploy_event *event)
{
	const struct deploy_task *task = task_of(journal, event);
	struct dp_journal_entry *entry = dp_journal_entry_new(event);

	if (is_reply(event))
		dp_lesson_take(&entry->lesson, task ? task->request : NULL, event->outcome);
	/* A look goes on without it, and would hold the data of every node. */
	if (!journal->info.is_act) {
		json_decref(entry->outcome.data);
		entry->outcome.data = NULL;
	}
	add_waiting(journal, entry);
}

void deploy_journal_sink(void *arg, const struct deploy_event *event)
{
	struct deploy_journal *journal = arg;
	bool is_act = journal->info.is_act, is_kept = is_act || is_reply(event);

	if (event->type == DEPLOY_EVENT_OUTCOME && !is_finder(journal, event))
		journal->run.count[event->outcome->state]++;
	if (!is_act || journal->failed.code)
		pass_on(journal, *event);
	if (journal->failed.code || !is_kept)
		return;
	wait_for_commit(journal, event);
	if ((is_act && journal->count >= MAX_WAITING) || journal->bytes >= MAX_BYTES)
		(void)flush(journal);
}

void deploy_journal_freeze(
	struct deploy_journal *journal, const char *name, const struct deploy_nodeset *nodes)
{
	if (journal->info.is_act && !journal->failed.code)
		add_waiting(journal, dp_journal_entry_freeze(name, nodes));
}

int deploy_journal_idle(void *arg)
{
	struct deploy_journal *journal = arg;
	int64_t left_us = journal->since_us + MAX_WAIT_US - dp_clock_us();

	if (!journal->info.is_act || journal->count == 0)
		return -1;
	if (left_us > 0)
		return (int)(left_us / 1000) + 1;
	(void)flush(journal);
	return -1;
}

int deploy_journal_commit(void *arg)
{
	struct deploy_journal *journal = arg;

	return journal->info.is_act ? flush(journal) : 0;
}

const char *deploy_journal_run_id(const struct deploy_journal *journal)
{
	return journal->run.id;
}

static char *copy(const char *text)
{
	return text ? dp_xstrdup(text) : NULL;
}

static void free_journal(struct deploy_journal *journal)
{
	/* Copies of ours, which the struct shows as constant to those who fill it in. */
	const char *const texts[] = {journal->info.kind, journal->info.command,
		journal->info.reason, journal->info.plan_file, journal->info.plan_digest};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free((void *)(uintptr_t)texts[i]);
	json_decref(journal->inputs);
	json_decref(journal->options);
	free(journal->waiting);
	free(journal);
}

static int add_run(struct deploy_journal *journal, struct deploy_error *err)
{
	return dp_run_add(journal->state, &journal->run, &journal->info, journal->plan, err);
}

static int begin_act(struct deploy_journal *journal, struct deploy_error *err)
{
	int rc = deploy_state_begin(journal->state, err);

	if (rc)
		return rc;
	rc = journal->info.resume ? dp_run_resume(journal->state, &journal->run, &journal->info,
					    journal->plan, err)
				  : add_run(journal, err);
	return deploy_state_finish(journal->state, rc, err);
}

static void name_run(struct deploy_journal *journal)
{
	struct deploy_state *state = journal->state;

	journal->run.started_us = dp_wall_us();
	deploy_run_id_new(journal->run.id, state->last_id);
	memcpy(state->last_id, journal->run.id, sizeof(state->last_id));
}

int deploy_journal_begin(struct deploy_journal **out, struct deploy_state *state,
	const struct deploy_run_info *info, const struct deploy_plan *plan,
	deploy_event_fn *downstream, void *arg, struct deploy_error *err)
{
	struct deploy_journal *journal = dp_xcalloc(1, sizeof(*journal));
	int rc = 0;

	*out = NULL;
	journal->state = state;
	journal->plan = plan;
	journal->downstream = downstream;
	journal->arg = arg;
	journal->info = *info;
	journal->info.kind = dp_xstrdup(info->kind);
	journal->info.command = copy(info->command);
	journal->info.reason = copy(info->reason);
	journal->info.plan_file = copy(info->plan_file);
	journal->info.plan_digest = copy(info->plan_digest);
	journal->inputs = info->inputs ? json_deep_copy(info->inputs) : NULL;
	journal->info.inputs = journal->inputs;
	journal->options = info->options ? json_deep_copy(info->options) : NULL;
	journal->info.options = journal->options;
	assert(info->is_act || !info->resume);
	if (!info->resume)
		name_run(journal);
	if (info->is_act)
		rc = begin_act(journal, err);
	journal->info.resume = NULL; /* borrowed until now */
	if (rc)
		free_journal(journal);
	else
		*out = journal;
	return rc;
}

/* The rest of a look, or of an act, and the run's own row, as one. */
static int record_end(struct deploy_journal *journal, const struct deploy_run_result *result,
	int exit, struct deploy_error *err)
{
	int rc = journal->info.is_act ? 0 : add_run(journal, err);

	if (!rc)
		rc = record_waiting(journal, err);
	if (!rc)
		rc = dp_run_finish(journal->state, &journal->run, result, exit, err);
	return rc;
}

int deploy_journal_end(struct deploy_journal *journal, const struct deploy_run_result *result,
	int exit, struct deploy_error *err)
{
	struct deploy_error *failed = &journal->failed;
	int rc;

	if (!failed->code && !deploy_state_begin(journal->state, failed))
		(void)deploy_state_finish(
			journal->state, record_end(journal, result, exit, failed), failed);
	hand_over(journal);
	rc = failed->code;
	if (rc && err->code == DEPLOY_OK)
		*err = *failed;
	free_journal(journal);
	return rc;
}
