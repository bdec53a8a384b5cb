/*
 * A plan's inputs, typed at the terminal. While it does not show what is typed, a signal must not
 * end us behind its back: it is waited for beside the answer, as the run's loop does.
 */
#include "plan_prompt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "signals.h"

#define LINE_MAX_BYTES 4200 /* a terminal hands over no more than 4096 at once */

bool plan_prompt_is_possible(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

static void show(const char *text, const char *after)
{
	char *escaped = deploy_text_escape(text, strlen(text));

	(void)fprintf(stderr, "%s%s", escaped, after);
	free(escaped);
}

static void show_values(const json_t *values)
{
	const json_t *value;
	size_t i;

	(void)fputs(" (", stderr);
	json_array_foreach(values, i, value)
	{
		char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

		if (i)
			(void)fputs(", ", stderr);
		show(text ? text : json_string_value(value), "");
		free(text);
	}
	(void)fputs(")", stderr);
}

static void show_question(const struct deploy_playbook_input *input)
{
	if (input->description)
		show(input->description, "\n");
	show(input->prompt ? input->prompt : input->name, "");
	if (input->values)
		show_values(input->values);
	else if (input->type != DEPLOY_INPUT_STRING)
		(void)fprintf(stderr, " (%s)", deploy_input_type_name(input->type));
	(void)fputs(": ", stderr);
	(void)fflush(stderr);
}

static int interrupted(struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_INTERRUPTED, "interrupted at the question");
}

/* Until there is a line, or the end of input. What else a signal asks for has to wait. */
static int wait_for_line(int signal_fd, struct deploy_error *err)
{
	struct pollfd wanted[] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	char byte;

	while (signals_received() == 0) {
		if (poll(wanted, 2, -1) < 0) {
			if (errno != EINTR)
				return deploy_error_set(
					err, DEPLOY_BUG, "terminal: %s", strerror(errno));
		} else if (wanted[1].revents) {
			(void)!read(signal_fd, &byte, 1);
		} else {
			return 0;
		}
	}
	return interrupted(err);
}

/* The answer, a line without its newline. */
static int read_line(const struct deploy_playbook_input *input, int signal_fd, char *line,
	struct deploy_error *err)
{
	show_question(input);
	if (wait_for_line(signal_fd, err))
		return err->code;
	if (fgets(line, LINE_MAX_BYTES, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		return 0;
	}
	clearerr(stdin);
	(void)fputc('\n', stderr);
	return deploy_error_set(
		err, DEPLOY_REFUSED, "input %s was not given, nothing was done", input->name);
}

/* Neither a stop nor a core dump may leave a terminal that shows nothing either. */
static bool hide_typing(struct termios *before)
{
	struct termios hidden;

	if (tcgetattr(STDIN_FILENO, before) != 0)
		return false;
	hidden = *before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	hidden.c_cc[VSUSP] = _POSIX_VDISABLE;
	hidden.c_cc[VQUIT] = _POSIX_VDISABLE;
	return tcsetattr(STDIN_FILENO, TCSANOW, &hidden) == 0;
}

static int read_secret(const struct deploy_playbook_input *input, int signal_fd, char *line,
	struct deploy_error *err)
{
	struct termios before;

	if (!hide_typing(&before))
		return deploy_error_set(err, DEPLOY_BUG,
			"input %s: the terminal cannot hide what is typed: %s", input->name,
			strerror(errno));
	(void)read_line(input, signal_fd, line, err);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	if (err->code != DEPLOY_REFUSED)
		(void)fputc('\n', stderr);
	return err->code;
}

/* The phase is set before anything is hidden: a signal is seen either by its handler or by us. */
static int read_answer(const struct ctx *ctx, const struct deploy_playbook_input *input, char *line,
	struct deploy_error *err)
{
	signals_set_phase(SIGNALS_RUNNING);
	if (input->is_secret)
		(void)read_secret(input, ctx->signal_fd, line, err);
	else
		(void)read_line(input, ctx->signal_fd, line, err);
	signals_set_phase(SIGNALS_IDLE);
	return err->code;
}

/* False, and it was told, if the plan does not take it. */
static bool is_taken(const struct deploy_playbook *book, const struct deploy_playbook_input *input,
	json_t *answer)
{
	struct deploy_error why = {.code = DEPLOY_OK};
	json_t *words, *values, *missing;

	if (!answer || json_string_length(answer) == 0) {
		show(answer ? "nothing was typed" : "that is no UTF-8", "\n");
		return false;
	}
	words = json_pack("{s:O}", input->name, answer);
	if (deploy_playbook_inputs(&values, &missing, book, NULL, words, &why))
		show(why.text, "\n");
	json_decref(words);
	json_decref(values);
	json_decref(missing);
	return why.code == DEPLOY_OK;
}

static int ask(const struct ctx *ctx, const struct deploy_playbook *book,
	const struct deploy_playbook_input *input, json_t *words, struct deploy_error *err)
{
	char line[LINE_MAX_BYTES];
	json_t *answer = NULL;

	do {
		json_decref(answer);
		answer = NULL;
		if (read_answer(ctx, input, line, err))
			return err->code;
		answer = json_string(line);
	} while (!is_taken(book, input, answer));
	(void)json_object_set_new(words, input->name, answer);
	return 0;
}

static bool names(const json_t *missing, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(
		missing, i, item) if (strcmp(json_string_value(item), name) == 0) return true;
	return false;
}

int plan_prompt(const struct ctx *ctx, const struct deploy_playbook *book, const json_t *missing,
	json_t *words, struct deploy_error *err)
{
	for (size_t i = 0; i < book->input_count && !err->code; i++)
		if (names(missing, book->inputs[i].name))
			(void)ask(ctx, book, &book->inputs[i], words, err);
	return err->code;
}
