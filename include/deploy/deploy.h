/*
 * libdeploy: tell a fleet of MCollective nodes what to do, a bounded number at a time, and know
 * afterwards what happened on each of them. This header includes all others.
 *
 * One word per concept, here and in the command line:
 *   node        a machine that runs MCollective, known by its identity ("web01.example.net")
 *   nodeset     a set of identities: "web[01-20].example.net"
 *   collective  a part of the fleet with exchanges of its own at the broker
 *   agent       what answers on a node; it has actions with inputs and outputs
 *   fact, class what a node says about itself; a filter chooses nodes by them
 *   request     an action with its inputs, sent to nodes; a reply comes from one sender
 *   discovery   asking everyone that matches a filter who is there
 *   act         what takes more than one request to do to a node: push facts, clean a certificate
 *   task        a request or an act, the nodes it is for, and a policy (batch, window, tries, limits)
 *   certname    the name that a node's certificate of the Puppet CA is for
 *   playbook    a plan as its file says it: inputs, sets of nodes, steps, which become tasks
 *   flaw        what is wrong in a file, with its place; all of a file's are told at once
 *   plan        tasks, and which need which; a run carries it out; an event tells what happened
 *   director    who adds tasks to a plan while it runs; a judge says what an answer is worth
 *   outcome     what became of a node: ok, failed, silent, unknown, skipped, cancelled
 *   expression  what is computed from inputs, replies and results: "data.exitcode == 0"
 *   role        what a node is in a cluster: its collection, category, role and entities, as facts
 *   site        applications, their components, and which node each is on
 *   capability  what components produce and consume, and so wait for each other
 *   rank        nodes of a site that may run together: those of the ranks before are done
 *   silent      asked and did not answer in time; "not connected" is a silent node without a queue
 *   unknown     we were cut off before learning the outcome
 *   state       what is kept between runs: nodes, runs, assigned facts; a journal records a run
 *   lock        what one run at a time may hold: "cluster/alfa"
 *   act, look   a run that is recorded node by node; one that only asks how things are
 *
 * Ownership: a returned pointer is borrowed from the object argument; a T **out first argument is the
 * caller's to free; const char * arguments are copied if kept; "take" in a name means ownership moves.
 */
#ifndef DEPLOY_DEPLOY_H
#define DEPLOY_DEPLOY_H

#include "deploy/ca.h"
#include "deploy/cluster.h"
#include "deploy/config.h"
#include "deploy/ddl.h"
#include "deploy/error.h"
#include "deploy/event.h"
#include "deploy/expr.h"
#include "deploy/fact.h"
#include "deploy/filter.h"
#include "deploy/finding.h"
#include "deploy/flaw.h"
#include "deploy/history.h"
#include "deploy/journal.h"
#include "deploy/lock.h"
#include "deploy/log.h"
#include "deploy/names.h"
#include "deploy/nodelist.h"
#include "deploy/nodeset.h"
#include "deploy/outcome.h"
#include "deploy/plan.h"
#include "deploy/play.h"
#include "deploy/playbook.h"
#include "deploy/puppet.h"
#include "deploy/push.h"
#include "deploy/reply_expr.h"
#include "deploy/request.h"
#include "deploy/run.h"
#include "deploy/site.h"
#include "deploy/site_run.h"
#include "deploy/secret.h"
#include "deploy/stage.h"
#include "deploy/state.h"
#include "deploy/text.h"
#include "deploy/traits.h"
#include "deploy/yaml.h"

#endif
