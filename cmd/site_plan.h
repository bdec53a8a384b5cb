/* From --site to the nodes that Puppet runs on, and their order. */
#ifndef SITE_PLAN_H
#define SITE_PLAN_H

#include "command.h"

#define SITE_INSTANCES_MAX 256

struct site_opts {
	const char *source; /* --site; NULL: none */
	struct site_instances {
		const char *names[SITE_INSTANCES_MAX];
		size_t count;
	} instances;
	bool with_deps, noop;
	int schedule, on_fail; /* into schedule_names, on_fail_names */
	struct deploy_policy policy;
	struct deploy_limit limit;
	unsigned canary;
	const char *tags;
	long long timeout_ms, idle_ms, run_ms;
	/* Of a run that goes on, as it began; else NULL. */
	const char *collective, *environment;
};

enum { SITE_BY_RANKS, SITE_WHEN_READY };
enum { SITE_ENABLE, SITE_KEEP_DISABLED };

extern const struct opt site_options[];

/* Errors: DEPLOY_USAGE for options of sites although there is none. */
int site_check_absent(const struct site_opts *opts, struct deploy_error *err);

/* Errors: DEPLOY_USAGE for options that exclude each other. */
int site_check_opts(const struct site_opts *opts, struct deploy_error *err);

/* A site, ordered. */
struct site_plan {
	struct deploy_site *site;
	struct deploy_ranks *ranks;
	char *file;			 /* absolute, or "site:ENVIRONMENT" */
	char digest[DEPLOY_DIGEST_SIZE]; /* of all that decides the order */
};

/*
 * Read a site (a file, "-", or an environment of the Puppet Server), check it and order it. All
 * flaws and notices are shown. Errors: those of deploy_site_read_file(), deploy_site_fetch(),
 * deploy_site_rank(). To be released also then.
 */
int site_plan_read(struct site_plan *plan, struct ctx *ctx, const struct site_opts *opts,
	struct deploy_error *err);
void site_plan_release(struct site_plan *plan);

/* --dry-run: show the order in the format of ctx->out. */
void site_plan_show(const struct site_plan *plan, struct ctx *ctx, struct deploy_error *err);

/* Some of the nodes, with what they wait for among them. */
struct site_part {
	struct deploy_nodeset *nodes;
	uint32_t *rank, *start, *after; /* by the place in nodes */
	size_t ranks;
};

/*
 * Those for which keep holds; ranks keep their numbers, also if nobody is left in one. canary: so
 * many nodes of the order, fewer than the first rank has, are a rank of their own before it; 0: none.
 */
void site_part_make(struct site_part *part, const struct deploy_ranks *ranks, const bool *keep,
	size_t canary);
void site_part_release(struct site_part *part);

/*
 * What a process that goes on must know, a new reference; and back, with strings borrowed. What is
 * recorded is told from other runs by site_is_recorded().
 */
json_t *site_opts_json(
	const struct site_opts *opts, const char *collective, const char *environment);
bool site_is_recorded(const json_t *options);
void site_opts_take(struct site_opts *opts, const json_t *options);

#endif
