/* Signing, revoking and cleaning: whatever a CA answers, told from what a real one answered. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "deploy/ca.h"
#include "model/act.h"
#include "net/http.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char key_file[] = "/tmp/test_ca.XXXXXX";

static int make_key_file(void **state)
{
	int fd = mkstemp(key_file);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_key_file(void **state)
{
	(void)state;
	return unlink(key_file);
}

static struct deploy_ca_settings settings(void)
{
	return (struct deploy_ca_settings){
		.url = "https://ca:8140/",
		.ca_file = "test/data/puppet/ca.pem",
		.cert_file = "test/data/puppet/web1.certificate.pem",
		.key_file = key_file,
	};
}

/* What the act is to ask, and what it hears: a file of test/data/puppet, or "=text". */
struct exchange {
	const char *request; /* "GET certificate_status/web1", "PUT … BODY"; "sleep 5000" */
	int status;	     /* 0: no response; file is then the error */
	const char *file;
};

#define LOOK(file)                                                                                 \
	{                                                                                          \
		"GET certificate_status/web1", 200, file                                           \
	}
#define READ(file)                                                                                 \
	{                                                                                          \
		"GET certificate_request/web1", 200, file                                          \
	}
#define PUT(to, code, file)                                                                        \
	{                                                                                          \
		"PUT certificate_status/web1 {\"desired_state\":\"" to "\"} change", code, file    \
	}
#define DELETE(code)                                                                               \
	{                                                                                          \
		"DELETE certificate_status/web1 change", code, "="                                 \
	}
#define CHECK(file)                                                                                \
	{                                                                                          \
		"GET certificate/web1", 200, file                                                  \
	}
#define DOWN(request)                                                                              \
	{                                                                                          \
		request, 0, "ca:8140: cannot connect"                                              \
	}
#define NAP(ms)                                                                                    \
	{                                                                                          \
		"sleep " #ms, 0, NULL                                                              \
	}
#define SIGNED	    PUT("signed", 204, "=")
#define REVOKED	    PUT("revoked", 204, "=")
#define ASKED	    LOOK("web1.requested.json"), READ("web1.request.pem")
#define CERTIFICATE "GET certificate/web1"

#define REQUEST_PRINT                                                                              \
	"7D:0F:58:EB:8C:F7:0A:5F:9F:9C:89:74:2A:33:4E:21:3D:00:98:A0:F8:71:BA:EA:34:53:02:D6:2B:"  \
	"9D:"                                                                                      \
	"93:C8"
#define CERTIFICATE_PRINT                                                                          \
	"A7:4B:B1:35:CB:01:96:AB:52:FB:84:F2:88:EF:A6:45:EB:0F:4B:4A:83:CE:29:99:1C:82:F2:77:F5:"  \
	"00:"                                                                                      \
	"72:69"

static void load(struct dp_buf *out, const char *file)
{
	char path[128];
	FILE *in;

	dp_buf_init(out, 1 << 20);
	if (*file == '=') {
		dp_buf_add_text(out, file + 1);
		return;
	}
	(void)snprintf(path, sizeof(path), "test/data/puppet/%s", file);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_int_equal(0, dp_buf_read(out, fileno(in)));
	(void)fclose(in);
}

/* What it wants, as a line. */
static void print_wish(char out[256], struct dp_act_next *next)
{
	struct dp_http_request *request = next->fetch;
	const char *path;

	if (next->kind == DP_ACT_SLEEP) {
		(void)snprintf(out, 256, "sleep %lld", next->sleep_ms);
		return;
	}
	assert_int_equal(DP_ACT_FETCH, next->kind);
	path = strstr(request->url, "/puppet-ca/v1/");
	assert_ptr_equal(request->url + strlen("https://ca:8140"), path);
	assert_non_null(request->server->ca_file);
	(void)snprintf(out, 256, "%s %s%s%s%s", request->method, path + strlen("/puppet-ca/v1/"),
		request->body ? " " : "", request->body ? request->body : "",
		next->what ? " change" : "");
	dp_http_request_free(request);
}

struct world {
	struct deploy_act *act;
	void *row;
	const char *node;
	int64_t now_us;
	struct dp_act_next next;
};

static void step(struct world *world, struct dp_act_input input)
{
	input.now_us = world->now_us;
	world->next = (struct dp_act_next){.kind = DP_ACT_GO_ON};
	world->act->ops->step(world->act, world->row, world->node, &input, &world->next);
}

static void begin(struct world *world, struct deploy_act *act, const char *node)
{
	*world = (struct world){.act = act, .node = node, .now_us = 5000000};
	world->row = test_calloc(1, act->ops->row_size);
	step(world, (struct dp_act_input){.kind = DP_ACT_BEGIN});
}

static void answer(struct world *world, const struct exchange *exchange)
{
	struct dp_http_response response = {.status = exchange->status, .body = ""};
	struct dp_buf body;

	if (!exchange->file) {
		world->now_us += world->next.sleep_ms * 1000;
		step(world, (struct dp_act_input){.kind = DP_ACT_AWAKE});
		return;
	}
	load(&body, exchange->status ? exchange->file : "=");
	response.body = dp_buf_text(&body);
	response.body_len = body.len;
	if (!exchange->status)
		(void)deploy_error_set(&response.err, DEPLOY_CONNECT, "%s", exchange->file);
	step(world, (struct dp_act_input){.kind = DP_ACT_RESPONSE, .response = &response});
	dp_buf_release(&body);
}

static void play(struct world *world, const struct exchange *exchanges, size_t count)
{
	char wish[256];

	for (size_t i = 0; i < count; i++) {
		print_wish(wish, &world->next);
		assert_string_equal(exchanges[i].request, wish);
		answer(world, &exchanges[i]);
	}
}

/* It is done, and says so: "STATE: MESSAGE DATA" holds what. The act is freed. */
static void ended(struct world *world, const char *what)
{
	char *data = world->next.data ? json_dumps(world->next.data, JSON_COMPACT) : NULL;
	char said[2048];

	assert_int_equal(DP_ACT_DONE, world->next.kind);
	(void)snprintf(said, sizeof(said), "%s: %s %s",
		deploy_outcome_state_name(world->next.state), world->next.message,
		data ? data : "");
	if (!strstr(said, what))
		fail_msg("\"%s\" does not hold \"%s\"", said, what);
	assert_int_equal(
		world->next.state == DEPLOY_OUTCOME_FAILED ? 1 : 0, world->next.statuscode);
	free(data);
	json_decref(world->next.data);
	test_free(world->row);
	world->act->ops->free(world->act);
}

static struct deploy_act *new_sign(const struct deploy_ca_sign_options *options)
{
	struct deploy_ca_settings given = settings();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;

	if (deploy_ca_sign(&act, &given, options, &err))
		fail_msg("%s", err.text);
	return act;
}

static void sign(const struct exchange *exchanges, size_t count, const char *what)
{
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	struct world world;

	begin(&world, new_sign(&options), "web1");
	play(&world, exchanges, count);
	ended(&world, what);
}
#define SIGN(what, ...)                                                                            \
	do {                                                                                       \
		const struct exchange exchanges[] = {__VA_ARGS__};                                 \
		sign(exchanges, COUNT(exchanges), what);                                           \
	} while (0)

static void a_request_is_signed_and_its_certificate_compared(void **state)
{
	(void)state;
	SIGN("ok: signed {\"state\":\"signed\",\"fingerprint\":\"" REQUEST_PRINT
	     "\",\"changed\":true,\"certificate\":\"" CERTIFICATE_PRINT "\"}",
		ASKED, SIGNED, CHECK("web1.certificate.pem"));
}

/* With this fingerprint expected of web1. */
static void expect(
	const char *fingerprint, const struct exchange *exchanges, size_t count, const char *what)
{
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	struct world world;

	options.fingerprints = json_pack("{s:s}", "web1", fingerprint);
	begin(&world, new_sign(&options), "web1");
	json_decref(options.fingerprints);
	play(&world, exchanges, count);
	ended(&world, what);
}

static void a_fingerprint_is_known_in_every_form(void **state)
{
	static const struct exchange all[] = {ASKED, SIGNED, CHECK("web1.certificate.pem")};
	static const char *const forms[] = {
		REQUEST_PRINT,
		"(SHA256) " REQUEST_PRINT,
		"sha256:7d0f58eb8cf70a5f9f9c89742a334e213d0098a0f871baea345302d62b9d93c8",
		/* of the file */
		"993754d0d470fa20fbb68c02ea87af0911b32d823be63581b4ddce6c4d0a907f",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++)
		expect(forms[i], all, COUNT(all), "ok: signed");
}

static void another_fingerprint_is_refused_before_anything_changes(void **state)
{
	static const struct exchange asked[] = {ASKED};

	(void)state;
	expect(CERTIFICATE_PRINT, asked, COUNT(asked),
		"failed: refused: the request at the CA has the fingerprint " REQUEST_PRINT
		", expected was " CERTIFICATE_PRINT);
}

static void what_is_signed_stays_and_is_compared_all_the_same(void **state)
{
	static const struct exchange both[] = {
		LOOK("web1.signed.json"), CHECK("web1.certificate.pem")};
	static const struct exchange other[] = {
		LOOK("web1.signed.json"), CHECK("web2.certificate.pem")};

	(void)state;
	sign(both, COUNT(both),
		"ok: already signed {\"state\":\"signed\",\"fingerprint\":\"" CERTIFICATE_PRINT
		"\",\"changed\":false}");
	expect(CERTIFICATE_PRINT, both, COUNT(both), "ok: already signed");
	expect(REQUEST_PRINT, both, COUNT(both),
		"failed: already signed, as " CERTIFICATE_PRINT ", and that is not");
	sign(other, COUNT(other), "failed: the CA has another's under this name");
	SIGN("failed: its certificate is revoked; clean it", LOOK("web1.revoked.json"));
}

/* web2 asks for names, web3 for an authorisation. */
static void wish(const char *node, json_t *alt_names, json_t *extensions, const char *what)
{
	struct deploy_ca_sign_options options = {
		.alt_names = alt_names, .extensions = extensions, .trusts_first_use = true};
	struct world world;
	char file[64];

	begin(&world, new_sign(&options), node);
	json_decref(alt_names);
	json_decref(extensions);
	dp_http_request_free(world.next.fetch);
	(void)snprintf(file, sizeof(file), "%s.requested.json", node);
	answer(&world, &(struct exchange){"", 200, file});
	if (world.next.kind == DP_ACT_FETCH) {
		dp_http_request_free(world.next.fetch);
		(void)snprintf(file, sizeof(file), "%s.request.pem", node);
		answer(&world, &(struct exchange){"", 200, file});
	}
	if (world.next.kind == DP_ACT_FETCH) {
		assert_string_equal("PUT", world.next.fetch->method);
		dp_http_request_free(world.next.fetch);
		answer(&world, &(struct exchange){"", 409, "=no\n"});
	}
	ended(&world, what);
}

static void more_than_a_name_is_only_given_if_it_was_allowed(void **state)
{
	static const char *const signing = "failed: not signed: ca:8140 answers 409: no ";

	(void)state;
	wish("web2", NULL, NULL, "refused: it asks for the alternative name IP:10.0.0.1,");
	wish("web2", json_pack("[s]", "IP:10.0.0.1"), NULL,
		"refused: it asks for the alternative name DNS:puppet,");
	wish("web2", json_pack("[s, s]", "IP:10.0.0.1", "DNS:puppet"), NULL, signing);
	wish("web3", NULL, NULL, "refused: it asks for the authorisation pp_auth_role=webmaster,");
	wish("web3", NULL, json_pack("[s]", "pp_auth_role=web"), "failed: refused");
	wish("web3", NULL, json_pack("[s]", "pp_auth_role"), signing);
	wish("web3", NULL, json_pack("[s]", "pp_auth_role=webmaster"), signing);
}

/* The state as the CA tells it, with these wishes. */
#define STATE(name, print, names, extensions)                                                      \
	"={\"name\":\"" name "\",\"state\":\"requested\",\"fingerprint\":\"" print                 \
	"\",\"subject_alt_names\":[" names "],\"authorization_extensions\":{" extensions "}}"
#define WEB2_PRINT                                                                                 \
	"F4:B1:05:95:75:38:F7:27:94:4B:91:C1:10:5C:DB:E8:4B:A1:9A:73:15:09:D4:A1:FD:7B:9E:9C:C9:"  \
	"D0:21:D5"

static void wishes_count_that_only_the_server_sees_or_only_we(void **state)
{
	static const struct exchange hidden[] = {
		{"GET certificate_status/web2", 200, STATE("web2", WEB2_PRINT, "", "")},
		{"GET certificate_request/web2", 200, "web2.request.pem"},
	};
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	struct world world;

	(void)state;
	SIGN("refused: it asks for the alternative name DNS:puppet",
		LOOK(STATE("web1", REQUEST_PRINT, "\"DNS:web1\",\"DNS:puppet\"", "")));
	SIGN("refused: it asks for the authorisation pp_cli_auth=true",
		LOOK(STATE("web1", REQUEST_PRINT, "", "\"pp_cli_auth\":\"true\"")));
	begin(&world, new_sign(&options), "web2");
	play(&world, hidden, COUNT(hidden));
	ended(&world, "refused: it asks for the alternative name DNS:puppet");
}

static void a_request_that_changes_meanwhile_is_not_signed(void **state)
{
	(void)state;
	SIGN("failed: refused: the request at the CA changed while we looked at it",
		LOOK("web1.requested.json"), READ("web1.other_request.pem"));
	SIGN("failed: ca:8140 answers 404", LOOK("web1.requested.json"),
		{"GET certificate_request/web1", 404, "="});
}

static void a_certificate_for_another_key_is_revoked(void **state)
{
	(void)state;
	SIGN("failed: the certificate has another key than the request that was judged; it is "
	     "revoked {\"state\":\"revoked\",\"fingerprint\":\"" REQUEST_PRINT
	     "\",\"changed\":true}",
		ASKED, SIGNED, CHECK("web1.other_certificate.pem"), REVOKED);
	SIGN("it is signed, and could not be revoked: ca:8140 answers 500: oh "
	     "{\"state\":\"signed\"",
		ASKED, SIGNED, CHECK("web1.other_certificate.pem"), PUT("revoked", 500, "=oh"));
	SIGN("failed: the CA has another's under this name; it is revoked", ASKED, SIGNED,
		CHECK("web2.certificate.pem"), REVOKED);
	SIGN("no certificate in PEM; it is revoked", ASKED, SIGNED, CHECK("=ok"), REVOKED);
}

static void the_certificate_tells_if_the_answer_did_not(void **state)
{
	static const struct exchange lost = {
		"PUT certificate_status/web1 {\"desired_state\":\"signed\"} change", 0,
		"ca: timeout"};

	(void)state;
	SIGN("ok: signed", ASKED, lost, CHECK("web1.certificate.pem"));
	SIGN("failed: not signed, as far as we know (ca: timeout); but the certificate has another "
	     "key",
		ASKED, lost, CHECK("web1.other_certificate.pem"));
	SIGN("failed: not signed: ca: timeout", ASKED, lost, {CERTIFICATE, 404, "="});
	SIGN("failed: not signed: ca:8140 answers 500: oh", ASKED, PUT("signed", 500, "=oh"),
		{CERTIFICATE, 404, "="});
	SIGN("unknown: perhaps signed: ca:8140: cannot connect", ASKED, lost, DOWN(CERTIFICATE),
		NAP(1000), DOWN(CERTIFICATE), NAP(1000), DOWN(CERTIFICATE));
	SIGN("unknown: signed, but its key could not be compared", ASKED, SIGNED,
		{CERTIFICATE, 404, "="}, NAP(1000), {CERTIFICATE, 500, "="}, NAP(1000),
		DOWN(CERTIFICATE));
	SIGN("ok: signed", ASKED, SIGNED, DOWN(CERTIFICATE), NAP(1000),
		CHECK("web1.certificate.pem"));
}

static void a_refusal_is_told_in_the_server_s_words(void **state)
{
	(void)state;
	SIGN("failed: not signed: ca:8140 answers 409: Found \\e[31m (no) ", ASKED,
		PUT("signed", 409, "=Found \033[31m (no)\n"));
	SIGN("forbidden (403): test/data/puppet/web1.certificate.pem has no right",
		{"GET certificate_status/web1", 403, "=Forbidden"});
	SIGN("puppetserver ca generate --ca-client",
		{"GET certificate_status/web1", 403, "=Forbidden"});
	SIGN("auth.conf", {"GET certificate_status/web1", 401, "="});
	SIGN("failed: ca:8140 answers 503 (Puppet Server may still be starting)",
		{"GET certificate_status/web1", 503, "="});
	SIGN("failed: ca:8140: cannot connect", DOWN("GET certificate_status/web1"));
	SIGN("no JSON, from line 1 column 1 on", LOOK("=<html>"));
	SIGN("about another name", LOOK("web2.requested.json"));
	SIGN("no certificate request in PEM", LOOK("web1.requested.json"),
		READ("web1.certificate.pem"));
	SIGN("failed: the CA has another's under this name", LOOK("web1.requested.json"),
		READ("web2.request.pem"));
}

static void who_may_wait_looks_until_the_request_is_there(void **state)
{
	static const struct exchange none[] = {{"GET certificate_status/web1", 404, "="}, NAP(2000),
		{"GET certificate_status/web1", 404, "="}, NAP(1000),
		{"GET certificate_status/web1", 404, "="}};
	static const struct exchange late[] = {{"GET certificate_status/web1", 404, "="}, NAP(2000),
		ASKED, SIGNED, CHECK("web1.certificate.pem")};
	struct deploy_ca_sign_options options = {
		.wait_ms = 3000, .poll_ms = 2000, .trusts_first_use = true};
	struct world world;

	(void)state;
	SIGN("failed: the CA has no request of that name",
		{"GET certificate_status/web1", 404, "="});
	begin(&world, new_sign(&options), "web1");
	play(&world, none, COUNT(none));
	ended(&world, "failed: no request came to the CA in time");
	begin(&world, new_sign(&options), "web1");
	play(&world, late, COUNT(late));
	ended(&world, "ok: signed");
}

/* The act is told to stop when so many of the exchanges have been. */
static enum dp_act_next_kind stop_after(size_t done, struct world *world)
{
	static const struct exchange all[] = {ASKED, SIGNED};
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	struct dp_act_next before;

	begin(world, new_sign(&options), "web1");
	play(world, all, done);
	before = world->next;
	step(world, (struct dp_act_input){.kind = DP_ACT_STOP});
	dp_http_request_free(before.fetch);
	return world->next.kind;
}

static void stopping_leaves_no_certificate_uncompared(void **state)
{
	struct world world;

	(void)state;
	for (size_t done = 0; done < 2; done++) {
		assert_int_equal(DP_ACT_DONE, stop_after(done, &world));
		ended(&world, "unknown: stopped; nothing was signed");
	}
	assert_int_equal(DP_ACT_GO_ON, stop_after(2, &world));
	answer(&world, &(struct exchange){"", 204, "="});
	assert_int_equal(DP_ACT_FETCH, world.next.kind);
	dp_http_request_free(world.next.fetch);
	answer(&world, &(struct exchange){"", 200, "web1.certificate.pem"});
	ended(&world, "ok: signed");
	assert_int_equal(DP_ACT_GO_ON, stop_after(3, &world));
	answer(&world, &(struct exchange){"", 200, "web1.certificate.pem"});
	ended(&world, "ok: signed");
}

/* The node itself is asked: what comes of the request's file at web1. */
static void verify(json_t *data, int statuscode, const char *what)
{
	static const struct exchange asked[] = {ASKED},
				     rest[] = {SIGNED, CHECK("web1.certificate.pem")};
	const struct deploy_ca_node_options nodes = {.collective = "mcollective",
		.ttl_s = 7,
		.timeout_ms = 500,
		.path = "/ssl/%s/%s.pem"};
	const struct deploy_ca_sign_options options = {.nodes = &nodes};
	const struct dp_reply reply = {
		.statuscode = statuscode, .statusmsg = "its words", .data = data};
	const struct deploy_request *request;
	struct world world;
	char *inputs;

	begin(&world, new_sign(&options), "web1");
	play(&world, asked, COUNT(asked));
	assert_int_equal(DP_ACT_ASK, world.next.kind);
	request = world.next.request;
	inputs = json_dumps(request->inputs, JSON_COMPACT);
	assert_string_equal("{\"source\":\"fstat\",\"query\":\"/ssl/web1/web1.pem\"}", inputs);
	assert_string_equal("rpcutil", request->agent);
	assert_string_equal("get_data", request->action);
	assert_string_equal("mcollective", request->collective);
	assert_int_equal(7, request->ttl_s);
	assert_int_equal(500, world.next.timeout_ms);
	step(&world, (struct dp_act_input){.kind = DP_ACT_REPLY, .reply = &reply});
	if (world.next.kind == DP_ACT_FETCH)
		play(&world, rest, COUNT(rest));
	world.next.statuscode = world.next.state == DEPLOY_OUTCOME_FAILED; /* else the node's */
	ended(&world, what);
	free(inputs);
	json_decref(data);
}

#define FILE_MD5   "cb116bf31d76d1da2b962dbae5102c2c"
#define FILE_BYTES 883

static void a_node_knows_its_own_request(void **state)
{
	(void)state;
	verify(json_pack("{s:i, s:i, s:s}", "present", 1, "size", FILE_BYTES, "md5", FILE_MD5), 0,
		"ok: signed");
	verify(json_pack("{s:i, s:i, s:s}", "present", 1, "size", FILE_BYTES + 1, "md5", FILE_MD5),
		0, "failed: refused: the request at the CA is not the one that web1 has");
	verify(json_pack("{s:i, s:i, s:s}", "present", 1, "size", FILE_BYTES, "md5",
		       "d41d8cd98f00b204e9800998ecf8427e"),
		0, "failed: refused: the request at the CA is not the one that web1 has");
	/* Of a link nothing is told; and nodes may tell nonsense. */
	verify(json_pack("{s:i, s:i, s:i}", "present", 1, "size", FILE_BYTES, "md5", 0), 0,
		"failed: refused");
	verify(json_pack("{s:i, s:s, s:s}", "present", 1, "size", "many", "md5", FILE_MD5), 0,
		"failed: refused");
	verify(json_object(), 0, "failed: refused");
	verify(NULL, 0, "failed: refused");
	verify(json_pack("{s:i}", "present", 0), 0,
		"failed: refused: the node has no request of its own in /ssl/web1/web1.pem (");
	verify(NULL, 5,
		"failed: not signed: the node does not tell which request it has: its words");
}

/* web1 is asked about a place where it may be; what it is asked about next, or has come to. */
static void ask_usual(struct world *world, struct dp_act_input input)
{
	static const struct exchange asked[] = {ASKED};
	const struct deploy_ca_node_options nodes = {.collective = "mcollective"};
	const struct deploy_ca_sign_options options = {.nodes = &nodes};

	begin(world, new_sign(&options), "web1");
	play(world, asked, COUNT(asked));
	assert_string_equal("/etc/puppetlabs/puppet/ssl/certificate_requests/web1.pem",
		json_string_value(json_object_get(world->next.request->inputs, "query")));
	step(world, input);
}

static void a_node_is_asked_about_both_usual_places(void **state)
{
	json_t *missing = json_pack("{s:i}", "present", 0);
	const struct dp_reply reply = {.statusmsg = "OK", .data = missing};
	const struct dp_act_input absent = {.kind = DP_ACT_REPLY, .reply = &reply};
	struct world world;

	(void)state;
	ask_usual(&world, absent);
	assert_int_equal(DP_ACT_ASK, world.next.kind);
	assert_string_equal("/var/lib/puppet/ssl/certificate_requests/web1.pem",
		json_string_value(json_object_get(world.next.request->inputs, "query")));
	step(&world, absent);
	ended(&world, "failed: refused: the node has no request of its own in "
		      "/etc/puppetlabs/puppet/ssl/certificate_requests/web1.pem or "
		      "/var/lib/puppet/ssl/certificate_requests/web1.pem");
	ask_usual(&world, (struct dp_act_input){.kind = DP_ACT_NO_REPLY, .is_unconnected = true});
	assert_true(world.next.not_connected);
	ended(&world, "silent: not signed: the node does not answer");
	ask_usual(&world, (struct dp_act_input){.kind = DP_ACT_STOP});
	ended(&world, "unknown: stopped; nothing was signed");
	json_decref(missing);
}

/* Whoever says nothing of which request is meant gets none signed. */
static void what_nothing_is_known_of_is_not_signed(void **state)
{
	static const struct exchange asked[] = {ASKED};
	const struct deploy_ca_sign_options options = {.wait_ms = 0};
	struct world world;

	(void)state;
	begin(&world, new_sign(&options), "web1");
	play(&world, asked, COUNT(asked));
	ended(&world,
		"failed: refused: nothing says whether the request at the CA is the node's; its "
		"fingerprint is " REQUEST_PRINT);
}

/* As in a state file: what was told before signing is all that is left. */
static void a_certificate_is_known_by_the_request_it_came_from(void **state)
{
	static const struct exchange read[] = {ASKED};
	static const struct exchange signed_one[] = {
		LOOK("web1.signed.json"), CHECK("web1.certificate.pem")};
	static const struct exchange other[] = {
		LOOK("web1.signed.json"), CHECK("web1.other_certificate.pem")};
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	char key[DEPLOY_CA_FINGERPRINT];
	struct world world;

	(void)state;
	begin(&world, new_sign(&options), "web1");
	play(&world, read, COUNT(read));
	assert_true(deploy_ca_step_key(key, world.next.what, REQUEST_PRINT));
	assert_true(deploy_ca_step_key(key, world.next.what,
		"993754d0d470fa20fbb68c02ea87af0911b32d823be63581b4ddce6c4d0a907f"));
	assert_false(deploy_ca_step_key(key, world.next.what, CERTIFICATE_PRINT));
	assert_false(deploy_ca_step_key(key, "sign certificate", REQUEST_PRINT));
	assert_false(
		deploy_ca_step_key(key, "sign certificate: request " REQUEST_PRINT, REQUEST_PRINT));
	assert_true(deploy_ca_step_key(key, world.next.what, REQUEST_PRINT));
	dp_http_request_free(world.next.fetch);
	test_free(world.row);
	world.act->ops->free(world.act);
	options.fingerprints = json_pack("{s:s}", "web1", REQUEST_PRINT);
	options.keys = json_pack("{s:s}", "web1", key);
	begin(&world, new_sign(&options), "web1");
	play(&world, signed_one, COUNT(signed_one));
	ended(&world, "ok: already signed");
	begin(&world, new_sign(&options), "web1");
	play(&world, other, COUNT(other));
	ended(&world, "failed: already signed, as ");
	json_decref(options.fingerprints);
	json_decref(options.keys);
}

static void take_back(
	bool is_clean, const struct exchange *exchanges, size_t count, const char *what)
{
	struct deploy_ca_settings given = settings();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;
	struct world world;

	assert_int_equal(0, (is_clean ? deploy_ca_clean : deploy_ca_revoke)(&act, &given, &err));
	begin(&world, act, "web1");
	play(&world, exchanges, count);
	ended(&world, what);
}
#define TAKE_BACK(is_clean, what, ...)                                                             \
	do {                                                                                       \
		const struct exchange exchanges[] = {__VA_ARGS__};                                 \
		take_back(is_clean, exchanges, COUNT(exchanges), what);                            \
	} while (0)
#define REVOKE(...) TAKE_BACK(false, __VA_ARGS__)
#define CLEAN(...)  TAKE_BACK(true, __VA_ARGS__)
#define NOTHING                                                                                    \
	{                                                                                          \
		"GET certificate_status/web1", 404, "="                                            \
	}

static void only_a_certificate_can_be_revoked(void **state)
{
	(void)state;
	REVOKE("ok: revoked {\"state\":\"revoked\",\"fingerprint\":\"" CERTIFICATE_PRINT
	       "\",\"changed\":true}",
		LOOK("web1.signed.json"), REVOKED);
	REVOKE("ok: already revoked {\"state\":\"revoked\",\"fingerprint\":\"" CERTIFICATE_PRINT
	       "\",\"changed\":false}",
		LOOK("web1.revoked.json"));
	REVOKE("failed: the CA has only a request of that name", LOOK("web1.requested.json"));
	REVOKE("failed: the CA has no certificate of that name", NOTHING);
	REVOKE("failed: not revoked: ca:8140 answers 409: no", LOOK("web1.signed.json"),
		PUT("revoked", 409, "=no"));
	REVOKE("unknown: perhaps revoked: ca:8140 answers 500", LOOK("web1.signed.json"),
		PUT("revoked", 500, "="));
	REVOKE("unknown: perhaps revoked: lost", LOOK("web1.signed.json"),
		PUT("revoked", 0, "lost"));
	REVOKE("failed: ca:8140: forbidden (403)", {"GET certificate_status/web1", 403, "="});
	REVOKE("failed: the CA's answer: no JSON", LOOK("=[1"));
}

static void cleaning_leaves_nothing(void **state)
{
	(void)state;
	CLEAN("ok: cleaned {\"state\":\"absent\",\"fingerprint\":\"" CERTIFICATE_PRINT
	      "\",\"changed\":true}",
		LOOK("web1.signed.json"), REVOKED, DELETE(204));
	CLEAN("ok: cleaned", LOOK("web1.revoked.json"), DELETE(204));
	CLEAN("ok: cleaned {\"state\":\"absent\",\"fingerprint\":\"" REQUEST_PRINT,
		LOOK("web1.requested.json"), DELETE(204));
	CLEAN("ok: the CA has nothing of that name {\"state\":\"absent\",\"changed\":false}",
		NOTHING);
	CLEAN("ok: cleaned", LOOK("web1.revoked.json"), DELETE(404));
	CLEAN("failed: not revoked", LOOK("web1.signed.json"), PUT("revoked", 409, "="));
	CLEAN("failed: not deleted: ca:8140 answers 409", LOOK("web1.revoked.json"), DELETE(409));
	CLEAN("unknown: perhaps deleted", LOOK("web1.revoked.json"), DELETE(502));
}

static void a_name_that_is_none_is_not_asked_about(void **state)
{
	static const char *const names[] = {"..", ".", "WEB1", "a/b", ""};
	struct deploy_ca_sign_options options = {.trusts_first_use = true};
	struct deploy_ca_settings given = settings();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		begin(&world, new_sign(&options), names[i]);
		ended(&world, "failed: not a certname");
		assert_int_equal(0, deploy_ca_clean(&act, &given, &err));
		begin(&world, act, names[i]);
		ended(&world, "failed: not a certname");
	}
}

static void refused(struct deploy_ca_settings given, json_t *fingerprints, enum deploy_code code,
	const char *why)
{
	struct deploy_ca_sign_options options = {.fingerprints = fingerprints};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;

	assert_int_equal(code, deploy_ca_sign(&act, &given, &options, &err));
	assert_null(act);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not hold \"%s\"", err.text, why);
	json_decref(fingerprints);
}

static void nodes_refused(struct deploy_ca_node_options nodes, const char *why)
{
	const struct deploy_ca_sign_options options = {.nodes = &nodes};
	const struct deploy_ca_settings given = settings();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;

	assert_int_equal(DEPLOY_USAGE, deploy_ca_sign(&act, &given, &options, &err));
	assert_null(act);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not hold \"%s\"", err.text, why);
}

static void settings_are_checked_first(void **state)
{
	struct deploy_ca_settings given = settings();

	(void)state;
	refused(given, json_pack("{s:s}", "web1", "AB:CD"), DEPLOY_USAGE,
		"web1: the fingerprint is no SHA-256");
	refused(given, json_pack("{s:i}", "web1", 5), DEPLOY_USAGE, "web1: the fingerprint");
	given.url = NULL;
	refused(given, NULL, DEPLOY_CONFIG, "the Puppet CA's URL is not known");
	given.url = "http://ca:8140";
	refused(given, NULL, DEPLOY_CONFIG, "\"http://ca:8140\" is not https://");
	given = settings();
	given.ca_file = "test/data/puppet/none.pem";
	refused(given, NULL, DEPLOY_CONFIG, "test/data/puppet/none.pem: No such file");
	given.ca_file = NULL;
	refused(given, NULL, DEPLOY_CONFIG, "the file with its certificate");
	given = settings();
	nodes_refused(
		(struct deploy_ca_node_options){.collective = "mcollective", .path = "ssl/%s"},
		"ssl/%s: a path on a node begins with /");
	nodes_refused((struct deploy_ca_node_options){.collective = "a b"}, "a b");
	given = settings();
	assert_int_equal(0, chmod(key_file, 0644));
	refused(given, NULL, DEPLOY_CONFIG, "everybody can read this private key");
	assert_int_equal(0, chmod(key_file, 0600));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_signed_and_its_certificate_compared),
		cmocka_unit_test(a_fingerprint_is_known_in_every_form),
		cmocka_unit_test(another_fingerprint_is_refused_before_anything_changes),
		cmocka_unit_test(what_is_signed_stays_and_is_compared_all_the_same),
		cmocka_unit_test(what_nothing_is_known_of_is_not_signed),
		cmocka_unit_test(a_node_knows_its_own_request),
		cmocka_unit_test(a_node_is_asked_about_both_usual_places),
		cmocka_unit_test(a_certificate_is_known_by_the_request_it_came_from),
		cmocka_unit_test(more_than_a_name_is_only_given_if_it_was_allowed),
		cmocka_unit_test(wishes_count_that_only_the_server_sees_or_only_we),
		cmocka_unit_test(a_request_that_changes_meanwhile_is_not_signed),
		cmocka_unit_test(a_certificate_for_another_key_is_revoked),
		cmocka_unit_test(the_certificate_tells_if_the_answer_did_not),
		cmocka_unit_test(a_refusal_is_told_in_the_server_s_words),
		cmocka_unit_test(who_may_wait_looks_until_the_request_is_there),
		cmocka_unit_test(stopping_leaves_no_certificate_uncompared),
		cmocka_unit_test(only_a_certificate_can_be_revoked),
		cmocka_unit_test(cleaning_leaves_nothing),
		cmocka_unit_test(a_name_that_is_none_is_not_asked_about),
		cmocka_unit_test(settings_are_checked_first),
	};

	return cmocka_run_group_tests(tests, make_key_file, remove_key_file);
}
