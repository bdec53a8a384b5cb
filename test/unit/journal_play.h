/* A run that a test makes up: it tells the journal of events and looks at what was recorded. */
#ifndef JOURNAL_PLAY_H
#define JOURNAL_PLAY_H

#include "deploy/deploy.h"
#include "state_world.h"

#define NOON 1700000000000000 /* microseconds: when the first event happened */

/* A run of which a test makes up the events. */
struct play {
	struct deploy_state *state;
	struct deploy_plan *plan;
	struct deploy_journal *journal;
	unsigned long seq;
	struct text told; /* what downstream got */
	const char *path; /* if set, downstream looks there for what it is told */
};

/* Every outcome of the run in a file, by another connection than the writer's. */
static inline int print_outcome(void *arg, const struct deploy_outcome_record *record)
{
	print(arg, "%u %s/%u %s%s%s", record->task, record->node, record->outcome.attempt,
		record->is_known ? deploy_outcome_state_name(record->outcome.state) : "asked",
		record->outcome.not_connected ? " not connected" : "",
		record->is_last ? "" : " again");
	return 0;
}

static inline void read_outcomes(struct text *out, const char *path, const char *run)
{
	const struct deploy_outcome_query query = {.run = run};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_state *reader = open_state(path, false);

	*out = (struct text){.len = 0};
	assert_int_equal(deploy_state_each_outcome(reader, &query, print_outcome, out, &err), 0);
	deploy_state_close(reader);
}

static inline void downstream(void *arg, const struct deploy_event *event)
{
	struct play *play = arg;

	print(&play->told, "%lu %s%s%s", event->seq, deploy_event_type_name(event->type),
		event->node ? " " : "", event->node ? event->node : "");
	if (play->path && event->type == DEPLOY_EVENT_OUTCOME) {
		struct text outcomes;
		char expected[64];

		read_outcomes(&outcomes, play->path, deploy_journal_run_id(play->journal));
		(void)snprintf(expected, sizeof(expected), "%s/%u %s", event->node,
			event->outcome->attempt, deploy_outcome_state_name(event->outcome->state));
		assert_non_null(strstr(outcomes.bytes, expected));
	}
}

static inline struct deploy_task *add_task(
	struct play *play, const char *agent, const char *action, const char *inputs)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *object = inputs ? json_loads(inputs, 0, NULL) : NULL;
	struct deploy_request *request;

	assert_int_equal(deploy_request_new(&request, agent, action, object, &err), 0);
	json_decref(object);
	return deploy_plan_take_request(play->plan, request);
}

static const struct deploy_run_info act = {.kind = "rpc",
					    .command = "deployctl rpc puppet status",
					    .reason = "because",
					    .is_act = true},
				    look = {.kind = "ping"};

static inline void set_label(struct play *play, size_t task, const char *label)
{
	play->plan->tasks[task]->label = dp_xstrdup(label);
}

/* label: of the first task; may be NULL */
static inline void begin_labelled(struct play *play, struct world *world,
	const struct deploy_run_info *info, const char *label)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	*play = (struct play){.plan = deploy_plan_new()};
	play->state = open_state(world->path, true);
	(void)add_task(play, "puppet", "status", NULL);
	if (label)
		set_label(play, 0, label);
	assert_int_equal(deploy_journal_begin(&play->journal, play->state, info, play->plan,
				 downstream, play, &err),
		0);
}

static inline void begin(struct play *play, struct world *world, const struct deploy_run_info *info)
{
	begin_labelled(play, world, info, NULL);
}

static inline int end(
	struct play *play, enum deploy_run_end how, int exit, struct deploy_error *err)
{
	const struct deploy_run_result result = {.end = how};
	int rc = deploy_journal_end(play->journal, &result, exit, err);

	play->journal = NULL;
	return rc;
}

static inline void finish(struct play *play)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (play->journal)
		assert_int_equal(end(play, DEPLOY_RUN_COMPLETE, 0, &err), 0);
	deploy_state_close(play->state);
	deploy_plan_free(play->plan);
}

static inline void tell(struct play *play, struct deploy_event event)
{
	event.seq = ++play->seq;
	event.at_us = NOON + (int64_t)event.seq;
	deploy_journal_sink(play->journal, &event);
}

static inline void tell_intent(struct play *play, const char *node, unsigned attempt)
{
	tell(play, (struct deploy_event){
			   .type = DEPLOY_EVENT_INTENT, .node = node, .attempt = attempt});
}

static inline void tell_outcome(struct play *play, enum deploy_event_type type, const char *node,
	unsigned attempt, enum deploy_outcome_state state)
{
	bool is_reply = state == DEPLOY_OUTCOME_OK || state == DEPLOY_OUTCOME_FAILED;
	const struct deploy_outcome outcome = {.state = state,
		.attempt = attempt,
		.message = "m",
		.not_connected = state == DEPLOY_OUTCOME_SILENT,
		.statuscode = state == DEPLOY_OUTCOME_FAILED,
		.rtt_us = is_reply ? 5 : -1};

	tell(play, (struct deploy_event){
			   .type = type, .node = node, .attempt = attempt, .outcome = &outcome});
}

static inline void tell_reply(struct play *play, unsigned task, const char *node,
	enum deploy_outcome_state state, const char *data)
{
	const struct deploy_outcome outcome = {.state = state,
		.attempt = 1,
		.message = "OK",
		.data = data ? json_loads(data, 0, NULL) : NULL,
		.rtt_us = 5};

	assert_true(!data || outcome.data);
	tell(play, (struct deploy_event){.type = DEPLOY_EVENT_OUTCOME,
			   .task = task,
			   .node = node,
			   .attempt = 1,
			   .outcome = &outcome});
	json_decref(outcome.data);
}

static inline void tell_ok(struct play *play, unsigned task, const char *node, const char *data)
{
	tell_reply(play, task, node, DEPLOY_OUTCOME_OK, data);
}

static inline void check_outcomes(struct play *play, const char *path, const char *expected)
{
	struct text text;

	read_outcomes(&text, path, deploy_journal_run_id(play->journal));
	assert_string_equal(text.bytes, expected);
}

static inline int print_known(void *arg, const struct deploy_node_record *node)
{
	char *facts = json_dumps(node->facts, JSON_COMPACT | JSON_SORT_KEYS);
	char *classes = json_dumps(node->classes, JSON_COMPACT);
	char *agents = json_dumps(node->agents, JSON_COMPACT);

	print(arg, "%s %s %s %s %s%s", node->identity, node->collective ? node->collective : "-",
		facts ? facts : "-", classes ? classes : "-", agents ? agents : "-",
		node->inventory_at_us ? " whole" : "");
	free(facts);
	free(classes);
	free(agents);
	return 0;
}

static inline void check_known(struct play *play, const char *expected)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct text text = {.len = 0};

	assert_int_equal(deploy_state_each_node(play->state,
				 DEPLOY_WITH_FACTS | DEPLOY_WITH_CLASSES | DEPLOY_WITH_AGENTS,
				 print_known, &text, &err),
		0);
	assert_string_equal(text.bytes, expected);
}

#endif
