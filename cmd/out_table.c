/* Tables: columns as wide as their cells, words in colour, long cells cut to fit a terminal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "out_parts.h"

/* A cell that is wider does not push the columns behind it to the right for all other rows. */
#define ALIGN_COLUMNS 60
#define GAP	      2
#define CUT_MIN	      16 /* a cell is never cut to less */

/* cells: row after row, the headers first if there are any; all escaped and owned. */
struct out_table {
	char **cells;
	size_t columns, rows, cap; /* cap: in rows */
	bool has_headers;
	size_t toned, cut; /* columns, or columns if none */
};

struct out_table *out_table_new(const char *const *headers, size_t columns)
{
	struct out_table *table = out_resize(NULL, sizeof(*table));

	*table = (struct out_table){.columns = columns, .toned = columns, .cut = columns};
	if (headers)
		out_table_add(table, headers);
	table->has_headers = headers != NULL;
	return table;
}

void out_table_tone(struct out_table *table, size_t column)
{
	table->toned = column;
}

void out_table_cut(struct out_table *table, size_t column)
{
	table->cut = column;
}

void out_table_add(struct out_table *table, const char *const *cells)
{
	if (table->rows == table->cap) {
		table->cap += table->cap / 2 + 16;
		table->cells = out_resize(
			table->cells, table->cap * table->columns * sizeof(*table->cells));
	}
	for (size_t i = 0; i < table->columns; i++)
		table->cells[table->rows * table->columns + i] =
			deploy_text_escape(cells[i], strlen(cells[i]));
	table->rows++;
}

static char **row_of(const struct out_table *table, size_t row)
{
	return table->cells + row * table->columns;
}

/* The widest of those cells that are aligned: those of more than limit columns are not. */
static size_t column_width(const struct out_table *table, size_t column, size_t first, size_t limit)
{
	size_t width = 0;

	for (size_t row = first; row < table->rows; row++) {
		size_t len = deploy_text_columns(row_of(table, row)[column]);

		if (len > width && len <= limit)
			width = len;
	}
	return width;
}

/* The last column that has something to show. */
static size_t last_cell(const struct out_table *table, char **cells)
{
	size_t last = table->columns - 1;

	while (last > 0 && cells[last][0] == '\0')
		last--;
	return last;
}

/* What a line without the column to be cut takes of the terminal. */
static size_t rest_of_line(const struct out_table *table, const size_t *width)
{
	size_t rest = 0;

	for (size_t i = 0; i < table->columns; i++)
		if (i != table->cut)
			rest += width[i] + GAP;
	return rest;
}

/* Bytes of the character at text. */
static size_t char_len(const char *text)
{
	size_t len = 1;

	while (((unsigned char)text[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Shorten text to limit columns, the last of which says that there was more. */
static void cut_cell(char *text, size_t limit)
{
	size_t end = 0, used = 0;

	if (deploy_text_columns(text) <= limit)
		return;
	while (text[end]) {
		size_t len = char_len(text + end);
		char after = text[end + len];

		text[end + len] = '\0';
		used += deploy_text_columns(text + end);
		text[end + len] = after;
		if (used >= limit)
			break;
		end += len;
	}
	text[end] = '~';
	text[end + 1] = '\0';
}

static void print_row(
	struct out *out, const struct out_table *table, size_t row, const size_t *width)
{
	char **cells = row_of(table, row);
	size_t last = last_cell(table, cells);

	for (size_t i = 0; i <= last; i++) {
		size_t len = deploy_text_columns(cells[i]);

		if (i == table->toned && (row > 0 || !table->has_headers))
			out_tone(out, out_tone_of(cells[i]), cells[i]);
		else
			out_text(out, "%s", cells[i]);
		if (i < last)
			out_text(
				out, "%*s", (int)((len < width[i] ? width[i] - len : 0) + GAP), "");
	}
	out_text(out, "\n");
}

/*
 * If lines are too long for the terminal, a few long cells between the first column and the last
 * are let push what is behind them, so that the lines of all others fit.
 */
static void fit_columns(
	const struct out *out, const struct out_table *table, size_t *width, size_t first)
{
	size_t last = table->columns - 1, total = column_width(table, last, first, SIZE_MAX);

	for (size_t i = 0; i < last; i++)
		total += width[i] + GAP;
	if (!out->columns || total <= out->columns)
		return;
	for (size_t i = 1; i < last; i++)
		if (i != table->cut)
			width[i] = column_width(table, i, first, out->columns / 3);
}

static void cut_column(const struct out *out, struct out_table *table, size_t *width)
{
	size_t rest = rest_of_line(table, width), limit;

	if (table->cut >= table->columns || !out->columns || out->options.format == OUT_WIDE)
		return;
	limit = out->columns > rest + CUT_MIN ? out->columns - rest : CUT_MIN;
	for (size_t row = 0; row < table->rows; row++)
		cut_cell(row_of(table, row)[table->cut], limit);
	if (width[table->cut] > limit)
		width[table->cut] = limit;
}

void out_table_print(struct out *out, struct out_table *table)
{
	size_t first = table->has_headers && out->options.no_headers ? 1 : 0, *width;

	if (table->columns == 0 || table->rows <= (table->has_headers ? 1 : 0))
		return;
	width = out_resize(NULL, table->columns * sizeof(*width));
	for (size_t i = 0; i < table->columns; i++)
		width[i] = column_width(table, i, first, ALIGN_COLUMNS);
	fit_columns(out, table, width, first);
	cut_column(out, table, width);
	for (size_t row = first; row < table->rows; row++)
		print_row(out, table, row, width);
	free(width);
}

void out_table_free(struct out_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
