/*
 * Putting a DDL together from properties, for both readers. Properties are an object; validation in
 * it is {"regex": …}, {"validator": …}, {"list": […]} or null. Errors: DEPLOY_INPUT, without place.
 */
#ifndef DP_DDL_PARTS_H
#define DP_DDL_PARTS_H

#include "deploy/ddl.h"

/* Readers fill in the rest of *ddl, which has its agent and path. Errors have their place. */
int dp_ddl_read_ruby(
	struct deploy_ddl *ddl, const char *text, size_t len, struct deploy_error *err);
int dp_ddl_read_json(
	struct deploy_ddl *ddl, const char *text, size_t len, struct deploy_error *err);

int dp_ddl_set_metadata(struct deploy_ddl *ddl, const json_t *properties, struct deploy_error *err);

/* The action of that name, made if there is none. Borrowed till the next one is made. */
struct deploy_ddl_action *dp_ddl_add_action(struct deploy_ddl *ddl, const char *name);

void dp_ddl_describe(struct deploy_ddl_action *action, const char *description);

/* What is called the same is replaced, as in Ruby's hash. */
int dp_ddl_add_input(struct deploy_ddl_action *action, const char *name, const json_t *properties,
	struct deploy_error *err);
int dp_ddl_add_output(struct deploy_ddl_action *action, const char *name, const json_t *properties,
	struct deploy_error *err);

/* arguments: object or NULL; its format, a text, is taken out of it, unless format is given. */
int dp_ddl_add_aggregate(struct deploy_ddl_action *action, const char *function, const char *output,
	const json_t *arguments, const json_t *format, struct deploy_error *err);
int dp_ddl_set_display(
	struct deploy_ddl_action *action, const char *name, struct deploy_error *err);

/* Nothing is known of the action's arguments; why is copied. */
void dp_ddl_untype(struct deploy_ddl_action *action, const char *why);

#endif
