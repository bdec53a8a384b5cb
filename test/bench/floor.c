/*
 * The floor: publish a request that was made before, count the replies without looking into them.
 * What a client needs beyond that is its own doing.
 * Usage, inside a lab: floor [--collective NAME] [--directed NODESET] [--discovery] COUNT
 *   --directed NODESET   to each of these by name; otherwise broadcast
 *   --keys N             so many names in one publish, by BCC (1). One is the floor: RabbitMQ looks
 * a single key up, but for several goes through all bindings of the exchange
 *   --discovery          ask "ping" of discovery instead of rpcutil
 * Prints the seconds from the first publish to the COUNT-th reply, and those of the longest pause
 * between two replies. Status 1 if fewer come in 60 s.
 */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <amqp.h>
#include <amqp_framing.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/request.h"
#include "link.h"
#include "wire/envelope.h"

#define MAX_WAIT_US (60 * 1000000LL)

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "floor: %s\n", what);
	exit(1);
}

static void make_request(struct dp_buf *out, const char *collective, bool is_discovery)
{
	const struct dp_speaker speaker = {"floor.example.net", "uid=0", lab_value("LAB_PSK")};
	char id[DP_REQUEST_ID_CHARS + 1];
	const struct deploy_filter everyone = {.nodes = NULL};
	const struct dp_sending sending = {
		.request_id = id, .filter = &everyone, .msgtime_s = (long long)time(NULL)};
	struct deploy_error err = {0};
	struct deploy_request *request = NULL;

	dp_request_id_new(id);
	dp_buf_init(out, 65536);
	if (is_discovery)
		request = deploy_request_ping();
	else if (deploy_request_new(&request, "rpcutil", "ping", NULL, &err))
		die(err.text);
	if (deploy_request_set_collective(request, collective, &err) ||
		dp_envelope_encode(out, request, &speaker, &sending, &err))
		die(err.text);
	deploy_request_free(request);
}

static void publish(const struct link *link, const char *exchange, const char *key,
	amqp_field_value_t *more, size_t more_count, amqp_bytes_t reply_to,
	const struct dp_buf *body)
{
	amqp_table_entry_t bcc = {.key = amqp_cstring_bytes("BCC"),
		.value = {.kind = AMQP_FIELD_KIND_ARRAY,
			.value = {.array = {.num_entries = (int)more_count, .entries = more}}}};
	amqp_basic_properties_t properties = {
		._flags = AMQP_BASIC_REPLY_TO_FLAG, .reply_to = reply_to};

	if (more_count) {
		properties._flags |= AMQP_BASIC_HEADERS_FLAG;
		properties.headers = (amqp_table_t){.num_entries = 1, .entries = &bcc};
	}
	if (amqp_basic_publish(link->connection, 1, amqp_cstring_bytes(exchange),
		    amqp_cstring_bytes(key), 0, 0, &properties,
		    (amqp_bytes_t){.len = body->len, .bytes = body->data}) != AMQP_STATUS_OK)
		die("publish failed");
}

static void publish_directed(const struct link *link, const char *exchange,
	const struct deploy_nodeset *set, size_t max_keys, amqp_bytes_t reply_to,
	const struct dp_buf *body)
{
	size_t count = deploy_nodeset_count(set), done = 0;
	amqp_field_value_t *keys = dp_xcalloc(max_keys, sizeof(*keys));

	while (done < count) {
		const char *first = deploy_nodeset_get(set, done++);
		size_t n = 0;

		for (; done < count && n + 1 < max_keys; n++) {
			keys[n].kind = AMQP_FIELD_KIND_UTF8;
			keys[n].value.bytes = amqp_cstring_bytes(deploy_nodeset_get(set, done++));
		}
		publish(link, exchange, first, keys, n, reply_to, body);
	}
	free(keys);
}

/* Count deliveries by their header frames; bodies are read and forgotten. */
static size_t take(const struct link *link)
{
	struct timeval now = {0};
	amqp_frame_t frame;
	size_t count = 0;
	int status;

	amqp_maybe_release_buffers(link->connection);
	while ((status = amqp_simple_wait_frame_noblock(link->connection, &frame, &now)) ==
		AMQP_STATUS_OK) {
		count += frame.frame_type == AMQP_FRAME_HEADER;
		amqp_maybe_release_buffers(link->connection);
	}
	if (status != AMQP_STATUS_TIMEOUT)
		die(amqp_error_string2(status));
	return count;
}

/* What came of a question. pause_us: the longest time between two replies. */
struct answer {
	size_t seen;
	int64_t took_us, pause_us;
};

static struct answer count_replies(const struct link *link, size_t want, int64_t start_us)
{
	struct pollfd in = {.fd = link->fd, .events = POLLIN};
	struct answer answer = {.seen = 0};
	int64_t last_us = 0;

	while (answer.seen < want && dp_clock_us() - start_us < MAX_WAIT_US) {
		size_t more = take(link);
		int64_t now_us = dp_clock_us();

		answer.seen += more;
		if (more && last_us && now_us - last_us > answer.pause_us)
			answer.pause_us = now_us - last_us;
		if (more)
			last_us = now_us;
		else
			(void)poll(&in, 1, 1000);
	}
	answer.took_us = dp_clock_us() - start_us;
	return answer;
}

struct question {
	const char *collective;
	const struct deploy_nodeset *set; /* NULL: everyone */
	size_t max_keys, want;
	bool is_discovery;
};

static int measure(const struct question *question)
{
	const struct deploy_nodeset *set = question->set;
	bool is_discovery = question->is_discovery;
	char *exchange =
		dp_xasprintf("%s_%s", question->collective, set ? "directed" : "broadcast");
	size_t want = question->want;
	struct dp_buf request;
	amqp_bytes_t queue;
	struct link link;
	struct answer answer;
	int64_t start_us;

	link_open(&link, "floor");
	queue = link_queue(&link);
	make_request(&request, question->collective, is_discovery);
	start_us = dp_clock_us();
	if (set)
		publish_directed(&link, exchange, set, question->max_keys, queue, &request);
	else
		publish(&link, exchange, is_discovery ? "discovery" : "rpcutil", NULL, 0, queue,
			&request);
	answer = count_replies(&link, want, start_us);
	if (answer.seen >= want)
		(void)printf("%.6f %.6f\n", (double)answer.took_us / 1e6,
			(double)answer.pause_us / 1e6);
	else
		(void)fprintf(stderr, "floor: only %zu of %zu replies came\n", answer.seen, want);
	amqp_bytes_free(queue);
	dp_buf_release(&request);
	free(exchange);
	link_close(&link);
	return answer.seen >= want ? 0 : 1;
}

static size_t parse_count(const char *text)
{
	size_t count = strtoul(text, NULL, 10);

	if (!count || strspn(text, "0123456789") != strlen(text))
		die("a count is a number from 1 on");
	return count;
}

static const struct deploy_nodeset *parse_nodes(const char *text)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	struct deploy_error err = {0};

	if (deploy_nodeset_parse(set, text, &err))
		die(err.text);
	return set;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"collective", required_argument, NULL, 'c'},
		{"directed", required_argument, NULL, 'd'}, {"keys", required_argument, NULL, 'k'},
		{"discovery", no_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
	struct question question = {.collective = "sim", .max_keys = 1};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			question.collective = optarg;
			break;
		case 'd':
			question.set = parse_nodes(optarg);
			break;
		case 'k':
			question.max_keys = parse_count(optarg);
			break;
		case 'p':
			question.is_discovery = true;
			break;
		default:
			return 64;
		}
	}
	if (optind != argc - 1)
		die("usage: floor [OPTIONS] COUNT; they are told at the top of floor.c");
	question.want = parse_count(argv[optind]);
	return measure(&question);
}
