/* Events that wait to be recorded: copies, since whoever told of them goes on. */
#ifndef DP_JOURNAL_ENTRY_H
#define DP_JOURNAL_ENTRY_H

#include "deploy/event.h"
#include "store/lesson.h"

/* One allocation; what event points to lies behind it, but the data, of which it has a reference.
 */
struct dp_journal_entry {
	struct deploy_event event;
	struct deploy_outcome outcome; /* if event.outcome */
	struct dp_lesson lesson;       /* owned */
	/* Owned; if set, there is no event, but a set to keep under that name, folded. */
	char *frozen, *nodes;
};

struct dp_journal_entry *dp_journal_entry_new(const struct deploy_event *event);
struct dp_journal_entry *dp_journal_entry_freeze(
	const char *name, const struct deploy_nodeset *nodes);
/* About what it takes in memory, with the data, which it keeps there. */
size_t dp_journal_entry_bytes(const struct dp_journal_entry *entry);
void dp_journal_entry_free(struct dp_journal_entry *entry);

/*
 * Text as it can be stored: valid UTF-8, of at most 64 KiB. Either text itself, or a new string in
 * *owned, which the caller frees. NULL for NULL.
 */
const char *dp_journal_text(char **owned, const char *text);

/* Data as JSON; {"$cut": BYTES} if it is larger than 64 KiB. NULL for NULL. Caller frees. */
char *dp_journal_data(const json_t *data);

#endif
