/*
 * Any text as a filter's term; its first byte chooses the flag. What is taken must be printed as a
 * line that a shell splits into flag and text, from which the same term is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "deploy/filter.h"
#include "deploy/traits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int add_fn(struct deploy_filter *filter, const char *text, struct deploy_error *err);

static void require(int holds)
{
	if (!holds)
		abort();
}

static add_fn *adder(char flag)
{
	switch (flag) {
	case 'F':
		return deploy_filter_add_fact;
	case 'C':
		return deploy_filter_add_class;
	case 'A':
		return deploy_filter_add_agent;
	case 'S':
		return deploy_filter_add_compound;
	default:
		return deploy_filter_add_identity;
	}
}

/* Take the next shell word off *line, quotes removed. Only what the printer uses is understood. */
static void next_word(char *word, const char **line)
{
	const char *at = *line;
	int quoted = 0;

	for (; *at && (quoted || *at != ' '); at++) {
		if (*at == '\'')
			quoted = !quoted;
		else if (*at == '\\' && !quoted)
			*word++ = *++at;
		else
			*word++ = *at;
	}
	require(!quoted);
	*word = '\0';
	*line = *at ? at + 1 : at;
}

static void read_again(struct deploy_filter *filter, const char *line)
{
	char *word = malloc(strlen(line) + 1);

	while (*line) {
		struct deploy_error err = {.code = DEPLOY_OK};
		char flag;

		next_word(word, &line);
		require(word[0] == '-' && word[1] != '\0' && word[2] == '\0');
		flag = word[1];
		next_word(word, &line);
		require(adder(flag)(filter, word, &err) == 0);
	}
	free(word);
}

static void check_facts(const struct deploy_filter *a, const struct deploy_filter *b)
{
	require(a->fact_count == b->fact_count);
	for (size_t i = 0; i < a->fact_count; i++) {
		require(strcmp(a->facts[i].fact, b->facts[i].fact) == 0);
		require(strcmp(a->facts[i].operator, b->facts[i].operator) == 0);
		require(strcmp(a->facts[i].value, b->facts[i].value) == 0);
		require(a->facts[i].fact[0] && a->facts[i].value[0]);
	}
}

/* A token has what its kind needs, parentheses match, and a judge comes to an end. */
static void check_compounds(const struct deploy_filter *filter)
{
	for (size_t i = 0; i < filter->compound_count; i++) {
		const struct deploy_compound *compound = &filter->compounds[i];
		size_t depth = 0;

		require(compound->token_count > 0);
		for (size_t j = 0; j < compound->token_count; j++) {
			const struct deploy_compound_token *token = &compound->tokens[j];

			require(token->kind != DEPLOY_COMPOUND_STATEMENT || token->text[0]);
			require(token->kind != DEPLOY_COMPOUND_FUNCTION ||
				(token->name[0] && token->value[0] &&
					token->operator[0] && token->right));
			depth += token->kind == DEPLOY_COMPOUND_OPEN;
			require(token->kind != DEPLOY_COMPOUND_CLOSE || depth-- > 0);
		}
		require(depth == 0);
	}
}

static void check_judge(const struct deploy_filter *filter)
{
	json_t *facts = json_pack("{s:s, s:s}", "a", "b", "1", "08"),
	       *names = json_pack("[s]", "a");
	struct deploy_traits traits = {
		.identity = "a", .facts = facts, .classes = names, .agents = names};
	struct deploy_verdict *verdicts;
	size_t count = deploy_filter_judge(&verdicts, filter, &traits);

	for (size_t i = 0; i < count; i++)
		require(verdicts[i].term[0] && verdicts[i].why[0]);
	deploy_verdicts_free(verdicts, count);
	json_decref(facts);
	json_decref(names);
}

static void check_print(const struct deploy_filter *filter)
{
	struct deploy_filter again = {.facts = NULL};
	char *line = deploy_filter_print(filter), *second;

	require(line[0] != '\0' && !deploy_filter_is_empty(filter));
	read_again(&again, line);
	check_facts(filter, &again);
	check_compounds(filter);
	if (filter->compound_count)
		check_judge(filter);
	second = deploy_filter_print(&again);
	require(strcmp(line, second) == 0);
	free(line);
	free(second);
	deploy_filter_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deploy_filter filter = {.facts = NULL};
	struct deploy_error err = {.code = DEPLOY_OK};
	char *text = malloc(size + 1);
	add_fn *add;

	memcpy(text, data, size);
	text[size] = '\0';
	add = text[0] == 'W' ? deploy_filter_add_with : adder(text[0]);
	if (size == 0 || add(&filter, text + 1, &err) == 0) {
		if (size > 0)
			check_print(&filter);
	} else {
		require(err.code == DEPLOY_USAGE && err.text[0] != '\0');
		require(add == deploy_filter_add_with || deploy_filter_is_empty(&filter));
	}
	free(text);
	deploy_filter_release(&filter);
	return 0;
}
