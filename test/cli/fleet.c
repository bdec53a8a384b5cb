/* Reading the script of a fleet. */
#include "fleet.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/nodeset.h"
#include "deploy/text.h"

static const char blanks[] = " \t\n";

/* Cut the next word off *at; NULL at the end of the line. */
static char *take_word(char **at)
{
	char *word = *at + strspn(*at, blanks);
	size_t len = strcspn(word, blanks);

	*at = word + len;
	if (!len)
		return NULL;
	if (**at)
		*(*at)++ = '\0';
	return word;
}

static char *take_rest(char **at)
{
	char *rest = *at + strspn(*at, blanks);
	size_t len = strlen(rest);

	while (len && strchr(blanks, rest[len - 1]))
		rest[--len] = '\0';
	*at = rest + len;
	return len ? rest : NULL;
}

static int fail(struct deploy_error *err, const char *what, const char *word)
{
	return deploy_error_set(
		err, DEPLOY_BUG, "%s%s%s", what, word ? " " : " is missing", word ? word : "");
}

static int take_number(char **at, unsigned long *out, struct deploy_error *err)
{
	const char *word = take_word(at);
	char *end;

	if (!word || strspn(word, "0123456789") != strlen(word))
		return fail(err, "number", word);
	*out = strtoul(word, &end, 10);
	return 0;
}

static int take_time(char **at, long long *out_ms, struct deploy_error *err)
{
	const char *word = take_word(at);

	return word ? deploy_time_parse(out_ms, word, err) : fail(err, "time", NULL);
}

/* "a,b" as an array of texts. */
static json_t *parse_list(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, ",");

		(void)json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == ',');
	}
	return list;
}

static int add_fact(json_t *facts, const char *word, struct deploy_error *err)
{
	const char *equals = strchr(word, '=');
	char *key;

	if (!equals)
		return fail(err, "no fact:", word);
	key = dp_xstrndup(word, (size_t)(equals - word));
	(void)json_object_set_new(facts, key, json_string(equals + 1));
	free(key);
	return 0;
}

/* "facts a=b c=d classes x,y": a word that is no keyword is one more fact. */
static int parse_traits(json_t *traits, char **at, struct deploy_error *err)
{
	static const char *const lists[] = {"classes", "agents", "collectives"};
	const char *word, *list = NULL;
	int rc = 0;

	while (!rc && (word = take_word(at))) {
		bool is_keyword = strcmp(word, "facts") == 0;

		if (list) {
			(void)json_object_set_new(traits, list, parse_list(word));
			list = NULL;
			continue;
		}
		for (size_t i = 0; i < 3; i++)
			if (strcmp(word, lists[i]) == 0)
				list = lists[i];
		if (!list && !is_keyword)
			rc = add_fact(json_object_get(traits, "facts"), word, err);
	}
	return rc;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct loop_node *)a)->name, ((const struct loop_node *)b)->name);
}

/* Among the first count nodes. */
static struct loop_node *find(const struct loop_fleet *fleet, size_t count, const char *name)
{
	const struct loop_node key = {.name = (char *)(uintptr_t)name};

	return count ? bsearch(&key, fleet->nodes, count, sizeof(key), compare) : NULL;
}

struct loop_node *loop_fleet_find(const struct loop_fleet *fleet, const char *name)
{
	return find(fleet, fleet->count, name);
}

static int take_nodes(struct deploy_nodeset *set, char **at, struct deploy_error *err)
{
	const char *word = take_word(at);

	return word ? deploy_nodeset_parse(set, word, err) : fail(err, "node set", NULL);
}

static int parse_node(
	struct loop_fleet *fleet, struct deploy_nodeset *set, char **at, struct deploy_error *err)
{
	json_t *traits = json_pack("{s:{}, s:[], s:[s,s], s:[s]}", "facts", "classes", "agents",
		"rpcutil", "lab", "collectives", "mcollective");
	int rc = parse_traits(traits, at, err);
	size_t before = fleet->count;

	for (size_t i = 0; i < deploy_nodeset_count(set) && !rc; i++) {
		const char *name = deploy_nodeset_get(set, i);
		const struct loop_node node = {
			.name = dp_xstrdup(name), .traits = json_incref(traits)};

		if (find(fleet, before, name))
			rc = fail(err, "node twice:", name);
		fleet->nodes =
			dp_grow(fleet->nodes, &fleet->cap, fleet->count + 1, sizeof(*fleet->nodes));
		fleet->nodes[fleet->count++] = node;
	}
	json_decref(traits);
	qsort(fleet->nodes, fleet->count, sizeof(*fleet->nodes), compare);
	return rc;
}

static const char *const mischiefs[LOOP_MISCHIEFS] = {
	[LOOP_HONEST] = "",
	[LOOP_SILENT] = "silent",
	[LOOP_TALKATIVE] = "talkative",
	[LOOP_TRUNCATED] = "truncated",
	[LOOP_GARBAGE] = "garbage",
	[LOOP_EMPTY] = "empty",
	[LOOP_WRONGHASH] = "wronghash",
	[LOOP_FOREIGNID] = "foreignid",
	[LOOP_WRONGSENDER] = "wrongsender",
	[LOOP_BADSENDER] = "badsender",
	[LOOP_NEST] = "nest",
	[LOOP_LENGTH2G] = "length2g",
	[LOOP_HUGE] = "huge",
	[LOOP_NOSTATUS] = "nostatus",
	[LOOP_OTHERKIND] = "otherkind",
	[LOOP_ESCAPE] = "escape",
	[LOOP_BADUTF8] = "badutf8",
	[LOOP_COLLISION] = "collision",
	[LOOP_CYCLE] = "cycle",
	[LOOP_BOMB] = "bomb",
};

static int parse_mischief(
	struct loop_behaviour *does, const char *word, char **at, struct deploy_error *err)
{
	int mischief = 1, rc = 0;

	while (mischief < LOOP_MISCHIEFS && strcmp(word, mischiefs[mischief]) != 0)
		mischief++;
	if (mischief == LOOP_MISCHIEFS)
		return fail(err, "no behaviour:", word);
	does->mischief = (enum loop_mischief)mischief;
	if (mischief == LOOP_NEST || mischief == LOOP_HUGE || mischief == LOOP_BOMB)
		rc = take_number(at, &does->number, err);
	word = take_word(at);
	if (mischief == LOOP_WRONGSENDER) {
		does->name = word ? dp_xstrdup(word) : NULL;
		return word ? 0 : fail(err, "name", NULL);
	}
	does->in_envelope = word && strcmp(word, "envelope") == 0;
	return !word || does->in_envelope ? rc : fail(err, "unexpected:", word);
}

static int parse_failure(struct loop_behaviour *does, char **at, struct deploy_error *err)
{
	unsigned long code;
	const char *text;
	int rc = take_number(at, &code, err);

	if (rc)
		return rc;
	text = take_rest(at);
	does->code = (int)code;
	does->message = dp_xstrdup(text ? text : "");
	return 0;
}

static int take_copies(char **at, unsigned long *copies, struct deploy_error *err)
{
	int rc = take_number(at, copies, err);

	if (!rc && *copies)
		--*copies;
	return rc;
}

/* does owns what a word of it makes, so each node gets its own parse of the same text. */
static int parse_behaviour(struct loop_behaviour *does, char **at, struct deploy_error *err)
{
	const char *word = take_word(at);

	if (!word)
		return fail(err, "behaviour", NULL);
	if (strcmp(word, "delay") == 0)
		return take_time(at, &does->delay_ms, err);
	if (strcmp(word, "flood") == 0)
		return take_copies(at, &does->copies, err);
	if (strcmp(word, "duplicate") == 0) {
		does->copies = 1;
		return 0;
	}
	if (strcmp(word, "fail") == 0) {
		does->failures = (unsigned long)-1;
		return parse_failure(does, at, err);
	}
	if (strcmp(word, "fail-first") == 0)
		return take_number(at, &does->failures, err) || parse_failure(does, at, err)
			       ? (int)err->code
			       : 0;
	return parse_mischief(does, word, at, err);
}

static struct loop_node *member(
	const struct loop_fleet *fleet, const struct deploy_nodeset *set, size_t i)
{
	return loop_fleet_find(fleet, deploy_nodeset_get(set, i));
}

/* What a statement is about must be there already. */
static int check_members(
	const struct loop_fleet *fleet, const struct deploy_nodeset *set, struct deploy_error *err)
{
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		if (!member(fleet, set, i))
			return fail(err, "no such node:", deploy_nodeset_get(set, i));
	return 0;
}

static int parse_behaviours(struct loop_fleet *fleet, const struct deploy_nodeset *set,
	enum loop_scope scope, char *at, struct deploy_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < deploy_nodeset_count(set) && !rc; i++) {
		char *copy = dp_xstrdup(at), *rest = copy;

		rc = parse_behaviour(&member(fleet, set, i)->does[scope], &rest, err);
		free(copy);
	}
	return rc;
}

static void set_absent(struct loop_fleet *fleet, const struct deploy_nodeset *set)
{
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		member(fleet, set, i)->is_absent = true;
}

static int parse_clock(struct loop_fleet *fleet, const struct deploy_nodeset *set, char **at,
	struct deploy_error *err)
{
	const char *word = take_word(at);
	bool is_behind = word && *word == '-';
	long long clock_ms = 0;

	if (!word || deploy_time_parse(&clock_ms, word + is_behind, err))
		return word ? (int)err->code : fail(err, "time", NULL);
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		member(fleet, set, i)->clock_ms = is_behind ? -clock_ms : clock_ms;
	return 0;
}

/* Nodes of one statement share their traits, but for what each is given. */
static void give_agent(struct loop_node *node, const char *agent)
{
	json_t *traits = json_deep_copy(node->traits);

	(void)json_array_append_new(json_object_get(traits, "agents"), json_string(agent));
	json_decref(node->traits);
	node->traits = traits;
}

static void give_deploop(struct loop_node *node, enum loop_deploop kind)
{
	give_agent(node, "deploop");
	node->deploop = kind;
}

static void give_puppet(struct loop_node *node, enum loop_puppet kind, const char *message)
{
	give_agent(node, "puppet");
	node->puppet = kind;
	node->puppet_lastrun = 1700000000;
	if (!message)
		return;
	(void)snprintf(node->disable_room, sizeof(node->disable_room), "%.*s",
		(int)strcspn(message, "\n"), message);
	node->disable_message = node->disable_room;
}

static int parse_puppet(struct loop_fleet *fleet, const struct deploy_nodeset *set, char **at,
	struct deploy_error *err)
{
	static const char *const words[] = {"clean", "failing", "uncompiled", "disabled"};
	const char *word = take_word(at);
	int kind = 0;

	while (kind < 4 && (!word || strcmp(word, words[kind]) != 0))
		kind++;
	if (kind == 4)
		return fail(err, "no kind of puppet:", word);
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		give_puppet(member(fleet, set, i),
			kind == 3 ? LOOP_CLEAN : (enum loop_puppet)(LOOP_CLEAN + kind),
			kind == 3 ? *at : NULL);
	return 0;
}

static int parse_deploop(struct loop_fleet *fleet, const struct deploy_nodeset *set, char **at,
	struct deploy_error *err)
{
	static const char *const words[] = {"ours", "replacing", "adding"};
	const char *word = take_word(at);
	int kind = 0;

	while (kind < 3 && (!word || strcmp(word, words[kind]) != 0))
		kind++;
	if (kind == 3)
		return fail(err, "no kind of deploop:", word);
	for (size_t i = 0; i < deploy_nodeset_count(set); i++)
		give_deploop(member(fleet, set, i), (enum loop_deploop)(LOOP_OURS + kind));
	return 0;
}

static int parse_stale(struct loop_fleet *fleet, const struct deploy_nodeset *set, char **at,
	struct deploy_error *err)
{
	unsigned long looks;
	int rc = take_number(at, &looks, err);

	for (size_t i = 0; i < deploy_nodeset_count(set) && !rc; i++) {
		struct loop_node *node = member(fleet, set, i);

		json_decref(node->script_facts);
		node->script_facts = json_deep_copy(json_object_get(node->traits, "facts"));
		node->stale_looks = looks;
	}
	return rc;
}

static int parse_refusal(struct loop_broker *broker, char **at, struct deploy_error *err)
{
	static const char *const words[] = {"auth", "vhost", "exchange", "connect"};
	const char *word = take_word(at);

	for (int i = 0; word && i < 4; i++)
		if (strcmp(word, words[i]) == 0)
			broker->refusal = (enum loop_refusal)(LOOP_REFUSE_AUTH + i);
	return broker->refusal ? 0 : fail(err, "no refusal:", word);
}

static int parse_lock(struct loop_broker *broker, char **at, struct deploy_error *err)
{
	const char *word = take_word(at);

	if (word && strcmp(word, "held") == 0)
		broker->lock = LOOP_LOCK_HELD;
	else if (word && strcmp(word, "forbidden") == 0)
		broker->lock = LOOP_LOCK_FORBIDDEN;
	return broker->lock ? 0 : fail(err, "no such lock:", word);
}

/* "N [for TIME]" */
static int parse_after(long long *after, long long *length_ms, char **at, struct deploy_error *err)
{
	unsigned long number;
	const char *word;
	int rc = take_number(at, &number, err);

	*after = (long long)number;
	word = rc ? NULL : take_word(at);
	if (!word)
		return rc;
	return strcmp(word, "for") == 0 ? take_time(at, length_ms, err)
					: fail(err, "unexpected:", word);
}

static int parse_broker(struct loop_broker *broker, char **at, struct deploy_error *err)
{
	const char *word = take_word(at);
	unsigned long publishes;
	int rc = 0;

	if (word && strcmp(word, "refuse") == 0)
		return parse_refusal(broker, at, err);
	if (word && strcmp(word, "lock") == 0)
		return parse_lock(broker, at, err);
	if (word && strcmp(word, "blocked-after") == 0)
		return parse_after(&broker->blocked_after, &broker->blocked_ms, at, err);
	if (word && strcmp(word, "pause-after") == 0)
		return parse_after(&broker->pause_after, &broker->pause_ms, at, err);
	if (word && strcmp(word, "lost-after") == 0) {
		rc = take_number(at, &publishes, err);
		broker->lost_after = (long long)publishes;
	} else if (word && strcmp(word, "mute") == 0) {
		broker->is_mute = true;
	} else if (word && strcmp(word, "hang") == 0) {
		broker->refusal = LOOP_HANG;
	} else {
		rc = fail(err, "no such broker:", word);
	}
	return rc;
}

static int parse_about_nodes(
	struct loop_fleet *fleet, const char *word, char *at, struct deploy_error *err)
{
	struct deploy_nodeset *set = deploy_nodeset_new();
	int rc = take_nodes(set, &at, err);

	if (!rc && strcmp(word, "node") == 0)
		rc = parse_node(fleet, set, &at, err);
	else if (rc || check_members(fleet, set, err))
		rc = err->code;
	else if (strcmp(word, "absent") == 0)
		set_absent(fleet, set);
	else if (strcmp(word, "clock") == 0)
		rc = parse_clock(fleet, set, &at, err);
	else if (strcmp(word, "deploop") == 0)
		rc = parse_deploop(fleet, set, &at, err);
	else if (strcmp(word, "puppet") == 0)
		rc = parse_puppet(fleet, set, &at, err);
	else if (strcmp(word, "stale") == 0)
		rc = parse_stale(fleet, set, &at, err);
	else if (strcmp(word, "reply") == 0)
		rc = parse_behaviours(fleet, set, LOOP_REPLY, at, err);
	else if (strcmp(word, "pong") == 0)
		rc = parse_behaviours(fleet, set, LOOP_PONG, at, err);
	else
		rc = fail(err, "no such statement:", word);
	deploy_nodeset_free(set);
	return rc;
}

static int parse_line(struct loop_fleet *fleet, char *line, struct deploy_error *err)
{
	char *at = line;
	const char *word = take_word(&at);

	if (!word || word[0] == '#')
		return 0;
	if (strcmp(word, "broker") == 0)
		return parse_broker(&fleet->broker, &at, err);
	if (strcmp(word, "psk") != 0)
		return parse_about_nodes(fleet, word, at, err);
	word = take_word(&at);
	if (!word)
		return fail(err, "psk", NULL);
	free(fleet->psk);
	fleet->psk = dp_xstrdup(word);
	return 0;
}

int loop_fleet_load(struct loop_fleet *fleet, const char *path, struct deploy_error *err)
{
	char line[65536];
	unsigned number = 0;
	FILE *file = fopen(path, "r");

	*fleet = (struct loop_fleet){.psk = dp_xstrdup("loop-psk"),
		.broker = {.blocked_after = LOOP_NEVER,
			.blocked_ms = LOOP_NEVER,
			.pause_after = LOOP_NEVER,
			.lost_after = LOOP_NEVER}};
	if (!file)
		return deploy_error_set(err, DEPLOY_BUG, "%s: %s", path, strerror(errno));
	while (!err->code && fgets(line, sizeof(line), file)) {
		number++;
		if (parse_line(fleet, line, err)) {
			err->code = DEPLOY_BUG;
			(void)deploy_error_wrap(err, "%s:%u", path, number);
		}
	}
	(void)fclose(file);
	return err->code;
}

void loop_fleet_release(struct loop_fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++) {
		free(fleet->nodes[i].name);
		json_decref(fleet->nodes[i].traits);
		json_decref(fleet->nodes[i].script_facts);
		for (int scope = 0; scope < LOOP_SCOPES; scope++) {
			free(fleet->nodes[i].does[scope].name);
			free(fleet->nodes[i].does[scope].message);
		}
	}
	free(fleet->nodes);
	free(fleet->psk);
	*fleet = (struct loop_fleet){0};
}

bool loop_node_has(const struct loop_node *node, const char *kind, const char *word)
{
	const json_t *list = json_object_get(node->traits, kind);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
			return true;
	return false;
}
