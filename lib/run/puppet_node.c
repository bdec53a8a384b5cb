/*
 * One Puppet run on one node: look until it idles, keep what its last run was, start ours, look
 * until a run has ended that can only be ours, and judge it by its report.
 *
 * A node starts no run while one is going on. So once it said yes, the run that ends next is ours:
 * it is known to be the next one if a look after that yes still showed the old one as the last, or
 * if it ended in a later second than ours began. A run that ended before we looked, in the very
 * second in which ours began, may have been somebody's; then it must have taken longer than all
 * the time for which nobody looked.
 */
#include "run/puppet_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum step {
	LOOKING,   /* status was asked: may it run, does it idle? */
	KEEPING,   /* last_run_summary was asked: what was the last run before ours? */
	STARTING,  /* runonce was asked */
	FOLLOWING, /* status was asked: did ours end? */
	COMPARING, /* last_run_summary: … in the same second as the run before? */
	READING	   /* last_run_summary with logs */
};

struct row {
	enum step step; /* what was asked last, perhaps before a pause */
	unsigned missed;
	bool is_stopping, was_answered;
	int64_t idle_until_us; /* for a foreign run to end */
	int64_t looked_us;     /* when the last look at the idle node was asked for */
	bool has_daemon;
	/* The run before ours. */
	long long base_lastrun;
	double base_time;
	json_t *base_version;
	/* Ours, from the node's yes on. */
	bool is_started, leaves_out;
	int64_t unseen_us;	/* from the last look before it until its yes */
	long long clock;	/* the node's, at that look */
	long long initiated_at; /* as the node said; DP_PUPPET_NEVER: it did not */
	int64_t start_until_us, run_until_us;
	bool is_seen;	   /* it was seen applying a catalog */
	bool is_next;	   /* what ends now is ours: nothing had ended since the node's yes */
	bool is_past;	   /* no run ends any more in the second in which the one before did */
	bool will_be_past; /* … if none has by now */
	bool has_ended;	   /* with ended as the time of the last run */
	bool is_applying;  /* at the last look */
	long long ended;
};

/* One step of the machine. */
struct turn {
	const struct dp_puppet_run *run;
	struct row *row;
	const struct dp_act_input *input;
	struct dp_act_next *next;
};

static void ask(struct turn *t, enum step step)
{
	const struct deploy_request *const requests[] = {[LOOKING] = t->run->status,
		[KEEPING] = t->run->summary,
		[STARTING] = t->row->leaves_out ? t->run->plain_run : t->run->run,
		[FOLLOWING] = t->run->status,
		[COMPARING] = t->run->summary,
		[READING] = t->run->report};

	t->row->step = step;
	if (step == LOOKING)
		t->row->looked_us = t->input->now_us;
	t->next->kind = DP_ACT_ASK;
	t->next->request = requests[step];
	t->next->timeout_ms = t->run->timeout_ms;
	if (step == STARTING)
		t->next->what = "runonce";
}

static void pause(struct turn *t, long long sleep_ms)
{
	t->next->kind = DP_ACT_SLEEP;
	t->next->sleep_ms = sleep_ms;
	t->next->is_aligned = true;
}

/* The outcome's data; summary is NULL as long as there is none of ours. */
static json_t *tell(const struct turn *t, const struct dp_puppet_summary *summary)
{
	json_t *data = json_object();

	(void)json_object_set_new(data, "initiated_at", dp_puppet_moment(t->row->initiated_at));
	(void)json_object_set_new(data, "noop", json_boolean(t->run->is_noop));
	(void)json_object_set_new(data, "options_left_out",
		t->row->leaves_out ? json_pack("[s]", "use_cached_catalog") : json_array());
	if (summary)
		dp_puppet_tell(data, summary);
	return data;
}

static void end(struct turn *t, enum deploy_outcome_state state)
{
	t->next->kind = DP_ACT_DONE;
	t->next->state = state;
	if (state == DEPLOY_OUTCOME_FAILED)
		t->next->statuscode = 1;
	if (t->row->is_started)
		t->next->data = tell(t, NULL);
}

/* Somebody's run goes on, and ours must wait. */
static void wait_idle(struct turn *t)
{
	t->row->step = LOOKING;
	if (t->row->is_stopping) {
		end(t, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(t->next, "interrupted before it ran");
	} else if (t->input->now_us >= t->row->idle_until_us) {
		end(t, DEPLOY_OUTCOME_FAILED);
		DP_SAY(t->next, "it still applies a catalog after %lld s; no run was started",
			t->run->idle_ms / 1000);
	} else {
		pause(t, t->run->poll_ms);
	}
}

/* Is the node free for our run? */
static void take_look(struct turn *t, const struct dp_puppet_status *status)
{
	if (!status->is_enabled) {
		end(t, DEPLOY_OUTCOME_FAILED);
		DP_SAY(t->next, "disabled%s%s", *status->disable_message ? ": " : "",
			status->disable_message);
		return;
	}
	if (status->is_applying) {
		wait_idle(t);
		return;
	}
	t->row->clock = status->clock;
	t->row->has_daemon = status->has_daemon;
	ask(t, KEEPING);
}

static void take_kept(struct turn *t, const struct dp_puppet_summary *summary)
{
	t->row->base_lastrun = summary->lastrun;
	t->row->base_time = summary->total_time;
	json_decref(t->row->base_version);
	t->row->base_version = json_deep_copy(summary->config_version);
	/* What limits a run is never left out: the daemon then refuses, and nothing is changed. */
	t->row->leaves_out = t->row->has_daemon && !t->run->is_limited;
	ask(t, STARTING);
}

static void take_started(struct turn *t)
{
	const json_t *initiated_at = json_object_get(t->input->reply->data, "initiated_at");

	t->row->is_started = true;
	t->row->initiated_at = json_integer_value(initiated_at) > 0
				       ? json_integer_value(initiated_at)
				       : DP_PUPPET_NEVER;
	t->row->unseen_us = t->input->now_us - t->row->looked_us;
	t->row->start_until_us = t->input->now_us + t->run->start_ms * 1000;
	t->row->run_until_us = t->input->now_us + t->run->run_ms * 1000;
	ask(t, FOLLOWING);
}

static void take_refusal(struct turn *t)
{
	/* Somebody's run began since we looked. */
	if (t->input->reply->statuscode == 1 &&
		strstr(t->input->reply->statusmsg, "applying a catalog")) {
		wait_idle(t);
		return;
	}
	end(t, DEPLOY_OUTCOME_FAILED);
	t->next->statuscode = t->input->reply->statuscode;
	DP_SAY(t->next, "runonce: %s", t->input->reply->statusmsg);
}

static void keep_following(struct turn *t)
{
	t->row->step = FOLLOWING;
	if (t->input->now_us >= t->row->run_until_us) {
		end(t, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(t->next, "the run did not end within %lld s", t->run->run_ms / 1000);
	} else if (!t->row->is_seen && !t->row->has_ended &&
		   t->input->now_us >= t->row->start_until_us) {
		end(t, DEPLOY_OUTCOME_FAILED);
		DP_SAY(t->next,
			"the node said that it starts a run, but none was seen within %lld s; "
			"is its certificate signed?",
			t->run->start_ms / 1000);
	} else {
		pause(t, t->run->poll_ms);
	}
}

static void overtaken(struct turn *t)
{
	end(t, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(t->next, "another run ended after ours, so what ours did cannot be told");
}

/* The first moment, by the node's clock, at which ours may have ended. */
static long long earliest(const struct turn *t)
{
	return t->row->initiated_at > 0 ? t->row->initiated_at : t->row->clock;
}

/* A run has ended that is not the one before ours; wait until all of it is written. */
static void take_end(struct turn *t, long long lastrun)
{
	if (t->row->has_ended && lastrun != t->row->ended) {
		overtaken(t);
		return;
	}
	t->row->is_next |= t->row->initiated_at > 0 && lastrun > t->row->initiated_at;
	t->row->has_ended = true;
	t->row->ended = lastrun;
	if (t->row->is_applying)
		keep_following(t);
	else
		ask(t, READING);
}

static void take_status(struct turn *t, const struct dp_puppet_status *status)
{
	t->row->is_applying = status->is_applying;
	t->row->is_seen |= status->is_applying;
	if (t->row->has_ended) {
		take_end(t, status->lastrun);
	} else if (status->lastrun < earliest(t)) {
		/* The run before ours, or one that ended between our looking and our starting. */
		t->row->is_next = true;
		keep_following(t);
	} else if (status->lastrun == t->row->base_lastrun && t->row->is_past) {
		keep_following(t);
	} else if (status->lastrun == t->row->base_lastrun) {
		t->row->will_be_past = status->clock > t->row->base_lastrun;
		ask(t, COMPARING);
	} else {
		take_end(t, status->lastrun);
	}
}

static void doubt(struct turn *t)
{
	end(t, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(t->next, "a run ended just when ours was to begin, and it cannot be told whether "
			"that was ours");
}

/* The last run ended in the second in which the one before ours did: is it another one? */
static void take_comparison(struct turn *t, const struct dp_puppet_summary *summary)
{
	const json_t *version = summary->config_version;
	bool is_same =
		summary->total_time == t->row->base_time &&
		(version ? json_equal(version, t->row->base_version) : !t->row->base_version);

	if (summary->lastrun != t->row->base_lastrun) {
		/* Since we looked; it may be the second one to end. */
		doubt(t);
	} else if (!is_same) {
		take_end(t, summary->lastrun);
	} else {
		t->row->is_next = true;
		t->row->is_past = t->row->will_be_past;
		keep_following(t);
	}
}

/* Could a run of somebody else have begun and ended while nobody looked? */
static bool fits_unseen(const struct turn *t, const struct dp_puppet_summary *summary)
{
	double startup = summary->startup_time > 0 ? summary->startup_time : 0;

	return (summary->total_time - startup) * 1e6 <= (double)t->row->unseen_us;
}

static void take_report(struct turn *t, const struct dp_puppet_summary *summary)
{
	struct dp_puppet_terms terms = {.since = earliest(t),
		.is_noop = t->run->is_noop,
		.may_be_cached = t->run->may_be_cached,
		.was_told_uncached = !t->run->may_be_cached && !t->row->leaves_out};

	if (summary->lastrun != t->row->ended) {
		overtaken(t);
		return;
	}
	if (!t->row->is_next && fits_unseen(t, summary)) {
		doubt(t);
		return;
	}
	t->next->kind = DP_ACT_DONE;
	t->next->state =
		dp_puppet_judge(summary, &terms, t->next->message, sizeof(t->next->message));
	t->next->statuscode = t->next->state == DEPLOY_OUTCOME_OK ? 0 : 1;
	t->next->data = tell(t, summary);
}

/* A look came to nothing. why: what was wrong with the answer; NULL: there was none. */
static void take_miss(struct turn *t, const char *why)
{
	/* Before our run nothing is lost by ending here. */
	bool is_worth_it = t->row->is_started || (t->row->was_answered && !why);

	if (is_worth_it && ++t->row->missed < DP_PUPPET_MAX_MISSED) {
		pause(t, dp_puppet_pause(t->run->poll_ms, t->run->timeout_ms, t->input));
		return;
	}
	if (t->row->is_started) {
		end(t, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(t->next, "a run was started, then the node stopped answering%s%s",
			why ? ": " : "", why ? why : "");
		return;
	}
	end(t, why ? DEPLOY_OUTCOME_FAILED : DEPLOY_OUTCOME_SILENT);
	t->next->not_connected = !why && t->input->is_unconnected;
	DP_SAY(t->next, "%s",
		why			   ? why
		: t->input->is_unconnected ? "not connected"
					   : "no answer; no run was started");
}

/* lacks: what is not in the answer; NULL: the agent says why there is none. */
static void take_bad_reply(struct turn *t, const char *lacks)
{
	bool is_status = t->row->step == LOOKING || t->row->step == FOLLOWING;
	char why[400];

	(void)dp_puppet_say(why, sizeof(why), "%s: %s%s", is_status ? "status" : "last_run_summary",
		lacks ? "the answer lacks " : "", lacks ? lacks : t->input->reply->statusmsg);
	take_miss(t, why);
	if (t->next->state == DEPLOY_OUTCOME_FAILED && !lacks)
		t->next->statuscode = t->input->reply->statuscode;
}

static void take_reply(struct turn *t)
{
	const struct dp_reply *reply = t->input->reply;
	bool is_status = t->row->step == LOOKING || t->row->step == FOLLOWING;
	struct dp_puppet_status status = {0};
	struct dp_puppet_summary summary = {0};
	const char *lacks = "lastrun";

	if (t->row->step == STARTING && reply->statuscode == 0) {
		take_started(t);
		return;
	}
	if (t->row->step == STARTING) {
		take_refusal(t);
		return;
	}
	if (reply->statuscode != 0) {
		take_bad_reply(t, NULL);
		return;
	}
	if (is_status ? !dp_puppet_read_status(&status, reply->data, &lacks)
		      : !dp_puppet_read_summary(&summary, reply->data)) {
		take_bad_reply(t, lacks);
		return;
	}
	t->row->missed = 0;
	t->row->was_answered = true;
	switch (t->row->step) {
	case LOOKING:
		take_look(t, &status);
		break;
	case KEEPING:
		take_kept(t, &summary);
		break;
	case FOLLOWING:
		take_status(t, &status);
		break;
	case COMPARING:
		take_comparison(t, &summary);
		break;
	case READING:
		take_report(t, &summary);
		break;
	case STARTING:
		break;
	}
}

static void take_silence(struct turn *t)
{
	if (t->row->step != STARTING) {
		take_miss(t, NULL);
		return;
	}
	end(t, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(t->next, "no answer to runonce: a run may have been started");
}

/* Nothing was started yet: then nothing is. Otherwise the run is followed for as long as we may. */
static void stop(struct turn *t)
{
	t->row->is_stopping = true;
	if (t->row->is_started || t->row->step == STARTING) {
		t->next->kind = DP_ACT_GO_ON;
		return;
	}
	end(t, DEPLOY_OUTCOME_UNKNOWN);
	DP_SAY(t->next, "interrupted before it ran");
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct turn turn = {(const struct dp_puppet_run *)act, memory, input, next}, *t = &turn;

	(void)node;
	switch (input->kind) {
	case DP_ACT_BEGIN:
		t->row->initiated_at = t->row->clock = DP_PUPPET_NEVER;
		t->row->idle_until_us = input->now_us + t->run->idle_ms * 1000;
		ask(t, LOOKING);
		break;
	case DP_ACT_REPLY:
		take_reply(t);
		break;
	case DP_ACT_NO_REPLY:
		take_silence(t);
		break;
	case DP_ACT_AWAKE:
		ask(t, t->row->step);
		break;
	case DP_ACT_STOP:
		stop(t);
		break;
	case DP_ACT_RESPONSE:
		break;
	}
}

static void release_row(struct deploy_act *act, void *memory)
{
	(void)act;
	json_decref(((struct row *)memory)->base_version);
}

const struct dp_act_ops dp_puppet_run_ops = {.row_size = sizeof(struct row),
	.step = step,
	.release_row = release_row,
	.free = dp_puppet_run_free};
