/* Copying a filter. */
#include "deploy/filter.h"

#include "base/mem.h"

static char **copy_texts(char *const *texts, size_t count)
{
	char **copy = dp_xcalloc(count, sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = dp_xstrdup(texts[i]);
	return copy;
}

void deploy_filter_copy(struct deploy_filter *to, const struct deploy_filter *from)
{
	*to = *from;
	to->fact_cap = from->fact_count;
	to->facts = dp_xcalloc(from->fact_count, sizeof(*to->facts));
	for (size_t i = 0; i < from->fact_count; i++) {
		to->facts[i] = from->facts[i];
		to->facts[i].fact = dp_xstrdup(from->facts[i].fact);
		to->facts[i].value = dp_xstrdup(from->facts[i].value);
	}
	to->classes = copy_texts(from->classes, to->class_cap = from->class_count);
	to->agents = copy_texts(from->agents, to->agent_cap = from->agent_count);
	to->identities = copy_texts(from->identities, to->identity_cap = from->identity_count);
	to->nodes = from->nodes ? deploy_nodeset_copy(from->nodes) : NULL;
}
