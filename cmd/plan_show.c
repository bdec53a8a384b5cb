/* A plan for people: what stands in its file, each step on one line. */
#include "plan_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text while it is put together. */
struct words {
	FILE *stream;
	char *text;
	size_t size;
	const char *between; /* before the next word */
};

static struct words *begin(struct words *words)
{
	*words = (struct words){.between = ""};
	words->stream = open_memstream(&words->text, &words->size);
	if (!words->stream)
		abort();
	return words;
}

/* To be freed. */
static char *finish(struct words *words)
{
	(void)fclose(words->stream);
	return words->text;
}

/* As it was written, as far as JSON keeps that: "apache, mysql", 50%, {"a": 1}. */
static void add_value(FILE *stream, json_t *value)
{
	json_t *item;
	size_t i;
	char *text;

	if (json_is_string(value)) {
		(void)fputs(json_string_value(value), stream);
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			(void)fputs(i ? ", " : "", stream);
			add_value(stream, item);
		}
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY);
		(void)fputs(text ? text : "", stream);
		free(text);
	}
}

/* "KEY VALUE"; of true only the key, of false nothing. */
static void add_entry(struct words *words, const char *key, json_t *value)
{
	if (!value || json_is_false(value))
		return;
	(void)fprintf(words->stream, "%s%s", words->between, key);
	if (!json_is_true(value)) {
		(void)fputc(' ', words->stream);
		add_value(words->stream, value);
	}
	words->between = "; ";
}

/* All of a mapping on one line. */
static void add_entries(struct words *words, json_t *mapping)
{
	const char *key;
	json_t *value;

	json_object_foreach(mapping, key, value) add_entry(words, key, value);
}

static char *what_of(const struct deploy_step *step)
{
	const char *kind = deploy_step_kind_name(step->kind);
	struct words words;

	begin(&words);
	(void)fputs(kind, words.stream);
	if (step->kind == DEPLOY_STEP_PARALLEL)
		(void)fprintf(words.stream, ", %zu lane%s", step->lane_count,
			step->lane_count == 1 ? "" : "s");
	else if (step->kind == DEPLOY_STEP_ROLL)
		; /* its nodes and its numbers have columns of their own */
	else if (json_is_object(json_object_get(step->source, kind))) {
		words.between = " ";
		add_entries(&words, json_object_get(step->source, kind));
	} else if (!json_is_null(json_object_get(step->source, kind))) {
		(void)fputc(' ', words.stream);
		add_value(words.stream, json_object_get(step->source, kind));
	}
	return finish(&words);
}

static char *nodes_of(const struct deploy_step *step)
{
	json_t *nodes = step->kind == DEPLOY_STEP_ROLL
				? json_object_get(json_object_get(step->source, "roll"), "over")
				: json_object_get(step->source, "nodes");
	struct words words;

	begin(&words);
	if (json_is_object(nodes))
		add_entries(&words, nodes);
	else if (nodes)
		add_value(words.stream, nodes);
	else
		(void)fputc('-', words.stream);
	return finish(&words);
}

static char *how_of(const struct deploy_step *step)
{
	static const char *const keys[] = {"when", "batch", "batch_sleep", "window", "one",
		"max_fail", "min_in_service", "tries", "try_sleep", "retry_silent", "idempotent",
		"until", "fail_when", "changed_when", "ok_codes", "every", "timeout", "deadline",
		"destructive", "on_failure"};
	json_t *roll = json_object_get(step->source, "roll");
	struct words words;

	begin(&words);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		add_entry(&words, keys[i], json_object_get(step->source, keys[i]));
		add_entry(&words, keys[i], json_object_get(roll, keys[i]));
	}
	return finish(&words);
}

static void add_steps(struct out_table *table, const struct deploy_steps *steps, unsigned depth);

static void add_step(struct out_table *table, const struct deploy_step *step, unsigned depth)
{
	char number[128], *what = what_of(step), *nodes = nodes_of(step), *how = how_of(step);
	const char *const cells[] = {
		number, strcmp(step->id, step->number) == 0 ? "-" : step->id, what, nodes, how};

	(void)snprintf(number, sizeof(number), "%*s%s", (int)(2 * depth), "", step->number);
	out_table_add(table, cells);
	free(what);
	free(nodes);
	free(how);
	add_steps(table, &step->steps, depth + 1);
	add_steps(table, &step->always, depth + 1);
	for (size_t i = 0; i < step->lane_count; i++)
		add_steps(table, &step->lanes[i], depth + 1);
	if (step->plan)
		add_steps(table, &step->plan->steps, depth + 1);
}

static void add_steps(struct out_table *table, const struct deploy_steps *steps, unsigned depth)
{
	for (size_t i = 0; i < steps->count; i++)
		add_step(table, &steps->items[i], depth);
}

static void print_steps(struct out *out, const struct deploy_playbook *book)
{
	static const char *const headers[] = {"STEP", "ID", "DOES", "NODES", "HOW"};
	struct out_table *table = out_table_new(out_has_headers(out) ? headers : NULL, 5);

	add_steps(table, &book->steps, 0);
	add_steps(table, &book->on_success, 0);
	add_steps(table, &book->on_failure, 0);
	add_steps(table, &book->always, 0);
	out_table_print(out, table);
	out_table_free(table);
}

/* A mapping of mappings, a line each: NAME and what is said of it. */
static void print_mappings(struct out *out, const char *first, const char *second, json_t *mapping)
{
	const char *const headers[] = {first, second};
	struct out_table *table = out_table_new(out_has_headers(out) ? headers : NULL, 2);
	const char *name;
	json_t *value;

	json_object_foreach(mapping, name, value)
	{
		struct words words;
		char *said;

		begin(&words);
		add_entries(&words, value);
		said = finish(&words);
		out_table_add(table, (const char *const[]){name, said});
		free(said);
	}
	out_table_print(out, table);
	out_table_free(table);
	if (json_object_size(mapping))
		out_text(out, "\n");
}

void plan_show(struct out *out, const struct deploy_playbook *book)
{
	json_t *root = deploy_yaml_root(book->doc);

	out_text(out, "%s", book->plan);
	if (book->description) {
		out_text(out, ": ");
		out_foreign(out, book->description, strlen(book->description));
	}
	out_text(out, "\n\n");
	print_mappings(out, "INPUT", "IS", json_object_get(root, "inputs"));
	print_mappings(out, "SET", "CHOOSES", json_object_get(root, "sets"));
	print_steps(out, book);
}

static void print_ids(struct out *out, const struct deploy_steps *steps)
{
	for (size_t i = 0; i < steps->count; i++) {
		const struct deploy_step *step = &steps->items[i];

		out_text(out, "%s\n", step->id);
		print_ids(out, &step->steps);
		print_ids(out, &step->always);
		for (size_t j = 0; j < step->lane_count; j++)
			print_ids(out, &step->lanes[j]);
	}
}

void plan_show_ids(struct out *out, const struct deploy_playbook *book)
{
	print_ids(out, &book->steps);
	print_ids(out, &book->on_success);
	print_ids(out, &book->on_failure);
	print_ids(out, &book->always);
}
