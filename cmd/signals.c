/* Signal handling; everything that the handler touches is in the few variables below. */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"

/*
 * The only mutable variables of cmd/, since a handler has no argument: the pipe (-1: not open),
 * the phase, the first of INT and TERM that came, and how many of them came.
 */
static volatile sig_atomic_t read_end = -1, write_end = -1;
static volatile sig_atomic_t phase = SIGNALS_IDLE;
static volatile sig_atomic_t first_signal;
static volatile sig_atomic_t stop_count;

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static void stop(int number)
{
	if (first_signal == 0)
		first_signal = number;
	stop_count = stop_count + 1;
	if (phase == SIGNALS_IDLE || stop_count > 2)
		_exit(number == SIGINT ? EXIT_INT : EXIT_TERM);
	if (phase == SIGNALS_CONNECTING || stop_count == 2)
		deploy_bus_interrupt();
}

static void catch (int number)
{
	int saved = errno;
	unsigned char byte;

	if (number == SIGHUP)
		number = SIGTERM;
	if (number != SIGUSR1)
		stop(number);
	byte = (unsigned char)number;
	if (write((int)write_end, &byte, 1) < 0) {
		/* the pipe is full: more bytes wait there than anybody needs */
	}
	errno = saved;
}

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -1;
	return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* nohup's choice stays. INT is caught even in a script's background, where shells ignore it. */
static int catch_one(int number, const struct sigaction *action)
{
	struct sigaction old;

	if (sigaction(number, NULL, &old) != 0)
		return -1;
	if (number == SIGHUP && old.sa_handler == SIG_IGN)
		return 0;
	return sigaction(number, action, NULL);
}

/* SA_RESTART: stdio would give up a line of output otherwise; poll() returns all the same. */
static int catch_all(void)
{
	struct sigaction action = {.sa_handler = catch, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	size_t i;

	(void)sigemptyset(&ignore.sa_mask);
	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < CAUGHT; i++)
		(void)sigaddset(&action.sa_mask, caught[i]);
	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return -1;
	for (i = 0; i < CAUGHT; i++)
		if (catch_one(caught[i], &action) != 0)
			return -1;
	return 0;
}

int signals_open(int *fd, struct deploy_error *err)
{
	int ends[2];

	if (pipe(ends) != 0)
		return deploy_error_set(err, DEPLOY_BUG, "signals: %s", strerror(errno));
	read_end = ends[0];
	write_end = ends[1];
	if (set_flags(ends[0]) != 0 || set_flags(ends[1]) != 0 || catch_all() != 0) {
		(void)deploy_error_set(err, DEPLOY_BUG, "signals: %s", strerror(errno));
		signals_close();
		return err->code;
	}
	*fd = ends[0];
	return 0;
}

void signals_close(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, old;
	size_t i;

	if (read_end < 0)
		return;
	(void)sigemptyset(&usual.sa_mask);
	for (i = 0; i < CAUGHT; i++)
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler == catch)
			(void)sigaction(caught[i], &usual, NULL);
	(void)close((int)read_end);
	(void)close((int)write_end);
	read_end = write_end = -1;
}

void signals_set_phase(enum signals_phase next)
{
	phase = (sig_atomic_t)next;
}

int signals_received(void)
{
	return (int)first_signal;
}
