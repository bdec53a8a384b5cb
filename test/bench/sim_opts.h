/* What simfleet is told on its command line; see simfleet.c. */
#ifndef BENCH_SIM_OPTS_H
#define BENCH_SIM_OPTS_H

#include "deeds.h"
#include "deploy/nodeset.h"

struct sim_opts {
	const char *collective, *log; /* log: NULL for none */
	unsigned long connections;
	unsigned long expect; /* 0: be a fleet */
	struct mischief mischief;
	struct deploy_nodeset *nodes, *absent;
};

/* Ends the process with a word if the command line is wrong. */
void sim_opts_parse(struct sim_opts *out, int argc, char **argv);

#endif
