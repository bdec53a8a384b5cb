/* Copies of events, and what of them is stored. */
#include "store/journal_entry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

#define MAX_STORED ((size_t)64 * 1024)

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copy text to *at and step behind it. */
static const char *put(char **at, const char *text)
{
	size_t size = size_of(text);
	char *copy = *at;

	if (!text)
		return NULL;
	memcpy(copy, text, size);
	*at += size;
	return copy;
}

struct dp_journal_entry *dp_journal_entry_new(const struct deploy_event *event)
{
	const struct deploy_outcome *outcome = event->outcome;
	const char *message = outcome ? outcome->message : NULL;
	struct dp_journal_entry *entry = dp_xmalloc(
		sizeof(*entry) + size_of(event->node) + size_of(event->text) + size_of(message));
	char *at = (char *)(entry + 1);

	*entry = (struct dp_journal_entry){.event = *event};
	entry->event.node = put(&at, event->node);
	entry->event.text = put(&at, event->text);
	if (outcome) {
		entry->outcome = *outcome;
		entry->outcome.message = put(&at, message);
		entry->outcome.data = json_incref(outcome->data);
		entry->event.outcome = &entry->outcome;
	}
	return entry;
}

struct dp_journal_entry *dp_journal_entry_freeze(
	const char *name, const struct deploy_nodeset *nodes)
{
	struct dp_journal_entry *entry = dp_xcalloc(1, sizeof(*entry));

	entry->frozen = dp_xstrdup(name);
	entry->nodes = deploy_nodeset_print(nodes);
	return entry;
}

/* As deep as what is read from nodes, which has a limit. */
static size_t weigh(const json_t *value)
{
	size_t bytes = value ? sizeof(json_t) + 2 * sizeof(void *) : 0, i;
	const char *key;
	json_t *part;

	if (json_is_string(value))
		return bytes + json_string_length(value);
	json_array_foreach((json_t *)(uintptr_t)value, i, part) bytes += weigh(part);
	json_object_foreach((json_t *)(uintptr_t)value, key, part) bytes +=
		strlen(key) + 8 * sizeof(void *) + weigh(part);
	return bytes;
}

size_t dp_journal_entry_bytes(const struct dp_journal_entry *entry)
{
	return sizeof(*entry) + size_of(entry->nodes) + size_of(entry->outcome.message) +
	       weigh(entry->outcome.data) + dp_lesson_bytes(&entry->lesson);
}

void dp_journal_entry_free(struct dp_journal_entry *entry)
{
	json_decref(entry->outcome.data);
	dp_lesson_release(&entry->lesson);
	free(entry->frozen);
	free(entry->nodes);
	free(entry);
}

const char *dp_journal_text(char **owned, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	*owned = NULL;
	if (!text)
		return NULL;
	if (len > MAX_STORED) {
		/* Not within a character: what follows would continue it. */
		for (len = MAX_STORED; len && ((unsigned char)text[len] & 0xc0) == 0x80;)
			len--;
		*owned = dp_xstrndup(text, len);
		text = *owned;
	}
	if (!deploy_text_is_utf8(text, len)) {
		char *escaped = deploy_text_escape(text, len);

		free(*owned);
		*owned = escaped;
	}
	return *owned ? *owned : text;
}

char *dp_journal_data(const json_t *data)
{
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
	size_t size = data ? json_dumpb(data, NULL, 0, flags) : 0;

	if (!data)
		return NULL;
	if (size > MAX_STORED)
		return dp_xasprintf("{\"$cut\":%zu}", size);
	return json_dumps(data, flags);
}
