/* A list in the order in which requests are started, which is nearly that in which they end. */
#include "run/fetches.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct fetch {
	struct fetch *next;
	struct dp_http_request *request; /* NULL once it was started */
	uint64_t id;
	unsigned task, attempt;
	uint32_t row;
};

struct dp_fetches {
	struct dp_http *http; /* NULL until something is fetched: most runs never do */
	struct fetch *first, **end;
	struct fetch *unstarted; /* the first one; all behind it are, too */
	struct fetch *ended;	 /* kept for a turn: its row is lent out */
};

struct dp_fetches *dp_fetches_new(void)
{
	struct dp_fetches *fetches = dp_xcalloc(1, sizeof(*fetches));

	fetches->end = &fetches->first;
	return fetches;
}

static void drop_ended(struct dp_fetches *fetches)
{
	free(fetches->ended);
	fetches->ended = NULL;
}

void dp_fetches_free(struct dp_fetches *fetches)
{
	struct fetch *next;

	if (!fetches)
		return;
	dp_http_free(fetches->http);
	for (struct fetch *fetch = fetches->first; fetch; fetch = next) {
		next = fetch->next;
		dp_http_request_free(fetch->request);
		free(fetch);
	}
	drop_ended(fetches);
	free(fetches);
}

void dp_fetches_add(struct dp_fetches *fetches, const struct dp_action *action)
{
	struct fetch *fetch = dp_xcalloc(1, sizeof(*fetch));

	*fetch = (struct fetch){.request = action->fetch,
		.task = action->task,
		.attempt = action->attempt,
		.row = action->rows[0]};
	*fetches->end = fetch;
	fetches->end = &fetch->next;
	if (!fetches->unstarted)
		fetches->unstarted = fetch;
}

bool dp_fetches_has_unstarted(const struct dp_fetches *fetches)
{
	return fetches->unstarted;
}

int dp_fetches_start(struct dp_fetches *fetches, struct deploy_error *err)
{
	if (fetches->unstarted && !fetches->http && dp_http_new(&fetches->http, err))
		return err->code;
	for (; fetches->unstarted; fetches->unstarted = fetches->unstarted->next) {
		struct fetch *fetch = fetches->unstarted;

		fetch->id = dp_http_start(fetches->http, fetch->request);
		fetch->request = NULL;
	}
	return 0;
}

size_t dp_fetches_fds(
	struct dp_fetches *fetches, struct pollfd fds[DP_HTTP_MAX_FDS], int *timeout_ms)
{
	return fetches->http ? dp_http_fds(fetches->http, fds, timeout_ms) : 0;
}

void dp_fetches_turn(struct dp_fetches *fetches, const struct pollfd *fds, size_t count)
{
	if (fetches->http)
		dp_http_turn(fetches->http, fds, count);
}

/* Take the fetch with that id off the list; it is one of ours. */
static struct fetch *take(struct dp_fetches *fetches, uint64_t id)
{
	struct fetch **at = &fetches->first, *fetch;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	fetch = *at;
	assert(fetch);
	*at = fetch->next;
	if (fetches->end == &fetch->next)
		fetches->end = at;
	return fetch;
}

bool dp_fetches_next(struct dp_fetches *fetches, struct dp_input *input)
{
	const struct dp_http_response *response =
		fetches->http ? dp_http_next(fetches->http) : NULL;

	drop_ended(fetches);
	if (!response)
		return false;
	fetches->ended = take(fetches, response->id);
	*input = (struct dp_input){.kind = DP_IN_RESPONSE,
		.task = fetches->ended->task,
		.attempt = fetches->ended->attempt,
		.rows = &fetches->ended->row,
		.row_count = 1,
		.response = response};
	return true;
}
