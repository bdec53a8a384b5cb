/* What expressions of a plan may ask for beside its values: facts that are known, and secrets. */
#include <stdlib.h>
#include <string.h>

#include "play_acts.h"

#define COMMAND_MS 5000 /* nodes wait while a command tells a secret */

enum { FACT, SECRET, FUNCTIONS };

/* functions comes first: it is what callers have. */
struct functions {
	struct deploy_expr_function functions[FUNCTIONS];
	struct ctx *ctx;
	void (*hide)(void *arg, json_t *value);
	void *hide_arg;
	json_t *opened; /* reference as text → secret */
};

struct search {
	const char *name;
	json_t *value;
};

static int take_fact(void *arg, const struct deploy_node_record *node)
{
	struct search *search = arg;

	search->value = json_incref(json_object_get(node->facts, search->name));
	return 0;
}

static int call_fact(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	const struct functions *own = arg;
	const char *node = json_string_value(json_array_get(args, 0));
	struct search search = {.name = json_string_value(json_array_get(args, 1))};

	*out = NULL;
	if (json_array_size(args) != 2 || !node || !search.name)
		return deploy_error_set(err, DEPLOY_INPUT,
			"fact() wants a node and the name of a fact: fact('web1', 'country')");
	if (ctx_state(own->ctx, false, err) == 0)
		(void)deploy_state_node(own->ctx->state, node, take_fact, &search, err);
	if (err->code)
		json_decref(search.value);
	else
		*out = search.value;
	return err->code;
}

static int open_secret(
	struct functions *own, const char *key, const json_t *reference, struct deploy_error *err)
{
	char *text;
	json_t *value;

	if (deploy_secret_open(&text, reference, COMMAND_MS, err))
		return err->code;
	value = json_string(text);
	if (value) {
		own->hide(own->hide_arg, value);
		(void)json_object_set_new(own->opened, key, value);
	} else {
		(void)deploy_error_set(err, DEPLOY_CONFIG, "%s is not UTF-8", key);
	}
	memset(text, 0, strlen(text));
	free(text);
	return err->code;
}

static int call_secret(void *arg, json_t **out, const json_t *args, struct deploy_error *err)
{
	struct functions *own = arg;
	const json_t *reference = json_array_get(args, 0);
	char *key;

	*out = NULL;
	if (json_array_size(args) != 1 || !json_is_object(reference))
		return deploy_error_set(err, DEPLOY_INPUT,
			"secret() wants to be told where it is: secret({file = '/etc/x'}), "
			"{env = 'X'} or {cmd = {'pass', 'x'}}");
	key = json_dumps(reference, JSON_COMPACT | JSON_SORT_KEYS);
	if (json_object_get(own->opened, key) || open_secret(own, key, reference, err) == 0)
		*out = json_incref(json_object_get(own->opened, key));
	free(key);
	return err->code;
}

const struct deploy_expr_function *play_functions(
	struct ctx *ctx, void (*hide)(void *arg, json_t *value), void *hide_arg, size_t *count)
{
	struct functions *own = out_resize(NULL, sizeof(*own));

	*own = (struct functions){.functions = {[FACT] = {"fact", call_fact, own},
					  [SECRET] = {"secret", call_secret, own}},
		.ctx = ctx,
		.hide = hide,
		.hide_arg = hide_arg,
		.opened = json_object()};
	*count = FUNCTIONS;
	return own->functions;
}

void play_functions_free(const struct deploy_expr_function *functions)
{
	struct functions *own = functions ? functions[FACT].arg : NULL;

	if (own)
		json_decref(own->opened);
	free(own);
}
