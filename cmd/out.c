/* The writer of stdout: formats, colour, tables, and write errors kept until they can be told. */
#include "out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exits.h"

const char *const out_format_names[] = {"table", "json", "jsonl", "name", NULL};

/*
 * stream is a duplicate of the descriptor, so that closing it tells about errors which only close
 * reports. failure: the first errno; from then on nothing more is written.
 */
struct out {
	FILE *stream;
	struct out_options options;
	int failure;
	bool is_terminal, has_color, has_document, is_used;
	char buffer[32768];
};

static void *resize(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory) {
		(void)fprintf(stderr, "deployctl: out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	return memory;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] != '\0';
}

static bool wants_color(const struct out *out)
{
	const char *force = getenv("CLICOLOR_FORCE");

	if (out->options.color != 0)
		return out->options.color == 1;
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE"))
		return strcmp(force, "0") != 0;
	return out->is_terminal;
}

struct out *out_open(const struct out_options *options)
{
	struct out *out = resize(NULL, sizeof(*out));
	int fd, target = options->to_stderr ? STDERR_FILENO : STDOUT_FILENO;

	*out = (struct out){.options = *options};
	if (options->mco_json)
		out->options.format = OUT_JSON;
	out->is_terminal = isatty(target) == 1;
	out->has_color = wants_color(out);
	fd = fcntl(target, F_DUPFD_CLOEXEC, 3);
	out->stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (out->stream)
		(void)setvbuf(out->stream, out->buffer, out->is_terminal ? _IOLBF : _IOFBF,
			sizeof(out->buffer));
	else if (fd >= 0)
		(void)close(fd);
	return out;
}

static void note_failure(struct out *out)
{
	if (out->failure == 0)
		out->failure = errno != 0 ? errno : EIO;
}

int out_close(struct out *out, struct deploy_error *err)
{
	int failure;

	errno = 0;
	if (out->stream && fclose(out->stream) != 0)
		note_failure(out);
	failure = out->failure;
	free(out);
	if (failure == 0)
		return 0;
	return deploy_error_set(err, DEPLOY_IO, "%s%s",
		failure == EPIPE ? "" : "stdout: ", failure == EPIPE ? "" : strerror(failure));
}

enum out_format out_format(const struct out *out)
{
	return out->options.format;
}

bool out_is_mco(const struct out *out)
{
	return out->options.mco_json;
}

bool out_has_headers(const struct out *out)
{
	return !out->options.no_headers;
}

bool out_has_document(const struct out *out)
{
	return out->has_document;
}

bool out_is_empty(const struct out *out)
{
	return !out->is_used;
}

/* True if writing makes sense; a closed stdout fails at the first byte and not before. */
static bool begin_write(struct out *out)
{
	out->is_used = true;
	if (!out->stream && out->failure == 0)
		out->failure = EBADF;
	errno = 0;
	return out->failure == 0;
}

static void write_bytes(struct out *out, const char *bytes, size_t len)
{
	if (begin_write(out) && fwrite(bytes, 1, len, out->stream) != len)
		note_failure(out);
}

void out_flush(struct out *out)
{
	errno = 0;
	if (out->stream && out->failure == 0 && fflush(out->stream) != 0)
		note_failure(out);
}

void out_text(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (begin_write(out) && vfprintf(out->stream, format, args) < 0)
		note_failure(out);
	va_end(args);
}

void out_foreign(struct out *out, const char *bytes, size_t len)
{
	char *text = deploy_text_escape(bytes, len);

	write_bytes(out, text, strlen(text));
	free(text);
}

void out_tone(struct out *out, enum out_tone tone, const char *text)
{
	static const char *const codes[] = {"0", "32", "31", "33", "2"}; /* ECMA-48 SGR */

	if (out->has_color && tone != OUT_PLAIN)
		out_text(out, "\033[%sm%s\033[0m", codes[tone], text);
	else
		out_text(out, "%s", text);
}

void out_note(struct out *out, const char *format, ...)
{
	char *raw, *text;
	va_list args;
	int len;

	if (out->options.quiet)
		return;
	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return;
	raw = resize(NULL, (size_t)len + 1);
	va_start(args, format);
	(void)vsnprintf(raw, (size_t)len + 1, format, args);
	va_end(args);
	text = deploy_text_escape(raw, (size_t)len);
	if (out->is_terminal)
		out_flush(out);
	(void)fprintf(stderr, "%s\n", text);
	free(text);
	free(raw);
}

/* DEL is the one control character that JSON lets stand; a terminal need not see it. */
static int write_json(const char *bytes, size_t len, void *arg)
{
	struct out *out = arg;
	const char *del;

	while (out->is_terminal && (del = memchr(bytes, 0x7f, len))) {
		write_bytes(out, bytes, (size_t)(del - bytes));
		write_bytes(out, "\\u007f", 6);
		len -= (size_t)(del + 1 - bytes);
		bytes = del + 1;
	}
	write_bytes(out, bytes, len);
	return 0;
}

/* The fewest digits that read back as the same number. */
static size_t precision_of_real(double value)
{
	size_t precision;
	char text[40];

	for (precision = 15; precision < 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", (int)precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return precision;
}

/* jansson prints all reals with one precision: the least that loses nothing, so that 0.1 stays 0.1.
 */
static size_t precision_of(json_t *value)
{
	size_t most = 15, one, index;
	const char *key;
	json_t *child;

	if (json_is_real(value))
		return precision_of_real(json_real_value(value));
	json_object_foreach(value, key, child) if (most < 17 && (one = precision_of(child)) > most)
		most = one;
	json_array_foreach(value, index, child) if (most < 17 && (one = precision_of(child)) > most)
		most = one;
	return most;
}

/* To a terminal everything beyond ASCII is written as \uXXXX: C1 controls, overrides of direction.
 */
static void print_json(struct out *out, json_t *value, size_t flags)
{
	flags |= JSON_REAL_PRECISION(precision_of(value));
	if (out->is_terminal)
		flags |= JSON_ENSURE_ASCII;
	if (json_dump_callback(value, write_json, out, flags | JSON_ENCODE_ANY) != 0) {
		errno = EILSEQ;
		note_failure(out);
	}
	write_bytes(out, "\n", 1);
}

void out_json_line(struct out *out, json_t *value)
{
	print_json(out, value, JSON_COMPACT);
}

/* Errors may quote what others sent: JSON takes UTF-8 only. */
static json_t *json_text(const char *text)
{
	size_t len = strlen(text);
	char *escaped;
	json_t *value;

	if (deploy_text_is_utf8(text, len))
		return json_stringn(text, len);
	escaped = deploy_text_escape(text, len);
	value = json_string(escaped);
	free(escaped);
	return value;
}

static json_t *json_errors(const struct deploy_error *err)
{
	json_t *list = json_array(), *entry;

	if (err->code == DEPLOY_OK)
		return list;
	entry = json_pack(
		"{s:s, s:o}", "code", deploy_code_name(err->code), "text", json_text(err->text));
	if (err->hint[0] != '\0')
		(void)json_object_set_new(entry, "hint", json_text(err->hint));
	(void)json_array_append_new(list, entry);
	return list;
}

void out_document(struct out *out, const char *kind, json_t *items, json_t *summary, int status,
	const struct deploy_error *err)
{
	bool is_line = out->options.format == OUT_JSONL;
	json_t *document;

	if (out->options.format != OUT_JSON && !is_line)
		return;
	out->has_document = true;
	items = items ? json_incref(items) : json_array();
	summary = summary ? json_incref(summary) : json_object();
	if (out->options.mco_json) {
		print_json(out, items, out->is_terminal ? JSON_INDENT(2) : JSON_COMPACT);
		json_decref(items);
		json_decref(summary);
		return;
	}
	document = is_line ? json_pack("{s:s}", "type", "summary") : json_object();
	(void)json_object_set_new(document, "schema", json_string("deployctl/v1"));
	(void)json_object_set_new(document, "kind", json_string(kind));
	(void)json_object_set_new(document, "run", json_null());
	if (is_line)
		json_decref(items);
	else
		(void)json_object_set_new(document, "items", items);
	(void)json_object_set_new(document, "summary", summary);
	(void)json_object_set_new(document, "exit",
		json_pack("{s:i, s:s}", "code", status, "name", exit_name(status)));
	(void)json_object_set_new(document, "errors", json_errors(err));
	print_json(out, document, is_line ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(document);
}

/* cells: row after row, the headers first if there are any; all escaped and owned. */
struct out_table {
	char **cells;
	size_t columns, rows, cap; /* cap: in rows */
	bool has_headers;
};

struct out_table *out_table_new(const char *const *headers, size_t columns)
{
	struct out_table *table = resize(NULL, sizeof(*table));

	*table = (struct out_table){.columns = columns};
	if (headers)
		out_table_add(table, headers);
	table->has_headers = headers != NULL;
	return table;
}

void out_table_add(struct out_table *table, const char *const *cells)
{
	size_t i;

	if (table->rows == table->cap) {
		table->cap += table->cap / 2 + 16;
		table->cells =
			resize(table->cells, table->cap * table->columns * sizeof(*table->cells));
	}
	for (i = 0; i < table->columns; i++)
		table->cells[table->rows * table->columns + i] =
			deploy_text_escape(cells[i], strlen(cells[i]));
	table->rows++;
}

static size_t column_width(const struct out_table *table, size_t column, size_t first)
{
	size_t row, width = 0;

	for (row = first; row < table->rows; row++) {
		size_t len = deploy_text_columns(table->cells[row * table->columns + column]);

		width = len > width ? len : width;
	}
	return width;
}

static void print_row(
	struct out *out, const struct out_table *table, size_t row, const size_t *width)
{
	char **cells = table->cells + row * table->columns;
	size_t i, last = table->columns - 1;

	while (last > 0 && cells[last][0] == '\0')
		last--;
	for (i = 0; i < last; i++)
		out_text(out, "%s%*s", cells[i],
			(int)(width[i] - deploy_text_columns(cells[i])) + 2, "");
	out_text(out, "%s\n", cells[last]);
}

void out_table_print(struct out *out, const struct out_table *table)
{
	size_t row, i, first = table->has_headers && out->options.no_headers ? 1 : 0;
	size_t *width;

	if (table->columns == 0 || table->rows <= (table->has_headers ? 1 : 0))
		return;
	width = resize(NULL, table->columns * sizeof(*width));
	for (i = 0; i < table->columns; i++)
		width[i] = column_width(table, i, first);
	for (row = first; row < table->rows; row++)
		print_row(out, table, row, width);
	free(width);
}

void out_table_free(struct out_table *table)
{
	size_t i;

	if (!table)
		return;
	for (i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
