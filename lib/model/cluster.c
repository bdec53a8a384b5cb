/*
 * Cluster files become roles. The whole document is walked whatever is wrong in it, so that all of
 * that is told at once; what is wrong in one place hides nothing in another.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"
#include "model/document.h"
#include "model/roles.h"
#include "model/input_file.h"
#include "model/spot.h"
#include "deploy/fact.h"
#include "model/fact_words.h"

#define MAX_COLLECTION 50 /* bytes: of a Puppet environment's name, as deploop's agent takes it */

/* A file while it is read. */
struct cluster {
	struct deploy_roles *roles;
	struct dp_source source;
	const char *collection; /* NULL if it is wrong */
};

static bool is_uri(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789+.-");

	if (scheme == 0 || text[scheme] != ':' || strchr("0123456789+.-", text[0]))
		return false;
	for (text += scheme + 1; *text > ' ' && *text < 0x7f;)
		text++;
	return text[-1] != ':' && *text == '\0';
}

static bool is_collection(const char *name)
{
	size_t len = strlen(name);

	return len <= MAX_COLLECTION && deploy_identity_is_valid(name, len) &&
	       !strchr("_.-", name[0]);
}

static const char *read_collection(const struct cluster *cluster, const struct dp_spot *root)
{
	const struct dp_spot spot = dp_spot_member(root, "environment_cluster");
	const char *name = dp_spot_text(&cluster->source, &spot, "the cluster's name"), *other;

	if (!name)
		return NULL;
	if (!is_collection(name)) {
		dp_flaw_quoted(&cluster->source, &spot, name,
			"cannot name a cluster: expected a letter or digit, then at most 49 of "
			"A-Z a-z 0-9 _ . -");
		return NULL;
	}
	other = dp_roles_file_of(cluster->roles, name);
	if (other)
		dp_flaw(&cluster->source, &spot, "%s is about cluster %s as well", other, name);
	else
		dp_roles_add_file(cluster->roles, cluster->source.file, name);
	return dp_roles_own(cluster->roles, dp_xstrdup(name));
}

static void read_head(const struct cluster *cluster, const struct dp_spot *root)
{
	const struct dp_spot uri = dp_spot_member(root, "buildoop_repository"),
			     path = dp_spot_member(root, "environment_path"),
			     branch = dp_spot_member(root, "environment_branch");
	const char *text = dp_spot_text(&cluster->source, &uri, "a URI");

	if (text && !is_uri(text))
		dp_flaw_quoted(&cluster->source, &uri, text,
			"is no URI: expected SCHEME:REST without blanks");
	(void)dp_spot_text(&cluster->source, &path, "a path");
	text = dp_spot_text(&cluster->source, &branch, "the name of a branch");
	if (text && (text[0] == '-' || strpbrk(text, " \t\r\n")))
		dp_flaw_quoted(&cluster->source, &branch, text,
			"cannot name a branch: no blanks, no - in front");
}

/* Owned by the set; "" if there are none. */
static const char *read_entities(const struct cluster *cluster, const struct dp_spot *entity)
{
	char *words = NULL;
	json_t *value;
	size_t i;

	if (!dp_spot_is_a(&cluster->source, entity, JSON_ARRAY, "a list of texts"))
		return "";
	json_array_foreach(entity->value, i, value)
	{
		const struct dp_spot spot = {.up = entity, .value = value, .index = i};
		const char *word = dp_spot_text(&cluster->source, &spot, "text");

		if (word && !dp_fact_is_word(word, strlen(word)))
			dp_flaw_quoted(&cluster->source, &spot, word,
				"is refused by nodes: expected 1 to 100 of A-Z a-z 0-9 _ . : / -");
		else if (word && !dp_fact_add_word(&words, word, strlen(word))) {
			dp_flaw(&cluster->source, entity,
				"longer than %d bytes in all; nodes refuse that",
				DEPLOY_FACT_VALUE_MAX);
			break;
		}
	}
	return words ? dp_roles_own(cluster->roles, words) : "";
}

static const char *read_hostname(const struct cluster *cluster, const struct dp_spot *hostname)
{
	const char *name = dp_spot_text(&cluster->source, hostname, "the identity of a node");

	if (!name || deploy_identity_is_valid(name, strlen(name)))
		return name;
	dp_flaw_quoted(&cluster->source, hostname, name,
		"cannot be a node's identity: expected 1 to 255 of A-Z a-z 0-9 _ . -");
	return NULL;
}

static void read_host(const struct cluster *cluster, const struct dp_spot *host,
	enum deploy_layer layer, const char *role_name)
{
	static const struct dp_spot_key keys[] = {{"hostname", true}, {"entity", false}};
	const struct dp_spot hostname = dp_spot_member(host, "hostname"),
			     entity = dp_spot_member(host, "entity");
	struct deploy_role role = {.layer = layer,
		.collection = cluster->collection ? cluster->collection : "",
		.category = deploy_layer_name(layer),
		.role = role_name,
		.file = cluster->source.file};
	char why[DP_WHY_BYTES];

	if (!dp_spot_check_keys(&cluster->source, host, keys, 2))
		return;
	role.node = read_hostname(cluster, &hostname);
	role.entity = read_entities(cluster, &entity);
	if (!role.node)
		return;
	role.pointer = dp_spot_pointer(&cluster->source, host);
	if (!dp_roles_put(cluster->roles, &role, why))
		dp_flaw(&cluster->source, &hostname, "%s", why);
}

static void read_hosts(const struct cluster *cluster, const struct dp_spot *hosts,
	enum deploy_layer layer, const char *role)
{
	json_t *value;
	size_t i;

	if (!dp_spot_is_a(&cluster->source, hosts, JSON_ARRAY, "a list of hosts"))
		return;
	if (json_array_size(hosts->value) == 0)
		dp_flaw(&cluster->source, hosts, "expected at least one host");
	json_array_foreach(hosts->value, i, value)
	{
		const struct dp_spot host = {.up = hosts, .value = value, .index = i};

		read_host(cluster, &host, layer, role);
	}
}

/* What a layer consists of. */
struct kind {
	const char *name;
	bool is_list;
};

#define MAX_KINDS 4

static const struct layout {
	bool has_name; /* roles are then called NAME-KIND */
	size_t count;
	struct kind kinds[MAX_KINDS];
} layouts[] = {
	[DEPLOY_LAYER_BATCH] = {false, 4,
		{{"nn1", false}, {"nn2", false}, {"rm", false}, {"dn", true}}},
	[DEPLOY_LAYER_BUS] = {true, 1, {{"worker", true}}},
	[DEPLOY_LAYER_SPEED] = {true, 2, {{"master", false}, {"worker", true}}},
	[DEPLOY_LAYER_SERVING] = {true, 2, {{"master", false}, {"worker", true}}},
};

/* A layer while it is read. */
struct layer {
	enum deploy_layer layer;
	const struct layout *layout;
	const char *name;	     /* of the layer's system, "storm"; NULL: none, or wrong */
	char *roles[MAX_KINDS];	     /* "nn1", "storm-worker"; with a wrong name the kind alone */
	const char *keys[MAX_KINDS]; /* under which each was found; NULL: not yet */
};

/* The place of the kind that key stands for, or the layout's count. */
static size_t find_kind(const struct layer *layer, const char *key)
{
	size_t i, len = strlen(key);

	for (i = 0; i < layer->layout->count; i++) {
		const char *kind = layer->layout->kinds[i].name;
		size_t kind_len = strlen(kind);

		assert(layer->roles[i]);
		if (strcmp(key, kind) == 0 || strcmp(key, layer->roles[i]) == 0)
			break;
		/* Without a name any will do: that it is missing is told already. */
		if (layer->layout->has_name && !layer->name && len > kind_len &&
			len <= DEPLOY_FACT_VALUE_MAX && key[len - kind_len - 1] == '-' &&
			strcmp(key + len - kind_len, kind) == 0)
			break;
	}
	return i;
}

static void unknown_role(
	const struct cluster *cluster, const struct layer *layer, const struct dp_spot *spot)
{
	const char *names[MAX_KINDS + 1];
	size_t count = 0;

	while (count < layer->layout->count) {
		names[count] = layer->roles[count];
		count++;
	}
	if (layer->layout->has_name)
		names[count++] = "name";
	dp_flaw_key(&cluster->source, spot, names, count);
}

static void read_role(
	const struct cluster *cluster, struct layer *layer, const struct dp_spot *spot)
{
	size_t i = find_kind(layer, spot->key);

	if (i == layer->layout->count) {
		unknown_role(cluster, layer, spot);
		return;
	}
	if (layer->keys[i])
		dp_flaw(&cluster->source, spot, "the same as %s, which is there too",
			layer->keys[i]);
	layer->keys[i] = spot->key;
	if (layer->layout->kinds[i].is_list)
		read_hosts(cluster, spot, layer->layer, layer->roles[i]);
	else
		read_host(cluster, spot, layer->layer, layer->roles[i]);
}

/* Short enough that NAME-worker is a word. */
static const char *read_layer_name(const struct cluster *cluster, const struct dp_spot *spot)
{
	const char *name = dp_spot_text(&cluster->source, spot, "what the layer runs");

	if (!spot->value)
		dp_flaw(&cluster->source, spot, "missing");
	if (!name || (dp_fact_is_word(name, strlen(name)) &&
			     strlen(name) + strlen("-worker") <= DEPLOY_FACT_VALUE_MAX))
		return name;
	dp_flaw_quoted(&cluster->source, spot, name,
		"cannot be a part of a role: expected 1 to 93 of A-Z a-z 0-9 _ . : / -");
	return NULL;
}

static void begin_layer(const struct cluster *cluster, struct layer *layer,
	const struct dp_spot *spot, enum deploy_layer which)
{
	const struct dp_spot name = dp_spot_member(spot, "name");

	*layer = (struct layer){.layer = which, .layout = &layouts[which]};
	if (layer->layout->has_name)
		layer->name = read_layer_name(cluster, &name);
	for (size_t i = 0; i < layer->layout->count; i++) {
		const char *kind = layer->layout->kinds[i].name;

		layer->roles[i] =
			layer->name ? dp_xasprintf("%s-%s", layer->name, kind) : dp_xstrdup(kind);
		(void)dp_roles_own(cluster->roles, layer->roles[i]);
	}
}

static void read_layer(
	const struct cluster *cluster, const struct dp_spot *spot, enum deploy_layer which)
{
	struct layer layer;
	const char *key;
	json_t *value;

	if (!dp_spot_is_a(&cluster->source, spot, JSON_OBJECT, "a mapping"))
		return;
	begin_layer(cluster, &layer, spot, which);
	json_object_foreach(spot->value, key, value)
	{
		const struct dp_spot role = {.up = spot, .value = value, .key = key};

		if (!layer.layout->has_name || strcmp(key, "name") != 0)
			read_role(cluster, &layer, &role);
	}
	for (size_t i = 0; i < layer.layout->count; i++) {
		const struct dp_spot missing = dp_spot_member(spot, layer.roles[i]);

		if (!layer.keys[i])
			dp_flaw(&cluster->source, &missing, "missing");
	}
}

static void read_layout(const struct cluster *cluster, const struct dp_spot *layout)
{
	static const struct dp_spot_key keys[] = {{"name", true}, {"batch", false}, {"bus", false},
		{"speed", false}, {"serving", false}};
	const struct dp_spot name = dp_spot_member(layout, "name");
	const char *text;
	size_t layers = 0;

	if (!dp_spot_check_keys(&cluster->source, layout, keys, sizeof(keys) / sizeof(keys[0])))
		return;
	text = dp_spot_text(&cluster->source, &name, "the cluster's nameservice");
	if (text && !dp_fact_is_word(text, strlen(text)))
		dp_flaw_quoted(&cluster->source, &name, text,
			"cannot name a service: expected 1 to 100 of A-Z a-z 0-9 _ . : / -");
	for (int i = 0; i < DEPLOY_LAYER_NONE; i++) {
		const struct dp_spot layer =
			dp_spot_member(layout, deploy_layer_name((enum deploy_layer)i));

		layers += layer.value != NULL;
		read_layer(cluster, &layer, (enum deploy_layer)i);
	}
	if (layers == 0)
		dp_flaw(&cluster->source, layout,
			"expected at least one layer: batch, bus, speed, serving");
}

static void read_root(struct cluster *cluster, json_t *value)
{
	static const struct dp_spot_key keys[] = {{"buildoop_repository", true},
		{"environment_path", false}, {"environment_branch", false},
		{"environment_cluster", true}, {"cluster_layout", true}};
	const struct dp_spot root = {.value = value},
			     layout = dp_spot_member(&root, "cluster_layout");

	if (!dp_spot_check_keys(&cluster->source, &root, keys, sizeof(keys) / sizeof(keys[0])))
		return;
	cluster->collection = read_collection(cluster, &root);
	read_head(cluster, &root);
	read_layout(cluster, &layout);
}

int deploy_roles_read(struct deploy_roles *roles, const char *name, const char *text, size_t len,
	struct deploy_error *err)
{
	struct cluster cluster = {.roles = roles,
		.source = {.flaws = dp_roles_flaws(roles),
			.file = dp_roles_own(roles, dp_xstrdup(name))}};
	struct dp_document doc;
	int rc;

	if (len > DEPLOY_CLUSTER_MAX_BYTES)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: larger than %d bytes", name,
			DEPLOY_CLUSTER_MAX_BYTES);
	rc = dp_document_read(&doc, name, text, len, err);
	if (!rc) {
		dp_document_locate(&doc, name, text, len);
		cluster.source.doc = doc.yaml;
		read_root(&cluster, doc.root);
	}
	dp_document_release(&doc);
	return rc;
}

int deploy_roles_read_file(struct deploy_roles *roles, const char *path, struct deploy_error *err)
{
	struct dp_buf text;
	int rc = dp_input_read(&text, path, DEPLOY_CLUSTER_MAX_BYTES, err);

	if (!rc)
		rc = deploy_roles_read(
			roles, dp_input_name(path), dp_buf_text(&text), text.len, err);
	dp_buf_release(&text);
	return rc;
}
