/*
 * Any bytes as a plan: either it is refused in one line, or flaws have places and pointers, or it
 * is a plan whose steps have numbers, kinds and ids; and it can be told its inputs and printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/playbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static size_t check_steps(const struct deploy_playbook *book, const struct deploy_steps *steps)
{
	size_t count = steps->count;

	for (size_t i = 0; i < steps->count; i++) {
		const struct deploy_step *step = &steps->items[i];

		require(step->kind < DEPLOY_STEP_KINDS && *step->number && *step->id);
		require(json_object_get(step->source, deploy_step_kind_name(step->kind)) != NULL);
		require(deploy_step_place(book, step, NULL).line > 0);
		require((step->kind == DEPLOY_STEP_RPC) == (step->agent != NULL));
		require((step->kind == DEPLOY_STEP_ROLL) == (step->steps.count > 0));
		require((step->kind == DEPLOY_STEP_WAIT) == (step->wait_for != NULL));
		require(step->kind != DEPLOY_STEP_ROLL || step->policy.batch_count > 0);
		for (size_t j = 0; j < step->nodes.set_count; j++)
			require(step->nodes.sets[j] < book->set_count);
		count += check_steps(book, &step->steps) + check_steps(book, &step->always);
		for (size_t j = 0; j < step->lane_count; j++)
			count += check_steps(book, &step->lanes[j]);
	}
	return count;
}

static void check_inputs(const struct deploy_playbook *book)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	json_t *inputs, *missing;

	require(deploy_playbook_inputs(&inputs, &missing, book, NULL, NULL, &err) == 0);
	require(json_object_size(inputs) + json_array_size(missing) == book->input_count);
	json_decref(inputs);
	json_decref(missing);
}

static void check_book(const struct deploy_playbook *book)
{
	json_t *whole = deploy_playbook_json(book);
	size_t count = check_steps(book, &book->steps) + check_steps(book, &book->on_success) +
		       check_steps(book, &book->on_failure) + check_steps(book, &book->always);

	require(book->plan && *book->plan && book->steps.count > 0);
	/* Plans in it are not counted above. */
	require(count <= book->step_count && book->step_count <= DEPLOY_PLAYBOOK_MAX_STEPS);
	require(json_object_get(whole, "steps") != NULL);
	json_decref(whole);
	check_inputs(book);
}

static void check_flaws(const struct deploy_playbook *book, size_t count)
{
	for (size_t i = 0; i < count && i < DEPLOY_MAX_FLAWS; i++) {
		const struct deploy_flaw *flaw = deploy_playbook_flaw(book, i);

		require(*flaw->pointer == '/' || *flaw->pointer == '\0');
		require(*flaw->text && !strpbrk(flaw->text, "\r\n\033"));
		require(flaw->place.line > 0 && flaw->place.column > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *dirs[] = {(char *)"test/data/plans"};
	const struct deploy_playbook_options options = {dirs, 1};
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_playbook *book = NULL;

	if (deploy_playbook_read(&book, "t", (const char *)data, size, &options, &err)) {
		require(err.code == DEPLOY_INPUT && !book);
		require(strncmp(err.text, "t:", 2) == 0 && !strpbrk(err.text, "\r\n"));
	} else if (deploy_playbook_flaw_count(book)) {
		check_flaws(book, deploy_playbook_flaw_count(book));
	} else {
		check_book(book);
	}
	deploy_playbook_free(book);
	return 0;
}
