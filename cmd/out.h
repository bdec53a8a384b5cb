/* stdout: results and nothing else. Chatter goes to stderr through out_note(). */
#ifndef OUT_H
#define OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "deploy/deploy.h"

enum out_format { OUT_TABLE, OUT_WIDE, OUT_JSON, OUT_JSONL, OUT_YAML, OUT_NAME, OUT_DOT };
extern const char *const out_format_names[]; /* for -o; ends with NULL */

struct out;

/* realloc() that does not fail. */
void *out_resize(void *old, size_t size);
/* A copy, the caller's to free; NULL of NULL. */
char *out_copy(const char *text);

/* what out_open needs to know, from the global options */
struct out_options {
	enum out_format format;
	bool mco_json, no_headers, quiet;
	int color;	/* 0 auto, 1 always, 2 never */
	bool to_stderr; /* for the usage that is no result */
};

/* Colour: --color, then NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal. */
struct out *out_open(const struct out_options *options);

/*
 * Flush and check: DEPLOY_IO if anything could not be written. text says why, or is empty if the
 * reader of a pipe went away, which is nothing to talk about. Frees out.
 */
int out_close(struct out *out, struct deploy_error *err);

/*
 * stdout is another file now: go on there. What was written before goes to the old one; whether
 * that could be written counts no more.
 */
void out_reopen(struct out *out);

enum out_format out_format(const struct out *out); /* OUT_JSON also with -j */
bool out_is_for_people(const struct out *out);	   /* table or wide */
bool out_is_document(const struct out *out);	   /* json or yaml, also -j */
bool out_is_mco(const struct out *out);		   /* -j */
bool out_has_headers(const struct out *out);

/* Of the terminal that stdout is; 0 if it is none. */
size_t out_columns(const struct out *out);

/* Hand over what is buffered: after a line of jsonl, before a long wait. */
void out_flush(struct out *out);

/*
 * For struct deploy_run_options: arg is the writer. Lines of jsonl wait in memory while their
 * reader does (64 MiB, then writing waits); this writes as much as can be written at once.
 */
int out_drain(void *arg);

/*
 * What is written from begin on goes into a text, until end returns that, the caller's to free.
 * out_repaint() writes such a text: at a terminal in the place of what is there.
 */
void out_capture_begin(struct out *out);
char *out_capture_end(struct out *out);
void out_repaint(struct out *out, const char *text);

/* Text of our own, as it is. Foreign text goes through out_foreign or deploy_text_escape first. */
void out_text(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_foreign(struct out *out, const char *bytes, size_t len);

/*
 * Text from column on, lines broken at blanks before width and then indented; ends the line. Two
 * newlines begin a paragraph.
 */
void out_words(struct out *out, const char *text, size_t indent, size_t column, size_t width);

/* One JSON value on a line of its own, compact, keys as inserted; reals in as few digits as are
 * exact. */
void out_json_line(struct out *out, json_t *value);

/* With jsonl: a line for each item, {"type": type, "seq": 1, …}; nothing in the other formats. */
void out_lines(struct out *out, const char *type, const json_t *items);

/* Words in colour for a terminal, as they are otherwise. */
enum out_tone { OUT_PLAIN, OUT_GOOD, OUT_BAD, OUT_WARN, OUT_DIM };
void out_tone(struct out *out, enum out_tone tone, const char *text);

/* What colour a word such as "ok", "failed", "silent" has, everywhere. */
enum out_tone out_tone_of(const char *word);

/*
 * A table: cells are escaped, columns as wide as their widest cell (up to 60, a longer one pushes
 * what is behind it); rows are kept till the end.
 */
struct out_table;
struct out_table *out_table_new(const char *const *headers, size_t columns);
void out_table_add(struct out_table *table, const char *const *cells); /* copies */
void out_table_tone(struct out_table *table, size_t column);	       /* its words are in colour */
/* On a terminal, unless wide: the cells of column are cut so that a line fits, "~" at the end. */
void out_table_cut(struct out_table *table, size_t column);
void out_table_print(struct out *out, struct out_table *table); /* nothing without rows */
void out_table_free(struct out_table *table);

/*
 * What is going on now, on stderr: at a terminal one line that the next one replaces, cut to fit;
 * elsewhere a line each time. NULL: take it away. Silenced by -q.
 */
void out_status(struct out *out, const char *text);
bool out_has_live_status(void); /* true if stderr is a terminal */

/* One line on stderr, escaped; silenced by -q. */
void out_note(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The document of -o json, one for each invocation, also on failure:
 * {"schema":"deployctl/v1", "kind":…, "run":…, "items":[…], "summary":{…},
 *  "exit":{"code":…, "name":…}, "errors":[{"code":…, "text":…, "hint":…}]}
 * With -j only the items, as a bare array; with jsonl one line {"type":"summary",…} without items,
 * the last one; nothing in the other formats. Called once; main calls it if the command did not.
 * items: an array, or NULL; summary: an object, or NULL. References are borrowed. err: may hold
 * no error.
 */
void out_set_run(struct out *out, const char *id); /* the run that the document is about */
void out_document(struct out *out, const char *kind, json_t *items, json_t *summary, int status,
	const struct deploy_error *err);
bool out_has_document(const struct out *out);
bool out_is_empty(const struct out *out); /* nothing was written yet */
bool out_has_failed(const struct out *out); /* nothing more is written; out_close() says why */

#endif
