/* A site while its nodes are ordered. */
#ifndef DP_SITE_RANK_H
#define DP_SITE_RANK_H

#include <stdbool.h>

#include "model/site_graph.h"

struct dp_ranking {
	const struct deploy_site *site;
	struct dp_rows producers;     /* capability → nodes */
	struct dp_rows after, before; /* node → nodes that it waits for; that wait for it */
	uint32_t *rank;		      /* of each node, as if all were selected */
	bool *is_chosen;	      /* application */
	bool *is_selected;	      /* node */
	struct deploy_ranks *out;
	size_t notice_cap;
	unsigned told[DEPLOY_SITE_NOTICES][2]; /* notices; [1]: errors */
};

/* Tell everything that is wrong or strange, errors first. */
void dp_site_tell(struct dp_ranking *ranking);

#endif
