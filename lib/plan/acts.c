/* Steps that are acts: their mappings are checked here, and read when ${…} in them is known. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/cluster.h"
#include "deploy/fact.h"
#include "deploy/push.h"
#include "model/roles.h"
#include "plan/reader.h"
#include "model/fact_words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FREE(name, read)                                                                           \
	{                                                                                          \
		name, read, 0, 0, false, true                                                      \
	}
#define FIXED(name, read)                                                                          \
	{                                                                                          \
		name, read, 0, 0, false, false                                                     \
	}

/* The mapping of an act; nothing at all is an empty one. False if it is neither. */
static bool read_mapping(struct dp_plan_reader *r, const struct dp_spot *spot,
	const struct dp_plan_key *keys, size_t count, struct deploy_step *step)
{
	if (json_is_null(spot->value))
		return false;
	step->act = spot->value;
	return dp_plan_read_keys(r, spot, keys, count, NULL);
}

/* Puppet */

static void read_words(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_texts words = {NULL, 0};

	(void)field;
	dp_plan_read_texts(r, spot, &words);
	dp_plan_read_json(r, spot, NULL);
}

void dp_plan_read_puppet_run(struct dp_plan_reader *r, const struct dp_spot *spot, void *step)
{
	static const struct dp_plan_key keys[] = {
		FREE("tags", read_words),
		FREE("environment", dp_plan_read_text),
		FREE("noop", dp_plan_read_bool),
		FREE("use_cached_catalog", dp_plan_read_bool),
		FIXED("splay", dp_plan_read_pause),
		FIXED("poll", dp_plan_read_time),
		FIXED("idle", dp_plan_read_time),
		FIXED("start", dp_plan_read_time),
		FIXED("run", dp_plan_read_time),
	};

	(void)read_mapping(r, spot, keys, COUNT(keys), step);
}

/* Roles */

static void read_role_word(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "text");

	(void)field;
	if (text && !dp_fact_is_word(text, strlen(text)))
		dp_flaw_quoted(&r->source, spot, text,
			"is refused by nodes: expected 1 to 100 of A-Z a-z 0-9 _ . : / -");
}

static void read_entities(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	json_t *value;
	size_t i;

	if (!json_is_array(spot->value))
		read_role_word(r, spot, field);
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		if (json_is_string(value) && dp_plan_is_template(json_string_value(value)))
			(void)dp_plan_check_template(r, &item, json_string_value(value));
		else
			read_role_word(r, &item, field);
	}
}

static void read_layers(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *names[DEPLOY_LAYER_NONE];
	struct deploy_texts texts = {NULL, 0};

	(void)field;
	for (int i = 0; i < DEPLOY_LAYER_NONE; i++)
		names[i] = deploy_layer_name((enum deploy_layer)i);
	dp_plan_read_texts(r, spot, &texts);
	for (size_t i = 0; i < texts.count; i++) {
		int layer = 0;

		while (layer < DEPLOY_LAYER_NONE && strcmp(names[layer], texts.items[i]) != 0)
			layer++;
		if (layer == DEPLOY_LAYER_NONE)
			dp_flaw_quoted(&r->source, spot, texts.items[i],
				"is no layer: expected batch, bus, speed, serving");
	}
}

/* The file is read now: what is wrong in it is wrong before anything is done. */
static void read_cluster_file(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *file = dp_spot_text(&r->source, spot, "the path of a cluster file");
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_roles *roles;
	const struct deploy_flaw *flaw;

	(void)field;
	if (!file || !dp_plan_is_file(r, spot, file))
		return;
	roles = deploy_roles_new();
	if (deploy_roles_read_file(roles, dp_plan_path(r, file), &err)) {
		dp_plan_flaw(r, spot, &err);
	} else if (deploy_roles_flaw_count(roles)) {
		flaw = deploy_roles_flaw(roles, 0);
		dp_flaw(&r->source, spot, "not valid: %s; assign-role --check tells the rest",
			flaw->text);
	}
	deploy_roles_free(roles);
}

void dp_plan_read_assign_role(struct dp_plan_reader *r, const struct dp_spot *spot, void *step)
{
	static const struct dp_plan_key keys[] = {
		FREE("collection", read_role_word),
		FREE("category", read_role_word),
		FREE("role", read_role_word),
		FREE("entity", read_entities),
		FREE("environment", dp_plan_read_text),
		FIXED("file", read_cluster_file),
		FIXED("layers", read_layers),
		FREE("cluster", dp_plan_read_text),
	};
	bool has_file;

	if (!read_mapping(r, spot, keys, COUNT(keys), step)) {
		if (json_is_null(spot->value))
			dp_flaw(&r->source, spot,
				"expected collection, category and role, or a file");
		return;
	}
	has_file = json_object_get(spot->value, "file") != NULL;
	if (json_is_string(json_object_get(spot->value, "file")))
		((struct deploy_step *)step)->file =
			dp_plan_path(r, json_string_value(json_object_get(spot->value, "file")));
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct dp_spot member = dp_spot_member(spot, keys[i].name);

		if (has_file && i < 4 && member.value)
			dp_flaw(&r->source, &member, "the file says who has which role");
		else if (!has_file && i < 3 && !member.value)
			dp_flaw(&r->source, &member, "missing");
		else if (!has_file && i > 5 && member.value)
			dp_flaw(&r->source, &member, "chooses from a file, and there is none");
	}
}

/* Facts */

static void check_fact(struct dp_plan_reader *r, const struct dp_spot *spot, const char *name)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *value = json_string_value(spot->value);

	if (deploy_fact_check_name(name, &err))
		dp_plan_flaw(r, spot, &err);
	else if (value && dp_plan_is_template(value))
		(void)dp_plan_check_template(r, spot, value);
	else if (!json_is_null(spot->value)) {
		value = dp_plan_scalar(r, spot, "the fact's value, or nothing to take it away");
		if (value && deploy_fact_check_value(name, value, &err))
			dp_plan_flaw(r, spot, &err);
	}
}

static void read_facts(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *name;
	json_t *value;

	(void)field;
	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		return;
	json_object_foreach(spot->value, name, value)
	{
		const struct dp_spot fact = {.up = spot, .value = value, .key = name};

		check_fact(r, &fact, name);
	}
}

static void read_sha256(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *text = dp_spot_text(&r->source, spot, "64 hexadecimal digits");
	struct deploy_error err = {.code = DEPLOY_OK};

	(void)field;
	if (text && deploy_push_check_url(NULL, text, &err))
		dp_plan_flaw(r, spot, &err);
}

/* With what is known of it now; its digest, if it is wrong, is a flaw already. */
static void check_url(struct dp_plan_reader *r, const struct dp_spot *url, json_t *digest)
{
	const char *text = json_string_value(url->value), *sha256 = json_string_value(digest);
	struct deploy_error err = {.code = DEPLOY_OK}, told = {.code = DEPLOY_OK};

	if (!text || dp_plan_is_template(text) || (sha256 && dp_plan_is_template(sha256)))
		return;
	if (deploy_push_check_url(NULL, sha256, &told) == 0 &&
		deploy_push_check_url(text, sha256, &err))
		dp_plan_flaw(r, url, &err);
}

void dp_plan_read_push_facts(struct dp_plan_reader *r, const struct dp_spot *spot, void *step)
{
	static const struct dp_plan_key keys[] = {
		FIXED("facts", read_facts),
		FREE("environment", dp_plan_read_text),
		FREE("url", dp_plan_read_text),
		FREE("sha256", read_sha256),
		FIXED("verify", dp_plan_read_time),
	};
	const struct dp_spot facts = dp_spot_member(spot, "facts"),
			     url = dp_spot_member(spot, "url"),
			     sha256 = dp_spot_member(spot, "sha256");

	if (!read_mapping(r, spot, keys, COUNT(keys), step))
		return;
	if (url.value && facts.value)
		dp_flaw(&r->source, &facts, "nodes fetch their facts from the url; leave one out");
	if (sha256.value && !url.value)
		dp_flaw(&r->source, &sha256, "is of a url, and there is none");
	check_url(r, &url, sha256.value);
}

/* Certificates */

static void read_fingerprints(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	const char *name;
	json_t *value;

	(void)field;
	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping"))
		return;
	json_object_foreach(spot->value, name, value)
	{
		const struct dp_spot one = {.up = spot, .value = value, .key = name};

		dp_plan_read_template(r, &one, NULL);
	}
}

void dp_plan_read_sign_cert(struct dp_plan_reader *r, const struct dp_spot *spot, void *step)
{
	static const struct dp_plan_key keys[] = {
		FIXED("verify_node", dp_plan_read_bool),
		FIXED("fingerprints", read_fingerprints),
		FIXED("trust_on_first_use", dp_plan_read_bool),
		FIXED("wait", dp_plan_read_time),
		FIXED("allow_alt_names", read_words),
		FIXED("allow_extensions", read_words),
	};
	bool is_mapping = read_mapping(r, spot, keys, COUNT(keys), step);

	if (is_mapping || json_is_null(spot->value)) {
		for (size_t i = 0; i < 3; i++)
			if (json_object_get(spot->value, keys[i].name) &&
				!json_is_false(json_object_get(spot->value, keys[i].name)))
				return;
		dp_flaw(&r->source, spot,
			"does not say whose requests may be signed: expected verify_node, "
			"fingerprints or trust_on_first_use");
	}
}

/* Messages */

void dp_plan_read_publish(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	static const struct dp_plan_key keys[] = {
		{"topic", dp_plan_read_template, 0, 0, true, false},
		{"body", dp_plan_read_json, 0, 0, true, false},
	};
	struct deploy_step *step = field;

	step->act = spot->value;
	(void)dp_plan_read_keys(r, spot, keys, COUNT(keys), NULL);
}
