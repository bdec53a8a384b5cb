/*
 * Run a command and tell what it took. Usage: timed FILE COMMAND...
 * FILE gets one line: wall seconds, CPU seconds, peak memory in KiB, exit status (128 + signal),
 * and the wall clock at its end in seconds since 1970.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	FILE *out = argc > 2 ? fopen(argv[1], "w") : NULL;
	int64_t start_us = dp_clock_us();
	struct rusage used;
	int status = 0;
	pid_t child;

	if (!out)
		return 64;
	child = fork();
	if (child == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || getrusage(RUSAGE_CHILDREN, &used))
		return 1;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	(void)fprintf(out, "%.6f %.6f %ld %d %.6f\n", (double)(dp_clock_us() - start_us) / 1e6,
		seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss, status,
		(double)dp_wall_us() / 1e6);
	return fclose(out) ? 1 : status;
}
