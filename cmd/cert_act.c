/* Signing, revoking and cleaning: whom, whether it is known which request is meant, and the run. */
#include "cert.h"
#include "report.h"
#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cert_check_alt_name(const char *text, struct deploy_error *err)
{
	const char *colon = strchr(text, ':');

	if (colon && colon != text && colon[1])
		return 0;
	return deploy_error_set(err, DEPLOY_USAGE,
		"\"%s\" is no alternative name: DNS:web.example.net or IP:10.0.0.1", text);
}

/* What is said of it, and asked before it. */
static const char *after_of(const struct cert_opts *opts)
{
	if (opts->revokes)
		return ": what the CA has signed for it will be revoked";
	if (opts->cleans)
		return ": the CA will revoke and delete everything of that name";
	return opts->asks_nodes ? ": the request that it has itself will be signed"
				: ": its request will be signed";
}

static bool is_signing(const struct cert_opts *opts)
{
	return !opts->revokes && !opts->cleans;
}

/* Whoever waits for a certificate, less those who are left out. */
static struct deploy_nodeset *pending_nodes(const struct cert *cert)
{
	const struct target_opts *target = &cert->opts->act.target;
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_error ignored = {0};

	for (size_t i = 0; i < cert->list->count; i++)
		if (cert->list->entries[i].state == DEPLOY_CA_REQUESTED)
			(void)deploy_nodeset_add(nodes, cert->list->entries[i].name, &ignored);
	if (target->exclude)
		deploy_nodeset_subtract(nodes, target->exclude);
	deploy_limit_apply(&target->limit, nodes);
	return nodes;
}

/* Each fingerprint is for one of the nodes. */
static int check_prints(const struct cert *cert, struct deploy_error *err)
{
	const char *name;
	json_t *text;
	size_t index;

	json_object_foreach(cert->prints, name, text)
	{
		if (!deploy_nodeset_find(cert->nodes, name, strlen(name), &index))
			return deploy_error_set(err, DEPLOY_USAGE,
				"a fingerprint is given for %s, which is none of the nodes", name);
	}
	return 0;
}

/* The node's request may be signed, and nothing says which one it is. */
static bool is_open(const struct cert *cert, const char *node)
{
	const struct deploy_ca_entry *entry = deploy_ca_list_find(cert->list, node);

	if (json_object_get(cert->prints, node))
		return false;
	return entry ? entry->state == DEPLOY_CA_REQUESTED : cert->opts->wait_ms != 0;
}

static struct deploy_nodeset *open_nodes(const struct cert *cert)
{
	struct deploy_nodeset *open = deploy_nodeset_new();
	struct deploy_error ignored = {0};

	for (size_t i = 0; i < deploy_nodeset_count(cert->nodes); i++) {
		const char *node = deploy_nodeset_get(cert->nodes, i);

		if (is_open(cert, node))
			(void)deploy_nodeset_add(open, node, &ignored);
	}
	return open;
}

static int refuse_open(const struct deploy_nodeset *open, struct deploy_error *err)
{
	char *folded = deploy_nodeset_print(open);

	(void)deploy_error_set(err, DEPLOY_REFUSED,
		"nothing says which request is that of %s: another machine may have sent it; "
		"nothing was signed",
		folded);
	deploy_error_hint(err,
		"give NODE=FINGERPRINT, or --verify-node to have the node asked; at a terminal "
		"without --yes the fingerprints are shown; or --trust-on-first-use");
	free(folded);
	return err->code;
}

/* "  web01  AB:CD:…": what is shown is what is signed then. NULL if one has no request yet. */
static char *show_open(const struct cert *cert, const struct deploy_nodeset *open)
{
	size_t size = 1, at = 0;
	char *lines;

	for (size_t i = 0; i < deploy_nodeset_count(open); i++)
		size += strlen(deploy_nodeset_get(open, i)) + DEPLOY_CA_FINGERPRINT + 8;
	lines = out_resize(NULL, size);
	lines[0] = '\0';
	for (size_t i = 0; i < deploy_nodeset_count(open); i++) {
		const char *node = deploy_nodeset_get(open, i);
		const struct deploy_ca_entry *entry = deploy_ca_list_find(cert->list, node);

		if (!entry) {
			free(lines);
			return NULL;
		}
		at += (size_t)snprintf(
			lines + at, size - at, "  %s  %s\n", node, entry->fingerprint);
	}
	return lines;
}

static void expect_shown(struct cert *cert, const struct deploy_nodeset *open)
{
	for (size_t i = 0; i < deploy_nodeset_count(open); i++) {
		const char *node = deploy_nodeset_get(open, i);
		const struct deploy_ca_entry *entry = deploy_ca_list_find(cert->list, node);

		(void)json_object_set_new(cert->prints, node, json_string(entry->fingerprint));
	}
}

/* Where nothing else says which requests are meant, whoever is asked compares fingerprints. */
static int confirm(struct cert *cert, struct deploy_error *err)
{
	const struct cert_opts *opts = cert->opts;
	const struct confirm_opts *how = &opts->act.confirm;
	struct confirm_question question = {.before = "", .after = after_of(opts)};
	bool must_show = is_signing(opts) && !opts->asks_nodes && !opts->trusts_first_use;
	struct deploy_nodeset *open = must_show ? open_nodes(cert) : deploy_nodeset_new();
	char *lines = show_open(cert, open);
	int status;

	question.lines = lines;
	if (deploy_nodeset_count(open) && (how->says_yes || !lines))
		status = (int)exit_of_error((enum deploy_code)refuse_open(open, err));
	else
		status = confirm_act(
			cert->ctx, how, &question, deploy_nodeset_count(cert->nodes), err);
	if (status == EXIT_ALL_OK)
		expect_shown(cert, open);
	free(lines);
	deploy_nodeset_free(open);
	return status;
}

/* Of what is signed already: the keys of the requests that were, if it was we who had them signed.
 */
static int find_keys(json_t *keys, const struct cert *cert, struct deploy_error *err)
{
	char key[DEPLOY_CA_FINGERPRINT];
	const char *node;
	json_t *print;

	if (ctx_state(cert->ctx, true, err))
		return err->code;
	json_object_foreach(cert->prints, node, print)
	{
		const struct deploy_ca_entry *entry = deploy_ca_list_find(cert->list, node);

		if (!err->code && entry && entry->state == DEPLOY_CA_SIGNED &&
			cert_find_key(key, cert->ctx->state, node, json_string_value(print), err))
			(void)json_object_set_new(keys, node, json_string(key));
	}
	return err->code;
}

static int make_sign(struct deploy_act **out, const struct cert *cert, struct deploy_error *err)
{
	const struct cert_opts *opts = cert->opts;
	const struct deploy_ca_node_options nodes = {
		.collective = target_collective(cert->ctx, &opts->act.target),
		.ttl_s = cert->ctx->config->ttl_s,
		.timeout_ms = opts->act.rolling.policy.timeout_ms,
		.path = opts->csr_path};
	const struct deploy_ca_sign_options sign = {.fingerprints = cert->prints,
		.keys = json_object(),
		.nodes = opts->asks_nodes ? &nodes : NULL,
		.trusts_first_use = opts->trusts_first_use,
		.alt_names = opts->alt_names,
		.extensions = opts->extensions,
		.wait_ms = opts->wait_ms,
		.poll_ms = cert_poll_ms(opts->wait_ms, CERT_POLL_MS)};

	if (!find_keys(sign.keys, cert, err))
		(void)deploy_ca_sign(out, &cert->settings.ca, &sign, err);
	json_decref(sign.keys);
	return err->code;
}

static int make_act(struct deploy_act **out, const struct cert *cert, struct deploy_error *err)
{
	*out = NULL;
	if (cert->opts->revokes)
		return deploy_ca_revoke(out, &cert->settings.ca, err);
	if (cert->opts->cleans)
		return deploy_ca_clean(out, &cert->settings.ca, err);
	return make_sign(out, cert, err);
}

int cert_record(void *arg, struct deploy_state *state, const struct deploy_event *event,
	struct deploy_error *err)
{
	json_t *data = event->outcome->data;
	const char *now = json_string_value(json_object_get(data, "state"));
	json_t *print = json_object_get(data, "certificate");

	(void)arg;
	if (!now)
		return 0;
	if (strcmp(now, "absent") == 0)
		return deploy_state_set_certificate(state, event->node, NULL, NULL, err);
	if (!print)
		print = json_object_get(data, "fingerprint");
	return deploy_state_set_certificate(state, event->node, now, json_string_value(print), err);
}

static int run(struct cert *cert, struct deploy_act *act, struct deploy_error *err)
{
	const struct act_opts *opts = &cert->opts->act;
	struct report report = {.out = cert->ctx->out,
		.kind = "sign-cert",
		.view = &report_acts,
		.is_act = true,
		.reason = opts->reason,
		.record = cert_record,
		.is_filtered = true,
		.empty_ok = opts->target.empty_ok};
	struct deploy_plan *plan = deploy_plan_new();
	struct deploy_task *task = deploy_plan_take_act(plan, act);
	int status;

	task->nodes = deploy_nodeset_copy(cert->nodes);
	task->policy = opts->rolling.policy;
	plan->deadline_ms = opts->rolling.run_deadline_ms;
	signals_set_phase(SIGNALS_RUNNING);
	status = report_run(&report, cert->ctx, plan, err);
	deploy_plan_free(plan);
	return status;
}

int cert_act(struct cert *cert, struct deploy_error *err)
{
	const struct cert_opts *opts = cert->opts;
	struct deploy_act *act = NULL;
	int status = EXIT_ALL_OK;

	if (opts->is_pending)
		cert->nodes = pending_nodes(cert);
	if (opts->is_pending && !deploy_nodeset_count(cert->nodes)) {
		out_note(cert->ctx->out, "no request waits to be signed");
		return EXIT_ALL_OK;
	}
	if (check_prints(cert, err))
		return EXIT_USAGE;
	if (deploy_nodeset_count(cert->nodes))
		status = confirm(cert, err);
	if (status != EXIT_ALL_OK)
		return status;
	if (make_act(&act, cert, err))
		return (int)exit_of_error(err->code);
	if (opts->asks_nodes && target_connect(cert->ctx, &opts->act.target, err)) {
		deploy_act_free(act);
		return (int)exit_of_error(err->code);
	}
	return run(cert, act, err);
}
