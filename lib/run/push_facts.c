/* The act of giving facts: its options, its nodes, and the requests that they share. */
#include "run/push_facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/fact.h"

#define MAX_URL_BYTES 1024
#define DIGEST_DIGITS 64

const struct deploy_request *dp_push_request(
	struct dp_push *push, const char *agent, const char *action, json_t *inputs)
{
	char *text = json_dumps(inputs, JSON_COMPACT | JSON_SORT_KEYS);
	char *key = dp_xasprintf("%s %s", action, text);
	const json_t *known = json_object_get(push->index, key);
	size_t place = known ? (size_t)json_integer_value(known) : push->request_count;
	struct deploy_error ignored = {0};

	if (!known) {
		push->requests = dp_grow(push->requests, &push->request_cap,
			push->request_count + 1, sizeof(struct deploy_request *));
		/* Names are ours, and the collective was checked. */
		(void)deploy_request_new(&push->requests[place], agent, action, inputs, &ignored);
		(void)deploy_request_set_collective(
			push->requests[place], push->collective, &ignored);
		push->requests[place]->ttl_s = push->ttl_s;
		(void)json_object_set_new(push->index, key, json_integer((json_int_t)place));
		push->request_count++;
	}
	json_decref(inputs);
	free(key);
	free(text);
	return push->requests[place];
}

static int check_digest(const char *digest, struct deploy_error *err)
{
	if (strlen(digest) == DIGEST_DIGITS && strspn(digest, "0123456789abcdef") == DIGEST_DIGITS)
		return 0;
	return deploy_error_set(
		err, DEPLOY_INPUT, "\"%s\" is no SHA256: 64 digits of 0-9 a-f", digest);
}

int deploy_push_check_url(const char *url, const char *sha256, struct deploy_error *err)
{
	bool is_secure = url && strncmp(url, "https://", 8) == 0;

	if (!url)
		return sha256 ? check_digest(sha256, err) : 0;
	if (!is_secure && strncmp(url, "http://", 7) != 0)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: no http: or https: URL", url);
	if (strlen(url) > MAX_URL_BYTES)
		return deploy_error_set(err, DEPLOY_INPUT, "a URL of more than %d bytes: %.60s...",
			MAX_URL_BYTES, url);
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("\"'`\\<>", *c))
			return deploy_error_set(err, DEPLOY_INPUT,
				"%s: byte %td is none of a URL; write it as %%%02X", url, c - url,
				(unsigned char)*c);
	if (!is_secure && !sha256) {
		deploy_error_hint(err, "--sha256 DIGEST, as sha256sum prints it");
		return deploy_error_set(err, DEPLOY_INPUT,
			"%s: nodes cannot tell who sends this; the file's digest is needed", url);
	}
	return sha256 ? check_digest(sha256, err) : 0;
}

/* As the agent's DDL has it, without what would leave the folder of environments. */
int deploy_push_check_environment(const char *name, struct deploy_error *err)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t len = strlen(name);

	if (len && len <= 50 && strspn(name, letters) == len)
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT,
		"\"%s\" is no name of a Puppet environment: A-Z a-z 0-9 _, at most 50 bytes", name);
}

static json_t *text_input(const char *name, const char *text)
{
	json_t *inputs = json_object();

	(void)json_object_set_new(inputs, name, json_string(text));
	return inputs;
}

void dp_push_free(struct deploy_act *act)
{
	struct dp_push *push = (struct dp_push *)act;

	for (size_t i = 0; i < push->request_count; i++)
		deploy_request_free(push->requests[i]);
	free(push->requests);
	json_decref(push->index);
	json_decref(push->nodes);
	free(push->collective);
	free(push);
}

static void make_requests(struct dp_push *push, const struct deploy_push_options *options)
{
	json_t *inputs;

	push->inventory = dp_push_request(push, "rpcutil", "agent_inventory", json_object());
	if (!options->url)
		return;
	inputs = text_input("url", options->url);
	if (options->sha256)
		(void)json_object_set_new(inputs, "sha256", json_string(options->sha256));
	push->fetch = dp_push_request(push, "deploop", "fetch_facts", inputs);
}

int deploy_push_new(struct deploy_act **out, const struct deploy_push_options *options,
	struct deploy_error *err)
{
	struct deploy_request *probe = deploy_request_ping();
	struct dp_push *push;
	int rc = deploy_request_set_collective(probe, options->collective, err);

	*out = NULL;
	deploy_request_free(probe);
	if (!rc && options->url && options->only_compares)
		return deploy_error_set(err, DEPLOY_USAGE,
			"what is at a URL is known only when nodes have fetched it");
	if (rc || (options->url && deploy_push_check_url(options->url, options->sha256, err)))
		return err->code;
	push = dp_xcalloc(1, sizeof(*push));
	*push = (struct dp_push){.act = {.ops = &dp_push_ops},
		.collective = dp_xstrdup(options->collective),
		.ttl_s = options->ttl_s,
		.timeout_ms = options->timeout_ms,
		.verify_ms = options->verify_ms,
		.only_compares = options->only_compares,
		.nodes = json_object(),
		.index = json_object()};
	make_requests(push, options);
	*out = &push->act;
	return 0;
}

static int check_facts(json_t *facts, struct deploy_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(facts, name, value)
	{
		if (deploy_fact_check_name(name, err))
			return err->code;
		if (json_is_null(value))
			continue;
		if (!json_is_string(value))
			return deploy_error_set(
				err, DEPLOY_INPUT, "%s: the value is no text", name);
		if (deploy_fact_check_value(name, json_string_value(value), err))
			return err->code;
	}
	return 0;
}

int deploy_push_add(struct deploy_act *act, const char *node, const struct deploy_push_node *wanted,
	struct deploy_error *err)
{
	const char *environment = wanted->environment;
	struct dp_push *push = (struct dp_push *)act;
	json_t *entry;

	if (check_facts(wanted->facts, err) ||
		(environment && deploy_push_check_environment(environment, err)))
		return deploy_error_wrap(err, "%s", node);
	entry = json_object();
	(void)json_object_set_new(entry, "facts", json_deep_copy(wanted->facts));
	if (environment)
		(void)json_object_set_new(entry, "environment", json_string(environment));
	(void)json_object_set_new(entry, "was_given", json_boolean(wanted->was_given_environment));
	(void)json_object_set_new(push->nodes, node, entry);
	return 0;
}
