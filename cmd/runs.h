/* Runs as the state file keeps them: rows of a table, and items of a document. */
#ifndef RUNS_H
#define RUNS_H

#include "command.h"

/* RUN STARTED KIND STATE EXIT OK FAILED SILENT UNKNOWN COMMAND */
struct out_table *runs_table_new(void);
void runs_table_add(struct out_table *table, const struct deploy_run_record *run);

/* A new reference. */
json_t *runs_item(const struct deploy_run_record *run);

/* True of a plan's run that came to its end too early: deployctl resume goes on with it. */
bool runs_can_resume(const struct deploy_run_record *run);

/* Nodes of which nobody will ever learn more; those still asked by a run that lives are not. */
size_t runs_unknown(const struct deploy_run_record *run);

#endif
