/* What was read gets places that follow from names alone, so that all that is made of it does. */
#include "model/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct name {
	const char *text;
	uint32_t number;
};

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

/* places[i] becomes where texts[i] went. */
static void sort_names(const char **texts, uint32_t count, uint32_t *places)
{
	struct name *names = dp_xmalloc(count * sizeof(*names));

	for (uint32_t i = 0; i < count; i++)
		names[i] = (struct name){.text = texts[i], .number = i};
	qsort(names, count, sizeof(*names), compare_names);
	for (uint32_t i = 0; i < count; i++) {
		texts[i] = names[i].text;
		places[names[i].number] = i;
	}
	free(names);
}

/* Of one node; one application has no two components of a name. */
static int compare_components(const void *a, const void *b)
{
	const struct dp_site_component *x = a, *y = b;

	if (x->application != y->application)
		return x->application < y->application ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Bring those of a node together, and sort them. */
static void sort_components(struct deploy_site *site)
{
	struct dp_site_component *old = site->components, *sorted;
	uint32_t *next = dp_xcalloc((size_t)site->node_count + 2, sizeof(*next));

	sorted = dp_xmalloc(site->component_count * sizeof(*sorted));
	for (uint32_t i = 0; i < site->component_count; i++)
		next[old[i].node + 2]++;
	for (uint32_t i = 0; i < site->node_count; i++)
		next[i + 1] += next[i];
	for (uint32_t i = 0; i < site->component_count; i++)
		sorted[next[old[i].node + 1]++] = old[i];
	for (uint32_t i = 0; i < site->node_count; i++)
		qsort(sorted + next[i], next[i + 1] - next[i], sizeof(*sorted), compare_components);
	free(old);
	site->components = sorted;
	site->component_start = next;
}

void dp_site_arrange(struct deploy_site *site)
{
	uint32_t *nodes = dp_xmalloc(site->node_count * sizeof(*nodes));
	uint32_t *applications = dp_xmalloc(site->application_count * sizeof(*applications));

	sort_names(site->nodes, site->node_count, nodes);
	sort_names(site->applications, site->application_count, applications);
	for (uint32_t i = 0; i < site->component_count; i++) {
		site->components[i].node = nodes[site->components[i].node];
		site->components[i].application = applications[site->components[i].application];
	}
	free(nodes);
	free(applications);
	sort_components(site);
}
