/*
 * Expressions about a reply: "data.exitcode == 0". They see node, data, statuscode and statusmsg;
 * those of a plan also what else its world has.
 */
#ifndef DEPLOY_REPLY_EXPR_H
#define DEPLOY_REPLY_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/error.h"
#include "deploy/expr.h"
#include "deploy/nodeset.h"
#include "deploy/outcome.h"

/*
 * Compile an expression that sees a reply and nothing else. label as in deploy_expr_new(). Caller
 * frees with deploy_expr_free().
 * Errors: those of deploy_expr_new() and of deploy_expr_check(), which then also lists the names.
 */
int deploy_reply_expr_new(
	struct deploy_expr **out, const char *label, const char *text, struct deploy_error *err);

/*
 * Says of replies whether they are good enough. Zero-initialise, fill in the first part, which is
 * borrowed, and call deploy_reply_judge_release() at the end. The names of world are those that it
 * has at the first reply.
 */
struct deploy_reply_judge {
	struct deploy_expr *until, *fail_when, *changed_when; /* NULL: not asked */
	const struct deploy_expr_world *world; /* other names and functions; NULL: none */

	struct deploy_nodeset *changed; /* for which changed_when held in any try; NULL: none */
	json_t *values;			/* of world, and of the reply that is looked at */
};

void deploy_reply_judge_release(struct deploy_reply_judge *judge);

/* Evaluate one condition about a reply in judge's world. Errors: those of deploy_expr_test(). */
int deploy_reply_judge_test(bool *out, struct deploy_reply_judge *judge, struct deploy_expr *expr,
	const char *node, const struct deploy_outcome *reply, struct deploy_error *err);

/*
 * For struct deploy_judge, arg is a struct deploy_reply_judge: true if the node did what it should.
 *   status code 2 to 5, as failed   false: the agent has not even tried, or has crashed on the way
 *   fail_when holds                 false: "fail_when met: EXPR"
 *   until, if there is one          says it, also of what failed: "until not met: EXPR"
 *   otherwise                       true if reply is ok
 * What a failed node says itself comes first: "disk full; until not met: EXPR". A condition that
 * cannot be evaluated makes it false, and why says so.
 */
bool deploy_reply_judge(
	void *arg, const char *node, const struct deploy_outcome *reply, char *why, size_t size);

#endif
