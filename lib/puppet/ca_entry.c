/* What the CA says of its certificates: JSON from a server, taken only as it has to be. */
#include "puppet/ca.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "puppet/x509.h"

#define MAX_TIME_TEXT 40

static int fail(struct deploy_error *err, const char *what)
{
	return deploy_error_set(err, DEPLOY_PROTOCOL, "the CA's answer: %s", what);
}

static int read_state(enum deploy_ca_state *out, json_t *object, struct deploy_error *err)
{
	const char *text = json_string_value(json_object_get(object, "state"));

	for (int state = DEPLOY_CA_REQUESTED; text && state <= DEPLOY_CA_REVOKED; state++) {
		*out = (enum deploy_ca_state)state;
		if (strcmp(text, deploy_ca_state_name(*out)) == 0)
			return 0;
	}
	return fail(err, "\"state\" is none that there is");
}

static int read_fingerprint(char **out, json_t *object, struct deploy_error *err)
{
	json_t *all = json_object_get(object, "fingerprints");
	json_t *text = json_object_get(all, "SHA256");
	char fingerprint[DP_FINGERPRINT];

	if (!text)
		text = json_object_get(object, "fingerprint");
	if (!json_is_string(text) || !dp_fingerprint_parse(fingerprint, json_string_value(text)))
		return fail(err, "\"fingerprint\" is no SHA-256");
	*out = dp_xstrdup(fingerprint);
	return 0;
}

static json_t *escaped(const char *text)
{
	char *printable = deploy_text_escape(text, strlen(text));
	json_t *string = json_string(printable);

	free(printable);
	return string;
}

/* Addresses as we write them ourselves; Java does not shorten them. */
static json_t *name_shown(const char *text)
{
	char shown[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (strncmp(text, "IP:", 3) != 0 || inet_pton(AF_INET6, text + 3, &address) != 1)
		return escaped(text);
	(void)inet_ntop(AF_INET6, &address, shown, sizeof(shown));
	return json_sprintf("IP:%s", shown);
}

static int read_alt_names(json_t *out, json_t *object, struct deploy_error *err)
{
	json_t *names = json_object_get(object, "subject_alt_names"), *name;
	size_t i;

	/* Older servers know only this key. */
	if (!names)
		names = json_object_get(object, "dns_alt_names");
	if (names && !json_is_array(names))
		return fail(err, "\"subject_alt_names\" is no array");
	json_array_foreach(names, i, name)
	{
		if (!json_is_string(name))
			return fail(err, "\"subject_alt_names\" does not hold texts");
		(void)json_array_append_new(out, name_shown(json_string_value(name)));
	}
	return 0;
}

static int read_extensions(json_t *out, json_t *object, struct deploy_error *err)
{
	json_t *extensions = json_object_get(object, "authorization_extensions"), *value;
	const char *key;

	if (extensions && !json_is_object(extensions))
		return fail(err, "\"authorization_extensions\" is no object");
	json_object_foreach(extensions, key, value)
	{
		json_t *name = escaped(key);

		if (!json_is_string(value)) {
			json_decref(name);
			return fail(err, "\"authorization_extensions\" does not hold texts");
		}
		(void)json_object_set_new(
			out, json_string_value(name), escaped(json_string_value(value)));
		json_decref(name);
	}
	return 0;
}

static int read_not_after(char **out, json_t *object, struct deploy_error *err)
{
	json_t *time = json_object_get(object, "not_after");
	const char *text = json_string_value(time);

	if (!time || json_is_null(time))
		return 0;
	if (!text || strlen(text) > MAX_TIME_TEXT ||
		text[strspn(text, "0123456789-:+.TUCGMZ")] != '\0')
		return fail(err, "\"not_after\" is no time");
	*out = dp_xstrdup(text);
	return 0;
}

static int read_entry(struct deploy_ca_entry *out, json_t *object, struct deploy_error *err)
{
	json_t *name = json_object_get(object, "name");
	int rc;

	*out = (struct deploy_ca_entry){.alt_names = json_array(), .extensions = json_object()};
	if (!json_is_string(name) ||
		!deploy_identity_is_valid(json_string_value(name), json_string_length(name)))
		return fail(err, "\"name\" is no certname");
	out->name = dp_xstrdup(json_string_value(name));
	rc = read_state(&out->state, object, err);
	if (!rc)
		rc = read_fingerprint(&out->fingerprint, object, err);
	if (!rc)
		rc = read_alt_names(out->alt_names, object, err);
	if (!rc)
		rc = read_extensions(out->extensions, object, err);
	if (!rc)
		rc = read_not_after(&out->not_after, object, err);
	return rc ? deploy_error_wrap(err, "%s", out->name) : 0;
}

void dp_ca_entry_release(struct deploy_ca_entry *entry)
{
	free(entry->name);
	free(entry->fingerprint);
	free(entry->not_after);
	json_decref(entry->alt_names);
	json_decref(entry->extensions);
	*entry = (struct deploy_ca_entry){0};
}

static json_t *load(const char *body, size_t len, struct deploy_error *err)
{
	json_error_t why;
	json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);

	/* jansson's words quote the text, which is a server's. */
	if (!root)
		(void)deploy_error_set(err, DEPLOY_PROTOCOL,
			"the CA's answer: no JSON, from line %d column %d on", why.line,
			why.column);
	return root;
}

int dp_ca_entry_parse(struct deploy_ca_entry *out, const char *name, const char *body, size_t len,
	struct deploy_error *err)
{
	json_t *root = load(body, len, err);
	int rc;

	*out = (struct deploy_ca_entry){0};
	if (!root)
		return err->code;
	rc = read_entry(out, root, err);
	if (!rc && strcmp(out->name, name) != 0)
		rc = fail(err, "about another name than we asked for");
	if (rc)
		dp_ca_entry_release(out);
	json_decref(root);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct deploy_ca_entry *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int sort(struct deploy_ca_list *list, struct deploy_error *err)
{
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries), by_name);
	for (size_t i = 1; i < list->count; i++) {
		if (strcmp(list->entries[i - 1].name, list->entries[i].name) == 0) {
			(void)fail(err, "a name is twice in the list");
			return deploy_error_wrap(err, "%s", list->entries[i].name);
		}
	}
	return 0;
}

int dp_ca_list_parse(
	struct deploy_ca_list **out, const char *body, size_t len, struct deploy_error *err)
{
	json_t *root = load(body, len, err), *object;
	struct deploy_ca_list *list;
	int rc = 0;
	size_t i;

	*out = NULL;
	if (!root)
		return err->code;
	list = dp_xcalloc(1, sizeof(*list));
	if (!json_is_array(root))
		rc = fail(err, "no array");
	list->entries = dp_xcalloc(json_array_size(root), sizeof(*list->entries));
	json_array_foreach(root, i, object)
	{
		if (!rc)
			rc = read_entry(&list->entries[list->count++], object, err);
	}
	if (!rc)
		rc = sort(list, err);
	json_decref(root);
	if (rc)
		deploy_ca_list_free(list);
	else
		*out = list;
	return rc;
}

void deploy_ca_list_free(struct deploy_ca_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		dp_ca_entry_release(&list->entries[i]);
	free(list->entries);
	free(list);
}

const struct deploy_ca_entry *deploy_ca_list_find(
	const struct deploy_ca_list *list, const char *name)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, list->entries[middle].name);

		if (order == 0)
			return &list->entries[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
