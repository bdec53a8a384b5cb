/* Which nodes: sets with their filters, and what a step says of them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/filter.h"
#include "plan/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_NAMED    (2 * DEPLOY_MAX_NODES) /* with those that are named again */

typedef int parse_fn(struct deploy_filter *filter, const char *text, struct deploy_error *err);

/* The filter's errors begin with the option of a command line: "-F ", "-I: ". */
static void tell_term(
	struct dp_plan_reader *r, const struct dp_spot *spot, const struct deploy_error *err)
{
	const char *text = err->text;

	if (text[0] == '-' && text[1])
		text += 2 + strspn(text + 2, ": ");
	dp_plan_tell(r, spot, text);
}

/* A short text may name very many; behind the limit none is looked at any more. */
static void count_nodes(struct dp_plan_reader *r, const struct dp_spot *spot, size_t count)
{
	r->trip->node_count += count;
	if (r->trip->node_count > MAX_NAMED)
		dp_flaw(&r->source, spot, "more than %d nodes are named in all", MAX_NAMED);
}

/* Of compounds, where data DDLs are here. */
static int check_functions(const struct dp_plan_reader *r, const struct deploy_filter *filter,
	struct deploy_error *err)
{
	const struct deploy_playbook_options *options = r->trip->options;

	return options->ddl_dir_count ? deploy_filter_check_functions(filter, options->ddl_dirs,
						options->ddl_dir_count, err)
				      : 0;
}

static void check_term(
	struct dp_plan_reader *r, const struct dp_spot *spot, const char *text, parse_fn *parse)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_filter filter = {0};

	if (dp_plan_is_template(text))
		(void)dp_plan_check_template(r, spot, text);
	else if (r->trip->node_count <= MAX_NAMED &&
		 (parse(&filter, text, &err) || check_functions(r, &filter, &err)))
		tell_term(r, spot, &err);
	if (filter.nodes)
		count_nodes(r, spot, deploy_nodeset_count(filter.nodes));
	deploy_filter_release(&filter);
}

static void read_terms(
	struct dp_plan_reader *r, const struct dp_spot *spot, void *field, parse_fn *parse)
{
	struct deploy_texts *texts = field;
	json_t *value;
	size_t i;

	dp_plan_read_texts(r, spot, texts);
	if (json_is_string(spot->value) && texts->count)
		check_term(r, spot, texts->items[0], parse);
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		if (json_string_length(value))
			check_term(r, &item, json_string_value(value), parse);
	}
}

static int parse_nodes(struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	filter->nodes = deploy_nodeset_new();
	return deploy_nodeset_parse(filter->nodes, text, err);
}

static void read_class(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, deploy_filter_add_class);
}

static void read_fact(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, deploy_filter_add_fact);
}

static void read_agent(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, deploy_filter_add_agent);
}

static void read_identity(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, deploy_filter_add_identity);
}

static void read_compound(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, deploy_filter_add_compound);
}

static void read_node_sets(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	read_terms(r, spot, field, parse_nodes);
}

static void read_limit(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	dp_plan_read_amount(r, spot, &((struct deploy_limit *)field)->amount);
}

static int make_request(struct deploy_error *err, const char *collective)
{
	struct deploy_request *request = deploy_request_ping();

	(void)deploy_request_set_collective(request, collective, err);
	deploy_request_free(request);
	return err->code;
}

static void read_collective(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	const char *const *text = field;

	dp_plan_read_template(r, spot, field);
	if (*text && !strstr(*text, "${") && make_request(&err, *text))
		dp_plan_flaw(r, spot, &err);
}

void dp_plan_read_selection(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
#define KEY(name, read, member)                                                                    \
	{                                                                                          \
		name, read, offsetof(struct deploy_selection, member), 0, false, 0                 \
	}
	static const struct dp_plan_key keys[] = {
		KEY("class", read_class, classes),
		KEY("fact", read_fact, facts),
		KEY("agent", read_agent, agents),
		KEY("identity", read_identity, identities),
		KEY("compound", read_compound, compounds),
		KEY("nodes", read_node_sets, nodes),
		KEY("collective", read_collective, collective),
		KEY("limit", read_limit, limit),
		KEY("when_empty", dp_plan_read_template, when_empty),
	};
#undef KEY
	size_t terms = 0;

	if (!dp_plan_read_keys(r, spot, keys, COUNT(keys), field))
		return;
	for (size_t i = 0; i < 5; i++)
		terms += json_object_get(spot->value, keys[i].name) != NULL;
	if (terms && json_object_get(spot->value, "nodes"))
		dp_flaw(&r->source, spot,
			"nodes are taken as they are; filter named nodes with identity instead");
	else if (!terms && !json_object_get(spot->value, "nodes"))
		dp_flaw(&r->source, spot,
			"chooses no nodes: expected class, fact, agent, identity, compound or "
			"nodes");
}

static void unknown_set(struct dp_plan_reader *r, const struct dp_spot *spot, const char *name)
{
	const char **names = dp_xcalloc(r->book->set_count + 1, sizeof(*names));
	size_t count = 0;
	char why[128];

	while (count < r->book->set_count) {
		names[count] = r->book->sets[count].name;
		count++;
	}
	if (r->in_roll)
		names[count++] = "group";
	(void)snprintf(
		why, sizeof(why), "is no set of nodes%.100s", dp_plan_meant(r, name, names, count));
	dp_flaw_quoted(&r->source, spot, name, why);
	free(names);
}

static void read_set_name(
	struct dp_plan_reader *r, const struct dp_spot *spot, struct deploy_step_nodes *nodes)
{
	const char *name = dp_spot_text(&r->source, spot, "the name of a set");

	if (!name)
		return;
	if (strcmp(name, "group") == 0) {
		nodes->has_group = true;
		if (!r->in_roll)
			dp_flaw(&r->source, spot, "group is known in a roll only");
		return;
	}
	for (size_t i = 0; i < r->book->set_count; i++) {
		if (strcmp(r->book->sets[i].name, name) == 0) {
			nodes->sets[nodes->set_count++] = i;
			return;
		}
	}
	unknown_set(r, spot, name);
}

/* A set, several of them, or a filter. */
void dp_plan_read_nodes(struct dp_plan_reader *r, const struct dp_spot *spot, void *field)
{
	struct deploy_step_nodes *nodes = field;
	json_t *value;
	size_t i;

	if (json_is_object(spot->value)) {
		nodes->selection = dp_plan_array(r, 1, sizeof(*nodes->selection));
		dp_plan_read_selection(r, spot, nodes->selection);
		return;
	}
	nodes->sets = dp_plan_array(r, json_array_size(spot->value) + 1, sizeof(*nodes->sets));
	if (!json_is_array(spot->value)) {
		read_set_name(r, spot, nodes);
		return;
	}
	if (json_array_size(spot->value) == 0)
		dp_flaw(&r->source, spot, "an empty list");
	json_array_foreach(spot->value, i, value)
	{
		const struct dp_spot item = {.up = spot, .value = value, .index = i};

		read_set_name(r, &item, nodes);
	}
}
