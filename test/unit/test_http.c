/* Requests in a loop that polls: how many at once, each answered once, and no time spun away. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/http.h"

#define MANY 20

struct world {
	struct dp_http *http;
	struct dp_http_server server;
	int listener; /* nobody accepts what comes there */
	char url[64];
	size_t polls, most_fds;
};

static void set_up(struct world *world, long long connect_timeout_ms)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct deploy_error err = {.code = DEPLOY_OK};
	socklen_t size = sizeof(address);

	*world = (struct world){.server = {.ca_file = "test/data/puppet/ca.pem",
					.connect_timeout_ms = connect_timeout_ms,
					.timeout_ms = 60000}};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	world->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(0, bind(world->listener, (struct sockaddr *)&address, size));
	assert_int_equal(0, getsockname(world->listener, (struct sockaddr *)&address, &size));
	(void)snprintf(
		world->url, sizeof(world->url), "https://127.0.0.1:%d/", ntohs(address.sin_port));
	assert_int_equal(0, dp_http_new(&world->http, &err));
}

static void tear_down(struct world *world)
{
	dp_http_free(world->http);
	(void)close(world->listener);
}

static const struct dp_http_response *await(struct world *world)
{
	const struct dp_http_response *response = NULL;

	while (!response) {
		struct pollfd fds[DP_HTTP_MAX_FDS];
		int timeout_ms = 60000;
		size_t count = dp_http_fds(world->http, fds, &timeout_ms);

		assert_true(timeout_ms >= 0);
		assert_true(poll(fds, count, timeout_ms) >= 0);
		world->polls++;
		world->most_fds = count > world->most_fds ? count : world->most_fds;
		dp_http_turn(world->http, fds, count);
		response = dp_http_next(world->http);
	}
	return response;
}

static uint64_t start(struct world *world, const char *url)
{
	return dp_http_start(world->http, dp_http_request_new(&world->server, "GET", url));
}

static void who_waits_for_nothing_is_not_woken(void **state)
{
	struct pollfd fds[DP_HTTP_MAX_FDS];
	struct world world;
	int timeout_ms = -1;

	(void)state;
	set_up(&world, 60000);
	assert_int_equal(0, dp_http_fds(world.http, fds, &timeout_ms));
	assert_int_equal(-1, timeout_ms);
	dp_http_turn(world.http, fds, 0);
	assert_null(dp_http_next(world.http));
	tear_down(&world);
}

/* Nobody listens: the socket is only bound. */
static void each_of_many_is_answered_once(void **state)
{
	bool is_answered[MANY + 1] = {false};
	struct world world;

	(void)state;
	set_up(&world, 60000);
	for (uint64_t id = 1; id <= MANY; id++)
		assert_int_equal(id, start(&world, world.url));
	for (size_t i = 0; i < MANY; i++) {
		const struct dp_http_response *response = await(&world);

		assert_in_range(response->id, 1, MANY);
		assert_false(is_answered[response->id]);
		is_answered[response->id] = true;
		assert_int_equal(0, response->status);
		assert_int_equal(DEPLOY_CONNECT, response->err.code);
		assert_string_equal("", response->body);
		assert_non_null(strstr(response->err.text, ": cannot connect: Connection refused"));
	}
	assert_null(dp_http_next(world.http));
	tear_down(&world);
}

static void not_too_many_are_under_way_and_waiting_is_no_work(void **state)
{
	struct world world;

	(void)state;
	set_up(&world, 50);
	assert_int_equal(0, listen(world.listener, MANY));
	for (size_t i = 0; i < MANY; i++)
		(void)start(&world, world.url);
	for (size_t i = 0; i < MANY; i++)
		assert_non_null(strstr(await(&world)->err.text, "no connection within 0.05 s"));
	assert_int_equal(DP_HTTP_MAX_ACTIVE, world.most_fds);
	assert_in_range(world.polls, 1, 500);
	tear_down(&world);
}

static void what_is_under_way_may_be_dropped(void **state)
{
	struct pollfd fds[DP_HTTP_MAX_FDS];
	struct world world;
	int timeout_ms = -1;

	(void)state;
	set_up(&world, 60000);
	assert_int_equal(0, listen(world.listener, MANY));
	for (size_t i = 0; i < MANY; i++)
		(void)start(&world, world.url);
	(void)start(&world, "no URL");
	dp_http_turn(world.http, fds, dp_http_fds(world.http, fds, &timeout_ms));
	tear_down(&world);
}

static void only_places_that_speak_tls_are_asked(void **state)
{
	static const char *const bad[] = {"", "ca", "http://ca", "file:///etc/passwd", "https://",
		"https://ann@ca", "https://ann:pw@ca", "https://ca/?a", "https://ca/#a",
		"https://ca:0x1", "https://ca:99999", "https://ca ca/"};
	struct deploy_error err = {.code = DEPLOY_OK};
	char place[DP_HTTP_PLACE];
	struct world world;

	(void)state;
	assert_int_equal(0, dp_http_check_url(place, "https://ca.example.net", &err));
	assert_string_equal("ca.example.net:443", place);
	assert_int_equal(0, dp_http_check_url(place, "HTTPS://[::1]:8140/x/y", &err));
	assert_string_equal("[::1]:8140", place);
	set_up(&world, 60000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct dp_http_response *response;

		(void)start(&world, bad[i]);
		response = dp_http_next(world.http);
		if (!response)
			fail_msg("\"%s\" is asked", bad[i]);
		assert_int_equal(DEPLOY_CONFIG, response->err.code);
	}
	tear_down(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_waits_for_nothing_is_not_woken),
		cmocka_unit_test(each_of_many_is_answered_once),
		cmocka_unit_test(not_too_many_are_under_way_and_waiting_is_no_work),
		cmocka_unit_test(what_is_under_way_may_be_dropped),
		cmocka_unit_test(only_places_that_speak_tls_are_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
