/*
 * A node with a Puppet agent, simulated: its own clock, runs of its own, and the agent "puppet" as
 * it is published, with what is odd about it. Time is virtual; it only moves in puppet_drive().
 */
#ifndef PUPPET_AGENT_H
#define PUPPET_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "deploy/puppet.h"
#include "model/act.h"

#define SECOND	    1000000LL
#define EPOCH	    1700000000LL /* the node's clock at time 0, without its skew */
#define MAX_FOREIGN 8

enum run_kind {
	CLEAN,
	FAILING,      /* two resources fail */
	UNRESTARTED,  /* none fails, but one could not be restarted */
	UNCOMPILED,   /* no catalog: nothing is counted, so no failure either */
	CACHED_AFTER, /* likewise, and then the one of the cache is applied */
	CACHED,	      /* the node is set to apply the one of its cache */
	UNFINISHED,   /* ends by an error of Puppet itself */
	RUN_KINDS
};

struct run {
	enum run_kind kind;
	int64_t begin_us, end_us;
	bool is_ours, is_verbose;
};

struct agent {
	/* How the node is. */
	long long skew_s;
	bool is_disabled, has_daemon, keeps_no_reports, keeps_old_reports, tells_no_start;
	bool lies; /* about being enabled now */
	const char *disable_message;
	char kept[DEPLOY_PUPPET_MESSAGE_BYTES + 1]; /* what it was told to show */
	int64_t way_us;				    /* there or back */
	int64_t delay_us, length_us;		    /* from the yes to our run, and that one */
	enum run_kind kind;			    /* of our run */
	bool never_runs;			    /* says yes, and that is all */
	struct run foreign[MAX_FOREIGN]; /* of somebody else, by time of their beginning */
	size_t foreign_count;
	bool avoids_unseen; /* they keep away from where nobody could tell them from ours */
	const char *status_text, *summary_text; /* JSON that it answers instead */
	const char *refusal;			/* of runonce */
	/* Which messages get lost: the n-th one (1-based) if its bit is set; or all to an action.
	 */
	uint64_t lost;
	const char *mute_action;
	int mute_from; /* … from this one of its kind on */
	bool is_gone;  /* the broker says so of what is lost */
	int stop_at; /* the run is told to end at this request; 0: never; -1: in the first pause */

	/* What happens to it. */
	int64_t now_us;
	struct run going, last, pending, ours;
	bool is_applying, is_pending, has_run, did_ours_end, was_seen_since;
	size_t foreign_next;
	int requests, of_action;
	int refusals, starts;
	char asked[1024]; /* actions, joined by blanks; polls are one */
	char told[128];
	char inputs[256]; /* of the last runonce */
};

static long long node_clock(const struct agent *a, int64_t us)
{
	return a->skew_s + (EPOCH * SECOND + us) / SECOND;
}

/* A foreign run that could not be told from ours, and the header says so. */
static bool is_unseen(const struct agent *a)
{
	bool is_awaited = a->is_pending || (a->never_runs && a->starts);

	return a->avoids_unseen && (is_awaited || (a->did_ours_end && !a->was_seen_since));
}

static void begin_run(struct agent *a, const struct run *run)
{
	a->going = *run;
	a->is_applying = true;
}

static void end_run(struct agent *a)
{
	a->is_applying = false;
	a->has_run = true;
	a->last = a->going;
	if (a->going.is_ours) {
		a->ours = a->going;
		a->did_ours_end = true;
	}
}

/* Let everything happen that happens until then. */
static void advance(struct agent *a, int64_t until_us)
{
	for (;;) {
		const struct run *foreign =
			a->foreign_next < a->foreign_count ? &a->foreign[a->foreign_next] : NULL;
		int64_t end = a->is_applying ? a->going.end_us : INT64_MAX;
		int64_t ours = a->is_pending ? a->pending.begin_us : INT64_MAX;
		int64_t theirs = foreign ? foreign->begin_us : INT64_MAX;

		if (end <= until_us && end <= ours && end <= theirs) {
			end_run(a);
		} else if (ours <= until_us && ours <= theirs) {
			a->is_pending = false;
			if (!a->is_applying)
				begin_run(a, &a->pending);
		} else if (theirs <= until_us) {
			a->foreign_next++;
			if (!a->is_applying && !a->is_disabled && !is_unseen(a))
				begin_run(a, foreign);
		} else {
			break;
		}
	}
	a->now_us = until_us;
}

static json_t *agent_status(const struct agent *a)
{
	long long lastrun = a->has_run ? node_clock(a, a->last.end_us) : 0;
	bool applying = a->is_applying && !a->is_disabled;

	if (a->status_text)
		return json_loads(a->status_text, JSON_DECODE_ANY, NULL);
	return json_pack("{s:b, s:b, s:b, s:b, s:I, s:I, s:s}", "applying", applying, "enabled",
		!a->is_disabled, "daemon_present", a->has_daemon, "idling",
		a->has_daemon && !applying, "lastrun", (json_int_t)lastrun, "since_lastrun",
		(json_int_t)(node_clock(a, a->now_us) - lastrun), "disable_message",
		a->disable_message ? a->disable_message : "");
}

static void add_log(json_t *logs, const struct agent *a, const char *level, const char *text)
{
	int64_t at_us = a->keeps_old_reports ? -60 * SECOND : a->last.end_us;

	(void)json_array_append_new(
		logs, json_pack("{s:s, s:s, s:s, s:I}", "level", level, "source", "Puppet", "msg",
			      text, "time", (json_int_t)node_clock(a, at_us)));
}

static json_t *agent_logs(const struct agent *a)
{
	json_t *logs = json_array();

	if (!a->has_run || a->keeps_no_reports)
		return logs;
	/* Facts may lack what they like, and resources are counted. */
	add_log(logs, a, "err", "of a fact");
	(void)json_object_set_new(json_array_get(logs, 0), "source", json_string("Facter"));
	if (a->last.kind == UNCOMPILED || a->last.kind == CACHED_AFTER)
		add_log(logs, a, "err", "Could not retrieve catalog from remote server: no");
	if (a->last.is_verbose && (a->last.kind == CACHED || a->last.kind == CACHED_AFTER))
		add_log(logs, a, "info", "Using cached catalog from environment 'production'");
	if (a->last.kind == UNFINISHED)
		add_log(logs, a, "err", "Failed to apply catalog: no");
	else if (a->last.kind != UNCOMPILED)
		add_log(logs, a, "notice", "Applied catalog in 1.00 seconds");
	return logs;
}

/* What the run left, with zeros where it left nothing. */
static json_t *agent_summary(const struct agent *a, const json_t *inputs)
{
	bool is_there = a->has_run && a->last.kind != UNCOMPILED;
	double seconds = (double)(a->last.end_us - a->last.begin_us) / SECOND;
	json_t *time = json_pack("{s:f}", "startup_time", 0.1);
	bool logs = json_is_true(json_object_get(inputs, "logs"));

	if (a->summary_text) {
		json_decref(time);
		return json_loads(a->summary_text, JSON_DECODE_ANY, NULL);
	}
	if (a->last.kind != CACHED)
		(void)json_object_set_new(time, "plugin_sync", json_real(0.5));
	return json_pack("{s:I, s:i, s:i, s:i, s:i, s:f, s:s, s:o, s:{s:{s:i}, s:o}}", "lastrun",
		(json_int_t)(a->has_run ? node_clock(a, a->last.end_us) : 0), "total_resources",
		is_there ? 120 : 0, "changed_resources", is_there ? 3 : 0, "failed_resources",
		is_there && a->last.kind == FAILING ? 2 : 0, "out_of_sync_resources",
		is_there ? 5 : 0, "total_time", is_there ? seconds + 0.1 : 0.0, "config_version",
		a->has_run ? "1a2b" : "unknown", "logs", logs ? agent_logs(a) : json_object(),
		"summary", "resources", "failed_to_restart",
		is_there && a->last.kind == UNRESTARTED ? 1 : 0, "time", time);
}

static bool has_options(const json_t *inputs)
{
	return json_object_get(inputs, "noop") || json_object_get(inputs, "tags") ||
	       json_object_get(inputs, "environment") ||
	       json_object_get(inputs, "use_cached_catalog");
}

static const char *refuse_run(struct agent *a, const json_t *inputs)
{
	static char text[200];

	if (a->refusal)
		return a->refusal;
	if (a->is_disabled) {
		(void)snprintf(text, sizeof(text), "Puppet is disabled: '%s'", a->disable_message);
		return text;
	}
	if (a->is_applying)
		return "Puppet is currently applying a catalog, cannot run now";
	if (a->has_daemon && has_options(inputs))
		return "Cannot specify any custom puppet options when the daemon is running";
	return NULL;
}

/* NULL: it is started, or will be; *data is filled in. */
static const char *agent_runonce(struct agent *a, const json_t *inputs, json_t **data)
{
	const char *refusal = refuse_run(a, inputs);
	const json_t *cached = json_object_get(inputs, "use_cached_catalog");
	char *text;

	text = json_dumps(inputs, JSON_COMPACT | JSON_SORT_KEYS);
	(void)snprintf(a->inputs, sizeof(a->inputs), "%s", text);
	free(text);
	*data = json_pack("{s:i, s:s}", "initiated_at", 0, "summary", refusal ? refusal : "");
	if (refusal) {
		a->refusals++;
		return refusal;
	}
	a->starts++;
	a->is_pending = !a->never_runs;
	a->was_seen_since = false;
	a->did_ours_end = false;
	a->pending = (struct run){.kind = a->kind,
		.begin_us = a->now_us + a->delay_us,
		.end_us = a->now_us + a->delay_us + a->length_us,
		.is_ours = true,
		.is_verbose = !a->has_daemon};
	if (a->kind == CACHED && cached && json_is_false(cached))
		a->pending.kind = CLEAN;
	if (!a->has_daemon && !a->tells_no_start)
		(void)json_object_set_new(
			*data, "initiated_at", json_integer((json_int_t)node_clock(a, a->now_us)));
	return NULL;
}

static const char *agent_switch(
	struct agent *a, const struct deploy_request *request, json_t **data)
{
	bool disables = strcmp(request->action, "disable") == 0;
	const char *refusal = NULL;

	if (a->is_disabled == disables) {
		refusal = disables ? "Could not disable Puppet: Already disabled"
				   : "Could not enable Puppet: Already enabled";
	} else {
		a->is_disabled = disables;
		(void)snprintf(a->kept, sizeof(a->kept), "%s",
			disables ? json_string_value(json_object_get(request->inputs, "message"))
				 : "");
		a->disable_message = a->kept;
	}
	*data = json_pack("{s:b}", "enabled", a->is_disabled == a->lies);
	return refusal;
}

/* The text of a refusal, or NULL. */
static const char *agent_answer(
	struct agent *a, const struct deploy_request *request, json_t **data)
{
	if (strcmp(request->action, "runonce") == 0)
		return agent_runonce(a, request->inputs, data);
	if (strcmp(request->action, "enable") == 0 || strcmp(request->action, "disable") == 0)
		return agent_switch(a, request, data);
	*data = strcmp(request->action, "status") == 0 ? agent_status(a)
						       : agent_summary(a, request->inputs);
	return NULL;
}

static void note_request(struct agent *a, const char *action)
{
	size_t len = strlen(a->asked), n = strlen(action);

	a->requests++;
	if (a->mute_action && strcmp(action, a->mute_action) == 0)
		a->of_action++;
	if (len >= n && strcmp(a->asked + len - n, action) == 0)
		return;
	(void)snprintf(a->asked + len, sizeof(a->asked) - len, "%s%s", len ? " " : "", action);
}

static bool is_lost(const struct agent *a, const char *action)
{
	if (a->mute_action && strcmp(action, a->mute_action) == 0 && a->of_action >= a->mute_from)
		return true;
	return a->requests <= 64 && (a->lost >> (a->requests - 1) & 1);
}

struct driven {
	struct deploy_act *act;
	void *row;
	struct dp_act_next put_off; /* what it wants sent, while it is told to stop */
	struct dp_reply reply;
	json_t *data;
};

/* It is about to ask: true if it is told to stop just then. */
static bool is_to_stop(struct agent *a, struct driven *d, const struct dp_act_next *next)
{
	note_request(a, next->request->action);
	if (next->what)
		(void)snprintf(a->told + strlen(a->told), sizeof(a->told) - strlen(a->told), "%s ",
			next->what);
	if (a->requests != a->stop_at)
		return false;
	d->put_off = *next;
	return true;
}

/* Carry a request there and back; what came of it is in input. */
static void carry(struct agent *a, struct driven *d, const struct dp_act_next *next,
	struct dp_act_input *input)
{
	const char *action = next->request->action, *refusal;

	if (is_lost(a, action)) {
		advance(a, a->now_us + (a->is_gone ? a->way_us : next->timeout_ms * 1000));
		*input = (struct dp_act_input){
			.kind = DP_ACT_NO_REPLY, .is_unconnected = a->is_gone};
		return;
	}
	advance(a, a->now_us + a->way_us);
	refusal = agent_answer(a, next->request, &d->data);
	if (strcmp(action, "status") == 0)
		a->was_seen_since |= a->did_ours_end;
	advance(a, a->now_us + a->way_us);
	d->reply = (struct dp_reply){.sender = "web1",
		.statuscode = refusal ? 1 : 0,
		.statusmsg = refusal ? refusal : "OK",
		.data = d->data};
	*input = (struct dp_act_input){.kind = DP_ACT_REPLY, .reply = &d->reply};
}

/* Carry the machine through until it is done. The result's data is the caller's. */
static inline struct dp_act_next puppet_drive(struct deploy_act *act, struct agent *a)
{
	struct driven d = {.act = act, .row = dp_xcalloc(1, act->ops->row_size)};
	struct dp_act_input input = {.kind = DP_ACT_BEGIN};
	struct dp_act_next next;

	for (int turns = 0;; turns++) {
		assert_true(turns < 5000);
		next = (struct dp_act_next){0};
		input.now_us = a->now_us;
		act->ops->step(act, d.row, "web1", &input, &next);
		json_decref(d.data);
		d.data = NULL;
		if (next.kind == DP_ACT_DONE)
			break;
		if (next.kind == DP_ACT_SLEEP) {
			assert_true(next.is_aligned && next.sleep_ms > 0);
			advance(a, a->now_us + next.sleep_ms * 1000);
			input = (struct dp_act_input){
				.kind = a->stop_at < 0 ? DP_ACT_STOP : DP_ACT_AWAKE};
			a->stop_at = a->stop_at < 0 ? 0 : a->stop_at;
			continue;
		}
		if (next.kind == DP_ACT_GO_ON && !d.put_off.request) {
			input = (struct dp_act_input){.kind = DP_ACT_AWAKE};
			continue;
		}
		if (next.kind == DP_ACT_GO_ON) {
			carry(a, &d, &d.put_off, &input);
			continue;
		}
		assert_int_equal(DP_ACT_ASK, next.kind);
		assert_true(next.timeout_ms > 0);
		if (is_to_stop(a, &d, &next))
			input = (struct dp_act_input){.kind = DP_ACT_STOP};
		else
			carry(a, &d, &next, &input);
	}
	if (act->ops->release_row)
		act->ops->release_row(act, d.row);
	free(d.row);
	return next;
}

#endif
