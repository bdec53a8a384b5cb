/* Nodes that a file names: a list of one's own, or what another command printed. */
#ifndef DEPLOY_NODELIST_H
#define DEPLOY_NODELIST_H

#include <stddef.h>

#include "deploy/error.h"
#include "deploy/nodeset.h"

#define DEPLOY_NODELIST_MAX_BYTES (64 * 1024 * 1024)

/*
 * Add the nodes that len bytes of text name to set. name: what errors call the text. Told apart by
 * how the text begins:
 *   text   a node set on each line; '#' begins a comment, blanks around it do not matter
 *   JSON   (it begins with '[' or '{') an array of names, or of objects with sender, node or
 *          certname, as mco and -j print them; a document of -o json: the nodes of its items
 *   YAML   (its first line begins with "- " or "---", or holds ": " or ends with ':') the same
 * None at all is no error. Errors: DEPLOY_INPUT naming name, line and what is wrong; the set may
 * then hold some of the nodes.
 */
int deploy_nodelist_parse(struct deploy_nodeset *set, const char *name, const char *text,
	size_t len, struct deploy_error *err);

/* The same from a file; "-": from stdin, until it ends. Also DEPLOY_NO_INPUT if it cannot be read. */
int deploy_nodelist_read(struct deploy_nodeset *set, const char *path, struct deploy_error *err);

#endif
