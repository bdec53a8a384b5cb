/*
 * Any bytes as a site graph: either it is refused in one line, or flaws have pointers, or its nodes
 * come in an order in which each waits for earlier ranks only; or it is told why there is none.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/nodeset.h"
#include "deploy/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_line(const char *text)
{
	require(*text && !strpbrk(text, "\r\n\033"));
}

static void check_flaws(const struct deploy_site *site)
{
	for (size_t i = 0; i < deploy_site_flaw_count(site) && i < DEPLOY_MAX_FLAWS; i++) {
		const struct deploy_flaw *flaw = deploy_site_flaw(site, i);

		require(*flaw->pointer == '/' || *flaw->pointer == '\0');
		require((flaw->place.line == 0) == (flaw->place.column == 0));
		check_line(flaw->text);
	}
}

static void check_order(const struct deploy_ranks *ranks)
{
	require(ranks->error_count == 0);
	require(ranks->rank_start[ranks->rank_count] == ranks->node_count);
	for (uint32_t i = 0; i < ranks->node_count; i++) {
		require(deploy_identity_is_valid(ranks->nodes[i], strlen(ranks->nodes[i])));
		require(i == 0 || strcmp(ranks->nodes[i - 1], ranks->nodes[i]) < 0);
		require(ranks->component_start[i] < ranks->component_start[i + 1]);
		for (uint32_t j = ranks->start[i]; j < ranks->start[i + 1]; j++)
			require(ranks->rank[ranks->after[j]] < ranks->rank[i]);
		for (uint32_t j = ranks->dependent_start[i]; j < ranks->dependent_start[i + 1]; j++)
			require(ranks->rank[ranks->dependents[j]] > ranks->rank[i]);
	}
}

static void check_part(const struct deploy_site *site, const struct deploy_site_selection *part)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ranks *ranks = NULL;
	int rc = deploy_site_rank(&ranks, site, part, &err);

	require(rc == err.code);
	if (rc) {
		require(rc == DEPLOY_USAGE || rc == DEPLOY_INPUT || rc == DEPLOY_REFUSED);
		require(rc == DEPLOY_USAGE || !ranks || ranks->error_count > 0);
	} else {
		check_order(ranks);
	}
	for (size_t i = 0; ranks && i < ranks->notice_count; i++)
		check_line(ranks->notices[i].text);
	deploy_ranks_free(ranks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const instances[] = {"Lamp[app1]"};
	const struct deploy_site_selection alone = {.instances = instances, .instance_count = 1};
	const struct deploy_site_selection with_deps = {
		.instances = instances, .instance_count = 1, .with_deps = true};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_site *site = NULL;
	int rc = deploy_site_read(&site, "t", (const char *)data, size, &err);

	if (rc) {
		require(rc == DEPLOY_INPUT && err.code == rc && !site);
		require(strncmp(err.text, "t:", 2) == 0 && !strpbrk(err.text, "\r\n"));
		return 0;
	}
	check_flaws(site);
	if (!deploy_site_flaw_count(site)) {
		check_part(site, NULL);
		check_part(site, &alone);
		check_part(site, &with_deps);
	}
	deploy_site_free(site);
	return 0;
}
