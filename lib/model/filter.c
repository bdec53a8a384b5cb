/* Filters as typed; the rules for facts are those of MCollective::Util.parse_fact_string. */
#include "deploy/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "deploy/error.h"
#include "base/mem.h"
#include "base/regex.h"
#include "deploy/text.h"
#include "model/compound.h"
#include "model/filter_terms.h"

#define MAX_TERM_BYTES 4096

static void free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

static void release_fact(struct deploy_fact_term *term)
{
	free(term->fact);
	free(term->value);
}

void deploy_filter_release(struct deploy_filter *filter)
{
	for (size_t i = 0; i < filter->fact_count; i++)
		release_fact(&filter->facts[i]);
	free(filter->facts);
	free_strings(filter->classes, filter->class_count);
	free_strings(filter->agents, filter->agent_count);
	free_strings(filter->identities, filter->identity_count);
	deploy_nodeset_free(filter->nodes);
	for (size_t i = 0; i < filter->compound_count; i++)
		dp_compound_release(&filter->compounds[i]);
	free(filter->compounds);
	*filter = (struct deploy_filter){.facts = NULL};
}

static char **copy_texts(char *const *texts, size_t count)
{
	char **copy = dp_xcalloc(count, sizeof(*copy));

	for (size_t i = 0; i < count; i++)
		copy[i] = dp_xstrdup(texts[i]);
	return copy;
}

void deploy_filter_copy(struct deploy_filter *to, const struct deploy_filter *from)
{
	*to = *from;
	to->fact_cap = from->fact_count;
	to->facts = dp_xcalloc(from->fact_count, sizeof(*to->facts));
	for (size_t i = 0; i < from->fact_count; i++) {
		to->facts[i] = from->facts[i];
		to->facts[i].fact = dp_xstrdup(from->facts[i].fact);
		to->facts[i].value = dp_xstrdup(from->facts[i].value);
	}
	to->classes = copy_texts(from->classes, to->class_cap = from->class_count);
	to->agents = copy_texts(from->agents, to->agent_cap = from->agent_count);
	to->identities = copy_texts(from->identities, to->identity_cap = from->identity_count);
	to->nodes = from->nodes ? deploy_nodeset_copy(from->nodes) : NULL;
	to->compound_cap = from->compound_count;
	to->compounds = dp_xcalloc(from->compound_count, sizeof(*to->compounds));
	for (size_t i = 0; i < from->compound_count; i++)
		dp_compound_copy(&to->compounds[i], &from->compounds[i]);
}

static int refuse(struct deploy_error *err, const char *what, const char *text, const char *why)
{
	char *shown = deploy_text_escape(text, strnlen(text, 100));

	(void)deploy_error_set(err, DEPLOY_USAGE, "%s \"%s\": %s", what, shown, why);
	free(shown);
	return err->code;
}

/* A term that is empty, or that no node could ever match, is a slip and must not mean everyone. */
static int check_text(const char *what, const char *text, struct deploy_error *err)
{
	size_t len = strnlen(text, MAX_TERM_BYTES + 1);

	if (text[strspn(text, " \t\r\n")] == '\0')
		return refuse(err, what, text, "is empty; leave it out to mean every node");
	if (len > MAX_TERM_BYTES)
		return refuse(err, what, text, "is too long");
	if (!deploy_text_is_utf8(text, len))
		return refuse(err, what, text, "is not UTF-8");
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return refuse(err, what, text, "holds a control character");
	return 0;
}

static int check_regex(const char *what, const char *text, const char *pattern, size_t len,
	struct deploy_error *err)
{
	struct deploy_error why = {.code = DEPLOY_OK};
	struct dp_regex *regex = NULL;

	if (dp_regex_new(&regex, pattern, len, false, &why) != 0)
		(void)refuse(err, what, text, why.text);
	dp_regex_free(regex);
	return why.code == DEPLOY_OK ? 0 : err->code;
}

/* "/re/" of classes, agents and identities: nodes drop every slash and search what remains. */
static int check_slashed(const char *what, const char *text, struct deploy_error *err)
{
	struct dp_buf pattern;
	size_t len = strlen(text);
	int rc;

	if (len < 2 || text[len - 1] != '/')
		return refuse(err, what, text, "a regular expression ends with /");
	dp_buf_init(&pattern, MAX_TERM_BYTES);
	for (size_t i = 0; i < len; i++)
		if (text[i] != '/')
			dp_buf_add_byte(&pattern, text[i]);
	rc = pattern.len == 0
		     ? refuse(err, what, text, "an empty expression would match every node")
		     : check_regex(what, text, dp_buf_text(&pattern), pattern.len, err);
	dp_buf_release(&pattern);
	return rc;
}

/* One of mco's rules: the shortest fact without a byte of banned, blanks, an operator, blanks, a
 * value. */
static const struct rule {
	const char *banned;
	bool is_regex; /* the value starts and ends with / */
	struct {
		const char *typed, *meant;
	} operators[7]; /* the first that leaves a value */
} rules[] = {
	{" ", false, {{"=>", ">="}}},
	{" ", false, {{"=<", "<="}}},
	{" ", false,
		{{"<=", "<="}, {">=", ">="}, {"<", "<"}, {">", ">"}, {"!=", "!="}, {"==", "=="},
			{"=~", "=~"}}},
	{"", true, {{"=", "=~"}}},
	{"= ", false, {{"=", "=="}}},
};

/* What a rule found in a text; value runs to the text's end. */
struct split {
	size_t fact_len;
	const char *operator_meant, *value;
};

static bool value_fits(const struct rule *rule, const char *value)
{
	size_t len = strlen(value);

	return rule->is_regex ? len >= 3 && value[0] == '/' && value[len - 1] == '/' : len > 0;
}

/* Try the rule with text[0 … fact_len) as the fact. */
static bool try_fact(struct split *out, const struct rule *rule, const char *text, size_t fact_len)
{
	const char *at = text + fact_len + strspn(text + fact_len, " ");

	for (size_t i = 0; i < sizeof(rule->operators) / sizeof(rule->operators[0]); i++) {
		const char *typed = rule->operators[i].typed, *value;

		if (!typed || strncmp(at, typed, strlen(typed)) != 0)
			continue;
		value = at + strlen(typed);
		value += strspn(value, " ");
		/* All blanks: a regular expression gives back one of them as the value. */
		if (*value == '\0' && value > at + strlen(typed))
			value--;
		if (!value_fits(rule, value))
			continue;
		*out = (struct split){fact_len, rule->operators[i].meant, value};
		return true;
	}
	return false;
}

static bool split_fact(struct split *out, const char *text)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		for (size_t len = 1; text[len - 1] && !strchr(rules[i].banned, text[len - 1]);
			len++)
			if (try_fact(out, &rules[i], text, len))
				return true;
	}
	return false;
}

int deploy_filter_add_fact(struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	struct deploy_fact_term term;
	struct split split;
	const char *regex;
	size_t len;

	if (check_text("-F", text, err) != 0)
		return err->code;
	if (!split_fact(&split, text)) {
		(void)refuse(err, "-F", text, "is not FACT OPERATOR VALUE");
		deploy_error_hint(
			err, "operators are = == != =~ < <= > >=, as in country=de or os=~/^deb/");
		return err->code;
	}
	/* Nodes strip one pair of slashes, if both are there. */
	regex = split.value;
	len = strlen(regex);
	if (len >= 3 && regex[0] == '/' && regex[len - 1] == '/') {
		regex++;
		len -= 2;
	}
	if (strcmp(split.operator_meant, "=~") == 0 &&
		check_regex("-F", text, regex, len, err) != 0)
		return err->code;
	term = (struct deploy_fact_term){
		.fact = dp_xstrndup(text, split.fact_len), .value = dp_xstrdup(split.value)};
	memcpy(term.operator, split.operator_meant, strlen(split.operator_meant) + 1);
	filter->facts = dp_grow(
		filter->facts, &filter->fact_cap, filter->fact_count + 1, sizeof(*filter->facts));
	filter->facts[filter->fact_count++] = term;
	return 0;
}

static void add_string(char ***strings, size_t *count, size_t *cap, const char *text)
{
	*strings = dp_grow(*strings, cap, *count + 1, sizeof(**strings));
	(*strings)[(*count)++] = dp_xstrdup(text);
}

int deploy_filter_add_class(
	struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	if (check_text("-C", text, err) != 0)
		return err->code;
	if (text[0] == '/' && check_slashed("-C", text, err) != 0)
		return err->code;
	add_string(&filter->classes, &filter->class_count, &filter->class_cap, text);
	return 0;
}

int deploy_filter_add_agent(
	struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	if (check_text("-A", text, err) != 0)
		return err->code;
	if (text[0] == '/' && check_slashed("-A", text, err) != 0)
		return err->code;
	if (text[0] != '/' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return refuse(err, "-A", text, "is neither an agent (a-z 0-9 _) nor a /regex/");
	add_string(&filter->agents, &filter->agent_count, &filter->agent_cap, text);
	return 0;
}

static int add_nodes(struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	struct deploy_nodeset *nodes = deploy_nodeset_new();
	struct deploy_error why = {.code = DEPLOY_OK};
	int rc = 0;

	if (filter->nodes)
		deploy_nodeset_unite(nodes, filter->nodes);
	if (deploy_nodeset_parse(nodes, text, &why) != 0)
		rc = deploy_error_set(err, DEPLOY_USAGE, "-I: %s", why.text);
	else if (deploy_nodeset_count(nodes) == 0)
		rc = refuse(err, "-I", text, "leaves no node");
	if (rc != 0) {
		deploy_nodeset_free(nodes);
		return rc;
	}
	deploy_nodeset_free(filter->nodes);
	filter->nodes = nodes;
	return 0;
}

int deploy_filter_add_identity(
	struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	if (text[0] != '/')
		return add_nodes(filter, text, err);
	if (check_text("-I", text, err) != 0 || check_slashed("-I", text, err) != 0)
		return err->code;
	add_string(&filter->identities, &filter->identity_count, &filter->identity_cap, text);
	return 0;
}

int deploy_filter_add_with(struct deploy_filter *filter, const char *text, struct deploy_error *err)
{
	static const char blanks[] = " \t\r\n\v\f";
	const char *at = text + strspn(text, blanks);
	int rc = *at ? 0 : check_text("-W", text, err);

	while (rc == 0 && *at) {
		size_t len = strcspn(at, blanks);
		char *word = dp_xstrndup(at, len);
		struct split split;

		if (check_text("-W", word, err) != 0)
			rc = err->code;
		else
			rc = split_fact(&split, word) ? deploy_filter_add_fact(filter, word, err)
						      : deploy_filter_add_class(filter, word, err);
		free(word);
		at += len + strspn(at + len, blanks);
	}
	return rc;
}

bool deploy_filter_is_empty(const struct deploy_filter *filter)
{
	return filter->fact_count == 0 && filter->class_count == 0 && filter->agent_count == 0 &&
	       filter->identity_count == 0 && !filter->nodes && filter->compound_count == 0;
}

bool deploy_filter_names_nodes(const struct deploy_filter *filter)
{
	return filter->nodes && filter->fact_count == 0 && filter->class_count == 0 &&
	       filter->agent_count == 0 && filter->identity_count == 0 &&
	       filter->compound_count == 0;
}

static bool is_shell_safe(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_./:=,@%+-";

	/* zsh takes a leading = for the path of a command. */
	return text[0] != '\0' && text[0] != '=' && text[strspn(text, safe)] == '\0';
}

static void print_term(struct dp_buf *out, const char *flag, const char *text)
{
	if (out->len)
		dp_buf_add_byte(out, ' ');
	dp_buf_add_text(out, flag);
	dp_buf_add_byte(out, ' ');
	if (is_shell_safe(text)) {
		dp_buf_add_text(out, text);
		return;
	}
	dp_buf_add_byte(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			dp_buf_add_text(out, "'\\''");
		else
			dp_buf_add_byte(out, *text);
	}
	dp_buf_add_byte(out, '\'');
}

static bool means(const char *text, const struct deploy_fact_term *term)
{
	struct split split;

	return split_fact(&split, text) && split.fact_len == strlen(term->fact) &&
	       strncmp(text, term->fact, split.fact_len) == 0 &&
	       strcmp(split.operator_meant, term->operator) == 0 &&
	       strcmp(split.value, term->value) == 0;
}

/* A fact or value that holds operators itself needs blanks or another spelling to be read back. */
static char *spell_fact(const struct deploy_fact_term *term)
{
	static const char *const blanks[][2] = {{"", ""}, {" ", ""}, {"", " "}, {" ", " "}};
	const char *spellings[] = {term->operator, NULL };
	char *text = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!spellings[1] && strcmp(rules[i].operators[0].meant, term->operator) == 0)
			spellings[1] = rules[i].operators[0].typed;
	for (size_t i = 0; i < 8; i++) {
		if (!spellings[i / 4])
			break;
		free(text);
		text = dp_xasprintf("%s%s%s%s%s", term->fact, blanks[i % 4][0], spellings[i / 4],
			blanks[i % 4][1], term->value);
		if (means(text, term))
			break;
	}
	return text;
}

void dp_filter_print_fact(struct dp_buf *out, const struct deploy_fact_term *term)
{
	char *text = spell_fact(term);

	print_term(out, "-F", text);
	free(text);
}

void dp_filter_print_class(struct dp_buf *out, const char *text)
{
	print_term(out, "-C", text);
}

void dp_filter_print_agent(struct dp_buf *out, const char *text)
{
	print_term(out, "-A", text);
}

void dp_filter_print_identities(struct dp_buf *out, const struct deploy_filter *filter)
{
	char *nodes;

	for (size_t i = 0; i < filter->identity_count; i++)
		print_term(out, "-I", filter->identities[i]);
	if (!filter->nodes)
		return;
	nodes = deploy_nodeset_print(filter->nodes);
	print_term(out, "-I", nodes);
	free(nodes);
}

void dp_filter_print_compound(struct dp_buf *out, const struct deploy_compound *compound)
{
	print_term(out, "-S", compound->source);
}

char *deploy_filter_print(const struct deploy_filter *filter)
{
	struct dp_buf out;

	dp_buf_init(&out, (size_t)-1 / 2);
	for (size_t i = 0; i < filter->fact_count; i++)
		dp_filter_print_fact(&out, &filter->facts[i]);
	for (size_t i = 0; i < filter->class_count; i++)
		dp_filter_print_class(&out, filter->classes[i]);
	for (size_t i = 0; i < filter->agent_count; i++)
		dp_filter_print_agent(&out, filter->agents[i]);
	dp_filter_print_identities(&out, filter);
	for (size_t i = 0; i < filter->compound_count; i++)
		dp_filter_print_compound(&out, &filter->compounds[i]);
	return dp_buf_take(&out);
}
