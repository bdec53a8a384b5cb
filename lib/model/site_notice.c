/* Notices of a site: how many are told, and what is in their texts. */
#include "model/site_notice.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"

#define MAX_NAME 200 /* bytes of a name */

const char *deploy_site_notice_name(enum deploy_site_notice_kind kind)
{
	static const char *const names[] = {
		"cycle", "unproduced", "producers", "outside", "catalog", "alike"};

	return kind < DEPLOY_SITE_NOTICES ? names[kind] : "unknown kind";
}

bool dp_site_may_tell(struct dp_ranking *r, enum deploy_site_notice_kind kind, bool is_error)
{
	if (r->told[kind][is_error] == DEPLOY_SITE_MAX_NOTICES) {
		r->out->untold_count++;
		return false;
	}
	r->told[kind][is_error]++;
	return true;
}

void dp_site_tell_one(
	struct dp_ranking *r, enum deploy_site_notice_kind kind, bool is_error, struct dp_buf *text)
{
	struct deploy_ranks *out = r->out;

	out->notices =
		dp_grow(out->notices, &r->notice_cap, out->notice_count + 1, sizeof(*out->notices));
	out->notices[out->notice_count++] = (struct deploy_site_notice){
		.kind = kind, .is_error = is_error, .text = dp_buf_take(text)};
	out->error_count += is_error;
}

void dp_site_add_name(struct dp_buf *text, const char *name)
{
	size_t len = strlen(name), shown = len;
	char *escaped;

	if (len > MAX_NAME)
		for (shown = MAX_NAME; shown && ((unsigned char)name[shown] & 0xc0) == 0x80;)
			shown--;
	escaped = deploy_text_escape(name, shown);
	dp_buf_add_text(text, escaped);
	dp_buf_add_text(text, shown < len ? "..." : "");
	free(escaped);
}

void dp_site_add_component(struct dp_buf *text, const struct deploy_site *site,
	const struct dp_site_component *component)
{
	dp_site_add_name(text, site->applications[component->application]);
	dp_buf_add_byte(text, ' ');
	dp_site_add_name(text, component->name);
}

bool dp_site_begin_item(struct dp_buf *text, size_t i, size_t count)
{
	if (i < DP_SITE_MAX_LIST)
		dp_buf_add_text(text, i ? ", " : "");
	else if (i == DP_SITE_MAX_LIST)
		dp_buf_addf(text, " and %zu more", count - i);
	return i < DP_SITE_MAX_LIST;
}
