/* jansson says whether it is JSON, the reader of YAML where everything stands. */
#include "model/document.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/text.h"

static bool is_json(const char *text, size_t len)
{
	while (len && strchr(" \t\r\n", *text)) {
		text++;
		len--;
	}
	return len && (*text == '{' || *text == '[');
}

static int fail_json(const char *name, const json_error_t *problem, struct deploy_error *err)
{
	char *why = deploy_text_escape(problem->text, strlen(problem->text));

	(void)deploy_error_set(
		err, DEPLOY_INPUT, "%s:%d:%d: %s", name, problem->line, problem->column, why);
	free(why);
	return err->code;
}

static int read_yaml(struct dp_document *out, const char *name, const char *text, size_t len,
	struct deploy_error *err)
{
	if (deploy_yaml_read(&out->yaml, name, text, len, err)) {
		if (len > DEPLOY_YAML_MAX_BYTES)
			deploy_error_hint(err, "write it as JSON, of which more is read");
		return err->code;
	}
	out->root = json_incref(deploy_yaml_root(out->yaml));
	return 0;
}

int dp_document_read(struct dp_document *out, const char *name, const char *text, size_t len,
	struct deploy_error *err)
{
	json_error_t problem;

	*out = (struct dp_document){0};
	if (!is_json(text, len))
		return read_yaml(out, name, text, len, err);
	out->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	return out->root ? 0 : fail_json(name, &problem, err);
}

void dp_document_release(struct dp_document *doc)
{
	json_decref(doc->root);
	deploy_yaml_free(doc->yaml);
	*doc = (struct dp_document){0};
}

void dp_document_locate(struct dp_document *doc, const char *name, const char *text, size_t len)
{
	struct deploy_error ignored = {.code = DEPLOY_OK};

	if (doc->yaml || deploy_yaml_read(&doc->yaml, name, text, len, &ignored))
		return;
	json_decref(doc->root);
	doc->root = json_incref(deploy_yaml_root(doc->yaml));
}
