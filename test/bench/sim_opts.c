/* "--name value" pairs, then a node set. */
#include "sim_opts.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

enum kind { TEXT, COUNT, SEED, PERCENT, TIME, DELAY, NODES };

struct sim_opt {
	const char *name;
	enum kind kind;
	size_t offset; /* of its value in struct sim_opts */
};

static const struct sim_opt table[] = {
	{"--collective", TEXT, offsetof(struct sim_opts, collective)},
	{"--connections", COUNT, offsetof(struct sim_opts, connections)},
	{"--seed", SEED, offsetof(struct sim_opts, mischief.seed)},
	{"--delay", DELAY, offsetof(struct sim_opts, mischief)},
	{"--delayed", PERCENT, offsetof(struct sim_opts, mischief.delayed)},
	{"--drop", PERCENT, offsetof(struct sim_opts, mischief.kinds[DEED_DROP])},
	{"--forge", PERCENT, offsetof(struct sim_opts, mischief.kinds[DEED_FORGE])},
	{"--truncate", PERCENT, offsetof(struct sim_opts, mischief.kinds[DEED_TRUNCATE])},
	{"--late", PERCENT, offsetof(struct sim_opts, mischief.kinds[DEED_LATE])},
	{"--late-time", TIME, offsetof(struct sim_opts, mischief.late_ms)},
	{"--duplicate", PERCENT, offsetof(struct sim_opts, mischief.duplicate)},
	{"--fail", PERCENT, offsetof(struct sim_opts, mischief.fail)},
	{"--absent", NODES, offsetof(struct sim_opts, absent)},
	{"--log", TEXT, offsetof(struct sim_opts, log)},
	{"--expect", COUNT, offsetof(struct sim_opts, expect)},
};

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "simfleet: %s: %s\n", what, why);
	exit(64);
}

static unsigned long parse_number(const char *text)
{
	if (!*text || strspn(text, "0123456789") != strlen(text))
		die(text, "no number");
	return strtoul(text, NULL, 10);
}

static double parse_percent(const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || (*end && strcmp(end, "%") != 0) || !(percent >= 0 && percent <= 100))
		die(text, "no share in per cent");
	return percent;
}

static long long parse_time(const char *text)
{
	struct deploy_error err = {0};
	long long ms;

	if (deploy_time_parse(&ms, text, &err))
		die(text, err.text);
	return ms;
}

/* "MIN-MAX", or one time for both. */
static void parse_delay(struct mischief *mischief, const char *text)
{
	size_t len = strcspn(text, "-");
	char *min = dp_xstrndup(text, len);

	mischief->delay_min_ms = parse_time(min);
	mischief->delay_max_ms = text[len] ? parse_time(text + len + 1) : mischief->delay_min_ms;
	if (mischief->delay_max_ms < mischief->delay_min_ms)
		die(text, "ends before it begins");
	free(min);
}

static void parse_nodes(struct deploy_nodeset *set, const char *text)
{
	struct deploy_error err = {0};

	if (deploy_nodeset_parse(set, text, &err))
		die(text, err.text);
}

static void take(struct sim_opts *out, const struct sim_opt *opt, const char *text)
{
	void *value = (char *)out + opt->offset;

	switch (opt->kind) {
	case TEXT:
		*(const char **)value = text;
		break;
	case COUNT:
		*(unsigned long *)value = parse_number(text);
		if (*(unsigned long *)value == 0)
			die(text, "must be at least 1");
		break;
	case SEED:
		*(uint64_t *)value = parse_number(text);
		break;
	case PERCENT:
		*(double *)value = parse_percent(text);
		break;
	case TIME:
		*(long long *)value = parse_time(text);
		break;
	case DELAY:
		parse_delay(value, text);
		break;
	case NODES:
		parse_nodes(*(struct deploy_nodeset **)value, text);
		break;
	}
}

static const struct sim_opt *find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	die(name, "no such option; they are told at the top of simfleet.c");
}

void sim_opts_parse(struct sim_opts *out, int argc, char **argv)
{
	double sum = 0;
	int at = 1;

	*out = (struct sim_opts){.collective = "sim",
		.connections = 4,
		.mischief = {.seed = 1, .delayed = 100, .late_ms = 5000},
		.nodes = deploy_nodeset_new(),
		.absent = deploy_nodeset_new()};
	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2)
		take(out, find(argv[at]), argv[at + 1]);
	if (at != argc - 1)
		die("usage", "simfleet [OPTIONS] NODESET");
	parse_nodes(out->nodes, argv[at]);
	for (int kind = DEED_DROP; kind < DEED_KINDS; kind++)
		sum += out->mischief.kinds[kind];
	if (sum > 100)
		die("drop, forge, truncate and late", "more than 100 per cent together");
}
