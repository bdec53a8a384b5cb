/*
 * What a large site costs: reading, checking and ordering it, compared with what nobody can do
 * without, jansson's parsing of that text, and with a site half as large.
 * Usage: site [APPLICATIONS]   (20000; of 5 components each, each on a node, in chains of 10 nodes)
 * Prints medians of 5 in milliseconds of processor time, ours and the other's, and their ratio;
 * status 1 if a bar is missed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "deploy/site.h"

enum { TURNS = 5, COMPONENTS = 5, CHAIN = 10 };

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "site: %s\n", what);
	exit(1);
}

/* As a Puppet Server writes it. To be freed. */
static char *print(int applications, size_t *size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, size);

	if (!stream)
		die("no memory");
	(void)fputs("{\"environment\":\"production\",\"applications\":{", stream);
	for (int i = 0; i < applications * COMPONENTS; i++) {
		if (i % COMPONENTS == 0)
			(void)fprintf(stream, "%s\"Lamp[app%d]\":{", i ? "}," : "", i / COMPONENTS);
		(void)fprintf(stream,
			"%s\"Lamp::Webapp[app%d_%d]\":{\"produces\":[\"Http[web%d]\"],"
			"\"consumes\":[",
			i % COMPONENTS ? "," : "", i / COMPONENTS, i % COMPONENTS, i);
		if (i % CHAIN)
			(void)fprintf(stream, "\"Http[web%d]\"", i - 1);
		/* Names come in no order. */
		(void)fprintf(stream, "],\"node\":\"web%06d.example.net\"}",
			(int)((long long)i * 7919 % (applications * COMPONENTS)));
	}
	(void)fputs("}},\"code_id\":null}", stream);
	(void)fclose(stream);
	return text;
}

static int64_t time_ours(const char *text, size_t size, size_t nodes)
{
	int64_t start = dp_cpu_us();
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ranks *ranks;
	struct deploy_site *site;

	if (deploy_site_read(&site, "site", text, size, &err) || deploy_site_flaw_count(site) ||
		deploy_site_rank(&ranks, site, NULL, &err))
		die(err.code ? err.text : "flaws");
	start = dp_cpu_us() - start;
	if (ranks->node_count != nodes || ranks->rank_count != CHAIN)
		die("another order than expected");
	deploy_ranks_free(ranks);
	deploy_site_free(site);
	return start;
}

static int64_t time_parsing(const char *text, size_t size, size_t nodes)
{
	int64_t start = dp_cpu_us();
	json_error_t why;
	json_t *root = json_loadb(text, size, 0, &why);

	start = dp_cpu_us() - start;
	if (!root || !nodes)
		die(why.text);
	json_decref(root);
	return start;
}

/* In a process of its own, as a command does it: what one leaves behind costs the next nothing. */
static int64_t time_apart(int64_t (*time)(const char *text, size_t size, size_t nodes),
	const char *text, size_t size, size_t nodes)
{
	int64_t took = 0;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		die("no process");
	if (pid == 0) {
		took = time(text, size, nodes);
		_exit(write(fds[1], &took, sizeof(took)) != sizeof(took));
	}
	(void)close(fds[1]);
	if (read(fds[0], &took, sizeof(took)) != sizeof(took))
		die("a process ended early");
	(void)close(fds[0]);
	(void)waitpid(pid, NULL, 0);
	return took;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool judge(const char *what, int64_t *ours, int64_t *other, double bar)
{
	double ratio;

	qsort(ours, TURNS, sizeof(*ours), compare);
	qsort(other, TURNS, sizeof(*other), compare);
	ratio = (double)ours[TURNS / 2] / (double)other[TURNS / 2];
	(void)printf("%-50s %8.1f ms %8.1f ms   %.2f (at most %.1f)%s\n", what,
		(double)ours[TURNS / 2] / 1000, (double)other[TURNS / 2] / 1000, ratio, bar,
		ratio > bar ? "   MISSED" : "");
	return ratio <= bar;
}

int main(int argc, char **argv)
{
	int applications = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20000;
	int64_t ours[TURNS], parsing[TURNS], half[TURNS], again[TURNS];
	size_t nodes, size, half_size;
	char *text, *half_text;
	bool is_ok;

	if (applications < 2 || applications % 2)
		die("usage: site [APPLICATIONS]   (an even number)");
	nodes = (size_t)applications * COMPONENTS;
	text = print(applications, &size);
	half_text = print(applications / 2, &half_size);
	for (int i = 0; i < TURNS; i++) {
		ours[i] = again[i] = time_apart(time_ours, text, size, nodes);
		parsing[i] = time_apart(time_parsing, text, size, nodes);
		half[i] = time_apart(time_ours, half_text, half_size, nodes / 2);
	}
	is_ok = judge("site of many applications, against jansson alone", ours, parsing, 2);
	is_ok &= judge("  against half as many", again, half, 2.3);
	free(text);
	free(half_text);
	return is_ok ? 0 : 1;
}
