/* What a request asks for beside a certificate for its own name, and whether it may have it. */
#include "puppet/ca.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_in(const json_t *allowed, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach(allowed, i, one)
	{
		const char *word = json_string_value(one);

		if (word && strcmp(word, text) == 0)
			return true;
	}
	return false;
}

/* As an alternative name its own gives a node nothing. */
static bool is_own(const char *name, const char *node)
{
	return strncmp(name, "DNS:", 4) == 0 && strcmp(name + 4, node) == 0;
}

static int check_extensions(
	const struct dp_ca_allowed *allowed, json_t *extensions, struct deploy_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(extensions, name, value)
	{
		char *whole = dp_xasprintf("%s=%s", name, json_string_value(value));

		if (!is_in(allowed->extensions, name) && !is_in(allowed->extensions, whole))
			(void)deploy_error_set(err, DEPLOY_AUTH,
				"refused: it asks for the authorisation %s, which was not allowed",
				whole);
		free(whole);
	}
	return err->code;
}

int dp_ca_check_wishes(const struct dp_ca_allowed *allowed, const char *node,
	const json_t *alt_names, json_t *extensions, struct deploy_error *err)
{
	const json_t *name;
	size_t i;

	json_array_foreach(alt_names, i, name)
	{
		const char *text = json_string_value(name);

		if (!is_in(allowed->alt_names, text) && !is_own(text, node))
			return deploy_error_set(err, DEPLOY_AUTH,
				"refused: it asks for the alternative name %s, which was not "
				"allowed",
				text);
	}
	return check_extensions(allowed, extensions, err);
}
