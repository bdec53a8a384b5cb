/* One line of what is wrong or strange in a site; names of its document are escaped, long ones cut.
 */
#ifndef DP_SITE_NOTICE_H
#define DP_SITE_NOTICE_H

#include "base/buf.h"
#include "model/site_rank.h"

#define DP_SITE_NOTICE_BYTES (64 * 1024) /* more than there ever are */
#define DP_SITE_MAX_LIST     10		 /* things in one notice */

/* Count a notice; false if there are too many to tell it. */
bool dp_site_may_tell(struct dp_ranking *ranking, enum deploy_site_notice_kind kind, bool is_error);

/* One that may be told. Takes text. */
void dp_site_tell_one(struct dp_ranking *ranking, enum deploy_site_notice_kind kind, bool is_error,
	struct dp_buf *text);

void dp_site_add_name(struct dp_buf *text, const char *name);

/* "Lamp[app1] Lamp::Mysql[app1]" */
void dp_site_add_component(struct dp_buf *text, const struct deploy_site *site,
	const struct dp_site_component *component);

/* Before item i of count: true if it is to be listed; otherwise it says how many more there are. */
bool dp_site_begin_item(struct dp_buf *text, size_t i, size_t count);

/* What nobody or several produce, and applications that were not asked for. */
void dp_site_tell_uses(struct dp_ranking *ranking);

#endif
