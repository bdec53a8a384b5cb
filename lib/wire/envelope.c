/* Keys are symbols and stand in the order in which Ruby writes them. */
#include "wire/envelope.h"

#include <limits.h>
#include <string.h>

#include "deploy/error.h"
#include "base/random.h"
#include "wire/security_psk.h"

/* Requests are small; nodes with Ruby's limits should not meet a bigger one. */
#define MAX_BODY_BYTES (1024 * 1024)

void dp_request_id_new(char out[DP_REQUEST_ID_CHARS + 1])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char id[DP_REQUEST_ID_CHARS / 2];

	dp_random(id, sizeof(id));
	id[6] = (unsigned char)((id[6] & 0x0f) | 0x50);
	id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(id); i++) {
		out[2 * i] = hex[id[i] >> 4];
		out[2 * i + 1] = hex[id[i] & 15];
	}
	out[DP_REQUEST_ID_CHARS] = '\0';
}

static void put_text(struct dp_buf *out, const char *text)
{
	dp_marshal_put_text(out, text, strlen(text));
}

static void put_pair(struct dp_buf *out, const char *key, const char *value)
{
	dp_marshal_put_symbol(out, key);
	put_text(out, value);
}

static void put_texts(struct dp_buf *out, const char *key, char *const *texts, size_t count)
{
	put_text(out, key);
	dp_marshal_put_array(out, count);
	for (size_t i = 0; i < count; i++)
		put_text(out, texts[i]);
}

static void put_facts(struct dp_buf *out, const struct deploy_filter *filter)
{
	put_text(out, "fact");
	dp_marshal_put_array(out, filter->fact_count);
	for (size_t i = 0; i < filter->fact_count; i++) {
		dp_marshal_put_hash(out, 3);
		put_pair(out, "fact", filter->facts[i].fact);
		put_pair(out, "value", filter->facts[i].value);
		put_pair(out, "operator", filter->facts[i].operator);
	}
}

/* "a.b" as a regular expression that matches nothing else. Identities need no more quoting. */
static void add_quoted(struct dp_buf *regex, const char *name)
{
	for (; *name; name++) {
		if (*name == '.' || *name == '-')
			dp_buf_add_byte(regex, '\\');
		dp_buf_add_byte(regex, *name);
	}
}

/*
 * A node rejects a request when two entries of the identity list match it, so as soon as there is
 * a regular expression beside another entry all of them become one.
 */
static void put_joined_identities(struct dp_buf *out, const struct deploy_filter *filter)
{
	size_t literals = filter->nodes ? deploy_nodeset_count(filter->nodes) : 0;
	struct dp_buf regex;

	dp_buf_init(&regex, MAX_BODY_BYTES);
	dp_buf_add_byte(&regex, '/');
	for (size_t i = 0; i < filter->identity_count; i++) {
		const char *text = filter->identities[i];

		dp_buf_addf(&regex, "%s(?:%.*s)", i ? "|" : "", (int)strlen(text) - 2, text + 1);
	}
	for (size_t i = 0; i < literals; i++) {
		dp_buf_add_text(&regex, "|\\A");
		add_quoted(&regex, deploy_nodeset_get(filter->nodes, i));
		dp_buf_add_text(&regex, "\\z");
	}
	dp_buf_add_byte(&regex, '/');
	dp_marshal_put_array(out, 1);
	dp_marshal_put_text(out, dp_buf_text(&regex), regex.len);
	if (regex.overflow)
		out->overflow = true;
	dp_buf_release(&regex);
}

static void put_identities(struct dp_buf *out, const struct deploy_filter *filter)
{
	size_t literals = filter->nodes ? deploy_nodeset_count(filter->nodes) : 0;

	put_text(out, "identity");
	if (filter->identity_count && filter->identity_count + literals > 1) {
		put_joined_identities(out, filter);
		return;
	}
	dp_marshal_put_array(out, filter->identity_count + literals);
	if (filter->identity_count)
		put_text(out, filter->identities[0]);
	for (size_t i = 0; i < literals; i++)
		put_text(out, deploy_nodeset_get(filter->nodes, i));
}

static void put_entry(struct dp_buf *out, const char *key, const char *value)
{
	put_text(out, key);
	if (value)
		put_text(out, value);
	else
		dp_marshal_put_nil(out);
}

/* In the order in which Ruby's client writes the keys. */
static void put_function(struct dp_buf *out, const struct deploy_compound_token *token)
{
	dp_marshal_put_hash(out, 5);
	put_text(out, "r_compare");
	if (token->is_regex)
		dp_marshal_put_regex(out, token->right, strlen(token->right));
	else
		put_text(out, token->right);
	put_entry(out, "operator", token->operator);
	put_entry(out, "value", token->value);
	put_entry(out, "name", token->name);
	put_entry(out, "params", token->params);
}

void dp_compound_encode(struct dp_buf *out, const struct deploy_compound *compound)
{
	static const char *const words[] = {[DEPLOY_COMPOUND_STATEMENT] = "statement",
		[DEPLOY_COMPOUND_FUNCTION] = "fstatement",
		[DEPLOY_COMPOUND_AND] = "and",
		[DEPLOY_COMPOUND_OR] = "or",
		[DEPLOY_COMPOUND_NOT] = "not",
		[DEPLOY_COMPOUND_OPEN] = "(",
		[DEPLOY_COMPOUND_CLOSE] = ")"};

	dp_marshal_put_array(out, compound->token_count);
	for (size_t i = 0; i < compound->token_count; i++) {
		const struct deploy_compound_token *token = &compound->tokens[i];
		const char *word = words[token->kind];

		dp_marshal_put_hash(out, 1);
		put_text(out, word);
		if (token->kind == DEPLOY_COMPOUND_FUNCTION)
			put_function(out, token);
		else
			put_text(out, token->text ? token->text : word);
	}
}

static void put_compounds(struct dp_buf *out, const struct deploy_filter *filter)
{
	put_text(out, "compound");
	dp_marshal_put_array(out, filter->compound_count);
	for (size_t i = 0; i < filter->compound_count; i++)
		dp_compound_encode(out, &filter->compounds[i]);
}

/* agent is required of the node beside the filter's own agents; NULL for none. */
static void put_filter(struct dp_buf *out, const struct deploy_filter *filter, const char *agent)
{
	size_t agents = filter->agent_count + (agent ? 1 : 0);

	dp_marshal_put_symbol(out, "filter");
	dp_marshal_put_hash(out, 5);
	put_facts(out, filter);
	put_texts(out, "cf_class", filter->classes, filter->class_count);
	put_text(out, "agent");
	dp_marshal_put_array(out, agents);
	for (size_t i = 0; i < filter->agent_count; i++)
		put_text(out, filter->agents[i]);
	if (agent)
		put_text(out, agent);
	put_identities(out, filter);
	put_compounds(out, filter);
}

static int put_rpc_body(struct dp_buf *body, const struct deploy_request *request,
	const char *callerid, struct deploy_error *err)
{
	const char *key;
	json_t *value;
	int rc;

	dp_marshal_put_hash(body, 4);
	put_pair(body, "agent", request->agent);
	put_pair(body, "action", request->action);
	put_pair(body, "caller", callerid);
	dp_marshal_put_symbol(body, "data");
	dp_marshal_put_hash(body, json_object_size(request->inputs) + 1);
	json_object_foreach(request->inputs, key, value)
	{
		dp_marshal_put_symbol(body, key);
		rc = dp_marshal_put_json(body, value, DP_MARSHAL_STRING_KEYS, err);
		if (rc)
			return deploy_error_wrap(err, "input %s", key);
	}
	dp_marshal_put_symbol(body, "process_results");
	dp_marshal_put_bool(body, !request->wants_no_reply);
	return 0;
}

static int encode_body(struct dp_buf *body, const struct deploy_request *request,
	const struct dp_speaker *speaker, struct deploy_error *err)
{
	int rc = 0;

	dp_marshal_begin(body);
	if (request->action)
		rc = put_rpc_body(body, request, speaker->callerid, err);
	else
		put_text(body, "ping");
	if (!rc && body->overflow)
		rc = deploy_error_set(err, DEPLOY_INPUT,
			"the inputs of %s.%s are larger than %d bytes", request->agent,
			request->action ? request->action : "ping", MAX_BODY_BYTES);
	return rc;
}

int dp_envelope_encode(struct dp_buf *out, const struct deploy_request *request,
	const struct dp_speaker *speaker, const struct dp_sending *sending,
	struct deploy_error *err)
{
	static const struct deploy_filter anyone;
	const char *agent = sending->is_probe ? "deployctl_probe" : request->agent;
	char hash[DP_PSK_HASH_CHARS + 1];
	struct dp_buf body;
	int rc;

	dp_buf_init(&body, MAX_BODY_BYTES);
	rc = encode_body(&body, request, speaker, err);
	if (rc)
		goto out;
	dp_psk_sign(hash, body.data, body.len, speaker->psk);
	/* A node answers discovery without having an agent of that name in its list. */
	if (!request->action && !sending->is_probe)
		agent = NULL;
	dp_marshal_begin(out);
	dp_marshal_put_hash(out, 10);
	dp_marshal_put_symbol(out, "body");
	dp_marshal_put_bytes(out, body.data, body.len);
	put_pair(out, "senderid", speaker->identity);
	put_pair(out, "requestid", sending->request_id);
	put_filter(out, sending->filter ? sending->filter : &anyone, agent);
	put_pair(out, "collective", request->collective);
	put_pair(out, "agent", request->agent);
	put_pair(out, "callerid", speaker->callerid);
	dp_marshal_put_symbol(out, "ttl");
	dp_marshal_put_integer(out, request->ttl_s);
	dp_marshal_put_symbol(out, "msgtime");
	dp_marshal_put_integer(out, sending->msgtime_s);
	put_pair(out, "hash", hash);
	if (out->overflow)
		rc = deploy_error_set(err, DEPLOY_INPUT,
			"the request of %s is larger than %zu bytes", request->agent, out->limit);
out:
	dp_buf_release(&body);
	return rc;
}

int dp_envelope_decode(
	struct dp_reply_envelope *out, const void *bytes, size_t len, struct deploy_error *err)
{
	enum { SENDER, ID, BODY, HASH, FIELDS };
	struct dp_marshal_field field[FIELDS] = {
		[SENDER] = {.name = "senderid", .want = DP_MARSHAL_TEXT},
		[ID] = {.name = "requestid", .want = DP_MARSHAL_TEXT},
		[BODY] = {.name = "body", .want = DP_MARSHAL_TEXT},
		[HASH] = {.name = "hash", .want = DP_MARSHAL_TEXT},
	};
	int rc = dp_marshal_decode_fields(field, FIELDS, bytes, len, NULL, err);

	if (rc)
		return deploy_error_wrap(err, "envelope");
	for (size_t i = 0; i < FIELDS; i++)
		if (!field[i].is_found)
			return deploy_error_set(
				err, DEPLOY_PROTOCOL, "envelope: %s is missing", field[i].name);
	if (!deploy_identity_is_valid(field[SENDER].text.data, field[SENDER].text.len))
		return deploy_error_set(
			err, DEPLOY_PROTOCOL, "envelope: the sender is no identity");
	*out = (struct dp_reply_envelope){.sender = field[SENDER].text,
		.request_id = field[ID].text,
		.body = field[BODY].text,
		.hash = field[HASH].text};
	return 0;
}

/* Marshal("pong"), with whatever encoding Ruby gave it. */
static bool is_pong(const char *bytes, size_t len)
{
	static const char bare[] = "\x04\x08\"\x09pong", wrapped[] = "\x04\x08I\"\x09pong";

	return (len == sizeof(bare) - 1 && memcmp(bytes, bare, len) == 0) ||
	       (len > sizeof(wrapped) - 1 && memcmp(bytes, wrapped, sizeof(wrapped) - 1) == 0);
}

static int status_of(const json_t *code)
{
	json_int_t value = json_is_integer(code) ? json_integer_value(code) : -1;

	return value >= 0 && value <= INT_MAX ? (int)value : DP_STATUS_ODD;
}

int dp_reply_body_decode(
	struct dp_reply_body *out, const void *bytes, size_t len, struct deploy_error *err)
{
	enum { CODE, MESSAGE, DATA, FIELDS };
	struct dp_marshal_field field[FIELDS] = {
		[CODE] = {.name = "statuscode", .want = DP_MARSHAL_VALUE},
		[MESSAGE] = {.name = "statusmsg", .want = DP_MARSHAL_VALUE},
		[DATA] = {.name = "data", .want = DP_MARSHAL_VALUE},
	};
	int rc;

	*out = (struct dp_reply_body){.is_pong = is_pong(bytes, len)};
	if (out->is_pong)
		return 0;
	rc = dp_marshal_decode_fields(field, FIELDS, bytes, len, &out->notes, err);
	if (rc)
		return deploy_error_wrap(err, "body");
	if (!field[CODE].is_found)
		rc = deploy_error_set(err, DEPLOY_PROTOCOL, "body: statuscode is missing");
	out->statuscode = status_of(field[CODE].value);
	json_decref(field[CODE].value);
	if (rc) {
		json_decref(field[MESSAGE].value);
		json_decref(field[DATA].value);
		return rc;
	}
	out->statusmsg = field[MESSAGE].value;
	out->data = field[DATA].value;
	return 0;
}
