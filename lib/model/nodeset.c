/*
 * A set of node names: one sorted array of strings, each its own allocation.
 * Invariant: names[0 … count) are identities; while is_sorted they ascend bytewise and differ.
 */
#include "deploy/nodeset.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/error.h"
#include "base/mem.h"
#include "deploy/text.h"

struct names {
	char **at;
	size_t count, cap;
	bool is_sorted;
};

/* The names stand apart so that a const set can sort itself when it is read. */
struct deploy_nodeset {
	struct names *names;
};

struct deploy_nodeset *deploy_nodeset_new(void)
{
	struct deploy_nodeset *set = dp_xcalloc(1, sizeof(*set));

	set->names = dp_xcalloc(1, sizeof(*set->names));
	set->names->is_sorted = true;
	return set;
}

void deploy_nodeset_free(struct deploy_nodeset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->names->count; i++)
		free(set->names->at[i]);
	free(set->names->at);
	free(set->names);
	free(set);
}

bool deploy_identity_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > DEPLOY_MAX_IDENTITY)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			    c == '_' || c == '.' || c == '-'))
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void settle(struct names *names)
{
	size_t kept = 0;

	if (names->is_sorted)
		return;
	qsort(names->at, names->count, sizeof(*names->at), compare);
	for (size_t i = 1; i < names->count; i++) {
		if (strcmp(names->at[kept], names->at[i]) == 0)
			free(names->at[i]);
		else
			names->at[++kept] = names->at[i];
	}
	names->count = kept + 1;
	names->is_sorted = true;
}

static int compare_to(const char *key, size_t len, const char *name)
{
	int order = strncmp(key, name, len);

	return order != 0 ? order : name[len] == '\0' ? 0 : -1;
}

/* Find key in at[from … count) of sorted names. */
static bool find_from(
	const struct names *names, size_t from, const char *key, size_t len, size_t *index)
{
	size_t low = from, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_to(key, len, names->at[middle]);

		if (order == 0) {
			*index = middle;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* Ascending and repeated names keep the set sorted; any other waits for settle(). */
static void append(struct names *names, const char *name, size_t len)
{
	size_t ignored;
	int order = names->count == 0 ? 1 : compare_to(name, len, names->at[names->count - 1]);

	if (order == 0 ||
		(order < 0 && names->is_sorted && find_from(names, 0, name, len, &ignored)))
		return;
	names->at = dp_grow(names->at, &names->cap, names->count + 1, sizeof(*names->at));
	names->at[names->count++] = dp_xstrndup(name, len);
	if (order < 0)
		names->is_sorted = false;
}

int deploy_nodeset_add(struct deploy_nodeset *set, const char *name, struct deploy_error *err)
{
	struct names *names = set->names;
	size_t len = strlen(name), ignored;

	if (!deploy_identity_is_valid(name, len)) {
		char *shown = deploy_text_escape(name, len < 60 ? len : 60);

		(void)deploy_error_set(err, DEPLOY_INPUT,
			"\"%s\" is not a node name: expected 1 to %d of A-Z a-z 0-9 _ . -", shown,
			DEPLOY_MAX_IDENTITY);
		free(shown);
		return err->code;
	}
	if (names->count >= DEPLOY_MAX_NODES)
		settle(names);
	if (names->count >= DEPLOY_MAX_NODES && !find_from(names, 0, name, len, &ignored))
		return deploy_error_set(
			err, DEPLOY_INPUT, "more than %d nodes in one set", DEPLOY_MAX_NODES);
	append(names, name, len);
	return 0;
}

size_t deploy_nodeset_count(const struct deploy_nodeset *set)
{
	settle(set->names);
	return set->names->count;
}

const char *deploy_nodeset_get(const struct deploy_nodeset *set, size_t index)
{
	settle(set->names);
	return set->names->at[index];
}

bool deploy_nodeset_find(
	const struct deploy_nodeset *set, const char *name, size_t len, size_t *index)
{
	settle(set->names);
	return find_from(set->names, 0, name, len, index);
}

void deploy_nodeset_keep_first(struct deploy_nodeset *set, size_t count)
{
	struct names *names = set->names;

	settle(names);
	while (names->count > count)
		free(names->at[--names->count]);
}

struct deploy_nodeset *deploy_nodeset_copy(const struct deploy_nodeset *set)
{
	struct deploy_nodeset *copy = deploy_nodeset_new();

	deploy_nodeset_unite(copy, set);
	return copy;
}

void deploy_nodeset_unite(struct deploy_nodeset *set, const struct deploy_nodeset *other)
{
	settle(other->names);
	for (size_t i = 0; i < other->names->count; i++)
		append(set->names, other->names->at[i], strlen(other->names->at[i]));
}

/* Free the names that are marked, or that are not, and close the gaps. */
static void drop(struct names *names, const bool *marks, bool which)
{
	size_t kept = 0;

	for (size_t i = 0; i < names->count; i++) {
		if (marks[i] == which)
			free(names->at[i]);
		else
			names->at[kept++] = names->at[i];
	}
	names->count = kept;
}

/* Drop what both have (which), or what only set has (!which). */
static void drop_common(struct deploy_nodeset *set, const struct deploy_nodeset *other, bool which)
{
	struct names *names = set->names;
	size_t hits = 0, index = 0;
	bool *marks;

	settle(names);
	settle(other->names);
	marks = dp_xcalloc(names->count, sizeof(*marks));
	for (size_t i = 0; i < other->names->count; i++) {
		const char *name = other->names->at[i];

		if (find_from(names, index, name, strlen(name), &index)) {
			marks[index] = true;
			hits++;
		}
	}
	if (which ? hits > 0 : hits < names->count)
		drop(names, marks, which);
	free(marks);
}

void deploy_nodeset_subtract(struct deploy_nodeset *set, const struct deploy_nodeset *other)
{
	drop_common(set, other, true);
}

void deploy_nodeset_intersect(struct deploy_nodeset *set, const struct deploy_nodeset *other)
{
	drop_common(set, other, false);
}
