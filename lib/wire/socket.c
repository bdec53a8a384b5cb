/* TCP to a broker, each wait with its deadline. */
#include "wire/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* The socket that a signal may shut down, and that one did: all that a handler may touch. */
static volatile sig_atomic_t open_socket = -1, was_interrupted;

void dp_socket_interrupt(void)
{
	int saved = errno;

	was_interrupted = 1;
	if (open_socket >= 0)
		(void)shutdown((int)open_socket, SHUT_RDWR);
	errno = saved;
}

bool dp_socket_was_interrupted(void)
{
	return was_interrupted;
}

void dp_socket_forget_interrupt(void)
{
	was_interrupted = 0;
}

void dp_socket_watch(int fd)
{
	open_socket = fd;
}

int dp_socket_await(int fd, short events, int64_t deadline_us)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	for (;;) {
		int64_t left_ms = (deadline_us - dp_clock_us() + 999) / 1000;
		int n;

		if (was_interrupted)
			return EINTR;
		if (left_ms <= 0)
			return ETIMEDOUT;
		n = poll(&poll_fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		if (n > 0)
			return was_interrupted ? EINTR : 0;
		if (n < 0 && errno != EINTR)
			return errno;
	}
}

/* What the process that asks the name server writes, in one piece. */
struct answer {
	int rc, error; /* of getaddrinfo; errno's value */
	struct dp_addresses found;
};

static void resolve(struct answer *answer, const char *host, unsigned port)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
	struct dp_addresses *out = &answer->found;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", port);
	answer->rc = getaddrinfo(host, number, &hints, &found);
	answer->error = errno;
	if (answer->rc)
		return;
	for (const struct addrinfo *at = found; at && out->count < DP_MAX_ADDRESSES;
		at = at->ai_next) {
		struct dp_address *address = &out->list[out->count];

		if (at->ai_addrlen > sizeof(address->bytes))
			continue;
		memcpy(&address->bytes, at->ai_addr, at->ai_addrlen);
		address->size = at->ai_addrlen;
		out->count++;
	}
	freeaddrinfo(found);
}

/* Signals are our parent's: its handlers write to a pipe that we share. */
static void use_default_signals(const sigset_t *mask)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
	struct sigaction usual = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)sigaction(caught[i], &usual, NULL);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
}

static void resolve_and_exit(int fd, const sigset_t *mask, const char *host, unsigned port)
{
	struct answer answer = {0};
	const char *at = (const char *)&answer;
	size_t left = sizeof(answer);

	use_default_signals(mask);
	resolve(&answer, host, port);
	while (left) {
		ssize_t n = write(fd, at, left);

		if (n <= 0)
			break;
		at += n;
		left -= (size_t)n;
	}
	_exit(0);
}

/* Take the answer. Returns 0, or errno's value. */
static int take_answer(int fd, struct answer *answer, int64_t deadline_us)
{
	char *at = (char *)answer;
	size_t left = sizeof(*answer);

	while (left) {
		int error = dp_socket_await(fd, POLLIN, deadline_us);
		ssize_t n = error ? 0 : read(fd, at, left);

		if (error)
			return error;
		if (n <= 0)
			return n < 0 ? errno : EPIPE;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

/* getaddrinfo() cannot be told to end, a process can. Returns 0, or errno's value. */
static int ask_name_server(
	struct answer *answer, const char *host, unsigned port, int64_t deadline_us)
{
	sigset_t all, before;
	int ends[2], error;
	pid_t child;

	if (pipe(ends) < 0)
		return errno;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	child = fork();
	if (child == 0)
		resolve_and_exit(ends[1], &before, host, port);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)close(ends[1]);
	if (child > 0) {
		error = take_answer(ends[0], answer, deadline_us);
		(void)kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)close(ends[0]);
	return error;
}

int dp_socket_lookup(struct dp_addresses *out, const char *host, unsigned port, int64_t deadline_us,
	struct deploy_error *err)
{
	struct answer answer = {0};
	int error = ask_name_server(&answer, host, port, deadline_us);

	if (error == EINTR)
		return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted");
	if (error == ETIMEDOUT)
		return deploy_error_set(
			err, DEPLOY_CONNECT, "no answer of the name server in time");
	if (error)
		return deploy_error_set(err, DEPLOY_CONNECT, "lookup: %s", strerror(error));
	if (answer.rc)
		return deploy_error_set(err, DEPLOY_CONNECT, "%s",
			answer.rc == EAI_SYSTEM ? strerror(answer.error) : gai_strerror(answer.rc));
	*out = answer.found;
	return 0;
}

void dp_address_print(char out[DP_ADDRESS_TEXT], const struct dp_address *address)
{
	if (getnameinfo((const struct sockaddr *)&address->bytes, address->size, out,
		    DP_ADDRESS_TEXT, NULL, 0, NI_NUMERICHOST))
		(void)snprintf(out, DP_ADDRESS_TEXT, "?");
}

bool dp_address_is_loopback(const struct dp_address *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->bytes;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->bytes;

	if (address->bytes.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return address->bytes.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* Wait for a connect to come through. Returns 0, or errno's value. */
static int await_connect(int fd, int64_t deadline_us)
{
	socklen_t size = sizeof(int);
	int error = dp_socket_await(fd, POLLOUT, deadline_us), result = 0;

	if (error)
		return error;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) < 0 ? errno : result;
}

int dp_socket_connect(const struct dp_address *address, int64_t deadline_us, int *error)
{
	int fd = socket(address->bytes.ss_family, SOCK_STREAM, 0), on = 1;

	if (fd < 0) {
		*error = errno;
		return -1;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	dp_socket_watch(fd);
	*error = connect(fd, (const struct sockaddr *)&address->bytes, address->size) < 0 ? errno
											  : 0;
	if (*error == EINPROGRESS || *error == EINTR)
		*error = await_connect(fd, deadline_us);
	if (*error == 0)
		return fd;
	dp_socket_watch(-1);
	(void)close(fd);
	return -1;
}
