/* The writer of stdout: formats, colour, tables, and write errors kept until they can be told. */
#include "out_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "exits.h"

const char *const out_format_names[] = {
	"table", "wide", "json", "jsonl", "yaml", "name", "dot", NULL};

void *out_resize(void *old, size_t size)
{
	void *memory = realloc(old, size);

	if (!memory) {
		(void)fprintf(stderr, "deployctl: out of memory (%zu bytes wanted)\n", size);
		abort();
	}
	return memory;
}

char *out_copy(const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	return text ? memcpy(out_resize(NULL, size), text, size) : NULL;
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] != '\0';
}

static bool wants_color(const struct out *out)
{
	const char *force = getenv("CLICOLOR_FORCE"), *term = getenv("TERM");

	if (out->options.color != 0)
		return out->options.color == 1;
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE") && strcmp(force, "0") != 0)
		return true;
	return out->is_terminal && !(term && strcmp(term, "dumb") == 0);
}

/* As the terminal says; COLUMNS would be that of another one. */
static size_t terminal_columns(int fd)
{
	struct winsize size = {0};

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static void open_stream(struct out *out)
{
	int fd, target = out->options.to_stderr ? STDERR_FILENO : STDOUT_FILENO;

	out->is_terminal = isatty(target) == 1;
	out->columns = out->is_terminal ? terminal_columns(target) : 0;
	out->has_color = wants_color(out);
	fd = fcntl(target, F_DUPFD_CLOEXEC, 3);
	out->stream = fd < 0 ? NULL : fdopen(fd, "w");
	if (out->stream)
		(void)setvbuf(out->stream, out->buffer, out->is_terminal ? _IOLBF : _IOFBF,
			sizeof(out->buffer));
	else if (fd >= 0)
		(void)close(fd);
}

struct out *out_open(const struct out_options *options)
{
	struct out *out = out_resize(NULL, sizeof(*out));

	*out = (struct out){.options = *options};
	if (options->mco_json)
		out->options.format = OUT_JSON;
	open_stream(out);
	return out;
}

void out_reopen(struct out *out)
{
	out_flush(out);
	if (out->stream)
		(void)fclose(out->stream);
	out->failure = 0;
	open_stream(out);
}

void out_fail(struct out *out, int error)
{
	if (out->failure == 0)
		out->failure = error != 0 ? error : EIO;
}

int out_close(struct out *out, struct deploy_error *err)
{
	int failure;

	out_flush(out);
	errno = 0;
	if (out->stream && fclose(out->stream) != 0)
		out_fail(out, errno);
	out_queue_free(&out->queue);
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

bool out_is_for_people(const struct out *out)
{
	return out->options.format == OUT_TABLE || out->options.format == OUT_WIDE;
}

bool out_is_document(const struct out *out)
{
	return out->options.format == OUT_JSON || out->options.format == OUT_YAML;
}

size_t out_columns(const struct out *out)
{
	return out->columns;
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

bool out_has_failed(const struct out *out)
{
	return out->failure != 0;
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

void out_bytes(struct out *out, const char *bytes, size_t len)
{
	if (!begin_write(out))
		return;
	if (out->options.format == OUT_JSONL && !out->aside)
		out_queue_add(&out->queue, bytes, len);
	else if (fwrite(bytes, 1, len, out->stream) != len)
		out_fail(out, errno);
}

void out_flush(struct out *out)
{
	errno = 0;
	if (!out->stream || out->failure != 0)
		return;
	(void)out_queue_write(out, fileno(out->stream), true);
	if (fflush(out->stream) != 0)
		out_fail(out, errno);
}

void out_capture_begin(struct out *out)
{
	out->aside = out->stream;
	out->captured = NULL;
	out->stream = out->aside ? open_memstream(&out->captured, &out->captured_size) : NULL;
}

char *out_capture_end(struct out *out)
{
	if (out->stream && fclose(out->stream) != 0)
		out_fail(out, errno);
	out->stream = out->aside;
	out->aside = NULL;
	if (!out->captured) {
		out->captured = out_resize(NULL, 1);
		out->captured[0] = '\0';
	}
	return out->captured;
}

/* ECMA-48: home; each line, and what is below, is erased behind the new text, so nothing flickers.
 */
void out_repaint(struct out *out, const char *text)
{
	if (!out->is_terminal) {
		out_bytes(out, text, strlen(text));
		out_flush(out);
		return;
	}
	out_bytes(out, "\033[H", 3);
	while (*text) {
		size_t len = strcspn(text, "\n");

		out_bytes(out, text, len);
		out_bytes(out, "\033[K\n", 4);
		text += len + (text[len] == '\n');
	}
	out_bytes(out, "\033[J", 3);
	out_flush(out);
}

void out_text(struct out *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (begin_write(out) && vfprintf(out->stream, format, args) < 0)
		out_fail(out, errno);
	va_end(args);
}

void out_words(struct out *out, const char *text, size_t indent, size_t column, size_t width)
{
	bool is_first = true; /* on its line */

	while (*text) {
		size_t len = strcspn(text, " \n");

		if (!is_first && column + 1 + len > width) {
			out_text(out, "\n%*s", (int)indent, "");
			column = indent;
			is_first = true;
		}
		out_text(out, "%s%.*s", is_first ? "" : " ", (int)len, text);
		column += len + (is_first ? 0 : 1);
		is_first = false;
		text += len;
		if (strncmp(text, "\n\n", 2) == 0) {
			out_text(out, "\n\n%*s", (int)indent, "");
			column = indent;
			is_first = true;
		}
		text += strspn(text, " \n");
	}
	out_text(out, "\n");
}

void out_foreign(struct out *out, const char *bytes, size_t len)
{
	char *text = deploy_text_escape(bytes, len);

	out_bytes(out, text, strlen(text));
	free(text);
}

enum out_tone out_tone_of(const char *word)
{
	static const struct {
		const char *word;
		enum out_tone tone;
	} words[] = {{"ok", OUT_GOOD}, {"failed", OUT_BAD}, {"silent", OUT_WARN},
		{"not connected", OUT_WARN}, {"unknown", OUT_WARN}, {"tolerated", OUT_WARN},
		{"warning", OUT_WARN}, {"not tried", OUT_DIM}, {"not asked", OUT_DIM},
		{"yes", OUT_GOOD}, {"no", OUT_BAD}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].tone;
	return OUT_PLAIN;
}

void out_tone(struct out *out, enum out_tone tone, const char *text)
{
	static const char *const codes[] = {"0", "32", "31", "33", "2"}; /* ECMA-48 SGR */

	if (out->has_color && tone != OUT_PLAIN)
		out_text(out, "\033[%sm%s\033[0m", codes[tone], text);
	else
		out_text(out, "%s", text);
}

bool out_has_live_status(void)
{
	return isatty(STDERR_FILENO) == 1;
}

static void erase_status(struct out *out)
{
	if (out->has_status)
		(void)fputs("\r\033[K", stderr); /* ECMA-48: erase to the end of the line */
	out->has_status = false;
}

void out_status(struct out *out, const char *text)
{
	size_t columns = terminal_columns(STDERR_FILENO);
	char *escaped;

	if (out->options.quiet)
		return;
	erase_status(out);
	if (!text)
		return;
	escaped = deploy_text_escape(text, strlen(text));
	if (!out_has_live_status()) {
		(void)fprintf(stderr, "%s\n", escaped);
	} else {
		out_cut(escaped, columns > 1 ? columns - 1 : 79);
		(void)fputs(escaped, stderr);
		out->has_status = true;
	}
	(void)fflush(stderr);
	free(escaped);
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
	raw = out_resize(NULL, (size_t)len + 1);
	va_start(args, format);
	(void)vsnprintf(raw, (size_t)len + 1, format, args);
	va_end(args);
	text = deploy_text_escape(raw, (size_t)len);
	erase_status(out);
	if (out->is_terminal)
		out_flush(out);
	(void)fprintf(stderr, "%s\n", text);
	free(text);
	free(raw);
}
