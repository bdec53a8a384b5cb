/* Asking the CA once and waiting for it: the list, and what other questions outside of runs need.
 */
#include "puppet/ca.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define MAX_LIST_BYTES (64 * 1024 * 1024)

static int take_signals(int signal_fd, struct deploy_error *err)
{
	unsigned char signals[16];
	ssize_t n = read(signal_fd, signals, sizeof(signals));

	for (ssize_t i = 0; i < n; i++)
		if (signals[i] == SIGINT || signals[i] == SIGTERM)
			return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted");
	return 0;
}

/* fds[0] is for the signals. */
static int wait_for(struct pollfd *fds, size_t count, int timeout_ms, struct deploy_error *err)
{
	if (poll(fds, count, timeout_ms) < 0) {
		if (errno != EINTR)
			return deploy_error_set(err, DEPLOY_BUG, "poll: %s", strerror(errno));
		for (size_t i = 1; i < count; i++)
			fds[i].revents = 0;
		fds[0].revents = 0;
	}
	return fds[0].revents ? take_signals(fds[0].fd, err) : 0;
}

int dp_ca_await(const struct dp_http_response **out, struct dp_http *http,
	struct dp_http_request *request, int signal_fd, struct deploy_error *err)
{
	struct pollfd fds[1 + DP_HTTP_MAX_FDS];
	int rc = 0;

	(void)dp_http_start(http, request);
	*out = NULL;
	while (!rc && !*out) {
		int timeout_ms = -1;
		size_t count = dp_http_fds(http, fds + 1, &timeout_ms);

		fds[0] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
		rc = wait_for(fds, 1 + count, timeout_ms, err);
		if (!rc) {
			dp_http_turn(http, fds + 1, count);
			*out = dp_http_next(http);
		}
	}
	return rc;
}

int dp_ca_pause(int signal_fd, long long ms, struct deploy_error *err)
{
	int64_t end_us = dp_clock_us() + ms * 1000, left_ms;
	int rc = 0;

	while (!rc && (left_ms = (end_us - dp_clock_us() + 999) / 1000) > 0) {
		struct pollfd fd = {.fd = signal_fd, .events = POLLIN};

		rc = wait_for(&fd, 1, (int)(left_ms < 60000 ? left_ms : 60000), err);
	}
	return rc;
}

int deploy_ca_list(struct deploy_ca_list **out, const struct deploy_ca_settings *settings,
	int signal_fd, struct deploy_error *err)
{
	const struct dp_http_response *response;
	struct dp_http_request *request;
	struct dp_http *http = NULL;
	struct dp_ca ca;
	int rc;

	*out = NULL;
	if (dp_ca_init(&ca, settings, err))
		return err->code;
	rc = dp_http_new(&http, err);
	if (!rc) {
		request = dp_ca_get(&ca, "certificate_statuses", "all");
		request->max_bytes = MAX_LIST_BYTES;
		rc = dp_ca_await(&response, http, request, signal_fd, err);
	}
	if (!rc)
		rc = dp_ca_check(&ca, response, err);
	if (!rc && dp_ca_list_parse(out, response->body, response->body_len, err))
		rc = deploy_error_wrap(err, "%s", ca.place);
	dp_http_free(http);
	dp_ca_release(&ca);
	return rc;
}
