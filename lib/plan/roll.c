/* How many nodes at a time; and whether a roll can leave enough of them in service. */
#include <string.h>

#include "base/mem.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* N, N%, or a ramp. */
void dp_plan_read_batch(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_policy *policy = field;
	json_t *value;
	size_t i;

	if (!json_is_array(spot->value)) {
		dp_plan_read_amount(r, spot, &policy->batch[0]);
		policy->batch_count = policy->batch[0].value != 0;
		return;
	}
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	if (json_array_size(spot->value) > DEPLOY_MAX_RAMP)
		dp_flaw(&r->source, spot, "a ramp has at most %d steps", DEPLOY_MAX_RAMP);
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};
		struct deploy_amount amount = {0, false};

		dp_plan_read_amount(r, &item, &amount);
		if (amount.value && policy->batch_count < DEPLOY_MAX_RAMP)
			policy->batch[policy->batch_count++] = amount;
	}
}

void dp_plan_read_max_fail(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_policy *policy = field;
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *text = dp_plan_scalar(r, spot, "a number of nodes, or a per cent");

	if (text && deploy_amount_parse(&policy->max_fail, text, true, &err))
		dp_plan_flaw(r, spot, &err);
}

/* Is there a group that leaves too few of total nodes in service? */
static bool takes_too_many(const struct deploy_step *step, size_t total)
{
	const struct deploy_policy *policy = &step->policy;
	size_t stay = deploy_amount_group(step->min_in_service, total), left = total;

	for (unsigned i = 0; i < policy->batch_count && left; i++) {
		size_t group = deploy_amount_group(policy->batch[i], total);

		group = group < left ? group : left;
		if (group + stay > total)
			return true;
		left -= group;
	}
	/* The last size repeats. */
	return false;
}

/*
 * Sets are as large as they are when the plan runs, so only what can never work is a flaw. Tried
 * are small sizes, of which each may matter to a per cent, then growing ones.
 */
static void check_service(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_step *step)
{
	if (!step->min_in_service.value || !step->policy.batch_count)
		return;
	for (size_t total = 1; total <= DEPLOY_MAX_NODES; total += total < 500 ? 1 : total / 100)
		if (!takes_too_many(step, total))
			return;
	dp_flaw(&r->source, spot,
		"of however many nodes, a group of this batch leaves fewer than min_in_service");
}

void dp_plan_read_roll(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
#define KEY(name, read, member) name, read, offsetof(struct deploy_step, member), 0
	static const struct dp_plan_key keys[] = {
		{KEY("over", dp_plan_read_nodes, over), true, false},
		{KEY("batch", dp_plan_read_batch, policy), true, false},
		{KEY("batch_sleep", dp_plan_read_pause, policy.batch_sleep_ms), false, false},
		{KEY("max_fail", dp_plan_read_max_fail, policy), false, false},
		{KEY("min_in_service", dp_plan_read_amount, min_in_service), false, false},
	};
#undef KEY
	const struct dp_spot batch = dp_spot_member(spot, "batch");

	if (r->in_roll)
		dp_flaw(&r->source, spot, "a roll in a roll: group could mean either");
	if (dp_plan_read_keys(r, spot, keys, COUNT(keys), field))
		check_service(r, &batch, field);
}
