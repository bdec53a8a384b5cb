/* Requests: see deploy/request.h. */
#include "deploy/request.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"

#define MAX_NAME_BYTES 255
#define LOWER	       "abcdefghijklmnopqrstuvwxyz"
#define UPPER	       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	       "0123456789"

static const char agent_bytes[] = LOWER DIGITS "_";
static const char name_bytes[] = LOWER UPPER DIGITS "_";

static bool is_made_of(const char *text, size_t len, const char *bytes)
{
	return len > 0 && len <= MAX_NAME_BYTES && strspn(text, bytes) >= len;
}

static int refuse(struct deploy_error *err, const char *what, const char *text, const char *why)
{
	char *shown = deploy_text_escape(text, strnlen(text, 100));

	(void)deploy_error_set(err, DEPLOY_USAGE, "%s \"%s\": %s", what, shown, why);
	free(shown);
	return err->code;
}

static struct deploy_request *make(const char *agent, const char *action, json_t *inputs)
{
	struct deploy_request *request = dp_xcalloc(1, sizeof(*request));

	request->agent = dp_xstrdup(agent);
	request->action = action ? dp_xstrdup(action) : NULL;
	request->inputs = json_incref(inputs);
	request->collective = dp_xstrdup("mcollective");
	request->ttl_s = 60;
	return request;
}

int deploy_request_new(struct deploy_request **out, const char *agent, const char *action,
	json_t *inputs, struct deploy_error *err)
{
	*out = NULL;
	if (!is_made_of(agent, strlen(agent), agent_bytes))
		return refuse(err, "agent", agent, "expected 1 to 255 of a-z 0-9 _");
	if (strcmp(agent, "discovery") == 0 ? action != NULL : action == NULL)
		return refuse(err, "agent", agent, action ? "has no actions" : "which action?");
	if (action && !is_made_of(action, strlen(action), name_bytes))
		return refuse(err, "action", action, "expected 1 to 255 of A-Z a-z 0-9 _");
	if (inputs && !json_is_object(inputs))
		return refuse(err, "inputs of", agent, "expected an object");
	*out = make(agent, action, inputs);
	return 0;
}

struct deploy_request *deploy_request_ping(void)
{
	return make("discovery", NULL, NULL);
}

void deploy_request_free(struct deploy_request *request)
{
	if (!request)
		return;
	free(request->agent);
	free(request->action);
	json_decref(request->inputs);
	free(request->collective);
	free(request);
}

int deploy_request_set_collective(
	struct deploy_request *request, const char *collective, struct deploy_error *err)
{
	/* Collectives share the grammar of identities: both become parts of routing keys. */
	if (!deploy_identity_is_valid(collective, strlen(collective)))
		return refuse(
			err, "collective", collective, "expected 1 to 255 of A-Z a-z 0-9 _ . -");
	free(request->collective);
	request->collective = dp_xstrdup(collective);
	return 0;
}

/* The value behind "=", or behind ":=" if is_json; NULL after setting err. */
static json_t *parse_value(
	const char *input, const char *value, bool is_json, struct deploy_error *err)
{
	json_error_t why;
	json_t *parsed;

	if (!is_json && value[0] == '\0') {
		(void)refuse(err, "input", input, "has no value");
		deploy_error_hint(err, "an empty text is written KEY:='\"\"'");
		return NULL;
	}
	parsed = is_json ? json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why)
			 : json_string(value);
	if (!parsed)
		(void)refuse(err, "input", input, is_json ? why.text : "is not UTF-8");
	return parsed;
}

int deploy_request_parse_input(json_t *inputs, const char *text, struct deploy_error *err)
{
	const char *equals = strchr(text, '=');
	bool is_json = equals && equals > text && equals[-1] == ':';
	size_t key_len = equals ? (size_t)(equals - text) - (is_json ? 1 : 0) : 0;
	json_t *value;
	char *key;
	int rc = 0;

	if (!equals)
		return refuse(err, "input", text, "expected KEY=VALUE or KEY:=JSON");
	if (!is_made_of(text, key_len, name_bytes))
		return refuse(err, "input", text, "its key is 1 to 255 of A-Z a-z 0-9 _");
	value = parse_value(text, equals + 1, is_json, err);
	if (!value)
		return err->code;
	key = dp_xstrndup(text, key_len);
	if (json_object_get(inputs, key))
		rc = refuse(err, "input", text, "was given before");
	else if (json_object_set(inputs, key, value) != 0)
		rc = deploy_error_set(err, DEPLOY_BUG, "inputs are no object");
	json_decref(value);
	free(key);
	return rc;
}
