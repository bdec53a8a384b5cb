/* Compound expressions, as a node of the simulated fleet reads them: by descent, ! before && before
 * ||. */
#include "node.h"

#include <string.h>

struct reading {
	const struct loop_node *node;
	const json_t *stack;
	size_t at;
	bool raises; /* a function that the node does not have: the whole is false */
};

static const json_t *next(const struct reading *reading, const char *kind)
{
	return json_object_get(json_array_get(reading->stack, reading->at), kind);
}

static bool is_next(struct reading *reading, const char *kind)
{
	bool is = next(reading, kind) != NULL;

	reading->at += is;
	return is;
}

/* A fact wherever there is an operator, otherwise a class. */
static bool statement_holds(const struct loop_node *node, const char *text)
{
	static const char *const operators[] = {">=", "<=", "=", "<", ">"};
	const char *at = text + strcspn(text, "=<>");
	json_t *term;
	bool holds;
	size_t i = 0;

	if (text[0] == '/' || *at == '\0')
		return loop_class_passes(node, text);
	while (strncmp(at, operators[i], strlen(operators[i])) != 0)
		i++;
	at += strlen(operators[i]);
	term = json_pack("{s:s%, s:s, s:s}", "fact", text,
		(size_t)(at - text) - strlen(operators[i]), "value", at, "operator",
		at[0] == '/' ? "=~"
		: i == 2     ? "=="
			     : operators[i]);
	holds = loop_fact_passes(node, term);
	json_decref(term);
	return holds;
}

/* The only function is fact('x').value, and it is compared with texts only. */
static bool function_holds(struct reading *reading, const json_t *function)
{
	const char *name = json_string_value(json_object_get(function, "name"));
	const char *params = json_string_value(json_object_get(function, "params"));
	const char *how = json_string_value(json_object_get(function, "operator"));
	const char *right = json_string_value(json_object_get(function, "r_compare"));
	const char *is;

	if (!name || strcmp(name, "fact") != 0 || !params || !how || !right) {
		reading->raises = true;
		return false;
	}
	is = json_string_value(
		json_object_get(json_object_get(reading->node->traits, "facts"), params));
	if (!is)
		return false;
	return strcmp(how, "==") == 0 ? strcmp(is, right) == 0
				      : strcmp(how, "!=") == 0 && strcmp(is, right) != 0;
}

static bool any_holds(struct reading *reading);

static bool operand_holds(struct reading *reading)
{
	const json_t *operand;
	bool holds;

	if (is_next(reading, "not"))
		return !operand_holds(reading);
	if (is_next(reading, "(")) {
		holds = any_holds(reading);
		return is_next(reading, ")") && holds;
	}
	operand = next(reading, "statement");
	if (operand)
		holds = statement_holds(reading->node, json_string_value(operand));
	else
		holds = function_holds(reading, next(reading, "fstatement"));
	reading->at++;
	return holds;
}

static bool all_hold(struct reading *reading)
{
	bool holds = operand_holds(reading);

	while (is_next(reading, "and"))
		holds = operand_holds(reading) && holds;
	return holds;
}

static bool any_holds(struct reading *reading)
{
	bool holds = all_hold(reading);

	while (is_next(reading, "or"))
		holds = all_hold(reading) || holds;
	return holds;
}

bool loop_compound_passes(const struct loop_node *node, const json_t *stack)
{
	struct reading reading = {.node = node, .stack = stack};
	bool holds = any_holds(&reading);

	return holds && !reading.raises && reading.at == json_array_size(stack);
}
