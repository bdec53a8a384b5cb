/* A site graph: read, checked, ordered, shown, and cut down to the nodes that are meant. */
#include "site_plan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cert.h"
#include "flaws.h"
#include "site_show.h"

static const char *const schedule_names[] = {"ranks", "ready", NULL};
static const char *const on_fail_names[] = {"enable", "keep-disabled", NULL};

static int parse_instance(void *field, const char *text, struct deploy_error *err)
{
	struct site_instances *instances = field;

	if (instances->count == SITE_INSTANCES_MAX)
		return deploy_error_set(
			err, DEPLOY_USAGE, "more than %d instances", SITE_INSTANCES_MAX);
	instances->names[instances->count++] = text;
	return 0;
}

static int parse_batch(void *field, const char *text, struct deploy_error *err)
{
	return deploy_policy_parse_batch(field, text, err);
}

static int parse_limit(void *field, const char *text, struct deploy_error *err)
{
	return deploy_amount_parse(field, text, false, err);
}

static int parse_max_fail(void *field, const char *text, struct deploy_error *err)
{
	return deploy_amount_parse(field, text, true, err);
}

const struct opt site_options[] = {
	OPT_TEXT(0, "site", struct site_opts, source, "SITE",
		"instead of a plan: Puppet runs in the order of a site graph: a FILE (JSON or "
		"YAML), - for stdin, or an environment of the Puppet Server"),
	OPT_PARSED(0, "instance", struct site_opts, instances, "APP[TITLE]", parse_instance, true,
		"site: only the nodes of this application"),
	OPT_FLAG(0, "with-deps", struct site_opts, with_deps,
		"site: and the nodes that those wait for"),
	OPT_CHOICE(0, "schedule", struct site_opts, schedule, "HOW", schedule_names,
		"site: rank after rank, or each node as soon as those are done that it waits for",
		"ranks"),
	OPT_PARSED(0, "batch", struct site_opts, policy, "N|N%|N,M%,...", parse_batch, false,
		"site: nodes of a rank at a time; a list grows, its last one repeats"),
	OPT_NUMBER(0, "window", struct site_opts, policy.window, "N", 1, DEPLOY_MAX_NODES,
		"site: keep N nodes running instead", NULL),
	OPT_PARSED(0, "max-fail", struct site_opts, policy.max_fail, "N|N%", parse_max_fail, false,
		"site: nodes that may fail in a rank; none unless it is said"),
	OPT_PARSED(0, "limit", struct site_opts, limit.amount, "N|N%", parse_limit, false,
		"site: only the first N nodes of the order"),
	OPT_NUMBER(0, "canary", struct site_opts, canary, "N", 1, DEPLOY_MAX_NODES,
		"site: N nodes of the first rank alone, then ask before going on", NULL),
	OPT_CHOICE(0, "on-fail", struct site_opts, on_fail, "WHAT", on_fail_names,
		"site: if a node fails, let Puppet run again everywhere, or nowhere", "enable"),
	OPT_FLAG(0, "noop", struct site_opts, noop, "site: runs change nothing"),
	OPT_TEXT(0, "tags", struct site_opts, tags, "TAGS",
		"site: only resources with one of these tags, by commas"),
	OPT_TIME('t', "timeout", struct site_opts, timeout_ms, "TIME",
		"site: wait TIME for each reply", "25s"),
	OPT_TIME(0, "idle-time", struct site_opts, idle_ms, "TIME",
		"site: how long a node may take to end a run that goes on already", "10m"),
	OPT_TIME(0, "run-time", struct site_opts, run_ms, "TIME", "site: how long a run may take",
		"30m"),
	OPT_END,
};

int site_check_absent(const struct site_opts *opts, struct deploy_error *err)
{
	bool is_given = opts->instances.count || opts->with_deps || opts->noop ||
			opts->schedule != SITE_BY_RANKS || opts->on_fail != SITE_ENABLE ||
			opts->policy.batch_count || opts->policy.window ||
			opts->policy.max_fail.value || opts->limit.amount.value || opts->canary ||
			opts->tags || opts->timeout_ms || opts->idle_ms || opts->run_ms;

	if (!is_given)
		return 0;
	return deploy_error_set(err, DEPLOY_USAGE,
		"--instance, --with-deps, --schedule, --batch, --window, --max-fail, --limit, "
		"--canary, --on-fail, --noop, --tags and times are of --site; a plan says such "
		"things itself");
}

int site_check_opts(const struct site_opts *opts, struct deploy_error *err)
{
	if (opts->with_deps && !opts->instances.count)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--with-deps adds to what --instance names");
	if (opts->policy.batch_count && opts->policy.window)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--batch and --window exclude each other");
	if (opts->schedule == SITE_WHEN_READY && opts->policy.batch_count)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--batch is of ranks; with --schedule ready: --window");
	if (opts->schedule == SITE_WHEN_READY && opts->canary)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--canary is of ranks, not of --schedule ready");
	return 0;
}

/* Reading */

static bool is_file(const char *source)
{
	return strcmp(source, "-") == 0 || strpbrk(source, "/.") || access(source, F_OK) == 0;
}

static char *copy(const char *before, const char *text)
{
	size_t size = strlen(before) + strlen(text) + 1;
	char *made = out_resize(NULL, size);

	(void)snprintf(made, size, "%s%s", before, text);
	return made;
}

static int fetch(
	struct site_plan *plan, struct ctx *ctx, const char *environment, struct deploy_error *err)
{
	struct cert_settings settings = {.url = NULL};
	const struct deploy_error no_flaw = {.code = DEPLOY_OK};
	char *text = NULL;
	size_t len;

	if (cert_settings_find(&settings, ctx, NULL, false, &no_flaw, err) == 0 &&
		deploy_site_fetch(&text, &len, &settings.ca, environment, ctx->signal_fd, err) == 0)
		(void)deploy_site_read(&plan->site, settings.url, text, len, err);
	free(text);
	cert_settings_release(&settings);
	return err->code;
}

static int read_site(
	struct site_plan *plan, struct ctx *ctx, const char *source, struct deploy_error *err)
{
	if (strncmp(source, "site:", 5) == 0)
		source += 5;
	else if (is_file(source)) {
		plan->file = strcmp(source, "-") == 0 ? NULL : realpath(source, NULL);
		if (!plan->file)
			plan->file = copy("", source);
		return deploy_site_read_file(&plan->site, source, err);
	}
	plan->file = copy("site:", source);
	return fetch(plan, ctx, source, err);
}

static int show_flaws(const struct site_plan *plan, struct ctx *ctx, struct deploy_error *err)
{
	size_t count = deploy_site_flaw_count(plan->site);
	json_t *items;

	if (!count)
		return 0;
	items = json_array();
	flaws_print(ctx->out, deploy_site_flaw(plan->site, 0), count, items);
	if (out_format(ctx->out) == OUT_JSONL)
		flaws_print_lines(ctx->out, "error", items);
	(void)deploy_error_set(err, DEPLOY_INPUT, "%s: %zu error%s, nothing was done",
		strcmp(plan->file, "-") == 0 ? "stdin" : plan->file, count, count == 1 ? "" : "s");
	out_document(ctx->out, "site", items, NULL, EXIT_INPUT, err);
	json_decref(items);
	return err->code;
}

/* Who waits for whom, and who is in which rank: equal for equal orders. */
static void take_digest(struct site_plan *plan)
{
	const struct deploy_ranks *ranks = plan->ranks;
	json_t *order = json_pack(
		"{s:s, s:o}", "environment", ranks->environment, "ranks", site_show_items(ranks));
	json_t *waits = json_array();
	char *text;

	for (size_t i = 0; i < ranks->start[ranks->node_count]; i++)
		(void)json_array_append_new(waits, json_integer(ranks->after[i]));
	for (size_t i = 0; i < ranks->node_count; i++)
		(void)json_array_append_new(waits, json_integer(ranks->start[i + 1]));
	(void)json_object_set_new(order, "waits", waits);
	text = json_dumps(order, JSON_COMPACT);
	deploy_text_digest(plan->digest, text, strlen(text));
	free(text);
	json_decref(order);
}

int site_plan_read(struct site_plan *plan, struct ctx *ctx, const struct site_opts *opts,
	struct deploy_error *err)
{
	const struct deploy_site_selection selection = {.instances = opts->instances.names,
		.instance_count = opts->instances.count,
		.with_deps = opts->with_deps};

	if (read_site(plan, ctx, opts->source, err) || show_flaws(plan, ctx, err))
		return err->code;
	(void)deploy_site_rank(&plan->ranks, plan->site, &selection, err);
	site_show_notices(ctx->out, plan->ranks);
	if (err->code)
		return err->code;
	take_digest(plan);
	return 0;
}

void site_plan_release(struct site_plan *plan)
{
	deploy_ranks_free(plan->ranks);
	deploy_site_free(plan->site);
	free(plan->file);
}

void site_plan_show(const struct site_plan *plan, struct ctx *ctx, struct deploy_error *err)
{
	json_t *items = site_show_items(plan->ranks), *summary = site_show_summary(plan->ranks);

	if (out_is_for_people(ctx->out))
		site_show(ctx->out, plan->ranks);
	if (out_format(ctx->out) == OUT_NAME)
		site_show_names(ctx->out, plan->ranks);
	if (out_format(ctx->out) == OUT_DOT)
		site_show_dot(ctx->out, plan->ranks);
	if (out_format(ctx->out) == OUT_JSONL)
		out_lines(ctx->out, "rank", items);
	out_document(ctx->out, "site", items, summary, EXIT_ALL_OK, err);
	json_decref(items);
	json_decref(summary);
}

/* Parts */

/* New numbers of what is kept; those that are not have none. */
static uint32_t *renumber(size_t *kept, size_t count, const bool *keep)
{
	uint32_t *numbers = out_resize(NULL, (count + 1) * sizeof(*numbers));

	*kept = 0;
	for (size_t i = 0; i < count; i++)
		numbers[i] = keep[i] ? (uint32_t)(*kept)++ : UINT32_MAX;
	return numbers;
}

/* The first canary nodes of the order are a rank of their own, before the others. */
static uint32_t *number_ranks(const struct deploy_ranks *ranks, size_t canary)
{
	uint32_t *rank = out_resize(NULL, (ranks->node_count + 1) * sizeof(*rank));

	for (size_t i = 0; i < ranks->node_count; i++) {
		uint32_t node = ranks->by_rank[i];

		rank[node] = ranks->rank[node] + (canary && i >= canary);
	}
	return rank;
}

void site_part_make(
	struct site_part *part, const struct deploy_ranks *ranks, const bool *keep, size_t canary)
{
	struct deploy_error ignored = {0};
	size_t count, edges = 0;
	uint32_t *place = renumber(&count, ranks->node_count, keep);
	uint32_t *rank = number_ranks(ranks, canary);

	part->ranks = ranks->rank_count + (canary ? 1 : 0);
	part->nodes = deploy_nodeset_new();
	part->rank = out_resize(NULL, (count + 1) * sizeof(*part->rank));
	part->start = out_resize(NULL, (count + 1) * sizeof(*part->start));
	part->after = out_resize(
		NULL, ((size_t)ranks->start[ranks->node_count] + 1) * sizeof(*part->after));
	for (size_t i = 0; i < ranks->node_count; i++) {
		if (!keep[i])
			continue;
		(void)deploy_nodeset_add(part->nodes, ranks->nodes[i], &ignored);
		part->rank[place[i]] = rank[i];
		part->start[place[i]] = (uint32_t)edges;
		for (uint32_t at = ranks->start[i]; at < ranks->start[i + 1]; at++)
			if (keep[ranks->after[at]])
				part->after[edges++] = place[ranks->after[at]];
	}
	part->start[count] = (uint32_t)edges;
	free(place);
	free(rank);
}

void site_part_release(struct site_part *part)
{
	deploy_nodeset_free(part->nodes);
	free(part->rank);
	free(part->start);
	free(part->after);
}

/* For the record */

static json_t *batch_json(const struct deploy_policy *policy)
{
	json_t *batch = json_array();

	for (unsigned i = 0; i < policy->batch_count; i++)
		(void)json_array_append_new(batch, json_pack("[i,b]", (int)policy->batch[i].value,
							   policy->batch[i].is_percent));
	return batch;
}

static json_t *amount_json(struct deploy_amount amount)
{
	return json_pack("[i,b]", (int)amount.value, amount.is_percent);
}

json_t *site_opts_json(
	const struct site_opts *opts, const char *collective, const char *environment)
{
	json_t *instances = json_array();

	for (size_t i = 0; i < opts->instances.count; i++)
		(void)json_array_append_new(instances, json_string(opts->instances.names[i]));
	return json_pack("{s:{s:s, s:s, s:s, s:i, s:o, s:b, s:b, s:i, s:i, s:o, s:i, s:o, s:o, "
			 "s:s?, s:I, s:I, "
			 "s:I}}",
		"site", "source", opts->source, "collective", collective, "environment",
		environment, "canary", (int)opts->canary, "instances", instances, "with_deps",
		opts->with_deps, "noop", opts->noop, "schedule", opts->schedule, "on_fail",
		opts->on_fail, "batch", batch_json(&opts->policy), "window",
		(int)opts->policy.window, "max_fail", amount_json(opts->policy.max_fail), "limit",
		amount_json(opts->limit.amount), "tags", opts->tags, "timeout_ms",
		(json_int_t)opts->timeout_ms, "idle_ms", (json_int_t)opts->idle_ms, "run_ms",
		(json_int_t)opts->run_ms);
}

bool site_is_recorded(const json_t *options)
{
	return json_is_object(json_object_get(options, "site"));
}

static struct deploy_amount take_amount(const json_t *pair)
{
	return (struct deploy_amount){
		.value = (unsigned)json_integer_value(json_array_get(pair, 0)),
		.is_percent = json_is_true(json_array_get(pair, 1))};
}

void site_opts_take(struct site_opts *opts, const json_t *options)
{
	const json_t *site = json_object_get(options, "site"), *item;
	size_t i;

	*opts = (struct site_opts){.source = json_string_value(json_object_get(site, "source")),
		.collective = json_string_value(json_object_get(site, "collective")),
		.environment = json_string_value(json_object_get(site, "environment")),
		.with_deps = json_is_true(json_object_get(site, "with_deps")),
		.noop = json_is_true(json_object_get(site, "noop")),
		.schedule = (int)json_integer_value(json_object_get(site, "schedule")),
		.on_fail = (int)json_integer_value(json_object_get(site, "on_fail")),
		.limit = {.amount = take_amount(json_object_get(site, "limit"))},
		.tags = json_string_value(json_object_get(site, "tags")),
		.timeout_ms = json_integer_value(json_object_get(site, "timeout_ms")),
		.idle_ms = json_integer_value(json_object_get(site, "idle_ms")),
		.run_ms = json_integer_value(json_object_get(site, "run_ms"))};
	opts->canary = (unsigned)json_integer_value(json_object_get(site, "canary"));
	opts->policy.window = (unsigned)json_integer_value(json_object_get(site, "window"));
	opts->policy.max_fail = take_amount(json_object_get(site, "max_fail"));
	json_array_foreach(json_object_get(site, "batch"), i,
		item) if (opts->policy.batch_count < DEPLOY_MAX_RAMP)
		opts->policy.batch[opts->policy.batch_count++] = take_amount(item);
	json_array_foreach(json_object_get(site, "instances"), i,
		item) if (opts->instances.count < SITE_INSTANCES_MAX && json_is_string(item))
		opts->instances.names[opts->instances.count++] = json_string_value(item);
}
