/*
 * Does to one certname what its arguments say, as a task would, and prints its outcome:
 *   ca URL CA CERT KEY sign NAME [fingerprint=F] [alt_name=N]... [extension=E]... [wait=MS]
 *   ca URL CA CERT KEY revoke|clean NAME
 *   ca URL CA CERT KEY list [wait=MS]
 *   ca URL CA CERT KEY request NAME [fingerprint=F] [trust] [wait=MS]
 *   ca URL CA CERT KEY site ENVIRONMENT      (prints its site graph)
 * "-" stands for no file. Says "STATE: MESSAGE" and the data; an error goes to stderr, with
 * status 1.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "deploy/ca.h"
#include "deploy/outcome.h"
#include "deploy/site.h"
#include "model/act.h"
#include "net/http.h"

#define POLL_MS 100

struct words {
	const char *fingerprint;
	json_t *alt_names, *extensions;
	long long wait_ms;
	bool trusts;
};

/* What follows key, if word begins with it. */
static const char *value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static void read_words(struct words *out, char **words)
{
	const char *value;

	*out = (struct words){.alt_names = json_array(), .extensions = json_array()};
	for (; *words; words++) {
		if ((value = value_of(*words, "fingerprint=")))
			out->fingerprint = value;
		else if ((value = value_of(*words, "alt_name=")))
			(void)json_array_append_new(out->alt_names, json_string(value));
		else if ((value = value_of(*words, "extension=")))
			(void)json_array_append_new(out->extensions, json_string(value));
		else if ((value = value_of(*words, "wait=")))
			out->wait_ms = strtoll(value, NULL, 10);
		else if (strcmp(*words, "trust") == 0)
			out->trusts = true;
		else
			exit(64);
	}
}

static int complain(const struct deploy_error *err)
{
	(void)fprintf(stderr, "%s: %s\n", deploy_code_name(err->code), err->text);
	if (err->hint[0])
		(void)fprintf(stderr, "  %s\n", err->hint);
	return 1;
}

static void print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	(void)puts(text);
	free(text);
}

static const struct dp_http_response *await(struct dp_http *http, struct dp_http_request *request)
{
	const struct dp_http_response *response = NULL;

	(void)dp_http_start(http, request);
	while (!response) {
		struct pollfd fds[DP_HTTP_MAX_FDS];
		int timeout_ms = -1;
		size_t count = dp_http_fds(http, fds, &timeout_ms);

		(void)poll(fds, count, timeout_ms);
		dp_http_turn(http, fds, count);
		response = dp_http_next(http);
	}
	return response;
}

static int carry_out(struct deploy_act *act, const char *name, struct deploy_error *err)
{
	struct dp_act_input input = {.kind = DP_ACT_BEGIN};
	struct dp_act_next next = {.kind = DP_ACT_GO_ON};
	void *row = dp_xcalloc(1, act->ops->row_size);
	struct dp_http *http;

	if (dp_http_new(&http, err))
		return complain(err);
	while (next.kind != DP_ACT_DONE) {
		input.now_us = dp_clock_us();
		next = (struct dp_act_next){.kind = DP_ACT_GO_ON};
		act->ops->step(act, row, name, &input, &next);
		if (next.what)
			(void)printf("%s\n", next.what);
		if (next.kind == DP_ACT_FETCH) {
			input.kind = DP_ACT_RESPONSE;
			input.response = await(http, next.fetch);
		} else if (next.kind == DP_ACT_SLEEP) {
			(void)poll(NULL, 0, (int)next.sleep_ms);
			input.kind = DP_ACT_AWAKE;
		}
	}
	(void)printf("%s: %s\n", deploy_outcome_state_name(next.state), next.message);
	if (next.data)
		print_json(next.data);
	json_decref(next.data);
	dp_http_free(http);
	act->ops->free(act);
	free(row);
	return 0;
}

static int sign(const struct deploy_ca_settings *settings, const char *name,
	const struct words *words, struct deploy_error *err)
{
	struct deploy_ca_sign_options options = {
		.fingerprints = json_object(),
		.trusts_first_use = true,
		.alt_names = words->alt_names,
		.extensions = words->extensions,
		.wait_ms = words->wait_ms,
		.poll_ms = POLL_MS,
	};
	struct deploy_act *act;
	int rc;

	if (words->fingerprint)
		(void)json_object_set_new(
			options.fingerprints, name, json_string(words->fingerprint));
	rc = deploy_ca_sign(&act, settings, &options, err);
	json_decref(options.fingerprints);
	return rc ? complain(err) : carry_out(act, name, err);
}

static int list(const struct deploy_ca_settings *settings, struct deploy_error *err)
{
	struct deploy_ca_list *all;

	if (deploy_ca_list(&all, settings, -1, err))
		return complain(err);
	for (size_t i = 0; i < all->count; i++) {
		const struct deploy_ca_entry *entry = &all->entries[i];

		(void)printf("%s %s %s %s ", entry->name, deploy_ca_state_name(entry->state),
			entry->fingerprint, entry->not_after ? entry->not_after : "-");
		print_json(entry->alt_names);
		print_json(entry->extensions);
	}
	deploy_ca_list_free(all);
	return 0;
}

static void tell_waiting(void *arg, const char *fingerprint)
{
	(void)arg;
	(void)printf("waiting %s\n", fingerprint);
	(void)fflush(stdout);
}

static int request(const struct deploy_ca_settings *settings, const char *name,
	const struct words *words, struct deploy_error *err)
{
	const struct deploy_ca_request_options options = {
		.certname = name,
		.ca_fingerprint = words->fingerprint,
		.trusts_first_use = words->trusts,
		.wait_ms = words->wait_ms,
		.poll_ms = POLL_MS,
		.signal_fd = -1,
		.waiting = tell_waiting,
	};
	bool changed;

	if (deploy_ca_request(&changed, settings, &options, err))
		return complain(err);
	(void)puts(changed ? "changed" : "unchanged");
	return 0;
}

static int fetch_site(const struct deploy_ca_settings *settings, const char *environment,
	struct deploy_error *err)
{
	char *text;
	size_t len;

	if (deploy_site_fetch(&text, &len, settings, environment, -1, err))
		return complain(err);
	(void)fwrite(text, 1, len, stdout);
	free(text);
	return 0;
}

static const char *file(const char *word)
{
	return strcmp(word, "-") == 0 ? NULL : word;
}

int main(int argc, char **argv)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_act *act;
	struct words words;
	int rc = 64;

	if (argc < 6)
		return rc;
	struct deploy_ca_settings settings = {
		.url = argv[1],
		.ca_file = file(argv[2]),
		.cert_file = file(argv[3]),
		.key_file = file(argv[4]),
		.connect_timeout_ms = 2000,
		.timeout_ms = 2000,
	};
	read_words(&words, argv + 6 + (argc > 6 && strcmp(argv[5], "list") != 0));
	if (strcmp(argv[5], "list") == 0) {
		if (words.wait_ms)
			settings.connect_timeout_ms = settings.timeout_ms = words.wait_ms;
		rc = list(&settings, &err);
	} else if (argc < 7) {
		rc = 64;
	} else if (strcmp(argv[5], "sign") == 0)
		rc = sign(&settings, argv[6], &words, &err);
	else if (strcmp(argv[5], "site") == 0)
		rc = fetch_site(&settings, argv[6], &err);
	else if (strcmp(argv[5], "request") == 0)
		rc = request(&settings, argv[6], &words, &err);
	else if (strcmp(argv[5], "revoke") == 0)
		rc = deploy_ca_revoke(&act, &settings, &err) ? complain(&err)
							     : carry_out(act, argv[6], &err);
	else if (strcmp(argv[5], "clean") == 0)
		rc = deploy_ca_clean(&act, &settings, &err) ? complain(&err)
							    : carry_out(act, argv[6], &err);
	json_decref(words.alt_names);
	json_decref(words.extensions);
	return rc;
}
