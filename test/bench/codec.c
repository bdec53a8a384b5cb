/*
 * What it costs to make a value of a reply's bytes: envelope, signature, body, compared with what
 * nobody can do without, a copy of the bytes and their MD5. The replies are those of real nodes.
 * Usage: codec test/data/wire.txt QUESTION PSK
 * Prints, for the last reply to QUESTION: bytes, nanoseconds of ours, nanoseconds of the other,
 * their ratio; of CPU time, medians of 5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "wire/envelope.h"
#include "wire/security_psk.h"

enum { RUNS = 5, LINE_BYTES = 65536, RUN_NS = 200000000 };

struct sample {
	char bytes[LINE_BYTES / 2];
	size_t len;
	const char *psk;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "codec: %s\n", what);
	exit(1);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Lines are QUESTION, "reply", hex, with tabs between. */
static void read_sample(struct sample *out, const char *path, const char *question)
{
	static char line[LINE_BYTES];
	FILE *file = fopen(path, "r");
	size_t len = strlen(question);

	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file)) {
		const char *hex = line + len + 7;

		if (strncmp(line, question, len) != 0 || strncmp(line + len, "\treply\t", 7) != 0)
			continue;
		out->len = 0;
		for (; hex[0] > ' ' && hex[1] > ' '; hex += 2)
			out->bytes[out->len++] = (char)(digit(hex[0]) << 4 | digit(hex[1]));
	}
	(void)fclose(file);
	if (!out->len)
		die("no such reply");
}

/* As the transport does it. */
static void decode(const struct sample *sample)
{
	struct dp_reply_envelope envelope;
	struct deploy_error err = {0};
	struct dp_reply_body body;

	if (dp_envelope_decode(&envelope, sample->bytes, sample->len, &err) ||
		!dp_psk_verify(envelope.hash.data, envelope.hash.len, envelope.body.data,
			envelope.body.len, sample->psk) ||
		dp_reply_body_decode(&body, envelope.body.data, envelope.body.len, &err))
		die(err.code ? err.text : "wrong hash");
	json_decref(body.statusmsg);
	json_decref(body.data);
}

static void copy_and_digest(const struct sample *sample)
{
	static unsigned char digest[EVP_MAX_MD_SIZE];
	static char copy[LINE_BYTES / 2];
	static EVP_MD_CTX *context;
	static EVP_MD *md5;

	if (!context) {
		context = EVP_MD_CTX_new();
		md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	}
	memcpy(copy, sample->bytes, sample->len);
	if (EVP_DigestInit_ex2(context, md5, NULL) != 1 ||
		EVP_DigestUpdate(context, copy, sample->len) != 1 ||
		EVP_DigestFinal_ex(context, digest, NULL) != 1)
		die("no MD5");
}

static double cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double measure(const struct sample *sample, void (*work)(const struct sample *))
{
	double start = cpu_ns();
	unsigned long turns = 0;

	do
		for (int i = 0; i < 1000; i++, turns++)
			work(sample);
	while (cpu_ns() - start < RUN_NS);
	return (cpu_ns() - start) / (double)turns;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct sample sample;
	double ours[RUNS], least[RUNS];

	if (argc != 4)
		die("usage: codec FILE QUESTION PSK");
	sample.psk = argv[3];
	read_sample(&sample, argv[1], argv[2]);
	for (int i = 0; i < RUNS; i++) {
		ours[i] = measure(&sample, decode);
		least[i] = measure(&sample, copy_and_digest);
	}
	qsort(ours, RUNS, sizeof(*ours), compare);
	qsort(least, RUNS, sizeof(*least), compare);
	(void)printf("%zu %.1f %.1f %.3f\n", sample.len, ours[RUNS / 2], least[RUNS / 2],
		ours[RUNS / 2] / least[RUNS / 2]);
	return 0;
}
