/* What is wrong in a file that people wrote, and where: all of it is told at once. */
#ifndef DEPLOY_FLAW_H
#define DEPLOY_FLAW_H

#include "deploy/yaml.h"

#define DEPLOY_MAX_FLAWS 100 /* that are told; all are counted */

/* Borrowed from whatever was read. */
struct deploy_flaw {
	const char *file;
	struct deploy_place place; /* of what is wrong, or what lacks it; 0: not known */
	const char *pointer;	   /* RFC 6901; "" is the whole document. Foreign text. */
	const char *text;	   /* one line; what it quotes is escaped */
};

#endif
