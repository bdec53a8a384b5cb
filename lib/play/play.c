/* The director: what came to its end goes to the list that waited for it, and that goes on. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "play/play_parts.h"

struct dp_task_note *dp_play_note(struct deploy_play *play, enum dp_purpose purpose,
	struct dp_frame *frame, struct deploy_task *task)
{
	size_t index = play->plan->task_count - 1;
	struct dp_task_note *note;

	if (index >= play->note_count) {
		play->notes =
			dp_grow(play->notes, &play->note_cap, index + 1, sizeof(play->notes[0]));
		memset(play->notes + play->note_count, 0,
			(index + 1 - play->note_count) * sizeof(play->notes[0]));
		play->note_count = index + 1;
	}
	note = &play->notes[index];
	*note = (struct dp_task_note){.purpose = purpose, .frame = frame};
	if (purpose == DP_FOR_STEP) {
		note->step = dp_frame_step(frame);
		task->label = dp_xstrdup(frame->at.label);
		note->label = task->label;
		/* What only follows a list is no work of the list: it would be done again. */
		for (struct dp_frame *at = frame; at;
			at = at->kind == DP_FRAME_AFTER ? at->up->up : at->up)
			at->has_worked = true;
	}
	task->is_always = frame->is_cleanup;
	deploy_task_need_nothing(task);
	frame->pending++;
	return note;
}

struct deploy_task *dp_play_chore(struct deploy_play *play, struct dp_frame *frame,
	enum dp_purpose purpose, enum deploy_chore chore)
{
	struct deploy_task *task = deploy_plan_take_chore(play->plan, chore);

	(void)dp_play_note(play, purpose, frame, task);
	return task;
}

void dp_play_tell(struct deploy_play *play, enum deploy_play_note note, const char *label,
	const struct deploy_step *step, size_t count, const char *text)
{
	if (play->options.note)
		play->options.note(play->options.arg, note, label, step, count, text);
}

/* A chore that is not ok says why. */
static void chore_ended(struct deploy_play *play, const struct dp_task_note *note,
	const struct deploy_task_result *result)
{
	struct dp_frame *frame = note->frame;
	struct deploy_error err = {.code = DEPLOY_OK};
	bool is_question = note->step->kind == DEPLOY_STEP_CONFIRM;

	frame->at.is_bad = !result->is_ok;
	if (result->is_ok)
		return;
	(void)deploy_error_set(&err, is_question ? DEPLOY_REFUSED : DEPLOY_STOPPED, "%s: %s%s%s",
		frame->at.label, is_question ? "not confirmed" : "not sent",
		result->why ? ": " : "", result->why ? result->why : "");
	if (is_question)
		deploy_error_hint(&err, "--yes");
	if (!play->has_stopped && !play->why.code && !dp_is_caught(frame, note->step))
		play->why = err;
}

static void take_ended(struct deploy_play *play, const struct deploy_task_result *result)
{
	struct dp_task_note *note =
		result->task < play->note_count ? &play->notes[result->task] : NULL;

	if (!note || !note->frame)
		return;
	switch (note->purpose) {
	case DP_FOR_STEP:
		if (play->plan->tasks[result->task]->chore)
			chore_ended(play, note, result);
		else
			dp_step_ended(play, note, result);
		break;
	case DP_FOR_SET:
	case DP_FOR_OWN:
	case DP_FOR_OVER:
		dp_set_found(
			play, note, dp_frame_may_go_on(play, note->frame) ? result->nodes : NULL);
		break;
	case DP_FOR_PROBE:
		dp_kind_probed(note->frame, note->probe, result->is_ok);
		break;
	case DP_FOR_AGENT:
		dp_agent_found(note->frame, note->index, result->nodes);
		break;
	case DP_FOR_PAUSE:
	case DP_FOR_NOTHING:
		break;
	}
	dp_look_free(note->look);
	note->look = NULL;
	play->plan->tasks[result->task]->judge = (struct deploy_judge){NULL, NULL};
	note->frame->pending--;
	dp_frame_queue(play, note->frame);
}

static bool has_cleanup(const struct deploy_plan *plan, size_t first)
{
	for (; first < plan->task_count; first++)
		if (plan->tasks[first]->is_always)
			return true;
	return false;
}

/*
 * Said once. What is added together with it is not started, as nothing of the others is to be; only
 * cleanup is, so that it is said after that.
 */
static int tell_why(struct deploy_play *play, size_t before, struct deploy_error *err)
{
	if (!play->why.code || play->has_told_why || has_cleanup(play->plan, before))
		return 0;
	play->has_told_why = true;
	*err = play->why;
	dp_mask_text(play, err->text, sizeof(err->text));
	dp_mask_text(play, err->hint, sizeof(err->hint));
	return err->code;
}

static int direct(void *arg, struct deploy_plan *plan, const struct deploy_turn *turn,
	struct deploy_error *err)
{
	struct deploy_play *play = arg;
	size_t before = plan->task_count;

	play->plan = plan;
	play->now_us = turn->now_us;
	play->signal = turn->signal;
	if (turn->end != DEPLOY_RUN_COMPLETE)
		play->has_stopped = true;
	if (turn->ended)
		take_ended(play, turn->ended);
	else
		dp_frame_queue(play, play->root);
	dp_play_walk(play);
	if (play->why.code)
		play->has_stopped = true;
	while (!turn->ended && play->has_stopped && plan->task_count == before &&
		dp_play_clean_up(play))
		dp_play_walk(play);
	return tell_why(play, before, err);
}

/* Errors of the command line: a step that is not in the plan itself. */
static int check_name(const struct deploy_playbook *book, const char *option, const char *name,
	struct deploy_error *err)
{
	const struct deploy_steps *steps = &book->steps;
	const char **ids = dp_xcalloc(steps->count, sizeof(*ids)), *meant;
	bool is_there = false;

	for (size_t i = 0; i < steps->count; i++) {
		ids[i] = steps->items[i].id;
		is_there = is_there || strcmp(ids[i], name) == 0 ||
			   strcmp(steps->items[i].number, name) == 0;
	}
	if (!is_there) {
		meant = deploy_text_suggest(name, ids, steps->count);
		if (meant)
			deploy_error_hint(err, "--%s %s", option, meant);
		else
			deploy_error_hint(err, "deployctl plan show %.200s", book->name);
		(void)deploy_error_set(err, DEPLOY_USAGE,
			"--%s %.60s: the plan has no such step of its own", option, name);
	}
	free(ids);
	return err->code;
}

static int check_names(const struct deploy_play_options *options, struct deploy_error *err)
{
	if (options->from && check_name(options->book, "from", options->from, err))
		return err->code;
	for (size_t i = 0; i < options->skip_count; i++)
		if (check_name(options->book, "skip", options->skip[i], err))
			return err->code;
	for (size_t i = 0; i < options->only_count; i++)
		if (check_name(options->book, "only", options->only[i], err))
			return err->code;
	return 0;
}

int deploy_play_new(struct deploy_play **out, const struct deploy_play_options *options,
	struct deploy_error *err)
{
	struct deploy_play *play = dp_xcalloc(1, sizeof(*play));
	struct dp_scope *scope;

	*out = NULL;
	play->options = *options;
	play->director = (struct deploy_director){direct, play};
	dp_strset_init(&play->dropped);
	dp_strset_init(&play->secrets);
	deploy_tally_init(&play->left);
	scope = check_names(options, err) == 0
			? dp_scope_new(play, options->book, dp_xstrdup(""), options->inputs, err)
			: NULL;
	if (!scope) {
		deploy_play_free(play);
		return err->code;
	}
	play->root = dp_frame_new(play, DP_FRAME_BOOK, NULL, scope, &options->book->steps);
	*out = play;
	return 0;
}

void deploy_play_free(struct deploy_play *play)
{
	if (!play)
		return;
	for (size_t i = 0; i < play->note_count; i++) {
		dp_look_free(play->notes[i].look);
		free(play->notes[i].probe);
	}
	free(play->notes);
	free(play->queue);
	dp_frames_free(play);
	dp_scopes_free(play);
	dp_strset_release(&play->dropped);
	deploy_tally_release(&play->left);
	dp_mask_release(play);
	free(play);
}

const struct deploy_director *deploy_play_director(struct deploy_play *play)
{
	return &play->director;
}

const struct deploy_step *deploy_play_step(const struct deploy_play *play, size_t task)
{
	return task < play->note_count ? play->notes[task].step : NULL;
}

const char *deploy_play_label(const struct deploy_play *play, size_t task)
{
	return deploy_play_step(play, task) ? play->notes[task].label : NULL;
}

const struct deploy_tally *deploy_play_left(const struct deploy_play *play)
{
	return &play->left;
}

bool deploy_play_is_ok(const struct deploy_play *play)
{
	return play->is_over && !play->root->is_bad && !play->has_stopped;
}

int deploy_play_lock(
	char **out, const struct deploy_play_options *options, struct deploy_error *err)
{
	struct deploy_play *play;

	*out = NULL;
	if (!options->book->lock || deploy_play_new(&play, options, err))
		return err->code;
	(void)dp_world_text(play, play->root, "lock", options->book->lock, out, err);
	deploy_play_free(play);
	return err->code;
}
