/* TEMPORARY */
#include "plan_inputs.h"
#include <string.h>
#include "detach.h"
int plan_inputs(json_t **out, struct ctx *ctx, const struct deploy_playbook *book,
	struct args words, const char *params, bool may_ask, json_t *before, struct deploy_error *err)
{
	json_t *w = json_object(), *missing = NULL;
	(void)ctx;(void)params;(void)may_ask;
	for (int i = 0; i < words.count; i++) (void)deploy_request_parse_input(w, words.values[i], err);
	if (!err->code) (void)deploy_playbook_inputs(out, &missing, book, before, w, err);
	if (!err->code && json_array_size(missing)) (void)deploy_error_set(err, DEPLOY_USAGE, "missing");
	json_decref(missing); json_decref(w);
	return err->code;
}
int detach(struct ctx *ctx, int *fd, struct deploy_error *err) { (void)ctx; *fd = -1; return err->code; }
void detach_ready(int fd, const char *id) { (void)fd; (void)id; }
