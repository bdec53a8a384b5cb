/* Options are data: a table per command fills in one struct; help, man, completion read it too. */
#ifndef OPT_H
#define OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "deploy/deploy.h"

enum opt_type {
	OPT_IS_FLAG,   /* bool: set to true */
	OPT_IS_COUNT,  /* unsigned: how often it was given */
	OPT_IS_TEXT,   /* const char *: points into argv */
	OPT_IS_TIME,   /* long long: milliseconds, see deploy_time_parse() */
	OPT_IS_NUMBER, /* unsigned: decimal, min…max */
	OPT_IS_CHOICE, /* int: index into choices */
	OPT_IS_PARSED, /* anything: parse(field, text) */
	OPT_IS_GROUP,  /* a struct with options of its own */
	OPT_IS_END
};

struct opt {
	enum opt_type type;
	char letter;	    /* 0: none */
	const char *name;   /* long name without dashes */
	const char *also;   /* more long names that are accepted, by commas, or NULL; not in help */
	size_t offset;	    /* of the field in the command's struct */
	const char *value;  /* what the help calls the value: "TIME", "FACT=VALUE" */
	const char *text;   /* what it does: lower case, no full stop */
	const char *preset; /* the default as text, for help; NULL for none */
	const char *const *choices; /* OPT_IS_CHOICE: ends with NULL */
	unsigned min, max;	    /* OPT_IS_NUMBER */
	bool repeats;		    /* may be given more than once; otherwise twice is an error */
	int (*parse)(void *field, const char *text, struct deploy_error *err);
	const struct opt *group; /* OPT_IS_GROUP */
};

#define OPT_FLAG(l, n, s, f, t)                                                                    \
	{                                                                                          \
		.type = OPT_IS_FLAG, .letter = (l), .name = (n), .offset = offsetof(s, f),         \
		.text = (t)                                                                        \
	}
#define OPT_COUNT(l, n, s, f, t)                                                                   \
	{                                                                                          \
		.type = OPT_IS_COUNT, .letter = (l), .name = (n), .offset = offsetof(s, f),        \
		.text = (t), .repeats = true                                                       \
	}
#define OPT_TEXT(l, n, s, f, v, t)                                                                 \
	{                                                                                          \
		.type = OPT_IS_TEXT, .letter = (l), .name = (n), .offset = offsetof(s, f),         \
		.value = (v), .text = (t)                                                          \
	}
#define OPT_TIME(l, n, s, f, v, t, d)                                                              \
	{                                                                                          \
		.type = OPT_IS_TIME, .letter = (l), .name = (n), .offset = offsetof(s, f),         \
		.value = (v), .text = (t), .preset = (d)                                           \
	}
#define OPT_NUMBER(l, n, s, f, v, lo, hi, t, d)                                                    \
	{                                                                                          \
		.type = OPT_IS_NUMBER, .letter = (l), .name = (n), .offset = offsetof(s, f),       \
		.value = (v), .min = (lo), .max = (hi), .text = (t), .preset = (d)                 \
	}
#define OPT_CHOICE(l, n, s, f, v, c, t, d)                                                         \
	{                                                                                          \
		.type = OPT_IS_CHOICE, .letter = (l), .name = (n), .offset = offsetof(s, f),       \
		.value = (v), .choices = (c), .text = (t), .preset = (d)                           \
	}
#define OPT_PARSED(l, n, s, f, v, p, r, t)                                                         \
	{                                                                                          \
		.type = OPT_IS_PARSED, .letter = (l), .name = (n), .offset = offsetof(s, f),       \
		.value = (v), .parse = (p), .repeats = (r), .text = (t)                            \
	}
#define OPT_GROUP(g, s, f)                                                                         \
	{                                                                                          \
		.type = OPT_IS_GROUP, .group = (g), .offset = offsetof(s, f)                       \
	}
#define OPT_END                                                                                    \
	{                                                                                          \
		.type = OPT_IS_END                                                                 \
	}

#define DDL_DIRS_MAX 16

/* Options that every command has, before and after its name. */
struct global_opts {
	const char *config, *context; /* NULL until they were given */
	const char *state;
	struct ddl_dirs {
		const char *paths[DDL_DIRS_MAX];
		size_t count;
	} ddl_dirs;
	int output;    /* enum out_format; -1 until it was given */
	bool mco_json; /* -j */
	bool no_headers;
	int color;	  /* index into color_names; -1 until it was given */
	unsigned verbose; /* how often -v was given */
	bool quiet;
	bool help;
};
extern const struct opt global_options[]; /* in table.c */
extern const char *const color_names[];	  /* auto, always, never; ends with NULL */

#define OPT_MAX 128 /* options of one target list, groups opened up */

/* Walk over options, groups opened up: NULL at the end. Start with {.next = table}. */
struct opt_walk {
	const struct opt *next, *outer[4];
	size_t base[4];
	unsigned depth;
};
const struct opt *opt_walk_next(struct opt_walk *walk, size_t *offset);

/* True if a value must follow the option. */
bool opt_takes_value(const struct opt *opt);

/* Write the text of an option with its choices, its default, and whether it may be repeated. */
#define OPT_DESCRIPTION 512 /* bytes that are enough */
void opt_describe(const struct opt *opt, char *buf, size_t size);

/* One table and the struct that it fills in. */
struct opt_target {
	const struct opt *options;
	void *opts;
};

/* The option that a word such as "--name", "--name=value" or "-n" spells, or NULL. */
const struct opt *opt_find(const struct opt_target *targets, size_t target_count, const char *word);

/*
 * Parse argv[0..argc) against the targets; operands move to the front and are counted in *operands.
 * Options and operands may be mixed; "--" ends options; "--name=value", "-n value", "-nvalue",
 * "-abc" for flags; a long name may not be abbreviated. With stop_at_operand parsing ends at the
 * first operand (to find the command's name): *operands is then its index, or argc.
 * An empty value is refused, except by OPT_IS_PARSED, whose function decides.
 * Errors: DEPLOY_USAGE naming the option, with the one that was probably meant as hint ("--name");
 * what a parse function returned, with the option in front.
 */
int opt_parse(const struct opt_target *targets, size_t target_count, int argc, char **argv,
	bool stop_at_operand, int *operands, struct deploy_error *err);

#endif
