/*
 * Folding a node set for people. Each name is folded over at most one of its numbers: the last one
 * that another name, not folded yet, has too with the same text before and behind it.
 * Linear in the names' bytes: every pass looks at one number of each name left, in a hash table.
 */
#include "deploy/nodeset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define MAX_DIGITS 18 /* longer numbers are never folded: the parser would not take them */
#define MAX_PASSES 8  /* numbers of a name that are tried, from its end */
#define NONE	   UINT32_MAX

/* A name and the number that it is folded over; members of a group are chained in sorted order. */
struct entry {
	const char *name;
	size_t len, start, digits; /* the number is name[start … start + digits) */
	uint32_t head, next,
		last;	   /* head: of its group, NONE while alone; last: kept at the head */
	bool is_candidate; /* has a number to try in this pass */
};

struct folding {
	struct entry *entries;
	uint32_t count;
	uint32_t *slots; /* hash table of group heads */
	size_t mask;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Point entry at its next number to the left of the one tried before. */
static void step_left(struct entry *entry)
{
	size_t end = entry->start;

	entry->is_candidate = false;
	do {
		while (end > 0 && !is_digit(entry->name[end - 1]))
			end--;
		entry->start = end;
		while (entry->start > 0 && is_digit(entry->name[entry->start - 1]))
			entry->start--;
		entry->digits = end - entry->start;
		end = entry->start;
	} while (entry->digits > MAX_DIGITS);
	entry->is_candidate = entry->digits > 0;
}

static const char *suffix(const struct entry *entry, size_t *len)
{
	*len = entry->len - entry->start - entry->digits;
	return entry->name + entry->start + entry->digits;
}

/* FNV-1a over the text around the number. */
static uint64_t hash_around(const struct entry *entry)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < entry->len; i++) {
		if (i == entry->start) {
			i += entry->digits;
			hash = (hash ^ '[') * 1099511628211u;
			if (i == entry->len)
				break;
		}
		hash = (hash ^ (unsigned char)entry->name[i]) * 1099511628211u;
	}
	return hash ^ hash >> 32;
}

static bool fits(const struct entry *a, const struct entry *b)
{
	size_t a_len, b_len;
	const char *a_suffix = suffix(a, &a_len), *b_suffix = suffix(b, &b_len);

	return a->start == b->start && a_len == b_len && memcmp(a->name, b->name, a->start) == 0 &&
	       memcmp(a_suffix, b_suffix, a_len) == 0;
}

/* Put entry i behind those that differ from it only in the number. */
static void join_group(struct folding *f, uint32_t i)
{
	struct entry *entry = &f->entries[i], *head;
	size_t slot = hash_around(entry) & f->mask;

	while (f->slots[slot] != NONE && !fits(&f->entries[f->slots[slot]], entry))
		slot = (slot + 1) & f->mask;
	if (f->slots[slot] == NONE) {
		f->slots[slot] = entry->last = i;
		return;
	}
	head = &f->entries[f->slots[slot]];
	head->head = entry->head = f->slots[slot];
	f->entries[head->last].next = i;
	head->last = i;
}

/* One pass; false if no name has a further number. */
static bool fold_once(struct folding *f)
{
	bool any = false;

	memset(f->slots, 0xff, (f->mask + 1) * sizeof(*f->slots));
	for (uint32_t i = 0; i < f->count; i++) {
		struct entry *entry = &f->entries[i];

		if (entry->head != NONE || !entry->is_candidate)
			continue;
		step_left(entry);
		if (entry->is_candidate) {
			any = true;
			join_group(f, i);
		}
	}
	return any;
}

/* A run of numbers that is being collected: low … high, none while low is NULL. */
struct run {
	const char *low, *high;
	size_t low_digits, high_digits;
	uint64_t value; /* of high */
};

static void print_run(struct dp_buf *out, const struct run *run)
{
	if (!run->low)
		return;
	dp_buf_add(out, run->low, run->low_digits);
	if (run->high != run->low) {
		dp_buf_add_byte(out, '-');
		dp_buf_add(out, run->high, run->high_digits);
	}
}

/* True if the number follows the run's last one and the parser would write it with these digits. */
static bool continues(const struct run *run, const struct entry *entry, uint64_t value)
{
	const char *number = entry->name + entry->start;
	bool is_padded;

	if (!run->low || value != run->value + 1)
		return false;
	is_padded = run->low_digits > 1 && run->low[0] == '0';
	return entry->digits == run->high_digits || (!is_padded && number[0] != '0');
}

static void add_number(struct dp_buf *out, struct run *run, const struct entry *entry)
{
	const char *number = entry->name + entry->start;
	uint64_t value = 0;

	for (size_t i = 0; i < entry->digits; i++)
		value = value * 10 + (uint64_t)(number[i] - '0');
	if (!continues(run, entry, value)) {
		print_run(out, run);
		if (run->low)
			dp_buf_add_byte(out, ',');
		run->low = number;
		run->low_digits = entry->digits;
	}
	run->high = number;
	run->high_digits = entry->digits;
	run->value = value;
}

/* Numbers of equal length are chained in their order, so length by length is numeric order. */
static void print_group(struct dp_buf *out, const struct folding *f, const struct entry *head)
{
	struct run run = {.low = NULL};
	size_t len, lengths = 0;
	const char *rest = suffix(head, &len);

	for (uint32_t i = head->head; i != NONE; i = f->entries[i].next)
		lengths |= (size_t)1 << f->entries[i].digits;
	dp_buf_add(out, head->name, head->start);
	dp_buf_add_byte(out, '[');
	for (size_t digits = 1; digits <= MAX_DIGITS; digits++) {
		if (!(lengths >> digits & 1))
			continue;
		for (uint32_t i = head->head; i != NONE; i = f->entries[i].next)
			if (f->entries[i].digits == digits)
				add_number(out, &run, &f->entries[i]);
	}
	print_run(out, &run);
	dp_buf_add_byte(out, ']');
	dp_buf_add(out, rest, len);
}

static void init(struct folding *f, const struct deploy_nodeset *set)
{
	size_t slots = 8;

	f->count = (uint32_t)deploy_nodeset_count(set);
	while (slots < 2 * (size_t)f->count)
		slots *= 2;
	f->mask = slots - 1;
	f->slots = dp_xcalloc(slots, sizeof(*f->slots));
	f->entries = dp_xcalloc(f->count, sizeof(*f->entries));
	for (uint32_t i = 0; i < f->count; i++) {
		struct entry *entry = &f->entries[i];

		entry->name = deploy_nodeset_get(set, i);
		entry->len = entry->start = strlen(entry->name);
		entry->head = entry->next = NONE;
		entry->is_candidate = true;
	}
}

char *deploy_nodeset_print(const struct deploy_nodeset *set)
{
	struct folding f;
	struct dp_buf out;

	init(&f, set);
	for (int pass = 0; pass < MAX_PASSES && fold_once(&f); pass++)
		continue;
	dp_buf_init(&out, SIZE_MAX / 2);
	for (uint32_t i = 0; i < f.count; i++) {
		const struct entry *entry = &f.entries[i];

		if (entry->head != NONE && entry->head != i)
			continue;
		if (out.len)
			dp_buf_add_byte(&out, ',');
		if (entry->head == i)
			print_group(&out, &f, entry);
		else
			dp_buf_add(&out, entry->name, entry->len);
	}
	free(f.entries);
	free(f.slots);
	return dp_buf_take(&out);
}
