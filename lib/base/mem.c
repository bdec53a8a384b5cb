/* The only file that may call malloc: see banned.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t size)
{
	if (p || size == 0)
		return p;
	(void)fprintf(stderr, "deployctl: out of memory (%zu bytes wanted)\n", size);
	abort();
}

void *dp_xmalloc(size_t size)
{
	return check(malloc(size ? size : 1), size);
}

void *dp_xcalloc(size_t count, size_t size)
{
	return check(calloc(count ? count : 1, size ? size : 1), size);
}

char *dp_xstrndup(const char *text, size_t len)
{
	char *copy = dp_xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *dp_xstrdup(const char *text)
{
	return dp_xstrndup(text, strlen(text));
}

char *dp_xasprintf(const char *format, ...)
{
	va_list args, again;
	char *text;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = dp_xmalloc((size_t)(n < 0 ? 0 : n) + 1);
	text[0] = '\0';
	if (n >= 0)
		(void)vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

void *dp_grow(void *array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap;

	if (need <= *cap)
		return array;
	while (want < need)
		want += want / 2 + 8;
	if (want > SIZE_MAX / size)
		(void)check(NULL, SIZE_MAX);
	*cap = want;
	return check(realloc(array, want * size), want * size);
}

void dp_wipe(void *data, size_t size)
{
	volatile unsigned char *p = data;

	while (size--)
		*p++ = 0;
}
