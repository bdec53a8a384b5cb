/* The text of a step: written before signing, and read when nobody knows what came of it. */
#include "puppet/ca_step.h"

#include <stdio.h>
#include <string.h>

#include "deploy/ca.h"

static const char *const labels[] = {"sign certificate: request ", ", file ", ", key "};

void dp_ca_step_print(char text[DP_CA_STEP], const struct dp_x509 *request)
{
	char key[DP_FINGERPRINT];

	dp_fingerprint_print(key, request->key);
	(void)snprintf(text, DP_CA_STEP, "%s%s%s%s%s%s", labels[0], request->fingerprint, labels[1],
		request->file_fingerprint, labels[2], key);
}

/* The fingerprint behind a label; *text is then behind both. */
static bool take(char out[DP_FINGERPRINT], const char **text, const char *label)
{
	size_t len = strlen(label);
	char word[DP_FINGERPRINT];

	if (strncmp(*text, label, len) != 0)
		return false;
	(void)snprintf(word, sizeof(word), "%s", *text + len);
	*text += len + strlen(word);
	return dp_fingerprint_parse(out, word);
}

bool deploy_ca_step_key(char key[DEPLOY_CA_FINGERPRINT], const char *text, const char *fingerprint)
{
	char expected[DP_FINGERPRINT], request[DP_FINGERPRINT], file[DP_FINGERPRINT];

	if (!dp_fingerprint_parse(expected, fingerprint) || !take(request, &text, labels[0]) ||
		!take(file, &text, labels[1]) || !take(key, &text, labels[2]))
		return false;
	return strcmp(expected, request) == 0 || strcmp(expected, file) == 0;
}
