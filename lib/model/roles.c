/*
 * A set of roles, and what they come to for each node. Invariant: a host has one name and one file,
 * and each of its facts is a value that nodes take, whatever rows remain.
 */
#include "model/roles.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "deploy/fact.h"
#include "model/fact_words.h"

/* In the order of enum deploy_role_part. */
enum fact { COLLECTION, CATEGORY, ROLE, ENTITY, FACTS };

static const char *const fact_names[] = {"collection", "category", "role", "entity"};

struct facts {
	char *values[FACTS]; /* NULL while empty */
};

struct row {
	struct deploy_role role;
	size_t host;
};

struct host {
	const char *name, *file, *pointer;	 /* of its first role */
	const char *pointers[DEPLOY_LAYER_NONE]; /* where it is in each layer; NULL: it is not */
	struct facts facts;
};

struct deploy_roles {
	struct row *rows;
	size_t row_count, row_cap;
	struct host *hosts;
	size_t host_count, host_cap;
	json_t *by_name;       /* name in lower case → index into hosts */
	json_t *by_label;      /* the same up to the first dot, of names that have one */
	json_t *files;	       /* collection → file */
	struct dp_flaws flaws; /* and the texts of all the others */
};

const char *deploy_layer_name(enum deploy_layer layer)
{
	static const char *const names[] = {"batch", "bus", "speed", "serving"};

	return layer < DEPLOY_LAYER_NONE ? names[layer] : "-";
}

struct deploy_roles *deploy_roles_new(void)
{
	struct deploy_roles *roles = dp_xcalloc(1, sizeof(*roles));

	roles->by_name = json_object();
	roles->by_label = json_object();
	roles->files = json_object();
	return roles;
}

static void release_facts(struct facts *facts)
{
	for (int i = 0; i < FACTS; i++)
		free(facts->values[i]);
}

void deploy_roles_free(struct deploy_roles *roles)
{
	if (!roles)
		return;
	for (size_t i = 0; i < roles->host_count; i++)
		release_facts(&roles->hosts[i].facts);
	dp_flaws_release(&roles->flaws);
	json_decref(roles->by_name);
	json_decref(roles->by_label);
	json_decref(roles->files);
	free(roles->rows);
	free(roles->hosts);
	free(roles);
}

const char *dp_roles_own(struct deploy_roles *roles, char *text)
{
	return dp_flaws_own(&roles->flaws, text);
}

const char *dp_roles_file_of(const struct deploy_roles *roles, const char *collection)
{
	return json_string_value(json_object_get(roles->files, collection));
}

void dp_roles_add_file(struct deploy_roles *roles, const char *file, const char *collection)
{
	(void)json_object_set_new_nocheck(roles->files, collection, json_string_nocheck(file));
}

struct dp_flaws *dp_roles_flaws(struct deploy_roles *roles)
{
	return &roles->flaws;
}

size_t deploy_roles_flaw_count(const struct deploy_roles *roles)
{
	return roles->flaws.count;
}

const struct deploy_flaw *deploy_roles_flaw(const struct deploy_roles *roles, size_t index)
{
	return &roles->flaws.told[index];
}

size_t deploy_roles_count(const struct deploy_roles *roles)
{
	return roles->row_count;
}

const struct deploy_role *deploy_roles_get(const struct deploy_roles *roles, size_t index)
{
	return &roles->rows[index].role;
}

static bool add_words(char **value, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ,");

		if (n && !dp_fact_add_word(value, words, n))
			return false;
		words += n + strspn(words + n, " ,");
	}
	return true;
}

/* The fact that becomes too long, or FACTS. */
static enum fact merge(struct facts *facts, const struct deploy_role *role)
{
	const char *const words[] = {role->collection, role->category, role->role, role->entity};

	for (int i = 0; i < FACTS; i++)
		if (!add_words(&facts->values[i], words[i]))
			return (enum fact)i;
	return FACTS;
}

static char *lower(const char *name, size_t len)
{
	char *copy = dp_xstrndup(name, len);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static struct host *find(const struct deploy_roles *roles, const json_t *map, const char *key)
{
	const json_t *index = json_object_get(map, key);

	return index ? &roles->hosts[json_integer_value(index)] : NULL;
}

static bool refuse(char why[DP_WHY_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(char why[DP_WHY_BYTES], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, DP_WHY_BYTES, format, args);
	va_end(args);
	return false;
}

static bool refuse_name(char why[DP_WHY_BYTES], const struct host *host)
{
	if (!host->file)
		return refuse(why, "the same host as %s; use one name", host->name);
	return refuse(why, "the same host as %s of %s (%s); use one name", host->name, host->file,
		host->pointer);
}

/* Is the host, which is new by its name, there by another name? key: its name in lower case. */
static bool is_new(const struct deploy_roles *roles, const char *key, char why[DP_WHY_BYTES])
{
	size_t label_len = strcspn(key, ".");
	char *label = dp_xstrndup(key, label_len);
	const struct host *other =
		find(roles, key[label_len] ? roles->by_name : roles->by_label, label);

	free(label);
	if (other)
		return refuse_name(why, other);
	if (roles->host_count == DEPLOY_CLUSTER_MAX_HOSTS)
		return refuse(why, "more than %d hosts", DEPLOY_CLUSTER_MAX_HOSTS);
	return true;
}

static struct host *add_host(
	struct deploy_roles *roles, const char *key, const struct deploy_role *role)
{
	json_int_t index = (json_int_t)roles->host_count;
	size_t label_len = strcspn(key, ".");
	struct host *host;

	roles->hosts = dp_grow(
		roles->hosts, &roles->host_cap, roles->host_count + 1, sizeof(*roles->hosts));
	host = &roles->hosts[roles->host_count++];
	*host = (struct host){.name = dp_roles_own(roles, dp_xstrdup(role->node)),
		.file = role->file,
		.pointer = role->pointer};
	(void)json_object_set_new_nocheck(roles->by_name, key, json_integer(index));
	if (key[label_len]) {
		char *label = dp_xstrndup(key, label_len);

		(void)json_object_set_new_nocheck(roles->by_label, label, json_integer(index));
		free(label);
	}
	return host;
}

static bool goes_with(
	const struct host *host, const struct deploy_role *role, char why[DP_WHY_BYTES])
{
	if (strcmp(host->name, role->node) != 0)
		return refuse_name(why, host);
	if (host->file != role->file)
		return host->file ? refuse(why, "%s is in %s as well (%s)", host->name, host->file,
					    host->pointer)
				  : refuse(why, "%s has a role already", host->name);
	if (role->layer != DEPLOY_LAYER_NONE && host->pointers[role->layer])
		return refuse(why, "%s is in this layer already: %s", host->name,
			host->pointers[role->layer]);
	return true;
}

static struct host *take_host(
	struct deploy_roles *roles, const struct deploy_role *role, char why[DP_WHY_BYTES])
{
	char *key = lower(role->node, strlen(role->node));
	struct host *host = find(roles, roles->by_name, key);

	if (host)
		host = goes_with(host, role, why) ? host : NULL;
	else if (is_new(roles, key, why))
		host = add_host(roles, key, role);
	free(key);
	return host;
}

bool dp_roles_put(
	struct deploy_roles *roles, const struct deploy_role *role, char why[DP_WHY_BYTES])
{
	struct host *host = take_host(roles, role, why);
	struct row *row;
	enum fact too_long;

	if (!host)
		return false;
	too_long = merge(&host->facts, role);
	if (too_long != FACTS)
		return refuse(why, "with this, the %s of %s is longer than %d bytes",
			fact_names[too_long], host->name, DEPLOY_FACT_VALUE_MAX);
	roles->rows =
		dp_grow(roles->rows, &roles->row_cap, roles->row_count + 1, sizeof(*roles->rows));
	row = &roles->rows[roles->row_count++];
	*row = (struct row){.role = *role, .host = (size_t)(host - roles->hosts)};
	row->role.node = host->name;
	if (role->layer != DEPLOY_LAYER_NONE)
		host->pointers[role->layer] = role->pointer;
	return true;
}

static int check_words(const char *what, const char *words, size_t most, struct deploy_error *err)
{
	size_t count = 0;

	for (const char *word = words; *word; count++) {
		size_t n = strcspn(word, most > 1 ? " ," : "");
		char *shown;

		if (dp_fact_is_word(word, n)) {
			word += n + (word[n] != '\0');
			continue;
		}
		shown = deploy_text_escape(word, n < 60 ? n : 60);
		(void)deploy_error_set(err, DEPLOY_USAGE,
			"%s: nodes refuse \"%s\": expected 1 to %d of A-Z a-z 0-9 _ . : / -", what,
			shown, DEPLOY_FACT_VALUE_MAX);
		free(shown);
		return err->code;
	}
	if (most == 1 && count == 0)
		return deploy_error_set(err, DEPLOY_USAGE, "%s: the value is empty", what);
	return 0;
}

int deploy_roles_add(
	struct deploy_roles *roles, const struct deploy_role *role, struct deploy_error *err)
{
	struct deploy_role copy = {.node = role->node, .layer = DEPLOY_LAYER_NONE};
	char why[DP_WHY_BYTES], *entity = NULL;

	if (!deploy_identity_is_valid(role->node, strlen(role->node)))
		return deploy_error_set(
			err, DEPLOY_USAGE, "\"%.60s\" is not a node name", role->node);
	if (check_words("collection", role->collection, 1, err) ||
		check_words("category", role->category, 1, err) ||
		check_words("role", role->role, 1, err) ||
		check_words("entity", role->entity, SIZE_MAX, err))
		return err->code;
	if (!add_words(&entity, role->entity)) {
		free(entity);
		return deploy_error_set(err, DEPLOY_USAGE, "entity: longer than %d bytes in all",
			DEPLOY_FACT_VALUE_MAX);
	}
	copy.collection = dp_roles_own(roles, dp_xstrdup(role->collection));
	copy.category = dp_roles_own(roles, dp_xstrdup(role->category));
	copy.role = dp_roles_own(roles, dp_xstrdup(role->role));
	copy.entity = entity ? dp_roles_own(roles, entity) : "";
	if (!dp_roles_put(roles, &copy, why))
		return deploy_error_set(err, DEPLOY_USAGE, "%s: %s", role->node, why);
	return 0;
}

void deploy_roles_keep(struct deploy_roles *roles, unsigned layers, const char *collection)
{
	size_t kept = 0;

	for (size_t i = 0; i < roles->row_count; i++) {
		const struct deploy_role *role = &roles->rows[i].role;

		if ((layers & (1u << role->layer)) &&
			(!collection || strcmp(role->collection, collection) == 0))
			roles->rows[kept++] = roles->rows[i];
	}
	roles->row_count = kept;
}

static json_t *print_facts(const struct facts *facts, const char *const *names)
{
	json_t *object = json_object();

	for (int i = 0; i < FACTS; i++)
		if (facts->values[i])
			(void)json_object_set_new(object, names[i], json_string(facts->values[i]));
	return object;
}

/* Merged anew: only what is left counts. */
json_t *deploy_roles_facts(const struct deploy_roles *roles, const char *const *names)
{
	struct facts *facts = dp_xcalloc(roles->host_count + 1, sizeof(*facts));
	json_t *items = json_array();

	for (size_t i = 0; i < roles->row_count; i++)
		(void)merge(&facts[roles->rows[i].host], &roles->rows[i].role);
	for (size_t i = 0; i < roles->row_count; i++) {
		const struct row *row = &roles->rows[i];
		struct facts *mine = &facts[row->host];

		if (!mine->values[ROLE])
			continue; /* told with an earlier row */
		(void)json_array_append_new(items, json_pack("{s:s, s:o}", "node", row->role.node,
							   "facts", print_facts(mine, names)));
		release_facts(mine);
		*mine = (struct facts){{NULL}};
	}
	free(facts);
	return items;
}
