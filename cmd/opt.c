/* The parser of options: tables in, one filled struct per table out. Nothing is allocated. */
#include "opt.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exits.h"

#define OUTERS_MAX (sizeof(((struct opt_walk *)0)->outer) / sizeof(const struct opt *))

const struct opt *opt_walk_next(struct opt_walk *walk, size_t *offset)
{
	for (;;) {
		const struct opt *opt = walk->next;

		if (!opt)
			return NULL;
		if (opt->type == OPT_IS_END) {
			if (walk->depth == 0)
				return NULL;
			walk->next = walk->outer[--walk->depth];
		} else if (opt->type == OPT_IS_GROUP) {
			assert(walk->depth + 1 < OUTERS_MAX);
			walk->outer[walk->depth] = opt + 1;
			walk->base[walk->depth + 1] = walk->base[walk->depth] + opt->offset;
			walk->depth++;
			walk->next = opt->group;
		} else {
			walk->next = opt + 1;
			*offset = walk->base[walk->depth] + opt->offset;
			return opt;
		}
	}
}

bool opt_takes_value(const struct opt *opt)
{
	return opt->type != OPT_IS_FLAG && opt->type != OPT_IS_COUNT;
}

void opt_describe(const struct opt *opt, char *buf, size_t size)
{
	size_t i, len = (size_t)snprintf(buf, size, "%s", opt->text);

	for (i = 0; opt->choices && opt->choices[i] && len < size; i++) {
		const char *before = i == 0 ? ": " : opt->choices[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(buf + len, size - len, "%s%s", before, opt->choices[i]);
	}
	if (opt->preset && len < size)
		len += (size_t)snprintf(buf + len, size - len, " (default: %s)", opt->preset);
	if (opt->repeats && opt_takes_value(opt) && len < size)
		(void)snprintf(buf + len, size - len, " (may be repeated)");
}

struct parser {
	const struct opt_target *targets;
	size_t target_count;
	int argc, next; /* next: the word after the one being read */
	char **argv;
	bool given[OPT_MAX];
	struct deploy_error *err;
};

/* An option as it was typed. */
struct found {
	const struct opt *opt;
	void *field;
	size_t index; /* among the options of all targets */
	char spelling[64];
};

/* True if name is one of the words in list, which commas separate; list may be NULL. */
static bool is_one_of(const char *list, const char *name, size_t len)
{
	while (list && *list) {
		size_t word = strcspn(list, ",");

		if (word == len && memcmp(list, name, len) == 0)
			return true;
		list += word + (list[word] == ',');
	}
	return false;
}

static bool has_name(const struct opt *opt, const char *name, size_t len)
{
	return is_one_of(opt->name, name, len) || is_one_of(opt->also, name, len);
}

/* Look up a letter, or with letter 0 the long name of len bytes. */
static bool look_up(struct found *found, const struct opt_target *targets, size_t target_count,
	char letter, const char *name, size_t len)
{
	size_t target, offset, index = 0;
	const struct opt *opt;

	for (target = 0; target < target_count; target++) {
		struct opt_walk walk = {.next = targets[target].options};

		for (; (opt = opt_walk_next(&walk, &offset)) != NULL; index++) {
			if (letter ? opt->letter != letter : !has_name(opt, name, len))
				continue;
			found->opt = opt;
			found->field = (char *)targets[target].opts + offset;
			found->index = index;
			return true;
		}
	}
	return false;
}

const struct opt *opt_find(const struct opt_target *targets, size_t target_count, const char *word)
{
	struct found found = {.opt = NULL};
	bool is_long = strncmp(word, "--", 2) == 0;

	if (is_long)
		(void)look_up(&found, targets, target_count, 0, word + 2, strcspn(word + 2, "="));
	else if (word[0] == '-' && word[1] != '\0')
		(void)look_up(&found, targets, target_count, word[1], "", 0);
	return found.opt;
}

static int unknown_long(const struct parser *parser, const char *name, size_t len)
{
	const char *names[2 * OPT_MAX], *meant = NULL;
	size_t target, offset, count = 0;
	const struct opt *opt;
	struct found found;
	char word[64];

	for (target = 0; target < parser->target_count; target++) {
		struct opt_walk walk = {.next = parser->targets[target].options};

		while ((opt = opt_walk_next(&walk, &offset)) != NULL) {
			assert(count + 2 <= sizeof(names) / sizeof(names[0]));
			if (opt->name)
				names[count++] = opt->name;
			if (opt->also)
				names[count++] = opt->also;
		}
	}
	if (len < sizeof(word)) {
		(void)snprintf(word, sizeof(word), "%.*s", (int)len, name);
		meant = deploy_text_suggest(word, names, count);
	}
	if (meant &&
		look_up(&found, parser->targets, parser->target_count, 0, meant, strlen(meant)))
		deploy_error_hint(parser->err, "--%s", found.opt->name);
	return deploy_error_set(parser->err, DEPLOY_USAGE, "unknown option --%.*s",
		len < 200 ? (int)len : 200, name);
}

static int parse_number(const struct found *found, const char *text, struct deploy_error *err)
{
	const struct opt *opt = found->opt;
	size_t len = strlen(text);

	/* no sign and no blank, which strtoull would take; ten digits cannot overflow it */
	if (len == strspn(text, "0123456789") && len <= 10) {
		unsigned long long value = strtoull(text, NULL, 10);

		if (value >= opt->min && value <= opt->max) {
			*(unsigned *)found->field = (unsigned)value;
			return 0;
		}
	}
	return deploy_error_set(err, DEPLOY_USAGE, "\"%s\" is not a number from %u to %u", text,
		opt->min, opt->max);
}

static int parse_choice(const struct found *found, const char *text, struct deploy_error *err)
{
	const char *const *choices = found->opt->choices, *meant;
	char list[256];
	size_t i, len = 0;

	for (i = 0; choices[i]; i++) {
		if (strcmp(choices[i], text) == 0) {
			*(int *)found->field = (int)i;
			return 0;
		}
		if (len < sizeof(list))
			len += (size_t)snprintf(
				list + len, sizeof(list) - len, "%s%s", i ? ", " : "", choices[i]);
	}
	meant = deploy_text_suggest(text, choices, i);
	if (meant)
		deploy_error_hint(err, "--%s=%s", found->opt->name, meant);
	return deploy_error_set(err, DEPLOY_USAGE, "\"%s\" is none of %s", text, list);
}

static int store(const struct found *found, const char *text, struct deploy_error *err)
{
	const struct opt *opt = found->opt;

	if (opt->type != OPT_IS_PARSED && opt_takes_value(opt) && text[0] == '\0')
		return deploy_error_set(err, DEPLOY_USAGE, "the value is empty");
	switch (opt->type) {
	case OPT_IS_FLAG:
		*(bool *)found->field = true;
		return 0;
	case OPT_IS_COUNT:
		*(unsigned *)found->field += 1;
		return 0;
	case OPT_IS_TEXT:
		*(const char **)found->field = text;
		return 0;
	case OPT_IS_TIME:
		return deploy_time_parse(found->field, text, err);
	case OPT_IS_NUMBER:
		return parse_number(found, text, err);
	case OPT_IS_CHOICE:
		return parse_choice(found, text, err);
	case OPT_IS_PARSED:
		return opt->parse(found->field, text, err);
	case OPT_IS_GROUP:
	case OPT_IS_END:
		break;
	}
	return deploy_error_set(err, DEPLOY_BUG, "an option of no type");
}

/* text: the value that stands in the same word, or NULL. */
static int take(struct parser *parser, const struct found *found, const char *text)
{
	const struct opt *opt = found->opt;

	assert(found->index < OPT_MAX);
	if (parser->given[found->index] && !opt->repeats)
		return deploy_error_set(
			parser->err, DEPLOY_USAGE, "option %s was given twice", found->spelling);
	parser->given[found->index] = true;
	if (opt_takes_value(opt) && !text) {
		if (parser->next == parser->argc)
			return deploy_error_set(parser->err, DEPLOY_USAGE,
				"option %s needs a value: %s", found->spelling, opt->value);
		text = parser->argv[parser->next++];
	}
	if (store(found, text, parser->err) != 0) {
		char context[80];

		(void)snprintf(context, sizeof(context), "option %s", found->spelling);
		return deploy_error_wrap(parser->err, "%s", context);
	}
	return 0;
}

static int parse_long(struct parser *parser, const char *word)
{
	size_t len = strcspn(word, "=");
	const char *text = word[len] == '=' ? word + len + 1 : NULL;
	struct found found;

	if (!look_up(&found, parser->targets, parser->target_count, 0, word, len))
		return unknown_long(parser, word, len);
	(void)snprintf(found.spelling, sizeof(found.spelling), "--%.*s", (int)len, word);
	if (text && !opt_takes_value(found.opt))
		return deploy_error_set(
			parser->err, DEPLOY_USAGE, "option %s takes no value", found.spelling);
	return take(parser, &found, text);
}

/* A word of letters; the first one that takes a value takes the rest of the word. */
static int parse_letters(struct parser *parser, const char *word)
{
	for (; *word; word++) {
		struct found found;
		int rc;

		if (!look_up(&found, parser->targets, parser->target_count, *word, "", 0))
			return deploy_error_set(
				parser->err, DEPLOY_USAGE, "unknown option -%c", *word);
		(void)snprintf(found.spelling, sizeof(found.spelling), "-%c", *word);
		if (opt_takes_value(found.opt) && word[1] != '\0')
			return take(parser, &found, word + 1);
		rc = take(parser, &found, NULL);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int opt_parse(const struct opt_target *targets, size_t target_count, int argc, char **argv,
	bool stop_at_operand, int *operands, struct deploy_error *err)
{
	struct parser parser = {.targets = targets,
		.target_count = target_count,
		.argc = argc,
		.argv = argv,
		.err = err};
	bool only_operands = false;
	int rc = 0, count = 0;

	while (rc == 0 && parser.next < argc) {
		char *word = argv[parser.next++];

		if (only_operands || word[0] != '-' || word[1] == '\0') {
			if (stop_at_operand) {
				*operands = parser.next - 1;
				return 0;
			}
			argv[count++] = word;
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (word[1] == '-') {
			rc = parse_long(&parser, word + 2);
		} else {
			rc = parse_letters(&parser, word + 1);
		}
	}
	*operands = stop_at_operand ? argc : count;
	return rc;
}
