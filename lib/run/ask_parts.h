/*
 * What the parts of dp_ask share: its rows, and how one of them changes. ask.c says who is asked
 * when and who was waited for long enough; ask_heard.c takes what came in; ask_end.c knows what
 * becomes of nodes for good, and how the task stops.
 */
#ifndef DP_ASK_PARTS_H
#define DP_ASK_PARTS_H

#include "run/ask.h"
#include "run/order.h"
#include "run/row_queue.h"
#include "run/timers.h"

enum dp_row_state {
	ROW_IDLE,    /* not asked yet */
	ROW_QUEUED,  /* to be sent; at_us: since when */
	ROW_SENT,    /* handed to the broker; at_us: when */
	ROW_WAITING, /* for its next try; at_us: when that is due */
	ROW_DONE
};

struct dp_row {
	int64_t at_us;
	int last_code;	    /* statuscode of the try before */
	uint16_t attempt;   /* the try it is in, 1-based */
	uint8_t state;	    /* enum dp_row_state */
	uint8_t last_state; /* enum deploy_outcome_state of the try before */
	bool last_unconnected;
	bool has_answered; /* in this attempt; while QUEUED, in the one before */
	bool is_probed;	   /* the broker was asked, or will say, whether it is connected */
};

struct dp_attempt_count {
	size_t asked, seen;
};

struct dp_ask {
	const struct deploy_task *task;
	const struct deploy_policy *policy;
	struct deploy_tally *tally;
	struct deploy_nodeset *nodes;
	struct dp_row *rows;
	size_t count;
	uint32_t *wave; /* scratch: rows of one send */
	struct dp_attempt_count *attempts;
	struct dp_row_queue unsent, deadlines; /* rows QUEUED, SENT */
	struct dp_timers retries;	       /* … WAITING */
	struct dp_order *order; /* who may be started; NULL: one row after the other */
	size_t next;		/* behind the last row that was started */
	size_t queued, sent, waiting, done;
	size_t unprobed; /* rows SENT that nobody will say are not connected */
	size_t not_ok, tolerated;
	unsigned group;		 /* groups started */
	int64_t group_at_us;	 /* the next group may start then */
	bool group_is_open;	 /* a group was started and has not ended */
	int64_t last_traffic_us; /* last send or reply */
	int64_t deadline_us;
	int64_t confirm_us; /* when the broker is asked next whether it has what nobody answers */
	bool is_stopped, is_abandoned;
	bool is_satisfied; /* one node was to do it, and has */
	bool is_whole;	   /* who is asked is all that the task names */
};

/* Change a row's state and the counts that depend on it, in the one place that may. */
void dp_ask_move(struct dp_ask *ask, struct dp_row *row, enum dp_row_state state);

/* A try of a row in flight has come to something. */
void dp_ask_conclude(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	const struct deploy_outcome *outcome);

/* … to this, without an answer. */
void dp_ask_conclude_unheard(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	enum deploy_outcome_state state, const char *message);

/* What became of a row for good. */
void dp_ask_settle(struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row,
	const struct deploy_outcome *outcome);

/* The next try of a row will not take place: the one before counts, or that there was none. */
void dp_ask_settle_untried(
	struct dp_ask *ask, struct dp_stage *stage, struct dp_row *row, const char *message);

/* Those that wait for a node that is not ok are skipped. */
void dp_ask_skip_barred(struct dp_ask *ask, struct dp_stage *stage);

/* Have nothing sent of what is not sent yet. */
void dp_ask_withdraw(const struct dp_ask *ask, struct dp_stage *stage);

const char *dp_ask_name(const struct dp_ask *ask, const struct dp_row *row);
unsigned dp_ask_max_tries(const struct dp_ask *ask);

#endif
