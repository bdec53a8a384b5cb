/*
 * Envelopes against what the real software wrote: test/data/wire.txt, recorded from mco and
 * mcollectived. A reply is verified and read; a request of ours says the same as mco's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/envelope.h"
#include "wire/security_psk.h"

#define PSK	  "lab-psk"
#define FILE_NAME "test/data/wire.txt"

struct message {
	char question[32], kind[16];
	unsigned char bytes[32768];
	size_t len;
};

/* Read the next recorded message; false at the end. */
static bool next_message(FILE *file, struct message *message)
{
	static char line[80000];
	const char *hex;

	do {
		if (!fgets(line, sizeof(line), file))
			return false;
	} while (line[0] == '#');
	assert_int_equal(2, sscanf(line, "%31[^\t]\t%15[^\t]\t", message->question, message->kind));
	hex = strrchr(line, '\t') + 1;
	message->len = strcspn(hex, "\n") / 2;
	assert_true(message->len <= sizeof(message->bytes));
	for (size_t i = 0; i < message->len; i++) {
		const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		message->bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return true;
}

/* The first recorded message of a question and kind. */
static void find_message(struct message *message, const char *question, const char *kind)
{
	FILE *file = fopen(FILE_NAME, "r");

	assert_non_null(file);
	do
		assert_true(next_message(file, message));
	while (strcmp(message->question, question) != 0 || strcmp(message->kind, kind) != 0);
	(void)fclose(file);
}

static struct dp_reply_envelope decode(const struct message *message)
{
	struct dp_reply_envelope envelope;
	struct deploy_error err = {0};

	if (dp_envelope_decode(&envelope, message->bytes, message->len, &err))
		fail_msg("%s %s: %s", message->question, message->kind, err.text);
	return envelope;
}

static bool verify(const struct dp_reply_envelope *envelope, const char *psk)
{
	return dp_psk_verify(envelope->hash.data, envelope->hash.len, envelope->body.data,
		envelope->body.len, psk);
}

static void every_recorded_reply_verifies_and_is_read(void **state)
{
	FILE *file = fopen(FILE_NAME, "r");
	static struct message message;
	size_t replies = 0;

	(void)state;
	assert_non_null(file);
	while (next_message(file, &message)) {
		struct dp_reply_envelope envelope;
		struct dp_reply_body body;
		struct deploy_error err = {0};

		if (strcmp(message.kind, "reply") != 0)
			continue;
		envelope = decode(&message);
		assert_true(verify(&envelope, PSK));
		assert_false(verify(&envelope, "lab-psk2"));
		assert_int_equal(32, envelope.request_id.len);
		assert_memory_equal("web0", envelope.sender.data, 4);
		assert_int_equal(0,
			dp_reply_body_decode(&body, envelope.body.data, envelope.body.len, &err));
		assert_int_equal(0, body.notes.collisions);
		json_decref(body.data);
		json_decref(body.statusmsg);
		replies++;
	}
	(void)fclose(file);
	assert_true(replies > 15);
}

static void a_changed_byte_of_the_body_is_noticed(void **state)
{
	static struct message message;
	struct dp_reply_envelope envelope;

	(void)state;
	find_message(&message, "get_fact", "reply");
	envelope = decode(&message);
	for (size_t i = 0; i < envelope.body.len; i++) {
		size_t at = (size_t)(envelope.body.data - (const char *)message.bytes) + i;

		message.bytes[at] ^= 1;
		assert_false(verify(&envelope, PSK));
		message.bytes[at] ^= 1;
	}
	assert_true(verify(&envelope, PSK));
}

/* The last reply to a question: the action's; those before answer discovery. */
static struct dp_reply_body body_of(const char *question)
{
	static struct message message, last;
	struct dp_reply_envelope envelope;
	struct dp_reply_body body;
	struct deploy_error err = {0};
	FILE *file = fopen(FILE_NAME, "r");

	assert_non_null(file);
	while (next_message(file, &message))
		if (strcmp(message.question, question) == 0 && strcmp(message.kind, "reply") == 0)
			last = message;
	(void)fclose(file);
	assert_string_equal(question, last.question);
	envelope = decode(&last);
	assert_int_equal(
		0, dp_reply_body_decode(&body, envelope.body.data, envelope.body.len, &err));
	return body;
}

static void replies_say_what_the_nodes_said(void **state)
{
	struct dp_reply_body body = body_of("get_fact");

	(void)state;
	assert_int_equal(0, body.statuscode);
	assert_string_equal("grüße", json_string_value(json_object_get(body.data, "value")));
	json_decref(body.data);
	json_decref(body.statusmsg);
	body = body_of("fail");
	assert_int_equal(1, body.statuscode);
	assert_string_equal("told to fail", json_string_value(body.statusmsg));
	json_decref(body.data);
	json_decref(body.statusmsg);
	body = body_of("crash");
	assert_int_equal(5, body.statuscode);
	json_decref(body.data);
	json_decref(body.statusmsg);
	body = body_of("ping");
	assert_true(body.is_pong);
}

/* A request as JSON, its body decoded too, without what differs from sending to sending. */
static json_t *request_json(const void *bytes, size_t len)
{
	struct dp_marshal_field field[] = {{.name = "body", .want = DP_MARSHAL_TEXT}};
	struct deploy_error err = {0};
	json_t *request, *body;

	assert_int_equal(0, dp_marshal_decode(&request, bytes, len, NULL, &err));
	assert_int_equal(0, dp_marshal_decode_fields(field, 1, bytes, len, NULL, &err));
	assert_int_equal(
		0, dp_marshal_decode(&body, field[0].text.data, field[0].text.len, NULL, &err));
	(void)json_object_set_new(request, "body", body);
	(void)json_object_del(request, "hash");
	(void)json_object_del(request, "requestid");
	(void)json_object_del(request, "msgtime");
	/* mco's discovery names the collective in the filter too; nodes ignore it there. */
	(void)json_object_del(json_object_get(request, "filter"), "collective");
	return request;
}

static void assert_says_the_same(const struct deploy_request *request,
	const struct deploy_filter *filter, const struct message *mco)
{
	const struct dp_speaker speaker = {"admin.example.net", "uid=0", PSK};
	const struct dp_sending sending = {.request_id = "0123456789abcdef0123456789abcdef",
		.filter = filter,
		.msgtime_s = 1795228637};
	struct deploy_error err = {0};
	json_t *ours, *theirs;
	struct dp_buf out;
	char *a, *b;

	dp_buf_init(&out, 65536);
	assert_int_equal(0, dp_envelope_encode(&out, request, &speaker, &sending, &err));
	ours = request_json(out.data, out.len);
	theirs = request_json(mco->bytes, mco->len);
	a = json_dumps(ours, JSON_SORT_KEYS);
	b = json_dumps(theirs, JSON_SORT_KEYS);
	assert_string_equal(b, a);
	free(a);
	free(b);
	json_decref(ours);
	json_decref(theirs);
	dp_buf_release(&out);
}

static void our_ping_says_what_mco_says(void **state)
{
	struct deploy_request *ping = deploy_request_ping();
	struct deploy_filter filter = {0};
	struct deploy_error err = {0};
	static struct message mco;

	(void)state;
	assert_int_equal(0, deploy_request_set_collective(ping, "mcollective", &err));
	find_message(&mco, "ping", "request");
	assert_says_the_same(ping, &filter, &mco);
	assert_int_equal(0, deploy_filter_add_fact(&filter, "country=de", &err));
	assert_int_equal(0, deploy_filter_add_class(&filter, "apache", &err));
	assert_int_equal(0, deploy_filter_add_agent(&filter, "lab", &err));
	/* mco find asks for nodes that have rpcutil. */
	assert_int_equal(0, deploy_filter_add_agent(&filter, "rpcutil", &err));
	assert_int_equal(0, deploy_filter_add_identity(&filter, "/web/", &err));
	find_message(&mco, "find", "request");
	assert_says_the_same(ping, &filter, &mco);
	deploy_filter_release(&filter);
	assert_int_equal(0, deploy_filter_add_fact(&filter, "rank>=2", &err));
	assert_int_equal(0, deploy_filter_add_fact(&filter, "hostname=~/^web/", &err));
	assert_int_equal(0, deploy_filter_add_agent(&filter, "rpcutil", &err));
	find_message(&mco, "facts", "request");
	assert_says_the_same(ping, &filter, &mco);
	deploy_filter_release(&filter);
	deploy_request_free(ping);
}

static void our_directed_request_says_what_mco_says(void **state)
{
	json_t *inputs = json_pack("{s:s}", "msg", "grüße");
	struct deploy_request *request;
	struct deploy_error err = {0};
	static struct message mco;

	(void)state;
	assert_int_equal(0, deploy_request_new(&request, "lab", "echo", inputs, &err));
	assert_int_equal(0, deploy_request_set_collective(request, "mcollective", &err));
	find_message(&mco, "echo", "request");
	assert_says_the_same(request, NULL, &mco);
	deploy_request_free(request);
	json_decref(inputs);
}

/* The vector of PROTOCOL: "ping" with the psk "unset-bed-psk". */
static const char *find_bytes(const struct dp_buf *in, const char *bytes, size_t len)
{
	for (size_t i = 0; i + len < in->len; i++)
		if (memcmp(in->data + i, bytes, len) == 0)
			return (const char *)in->data + i;
	return NULL;
}

/* True if what stands behind "process_results" is that value. */
static bool says_of_results(const struct deploy_request *request, char value)
{
	static const char key[] = ":\x14process_results";
	const struct dp_speaker speaker = {"admin.example.net", "uid=0", PSK};
	const struct dp_sending sending = {"00112233445566778899aabbccddeeff", NULL, false, 1};
	struct deploy_error err = {0};
	struct dp_buf out;
	const char *at;
	bool does;

	dp_buf_init(&out, 65536);
	assert_int_equal(0, dp_envelope_encode(&out, request, &speaker, &sending, &err));
	at = find_bytes(&out, key, sizeof(key) - 1);
	assert_non_null(at);
	does = at[sizeof(key) - 1] == value;
	dp_buf_release(&out);
	return does;
}

static void a_request_says_whether_it_is_to_be_answered(void **state)
{
	struct deploy_request *request;
	struct deploy_error err = {0};

	(void)state;
	assert_int_equal(0, deploy_request_new(&request, "rpcutil", "ping", NULL, &err));
	assert_true(says_of_results(request, 'T'));
	request->wants_no_reply = true;
	assert_true(says_of_results(request, 'F'));
	deploy_request_free(request);
}

static void the_hash_is_md5_of_body_and_psk(void **state)
{
	static const char body[] = "\x04\x08I\"\x09ping\x06:\x06"
				   "ET";
	char hash[DP_PSK_HASH_CHARS + 1];

	(void)state;
	dp_psk_sign(hash, body, sizeof(body) - 1, "unset-bed-psk");
	assert_string_equal("95b0a26de0aeacef788d0141f0d6a885", hash);
	assert_true(dp_psk_verify(hash, 32, body, sizeof(body) - 1, "unset-bed-psk"));
	assert_false(dp_psk_verify(hash, 31, body, sizeof(body) - 1, "unset-bed-psk"));
	assert_false(dp_psk_verify(hash, 32, body, sizeof(body) - 2, "unset-bed-psk"));
}

static void ids_are_unique_and_look_like_version_5(void **state)
{
	char a[DP_REQUEST_ID_CHARS + 1], b[DP_REQUEST_ID_CHARS + 1];

	(void)state;
	dp_request_id_new(a);
	dp_request_id_new(b);
	assert_string_not_equal(a, b);
	assert_int_equal(32, strspn(a, "0123456789abcdef"));
	assert_int_equal('5', a[12]);
	assert_non_null(strchr("89ab", a[16]));
}

/* Put a reply's envelope together, leaving out one part. */
static void put_envelope(struct dp_buf *out, const char *sender, int without)
{
	static const char *const keys[] = {"senderid", "requestid", "body", "hash"};
	const char *const values[] = {sender, "id", "body", "hash"};

	dp_buf_clear(out);
	dp_marshal_begin(out);
	dp_marshal_put_hash(out, without < 0 ? 4 : 3);
	for (int i = 0; i < 4; i++) {
		if (i == without)
			continue;
		dp_marshal_put_symbol(out, keys[i]);
		dp_marshal_put_text(out, values[i], strlen(values[i]));
	}
}

static void an_envelope_that_lacks_a_part_is_refused(void **state)
{
	struct dp_reply_envelope envelope;
	struct deploy_error err = {0};
	struct dp_buf out;

	(void)state;
	dp_buf_init(&out, 4096);
	put_envelope(&out, "web01", -1);
	assert_int_equal(0, dp_envelope_decode(&envelope, out.data, out.len, &err));
	for (int i = 0; i < 4; i++) {
		err = (struct deploy_error){0};
		put_envelope(&out, "web01", i);
		assert_int_equal(
			DEPLOY_PROTOCOL, dp_envelope_decode(&envelope, out.data, out.len, &err));
	}
	dp_buf_release(&out);
}

static void a_sender_that_is_no_identity_is_refused(void **state)
{
	static const char *const senders[] = {"", "web 01", "web\n01", "../web", "web/01", "wéb"};
	struct dp_reply_envelope envelope;
	struct dp_buf out;

	(void)state;
	dp_buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct deploy_error err = {0};

		put_envelope(&out, senders[i], -1);
		assert_int_equal(
			DEPLOY_PROTOCOL, dp_envelope_decode(&envelope, out.data, out.len, &err));
	}
	dp_buf_release(&out);
}

static void a_body_without_a_status_is_refused_and_an_odd_one_is_a_failure(void **state)
{
	static const long long codes[] = {-1, 2147483648LL, 4294967296LL};
	struct dp_reply_body body;
	struct deploy_error err = {0};
	struct dp_buf out;

	(void)state;
	dp_buf_init(&out, 4096);
	dp_marshal_begin(&out);
	dp_marshal_put_hash(&out, 0);
	assert_int_equal(DEPLOY_PROTOCOL, dp_reply_body_decode(&body, out.data, out.len, &err));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		err = (struct deploy_error){0};
		dp_buf_clear(&out);
		dp_marshal_begin(&out);
		dp_marshal_put_hash(&out, 2);
		dp_marshal_put_symbol(&out, "statusmsg");
		dp_marshal_put_nil(&out);
		dp_marshal_put_symbol(&out, "statuscode");
		dp_marshal_put_integer(&out, codes[i]);
		assert_int_equal(0, dp_reply_body_decode(&body, out.data, out.len, &err));
		assert_int_equal(DP_STATUS_ODD, body.statuscode);
		assert_true(json_is_null(body.statusmsg));
		json_decref(body.statusmsg);
	}
	dp_buf_release(&out);
}

static void two_kinds_of_identity_become_one_entry(void **state)
{
	const struct dp_speaker speaker = {"admin", "uid=0", PSK};
	struct deploy_filter filter = {0};
	struct dp_sending sending = {.request_id = "x", .filter = &filter};
	struct deploy_request *ping = deploy_request_ping();
	struct deploy_error err = {0};
	json_t *request, *identity;
	struct dp_buf out;

	(void)state;
	(void)deploy_request_set_collective(ping, "mcollective", &err);
	assert_int_equal(0, deploy_filter_add_identity(&filter, "/^db/", &err));
	assert_int_equal(0, deploy_filter_add_identity(&filter, "web-1.example.net", &err));
	dp_buf_init(&out, 4096);
	assert_int_equal(0, dp_envelope_encode(&out, ping, &speaker, &sending, &err));
	request = request_json(out.data, out.len);
	identity = json_object_get(json_object_get(request, "filter"), "identity");
	assert_int_equal(1, json_array_size(identity));
	assert_string_equal("/(?:^db)|\\Aweb\\-1\\.example\\.net\\z/",
		json_string_value(json_array_get(identity, 0)));
	json_decref(request);
	dp_buf_release(&out);
	deploy_filter_release(&filter);
	deploy_request_free(ping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_reply_verifies_and_is_read),
		cmocka_unit_test(a_changed_byte_of_the_body_is_noticed),
		cmocka_unit_test(replies_say_what_the_nodes_said),
		cmocka_unit_test(our_ping_says_what_mco_says),
		cmocka_unit_test(our_directed_request_says_what_mco_says),
		cmocka_unit_test(a_request_says_whether_it_is_to_be_answered),
		cmocka_unit_test(the_hash_is_md5_of_body_and_psk),
		cmocka_unit_test(ids_are_unique_and_look_like_version_5),
		cmocka_unit_test(an_envelope_that_lacks_a_part_is_refused),
		cmocka_unit_test(a_sender_that_is_no_identity_is_refused),
		cmocka_unit_test(a_body_without_a_status_is_refused_and_an_odd_one_is_a_failure),
		cmocka_unit_test(two_kinds_of_identity_become_one_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
