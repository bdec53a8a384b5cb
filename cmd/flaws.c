/* Flaws of files, for people and for programs. */
#include "flaws.h"

#include <stdlib.h>
#include <string.h>

void flaws_print_lines(struct out *out, const char *type, const json_t *items)
{
	json_t *item;
	size_t index;

	json_array_foreach(items, index, item)
	{
		json_t *line = json_pack("{s:s, s:I}", "type", type, "seq", (json_int_t)index + 1);

		(void)json_object_update(line, item);
		out_json_line(out, line);
		json_decref(line);
	}
}

static void print_line(struct out *out, const char *text)
{
	out_foreign(out, text, strlen(text));
	out_text(out, "\n");
}

static void print_flaw(struct out *out, const struct deploy_flaw *flaw)
{
	out_foreign(out, flaw->file, strlen(flaw->file));
	if (flaw->place.line)
		out_text(out, ":%u:%u", flaw->place.line, flaw->place.column);
	out_text(out, ": ");
	out_foreign(out, flaw->pointer, strlen(flaw->pointer));
	out_text(out, "%s", *flaw->pointer ? ": " : "");
	print_line(out, flaw->text);
}

/* Names of files may be any bytes, JSON takes UTF-8 only. */
static json_t *json_text(const char *text)
{
	char *escaped = deploy_text_escape(text, strlen(text));
	json_t *value = json_string(escaped);

	free(escaped);
	return value;
}

static json_t *item_of(const struct deploy_flaw *flaw)
{
	const struct deploy_place *place = &flaw->place;

	return json_pack("{s:o, s:o, s:o, s:s, s:o}", "file", json_text(flaw->file), "line",
		place->line ? json_integer(place->line) : json_null(), "column",
		place->line ? json_integer(place->column) : json_null(), "pointer", flaw->pointer,
		"text", json_text(flaw->text));
}

void flaws_print(struct out *out, const struct deploy_flaw *told, size_t count, json_t *items)
{
	const char *last = "";
	size_t i = 0;

	for (; i < count && i < DEPLOY_MAX_FLAWS; i++) {
		if (out_is_for_people(out))
			print_flaw(out, &told[i]);
		else if (out_format(out) == OUT_NAME && strcmp(told[i].file, last) != 0)
			print_line(out, told[i].file);
		else
			(void)json_array_append_new(items, item_of(&told[i]));
		last = told[i].file;
	}
	if (i < count)
		out_note(out, "%zu more are not shown", count - i);
}
