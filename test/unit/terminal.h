/* A terminal that a test types on itself, in the place of stdin and stderr. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

struct terminal {
	int keyboard, stdin_before, stderr_before;
	char shown[2000];
};

static inline void divert(struct terminal *terminal, const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY);

	assert_true(fd >= 0);
	(void)fflush(NULL);
	terminal->stdin_before = dup(STDIN_FILENO);
	terminal->stderr_before = dup(STDERR_FILENO);
	assert_true(dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	(void)close(fd);
}

static inline void restore(struct terminal *terminal)
{
	(void)fflush(stderr);
	(void)dup2(terminal->stdin_before, STDIN_FILENO);
	(void)dup2(terminal->stderr_before, STDERR_FILENO);
	(void)close(terminal->stdin_before);
	(void)close(terminal->stderr_before);
	clearerr(stdin);
}

/* Open the keyboard's end. */
static inline void open_terminal(struct terminal *terminal)
{
	terminal->keyboard = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal->keyboard >= 0 && grantpt(terminal->keyboard) == 0 &&
		    unlockpt(terminal->keyboard) == 0);
}

/* A terminal that does not show what is typed on it, and that was typed already. */
static inline void begin_typing(struct terminal *terminal, const char *typed)
{
	struct termios settings;
	size_t len = strlen(typed);

	open_terminal(terminal);
	divert(terminal, ptsname(terminal->keyboard));
	assert_int_equal(0, tcgetattr(STDIN_FILENO, &settings));
	settings.c_lflag &= ~(tcflag_t)ECHO;
	assert_int_equal(0, tcsetattr(STDIN_FILENO, TCSANOW, &settings));
	assert_int_equal(len, write(terminal->keyboard, typed, len));
}

/* What is shown, up to mark and without it. */
static inline void read_shown(struct terminal *terminal, char mark)
{
	size_t len = 0;

	while (len == 0 || terminal->shown[len - 1] != mark) {
		assert_in_range(len, 0, sizeof(terminal->shown) - 2);
		assert_int_equal(1, read(terminal->keyboard, terminal->shown + len++, 1));
	}
	terminal->shown[len - 1] = '\0';
}

/* What was shown, up to a mark that makes sure that it is all. */
static inline void end_typing(struct terminal *terminal)
{
	(void)fputc('|', stderr);
	(void)fflush(stderr);
	read_shown(terminal, '|');
	restore(terminal);
	(void)close(terminal->keyboard);
}

#endif
