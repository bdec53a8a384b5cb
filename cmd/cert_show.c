/* What the CA has: a table, a document; and what the state file knows of nodes is brought up to
 * date. */
#include "cert.h"
#include "record.h"
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

static bool is_wanted(const struct cert *cert, const struct deploy_ca_entry *entry)
{
	size_t index;

	if (cert->opts->only >= 0 && (int)entry->state != cert->opts->only)
		return false;
	return !cert->nodes ||
	       deploy_nodeset_find(cert->nodes, entry->name, strlen(entry->name), &index);
}

/* certname beside name: that is how lists of nodes are read. */
static json_t *item(const struct deploy_ca_entry *entry)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:O, s:O, s:s?}", "name", entry->name, "certname",
		entry->name, "state", deploy_ca_state_name(entry->state), "fingerprint",
		entry->fingerprint, "alt_names", entry->alt_names, "extensions", entry->extensions,
		"not_after", entry->not_after);
}

static json_t *items_of(const struct cert *cert)
{
	json_t *items = json_array();

	for (size_t i = 0; i < cert->list->count; i++)
		if (is_wanted(cert, &cert->list->entries[i]))
			(void)json_array_append_new(items, item(&cert->list->entries[i]));
	return items;
}

/* "pp_auth_role=web": the extensions, as --allow-extension takes them. New reference. */
static json_t *extension_words(json_t *extensions)
{
	json_t *words = json_array(), *value;
	const char *name;

	json_object_foreach(extensions, name, value)(void)
		json_array_append_new(words, json_sprintf("%s=%s", name, json_string_value(value)));
	return words;
}

/* The fingerprint is last: it is as wide as all the others. */
static void add_row(struct out_table *table, const json_t *entry, bool is_wide)
{
	json_t *words = extension_words(json_object_get(entry, "extensions"));
	const char *name = json_string_value(json_object_get(entry, "name"));
	const char *state = json_string_value(json_object_get(entry, "state"));
	const char *fingerprint = json_string_value(json_object_get(entry, "fingerprint"));
	const char *expires = json_string_value(json_object_get(entry, "not_after"));
	char *alt_names = report_joined(json_object_get(entry, "alt_names"));
	char *extensions = report_joined(words);
	const char *const few[] = {name, state, fingerprint};
	const char *const all[] = {name, state, expires ? expires : "-",
		*alt_names ? alt_names : "-", *extensions ? extensions : "-", fingerprint};

	out_table_add(table, is_wide ? all : few);
	free(alt_names);
	free(extensions);
	json_decref(words);
}

static void print_table(struct out *out, const json_t *items)
{
	static const char *const few[] = {"NAME", "STATE", "FINGERPRINT"};
	static const char *const all[] = {
		"NAME", "STATE", "EXPIRES", "ALT NAMES", "EXTENSIONS", "FINGERPRINT"};
	bool is_wide = out_format(out) == OUT_WIDE;
	struct out_table *table = out_table_new(!out_has_headers(out) ? NULL
						: is_wide	      ? all
								      : few,
		is_wide ? 6 : 3);
	const json_t *entry;
	size_t i;

	out_table_tone(table, 1);
	json_array_foreach(items, i, entry) add_row(table, entry, is_wide);
	out_table_print(out, table);
	out_table_free(table);
}

static void print_lines(struct out *out, const json_t *items)
{
	json_t *entry;
	size_t i;

	json_array_foreach(items, i, entry)
	{
		json_t *line =
			json_pack("{s:s, s:I}", "type", "certificate", "seq", (json_int_t)i + 1);

		if (out_format(out) == OUT_NAME) {
			out_text(out, "%s\n", json_string_value(json_object_get(entry, "name")));
		} else {
			(void)json_object_update(line, entry);
			out_json_line(out, line);
		}
		json_decref(line);
	}
}

static json_t *summary_of(const json_t *items)
{
	json_t *summary = json_object(), *entry;
	size_t i;

	for (int state = DEPLOY_CA_REQUESTED; state <= DEPLOY_CA_REVOKED; state++)
		(void)json_object_set_new(summary,
			deploy_ca_state_name((enum deploy_ca_state)state), json_integer(0));
	json_array_foreach(items, i, entry)
	{
		const char *state = json_string_value(json_object_get(entry, "state"));
		json_int_t count = json_integer_value(json_object_get(summary, state));

		(void)json_object_set_new(summary, state, json_integer(count + 1));
	}
	return summary;
}

/* What is known of nodes and is not so any more. */
struct refresh {
	const struct deploy_ca_list *list;
	json_t *changes; /* node → {"state", "fingerprint"}, or null: the CA has nothing */
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int compare(void *arg, const struct deploy_node_record *node)
{
	const struct refresh *refresh = arg;
	const struct deploy_ca_entry *entry = deploy_ca_list_find(refresh->list, node->identity);
	const char *state = entry ? deploy_ca_state_name(entry->state) : NULL;
	const char *fingerprint = entry ? entry->fingerprint : NULL;

	if (is_same(state, node->certificate) && is_same(fingerprint, node->fingerprint))
		return 0;
	return json_object_set_new(refresh->changes, node->identity,
		entry ? json_pack("{s:s, s:s}", "state", state, "fingerprint", fingerprint)
		      : json_null());
}

static int write_changes(struct deploy_state *state, json_t *changes, struct deploy_error *err)
{
	const char *node;
	json_t *entry;
	int rc = 0;

	if (!json_object_size(changes) || deploy_state_begin(state, err))
		return err->code;
	json_object_foreach(changes, node, entry)
	{
		if (!rc)
			rc = deploy_state_set_certificate(state, node,
				json_string_value(json_object_get(entry, "state")),
				json_string_value(json_object_get(entry, "fingerprint")), err);
	}
	return deploy_state_finish(state, rc, err);
}

static void refresh_state(const struct cert *cert, struct deploy_error *err)
{
	struct refresh refresh = {.list = cert->list, .changes = json_object()};

	if (!deploy_state_each_node(cert->ctx->state, 0, compare, &refresh, err))
		(void)write_changes(cert->ctx->state, refresh.changes, err);
	json_decref(refresh.changes);
}

/* A look, which is recorded as far as it can be. */
static int record_look(const struct cert *cert, int status, struct deploy_error *err)
{
	const struct record_info info = {.kind = "sign-cert"};
	const struct deploy_run_result result = {.end = DEPLOY_RUN_COMPLETE};
	struct record record;

	(void)record_begin(&record, cert->ctx, &info, NULL, NULL, NULL, err);
	if (record.journal)
		refresh_state(cert, &record.why);
	return record_end(&record, &result, status, err);
}

static void print(struct out *out, const json_t *items)
{
	if (out_is_for_people(out))
		print_table(out, items);
	else if (out_format(out) == OUT_JSONL || out_format(out) == OUT_NAME)
		print_lines(out, items);
}

int cert_show(struct cert *cert, struct deploy_error *err)
{
	bool is_chosen = cert->nodes || cert->opts->only >= 0;
	json_t *items = items_of(cert), *summary = summary_of(items);
	int status = EXIT_ALL_OK;

	if (!json_array_size(items)) {
		if (is_chosen && !cert->opts->act.target.empty_ok)
			status = EXIT_NO_NODES;
		out_note(cert->ctx->out, "the CA has nothing%s", is_chosen ? " of these" : "");
	}
	status = record_look(cert, status, err);
	print(cert->ctx->out, items);
	out_document(cert->ctx->out, "sign-cert", items, summary, status, err);
	json_decref(items);
	json_decref(summary);
	return status;
}
