/* A site as it was read: what stands in the document, in an order that its keys do not change. */
#ifndef DP_SITE_H
#define DP_SITE_H

#include <stdint.h>

#include "deploy/site.h"
#include "model/spot.h"

/* Capabilities are numbers, in no order that means something. */
struct dp_site_component {
	const char *name;
	uint32_t application, node;	   /* places */
	uint32_t produced, produced_count; /* produces capabilities[produced], … */
	uint32_t consumed, consumed_count; /* likewise */
};

/* All names are borrowed from root. */
struct deploy_site {
	char *name; /* of the document */
	json_t *root;
	const char *environment;
	const char **applications; /* sorted bytewise */
	uint32_t application_count;
	const char **nodes; /* sorted bytewise */
	uint32_t node_count;
	/* Those of a node together: node i has those from component_start[i] on. Sorted by node,
	 * application, name. */
	struct dp_site_component *components;
	uint32_t *component_start;
	uint32_t component_count;
	uint32_t *capabilities; /* of all components */
	const char **capability_names;
	uint32_t capability_count;
	struct dp_flaws flaws;
};

/* Bring what was read in any order into its own: places instead of numbers. */
void dp_site_arrange(struct deploy_site *site);

#endif
