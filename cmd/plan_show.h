/* A plan as people read it: what it wants to be told, its sets, and its steps as a tree. */
#ifndef PLAN_SHOW_H
#define PLAN_SHOW_H

#include "command.h"

void plan_show(struct out *out, const struct deploy_playbook *book);

/* The ids of its steps, one a line. */
void plan_show_ids(struct out *out, const struct deploy_playbook *book);

#endif
