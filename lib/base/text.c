/* Text at the edges: see deploy/text.h. No locale is consulted: UTF-8 is UTF-8 everywhere. */
#include "deploy/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "deploy/error.h"

#define MAX_TIME_MS (10LL * 365 * 86400 * 1000)
#define MAX_WORD    64 /* bytes; longer words are nobody's typing error */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit {
	const char *name;
	long long ms;
} units[] = {
	{"", 1000},
	{"ms", 1},
	{"s", 1000},
	{"m", 60000},
	{"h", 3600000},
	{"d", 86400000},
};

static long long unit_ms(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, name) == 0)
			return units[i].ms;
	return 0;
}

int deploy_time_parse(long long *out_ms, const char *text, struct deploy_error *err)
{
	long long whole = 0, fraction = 0, scale = 1, unit, ms;
	const char *p = text;

	for (; is_digit(*p); p++)
		if (whole <= MAX_TIME_MS)
			whole = whole * 10 + (*p - '0');
	if (p == text)
		goto malformed;
	if (*p == '.') {
		if (!is_digit(*++p))
			goto malformed;
		/* Nine digits: beyond that no unit gets a millisecond from one. */
		for (; is_digit(*p); p++) {
			if (scale < 1000000000) {
				fraction = fraction * 10 + (*p - '0');
				scale *= 10;
			}
		}
	}
	unit = unit_ms(p);
	if (unit == 0)
		goto malformed;
	ms = whole > MAX_TIME_MS / unit ? MAX_TIME_MS + 1
					: whole * unit + (fraction * unit + scale / 2) / scale;
	if (ms > MAX_TIME_MS)
		return deploy_error_set(
			err, DEPLOY_USAGE, "time \"%s\": more than ten years", text);
	*out_ms = ms;
	return 0;

malformed:
	return deploy_error_set(err, DEPLOY_USAGE,
		"time \"%s\": expected seconds or a number with ms, s, m, h or d, such as 90s",
		text);
}

size_t dp_utf8_decode(const char *bytes, size_t len, uint32_t *code_point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)bytes[0];
	size_t n = first < 0x80	      ? 1
		   : first >> 5 == 6  ? 2
		   : first >> 4 == 14 ? 3
		   : first >> 3 == 30 ? 4
				      : 0;
	uint32_t cp;

	if (n == 0 || n > len)
		return 0;
	cp = n == 1 ? first : first & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*code_point = cp;
	return n;
}

bool deploy_text_is_utf8(const char *bytes, size_t len)
{
	uint32_t cp;
	size_t i = 0, n;

	while (i < len) {
		/* Nearly all text is ASCII, and nothing is looked at as often as text. */
		while (i < len && (signed char)bytes[i] > 0)
			i++;
		if (i == len)
			break;
		n = dp_utf8_decode(bytes + i, len - i, &cp);
		if (n == 0 || cp == 0)
			return false;
		i += n;
	}
	return true;
}

struct range {
	uint32_t first, last;
};

static bool is_in(uint32_t cp, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}
#define IS_IN(cp, ranges) is_in(cp, ranges, sizeof(ranges) / sizeof((ranges)[0]))

/* What moves the cursor, ends the line or turns the reading direction. */
static const struct range unsafe[] = {
	{0x00, 0x1f},
	{0x7f, 0x9f},
	{0x61c, 0x61c},
	{0x200e, 0x200f},
	{0x2028, 0x202e},
	{0x2066, 0x2069},
};

bool dp_utf8_is_unsafe(uint32_t code_point)
{
	return IS_IN(code_point, unsafe);
}

static void add_escaped(struct dp_buf *out, uint32_t cp)
{
	static const char names[][2] = {{'\033', 'e'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (cp == (uint32_t)names[i][0]) {
			dp_buf_addf(out, "\\%c", names[i][1]);
			return;
		}
	}
	dp_buf_addf(out, cp > 0xff ? "\\u%04x" : "\\x%02x", (unsigned)cp);
}

char *deploy_text_escape(const char *bytes, size_t len)
{
	struct dp_buf out;
	uint32_t cp;

	dp_buf_init(&out, SIZE_MAX / 2);
	for (size_t i = 0, n; i < len; i += n) {
		n = dp_utf8_decode(bytes + i, len - i, &cp);
		if (n == 0) {
			n = 1;
			dp_buf_addf(&out, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
		} else if (dp_utf8_is_unsafe(cp)) {
			add_escaped(&out, cp);
		} else {
			dp_buf_add(&out, bytes + i, n);
		}
	}
	return dp_buf_take(&out);
}

/* Unicode 15, the blocks that occur in practice: combining marks and East Asian wide characters. */
static const struct range zero_wide[] = {
	{0x300, 0x36f},
	{0x483, 0x489},
	{0x591, 0x5bd},
	{0x610, 0x61a},
	{0x64b, 0x65f},
	{0x1ab0, 0x1aff},
	{0x1dc0, 0x1dff},
	{0x200b, 0x200f},
	{0x20d0, 0x20ff},
	{0xfe00, 0xfe0f},
	{0xfe20, 0xfe2f},
	{0xe0100, 0xe01ef},
};
static const struct range double_wide[] = {
	{0x1100, 0x115f},
	{0x2e80, 0x303e},
	{0x3041, 0xa4cf},
	{0xac00, 0xd7a3},
	{0xf900, 0xfaff},
	{0xfe30, 0xfe6f},
	{0xff00, 0xff60},
	{0xffe0, 0xffe6},
	{0x1f300, 0x1f64f},
	{0x1f680, 0x1f6ff},
	{0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd},
};

size_t deploy_text_columns(const char *text)
{
	size_t len = strlen(text), columns = 0;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = dp_utf8_decode(text + i, len - i, &cp);
		if (n == 0) {
			n = 1;
			columns++;
		} else if (!IS_IN(cp, zero_wide)) {
			columns += IS_IN(cp, double_wide) ? 2 : 1;
		}
	}
	return columns;
}

/* Edits (insert, delete, change, swap of neighbours) that turn a into b; both at most MAX_WORD
 * long. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][MAX_WORD + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3],
		       *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				two_above[j - 2] + 1 < best)
				best = two_above[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *deploy_text_suggest(const char *word, const char *const *candidates, size_t count)
{
	size_t len = strlen(word), best = MAX_WORD;
	const char *found = NULL;

	if (len > MAX_WORD)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = strlen(candidates[i]), distance;

		if (other > MAX_WORD)
			continue;
		distance = edit_distance(word, len, candidates[i], other);
		if (distance < best && distance <= (len > other ? len : other) / 3) {
			best = distance;
			found = candidates[i];
		}
	}
	return found;
}
