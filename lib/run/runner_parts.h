/*
 * What the parts of the runner share. runner.c takes what comes in; runner_tasks.c has tasks begin
 * and end; runner_stop.c ends the whole run.
 */
#ifndef DP_RUNNER_PARTS_H
#define DP_RUNNER_PARTS_H

#include "base/strset.h"
#include "run/active.h"
#include "run/needs.h"
#include "run/timers.h"

/* What is known of a task. */
struct dp_part {
	struct deploy_tally tally;
	struct deploy_nodeset *found; /* by an open task that has ended */
	struct dp_active *active;     /* NULL unless it is under way */
	bool is_delayed;	      /* it may begin when it is due */
};

struct dp_runner {
	struct deploy_plan *plan;
	const struct deploy_director *director;
	struct dp_stage stage;
	struct dp_part **parts; /* per task */
	size_t part_count, part_cap;
	struct dp_needs needs;
	struct dp_timers due;	/* tasks, when they must be advanced whatever arrives */
	struct dp_timers wakes; /* … and by a tick */
	size_t *touched;	/* tasks to be advanced in this step */
	size_t touched_count, touched_cap;
	size_t under_way, delayed;
	unsigned latest;	  /* task that began last */
	struct dp_strset dropped; /* nodes that no task is to ask any more */
	int64_t deadline_us, grace_us, cleanup_us, wake_us;
	enum deploy_run_end end;
	struct deploy_error err;
	int signal;
	bool is_stopping; /* only cleanup begins */
	bool is_leaving;  /* nothing does */
	bool is_done;
};

/* Take up the tasks of the plan that are new. */
void dp_runner_adopt(struct dp_runner *runner, bool may_begin);

/* What is under way of a task, and is not cleanup; or of any. NULL: nothing. */
struct dp_active *dp_runner_ordinary(const struct dp_runner *runner, size_t index);
struct dp_active *dp_runner_active(const struct dp_runner *runner, size_t index);

/* Have a task advanced in this step. */
void dp_runner_touch(struct dp_runner *runner, size_t index);

/* Advance what is touched, and have tasks begin and end, until nothing is left to do now. */
void dp_runner_advance(struct dp_runner *runner);

/* After a task that is under way has taken something: what that means for all others. */
void dp_runner_look_after(struct dp_runner *runner, size_t index);

/* How the run ends, if nothing has said so before. */
void dp_runner_end_as(struct dp_runner *runner, enum deploy_run_end end);

/*
 * Begin nothing but cleanup from now on, and start nothing new in tasks that are under way. why is
 * told; NULL if somebody else says it. Nothing, if the run is stopping already.
 */
void dp_runner_stop(struct dp_runner *runner, const char *why);

/* Stop, with an error of our own. */
void dp_runner_fail(
	struct dp_runner *runner, enum deploy_run_end end, const struct deploy_error *err);

/* Give up who is in flight, but not in cleanup unless that too. */
void dp_runner_abandon(struct dp_runner *runner, bool cleanup_too, const char *why);

/* Let go of everything now: nodes in flight are unknown, and nothing begins any more. */
void dp_runner_leave(struct dp_runner *runner, enum deploy_run_end end, const char *why);

#endif
