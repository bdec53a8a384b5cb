/* A YAML document in memory, and the files it comes from; yaml.c reads the text itself. */
#include "model/yaml_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

struct deploy_yaml *dp_yaml_new(const char *name)
{
	struct deploy_yaml *doc = dp_xcalloc(1, sizeof(*doc));

	doc->name = dp_xstrdup(name);
	return doc;
}

void deploy_yaml_free(struct deploy_yaml *doc)
{
	if (!doc)
		return;
	for (size_t i = 0; i < doc->count; i++)
		free(doc->entries[i].key);
	json_decref(doc->root);
	free(doc->entries);
	free(doc->name);
	free(doc);
}

json_t *deploy_yaml_root(const struct deploy_yaml *doc)
{
	return doc->root;
}

const char *deploy_yaml_name(const struct deploy_yaml *doc)
{
	return doc->name;
}

static const struct dp_yaml_entry *find_key(
	const struct deploy_yaml *doc, const json_t *object, const char *key)
{
	for (size_t i = 0; i < doc->count; i++) {
		const struct dp_yaml_entry *entry = &doc->entries[i];

		if (entry->parent == object && entry->key && strcmp(entry->key, key) == 0)
			return entry;
	}
	return NULL;
}

struct deploy_place deploy_yaml_key(
	const struct deploy_yaml *doc, const json_t *object, const char *key)
{
	const struct dp_yaml_entry *entry = find_key(doc, object, key);

	return entry ? entry->key_place : (struct deploy_place){0};
}

struct deploy_place deploy_yaml_value(
	const struct deploy_yaml *doc, const json_t *object, const char *key)
{
	const struct dp_yaml_entry *entry = find_key(doc, object, key);

	return entry ? entry->value_place : (struct deploy_place){0};
}

struct deploy_place deploy_yaml_item(
	const struct deploy_yaml *doc, const json_t *array, size_t index)
{
	for (size_t i = 0; i < doc->count; i++) {
		const struct dp_yaml_entry *entry = &doc->entries[i];

		if (entry->parent == array && !entry->key && entry->index == index)
			return entry->value_place;
	}
	return (struct deploy_place){0};
}

int deploy_yaml_fail(const struct deploy_yaml *doc, struct deploy_place place,
	enum deploy_code code, struct deploy_error *err, const char *format, ...)
{
	char why[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (!place.line)
		return deploy_error_set(err, code, "%s: %s", doc->name, why);
	return deploy_error_set(
		err, code, "%s:%u:%u: %s", doc->name, place.line, place.column, why);
}

/* What kind of character may not stand in the text as it is; NULL if it may. */
static const char *forbidden(uint32_t cp)
{
	if (cp == 0x85 || cp == 0x2028 || cp == 0x2029)
		return "a line break that not every program takes for one";
	if ((cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r') || (cp >= 0x7f && cp < 0xa0))
		return "a control character";
	if (cp == 0xfeff || cp == 0xfffe || cp == 0xffff)
		return "a character that nobody sees";
	return NULL;
}

int dp_yaml_check_text(
	const struct deploy_yaml *doc, const char *text, size_t len, struct deploy_error *err)
{
	struct deploy_place place = {.line = 1, .column = 1};
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = dp_utf8_decode(text + i, len - i, &cp);
		if (n == 0)
			return deploy_yaml_fail(doc, place, DEPLOY_INPUT, err,
				"a byte that is not UTF-8 (0x%02x); save the text as UTF-8",
				(unsigned)(unsigned char)text[i]);
		if (cp == 0)
			return deploy_yaml_fail(doc, place, DEPLOY_INPUT, err,
				"a NUL: this is no text, or not UTF-8");
		if (forbidden(cp))
			return deploy_yaml_fail(doc, place, DEPLOY_INPUT, err,
				"%s (U+%04X); write it as \"\\u%04x\", in double quotes",
				forbidden(cp), (unsigned)cp, (unsigned)cp);
		place.column++;
		if (cp == '\n' || (cp == '\r' && (i + 1 == len || text[i + 1] != '\n')))
			place = (struct deploy_place){.line = place.line + 1, .column = 1};
	}
	return 0;
}

/* A pipe without a writer has to be waited for; a signal ends that. */
static int wait_for_pipe(int fd, const char *path, struct deploy_error *err)
{
	struct pollfd pipe_end = {.fd = fd, .events = POLLIN};

	if (poll(&pipe_end, 1, -1) >= 0)
		return 0;
	return deploy_error_set(err, errno == EINTR ? DEPLOY_INTERRUPTED : DEPLOY_NO_INPUT, "%s: %s",
		path, strerror(errno));
}

/* Nothing beyond the limit is read, however large the file is. */
static int read_all(
	struct dp_buf *text, int fd, const char *path, bool is_pipe, struct deploy_error *err)
{
	char piece[16384];
	ssize_t n = 1;
	int rc = 0;

	while (!rc && n > 0 && !text->overflow) {
		if (is_pipe)
			rc = wait_for_pipe(fd, path, err);
		if (!rc)
			n = read(fd, piece, sizeof(piece));
		if (!rc && n > 0)
			dp_buf_add(text, piece, (size_t)n);
	}
	if (n < 0)
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", path, strerror(errno));
	if (text->overflow)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: more than 1 MiB", path);
	return rc;
}

static int read_open_file(
	struct deploy_yaml **out, int fd, const char *path, struct deploy_error *err)
{
	struct dp_buf text;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: a directory, not a file", path);
	if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: neither a file nor a pipe", path);
	dp_buf_init(&text, DEPLOY_YAML_MAX_BYTES);
	rc = read_all(&text, fd, path, S_ISFIFO(st.st_mode), err);
	if (!rc)
		rc = deploy_yaml_read(out, path, dp_buf_text(&text), text.len, err);
	dp_buf_release(&text);
	return rc;
}

int deploy_yaml_read_file(struct deploy_yaml **out, const char *path, struct deploy_error *err)
{
	/* Opening must not wait: neither for a pipe's writer nor for a terminal. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return deploy_error_set(err, DEPLOY_NO_INPUT, "%s: %s", path, strerror(errno));
	rc = read_open_file(out, fd, path, err);
	(void)close(fd);
	return rc;
}
