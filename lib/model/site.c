/*
 * Documents become sites. A large one is read in about the time that its JSON takes: one walk over
 * it, in which names become numbers; where something stands is found out only if it is wrong.
 */
#include "model/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/intern.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "model/document.h"
#include "model/input_file.h"

/* A site while it is read. */
struct reader {
	struct deploy_site *site;
	struct dp_source source;
	struct dp_intern nodes, capabilities;
	size_t application_cap, component_cap, capability_cap;
	uint32_t capability_count; /* in site->capabilities */
	/* Of each capability: the number of the last list that has it. */
	uint32_t *last_list;
	size_t last_list_cap, last_list_count;
	uint32_t list;
};

/* False, with a flaw, if the list that is being read has the capability already. */
static bool is_first(struct reader *r, const struct dp_spot *item, uint32_t capability)
{
	r->last_list = dp_grow(
		r->last_list, &r->last_list_cap, r->capabilities.count, sizeof(*r->last_list));
	while (r->last_list_count < r->capabilities.count)
		r->last_list[r->last_list_count++] = 0;
	if (r->last_list[capability] == r->list) {
		dp_flaw(&r->source, item, "the second time in this list");
		return false;
	}
	r->last_list[capability] = r->list;
	return true;
}

static void read_capability(struct reader *r, const struct dp_spot *item)
{
	const char *text = dp_spot_text(&r->source, item, "a capability");
	uint32_t capability;

	if (!text)
		return;
	capability = dp_intern_add(&r->capabilities, text, json_string_length(item->value));
	if (!is_first(r, item, capability))
		return;
	r->site->capabilities = dp_grow(r->site->capabilities, &r->capability_cap,
		(size_t)r->capability_count + 1, sizeof(*r->site->capabilities));
	r->site->capabilities[r->capability_count++] = capability;
}

/* Tells what there must be, and is not. */
static bool is_there(const struct reader *r, const struct dp_spot *spot)
{
	if (!spot->value)
		dp_flaw(&r->source, spot, "missing");
	return spot->value != NULL;
}

/* *first and *count: where its capabilities stand. */
static void read_list(struct reader *r, const struct dp_spot *component, const char *key,
	uint32_t *first, uint32_t *count)
{
	const struct dp_spot list = dp_spot_member(component, key);
	json_t *value;
	size_t i;

	*first = r->capability_count;
	r->list++;
	if (is_there(r, &list) &&
		dp_spot_is_a(&r->source, &list, JSON_ARRAY, "a list of capabilities"))
		json_array_foreach(list.value, i, value)
		{
			const struct dp_spot item = {.up = &list, .value = value, .index = i};

			read_capability(r, &item);
		}
	*count = r->capability_count - *first;
}

static uint32_t read_node(struct reader *r, const struct dp_spot *component)
{
	const struct dp_spot node = dp_spot_member(component, "node");
	const char *name = is_there(r, &node)
				   ? dp_spot_text(&r->source, &node, "the certname of a node")
				   : NULL;

	if (!name)
		return 0;
	if (deploy_identity_is_valid(name, json_string_length(node.value)))
		return dp_intern_add(&r->nodes, name, json_string_length(node.value));
	dp_flaw_quoted(&r->source, &node, name,
		"cannot be a node's certname: expected 1 to 255 of A-Z a-z 0-9 _ . -");
	return 0;
}

static void check_name(const struct reader *r, const struct dp_spot *spot, const char *what)
{
	if (!*spot->key)
		dp_flaw(&r->source, spot, "%s has no name", what);
}

static void read_component(struct reader *r, const struct dp_spot *spot, uint32_t application)
{
	struct dp_site_component component = {.name = spot->key, .application = application};

	check_name(r, spot, "a component");
	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT,
		    "a component: a mapping of produces, consumes, node"))
		return;
	read_list(r, spot, "produces", &component.produced, &component.produced_count);
	read_list(r, spot, "consumes", &component.consumed, &component.consumed_count);
	component.node = read_node(r, spot);
	r->site->components = dp_grow(r->site->components, &r->component_cap,
		(size_t)r->site->component_count + 1, sizeof(*r->site->components));
	r->site->components[r->site->component_count++] = component;
}

static void read_application(struct reader *r, const struct dp_spot *spot)
{
	struct deploy_site *site = r->site;
	uint32_t application = site->application_count;
	const char *key;
	json_t *value;

	check_name(r, spot, "an application");
	site->applications = dp_grow(site->applications, &r->application_cap,
		(size_t)application + 1, sizeof(*site->applications));
	site->applications[site->application_count++] = spot->key;
	if (!dp_spot_is_a(&r->source, spot, JSON_OBJECT, "a mapping of components"))
		return;
	json_object_foreach(spot->value, key, value)
	{
		const struct dp_spot component = {.up = spot, .value = value, .key = key};

		read_component(r, &component, application);
	}
}

static void read_root(struct reader *r, json_t *value)
{
	const struct dp_spot root = {.value = value},
			     environment = dp_spot_member(&root, "environment"),
			     applications = dp_spot_member(&root, "applications");
	const char *key;

	if (!dp_spot_is_a(&r->source, &root, JSON_OBJECT, "a mapping"))
		return;
	if (is_there(r, &environment))
		r->site->environment =
			dp_spot_text(&r->source, &environment, "the environment's name");
	if (!is_there(r, &applications) ||
		!dp_spot_is_a(&r->source, &applications, JSON_OBJECT, "a mapping of applications"))
		return;
	json_object_foreach(applications.value, key, value)
	{
		const struct dp_spot application = {
			.up = &applications, .value = value, .key = key};

		read_application(r, &application);
	}
	if (r->nodes.count > DEPLOY_MAX_NODES)
		dp_flaw(&r->source, &applications, "%u nodes; %d are as many as there may be",
			r->nodes.count, DEPLOY_MAX_NODES);
}

static void release_content(struct deploy_site *site)
{
	free(site->applications);
	free(site->nodes);
	free(site->components);
	free(site->component_start);
	free(site->capabilities);
	free(site->capability_names);
	dp_flaws_release(&site->flaws);
	json_decref(site->root);
	free(site->name);
	*site = (struct deploy_site){0};
}

/* Fill an empty site; the names stay with doc. */
static void fill(struct deploy_site *site, const char *name, const struct dp_document *doc)
{
	struct reader r = {.site = site, .source = {.flaws = &site->flaws, .doc = doc->yaml}};

	r.source.file = site->name = dp_xstrdup(name);
	site->root = json_incref(doc->root);
	dp_intern_init(&r.nodes);
	dp_intern_init(&r.capabilities);
	read_root(&r, doc->root);
	site->nodes = r.nodes.texts;
	site->node_count = r.nodes.count;
	site->capability_names = r.capabilities.texts;
	site->capability_count = r.capabilities.count;
	r.nodes.texts = r.capabilities.texts = NULL;
	dp_intern_release(&r.nodes);
	dp_intern_release(&r.capabilities);
	free(r.last_list);
}

int deploy_site_read(struct deploy_site **out, const char *name, const char *text, size_t len,
	struct deploy_error *err)
{
	struct deploy_site *site;
	struct dp_document doc;

	*out = NULL;
	if (len > DEPLOY_SITE_MAX_BYTES)
		return deploy_error_set(
			err, DEPLOY_INPUT, "%s: larger than %d bytes", name, DEPLOY_SITE_MAX_BYTES);
	if (!dp_document_read(&doc, name, text, len, err)) {
		site = *out = dp_xcalloc(1, sizeof(*site));
		fill(site, name, &doc);
		if (site->flaws.count && !doc.yaml) {
			dp_document_locate(&doc, name, text, len);
			release_content(site);
			fill(site, name, &doc);
		}
		if (!site->flaws.count)
			dp_site_arrange(site);
	}
	dp_document_release(&doc);
	return err->code;
}

int deploy_site_read_file(struct deploy_site **out, const char *path, struct deploy_error *err)
{
	struct dp_buf text;

	*out = NULL;
	if (!dp_input_read(&text, path, DEPLOY_SITE_MAX_BYTES, err))
		(void)deploy_site_read(out, dp_input_name(path), dp_buf_text(&text), text.len, err);
	dp_buf_release(&text);
	return err->code;
}

void deploy_site_free(struct deploy_site *site)
{
	if (!site)
		return;
	release_content(site);
	free(site);
}

size_t deploy_site_flaw_count(const struct deploy_site *site)
{
	return site->flaws.count;
}

const struct deploy_flaw *deploy_site_flaw(const struct deploy_site *site, size_t index)
{
	return &site->flaws.told[index];
}

const char *deploy_site_environment(const struct deploy_site *site)
{
	return site->environment;
}
