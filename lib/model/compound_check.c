/* The functions of -S against the data DDLs of this machine: their value, and what they are asked.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strset.h"
#include "deploy/ddl.h"
#include "deploy/filter.h"
#include "deploy/text.h"

static int find_data_ddl(struct deploy_ddl **out, char *const *dirs, size_t count,
	const char *function, struct deploy_error *err)
{
	*out = NULL;
	for (size_t i = 0; i < count && !*out && !err->code; i++) {
		char *path = dp_xasprintf("%s/data/%s_data.ddl", dirs[i], function);

		if (access(path, F_OK) == 0)
			(void)deploy_ddl_read_file(out, path, err);
		free(path);
	}
	return err->code;
}

static int check_value(const struct deploy_ddl_action *data,
	const struct deploy_compound_token *token, struct deploy_error *err)
{
	const char **names;
	const char *meant;

	if (deploy_ddl_output(data, token->value))
		return 0;
	names = dp_xcalloc(data->output_count, sizeof(*names));
	for (size_t i = 0; i < data->output_count; i++)
		names[i] = data->outputs[i].name;
	meant = deploy_text_suggest(token->value, names, data->output_count);
	if (meant)
		deploy_error_hint(err, "did you mean '%s'?", meant);
	free(names);
	return deploy_error_set(
		err, DEPLOY_USAGE, "function %s has no value '%s'", token->name, token->value);
}

/* What stands in the parentheses is the one input, called query. */
static int check_query(const struct deploy_ddl_action *data,
	const struct deploy_compound_token *token, struct deploy_error *err)
{
	const struct deploy_ddl_input *query = deploy_ddl_input(data, "query");
	json_t *inputs, *value = NULL;

	if (!query && token->params)
		return deploy_error_set(
			err, DEPLOY_USAGE, "function %s takes no parameter", token->name);
	if (!query || (!token->params && query->is_optional))
		return 0;
	inputs = json_object();
	if (token->params && deploy_ddl_convert(&value, query, token->params, err) == 0)
		(void)json_object_set_new(inputs, "query", value);
	if (!err->code)
		(void)deploy_ddl_check(data, inputs, NULL, err);
	json_decref(inputs);
	if (!err->code)
		return 0;
	err->code = DEPLOY_USAGE;
	return deploy_error_wrap(err, "function %s", token->name);
}

/* What cannot be checked here is sent: nodes check it, too. */
static int check_token(const struct deploy_compound_token *token, char *const *dirs, size_t count,
	struct dp_strset *warned, struct deploy_error *err)
{
	struct deploy_error why = {.code = DEPLOY_OK};
	struct deploy_ddl *ddl;

	if (find_data_ddl(&ddl, dirs, count, token->name, &why)) {
		if (dp_strset_add(warned, token->name))
			dp_log(DEPLOY_LOG_WARN, "function %s: %s; it is not checked", token->name,
				why.text);
	} else if (!ddl || ddl->kind != DEPLOY_DDL_DATA || ddl->action_count == 0 ||
		   ddl->actions[0].untyped_why) {
		if (dp_strset_add(warned, token->name))
			dp_log(DEPLOY_LOG_WARN,
				"function %s: without its data DDL neither its name nor its "
				"parameters and value can be checked here",
				token->name);
	} else if (check_value(&ddl->actions[0], token, err) == 0) {
		(void)check_query(&ddl->actions[0], token, err);
	}
	deploy_ddl_free(ddl);
	return err->code;
}

int deploy_filter_check_functions(const struct deploy_filter *filter, char *const *dirs,
	size_t count, struct deploy_error *err)
{
	struct dp_strset warned;

	dp_strset_init(&warned);
	for (size_t i = 0; i < filter->compound_count && !err->code; i++) {
		const struct deploy_compound *compound = &filter->compounds[i];

		for (size_t j = 0; j < compound->token_count && !err->code; j++)
			if (compound->tokens[j].name)
				(void)check_token(&compound->tokens[j], dirs, count, &warned, err);
	}
	dp_strset_release(&warned);
	return err->code ? deploy_error_wrap(err, "-S") : 0;
}
