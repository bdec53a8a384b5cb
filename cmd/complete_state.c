/* What the state file offers for completion. One that cannot be read offers nothing. */
#include <stdlib.h>
#include <string.h>

#include "completion.h"

#define MOST_NAMES 200 /* more than anybody reads */

/* Names go behind what stands before them in the same word: "web1,", "country=". */
struct offering {
	struct completion *completion;
	const char *before, *after;
};

static int offer(void *arg, const char *name, const char *text)
{
	const struct offering *offering = arg;

	completion_offer_within(
		offering->completion, offering->before, name, offering->after, text);
	return 0;
}

/* head: the bytes of the word that stand before what is being typed. */
static void offer_names(struct completion *completion, enum deploy_names what, const char *fact,
	size_t head, const char *after)
{
	const struct deploy_state *state = completion_state(completion);
	const char *word = completion_word(completion);
	const struct deploy_names_query query = {
		.what = what, .fact = fact, .prefix = word + head, .limit = MOST_NAMES};
	char *before = out_resize(NULL, head + 1);
	struct offering offering = {completion, before, after};
	struct deploy_error ignored = {0};

	(void)snprintf(before, head + 1, "%s", word);
	if (state)
		(void)deploy_state_each_name(state, &query, offer, &offering, &ignored);
	free(before);
}

void completion_offer_nodes(struct completion *completion, size_t head)
{
	const char *comma = strrchr(completion_word(completion) + head, ',');

	if (comma)
		head = (size_t)(comma + 1 - completion_word(completion));
	offer_names(completion, DEPLOY_NAMES_NODES, NULL, head, "");
}

void complete_nodes(struct completion *completion, struct args operands)
{
	(void)operands;
	completion_offer_nodes(completion, 0);
}

void completion_offer_runs(struct completion *completion)
{
	offer_names(completion, DEPLOY_NAMES_RUNS, NULL, 0, "");
}

void completion_offer_facts(struct completion *completion)
{
	offer_names(completion, DEPLOY_NAMES_FACTS, NULL, 0, "");
}

void completion_offer_fact_terms(struct completion *completion, size_t head)
{
	const char *typed = completion_word(completion) + head;
	size_t len = strcspn(typed, "=");
	char *fact;

	if (!typed[len]) {
		offer_names(completion, DEPLOY_NAMES_FACTS, NULL, head, "=");
		return;
	}
	fact = out_resize(NULL, len + 1);
	(void)snprintf(fact, len + 1, "%s", typed);
	offer_names(completion, DEPLOY_NAMES_VALUES, fact, head + len + 1, "");
	free(fact);
}
