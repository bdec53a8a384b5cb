/* Letting nodes' Puppet agents run, or not: look, switch what is not as wanted, see that it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ddl_validators.h"
#include "run/puppet_run.h"

struct puppet_switch {
	struct deploy_act act;
	bool enables;
	char *message;
	bool waits_idle, skips_busy;
	long long timeout_ms, idle_ms, poll_ms;
	struct deploy_request *status, *change;
};

struct row {
	bool is_changing; /* enable or disable was asked, otherwise status */
	bool was_refused; /* … and the node said no: look again why */
	/* Of a look: */
	bool was_answered;
	unsigned missed;
	int64_t idle_until_us; /* for a run that goes on to end first */
};

static void ask(const struct puppet_switch *it, const struct row *row, struct dp_act_next *next)
{
	next->kind = DP_ACT_ASK;
	next->request = row->is_changing ? it->change : it->status;
	next->timeout_ms = it->timeout_ms;
	if (row->is_changing)
		next->what = it->change->action;
}

static void end(struct dp_act_next *next, enum deploy_outcome_state state)
{
	next->kind = DP_ACT_DONE;
	next->state = state;
	next->statuscode = state == DEPLOY_OUTCOME_FAILED ? 1 : 0;
}

static void end_as_wanted(
	const struct puppet_switch *it, bool has_changed, struct dp_act_next *next)
{
	end(next, DEPLOY_OUTCOME_OK);
	DP_SAY(next, "%s%s", has_changed ? "" : "already ", it->enables ? "enabled" : "disabled");
	next->data = json_pack("{s:b, s:b}", "changed", has_changed, "enabled", (int)it->enables);
}

static void look_later(long long sleep_ms, struct dp_act_next *next)
{
	next->kind = DP_ACT_SLEEP;
	next->sleep_ms = sleep_ms;
	next->is_aligned = true;
}

/* It applies a catalog: true if that must not be while it is switched. */
static bool is_kept_back(const struct puppet_switch *it, const struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const char *by = it->message ? it->message : "", *quote = it->message ? "'" : "";

	if (it->waits_idle && input->now_us < row->idle_until_us) {
		look_later(it->poll_ms, next);
		return true;
	}
	if (!it->waits_idle && !it->skips_busy)
		return false;
	end(next, DEPLOY_OUTCOME_FAILED);
	if (it->waits_idle)
		DP_SAY(next, "it still applies a catalog after %lld s; not disabled",
			it->idle_ms / 1000);
	else if (it->enables)
		DP_SAY(next,
			"it applies a catalog, so it is not enabled; later: deployctl puppet "
			"enable %s%s%s%s%s",
			node, it->message ? " -m " : "", quote, by, quote);
	else
		DP_SAY(next, "it applies a catalog");
	return true;
}

static void take_status(const struct puppet_switch *it, struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	struct dp_puppet_status status = {0};
	const char *lacks = NULL;
	bool is_ours;

	if (!dp_puppet_read_status(&status, input->reply->data, &lacks)) {
		end(next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "status: the answer lacks %s", lacks);
		return;
	}
	is_ours = !it->message || strcmp(status.disable_message, it->message) == 0;
	if (status.is_enabled == it->enables && (it->enables || is_ours)) {
		end_as_wanted(it, false, next);
	} else if (!status.is_enabled && !is_ours) {
		end(next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "disabled by somebody else%s%s", *status.disable_message ? ": " : "",
			status.disable_message);
	} else if (row->was_refused) {
		end(next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "%s: the node refused it", it->change->action);
	} else if (!status.is_applying || !is_kept_back(it, row, node, input, next)) {
		row->is_changing = true;
		ask(it, row, next);
	}
}

static void take_change(const struct puppet_switch *it, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const json_t *enabled = json_object_get(input->reply->data, "enabled");

	if (input->reply->statuscode == 1 && strstr(input->reply->statusmsg, "Already ")) {
		/* Somebody was faster. */
		row->is_changing = false;
		row->was_refused = true;
		ask(it, row, next);
	} else if (input->reply->statuscode != 0) {
		end(next, DEPLOY_OUTCOME_FAILED);
		next->statuscode = input->reply->statuscode;
		DP_SAY(next, "%s: %s", it->change->action, input->reply->statusmsg);
	} else if (!json_is_boolean(enabled) || json_is_true(enabled) != it->enables) {
		end(next, DEPLOY_OUTCOME_FAILED);
		DP_SAY(next, "%s was answered, but the node does not say that it is %sd",
			it->change->action, it->change->action);
	} else {
		end_as_wanted(it, true, next);
	}
}

static void take_reply(const struct puppet_switch *it, struct row *row, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	row->was_answered = true;
	row->missed = 0;
	if (row->is_changing) {
		take_change(it, row, input, next);
	} else if (input->reply->statuscode != 0) {
		end(next, DEPLOY_OUTCOME_FAILED);
		next->statuscode = input->reply->statuscode;
		DP_SAY(next, "status: %s", input->reply->statusmsg);
	} else {
		take_status(it, row, node, input, next);
	}
}

static void take_silence(const struct puppet_switch *it, struct row *row,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	if (row->is_changing) {
		end(next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next, "no answer to %s: it may have been done", it->change->action);
		return;
	}
	/* One look of many is not worth to end the wait. */
	if (it->waits_idle && row->was_answered && ++row->missed < DP_PUPPET_MAX_MISSED) {
		look_later(dp_puppet_pause(it->poll_ms, it->timeout_ms, input), next);
		return;
	}
	end(next, DEPLOY_OUTCOME_SILENT);
	next->not_connected = input->is_unconnected;
	DP_SAY(next, "%s", input->is_unconnected ? "not connected" : "no answer to status");
}

static void step(struct deploy_act *act, void *memory, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	const struct puppet_switch *it = (const struct puppet_switch *)act;
	struct row *row = memory;

	switch (input->kind) {
	case DP_ACT_BEGIN:
		row->idle_until_us = input->now_us + it->idle_ms * 1000;
		ask(it, row, next);
		break;
	case DP_ACT_REPLY:
		take_reply(it, row, node, input, next);
		break;
	case DP_ACT_NO_REPLY:
		take_silence(it, row, input, next);
		break;
	case DP_ACT_STOP:
		if (row->is_changing) {
			next->kind = DP_ACT_GO_ON;
			break;
		}
		end(next, DEPLOY_OUTCOME_UNKNOWN);
		DP_SAY(next, "interrupted; nothing was changed");
		break;
	case DP_ACT_AWAKE:
		ask(it, row, next);
		break;
	case DP_ACT_RESPONSE:
		break;
	}
}

static void free_switch(struct deploy_act *act)
{
	struct puppet_switch *it = (struct puppet_switch *)act;

	deploy_request_free(it->status);
	deploy_request_free(it->change);
	free(it->message);
	free(it);
}

static const struct dp_act_ops ops = {
	.row_size = sizeof(struct row), .step = step, .free = free_switch};

int dp_puppet_check_message(const char *message, struct deploy_error *err)
{
	size_t len = strlen(message);

	if (len > DEPLOY_PUPPET_MESSAGE_BYTES)
		return deploy_error_set(err, DEPLOY_INPUT,
			"a message of %zu bytes; agents take %d: %.60s...", len,
			DEPLOY_PUPPET_MESSAGE_BYTES, message);
	for (const char *c = message; *c; c++)
		if (*c < ' ' || *c > '~')
			return deploy_error_set(err, DEPLOY_INPUT,
				"a message is printable ASCII, byte %td is none", c - message + 1);
	if (len && dp_validator_holds("shellsafe", message, len))
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT,
		"\"%s\": agents take no message that is empty or has one of ` $ ; | && > <",
		message);
}

int deploy_puppet_switch_new(struct deploy_act **out,
	const struct deploy_puppet_switch_options *options, struct deploy_error *err)
{
	const char *message = options->message;
	struct puppet_switch *it;
	json_t *inputs;

	*out = NULL;
	if (!message && !options->enables)
		return deploy_error_set(err, DEPLOY_USAGE, "disabling needs a message");
	if (dp_puppet_check_collective(options->collective, err) ||
		(message && dp_puppet_check_message(message, err)))
		return err->code;
	inputs = json_object();
	if (!options->enables)
		(void)json_object_set_new(inputs, "message", json_string(message));
	it = dp_xcalloc(1, sizeof(*it));
	*it = (struct puppet_switch){.act = {.ops = &ops},
		.enables = options->enables,
		.message = message ? dp_xstrdup(message) : NULL,
		.waits_idle = options->waits_idle && !options->enables,
		.skips_busy = options->skips_busy,
		.timeout_ms = options->timeout_ms,
		.idle_ms = options->idle_ms ? options->idle_ms : DP_PUPPET_IDLE_MS,
		.poll_ms = options->poll_ms ? options->poll_ms : DP_PUPPET_POLL_MS,
		.status = dp_puppet_request(
			"status", json_object(), options->collective, options->ttl_s),
		.change = dp_puppet_request(options->enables ? "enable" : "disable", inputs,
			options->collective, options->ttl_s)};
	*out = &it->act;
	return 0;
}

void deploy_puppet_site_message(
	char out[DEPLOY_PUPPET_MESSAGE_BYTES + 1], const char *run, const char *name)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		" ._:-";

	(void)snprintf(out, DEPLOY_PUPPET_MESSAGE_BYTES + 1, "deployctl %s: %s", run, name);
	for (char *c = out + strspn(out, letters); *c; c += strspn(c, letters))
		*c = '_';
}
