/* Base64: see base64.h. Bytes go through a small chunk, so that the buffer grows seldom. */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void dp_base64_encode(struct dp_buf *out, const void *data, size_t len)
{
	const unsigned char *in = data;
	char chunk[1024];
	size_t used = 0;

	for (size_t at = 0; at < len; at += 3) {
		size_t left = len - at;
		uint32_t bits = (uint32_t)in[at] << 16;

		bits |= left > 1 ? (uint32_t)in[at + 1] << 8 : 0;
		bits |= left > 2 ? in[at + 2] : 0;
		chunk[used++] = alphabet[bits >> 18];
		chunk[used++] = alphabet[bits >> 12 & 63];
		chunk[used++] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		chunk[used++] = left > 2 ? alphabet[bits & 63] : '=';
		if (used == sizeof(chunk)) {
			dp_buf_add(out, chunk, used);
			used = 0;
		}
	}
	if (used)
		dp_buf_add(out, chunk, used);
}

/* The six bits of a character, or -1. */
static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Four characters, white space taken out, that are being put together. */
struct quad {
	uint32_t bits;
	unsigned count, padding;
};

static bool quad_add(struct quad *quad, char c)
{
	int value = sextet(c);

	if (c == '=') {
		if (quad->count < 2)
			return false;
		quad->padding++;
		value = 0;
	} else if (value < 0 || quad->padding) {
		return false;
	}
	quad->bits = quad->bits << 6 | (uint32_t)value;
	quad->count++;
	return true;
}

/* Write the 1 to 3 bytes of a complete quad; 0 if bits under the padding are set. */
static size_t quad_bytes(const struct quad *quad, char *out)
{
	size_t n = 3 - quad->padding;

	if (quad->bits & ((1U << (8 * quad->padding)) - 1))
		return 0;
	out[0] = (char)(quad->bits >> 16);
	out[1] = (char)(quad->bits >> 8);
	out[2] = (char)quad->bits;
	return n;
}

static bool decode(struct dp_buf *out, const char *text, size_t len)
{
	struct quad quad = {0};
	bool is_last = false;
	char chunk[768];
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		size_t n;

		if (is_space(text[i]))
			continue;
		if (is_last || !quad_add(&quad, text[i]))
			return false;
		if (quad.count < 4)
			continue;
		n = quad_bytes(&quad, chunk + used);
		if (n == 0)
			return false;
		used += n;
		is_last = quad.padding > 0;
		quad = (struct quad){0};
		if (used + 3 > sizeof(chunk)) {
			dp_buf_add(out, chunk, used);
			used = 0;
		}
	}
	if (used)
		dp_buf_add(out, chunk, used);
	return quad.count == 0 && !out->overflow;
}

bool dp_base64_decode(struct dp_buf *out, const char *text, size_t len)
{
	size_t before = out->len;

	if (decode(out, text, len))
		return true;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return false;
}
