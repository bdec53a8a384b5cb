/* What a node makes of a filter: Security::Base#validate_filter? and Util of MCollective 2.12.5. */
#include "deploy/traits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/regex.h"
#include "deploy/text.h"
#include "model/compound.h"
#include "model/fact_test.h"
#include "model/filter_terms.h"
#include "model/judge.h"

#define MAX_COLUMNS 60	 /* of one value of the node */
#define MAX_LISTED  1024 /* bytes of a list that are written before they are cut */

static void why_init(struct dp_buf *why)
{
	dp_buf_init(why, (size_t)-1 / 2);
}

/* Escaped text, cut to MAX_COLUMNS; the last column shows that something was cut. */
static void add_cut(struct dp_buf *out, const char *text)
{
	size_t columns = 0, fits = 0, at = 0;

	while (text[at] != '\0') {
		char character[5] = "";
		size_t len = 0;

		do
			character[len++] = text[at++];
		while (len < 4 && ((unsigned char)text[at] & 0xc0) == 0x80);
		columns += deploy_text_columns(character);
		if (columns < MAX_COLUMNS)
			fits = at;
		if (columns > MAX_COLUMNS) {
			dp_buf_add(out, text, fits);
			dp_buf_add_text(out, "…");
			return;
		}
	}
	dp_buf_add_text(out, text);
}

static void add_shown(struct dp_buf *out, const char *text)
{
	char *escaped = deploy_text_escape(text, strlen(text));

	add_cut(out, escaped);
	free(escaped);
}

static void add_quoted(struct dp_buf *out, const char *text)
{
	dp_buf_add_byte(out, '\'');
	add_shown(out, text);
	dp_buf_add_byte(out, '\'');
}

/* "before 'text'after" */
static void add_phrase(struct dp_buf *out, const char *before, const char *text, const char *after)
{
	dp_buf_add_text(out, before);
	add_quoted(out, text);
	dp_buf_add_text(out, after);
}

/* Bytes that JSON cannot hold, as the decoder of replies writes them. */
static bool is_opaque(const json_t *value)
{
	return json_object_size(value) == 1 && json_object_get(value, "$bytes");
}

static bool is_nested(const json_t *value)
{
	return json_is_array(value) || json_is_object(value);
}

/* As nodes normalise it: text. What is nested is shown as JSON. Caller frees with free(). */
static char *text_of(const json_t *value)
{
	char *text;

	if (json_is_string(value))
		return dp_xstrdup(json_string_value(value));
	if (json_is_null(value))
		return dp_xstrdup("");
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	return text ? text : dp_xstrdup("");
}

/* The names of an object, which nodes compare in place of its values. Caller gives it up. */
static json_t *names_of(const json_t *object)
{
	json_t *mutable = (json_t *)(uintptr_t)object; /* jansson iterates over nothing else */
	json_t *names = json_array();

	for (void *at = json_object_iter(mutable); at; at = json_object_iter_next(mutable, at))
		(void)json_array_append_new(names, json_string(json_object_iter_key(at)));
	return names;
}

/* ", did you mean 'x'?" if names, an array, holds something close to word. */
static void add_suggestion(struct dp_buf *out, const char *word, const json_t *names)
{
	size_t count = json_array_size(names), used = 0;
	const char **candidates = dp_xcalloc(count, sizeof(*candidates)), *found;

	for (size_t i = 0; i < count; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name && strcmp(name, word) != 0)
			candidates[used++] = name;
	}
	found = deploy_text_suggest(word, candidates, used);
	if (found)
		add_phrase(out, ", did you mean ", found, "?");
	free(candidates);
}

/* A fact, what of it is compared, and what came of that. */
struct judged_fact {
	const struct deploy_fact_term *term;
	const json_t *value;
	json_t *elements;	/* the value itself, what a list holds, or the keys of a hash */
	const json_t *decisive; /* the element that matched or failed; NULL if none did */
	struct dp_comparison found;
};

static json_t *elements_of(const json_t *value)
{
	json_t *elements;

	if (json_is_array(value))
		return json_deep_copy(value);
	if (json_is_object(value) && !is_opaque(value))
		return names_of(value);
	elements = json_array();
	(void)json_array_append_new(elements, json_deep_copy(value));
	return elements;
}

/* Lists and hashes in a list differ from every text, and have no order with one. */
static struct dp_comparison compare(const struct dp_fact_test *test, const json_t *value)
{
	const char *operator= test->term->operator;
	struct dp_comparison found = {.answer = DP_FAILS};
	char *text;

	if (strcmp(operator, "==") == 0 && is_nested(value)) {
		found.answer = DP_NO;
	} else if (is_opaque(value)) {
		found.answer = DP_UNSURE;
		found.reason = "it is not text";
	} else if (is_nested(value)) {
		if (strcmp(operator, "!=") == 0)
			found.answer = DP_YES;
	} else {
		text = text_of(value);
		found = dp_fact_test_text(test, text);
		free(text);
	}
	return found;
}

/* Any element will do, but one that fails before it ends the request. */
static void judge_elements(struct judged_fact *fact, const struct dp_fact_test *test)
{
	for (size_t i = 0; i < json_array_size(fact->elements); i++) {
		const json_t *element = json_array_get(fact->elements, i);
		struct dp_comparison found = compare(test, element);

		if (found.answer == DP_YES || found.answer == DP_FAILS) {
			fact->found = found;
			fact->decisive = element;
			return;
		}
		if (found.answer == DP_UNSURE)
			fact->found = found;
		else if (fact->found.surprise == DP_NO_SURPRISE)
			fact->found.surprise = found.surprise;
	}
}

static void add_value(struct dp_buf *why, const json_t *value)
{
	char *text = text_of(value);

	if (is_nested(value))
		add_shown(why, text);
	else
		add_quoted(why, text);
	free(text);
}

static void add_elements(struct dp_buf *why, const json_t *elements)
{
	struct dp_buf list;

	why_init(&list);
	for (size_t i = 0; i < json_array_size(elements) && list.len < MAX_LISTED; i++) {
		if (i > 0)
			dp_buf_add_text(&list, ", ");
		add_value(&list, json_array_get(elements, i));
	}
	add_cut(why, dp_buf_text(&list));
	dp_buf_release(&list);
}

/* "country is 'uk'", "tags holds 'a'", "os is a hash with the keys 'family', 'name'" */
static void tell_value(struct dp_buf *why, const struct judged_fact *fact)
{
	bool is_list = json_is_array(fact->value);
	bool is_hash = json_is_object(fact->value) && !is_opaque(fact->value);

	add_shown(why, fact->term->fact);
	if (!is_list && !is_hash) {
		dp_buf_add_text(why, " is ");
		add_value(why, fact->value);
	} else if (fact->decisive) {
		dp_buf_add_text(why, is_list ? " holds " : " has the key ");
		add_value(why, fact->decisive);
	} else if (json_array_size(fact->elements) == 0) {
		dp_buf_add_text(why, is_list ? " is an empty list" : " is an empty hash");
	} else {
		dp_buf_add_text(why, is_list ? " is a list of " : " is a hash with the keys ");
		add_elements(why, fact->elements);
	}
}

static void tell_fact(struct dp_buf *why, const struct judged_fact *fact)
{
	tell_value(why, fact);
	if (fact->found.answer == DP_FAILS)
		add_phrase(why, ", which Ruby fails to compare with ", fact->term->value,
			": the node drops the request");
	else if (fact->found.answer == DP_UNSURE)
		dp_buf_addf(why, "; " DP_NODE_TELLS "%s", fact->found.reason);
	else if (fact->found.surprise == DP_COMPARED_AS_TEXT)
		dp_buf_add_text(why, ", compared as text");
	else if (fact->found.surprise == DP_READ_AS_OCTAL)
		dp_buf_add_text(why, ", compared as octal where it begins with 0");
}

static void tell_no_fact(struct dp_buf *why, const char *name, const json_t *facts)
{
	json_t *names = names_of(facts);

	add_phrase(why, "the node has no fact ", name, "");
	add_suggestion(why, name, names);
	json_decref(names);
}

enum dp_answer dp_judge_fact(
	struct dp_buf *why, const struct deploy_fact_term *term, const json_t *facts)
{
	struct judged_fact fact = {.term = term, .value = json_object_get(facts, term->fact)};
	struct dp_fact_test test;

	/* No operator holds for a fact that is not there, not even !=. */
	if (!fact.value || json_is_null(fact.value)) {
		tell_no_fact(why, term->fact, facts);
		return DP_NO;
	}
	dp_fact_test_init(&test, term);
	fact.elements = elements_of(fact.value);
	judge_elements(&fact, &test);
	tell_fact(why, &fact);
	json_decref(fact.elements);
	dp_fact_test_release(&test);
	return fact.found.answer;
}

/* Classes, agents and identities: "/re/", of which nodes drop every slash. */
static struct dp_regex *compile_slashed(const char *text, struct deploy_error *problem)
{
	struct dp_regex *regex = NULL;
	struct dp_buf pattern;

	why_init(&pattern);
	for (; *text; text++)
		if (*text != '/')
			dp_buf_add_byte(&pattern, *text);
	(void)dp_regex_new(&regex, dp_buf_text(&pattern), pattern.len, false, problem);
	dp_buf_release(&pattern);
	return regex;
}

static enum dp_answer judge_literal(
	struct dp_buf *why, const char *noun, const char *text, const json_t *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));

		if (name && strcmp(name, text) == 0) {
			dp_buf_addf(why, "the node has the %s ", noun);
			add_quoted(why, text);
			return DP_YES;
		}
	}
	dp_buf_addf(why, "the node has no %s ", noun);
	add_quoted(why, text);
	add_suggestion(why, text, names);
	return DP_NO;
}

static enum dp_answer judge_regex(
	struct dp_buf *why, const char *noun, const char *text, const json_t *names)
{
	struct deploy_error problem = {.code = DEPLOY_OK};
	struct dp_regex *regex = compile_slashed(text, &problem);
	const char *doubt = regex ? NULL : problem.text;
	bool holds = false;

	for (size_t i = 0; i < json_array_size(names) && regex && !holds; i++) {
		const char *name = json_string_value(json_array_get(names, i));
		struct dp_comparison found = {.answer = DP_NO};

		if (name)
			found = dp_search(regex, &problem, name);
		if (found.answer == DP_UNSURE)
			doubt = found.reason;
		holds = found.answer == DP_YES;
		if (holds) {
			dp_buf_addf(why, "the node has the %s ", noun);
			add_quoted(why, name);
		}
	}
	if (!holds && doubt)
		dp_buf_addf(why, DP_NODE_TELLS "%s", doubt);
	else if (!holds)
		dp_buf_addf(why, "the node has no %s that matches", noun);
	dp_regex_free(regex);
	return holds ? DP_YES : doubt ? DP_UNSURE : DP_NO;
}

enum dp_answer dp_judge_name(
	struct dp_buf *why, const char *noun, const char *text, const json_t *names)
{
	return text[0] == '/' ? judge_regex(why, noun, text, names)
			      : judge_literal(why, noun, text, names);
}

static bool judge_agent(struct dp_buf *why, const char *text, const json_t *agents)
{
	if (strcmp(text, "mcollective") == 0) {
		dp_buf_add_text(why, "every node passes the agent 'mcollective'");
		return true;
	}
	return dp_judge_name(why, "agent", text, agents) == DP_YES;
}

/* Whether an entry matches identity; *doubt: why one of them cannot be told, otherwise unchanged.
 */
static bool matches_any(const struct deploy_filter *filter, const char *identity,
	struct deploy_error *problem, const char **doubt)
{
	bool is_matched = false;
	size_t index;

	for (size_t i = 0; i < filter->identity_count; i++) {
		struct dp_regex *regex = compile_slashed(filter->identities[i], problem);
		struct dp_comparison found = dp_search(regex, problem, identity);

		if (found.answer == DP_UNSURE)
			*doubt = found.reason;
		else if (found.answer == DP_YES)
			is_matched = true;
		dp_regex_free(regex);
	}
	return is_matched || (filter->nodes && deploy_nodeset_find(filter->nodes, identity,
						       strlen(identity), &index));
}

/* Alternatives, but a node wants exactly one of them to match. */
static bool judge_identity(
	struct dp_buf *why, const struct deploy_filter *filter, const char *identity)
{
	struct deploy_error problem = {.code = DEPLOY_OK};
	const char *doubt = NULL;
	bool is_matched = matches_any(filter, identity, &problem, &doubt);

	add_phrase(why, "the node is ", identity, "");
	/* All entries travel as one expression: one that nobody can read spoils the others. */
	if (doubt)
		dp_buf_addf(why, "; " DP_NODE_TELLS "%s", doubt);
	return is_matched && !doubt;
}

/* A verdict that is being written. */
struct draft {
	struct dp_buf term, why;
};

static struct draft *begin(struct draft *draft)
{
	why_init(&draft->term);
	why_init(&draft->why);
	return draft;
}

static void finish(struct deploy_verdict *verdict, struct draft *draft, bool holds)
{
	verdict->holds = holds;
	verdict->term = dp_buf_take(&draft->term);
	verdict->why = dp_buf_take(&draft->why);
}

size_t deploy_filter_judge(struct deploy_verdict **out, const struct deploy_filter *filter,
	const struct deploy_traits *traits)
{
	bool names_identities = filter->identity_count > 0 || filter->nodes;
	size_t count = filter->fact_count + filter->class_count + filter->agent_count +
		       (names_identities ? 1 : 0) + filter->compound_count;
	struct deploy_verdict *next = dp_xcalloc(count, sizeof(*next));
	struct draft draft;
	bool holds;

	*out = next;
	for (size_t i = 0; i < filter->fact_count; i++) {
		dp_filter_print_fact(&begin(&draft)->term, &filter->facts[i]);
		holds = dp_judge_fact(&draft.why, &filter->facts[i], traits->facts) == DP_YES;
		finish(next++, &draft, holds);
	}
	for (size_t i = 0; i < filter->class_count; i++) {
		dp_filter_print_class(&begin(&draft)->term, filter->classes[i]);
		holds = dp_judge_name(&draft.why, "class", filter->classes[i], traits->classes) ==
			DP_YES;
		finish(next++, &draft, holds);
	}
	for (size_t i = 0; i < filter->agent_count; i++) {
		dp_filter_print_agent(&begin(&draft)->term, filter->agents[i]);
		holds = judge_agent(&draft.why, filter->agents[i], traits->agents);
		finish(next++, &draft, holds);
	}
	if (names_identities) {
		dp_filter_print_identities(&begin(&draft)->term, filter);
		holds = judge_identity(&draft.why, filter, traits->identity);
		finish(next++, &draft, holds);
	}
	for (size_t i = 0; i < filter->compound_count; i++) {
		dp_filter_print_compound(&begin(&draft)->term, &filter->compounds[i]);
		holds = dp_compound_judge(&draft.why, &filter->compounds[i], traits);
		finish(next++, &draft, holds);
	}
	return count;
}

void deploy_verdicts_free(struct deploy_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(verdicts[i].term);
		free(verdicts[i].why);
	}
	free(verdicts);
}
