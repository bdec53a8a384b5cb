/* What a node answers: as MCollective's agents do, or as nobody should. */
#include "node.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/carrier.h"
#include "wire/marshal.h"
#include "wire/security_psk.h"

#define SLACK_BYTES 4096 /* of an envelope */

/* Everything that one reply is made of. */
struct making {
	const struct loop_behaviour *does;
	struct loop_node *node;
	const struct loop_request *request;
	const char *psk;
};

static void put_text(struct dp_buf *out, const char *text)
{
	dp_marshal_put_text(out, text, strlen(text));
}

static void put_pair(struct dp_buf *out, const char *key, const char *value)
{
	dp_marshal_put_symbol(out, key);
	put_text(out, value);
}

static void set_result(
	struct loop_result *result, long long code, const char *text, const char *word)
{
	result->code = code;
	(void)snprintf(result->message, sizeof(result->message), "%s%s", text, word);
}

static json_t *trait(const struct loop_node *node, const char *kind)
{
	return json_object_get(node->traits, kind);
}

/* The facts as one more look shows them. */
static json_t *look(struct loop_node *node)
{
	if (!node->stale_looks)
		return trait(node, "facts");
	node->stale_looks--;
	return node->script_facts;
}

static void get_fact(struct loop_result *result, struct loop_node *node, const json_t *inputs)
{
	const char *name = json_string_value(json_object_get(inputs, "fact"));
	json_t *value = name ? json_object_get(look(node), name) : NULL;

	if (!name) {
		set_result(result, 4, "Action get_fact needs a fact argument", "");
		result->data = json_pack("{s:n, s:n}", "fact", "value");
		return;
	}
	result->data = json_pack("{s:s, s:O}", "fact", name, "value", value ? value : json_null());
}

/* "a, b": each name with its value, null if the node has none. */
static void get_facts(struct loop_result *result, struct loop_node *node, const json_t *inputs)
{
	const char *at = json_string_value(json_object_get(inputs, "facts"));
	const json_t *facts = look(node);
	json_t *values = json_object();

	if (!at)
		set_result(result, 4, "Action get_facts needs a facts argument", "");
	while (at && *at) {
		size_t len = strcspn(at, ", ");
		char *name = dp_xstrndup(at, len);
		json_t *value = json_object_get(facts, name);

		if (len)
			(void)json_object_set_new(
				values, name, value ? json_incref(value) : json_null());
		free(name);
		at += len + strspn(at + len, ", ");
	}
	result->data = json_pack("{s:o}", "values", values);
}

static json_t *inventory(const struct loop_node *node)
{
	return json_pack("{s:O, s:O, s:O, s:O, s:s, s:s, s:[s]}", "facts", trait(node, "facts"),
		"classes", trait(node, "classes"), "agents", trait(node, "agents"), "collectives",
		trait(node, "collectives"), "main_collective", "mcollective", "version", "2.12.5",
		"data_plugins", "fact_data");
}

/* Its agents with their versions. */
static json_t *agent_inventory(const struct loop_node *node)
{
	json_t *agents = json_array(), *name;
	size_t i;

	json_array_foreach(trait(node, "agents"), i, name)
	{
		bool is_ours = node->deploop == LOOP_OURS &&
			       strcmp(json_string_value(name), "deploop") == 0;

		(void)json_array_append_new(
			agents, json_pack("{s:O, s:s}", "agent", name, "version",
					is_ours ? "2.0.0" : "1.0.0"));
	}
	return json_pack("{s:o}", "agents", agents);
}

static json_t *daemon_stats(const struct loop_node *node)
{
	return json_pack("{s:i, s:i, s:I, s:{s:f, s:f}, s:s}", "pid", 4711, "starttime", 1795243000,
		"total", (json_int_t)node->executions, "times", "utime", 1.5, "stime", 0.25,
		"configfile", "/etc/mcollective/server.cfg");
}

/* rpcutil's get_data, of the data plugin fstat: nodes have the files of the machine that they run
 * on. */
static void get_data(struct loop_result *result, const json_t *inputs)
{
	const char *path = json_string_value(json_object_get(inputs, "query"));
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t digest_len = 0;
	char md5[2 * EVP_MAX_MD_SIZE + 1] = "";
	struct dp_buf text;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	dp_buf_init(&text, 1 << 20);
	if (fd < 0 || dp_buf_read(&text, fd) < 0) {
		result->data = json_pack("{s:s, s:i, s:i, s:i}", "output", "not present", "present",
			0, "size", 0, "md5", 0);
	} else {
		(void)EVP_Q_digest(NULL, "MD5", NULL, text.data, text.len, digest, &digest_len);
		for (size_t i = 0; i < digest_len; i++)
			(void)snprintf(md5 + 2 * i, 3, "%02x", digest[i]);
		result->data = json_pack("{s:s, s:i, s:I, s:s}", "output", "present", "present", 1,
			"size", (json_int_t)text.len, "md5", md5);
	}
	if (fd >= 0)
		(void)close(fd);
	dp_buf_release(&text);
}

/* Its inputs and some of every kind of value. */
static void echo(struct loop_result *result, const json_t *inputs)
{
	json_t *nested = json_pack("{s:[i,s,f,[n,b,b]], s:I, s:s}", "list", 1, "two", 3.5, 1, 0,
		"big", (json_int_t)1 << 40, "text", "by string");

	result->data = json_copy((json_t *)(uintptr_t)inputs);
	(void)json_object_del(result->data, "process_results");
	(void)json_object_set_new(result->data, "nested", nested);
}

static void act(struct loop_result *result, const struct making *making)
{
	const char *action = loop_request_action(making->request);
	const json_t *inputs = json_object_get(making->request->body, "data");
	bool is_lab = strcmp(making->request->agent, "lab") == 0;
	bool is_deploop = strcmp(making->request->agent, "deploop") == 0;
	bool is_puppet = strcmp(making->request->agent, "puppet") == 0;

	set_result(result, 0, "OK", "");
	if ((is_deploop && !loop_deploop_act(result, making->node, action, inputs)) ||
		(is_puppet && !loop_puppet_act(result, making->node, action, inputs)))
		set_result(result, 2, "Unknown action: ", action);
	else if (is_deploop || is_puppet)
		;
	else if (!is_lab && strcmp(action, "ping") == 0)
		result->data = json_pack("{s:I}", "pong",
			(json_int_t)(dp_wall_us() / 1000 + making->node->clock_ms) / 1000);
	else if (!is_lab && strcmp(action, "get_fact") == 0)
		get_fact(result, making->node, inputs);
	else if (!is_lab && strcmp(action, "get_facts") == 0)
		get_facts(result, making->node, inputs);
	else if (!is_lab && strcmp(action, "get_data") == 0)
		get_data(result, inputs);
	else if (!is_lab && strcmp(action, "inventory") == 0)
		result->data = inventory(making->node);
	else if (!is_lab && strcmp(action, "agent_inventory") == 0)
		result->data = agent_inventory(making->node);
	else if (!is_lab && strcmp(action, "daemon_stats") == 0)
		result->data = daemon_stats(making->node);
	else if (is_lab && strcmp(action, "echo") == 0)
		echo(result, inputs);
	else if (is_lab && strcmp(action, "crash") == 0)
		set_result(result, 5, "told to crash", "");
	else if (is_lab && strcmp(action, "undone") == 0)
		set_result(result, 2, "Unknown action: ", action);
	else
		set_result(result, 4, "Attempted to call an action that is not declared: ", action);
	if (!result->data)
		result->data = json_object();
}

static void put_nested(struct dp_buf *out, unsigned long depth)
{
	while (depth--)
		dp_buf_add(out, "[\x06", 2);
	dp_marshal_put_nil(out);
}

/* A text that claims 2^31 - 1 bytes. */
static void put_length2g(struct dp_buf *out)
{
	dp_buf_add(out, "\"\x04\xff\xff\xff\x7f", 6);
}

static void put_long(struct dp_buf *out, unsigned long number)
{
	if (number && number < 123) {
		dp_buf_add_byte(out, (int)number + 5);
		return;
	}
	dp_buf_add_byte(out, number ? 2 : 0);
	for (int i = 0; number && i < 2; i++)
		dp_buf_add_byte(out, (int)(number >> (8 * i) & 0xff));
}

/* Level n is ten times level n + 1. first: the number of the outermost array among all objects. */
static void put_bomb(struct dp_buf *out, unsigned long levels, unsigned long first)
{
	for (unsigned long i = 0; i < levels; i++)
		dp_marshal_put_array(out, 10);
	dp_marshal_put_array(out, 0);
	for (unsigned long i = levels; i-- > 0;)
		for (int link = 0; link < 9; link++) {
			dp_buf_add_byte(out, '@');
			put_long(out, first + i + 1);
		}
}

#define ESCAPES "\033[31mred \033]0;owned\007 \302\2332J \342\200\256tupni \177 \r\ndeployctl: fake"

static void put_one(struct dp_buf *out, const char *key)
{
	dp_marshal_put_hash(out, 1);
	dp_marshal_put_symbol(out, key);
}

/* Objects before data are the body's hash and the status message; data's hash is number 2. */
static void put_data(
	struct dp_buf *out, const struct making *making, const struct loop_result *result)
{
	struct deploy_error err = {0};
	unsigned long number = making->does->number;

	switch (making->does->mischief) {
	case LOOP_NEST:
		put_nested(out, number);
		break;
	case LOOP_LENGTH2G:
		put_length2g(out);
		break;
	case LOOP_HUGE:
		put_one(out, "text");
		dp_buf_add(out, "\"\x04", 2);
		for (int i = 0; i < 4; i++)
			dp_buf_add_byte(out, (int)(number >> (8 * i) & 0xff));
		while (number--)
			dp_buf_add_byte(out, 'x');
		break;
	case LOOP_ESCAPE:
		dp_marshal_put_hash(out, 2);
		put_pair(out, "key " ESCAPES, "value " ESCAPES);
		dp_marshal_put_symbol(out, "list");
		dp_marshal_put_array(out, 1);
		put_text(out, ESCAPES);
		break;
	case LOOP_BADUTF8:
		dp_marshal_put_hash(out, 2);
		put_pair(out, "text", "caf\303");
		put_pair(out, "\377key", "value");
		break;
	case LOOP_COLLISION:
		dp_marshal_put_hash(out, 2);
		put_pair(out, "text", "by symbol");
		put_text(out, "text");
		put_text(out, "by string");
		break;
	case LOOP_CYCLE:
		put_one(out, "list");
		dp_marshal_put_array(out, 1);
		dp_buf_add(out, "@\x08", 2);
		break;
	case LOOP_BOMB:
		put_one(out, "list");
		put_bomb(out, number, 3);
		break;
	default:
		(void)dp_marshal_put_json(out, result->data,
			result->has_text_keys ? DP_MARSHAL_STRING_KEYS : DP_MARSHAL_SYMBOL_KEYS,
			&err);
	}
}

static const char *message_of(const struct making *making, const struct loop_result *result)
{
	switch (making->does->mischief) {
	case LOOP_ESCAPE:
		return "message " ESCAPES;
	case LOOP_BADUTF8:
		return "caf\303 \377";
	default:
		return result->message;
	}
}

static void put_body(struct dp_buf *out, const struct making *making)
{
	const struct loop_behaviour *does = making->does;
	bool is_ping = json_is_string(making->request->body);
	struct loop_result result = {.data = NULL};

	dp_marshal_begin(out);
	if (is_ping != (does->mischief == LOOP_OTHERKIND) && does->mischief != LOOP_NEST &&
		does->mischief != LOOP_LENGTH2G) {
		put_text(out, "pong");
		return;
	}
	act(&result, making);
	if (making->node->executions <= does->failures) {
		result.code = does->code;
		(void)snprintf(result.message, sizeof(result.message), "%s", does->message);
	}
	dp_marshal_put_hash(out, does->mischief == LOOP_NOSTATUS ? 2 : 3);
	if (does->mischief != LOOP_NOSTATUS) {
		dp_marshal_put_symbol(out, "statuscode");
		dp_marshal_put_integer(out, result.code);
	}
	put_pair(out, "statusmsg", message_of(making, &result));
	dp_marshal_put_symbol(out, "data");
	put_data(out, making, &result);
	json_decref(result.data);
}

static const char *sender_of(const struct making *making)
{
	switch (making->does->mischief) {
	case LOOP_WRONGSENDER:
		return making->does->name;
	case LOOP_BADSENDER:
		return "evil\033[31m node";
	default:
		return making->node->name;
	}
}

static void put_envelope(struct dp_buf *out, const struct making *making, const struct dp_buf *body)
{
	enum loop_mischief mischief = making->does->mischief;
	char hash[DP_PSK_HASH_CHARS + 1];

	dp_psk_sign(hash, body->data, body->len, making->psk);
	if (mischief == LOOP_WRONGHASH)
		hash[0] = hash[0] == '0' ? '1' : '0';
	dp_marshal_begin(out);
	dp_marshal_put_hash(out, 6);
	put_pair(out, "senderid", sender_of(making));
	put_pair(out, "requestid",
		mischief == LOOP_FOREIGNID ? "00000000000050008000000000000000"
					   : making->request->id);
	put_pair(out, "senderagent", making->request->agent);
	dp_marshal_put_symbol(out, "msgtime");
	dp_marshal_put_integer(out, dp_wall_us() / 1000000);
	dp_marshal_put_symbol(out, "body");
	dp_marshal_put_bytes(out, body->data, body->len);
	put_pair(out, "hash", hash);
}

/* Messages that need no envelope to be wrong. False if this one does. */
static bool put_bare(struct dp_buf *out, const struct loop_behaviour *does)
{
	switch (does->mischief) {
	case LOOP_EMPTY:
		return true;
	case LOOP_GARBAGE:
		dp_buf_add_text(out, "no Marshal at all\n");
		return true;
	case LOOP_NEST:
	case LOOP_LENGTH2G:
		if (!does->in_envelope)
			return false;
		dp_marshal_begin(out);
		put_one(out, "extra");
		if (does->mischief == LOOP_NEST)
			put_nested(out, does->number);
		else
			put_length2g(out);
		return true;
	default:
		return false;
	}
}

static void put_message(struct loop_answer *out, const struct making *making)
{
	const struct loop_behaviour *does = making->does;
	struct dp_buf body;

	if (put_bare(&out->bytes, does))
		return;
	if (does->mischief == LOOP_HUGE && does->number > DP_MAX_MESSAGE_BYTES) {
		out->body_len = does->number;
		return;
	}
	dp_buf_init(&body, DP_MAX_MESSAGE_BYTES);
	put_body(&body, making);
	put_envelope(&out->bytes, making, &body);
	dp_buf_release(&body);
	if (does->mischief == LOOP_TRUNCATED)
		out->bytes.len /= 2;
}

bool loop_node_execute(struct loop_answer *out, struct loop_node *node,
	const struct loop_request *request, const char *psk)
{
	bool is_ping = json_is_string(request->body);
	const struct loop_behaviour *does = &node->does[is_ping ? LOOP_PONG : LOOP_REPLY];
	const struct making making = {does, node, request, psk};
	bool is_unanswered = json_is_false(
		json_object_get(json_object_get(request->body, "data"), "process_results"));

	if (!is_ping)
		node->executions++;
	if (does->mischief == LOOP_SILENT || (is_unanswered && does->mischief != LOOP_TALKATIVE))
		return false;
	*out = (struct loop_answer){.sender = sender_of(&making),
		.copies = does->copies + 1,
		.delay_ms = does->delay_ms};
	dp_buf_init(&out->bytes, DP_MAX_MESSAGE_BYTES + SLACK_BYTES);
	put_message(out, &making);
	if (!out->body_len)
		out->body_len = out->bytes.len;
	return true;
}

void loop_answer_release(struct loop_answer *answer)
{
	dp_buf_release(&answer->bytes);
}
