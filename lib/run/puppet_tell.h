/* What the agent "puppet" tells: a status, and the summary of a run, and what that comes to. */
#ifndef DP_PUPPET_TELL_H
#define DP_PUPPET_TELL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/outcome.h"

#define DP_PUPPET_NEVER (-1LL) /* a time that was not told */

/* Times are seconds since 1970 by the node's clock. Texts are borrowed from the data. */
struct dp_puppet_status {
	bool is_enabled, is_applying, has_daemon;
	long long lastrun;	     /* when the last run ended; 0: there was none */
	long long clock;	     /* the node's, when it answered; perhaps DP_PUPPET_NEVER */
	const char *disable_message; /* may be "" */
};

/* False: data is no status, and *lacks names what it lacks. */
bool dp_puppet_read_status(struct dp_puppet_status *status, const json_t *data, const char **lacks);

/* Numbers are -1 if they were not told. */
struct dp_puppet_summary {
	long long lastrun;
	long long changed, failed, total, differing, unrestarted; /* resources */
	double total_time, startup_time;			  /* seconds */
	bool did_plugin_sync;		     /* which is left out before a catalog from the cache */
	const json_t *config_version, *logs; /* borrowed; may be NULL */
};

/* False: data is no summary, it has no time of the last run. */
bool dp_puppet_read_summary(struct dp_puppet_summary *summary, const json_t *data);

/* Add to data what an outcome tells of a run. */
void dp_puppet_tell(json_t *data, const struct dp_puppet_summary *summary);

/* A time as an outcome tells it; null for one that was not told. New reference. */
json_t *dp_puppet_moment(long long seconds);

/* What a run must show to be a success. */
struct dp_puppet_terms {
	long long since; /* it logged something then or later; DP_PUPPET_NEVER: whenever */
	bool is_noop;
	bool may_be_cached;	/* the catalog may come from the node's cache */
	bool was_told_uncached; /* … and the node was told that it must not */
};

/* Write a message, cut if need be; always true. */
bool dp_puppet_say(char *message, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* OK or FAILED, and why in message. */
enum deploy_outcome_state dp_puppet_judge(const struct dp_puppet_summary *summary,
	const struct dp_puppet_terms *terms, char *message, size_t size);

#endif
