/*
 * A compound expression evaluated for one node: ! before && before ||, without recursion, by two
 * stacks. The node evaluates every statement before it combines them, so one that fails drops the
 * request whatever the others say, and a function that is not there makes the whole false.
 */
#include "model/compound.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deploy/text.h"
#include "model/judge.h"

struct evaluation {
	const struct deploy_traits *traits;
	enum dp_answer *answers; /* of operands: DP_NO, DP_YES, DP_UNSURE */
	size_t answer_count;
	enum deploy_compound_kind *pending; /* operators whose right side is still to come */
	size_t pending_count;
	bool fails, has_function;
};

static enum dp_answer negated(enum dp_answer answer)
{
	return answer == DP_YES ? DP_NO : answer == DP_NO ? DP_YES : answer;
}

/* a && b, where what decides alone decides. */
static enum dp_answer both(enum dp_answer a, enum dp_answer b)
{
	if (a == DP_NO || b == DP_NO)
		return DP_NO;
	return a == DP_YES ? b : a;
}

static void apply(struct evaluation *ev)
{
	enum deploy_compound_kind kind = ev->pending[--ev->pending_count];
	enum dp_answer *top = &ev->answers[ev->answer_count - 1];

	if (kind == DEPLOY_COMPOUND_NOT) {
		*top = negated(*top);
		return;
	}
	top[-1] = kind == DEPLOY_COMPOUND_AND ? both(top[-1], *top)
					      : negated(both(negated(top[-1]), negated(*top)));
	ev->answer_count--;
}

static int strength(enum deploy_compound_kind kind)
{
	switch (kind) {
	case DEPLOY_COMPOUND_NOT:
		return 3;
	case DEPLOY_COMPOUND_AND:
		return 2;
	case DEPLOY_COMPOUND_OR:
		return 1;
	default:
		return 0; /* parentheses */
	}
}

/* What is pending and binds at least as much. */
static void apply_down_to(struct evaluation *ev, int least)
{
	while (ev->pending_count > 0 && strength(ev->pending[ev->pending_count - 1]) >= least)
		apply(ev);
}

static enum dp_answer judge_statement(
	struct dp_buf *why, const char *text, const struct deploy_traits *traits)
{
	struct dp_compound_split split;
	struct deploy_fact_term term = {.fact = NULL};
	enum dp_answer answer;

	if (!dp_compound_split(&split, text))
		return dp_judge_name(why, "class", text, traits->classes);
	term.fact = dp_xstrndup(text, split.fact_len);
	term.value = dp_xstrdup(split.value);
	memcpy(term.operator, split.operator, strlen(split.operator) + 1);
	answer = dp_judge_fact(why, &term, traits->facts);
	free(term.fact);
	free(term.value);
	return answer;
}

static enum dp_answer judge_operand(
	struct dp_buf *why, struct evaluation *ev, const struct deploy_compound_token *token)
{
	enum dp_answer answer;
	char *shown;

	if (why->len)
		dp_buf_add_text(why, "; ");
	if (token->kind == DEPLOY_COMPOUND_FUNCTION) {
		ev->has_function = true;
		dp_buf_addf(why, DP_NODE_TELLS "%s()", token->name);
		return DP_UNSURE;
	}
	shown = deploy_text_escape(token->text, strlen(token->text));
	dp_buf_addf(why, "%s: ", shown);
	free(shown);
	answer = judge_statement(why, token->text, ev->traits);
	ev->fails |= answer == DP_FAILS;
	return answer;
}

static void take(
	struct dp_buf *why, struct evaluation *ev, const struct deploy_compound_token *token)
{
	switch (token->kind) {
	case DEPLOY_COMPOUND_STATEMENT:
	case DEPLOY_COMPOUND_FUNCTION:
		ev->answers[ev->answer_count++] = judge_operand(why, ev, token);
		return;
	case DEPLOY_COMPOUND_CLOSE:
		apply_down_to(ev, 1);
		ev->pending_count--;
		return;
	case DEPLOY_COMPOUND_AND:
	case DEPLOY_COMPOUND_OR:
		apply_down_to(ev, strength(token->kind));
		break;
	case DEPLOY_COMPOUND_NOT:
	case DEPLOY_COMPOUND_OPEN:
		break;
	}
	ev->pending[ev->pending_count++] = token->kind;
}

bool dp_compound_judge(struct dp_buf *why, const struct deploy_compound *compound,
	const struct deploy_traits *traits)
{
	struct evaluation ev = {.traits = traits,
		.answers = dp_xcalloc(compound->token_count, sizeof(*ev.answers)),
		.pending = dp_xcalloc(compound->token_count, sizeof(*ev.pending))};
	bool holds;

	for (size_t i = 0; i < compound->token_count; i++)
		take(why, &ev, &compound->tokens[i]);
	apply_down_to(&ev, 1);
	holds = ev.answers[0] == DP_YES && !ev.fails && !ev.has_function;
	free(ev.answers);
	free(ev.pending);
	return holds;
}
