/* The act of a Puppet run: its options, and the requests that all nodes share. */
#include "run/puppet_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ddl_validators.h"

#define MAX_TAGS_BYTES	      120 /* as the agent's DDL has it */
#define MAX_ENVIRONMENT_BYTES 50

#define START_MS 30000
#define RUN_MS	 (30 * 60 * 1000LL)

int dp_puppet_check_collective(const char *collective, struct deploy_error *err)
{
	struct deploy_request *probe = deploy_request_ping();
	int rc = deploy_request_set_collective(probe, collective, err);

	deploy_request_free(probe);
	return rc;
}

struct deploy_request *dp_puppet_request(
	const char *action, json_t *inputs, const char *collective, unsigned ttl_s)
{
	struct deploy_request *request = NULL;
	struct deploy_error ignored = {0};

	/* Names are ours, and the collective was checked. */
	(void)deploy_request_new(&request, "puppet", action, inputs, &ignored);
	(void)deploy_request_set_collective(request, collective, &ignored);
	request->ttl_s = ttl_s;
	json_decref(inputs);
	return request;
}

long long dp_puppet_pause(long long poll_ms, long long timeout_ms, const struct dp_act_input *input)
{
	return input->is_unconnected && timeout_ms > poll_ms ? timeout_ms : poll_ms;
}

static int check_text(const char *what, const char *validator, const char *text, size_t max_bytes,
	struct deploy_error *err)
{
	size_t len = strlen(text);

	if (len > max_bytes)
		return deploy_error_set(err, DEPLOY_INPUT,
			"%s of %zu bytes; agents take %zu: %.60s...", what, len, max_bytes, text);
	if (dp_validator_holds(validator, text, len))
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT, "\"%s\": agents take no such %s", text, what);
}

static void make_runs(struct dp_puppet_run *run, const struct deploy_puppet_run_options *options)
{
	json_t *plain = json_object(), *inputs;

	if (options->splay_ms) {
		(void)json_object_set_new(plain, "splay", json_true());
		(void)json_object_set_new(
			plain, "splaylimit", json_integer((options->splay_ms + 999) / 1000));
	} else {
		(void)json_object_set_new(plain, "force", json_true());
	}
	inputs = json_copy(plain);
	(void)json_object_set_new(
		inputs, "use_cached_catalog", json_boolean(options->uses_cached_catalog));
	if (options->noop)
		(void)json_object_set_new(inputs, "noop", json_true());
	if (options->tags)
		(void)json_object_set_new(inputs, "tags", json_string(options->tags));
	if (options->environment)
		(void)json_object_set_new(inputs, "environment", json_string(options->environment));
	run->run = dp_puppet_request("runonce", inputs, options->collective, options->ttl_s);
	run->plain_run = dp_puppet_request("runonce", plain, options->collective, options->ttl_s);
}

static void make_reads(struct dp_puppet_run *run, const struct deploy_puppet_run_options *options)
{
	json_t *logs = json_object();

	(void)json_object_set_new(logs, "logs", json_true());
	run->status =
		dp_puppet_request("status", json_object(), options->collective, options->ttl_s);
	run->summary = dp_puppet_request(
		"last_run_summary", json_object(), options->collective, options->ttl_s);
	run->report =
		dp_puppet_request("last_run_summary", logs, options->collective, options->ttl_s);
}

int deploy_puppet_run_new(struct deploy_act **out, const struct deploy_puppet_run_options *options,
	struct deploy_error *err)
{
	struct dp_puppet_run *run;

	*out = NULL;
	if (dp_puppet_check_collective(options->collective, err) ||
		(options->tags &&
			check_text("tags", "puppet_tags", options->tags, MAX_TAGS_BYTES, err)) ||
		(options->environment &&
			check_text("environment", "puppet_variable", options->environment,
				MAX_ENVIRONMENT_BYTES, err)) ||
		(options->message && dp_puppet_check_message(options->message, err)))
		return err->code;
	run = dp_xcalloc(1, sizeof(*run));
	*run = (struct dp_puppet_run){.act = {.ops = &dp_puppet_run_ops},
		.timeout_ms = options->timeout_ms,
		.poll_ms = options->poll_ms ? options->poll_ms : DP_PUPPET_POLL_MS,
		.idle_ms = options->idle_ms ? options->idle_ms : DP_PUPPET_IDLE_MS,
		.start_ms = (options->start_ms ? options->start_ms : START_MS) + options->splay_ms,
		.run_ms = (options->run_ms ? options->run_ms : RUN_MS) + options->splay_ms,
		.is_noop = options->noop,
		.may_be_cached = options->uses_cached_catalog,
		.is_limited = options->noop || options->tags || options->environment};
	make_reads(run, options);
	make_runs(run, options);
	*out = options->message ? dp_puppet_hold_take_run(&run->act, options) : &run->act;
	return 0;
}

void dp_puppet_run_free(struct deploy_act *act)
{
	struct dp_puppet_run *run = (struct dp_puppet_run *)act;

	deploy_request_free(run->status);
	deploy_request_free(run->summary);
	deploy_request_free(run->report);
	deploy_request_free(run->run);
	deploy_request_free(run->plain_run);
	free(run);
}
