/*
 * YAML text becomes a tree of values: libyaml finds the parts, this file says what they are and
 * refuses what surprises. No recursion, so the depth of a text costs nothing.
 */
#include <yaml.h>

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "model/yaml_doc.h"

/* A collection that is not closed yet. */
struct level {
	json_t *value;	/* borrowed from the one above, or from the document */
	size_t entry;	/* of an object: the entry of the key that was read last */
	bool needs_key; /* of an object: a key comes next, not a value */
};

struct reader {
	struct deploy_yaml *doc;
	struct level levels[DEPLOY_YAML_MAX_DEPTH];
	size_t depth;
	struct deploy_error *err;
};

static struct deploy_place place_of(yaml_mark_t mark)
{
	return (struct deploy_place){
		.line = (unsigned)mark.line + 1, .column = (unsigned)mark.column + 1};
}

static int refuse(const struct reader *r, const yaml_event_t *event, const char *why)
{
	return deploy_yaml_fail(
		r->doc, place_of(event->start_mark), DEPLOY_INPUT, r->err, "%s", why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *text)
{
	while (is_digit(*text))
		text++;
	return text;
}

/* What JSON calls a number, so that 010, 1_000, 0x1f, .5 and 12:30 are none. */
static bool is_number(const char *text)
{
	if (*text == '-')
		text++;
	if (!is_digit(*text))
		return false;
	text = *text == '0' ? text + 1 : skip_digits(text);
	if (*text == '.') {
		if (!is_digit(*++text))
			return false;
		text = skip_digits(text);
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		if (*text == '+' || *text == '-')
			text++;
		if (!is_digit(*text))
			return false;
		text = skip_digits(text);
	}
	return *text == '\0';
}

/* NULL if it is a number that is too large. */
static json_t *plain_value(const char *text, size_t len)
{
	if (len == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0)
		return json_null();
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(text[0] == 't');
	if (is_number(text))
		return json_loadb(text, len, JSON_DECODE_ANY, NULL);
	return json_stringn_nocheck(text, len);
}

static size_t add_entry(struct deploy_yaml *doc, struct dp_yaml_entry entry)
{
	doc->entries = dp_grow(doc->entries, &doc->cap, doc->count + 1, sizeof(*doc->entries));
	doc->entries[doc->count] = entry;
	return doc->count++;
}

/* Put value, which is taken, where it belongs: under the last key, behind the last item. */
static void put_value(struct reader *r, json_t *value, struct deploy_place place)
{
	struct deploy_yaml *doc = r->doc;
	struct level *level;

	if (r->depth == 0) {
		doc->root = value;
		return;
	}
	level = &r->levels[r->depth - 1];
	if (json_is_array(level->value)) {
		(void)add_entry(doc, (struct dp_yaml_entry){.parent = level->value,
					     .index = json_array_size(level->value),
					     .value_place = place});
		(void)json_array_append_new(level->value, value);
		return;
	}
	doc->entries[level->entry].value_place = place;
	(void)json_object_set_new_nocheck(level->value, doc->entries[level->entry].key, value);
	level->needs_key = true;
}

static bool wants_key(const struct reader *r)
{
	return r->depth && r->levels[r->depth - 1].needs_key;
}

/* A key that is there already is looked for in the table only to tell where. */
static int refuse_duplicate(
	const struct reader *r, const yaml_event_t *event, const json_t *object, const char *key)
{
	return deploy_yaml_fail(r->doc, place_of(event->start_mark), DEPLOY_INPUT, r->err,
		"a key that stands on line %u already: '%s'",
		deploy_yaml_key(r->doc, object, key).line, key);
}

static int take_key(struct reader *r, const yaml_event_t *event)
{
	const char *key = (const char *)event->data.scalar.value;
	struct level *level = &r->levels[r->depth - 1];

	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strcmp(key, "<<") == 0)
		return refuse(r, event, "a merge key <<; write out what it stands for");
	if (json_object_get(level->value, key))
		return refuse_duplicate(r, event, level->value, key);
	level->entry = add_entry(r->doc, (struct dp_yaml_entry){.parent = level->value,
						 .key = dp_xstrdup(key),
						 .key_place = place_of(event->start_mark)});
	level->needs_key = false;
	return 0;
}

static int check_properties(const struct reader *r, const yaml_event_t *event,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(r, event, "an anchor (&); leave it out, aliases are not read");
	if (tag)
		return refuse(r, event, "a tag (!); leave it out, and quote what shall be text");
	return 0;
}

static int take_scalar(struct reader *r, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	json_t *value;

	if (check_properties(r, event, event->data.scalar.anchor, event->data.scalar.tag))
		return r->err->code;
	if (strlen(text) != len)
		return refuse(r, event, "text with a NUL (\\0); leave that out");
	if (wants_key(r))
		return take_key(r, event);
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		value = plain_value(text, len);
	else
		value = json_stringn_nocheck(text, len);
	if (!value)
		return refuse(r, event, "a number beyond 64 bits; quote it to have it as text");
	put_value(r, value, place_of(event->start_mark));
	return 0;
}

/* collection is taken. */
static int open_level(struct reader *r, const yaml_event_t *event, json_t *collection)
{
	if (wants_key(r) || r->depth == DEPLOY_YAML_MAX_DEPTH) {
		json_decref(collection);
		return refuse(r, event,
			wants_key(r) ? "a list or mapping as a key; quote it if it shall be text"
				     : "more than 64 levels; nest less");
	}
	put_value(r, collection, place_of(event->start_mark));
	r->levels[r->depth++] =
		(struct level){.value = collection, .needs_key = json_is_object(collection)};
	return 0;
}

static int take_sequence(struct reader *r, const yaml_event_t *event)
{
	if (check_properties(
		    r, event, event->data.sequence_start.anchor, event->data.sequence_start.tag))
		return r->err->code;
	return open_level(r, event, json_array());
}

static int take_mapping(struct reader *r, const yaml_event_t *event)
{
	if (check_properties(
		    r, event, event->data.mapping_start.anchor, event->data.mapping_start.tag))
		return r->err->code;
	return open_level(r, event, json_object());
}

static int take_document(const struct reader *r, const yaml_event_t *event)
{
	if (r->doc->root)
		return refuse(r, event, "a second document; leave it out");
	if (event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		return refuse(r, event, "a directive %TAG; leave it out, tags are not read");
	return 0;
}

static int take_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return take_document(r, event);
	case YAML_ALIAS_EVENT:
		return refuse(r, event, "an alias (*); write out the value it stands for");
	case YAML_SCALAR_EVENT:
		return take_scalar(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return take_sequence(r, event);
	case YAML_MAPPING_START_EVENT:
		return take_mapping(r, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return 0;
	default:
		return 0;
	}
}

#define AT_BEGIN (-1)

/* What libyaml says, and what it means for who wrote the text. */
static const struct problem {
	const char *theirs, *ours;
	int back; /* columns to where it stands; AT_BEGIN: to what is not whole
		   */
} problems[] = {
	{"found character that cannot start any token",
		"text cannot begin with this character; quote it", 0},
	{"mapping values are not allowed in this context",
		"a ': ' where no key can stand; quote text that holds one, or indent like the "
		"lines above",
		0},
	{"block sequence entries are not allowed in this context",
		"a '- ' where no list can begin; put it on a line of its own", 0},
	{"mapping keys are not allowed in this context", "a '? ' where no key can stand; quote it",
		0},
	{"could not find expected ':'", "a key without ': ' behind it", AT_BEGIN},
	{"did not find expected key",
		"neither a key nor the end; indent keys alike, and quote text whole", 0},
	{"did not find expected '-' indicator",
		"neither '- ' nor the end of the list; indent items alike", 0},
	{"did not find expected ',' or ']'", "no ',' or ']' where the list should go on or end", 0},
	{"did not find expected ',' or '}'", "no ',' or '}' where the mapping should go on or end",
		0},
	{"did not find expected node content", "no value where one should be", 0},
	{"did not find expected <document start>",
		"more text behind the end; one value is all that is read", 0},
	{"found unexpected end of stream", "a quote that is never closed", AT_BEGIN},
	{"found unexpected document indicator", "a quote that is not closed before --- or ...",
		AT_BEGIN},
	{"found unknown escape character",
		"an escape that is none; write \\\\ for a backslash, or use single quotes", 0},
	{"did not find expected hexdecimal number", "an escape that needs more hex digits", 2},
	{"found invalid Unicode character escape code",
		"an escape that is no character; write the character itself or \\UXXXXXXXX", 2},
	{"found undefined tag handle", "a tag (!); leave it out, and quote what shall be text", 0},
	{"found unknown directive name", "a directive other than %YAML; leave it out", AT_BEGIN},
	{"found incompatible YAML document", "a version other than 1.1 and 1.2; leave %YAML out",
		0},
	{"found unexpected ':'", "a ':' inside of text; quote the text", 0},
	{"found an indentation indicator equal to 0", "an indentation of 0; use 1 to 9", 1},
};

/* At the end of a text it is of no use to say where that is. */
static const char *unclosed(const char *problem)
{
	if (strcmp(problem, "did not find expected ',' or ']'") == 0)
		return "a '[' that is never closed";
	if (strcmp(problem, "did not find expected ',' or '}'") == 0)
		return "a '{' that is never closed";
	return NULL;
}

/* What stands at a mark, NUL at the end: libyaml counts characters, and does not count the BOM. */
static char character_at(const char *text, size_t len, size_t index)
{
	for (size_t i = 0; i < len; i++) {
		bool begins = ((unsigned char)text[i] & 0xc0) != 0x80;

		if (begins && index-- == 0)
			return text[i];
	}
	return '\0';
}

static struct deploy_place place_of_problem(
	const struct problem *problem, const yaml_parser_t *parser)
{
	struct deploy_place place =
		place_of(problem->back == AT_BEGIN ? parser->context_mark : parser->problem_mark);

	if (problem->back > 0)
		place.column -= (unsigned)problem->back;
	return place;
}

static int refuse_syntax(
	const struct reader *r, const yaml_parser_t *parser, const char *text, size_t len)
{
	const struct problem *end = problems + sizeof(problems) / sizeof(problems[0]);
	struct deploy_place place = place_of(parser->problem_mark);
	char at = character_at(text, len, parser->problem_mark.index);

	/* Our own allocations end the program as well. */
	assert(parser->error != YAML_MEMORY_ERROR);
	if (at == '\t')
		return deploy_yaml_fail(
			r->doc, place, DEPLOY_INPUT, r->err, "a tab; indent with spaces");
	if (at == '\0' && unclosed(parser->problem))
		return deploy_yaml_fail(r->doc, place_of(parser->context_mark), DEPLOY_INPUT,
			r->err, "%s", unclosed(parser->problem));
	for (const struct problem *p = problems; p < end; p++)
		if (strcmp(p->theirs, parser->problem) == 0)
			return deploy_yaml_fail(r->doc, place_of_problem(p, parser), DEPLOY_INPUT,
				r->err, "%s", p->ours);
	return deploy_yaml_fail(r->doc, place, DEPLOY_INPUT, r->err, "%s", parser->problem);
}

static int read_events(struct reader *r, const char *text, size_t len)
{
	bool at_end = false;
	yaml_parser_t parser;
	int rc = 0;

	(void)yaml_parser_initialize(&parser);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!rc && !at_end) {
		yaml_event_t event;

		if (yaml_parser_parse(&parser, &event)) {
			rc = take_event(r, &event);
			at_end = event.type == YAML_STREAM_END_EVENT;
			yaml_event_delete(&event);
		} else {
			rc = refuse_syntax(r, &parser, text, len);
		}
	}
	yaml_parser_delete(&parser);
	return rc;
}

/* The mark that some editors put in front of UTF-8. */
static size_t bom_length(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool is_utf16(const char *text, size_t len)
{
	return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

static int read_text(struct reader *r, const char *text, size_t len)
{
	static const struct deploy_place begin = {.line = 1, .column = 1}, unknown = {0};
	size_t bom = bom_length(text, len);

	if (len > DEPLOY_YAML_MAX_BYTES)
		return deploy_yaml_fail(r->doc, unknown, DEPLOY_INPUT, r->err, "more than 1 MiB");
	if (is_utf16(text, len))
		return deploy_yaml_fail(
			r->doc, begin, DEPLOY_INPUT, r->err, "UTF-16; save the text as UTF-8");
	if (dp_yaml_check_text(r->doc, text + bom, len - bom, r->err))
		return r->err->code;
	return read_events(r, text + bom, len - bom);
}

int deploy_yaml_read(struct deploy_yaml **out, const char *name, const char *text, size_t len,
	struct deploy_error *err)
{
	struct reader r = {.doc = dp_yaml_new(name), .err = err};
	int rc = read_text(&r, text, len);

	if (rc) {
		deploy_yaml_free(r.doc);
		return rc;
	}
	if (!r.doc->root)
		r.doc->root = json_null();
	*out = r.doc;
	return 0;
}
