/*
 * Site graphs: applications whose components produce and consume capabilities, each on a node; and
 * the order that follows. Source: Puppet's application orchestration, GET
 * /puppet/v3/environment/ENV.
 *
 * A document is JSON or YAML (deploy/yaml.h), told apart by how it begins:
 *   environment    its name, required
 *   applications   required: "Lamp[app1]" → its components, "Lamp::Mysql[app1]" → a component:
 *     produces     a list of capabilities ("Mysql[app1]"), required, may be empty
 *     consumes     likewise
 *     node         the certname of the node that it is on, required, an identity
 * Other keys are not looked at. A component is known by its application and its name: two
 * applications may have components of the same name.
 *
 * A node has the components that all applications have on it. It waits for every node that produces
 * something it consumes, for all of several; what it produces itself is nothing to wait for.
 */
#ifndef DEPLOY_SITE_H
#define DEPLOY_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/ca.h"
#include "deploy/error.h"
#include "deploy/flaw.h"

#define DEPLOY_SITE_MAX_BYTES (256 * 1024 * 1024) /* of one document; of YAML 1 MiB */
#define DEPLOY_SITE_MAX_WAITS 10000000		  /* pairs of a node and one that it waits for */

struct deploy_site;

/*
 * Read a document, and check it whole: everything that is wrong becomes a flaw, and while there is
 * one the site is not to be used. name: what errors call the text. At most DEPLOY_MAX_NODES nodes.
 * Errors: DEPLOY_INPUT "name:line:column: why" if it is neither JSON nor YAML as we read them, or
 * has a key twice. Caller frees with deploy_site_free(). Time is linear.
 */
int deploy_site_read(struct deploy_site **out, const char *name, const char *text, size_t len,
	struct deploy_error *err);

/* The same from a file; "-": from stdin, until it ends. Also DEPLOY_NO_INPUT if it cannot be read.
 */
int deploy_site_read_file(struct deploy_site **out, const char *path, struct deploy_error *err);
void deploy_site_free(struct deploy_site *site);

/* All of them, told or not; told are the first DEPLOY_MAX_FLAWS. */
size_t deploy_site_flaw_count(const struct deploy_site *site);
/* The told ones stand one behind the other. */
const struct deploy_flaw *deploy_site_flaw(const struct deploy_site *site, size_t index);

/* Borrowed. */
const char *deploy_site_environment(const struct deploy_site *site);

/* Which part of a site. */
struct deploy_site_selection {
	const char *const *instances; /* "Lamp[app1]": only the nodes of these; none: all nodes */
	size_t instance_count;
	bool with_deps; /* and the nodes that those wait for, and so on */
};

enum deploy_site_notice_kind {
	DEPLOY_SITE_CYCLE,	/* nodes wait for each other */
	DEPLOY_SITE_UNPRODUCED, /* a capability is consumed, and nobody produces it */
	DEPLOY_SITE_PRODUCERS,	/* several components produce a capability */
	DEPLOY_SITE_OUTSIDE,	/* a node that is not selected produces what one that is consumes */
	DEPLOY_SITE_CATALOG, /* nodes also run what an application has on them that nobody named */
	DEPLOY_SITE_ALIKE,   /* nodes whose names differ in case only */
	DEPLOY_SITE_NOTICES
};

/* "cycle", "unproduced", …; never NULL. Borrowed, static. */
const char *deploy_site_notice_name(enum deploy_site_notice_kind kind);

#define DEPLOY_SITE_MAX_NOTICES 1000 /* of a kind, errors and others each; all are counted */

struct deploy_site_notice {
	enum deploy_site_notice_kind kind;
	bool is_error; /* of a cycle, or a capability that is unproduced: touches a selected node */
	char *text;    /* one line; names of the document are escaped, long ones cut */
};

/* A component of a node. */
struct deploy_site_component {
	const char *application, *name;
	bool is_chosen; /* the application is one of the instances, or there were none to choose */
};

/*
 * The nodes that are selected, in their order. A node is known by its place in nodes. All names are
 * borrowed from the site, which must live as long.
 */
struct deploy_ranks {
	const char *environment;
	const char **nodes; /* sorted bytewise */
	size_t node_count;
	const char **applications; /* those chosen, sorted bytewise */
	size_t application_count;

	/* Of node i: components[component_start[i]] … before component_start[i + 1], sorted by
	 * application, then by name, bytewise. */
	struct deploy_site_component *components;
	uint32_t *component_start;

	/* Node i waits for after[start[i]] … before start[i + 1], sorted; each is selected. */
	uint32_t *start, *after;
	/* For node i wait dependents[dependent_start[i]] … before dependent_start[i + 1], sorted.
	 */
	uint32_t *dependent_start, *dependents;

	/* Rank r is by_rank[rank_start[r]] … before rank_start[r + 1], sorted. Rank 0 waits for
	 * nobody, a node of another one for at least one node of the rank before. */
	size_t rank_count;
	uint32_t *rank; /* of node i */
	uint32_t *rank_start, *by_rank;

	struct deploy_site_notice *notices; /* errors first, then kind after kind */
	size_t notice_count, error_count;   /* error_count: of notices */
	size_t untold_count;		    /* of those beyond DEPLOY_SITE_MAX_NOTICES */
};

/*
 * Select nodes, and order them: a node's rank is one above the highest of those that it waits for.
 * A site without nodes is no error. selection: NULL for all. Only a site without flaws. A cycle, or
 * a capability that nobody produces, fails if it touches a selected node; otherwise it is a notice,
 * as is everything else that is strange. *out: set as well if it fails for that: then it has the
 * notices, of which error_count say why (the first one err says), and nothing else; otherwise NULL.
 * Caller frees with deploy_ranks_free(). Time is linear in the site and the pairs of nodes that
 * wait, but for sorting names; nothing recurses. Errors: DEPLOY_USAGE for an instance that there is
 * not, with the one meant; DEPLOY_INPUT for a cycle, with its nodes and capabilities, or for more
 * than DEPLOY_SITE_MAX_WAITS; DEPLOY_REFUSED for a capability that nobody produces.
 */
int deploy_site_rank(struct deploy_ranks **out, const struct deploy_site *site,
	const struct deploy_site_selection *selection, struct deploy_error *err);
void deploy_ranks_free(struct deploy_ranks *ranks);

/*
 * Ask a Puppet Server for the document of an environment, at most DEPLOY_SITE_MAX_BYTES. signal_fd:
 * readable when we are to stop; -1: none. *out: *len bytes and a NUL, freed with free().
 * Errors: DEPLOY_USAGE for what cannot be an environment's name; those of deploy_ca_list(), of
 * which DEPLOY_AUTH names the rule that the server's auth.conf needs (403), and DEPLOY_PROTOCOL
 * says what to do if the server no longer has such documents (404).
 */
int deploy_site_fetch(char **out, size_t *len, const struct deploy_ca_settings *settings,
	const char *environment, int signal_fd, struct deploy_error *err);

#endif
