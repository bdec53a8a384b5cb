/* What a node checks before it acts. */
#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/regex.h"
#include "deploy/nodeset.h"
#include "wire/marshal.h"
#include "wire/security_psk.h"

static void copy_text(char *out, size_t size, struct dp_slice text)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	memcpy(out, text.data, len);
	out[len] = '\0';
}

/* Nodes know keys that are symbols only. */
static bool has_symbol_keys(const char *bytes, size_t len)
{
	return len > 4 && bytes[2] == '{' && bytes[4] == ':';
}

static bool is_callerid(const char *text)
{
	static const char word[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	size_t type = strspn(text, word);

	return type && text[type] == '=' &&
	       deploy_identity_is_valid(text + type + 1, strlen(text + type + 1));
}

static const char *check_body(const struct loop_request *request)
{
	const json_t *data = json_object_get(request->body, "data");

	if (json_is_string(request->body))
		return strcmp(json_string_value(request->body), "ping") == 0 ? NULL : "no ping";
	if (!json_is_string(json_object_get(request->body, "action")) || !json_is_object(data))
		return "no action, or no data";
	return json_is_boolean(json_object_get(data, "process_results")) ? NULL
									 : "no process_results";
}

const char *loop_request_decode(
	struct loop_request *out, const void *bytes, size_t len, const char *psk)
{
	enum { BODY, HASH, ID, FILTER, COLLECTIVE, AGENT, CALLER, TTL, TIME, SENDER, FIELDS };
	struct dp_marshal_field field[FIELDS] = {
		[BODY] = {.name = "body", .want = DP_MARSHAL_TEXT},
		[HASH] = {.name = "hash", .want = DP_MARSHAL_TEXT},
		[ID] = {.name = "requestid", .want = DP_MARSHAL_TEXT},
		[FILTER] = {.name = "filter", .want = DP_MARSHAL_VALUE},
		[COLLECTIVE] = {.name = "collective", .want = DP_MARSHAL_TEXT},
		[AGENT] = {.name = "agent", .want = DP_MARSHAL_TEXT},
		[CALLER] = {.name = "callerid", .want = DP_MARSHAL_TEXT},
		[TTL] = {.name = "ttl", .want = DP_MARSHAL_INTEGER},
		[TIME] = {.name = "msgtime", .want = DP_MARSHAL_INTEGER},
		[SENDER] = {.name = "senderid", .want = DP_MARSHAL_TEXT},
	};
	struct deploy_error err = {0};
	const char *why;

	*out = (struct loop_request){.filter = NULL};
	if (!has_symbol_keys(bytes, len) ||
		dp_marshal_decode_fields(field, FIELDS, bytes, len, NULL, &err))
		return "no envelope";
	out->filter = field[FILTER].value;
	for (size_t i = 0; i < FIELDS; i++)
		if (!field[i].is_found)
			return field[i].name;
	if (!dp_psk_verify(field[HASH].text.data, field[HASH].text.len, field[BODY].text.data,
		    field[BODY].text.len, psk))
		return "wrong hash";
	if (dp_marshal_decode(&out->body, field[BODY].text.data, field[BODY].text.len, NULL, &err))
		return "no body";
	copy_text(out->id, sizeof(out->id), field[ID].text);
	copy_text(out->agent, sizeof(out->agent), field[AGENT].text);
	copy_text(out->callerid, sizeof(out->callerid), field[CALLER].text);
	out->ttl_s = field[TTL].number;
	out->msgtime_s = field[TIME].number;
	why = is_callerid(out->callerid) ? NULL : "no callerid";
	if (!why && !json_is_object(out->filter))
		why = "no filter";
	return why ? why : check_body(out);
}

void loop_request_release(struct loop_request *request)
{
	json_decref(request->filter);
	json_decref(request->body);
}

const char *loop_request_action(const struct loop_request *request)
{
	const char *action = json_string_value(json_object_get(request->body, "action"));

	return action ? action : "ping";
}

static bool matches(const char *pattern, size_t len, const char *text)
{
	struct deploy_error err = {0};
	struct dp_regex *regex = NULL;
	bool does;

	if (dp_regex_new(&regex, pattern, len, false, &err))
		return false;
	does = dp_regex_matches(regex, text, strlen(text)) == 1;
	dp_regex_free(regex);
	return does;
}

/* "/re/" of classes, agents and identities: every slash is dropped, the rest is searched for. */
static bool term_matches(const char *term, const char *text)
{
	char pattern[4096];
	size_t len = 0;

	if (term[0] != '/')
		return strcmp(term, text) == 0;
	for (; *term && len < sizeof(pattern); term++)
		if (*term != '/')
			pattern[len++] = *term;
	return matches(pattern, len, text);
}

static bool is_number(const char *text, bool has_point)
{
	size_t digits = strspn(text, "0123456789");

	if (!has_point)
		return digits && !text[digits];
	return digits && text[digits] && is_number(text + digits + 1, false);
}

/* Less than, equal or greater than zero, as nodes order facts. */
static int compare(const char *a, const char *b)
{
	double x = strtod(a, NULL), y = strtod(b, NULL);

	if ((is_number(a, false) && is_number(b, false)) ||
		(is_number(a, true) && is_number(b, true)))
		return (x > y) - (x < y);
	return strcmp(a, b);
}

bool loop_fact_passes(const struct loop_node *node, const json_t *term)
{
	const char *name = json_string_value(json_object_get(term, "fact"));
	const char *how = json_string_value(json_object_get(term, "operator"));
	const char *wanted = json_string_value(json_object_get(term, "value"));
	const char *is = json_string_value(
		json_object_get(json_object_get(node->traits, "facts"), name ? name : ""));
	size_t len;

	if (!how || !wanted || !is)
		return false;
	len = strlen(wanted);
	if (strcmp(how, "=~") == 0)
		return len > 1 && wanted[0] == '/' && wanted[len - 1] == '/'
			       ? matches(wanted + 1, len - 2, is)
			       : matches(wanted, len, is);
	if (strcmp(how, "==") == 0)
		return strcmp(is, wanted) == 0;
	if (strcmp(how, "!=") == 0)
		return compare(is, wanted) != 0;
	if (strcmp(how, "<") == 0 || strcmp(how, "<=") == 0)
		return compare(is, wanted) < (how[1] ? 1 : 0);
	if (strcmp(how, ">") == 0 || strcmp(how, ">=") == 0)
		return compare(is, wanted) > (how[1] ? -1 : 0);
	return false;
}

static bool list_passes(const struct loop_node *node, const char *kind, const char *term)
{
	const json_t *list = json_object_get(node->traits, kind);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (term_matches(term, json_string_value(json_array_get(list, i))))
			return true;
	return strcmp(kind, "agents") == 0 &&
	       (strcmp(term, "mcollective") == 0 || term_matches(term, "discovery"));
}

bool loop_class_passes(const struct loop_node *node, const char *term)
{
	return list_passes(node, "classes", term);
}

static bool compounds_pass(const struct loop_node *node, const json_t *stacks)
{
	for (size_t i = 0; i < json_array_size(stacks); i++)
		if (!loop_compound_passes(node, json_array_get(stacks, i)))
			return false;
	return true;
}

/* Every term of a list must pass. */
static bool all_pass(const struct loop_node *node, const json_t *terms, const char *kind)
{
	for (size_t i = 0; i < json_array_size(terms); i++) {
		const json_t *term = json_array_get(terms, i);

		if (kind ? !list_passes(node, kind, json_string_value(term))
			 : !loop_fact_passes(node, term))
			return false;
	}
	return true;
}

/* Exactly one entry may match, so a name that is in the list twice matches nobody. */
static bool identity_passes(const struct loop_node *node, const json_t *terms)
{
	size_t hits = 0;

	for (size_t i = 0; i < json_array_size(terms); i++)
		hits += term_matches(json_string_value(json_array_get(terms, i)), node->name);
	return hits == 1 || json_array_size(terms) == 0;
}

bool loop_filter_passes(const struct loop_node *node, const json_t *filter)
{
	return all_pass(node, json_object_get(filter, "fact"), NULL) &&
	       all_pass(node, json_object_get(filter, "cf_class"), "classes") &&
	       all_pass(node, json_object_get(filter, "agent"), "agents") &&
	       identity_passes(node, json_object_get(filter, "identity")) &&
	       compounds_pass(node, json_object_get(filter, "compound"));
}

/* By its own clock. */
static bool is_too_old(const struct loop_node *node, const struct loop_request *request)
{
	return (dp_wall_us() / 1000 + node->clock_ms) / 1000 - request->msgtime_s > request->ttl_s;
}

bool loop_node_accepts(const struct loop_node *node, const struct loop_request *request)
{
	return !is_too_old(node, request) &&
	       (strcmp(request->agent, "discovery") == 0 ||
		       loop_node_has(node, "agents", request->agent)) &&
	       loop_filter_passes(node, request->filter);
}
