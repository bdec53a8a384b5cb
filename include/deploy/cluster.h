/*
 * Who has which role: read from cluster files, or said one by one; and the facts that nodes get by it.
 *
 * A cluster file is JSON or YAML (deploy/yaml.h), told apart by how it begins:
 *   buildoop_repository   URI of the packages, required
 *   environment_cluster   the cluster's name, required: ^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$. It becomes
 *                         the fact collection, and may name a Puppet environment, hence no '/'
 *   environment_path      where the environment's working copy is, optional
 *   environment_branch    its branch, optional
 *   cluster_layout        required:
 *     name                nameservice of the cluster, required
 *     batch               nn1, nn2, rm: one host each; dn: a list of hosts; all required
 *     bus                 name; NAME-worker: a list of hosts
 *     speed, serving      name; NAME-master: one host; NAME-worker: a list of hosts
 * At least one of the four layers; those that are not there are skipped. master and worker stand for
 * NAME-master and NAME-worker. A host is {hostname: IDENTITY, entity: [TEXT, …]}, entity optional.
 * Source: deploop's conf.schema, except for the names of clusters, which that limits to three.
 */
#ifndef DEPLOY_CLUSTER_H
#define DEPLOY_CLUSTER_H

#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"
#include "deploy/flaw.h"

#define DEPLOY_CLUSTER_MAX_BYTES (32 * 1024 * 1024) /* of one file; of YAML 1 MiB */
#define DEPLOY_CLUSTER_MAX_HOSTS 100000

enum deploy_layer {
	DEPLOY_LAYER_BATCH,
	DEPLOY_LAYER_BUS,
	DEPLOY_LAYER_SPEED,
	DEPLOY_LAYER_SERVING,
	DEPLOY_LAYER_NONE /* the role comes from no file */
};

/* "batch", "bus", "speed", "serving"; "-" for none. Borrowed, static. */
const char *deploy_layer_name(enum deploy_layer layer);

/* One role of one node. All texts are borrowed from the set, or from who adds it. */
struct deploy_role {
	const char *node;	/* an identity */
	enum deploy_layer layer;
	const char *collection; /* the cluster */
	const char *category;	/* the layer's name, unless added one by one */
	const char *role;	/* "nn1", "storm-worker" */
	const char *entity;	/* entities, a blank between two; "" for none */
	const char *file;	/* NULL if it comes from no file */
	const char *pointer;	/* where in the file: "/cluster_layout/batch/dn/3"; likewise */
};

/* Roles of nodes, in the order of files, in a file of layers, in a layer as they stand. */
struct deploy_roles;

struct deploy_roles *deploy_roles_new(void);
void deploy_roles_free(struct deploy_roles *roles);

/*
 * Add what a cluster file says, and check it whole: everything that is wrong becomes a flaw, and
 * while there is one the roles are not to be used. Across files too: wrong are a host in two files,
 * or twice in a layer; two names of one host (short and long, or different in case only); two files
 * of one cluster; values that nodes refuse: each word of A-Z a-z 0-9 _ . : / -, together at most
 * DEPLOY_FACT_VALUE_MAX bytes for a fact. name: what errors call the text. Time is linear.
 * Errors: DEPLOY_INPUT "name:line:column: why" if it is neither JSON nor YAML as we read them.
 */
int deploy_roles_read(struct deploy_roles *roles, const char *name, const char *text, size_t len,
	struct deploy_error *err);

/* The same from a file; "-": from stdin, until it ends. Also DEPLOY_NO_INPUT if it cannot be read. */
int deploy_roles_read_file(struct deploy_roles *roles, const char *path, struct deploy_error *err);

/* All of them, told or not; told are the first DEPLOY_MAX_FLAWS. */
size_t deploy_roles_flaw_count(const struct deploy_roles *roles);
/* The told ones stand one behind the other. */
const struct deploy_flaw *deploy_roles_flaw(const struct deploy_roles *roles, size_t index);

/*
 * Add one role, which is copied; layer, file and pointer are not looked at. Commas may stand between
 * entities too. Errors: DEPLOY_USAGE naming the value that a node would refuse, or the other name of
 * the same host; the set is then to be freed.
 */
int deploy_roles_add(
	struct deploy_roles *roles, const struct deploy_role *role, struct deploy_error *err);

/* Forget the roles of other layers (bits 1 << layer), and of other collections (NULL: of none). */
void deploy_roles_keep(struct deploy_roles *roles, unsigned layers, const char *collection);

size_t deploy_roles_count(const struct deploy_roles *roles);
const struct deploy_role *deploy_roles_get(const struct deploy_roles *roles, size_t index);

/*
 * What the roles come to: [{"node": "dn1", "facts": {"deploop_collection": "prod",
 * "deploop_category": "batch serving", "deploop_role": "dn hbase-master", "deploop_entity": "hdfs"}}]
 * with the usual names, one item a node, as nodes first appear. A fact is a set of words in the
 * order in which they first appear; without entities there is no such fact. names: of the facts, by
 * enum deploy_role_part. New reference.
 */
json_t *deploy_roles_facts(const struct deploy_roles *roles, const char *const *names);

#endif
