/* Asking a node about the file that its request is in. */
#include "puppet/ca_node.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "puppet/ca.h"

#define MAX_PATH_BYTES 120 /* of fstat's DDL */

/* Where Puppet's own packages have it, and Debian's. */
static const char *const usual_paths[] = {
	"/etc/puppetlabs/puppet/ssl/certificate_requests/%s.pem",
	"/var/lib/puppet/ssl/certificate_requests/%s.pem",
};
#define USUAL_PATHS (sizeof(usual_paths) / sizeof(usual_paths[0]))

static void fail(struct dp_act_next *next, const struct deploy_error *err)
{
	dp_ca_fail(next, DEPLOY_OUTCOME_FAILED, NULL, err);
}

int dp_ca_nodes_init(struct dp_ca_nodes *nodes, const struct deploy_ca_node_options *options,
	struct deploy_error *err)
{
	struct deploy_request *probe;
	int rc;

	*nodes = (struct dp_ca_nodes){0};
	if (!options)
		return 0;
	if (options->path && options->path[0] != '/')
		return deploy_error_set(
			err, DEPLOY_USAGE, "%s: a path on a node begins with /", options->path);
	probe = deploy_request_ping();
	rc = deploy_request_set_collective(probe, options->collective, err);
	deploy_request_free(probe);
	if (rc)
		return rc;
	nodes->collective = dp_xstrdup(options->collective);
	nodes->path = options->path ? dp_xstrdup(options->path) : NULL;
	nodes->ttl_s = options->ttl_s;
	nodes->timeout_ms = options->timeout_ms;
	return 0;
}

void dp_ca_nodes_release(struct dp_ca_nodes *nodes)
{
	for (size_t i = 0; i < nodes->sent_count; i++)
		deploy_request_free(nodes->sent[i]);
	free(nodes->sent);
	free(nodes->collective);
	free(nodes->path);
	*nodes = (struct dp_ca_nodes){0};
}

static const char *template_at(const struct dp_ca_nodes *nodes, size_t place)
{
	if (nodes->path)
		return place == 0 ? nodes->path : NULL;
	return place < USUAL_PATHS ? usual_paths[place] : NULL;
}

/* The template with node in place of each %s. Caller frees. */
static char *path_of(const char *template, const char *node)
{
	struct dp_buf path;
	const char *mark;
	char *text;

	dp_buf_init(&path, strlen(template) * (strlen(node) + 1) + 1);
	for (; (mark = strstr(template, "%s")); template = mark + 2) {
		dp_buf_add(&path, template, (size_t)(mark - template));
		dp_buf_add(&path, node, strlen(node));
	}
	dp_buf_add(&path, template, strlen(template));
	text = dp_xstrdup(dp_buf_text(&path));
	dp_buf_release(&path);
	return text;
}

static const struct deploy_request *request_for(struct dp_ca_nodes *nodes, const char *path)
{
	struct deploy_error ignored = {0};
	struct deploy_request *request = NULL;
	json_t *inputs = json_pack("{s:s, s:s}", "source", "fstat", "query", path);

	/* Names are ours, and the collective was checked. */
	(void)deploy_request_new(&request, "rpcutil", "get_data", inputs, &ignored);
	(void)deploy_request_set_collective(request, nodes->collective, &ignored);
	json_decref(inputs);
	request->ttl_s = nodes->ttl_s;
	nodes->sent = dp_grow(nodes->sent, &nodes->sent_cap, nodes->sent_count + 1,
		sizeof(struct deploy_request *));
	nodes->sent[nodes->sent_count++] = request;
	return request;
}

static void ask(struct dp_ca_nodes *nodes, const struct dp_ca_asking *asking, const char *node,
	struct dp_act_next *next)
{
	char *path = path_of(template_at(nodes, asking->place), node);
	struct deploy_error err = {0};

	if (strlen(path) > MAX_PATH_BYTES) {
		(void)deploy_error_set(&err, DEPLOY_USAGE,
			"not signed: nodes are not asked about a path of more than %d bytes: %s",
			MAX_PATH_BYTES, path);
		fail(next, &err);
	} else {
		next->kind = DP_ACT_ASK;
		next->request = request_for(nodes, path);
		next->timeout_ms = nodes->timeout_ms;
	}
	free(path);
}

void dp_ca_ask_node(struct dp_ca_nodes *nodes, struct dp_ca_asking *asking, const char *node,
	const struct dp_x509 *request, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	asking->place = 0;
	asking->bytes = request->file_bytes;
	(void)memcpy(asking->md5, request->file_md5, sizeof(asking->md5));
	if (asking->md5[0]) {
		ask(nodes, asking, node, next);
		return;
	}
	(void)deploy_error_set(&err, DEPLOY_BUG,
		"not signed: OpenSSL computes no MD5 here, and nodes tell nothing else");
	fail(next, &err);
}

/* Puppet deletes the request when it has the certificate; and it may be elsewhere. */
static void tell_missing(
	const struct dp_ca_nodes *nodes, const char *node, struct dp_act_next *next)
{
	char *first = path_of(template_at(nodes, 0), node);
	char *second = nodes->path ? NULL : path_of(template_at(nodes, 1), node);
	struct deploy_error err = {0};

	(void)deploy_error_set(&err, DEPLOY_AUTH,
		"refused: the node has no request of its own in %s%s%s", first,
		second ? " or " : "", second ? second : "");
	deploy_error_hint(&err, "it may be another machine's; or say where the node has it, or "
				"which fingerprint to expect");
	fail(next, &err);
	free(first);
	free(second);
}

static void tell_other(const char *node, struct dp_act_next *next)
{
	struct deploy_error err = {0};

	(void)deploy_error_set(&err, DEPLOY_AUTH,
		"refused: the request at the CA is not the one that %s has", node);
	deploy_error_hint(&err, "it may be another machine's; clean it, and let the node ask "
				"again");
	fail(next, &err);
}

/* Also if a node tells nonsense. */
static bool is_same(const struct dp_ca_asking *asking, json_t *data)
{
	const char *md5 = json_string_value(json_object_get(data, "md5"));
	const json_t *size = json_object_get(data, "size");

	return md5 && strcmp(md5, asking->md5) == 0 && json_is_integer(size) &&
	       json_integer_value(size) == (json_int_t)asking->bytes;
}

/* A node that did not tell. */
static void tell_silent(const struct dp_act_input *input, struct dp_act_next *next)
{
	bool is_reply = input->kind == DP_ACT_REPLY;
	struct deploy_error err = {0};

	if (is_reply)
		(void)deploy_error_set(&err, DEPLOY_AUTH,
			"not signed: the node does not tell which request it has: %s",
			input->reply->statusmsg);
	dp_ca_fail(next, is_reply ? DEPLOY_OUTCOME_FAILED : DEPLOY_OUTCOME_SILENT,
		is_reply ? NULL : "not signed: the node does not answer", &err);
	next->not_connected = input->is_unconnected;
	if (is_reply)
		next->statuscode = input->reply->statuscode;
}

bool dp_ca_node_answered(struct dp_ca_nodes *nodes, struct dp_ca_asking *asking, const char *node,
	const struct dp_act_input *input, struct dp_act_next *next)
{
	json_t *data, *present;

	if (input->kind != DP_ACT_REPLY || input->reply->statuscode != 0) {
		tell_silent(input, next);
		return false;
	}
	data = input->reply->data;
	present = json_object_get(data, "present");
	if (json_is_integer(present) && json_integer_value(present) == 0) {
		if (template_at(nodes, ++asking->place))
			ask(nodes, asking, node, next);
		else
			tell_missing(nodes, node, next);
		return false;
	}
	if (is_same(asking, data))
		return true;
	tell_other(node, next);
	return false;
}
