/* What all looks of `deployctl status` say in the same words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "report_parts.h"
#include "status.h"

static char *join(const char *before, const char *node, const char *after)
{
	size_t size = strlen(before) + strlen(node) + strlen(after) + 1;
	char *text = out_resize(NULL, size);

	(void)snprintf(text, size, "%s%s%s", before, node, after);
	return text;
}

char *status_next(const struct deploy_standing *standing)
{
	static const char *const commands_of[DEPLOY_STAGES][2] = {
		[DEPLOY_STAGE_DISCOVERED] = {"deployctl assign-role ",
			" --collection C --category L --role R"},
		[DEPLOY_STAGE_ROLE] = {"deployctl push-facts ", ""},
		[DEPLOY_STAGE_FACTS] = {"deployctl sign-cert ", ""},
		[DEPLOY_STAGE_CERTIFICATE] = {"deployctl puppet run ", ""},
		[DEPLOY_STAGE_PUPPET] = {"deployctl puppet run ", ""},
	};
	const char *const *words = commands_of[standing->stage];

	return words[0] ? join(words[0], standing->node, words[1]) : NULL;
}

const char *status_part(const struct deploy_standing *standing, enum deploy_role_part part)
{
	if (standing->assigned[part])
		return standing->assigned[part];
	return standing->shown[part] ? standing->shown[part] : "-";
}

static json_t *part_json(const struct deploy_standing *standing, enum deploy_role_part part)
{
	return report_foreign_text(
		standing->assigned[part] ? standing->assigned[part] : standing->shown[part]);
}

static json_t *last_json(const struct deploy_standing *standing)
{
	if (!standing->last_outcome_at_us)
		return json_null();
	return json_pack("{s:o, s:o, s:s, s:o}", "run", report_foreign_text(standing->last_run),
		"kind", report_foreign_text(standing->last_kind), "state",
		deploy_outcome_state_name(standing->last_outcome), "at",
		when_json(standing->last_outcome_at_us));
}

json_t *status_node_item(const struct deploy_standing *standing)
{
	static const char *const parts[DEPLOY_ROLE_PARTS] = {
		"collection", "category", "role", "entity"};
	json_t *item =
		json_pack("{s:o, s:s, s:o}", "node", report_foreign_text(standing->node), "stage",
			deploy_stage_name(standing->stage), "since", when_json(standing->since_us));
	char *next = status_next(standing);

	(void)json_object_set_new(item, "next", report_foreign_text(next));
	for (int part = 0; part < DEPLOY_ROLE_PARTS; part++)
		(void)json_object_set_new(
			item, parts[part], part_json(standing, (enum deploy_role_part)part));
	(void)json_object_set_new(item, "certificate", report_foreign_text(standing->certificate));
	(void)json_object_set_new(item, "last_seen", when_json(standing->last_seen_us));
	(void)json_object_set_new(item, "last", last_json(standing));
	free(next);
	return item;
}

const char *status_ago(const struct status_look *look, char buf[WHEN_SIZE], int64_t at_us)
{
	size_t len;

	if (look->is_steady || at_us <= 0)
		return when_local(buf, at_us);
	len = strlen(when_age(buf, at_us, look->now_us));
	(void)snprintf(buf + len, WHEN_SIZE - len, " ago");
	return buf;
}

const char *status_time(const struct status_look *look, char buf[STATUS_TIME], int64_t at_us)
{
	char at[WHEN_SIZE], age[WHEN_SIZE];

	if (look->is_steady || at_us <= 0)
		return when_local(buf, at_us);
	(void)snprintf(buf, STATUS_TIME, "%s (%s ago)", when_local(at, at_us),
		when_age(age, at_us, look->now_us));
	return buf;
}

void status_name(struct out *out, const char *name)
{
	out_foreign(out, name, strlen(name));
	out_text(out, "\n");
}

void status_line(struct out *out, const char *label, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return;
	text = out_resize(NULL, (size_t)len + 1);
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	out_text(out, "  %-13s", label);
	out_foreign(out, text, (size_t)len);
	out_text(out, "\n");
	free(text);
}
