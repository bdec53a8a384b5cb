/* What the agent "puppet" tells, and what the summary of a run comes to. */
#include "run/puppet_tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "deploy/text.h"

/* A number that is a time or a count: those of reports may be floats. */
static long long count(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	double number = json_number_value(value);

	if (!json_is_number(value) || !(number >= 0 && number < 1e15))
		return -1;
	return json_is_integer(value) ? json_integer_value(value) : (long long)number;
}

static double seconds(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	double number = json_number_value(value);

	return json_is_number(value) && number >= 0 && number < 1e15 ? number : -1;
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

bool dp_puppet_read_status(struct dp_puppet_status *status, const json_t *data, const char **lacks)
{
	static const char *const bools[] = {"enabled", "applying", "daemon_present"};
	long long since = count(data, "since_lastrun");

	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++)
		if (!json_is_boolean(json_object_get(data, *lacks = bools[i])))
			return false;
	*status = (struct dp_puppet_status){
		.is_enabled = json_is_true(json_object_get(data, bools[0])),
		.is_applying = json_is_true(json_object_get(data, bools[1])),
		.has_daemon = json_is_true(json_object_get(data, bools[2])),
		.lastrun = count(data, *lacks = "lastrun"),
		.clock = DP_PUPPET_NEVER,
		.disable_message = text(data, "disable_message")};
	if (status->lastrun >= 0 && since >= 0)
		status->clock = status->lastrun + since;
	return status->lastrun >= 0;
}

bool dp_puppet_read_summary(struct dp_puppet_summary *summary, const json_t *data)
{
	const json_t *all = json_object_get(data, "summary");
	const json_t *resources = json_object_get(all, "resources");
	const json_t *time = json_object_get(all, "time");

	*summary = (struct dp_puppet_summary){.lastrun = count(data, "lastrun"),
		.changed = count(data, "changed_resources"),
		.failed = count(data, "failed_resources"),
		.total = count(data, "total_resources"),
		.differing = count(data, "out_of_sync_resources"),
		.unrestarted = count(resources, "failed_to_restart"),
		.total_time = seconds(data, "total_time"),
		.startup_time = seconds(time, "startup_time"),
		.did_plugin_sync = seconds(time, "plugin_sync") >= 0,
		.config_version = json_object_get(data, "config_version"),
		.logs = json_object_get(data, "logs")};
	/* As Puppet called it before 4. */
	if (summary->unrestarted < 0)
		summary->unrestarted = count(resources, "failed_restarts");
	return summary->lastrun >= 0;
}

json_t *dp_puppet_moment(long long seconds)
{
	return seconds > 0 ? json_integer(seconds) : json_null();
}

void dp_puppet_tell(json_t *data, const struct dp_puppet_summary *summary)
{
	(void)json_object_set_new(data, "lastrun", dp_puppet_moment(summary->lastrun));
	(void)json_object_set_new(data, "changed", json_integer(summary->changed));
	(void)json_object_set_new(data, "failed", json_integer(summary->failed));
	(void)json_object_set_new(data, "total", json_integer(summary->total));
	(void)json_object_set_new(data, "total_time", json_real(summary->total_time));
	(void)json_object_set_new(data, "config_version",
		summary->config_version ? json_deep_copy(summary->config_version) : json_null());
}

static bool is_error(const json_t *entry)
{
	static const char *const levels[] = {"err", "alert", "emerg", "crit"};
	const char *level = text(entry, "level");

	/* Of Puppet itself: resources that failed are counted, and facts may lack what they like.
	 */
	if (strcmp(text(entry, "source"), "Puppet") != 0)
		return false;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(level, levels[i]) == 0)
			return true;
	return false;
}

/* What a run logged. */
struct log {
	const char *error; /* the first one; NULL: none */
	bool is_cached;	   /* it says that the catalog came from the cache */
	bool is_ours;	   /* something of it was logged in this run */
};

static struct log read_log(const json_t *entries, long long since)
{
	static const char cached[] = "Using cached catalog";
	struct log log = {0};
	const json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry)
	{
		if (!log.error && is_error(entry))
			log.error = text(entry, "msg");
		log.is_cached |= strncmp(text(entry, "msg"), cached, strlen(cached)) == 0;
		log.is_ours |= json_is_object(entry) && count(entry, "time") >= since;
	}
	/* An error of another run explains nothing. */
	if (!log.is_ours)
		log = (struct log){0};
	return log;
}

bool dp_puppet_say(char *message, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	(void)vsnprintf(message, size, format, args);
	va_end(args);
	/* What was cut in the middle of a character goes without it. */
	len = strlen(message);
	for (int i = 0; i < 3 && len + 1 + (size_t)i == size; i++)
		if (!deploy_text_is_utf8(message, len))
			message[--len] = '\0';
	return true;
}

/* Something went wrong: say what, first what explains the rest. */
static bool is_failed(const struct dp_puppet_summary *s, const struct dp_puppet_terms *terms,
	const struct log *log, char *message, size_t size)
{
	const char *colon = log->error ? ": " : "", *error = log->error ? log->error : "";

	if (s->total <= 0 || s->failed < 0 || s->changed < 0 || s->differing < 0)
		return dp_puppet_say(message, size, "no catalog was applied%s%s", colon, error);
	if (s->failed > 0)
		return dp_puppet_say(
			message, size, "%lld of %lld resources failed", s->failed, s->total);
	if (s->unrestarted > 0)
		return dp_puppet_say(
			message, size, "%lld resources failed to restart", s->unrestarted);
	if (log->is_cached && !terms->may_be_cached)
		return dp_puppet_say(
			message, size, "a catalog from the cache was applied%s%s", colon, error);
	if (log->error)
		return dp_puppet_say(message, size, "Puppet logged an error: %s", error);
	if (!log->is_ours)
		return dp_puppet_say(message, size,
			"the node has no report of the run, and nothing else shows that its "
			"catalog was a fresh one");
	if (!terms->may_be_cached && !terms->was_told_uncached && !s->did_plugin_sync)
		return dp_puppet_say(
			message, size, "nothing shows that the catalog was a fresh one");
	return false;
}

enum deploy_outcome_state dp_puppet_judge(const struct dp_puppet_summary *summary,
	const struct dp_puppet_terms *terms, char *message, size_t size)
{
	struct log log = read_log(summary->logs, terms->since);
	char time[32] = "";

	if (is_failed(summary, terms, &log, message, size))
		return DEPLOY_OUTCOME_FAILED;
	if (summary->total_time >= 0)
		(void)snprintf(time, sizeof(time), " in %.1f s", summary->total_time);
	(void)dp_puppet_say(message, size, "%s %lld of %lld resources%s",
		terms->is_noop ? "would change" : "changed",
		terms->is_noop ? summary->differing : summary->changed, summary->total, time);
	return DEPLOY_OUTCOME_OK;
}
