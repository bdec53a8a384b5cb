/* HTTP requests of acts: queued, under way, and whose response it is that came. */
#ifndef DP_FETCHES_H
#define DP_FETCHES_H

#include "net/http.h"
#include "run/runner.h"

struct dp_fetches;

struct dp_fetches *dp_fetches_new(void);
void dp_fetches_free(struct dp_fetches *fetches); /* what is queued or under way is dropped */

/* Queue a DP_DO_FETCH. */
void dp_fetches_add(struct dp_fetches *fetches, const struct dp_action *action);

bool dp_fetches_has_unstarted(const struct dp_fetches *fetches);

/* Start what is queued. Errors: DEPLOY_BUG if there can be no HTTP. */
int dp_fetches_start(struct dp_fetches *fetches, struct deploy_error *err);

/* As dp_http_fds() and dp_http_turn(). */
size_t dp_fetches_fds(
	struct dp_fetches *fetches, struct pollfd fds[DP_HTTP_MAX_FDS], int *timeout_ms);
void dp_fetches_turn(struct dp_fetches *fetches, const struct pollfd *fds, size_t count);

/* The next response, as input for the runner; false if there is none. Lent until the next call. */
bool dp_fetches_next(struct dp_fetches *fetches, struct dp_input *input);

#endif
