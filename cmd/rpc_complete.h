/* Completion of rpc's operands, from the DDLs of this machine. */
#ifndef RPC_COMPLETE_H
#define RPC_COMPLETE_H

#include "completion.h"

/* For struct command: agents, then the agent's actions, then the action's inputs. */
void rpc_complete(struct completion *completion, struct args operands);

#endif
