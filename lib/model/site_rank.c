/* Which nodes of a site are selected, and in which order they come. */
#include "model/site_rank.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

static int compare_name(const void *key, const void *item)
{
	const char *const *name = item;

	return strcmp(key, *name);
}

static int refuse_instance(
	const struct deploy_site *site, const char *instance, struct deploy_error *err)
{
	const char *meant =
		deploy_text_suggest(instance, site->applications, site->application_count);
	char *shown = meant ? deploy_text_escape(meant, strlen(meant)) : NULL;

	(void)deploy_error_set(
		err, DEPLOY_USAGE, "%s: no application is called \"%s\"", site->name, instance);
	if (shown)
		deploy_error_hint(err, "did you mean '%s'?", shown);
	free(shown);
	return err->code;
}

static int choose(struct dp_ranking *r, const struct deploy_site_selection *selection,
	struct deploy_error *err)
{
	const struct deploy_site *site = r->site;
	bool is_all = !selection || !selection->instance_count;

	r->is_chosen = dp_xcalloc(site->application_count, sizeof(bool));
	memset(r->is_chosen, is_all, site->application_count);
	for (size_t i = 0; !is_all && i < selection->instance_count; i++) {
		const char **found = site->application_count
					     ? bsearch(selection->instances[i], site->applications,
						       site->application_count,
						       sizeof(*site->applications), compare_name)
					     : NULL;

		if (!found)
			return refuse_instance(site, selection->instances[i], err);
		r->is_chosen[found - site->applications] = true;
	}
	return 0;
}

/* Everybody whom selected nodes wait for, and so on. */
static void select_deps(struct dp_ranking *r)
{
	uint32_t *queue = dp_xmalloc(r->site->node_count * sizeof(*queue)), count = 0;

	for (uint32_t i = 0; i < r->site->node_count; i++)
		if (r->is_selected[i])
			queue[count++] = i;
	for (uint32_t done = 0; done < count; done++)
		for (uint32_t i = r->after.start[queue[done]]; i < r->after.start[queue[done] + 1];
			i++) {
			uint32_t node = r->after.items[i];

			if (r->is_selected[node])
				continue;
			r->is_selected[node] = true;
			queue[count++] = node;
		}
	free(queue);
}

static void select_nodes(struct dp_ranking *r, const struct deploy_site_selection *selection)
{
	const struct deploy_site *site = r->site;

	r->is_selected = dp_xcalloc(site->node_count, sizeof(bool));
	for (uint32_t i = 0; i < site->component_count; i++)
		if (r->is_chosen[site->components[i].application])
			r->is_selected[site->components[i].node] = true;
	if (selection && selection->with_deps)
		select_deps(r);
}

/* What out has of each selected node. Returns its place there, by that in the site. */
static uint32_t *list_nodes(const struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;
	struct deploy_ranks *out = r->out;
	uint32_t *place = dp_xmalloc(site->node_count * sizeof(*place)), component = 0;

	out->nodes = dp_xmalloc(site->node_count * sizeof(*out->nodes));
	out->component_start = dp_xcalloc((size_t)site->node_count + 1, sizeof(uint32_t));
	out->components = dp_xmalloc(site->component_count * sizeof(*out->components));
	for (uint32_t node = 0; node < site->node_count; node++) {
		if (!r->is_selected[node])
			continue;
		place[node] = (uint32_t)out->node_count;
		out->nodes[out->node_count++] = site->nodes[node];
		for (uint32_t i = site->component_start[node]; i < site->component_start[node + 1];
			i++)
			out->components[component++] = (struct deploy_site_component){
				.application = site->applications[site->components[i].application],
				.name = site->components[i].name,
				.is_chosen = r->is_chosen[site->components[i].application]};
		out->component_start[out->node_count] = component;
	}
	return place;
}

static void list_applications(const struct dp_ranking *r)
{
	const struct deploy_site *site = r->site;
	struct deploy_ranks *out = r->out;

	out->applications = dp_xmalloc(site->application_count * sizeof(*out->applications));
	for (uint32_t i = 0; i < site->application_count; i++)
		if (r->is_chosen[i])
			out->applications[out->application_count++] = site->applications[i];
}

/* Waits of selected nodes for selected nodes, by their places in out. */
static void list_waits(const struct dp_ranking *r, const uint32_t *place)
{
	struct dp_rows after = {.count = (uint32_t)r->out->node_count}, before;
	uint32_t count = 0, row = 0;

	after.start = dp_xcalloc((size_t)after.count + 1, sizeof(uint32_t));
	after.items = dp_xmalloc(r->after.start[r->after.count] * sizeof(uint32_t));
	for (uint32_t node = 0; node < r->after.count; node++) {
		if (!r->is_selected[node])
			continue;
		for (uint32_t i = r->after.start[node]; i < r->after.start[node + 1]; i++)
			if (r->is_selected[r->after.items[i]])
				after.items[count++] = place[r->after.items[i]];
		after.start[++row] = count;
	}
	dp_rows_turn(&before, &after, after.count);
	r->out->start = after.start;
	r->out->after = after.items;
	r->out->dependent_start = before.start;
	r->out->dependents = before.items;
}

static void list_ranks(struct deploy_ranks *out)
{
	const struct dp_rows after = {out->start, out->after, (uint32_t)out->node_count};
	const struct dp_rows before = {
		out->dependent_start, out->dependents, (uint32_t)out->node_count};
	struct dp_rows of_node = {.count = after.count}, by_rank;

	out->rank = dp_xmalloc(after.count * sizeof(*out->rank));
	(void)dp_site_order(out->rank, &after, &before);
	of_node.start = dp_xmalloc(((size_t)after.count + 1) * sizeof(uint32_t));
	of_node.items = out->rank;
	for (uint32_t i = 0; i <= after.count; i++)
		of_node.start[i] = i;
	for (uint32_t i = 0; i < after.count; i++)
		if (out->rank[i] >= out->rank_count)
			out->rank_count = (size_t)out->rank[i] + 1;
	dp_rows_turn(&by_rank, &of_node, (uint32_t)out->rank_count);
	free(of_node.start);
	out->rank_start = by_rank.start;
	out->by_rank = by_rank.items;
}

static void fill(const struct dp_ranking *r)
{
	uint32_t *place = list_nodes(r);

	list_applications(r);
	list_waits(r, place);
	free(place);
	list_ranks(r->out);
}

static int fail(const struct dp_ranking *r, struct deploy_error *err)
{
	const struct deploy_site_notice *first = r->out->notices;
	size_t more = r->out->error_count - 1;
	bool is_cycle = first->kind == DEPLOY_SITE_CYCLE;

	(void)deploy_error_set(err, is_cycle ? DEPLOY_INPUT : DEPLOY_REFUSED, "%s: %s",
		r->site->name, first->text);
	deploy_error_hint(err, "%s%s",
		is_cycle ? "a node runs its whole catalog at once, so what nodes consume must "
			   "not lead back to them"
			 : "produce it, or leave out who consumes it",
		more ? "; it is not the only error" : "");
	return err->code;
}

static int rank_nodes(struct dp_ranking *r, const struct deploy_site_selection *selection,
	struct deploy_error *err)
{
	const struct deploy_site *site = r->site;

	if (choose(r, selection, err))
		return err->code;
	dp_site_producers(&r->producers, site);
	if (dp_site_waits(&r->after, site, &r->producers, err))
		return err->code;
	dp_rows_turn(&r->before, &r->after, site->node_count);
	r->rank = dp_xmalloc(site->node_count * sizeof(*r->rank));
	(void)dp_site_order(r->rank, &r->after, &r->before);
	select_nodes(r, selection);
	r->out = dp_xcalloc(1, sizeof(*r->out));
	r->out->environment = site->environment;
	dp_site_tell(r);
	if (r->out->error_count)
		return fail(r, err);
	fill(r);
	return 0;
}

int deploy_site_rank(struct deploy_ranks **out, const struct deploy_site *site,
	const struct deploy_site_selection *selection, struct deploy_error *err)
{
	struct dp_ranking ranking = {.site = site};
	int rc = rank_nodes(&ranking, selection, err);

	*out = ranking.out;
	dp_rows_release(&ranking.producers);
	dp_rows_release(&ranking.after);
	dp_rows_release(&ranking.before);
	free(ranking.rank);
	free(ranking.is_chosen);
	free(ranking.is_selected);
	return rc;
}

void deploy_ranks_free(struct deploy_ranks *ranks)
{
	if (!ranks)
		return;
	for (size_t i = 0; i < ranks->notice_count; i++)
		free(ranks->notices[i].text);
	free(ranks->notices);
	free(ranks->nodes);
	free(ranks->applications);
	free(ranks->components);
	free(ranks->component_start);
	free(ranks->start);
	free(ranks->after);
	free(ranks->dependent_start);
	free(ranks->dependents);
	free(ranks->rank);
	free(ranks->rank_start);
	free(ranks->by_rank);
	free(ranks);
}
