/*
 * Follows a run and shows it: the sink of its events, then the result in the format that was asked
 * for, then the exit status that it means.
 */
#ifndef REPORT_H
#define REPORT_H

#include "command.h"

struct report;

/* One way to show a result. Functions that are NULL: the replies themselves are it. */
struct report_view {
	/* Keep what the view shows of a node's outcome, for people; and, with items, always. */
	void (*keep)(struct report *report, const char *node, const struct deploy_outcome *outcome);
	/* The same for other tasks of the plan; may be NULL. */
	void (*keep_other)(
		struct report *report, const char *node, const struct deploy_outcome *outcome);
	void (*print)(struct report *report);	 /* table and wide */
	json_t *(*items)(struct report *report); /* of json and yaml, not of -j */
	bool is_quiet;				 /* no counts when all is well */
};
extern const struct report_view report_replies;	  /* equal answers folded; wide: a row for each */
extern const struct report_view report_times;	  /* the round trip */
extern const struct report_view report_nodes;	  /* names; wide: with what each one has */
extern const struct report_view report_values;	  /* a fact: its values, and how many have each */
extern const struct report_view report_lacks;	  /* which of the wanted agents nodes lack */
extern const struct report_view report_roles;	  /* names with the facts of a role, with ages */
extern const struct report_view report_acts;	  /* what acts came to, for each node */
extern const struct report_view report_puppet;	  /* what Puppet does on each node */
extern const struct report_view report_inventory; /* all about each node */

enum report_display { DISPLAY_ALL, DISPLAY_OK, DISPLAY_FAILED, DISPLAY_NONE };
extern const char *const report_display_names[]; /* for --display; ends with NULL */

/* How many nodes were done when: what the rate of a progress line is measured by. */
#define REPORT_PACES 16
struct report_pace {
	struct {
		int64_t at_us;
		size_t done;
	} told[REPORT_PACES]; /* the oldest first */
	size_t count;
};

/* Zero-initialise, fill in the first part, then report_run(). */
struct report {
	struct out *out;
	const char *kind; /* "ping", "rpc": of the JSON document */
	const char *agent, *action;
	/* What to type to ask again: operands of rpc (none: it is not said) and the options. */
	struct args operands;
	const struct global_opts *global; /* NULL without operands */
	const char *collective;		  /* NULL: the main one */
	unsigned task;			  /* the one whose nodes are the result */
	const struct report_view *view;
	int display;		    /* enum report_display */
	struct deploy_expr *filter; /* only replies for which it is true are shown; NULL: all */
	const char *until;	    /* what else makes a reply ok, to ask again; NULL: nothing */
	const struct deploy_ddl_action *ddl; /* report_replies: what the action returns, or NULL */
	bool is_filtered;		     /* a filter was given: nobody there is then no fault */
	bool empty_ok;
	bool is_act;		  /* it may change something: every node's part in it is recorded */
	bool is_record_only;	  /* … and that is all that it changes: see deploy/journal.h */
	const char *reason;	  /* --reason; NULL: none */
	bool goes_on;		  /* the same command again does what is left */
	deploy_record_fn *record; /* what else its outcomes mean for the state file; may be NULL */
	void *record_arg;
	bool no_results; /* nobody is to answer: to hand the request over is all there is to do */
	bool is_dry;	 /* only names are the result; what told them is no reply of the action */
	/* Of some views: */
	bool folds;		   /* report_nodes: as a node set */
	bool shows_nodes;	   /* report_values: who has each value */
	bool shows_changes;	   /* report_acts: what was, or would be, changed */
	bool sorts_by_count;	   /* report_values: the most frequent first */
	bool sorts_by_time;	   /* report_times: the fastest first */
	struct deploy_limit limit; /* report_nodes: only so many */
	const json_t *wanted;	   /* report_lacks: names of agents */
	char *const *role_facts;   /* report_roles: their names; NULL: names of nodes only */
	bool is_cached;		   /* what earlier runs have learnt, with its age */

	/* What was gathered. */
	int64_t learnt_at_us;		    /* is_cached: when the outcome that is being kept was */
	struct deploy_aggregate *aggregate; /* NULL if there is nothing to sum up */
	json_t *items;			    /* node → reply, for documents */
	json_t *kept;			    /* what the view keeps, as it likes */
	json_t *groups;			    /* text → nodes, of answers that are folded */
	struct deploy_nodeset *names;	    /* what -o name prints; of nodes in items */
	struct deploy_reply_judge judge;    /* what filter is evaluated by */
	size_t left_out;		    /* replies that filter did not want */
	bool has_filter_failed;
	long long rtt_sum_us, rtt_min_us, rtt_max_us;
	size_t replies, rejected, lacking;  /* lacking: nodes that are not as wanted */
	bool is_whole;			    /* the nodes are to be all that match */
	size_t asked, done, failed, silent; /* of the task so far */
	struct report_pace pace;
	struct deploy_tally told; /* of is_record_only: what outcomes came to in the record */
	bool is_blocked;	  /* the broker takes no publishes now */
	char rejected_text[128];  /* the reason of the first reply that was rejected */
};

/* How often progress is told: people at a terminal want to see it move; a log, that it lives. Lines
 * of jsonl are for programs. */
int report_progress_ms(const struct out *out);

/*
 * Carry out plan on the bus of ctx, show what happens and what it came to. Returns the exit status.
 * plan is borrowed. err: filled in when the connection ended or the plan cannot be sent.
 */
int report_run(
	struct report *report, struct ctx *ctx, struct deploy_plan *plan, struct deploy_error *err);

#endif
