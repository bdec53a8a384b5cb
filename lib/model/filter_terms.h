/*
 * Terms of a filter as one types them, quoted for a shell, added to out behind a blank if it holds
 * something: "-F country==de", "-C 'it'\''s'", "-I '/^db/' -I web1".
 */
#ifndef DP_FILTER_TERMS_H
#define DP_FILTER_TERMS_H

#include "base/buf.h"
#include "deploy/filter.h"

void dp_filter_print_fact(struct dp_buf *out, const struct deploy_fact_term *term);
void dp_filter_print_class(struct dp_buf *out, const char *text);
void dp_filter_print_agent(struct dp_buf *out, const char *text);
void dp_filter_print_compound(struct dp_buf *out, const struct deploy_compound *compound);

/* All of them, since they are alternatives; nothing if the filter has none. */
void dp_filter_print_identities(struct dp_buf *out, const struct deploy_filter *filter);

#endif
