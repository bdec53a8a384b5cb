/*
 * Lists of steps under way. A list waits for tasks and for lists in it; when it waits for nothing
 * it is queued, and goes on. What follows a list (always, on_success, …) is a list, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "play/play_parts.h"

struct dp_frame *dp_frame_new(struct deploy_play *play, enum dp_frame_kind kind,
	struct dp_frame *up, struct dp_scope *scope, const struct deploy_steps *steps)
{
	struct dp_frame *frame = dp_xcalloc(1, sizeof(*frame));

	frame->next = play->frames;
	play->frames = frame;
	frame->up = up;
	frame->scope = scope;
	frame->kind = kind;
	frame->steps = steps;
	frame->suffix = dp_xstrdup(up && up->scope == scope ? up->suffix : "");
	frame->is_cleanup = up && up->is_cleanup;
	frame->is_always = up && up->is_always;
	return frame;
}

static void clear_step(struct dp_frame *frame)
{
	struct dp_at *at = &frame->at;

	free(at->label);
	deploy_nodeset_free(at->own);
	deploy_nodeset_free(at->over);
	deploy_nodeset_free(at->rest);
	deploy_nodeset_free(at->lost);
	deploy_nodeset_free(at->failed);
	json_decref(at->probes);
	*at = (struct dp_at){0};
}

void dp_frames_free(struct deploy_play *play)
{
	struct dp_frame *frame;

	while ((frame = play->frames)) {
		play->frames = frame->next;
		clear_step(frame);
		deploy_nodeset_free(frame->group);
		deploy_nodeset_free(frame->lost);
		json_decref(frame->group_names);
		dp_agents_release(frame);
		free(frame->suffix);
		free(frame);
	}
}

const struct deploy_step *dp_frame_step(const struct dp_frame *frame)
{
	return &frame->steps->items[frame->index];
}

void dp_frame_queue(struct deploy_play *play, struct dp_frame *frame)
{
	if (frame->is_queued)
		return;
	frame->is_queued = true;
	play->queue = dp_grow(
		play->queue, &play->queue_cap, play->queue_count + 1, sizeof(play->queue[0]));
	play->queue[play->queue_count++] = frame;
}

void dp_frame_lose(struct dp_frame *frame, const struct deploy_nodeset *nodes)
{
	for (; frame; frame = frame->up) {
		struct deploy_nodeset *lost;

		if (!frame->group)
			continue;
		lost = deploy_nodeset_copy(nodes);
		deploy_nodeset_intersect(lost, frame->group);
		deploy_nodeset_unite(frame->lost, lost);
		deploy_nodeset_free(lost);
	}
}

const struct deploy_past *dp_frame_past(
	const struct deploy_play *play, const struct dp_frame *frame)
{
	for (; frame; frame = frame->up)
		if (frame->kind == DP_FRAME_AFTER && frame->up->has_worked)
			return NULL;
	return play->options.past;
}

bool dp_is_caught(const struct dp_frame *frame, const struct deploy_step *step)
{
	if (step && step->on_failure == DEPLOY_ON_FAILURE_CONTINUE)
		return true;
	for (; frame->up; frame = frame->up) {
		const struct deploy_step *outer = dp_frame_step(frame->up);

		if (frame->kind == DP_FRAME_AFTER)
			continue;
		if (outer->on_failure == DEPLOY_ON_FAILURE_CONTINUE ||
			(frame->kind == DP_FRAME_GROUP && outer->policy.max_fail.value))
			return true;
	}
	return false;
}

bool dp_frame_may_go_on(const struct deploy_play *play, const struct dp_frame *frame)
{
	if (!play->has_stopped)
		return true;
	/* There is little time after a signal. */
	return play->signal ? frame->is_always : frame->is_cleanup;
}

enum { AFTER_END, AFTER_ALWAYS, AFTER_LISTS };

/* Which list follows, NULL at the end; frame->after is then its place. */
static const struct deploy_steps *next_after(struct dp_frame *frame)
{
	const struct deploy_playbook *book = frame->scope->book;
	const struct deploy_steps *lists[AFTER_LISTS] = {NULL, NULL};

	if (frame->kind == DP_FRAME_BOOK) {
		lists[AFTER_END] = frame->is_bad ? &book->on_failure : &book->on_success;
		lists[AFTER_ALWAYS] = &book->always;
	} else if (frame->kind == DP_FRAME_GROUP) {
		lists[AFTER_ALWAYS] = &dp_frame_step(frame->up)->always;
	}
	for (; frame->after < AFTER_LISTS; frame->after++)
		if (lists[frame->after] && lists[frame->after]->count)
			return lists[frame->after];
	return NULL;
}

/* A list is over: tell the one around it. */
static void end_frame(struct deploy_play *play, struct dp_frame *frame)
{
	struct dp_frame *up = frame->up;

	frame->state = DP_FRAME_OVER;
	clear_step(frame);
	if (!up) {
		play->is_over = true;
		return;
	}
	if (frame->kind == DP_FRAME_AFTER) {
		up->is_bad = up->is_bad || frame->is_bad;
		up->is_put_back = !frame->is_bad;
	} else if (frame->kind == DP_FRAME_GROUP) {
		/* Where its list broke off, all of it may be out of service. */
		deploy_nodeset_unite(up->at.lost,
			frame->is_bad && !frame->is_put_back ? frame->group : frame->lost);
		if (frame->is_bad)
			deploy_nodeset_unite(up->at.failed,
				deploy_nodeset_count(frame->lost) ? frame->lost : frame->group);
	} else {
		up->at.is_bad = up->at.is_bad || frame->is_bad;
	}
	up->pending--;
	dp_frame_queue(play, up);
}

static void go_on_afterwards(struct deploy_play *play, struct dp_frame *frame)
{
	const struct deploy_steps *list = next_after(frame);
	struct dp_frame *after;

	if (!list) {
		end_frame(play, frame);
		return;
	}
	frame->is_always = frame->is_always || frame->after == AFTER_ALWAYS;
	frame->is_cleanup = frame->is_cleanup || frame->is_always || frame->is_bad;
	frame->after++;
	after = dp_frame_new(play, DP_FRAME_AFTER, frame, frame->scope, list);
	frame->pending++;
	dp_frame_queue(play, after);
}

static void begin_afterwards(struct deploy_play *play, struct dp_frame *frame)
{
	frame->state = DP_FRAME_AFTERWARDS;
	go_on_afterwards(play, frame);
}

/* The step that frame is at has failed: err says why; if it is not set, its tasks do. */
static void step_failed(
	struct deploy_play *play, struct dp_frame *frame, const struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	bool is_caught = dp_is_caught(frame, step);

	if (err->code && !is_caught && !play->why.code)
		play->why = *err;
	if (is_caught) {
		char why[sizeof(err->text)];

		(void)snprintf(why, sizeof(why), "%s", err->text);
		dp_mask_text(play, why, sizeof(why));
		dp_play_tell(
			play, DEPLOY_PLAY_FAILED, frame->at.label, step, 0, err->code ? why : NULL);
	}
	if (step->on_failure != DEPLOY_ON_FAILURE_CONTINUE)
		frame->is_bad = true;
}

static bool is_named(const char *const *names, size_t count, const struct deploy_step *step)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], step->id) == 0 || strcmp(names[i], step->number) == 0)
			return true;
	return false;
}

/* Why the command line leaves out a step of the plan itself; NULL: it does not. */
static const char *left_out(struct deploy_play *play, const struct dp_frame *frame)
{
	const struct deploy_play_options *options = &play->options;
	const struct deploy_step *step = dp_frame_step(frame);

	if (frame != play->root)
		return NULL;
	if (options->from && is_named(&options->from, 1, step))
		play->options.from = NULL;
	if (options->from)
		return "it comes before --from";
	if (options->only_count && !is_named(options->only, options->only_count, step))
		return "it is not among --only";
	return is_named(options->skip, options->skip_count, step) ? "--skip" : NULL;
}

static enum dp_progress skip(struct deploy_play *play, struct dp_frame *frame, const char *why)
{
	dp_play_tell(play, DEPLOY_PLAY_SKIPPED, frame->at.label, dp_frame_step(frame), 0, why);
	return DP_STEP_OVER;
}

static enum dp_progress begin_step(
	struct deploy_play *play, struct dp_frame *frame, struct deploy_error *err)
{
	const struct deploy_step *step = dp_frame_step(frame);
	bool is_wanted = true;
	const char *why;

	if (!frame->at.label) {
		frame->at.label =
			dp_xasprintf("%s%s%s", frame->scope->prefix, step->id, frame->suffix);
		why = left_out(play, frame);
		if (why)
			return skip(play, frame, why);
	}
	if (!frame->at.is_wanted && step->when) {
		if (!dp_when_ready(play, frame, err))
			return err->code ? DP_STEP_BAD : DP_BUSY;
		if (dp_world_test(play, frame, "when", step->when, &is_wanted, err))
			return DP_STEP_BAD;
		if (!is_wanted)
			return skip(play, frame, "when is false");
	}
	frame->at.is_wanted = true;
	if (!dp_sets_ready(play, frame, err))
		return err->code ? DP_STEP_BAD : DP_BUSY;
	frame->at.has_begun = true;
	return dp_step_begin(play, frame, err);
}

/* Go on with steps until one has to wait. */
static void walk_steps(struct deploy_play *play, struct dp_frame *frame)
{
	while (!frame->pending && !frame->is_bad && frame->index < frame->steps->count) {
		struct deploy_error err = {.code = DEPLOY_OK};
		enum dp_progress progress = frame->at.has_begun ? dp_step_go_on(play, frame, &err)
								: begin_step(play, frame, &err);

		if (progress == DP_BUSY)
			return;
		if (progress == DP_STEP_BAD)
			step_failed(play, frame, &err);
		if (frame->is_bad)
			break;
		clear_step(frame);
		frame->index++;
	}
}

/* A failure that nobody catches ends the play, whatever else is under way. */
static bool is_uncaught(const struct dp_frame *frame)
{
	return frame->is_bad && !dp_is_caught(frame, NULL);
}

/* A plan in the plan whose agents are missing: its step has failed, and nothing of it begins. */
static void refuse_book(
	struct deploy_play *play, struct dp_frame *frame, const struct deploy_error *err)
{
	frame->is_bad = true;
	if (dp_is_caught(frame, NULL)) {
		dp_play_tell(play, DEPLOY_PLAY_FAILED, frame->up->at.label,
			dp_frame_step(frame->up), 0, err->text);
		end_frame(play, frame);
	} else {
		play->has_stopped = true;
		if (!play->why.code)
			play->why = *err;
	}
}

/* Nothing begins before the agents are there, and with --preflight nothing at all. */
static bool may_begin(struct deploy_play *play, struct dp_frame *frame)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (frame->kind != DP_FRAME_BOOK || frame->needs.is_checked)
		return true;
	if (!dp_agents_ready(play, frame, &err)) {
		if (err.code && frame->up)
			refuse_book(play, frame, &err);
		else if (err.code)
			play->why = err;
		return false;
	}
	if (play->options.is_preflight) {
		play->root->state = DP_FRAME_OVER;
		play->is_over = true;
	}
	return !play->options.is_preflight;
}

static void walk(struct deploy_play *play, struct dp_frame *frame)
{
	if (frame->state == DP_FRAME_OVER || frame->pending)
		return;
	if (frame->state == DP_FRAME_AFTERWARDS) {
		go_on_afterwards(play, frame);
		return;
	}
	if (!may_begin(play, frame))
		return;
	walk_steps(play, frame);
	if (is_uncaught(frame) && !frame->is_cleanup) {
		play->has_stopped = true;
		return;
	}
	if (frame->is_bad ? !frame->pending : frame->index == frame->steps->count)
		begin_afterwards(play, frame);
}

void dp_play_walk(struct deploy_play *play)
{
	for (size_t i = 0; i < play->queue_count; i++) {
		struct dp_frame *frame = play->queue[i];

		frame->is_queued = false;
		if (dp_frame_may_go_on(play, frame))
			walk(play, frame);
	}
	play->queue_count = 0;
}

bool dp_play_clean_up(struct deploy_play *play)
{
	for (struct dp_frame *frame = play->frames; frame; frame = frame->next) {
		if (frame->state == DP_FRAME_OVER || dp_frame_may_go_on(play, frame))
			continue;
		if (frame->kind == DP_FRAME_LANE || frame->kind == DP_FRAME_AFTER) {
			frame->state = DP_FRAME_OVER;
			continue;
		}
		/* Nothing follows a list that has done nothing. */
		if (frame->state == DP_FRAME_AT_STEPS && !frame->at.label)
			continue;
		frame->is_bad = true;
		frame->pending = 0;
		begin_afterwards(play, frame);
		if (frame->state != DP_FRAME_OVER)
			return true;
	}
	return false;
}
