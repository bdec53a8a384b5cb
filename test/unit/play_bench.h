/*
 * A plan that is played on the runner, with a clock of its own and nodes that keep to a script.
 * What happens is noted as text: find -C web · set web web[1-4] · fix NAME web1     looked for;
 * known; frozen, with shows_frozen group roll web1                        a group begins LABEL
 * web[1-2] {"key": "value"}        asked; a further try: LABEL again web1 web1 failed · web1 again
 * failed      outcomes that are not ok, and those of earlier tries LABEL stopped WHY · LABEL not
 * ok[: WHY] LABEL asks TEXT · LABEL says TOPIC: BODY · look HOST:PORT · rest 5000 ms · signal skip
 * LABEL: WHY · done LABEL 2 · left LABEL: web1 · failed LABEL[: WHY] end ok · end HOW[: ERROR]
 */
#ifndef PLAY_BENCH_H
#define PLAY_BENCH_H

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/play.h"
#include "net/http.h"
#include "run/runner.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define START_US     (5 * 1000000LL)
#define MAX_INPUTS   2000

/* Something that is to be told to the runner. */
struct coming {
	enum dp_input_kind kind;
	unsigned task, attempt;
	uint32_t rows[16];
	size_t row_count;
	char node[40];
};

/* What a test says of the nodes, and of what is asked of the play. */
struct play_world {
	const char *fleet;  /* "-C web=web[1-4];-A puppet=web1": who answers to which filter */
	const char *script; /* "LABEL NODE ANSWER;…": "update#1 web2 1|0"; "*" is any; the first
			     * counts. ANSWER: a code, with JSON behind it for data: 0{"a":1}; "-":
			     * none; of each try, the last one repeats */
	const char *inputs; /* of the plan: JSON */
	const char *past;   /* "set web web[1-4];task ping ok;ping web1 failed;…" */
	const char *answer; /* to questions, messages: "yes", "no", or why not; NULL: yes */
	const char *signal_at; /* a line: a signal comes when it was noted */
	size_t signal_after;   /* … or before this input; 0: never */
	size_t kill_after;     /* the process is gone before this input; 0: never */
	long long awake_ms;    /* before that nobody is found, and no port is up */
	long long deadline_ms; /* of the run */
	bool shows_frozen, shows_message;
	struct deploy_play_options options; /* what they say beside the usual */
};

struct play_bench {
	struct play_world world;
	struct deploy_playbook *book;
	struct deploy_past *before;
	struct deploy_plan *plan;
	struct deploy_play *play;
	struct dp_runner *runner;
	struct deploy_run_result result;
	json_t *values;
	int64_t now_us;
	char trace[32 * 1024];
	size_t len, inputs_told;
	struct coming coming[MAX_INPUTS];
	size_t first, last;
	bool was_signalled;
	/* Of who looks at it in another way: nothing is noted then. */
	const char *(*answer)(void *arg, const char *label, const char *node);
	void (*watch)(void *arg, const struct dp_action *action);
	void (*watch_note)(void *arg, enum deploy_play_note what, const char *text);
	void *watch_arg;
};

static inline void note(struct play_bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void note(struct play_bench *bench, const char *format, ...)
{
	size_t room = sizeof(bench->trace) - bench->len;
	va_list args;
	int n;

	if (bench->watch)
		return;
	va_start(args, format);
	n = vsnprintf(bench->trace + bench->len, room, format, args);
	va_end(args);
	assert_in_range(n, 0, room - 1);
	bench->len += (size_t)n;
}

/* The texts between separators, one after the other; false at the end. */
static inline bool next_part(const char **at, char separator, char *out, size_t size)
{
	const char *end;

	while (*at && (**at == separator || **at == '\n'))
		(*at)++;
	if (!*at || !**at)
		return false;
	end = strchr(*at, separator);
	(void)snprintf(out, size, "%.*s", (int)(end ? (size_t)(end - *at) : strlen(*at)), *at);
	*at = end;
	return true;
}

/* What a node is to answer: false for nothing. */
static inline bool answer_of(const struct play_bench *bench, const char *label, const char *node,
	unsigned attempt, char *out, size_t size)
{
	char line[300], of[100], name[100], answers[200];
	const char *at = bench->world.script, *part;

	(void)snprintf(out, size, "%s",
		bench->answer ? bench->answer(bench->watch_arg, label, node) : "0");
	while (next_part(&at, ';', line, sizeof(line))) {
		if (sscanf(line, "%99s %99s %199[^\n]", of, name, answers) != 3)
			fail_msg("script: %s", line);
		if ((strcmp(of, "*") != 0 && strcmp(of, label) != 0) ||
			(strcmp(name, "*") != 0 && strcmp(name, node) != 0))
			continue;
		part = answers;
		for (unsigned i = 0; i < attempt && next_part(&part, '|', out, size); i++)
			;
		break;
	}
	return strcmp(out, "-") != 0;
}

static inline struct coming *add_coming(
	struct play_bench *bench, enum dp_input_kind kind, unsigned task, unsigned attempt)
{
	assert_true(bench->last < MAX_INPUTS);
	bench->coming[bench->last] =
		(struct coming){.kind = kind, .task = task, .attempt = attempt};
	return &bench->coming[bench->last++];
}

static inline void add_replies(
	struct play_bench *bench, const struct coming *sent, const struct deploy_nodeset *nodes)
{
	const char *label = bench->plan->tasks[sent->task]->label;
	char answer[200];

	for (size_t i = 0; i < sent->row_count; i++) {
		const char *node = deploy_nodeset_get(nodes, sent->rows[i]);

		if (answer_of(bench, label, node, sent->attempt, answer, sizeof(answer)))
			(void)snprintf(
				add_coming(bench, DP_IN_REPLY, sent->task, sent->attempt)->node, 40,
				"%s", node);
	}
}

static inline struct deploy_nodeset *set_of(const char *names)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};

	assert_int_equal(deploy_nodeset_parse(set, names, &err), 0);
	return set;
}

/* Whoever the fleet has for the filter says that he is there. */
static inline void find(struct play_bench *bench, unsigned task)
{
	char *filter = deploy_filter_print(&bench->plan->tasks[task]->filter), line[300];
	const char *at = bench->world.fleet, *collective;
	struct deploy_nodeset *set;

	collective = bench->plan->tasks[task]->request->collective;
	note(bench, "find %s%s%s\n", filter, strcmp(collective, "mcollective") == 0 ? "" : " in ",
		strcmp(collective, "mcollective") == 0 ? "" : collective);
	(void)add_coming(bench, DP_IN_SENT, task, 1);
	while (bench->now_us >= START_US + bench->world.awake_ms * 1000 &&
		next_part(&at, ';', line, sizeof(line))) {
		char *equals = strrchr(line, '=');

		assert_non_null(equals);
		*equals = '\0';
		if (strcmp(line, filter) != 0)
			continue;
		set = set_of(equals + 1);
		for (size_t i = 0; i < deploy_nodeset_count(set); i++)
			(void)snprintf(add_coming(bench, DP_IN_REPLY, task, 1)->node, 40, "%s",
				deploy_nodeset_get(set, i));
		deploy_nodeset_free(set);
	}
	free(filter);
}

static inline void send(struct play_bench *bench, const struct dp_action *action)
{
	const struct deploy_task *task = bench->plan->tasks[action->task];
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct coming *sent;
	char *folded, *with;

	if (!task->label) {
		deploy_nodeset_free(set);
		find(bench, action->task);
		return;
	}
	sent = add_coming(bench, DP_IN_SENT, action->task, action->attempt);
	assert_true(action->row_count <= COUNT(sent->rows));
	memcpy(sent->rows, action->rows, action->row_count * sizeof(sent->rows[0]));
	sent->row_count = action->row_count;
	add_replies(bench, sent, action->nodes);
	if (bench->watch) {
		deploy_nodeset_free(set);
		return;
	}
	for (size_t i = 0; i < action->row_count; i++)
		(void)deploy_nodeset_add(
			set, deploy_nodeset_get(action->nodes, action->rows[i]), &err);
	folded = deploy_nodeset_print(set);
	with = task->request->inputs ? json_dumps(task->request->inputs, JSON_SORT_KEYS) : NULL;
	note(bench, "%s%s %s%s%s\n", task->label, action->attempt > 1 ? " again" : "", folded,
		with ? " " : "", with ? with : "");
	free(folded);
	free(with);
	deploy_nodeset_free(set);
}

static inline void note_event(struct play_bench *bench, const struct deploy_event *raw)
{
	const struct deploy_event *event = deploy_play_mask(bench->play, raw);
	const struct deploy_task *task =
		raw->task < bench->plan->task_count ? bench->plan->tasks[raw->task] : NULL;
	const struct deploy_outcome *outcome = event->outcome;

	if (event->type == DEPLOY_EVENT_TASK_STARTED && task->chore == DEPLOY_CHORE_REST)
		note(bench, "rest %lld ms\n", task->delay_ms);
	if (event->type == DEPLOY_EVENT_TASK_STARTED && task->act)
		note(bench, "%s act of %zu\n", task->label, event->count);
	if (event->type == DEPLOY_EVENT_STOPPED && event->text)
		note(bench, "%s stopped %s\n", task->label ? task->label : "?", event->text);
	if (event->type == DEPLOY_EVENT_TASK_ENDED && task->label && !event->is_ok)
		note(bench, "%s not ok%s%s\n", task->label, event->text ? ": " : "",
			event->text ? event->text : "");
	if (!outcome || !task->label)
		return;
	if (outcome->state == DEPLOY_OUTCOME_OK && !bench->world.shows_message)
		return;
	note(bench, "  %s %s%s", event->node, event->type == DEPLOY_EVENT_RETRY ? "again " : "",
		deploy_outcome_state_name(outcome->state));
	if (bench->world.shows_message) {
		char *data = outcome->data
				     ? json_dumps(outcome->data, JSON_SORT_KEYS | JSON_ENCODE_ANY)
				     : NULL;

		note(bench, ": %s %s", outcome->message, data ? data : "-");
		free(data);
	}
	note(bench, "\n");
}

static inline void act(void *arg, const struct dp_action *action)
{
	struct play_bench *bench = arg;
	const struct deploy_task *task =
		action->task < bench->plan->task_count ? bench->plan->tasks[action->task] : NULL;
	size_t kept = bench->first;

	if (bench->watch)
		bench->watch(bench->watch_arg, action);
	switch (action->kind) {
	case DP_DO_SEND:
		send(bench, action);
		break;
	case DP_DO_FETCH:
		note(bench, "look %s:%u\n", task->host, task->port);
		dp_http_request_free(action->fetch);
		(void)add_coming(bench, DP_IN_RESPONSE, action->task, 1);
		break;
	case DP_DO_ASK:
		note(bench, "%s asks %s\n", task->label, action->text);
		(void)add_coming(bench, DP_IN_ANSWER, action->task, 0);
		break;
	case DP_DO_ANNOUNCE:
		note(bench, "%s says %s: %s\n", task->label, action->text, action->body);
		(void)add_coming(bench, DP_IN_ANSWER, action->task, 0);
		break;
	case DP_DO_WITHDRAW:
		for (size_t i = bench->first; i < bench->last; i++)
			if (bench->coming[i].task != action->task ||
				bench->coming[i].kind != DP_IN_SENT)
				bench->coming[kept++] = bench->coming[i];
		bench->last = kept;
		break;
	case DP_DO_EMIT:
		note_event(bench, &action->event);
		break;
	case DP_DO_PROBE:
		break;
	}
}

static inline void step(struct play_bench *bench, const struct dp_input *input)
{
	bench->inputs_told++;
	dp_runner_step(bench->runner, bench->now_us, 1700000000000000LL + bench->now_us, input);
}

static inline void tell_reply(struct play_bench *bench, const struct coming *coming)
{
	const struct deploy_task *task = bench->plan->tasks[coming->task];
	char answer[200] = "0";
	char *data = answer;
	struct dp_reply reply = {.sender = coming->node,
		.request_id = "0123456789abcdef0123456789abcdef",
		.statusmsg = "OK"};
	struct dp_input input = {.kind = DP_IN_REPLY,
		.task = coming->task,
		.attempt = coming->attempt,
		.reply = &reply};

	if (task->label)
		(void)answer_of(
			bench, task->label, coming->node, coming->attempt, answer, sizeof(answer));
	reply.statuscode = (int)strtol(answer, &data, 10);
	if (reply.statuscode)
		reply.statusmsg = "no";
	if (*data)
		assert_non_null(reply.data = json_loads(data, JSON_DECODE_ANY, NULL));
	step(bench, &input);
	json_decref(reply.data);
}

static inline void tell(struct play_bench *bench)
{
	const struct coming coming = bench->coming[bench->first++];
	const char *answer = bench->world.answer ? bench->world.answer : "yes";
	struct dp_http_response response = {.status = 0, .body = ""};
	struct dp_input input = {.kind = coming.kind,
		.task = coming.task,
		.attempt = coming.attempt,
		.rows = coming.rows,
		.row_count = coming.row_count,
		.is_mandatory = true,
		.response = &response,
		.is_yes = strcmp(answer, "yes") == 0,
		.text = answer};

	if (bench->now_us < START_US + bench->world.awake_ms * 1000)
		response.err = (struct deploy_error){DEPLOY_CONNECT, "refused", ""};
	if (coming.kind == DP_IN_REPLY)
		tell_reply(bench, &coming);
	else
		step(bench, &input);
}

static inline void send_signal(struct play_bench *bench)
{
	struct dp_input input = {.kind = DP_IN_SIGNAL, .signal = SIGTERM};

	bench->was_signalled = true;
	note(bench, "signal\n");
	step(bench, &input);
}

static inline bool is_time_for_signal(const struct play_bench *bench)
{
	return !bench->was_signalled &&
	       ((bench->world.signal_at && strstr(bench->trace, bench->world.signal_at)) ||
		       (bench->world.signal_after &&
			       bench->inputs_told >= bench->world.signal_after));
}

static inline void note_end(struct play_bench *bench)
{
	static const char *const ends[] = {"complete", "no nodes", "stopped", "deadline",
		"interrupted", "lost", "unrecorded", "failed"};
	const struct deploy_error *err = dp_runner_error(bench->runner);
	bool is_ok = deploy_play_is_ok(bench->play);

	note(bench, "end %s",
		is_ok && bench->result.end == DEPLOY_RUN_COMPLETE ? "ok" : ends[bench->result.end]);
	if (err->code)
		note(bench, " %s: %s", deploy_code_name(err->code), err->text);
	note(bench, "\n");
}

static inline void play_on(struct play_bench *bench)
{
	const struct dp_input start = {.kind = DP_IN_START},
			      tick = {.kind = DP_IN_TICK, .is_confirmed = true};

	bench->runner = dp_runner_new(bench->plan, act, bench);
	dp_runner_set_director(bench->runner, deploy_play_director(bench->play));
	step(bench, &start);
	while (!dp_runner_is_done(bench->runner)) {
		assert_true(bench->inputs_told < 20000);
		if (bench->world.kill_after && bench->inputs_told >= bench->world.kill_after)
			return;
		if (is_time_for_signal(bench)) {
			send_signal(bench);
		} else if (bench->first < bench->last) {
			tell(bench);
		} else {
			int64_t wake_us = dp_runner_wake_us(bench->runner);

			assert_true(wake_us < DP_NEVER);
			bench->first = bench->last = 0;
			if (wake_us > bench->now_us)
				bench->now_us = wake_us;
			step(bench, &tick);
		}
	}
	dp_runner_finish(bench->runner, &bench->result);
	note_end(bench);
}

static inline void take_note(void *arg, enum deploy_play_note what, const char *label,
	const struct deploy_step *of, size_t count, const char *text)
{
	struct play_bench *bench = arg;

	(void)of;
	if (bench->watch_note)
		bench->watch_note(bench->watch_arg, what, text);
	switch (what) {
	case DEPLOY_PLAY_SET:
		note(bench, "set %s %s\n", label, text);
		break;
	case DEPLOY_PLAY_GROUP:
		note(bench, "group %s %s\n", label, text);
		break;
	case DEPLOY_PLAY_UNCHECKED:
		note(bench, "unchecked %s\n", label);
		break;
	case DEPLOY_PLAY_SKIPPED:
		note(bench, "skip %s: %s\n", label, text);
		break;
	case DEPLOY_PLAY_DONE:
		note(bench, "done %s %zu\n", label, count);
		break;
	case DEPLOY_PLAY_LEFT:
		note(bench, "left %s: %s\n", label, text);
		break;
	case DEPLOY_PLAY_FAILED:
		note(bench, "failed %s%s%s\n", label, text ? ": " : "", text ? text : "");
		break;
	}
}

static inline void take_frozen(void *arg, const char *name, const struct deploy_nodeset *nodes)
{
	struct play_bench *bench = arg;
	char *folded = deploy_nodeset_print(nodes);

	if (bench->world.shows_frozen)
		note(bench, "fix %s %s\n", name, folded);
	free(folded);
}

/* Every act is one that is known beforehand, and changed everybody. */
static inline int make_act(void *arg, struct deploy_act **out, const struct deploy_step *of,
	json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err)
{
	json_t *known = json_object();

	(void)arg;
	(void)of;
	(void)values;
	(void)err;
	for (size_t i = 0; i < deploy_nodeset_count(*nodes); i++)
		(void)json_object_set_new(
			known, deploy_nodeset_get(*nodes, i), json_pack("{s:b}", "changed", 1));
	*out = deploy_act_known(known, "changed");
	json_decref(known);
	return 0;
}

static inline enum deploy_outcome_state state_of(const char *word)
{
	for (int i = 0; i < DEPLOY_OUTCOME_STATES; i++)
		if (strcmp(word, deploy_outcome_state_name((enum deploy_outcome_state)i)) == 0)
			return (enum deploy_outcome_state)i;
	fail_msg("no such state: %s", word);
	return DEPLOY_OUTCOME_STATES;
}

static inline struct deploy_past *past_of(const char *text)
{
	struct deploy_past *past = deploy_past_new();
	char line[300], first[100], second[100], third[100], data[200];
	const char *at = text;

	while (next_part(&at, ';', line, sizeof(line))) {
		int words = sscanf(line, "%99s %99s %99s %199s", first, second, third, data);
		struct deploy_nodeset *set;

		assert_true(words >= 3);
		if (strcmp(first, "task") == 0) {
			deploy_past_add_task(
				past, second, strcmp(third, "open") != 0, strcmp(third, "ok") == 0);
			continue;
		}
		set = set_of(strcmp(first, "set") == 0 ? third : second);
		if (strcmp(first, "set") == 0)
			deploy_past_add_nodes(past, second, set);
		for (size_t i = 0; strcmp(first, "set") != 0 && i < deploy_nodeset_count(set);
			i++) {
			json_t *json = words == 4 ? json_loads(data, 0, NULL) : NULL;

			deploy_past_add_outcome(
				past, first, deploy_nodeset_get(set, i), state_of(third), json);
			json_decref(json);
		}
		deploy_nodeset_free(set);
	}
	return past;
}

static inline struct deploy_playbook *read_book(const char *name, const char *text)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book;

	if (deploy_playbook_read(&book, name, text, strlen(text), NULL, &err))
		fail_msg("%s\n%s", err.text, text);
	if (deploy_playbook_flaw_count(book))
		fail_msg("%u: %s: %s\n%s", deploy_playbook_flaw(book, 0)->place.line,
			deploy_playbook_flaw(book, 0)->pointer, deploy_playbook_flaw(book, 0)->text,
			text);
	return book;
}

static inline void set_values(struct play_bench *bench)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *given = bench->world.inputs ? json_loads(bench->world.inputs, 0, NULL) : NULL,
	       *missing;

	if (deploy_playbook_inputs(&bench->values, &missing, bench->book, given, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(missing), 0);
	json_decref(given);
	json_decref(missing);
}

/* What is the same for all plays. */
static inline void fill_in(struct play_bench *bench)
{
	struct deploy_play_options *options = &bench->world.options;

	options->book = bench->book;
	options->inputs = bench->values;
	options->run_id = "run1";
	options->user = "ann";
	options->collective = "mcollective";
	options->ttl_s = 60;
	options->discovery_ms = 2000;
	options->window_ms = 300;
	options->past = bench->before;
	if (!options->make_act)
		options->make_act = make_act;
	options->freeze = take_frozen;
	options->note = take_note;
	options->arg = bench;
}

/* Read a plan, all but its first line, and have it ready. */
static inline void prepare(struct play_bench *bench, const char *text)
{
	char *whole = malloc(strlen(text) + 20);

	assert_non_null(whole);
	(void)snprintf(whole, strlen(text) + 20, "plan: t\n%s", text);
	bench->book = read_book("test/data/plays/t", whole);
	free(whole);
	set_values(bench);
	bench->before = bench->world.past ? past_of(bench->world.past) : NULL;
	fill_in(bench);
	bench->plan = deploy_plan_new();
	bench->plan->deadline_ms = bench->world.deadline_ms;
	bench->now_us = START_US;
}

static inline void release(struct play_bench *bench)
{
	dp_runner_free(bench->runner);
	deploy_run_result_release(&bench->result);
	deploy_play_free(bench->play);
	deploy_past_free(bench->before);
	deploy_plan_free(bench->plan);
	deploy_playbook_free(bench->book);
	json_decref(bench->values);
}

/* Lines that end in no newline are only the beginning. */
static inline void expect(struct play_bench *bench, const char *lines)
{
	size_t len = strlen(lines);
	bool is_whole = !len || lines[len - 1] == '\n';

	if (is_whole ? strcmp(bench->trace, lines) != 0 : strncmp(bench->trace, lines, len) != 0)
		fail_msg("expected:\n%s\ngot:\n%s", lines, bench->trace);
}

static inline void begin_play(struct play_bench *bench)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_play_new(&bench->play, &bench->world.options, &err) == 0)
		play_on(bench);
	else
		note(bench, "refused %s: %s\n", deploy_code_name(err.code), err.text);
}

/* Play text in world, and compare what happened with lines. */
static inline void play(struct play_world world, const char *text, const char *lines)
{
	struct play_bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->world = world;
	prepare(bench, text);
	begin_play(bench);
	expect(bench, lines);
	release(bench);
	free(bench);
}

#endif
