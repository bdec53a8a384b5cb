/* Files of what Ruby said: a JSON array a line; lines that begin with # are comments. */
#ifndef VERDICTS_H
#define VERDICTS_H

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

/* Call check with every line, and arg; returns how many there were. */
static inline size_t each_verdict(
	const char *path, void (*check)(const json_t *line, void *arg), void *arg)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0, count = 0;

	assert_non_null(file);
	while (getline(&text, &size, file) > 0) {
		json_t *line;

		if (text[0] == '#')
			continue;
		line = json_loads(text, 0, NULL);
		assert_true(json_is_array(line));
		check(line, arg);
		json_decref(line);
		count++;
	}
	free(text);
	assert_int_equal(0, fclose(file));
	return count;
}

#endif
