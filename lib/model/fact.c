/* Names and values of facts that nodes are given. */
#include "deploy/fact.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "model/fact_words.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

int deploy_fact_check_name(const char *name, struct deploy_error *err)
{
	size_t len = strlen(name);

	if (len && len <= DEPLOY_FACT_NAME_MAX && strspn(name, LETTERS) &&
		strspn(name, LETTERS ".-") == len)
		return 0;
	return deploy_error_set(err, DEPLOY_INPUT,
		"\"%s\" is no name of a fact that can be given: A-Z a-z 0-9 _ and then . -, at "
		"most %d bytes",
		name, DEPLOY_FACT_NAME_MAX);
}

int deploy_fact_check_value(const char *name, const char *value, struct deploy_error *err)
{
	size_t len = strlen(value);

	if (len == 0)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: the value is empty", name);
	if (len > DEPLOY_FACT_VALUE_MAX)
		return deploy_error_set(err, DEPLOY_INPUT,
			"%s: the value has %zu bytes, agents take at most %d", name, len,
			DEPLOY_FACT_VALUE_MAX);
	if (strspn(value, LETTERS "-.:/ ") != len)
		return deploy_error_set(err, DEPLOY_INPUT,
			"%s: \"%s\" has what agents do not take: A-Z a-z 0-9 - _ . : / and blanks",
			name, value);
	if (value[0] == ' ' || value[len - 1] == ' ' || strstr(value, "  "))
		return deploy_error_set(err, DEPLOY_INPUT,
			"%s: \"%s\" has a blank too many: one between words", name, value);
	return 0;
}

bool dp_fact_is_word(const char *text, size_t len)
{
	return len && len <= DEPLOY_FACT_VALUE_MAX && strspn(text, LETTERS "-.:/") >= len;
}

/* A word, not a part of one: "rm" is not in "storm-worker". */
static bool has_word(const char *value, const char *word, size_t len)
{
	while (*value) {
		size_t n = strcspn(value, " ");

		if (n == len && memcmp(value, word, len) == 0)
			return true;
		value += n + strspn(value + n, " ");
	}
	return false;
}

bool dp_fact_add_word(char **value, const char *word, size_t len)
{
	size_t old = *value ? strlen(*value) : 0;
	char *longer;

	if (*value && has_word(*value, word, len))
		return true;
	if (old + (old > 0) + len > DEPLOY_FACT_VALUE_MAX)
		return false;
	longer = dp_xasprintf("%s%s%.*s", *value ? *value : "", *value ? " " : "", (int)len, word);
	free(*value);
	*value = longer;
	return true;
}

char *deploy_fact_unite(const char *whole, const char *chosen, const char *before)
{
	struct dp_buf words;

	dp_buf_init(&words, strlen(whole) + 1);
	dp_buf_add_text(&words, "");
	while (*whole) {
		size_t len = strcspn(whole, " ");

		if ((chosen && has_word(chosen, whole, len)) ||
			(before && has_word(before, whole, len)))
			dp_buf_addf(&words, "%s%.*s", words.len ? " " : "", (int)len, whole);
		whole += len + strspn(whole + len, " ");
	}
	return dp_buf_take(&words);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words of a value, sorted. */
struct words {
	char **items; /* point into text */
	size_t count;
	char *text;
};

static void words_init(struct words *words, const char *value)
{
	char *rest = NULL, *word;
	size_t cap = 0;

	*words = (struct words){.text = dp_xstrdup(value)};
	for (word = strtok_r(words->text, " \t\r\n", &rest); word;
		word = strtok_r(NULL, " \t\r\n", &rest)) {
		words->items = dp_grow(words->items, &cap, words->count + 1, sizeof(char *));
		words->items[words->count++] = word;
	}
	if (words->count)
		qsort(words->items, words->count, sizeof(*words->items), compare_words);
}

static void words_release(struct words *words)
{
	free(words->items);
	free(words->text);
	*words = (struct words){0};
}

bool deploy_fact_equal(const char *a, const char *b)
{
	struct words left, right;
	bool is_equal;

	words_init(&left, a);
	words_init(&right, b);
	is_equal = left.count == right.count;
	for (size_t i = 0; is_equal && i < left.count; i++)
		is_equal = strcmp(left.items[i], right.items[i]) == 0;
	words_release(&left);
	words_release(&right);
	return is_equal;
}

char *dp_fact_missing(const char *value, const char *wanted)
{
	struct words have, want;
	struct dp_buf missing;
	size_t at = 0;

	words_init(&have, value);
	words_init(&want, wanted);
	dp_buf_init(&missing, strlen(wanted) + 1);
	for (size_t i = 0; i < want.count; i++) {
		if (at < have.count && strcmp(have.items[at], want.items[i]) == 0) {
			at++;
			continue;
		}
		dp_buf_addf(&missing, "%s%s", missing.len ? " " : "", want.items[i]);
	}
	/* What the node has and nobody wants cannot be had by adding words. */
	if (at < have.count)
		dp_buf_release(&missing);
	words_release(&have);
	words_release(&want);
	return missing.len ? dp_buf_take(&missing) : NULL;
}
