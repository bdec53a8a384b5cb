/* The order of a site's nodes: for people, for programs, and as a picture. */
#ifndef SITE_SHOW_H
#define SITE_SHOW_H

#include "command.h"

/*
 * Environment, counts, applications, then each rank with its nodes and what they have, a line
 * "App -> Component, Component" each. Ranks are numbered from 1 on, as in the other forms.
 */
void site_show(struct out *out, const struct deploy_ranks *ranks);

/* The names of the nodes, one a line, in the order of ranks. */
void site_show_names(struct out *out, const struct deploy_ranks *ranks);

/*
 * Items for out_document(), a new reference:
 * [{"rank": 1, "nodes": ["dev1"], "components": {"dev1": {"Lamp[app1]": ["Lamp::Mysql[app1]"]}}},
 * …]
 */
json_t *site_show_items(const struct deploy_ranks *ranks);

/* {"environment": …, "applications": [names], "nodes": count, "ranks": count, "notices": [{"kind",
 * "error": bool, "text"}]}, a new reference. */
json_t *site_show_summary(const struct deploy_ranks *ranks);

/* A graph in the language of Graphviz; an arrow leads to who waits. */
void site_show_dot(struct out *out, const struct deploy_ranks *ranks);

/* On stderr, a line each: those that are no error, and of the errors all but the first, which is
 * what deploy_site_rank() said. ranks may be NULL. */
void site_show_notices(struct out *out, const struct deploy_ranks *ranks);

#endif
