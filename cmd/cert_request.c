/* A certificate for this client itself: made here, signed by somebody else. */
#include "cert.h"
#include "record.h"
#include "signals.h"

#include <ctype.h>
#include <string.h>

#define POLL_MS 10000

long long cert_poll_ms(long long wait_ms, long long usual_ms)
{
	long long often_ms = wait_ms / 20 + 1;

	return wait_ms && often_ms < usual_ms ? often_ms : usual_ms;
}

static void tell_waiting(void *arg, const char *fingerprint)
{
	const struct cert *cert = arg;

	out_note(cert->ctx->out, "waiting for the CA to sign the request with the fingerprint %s",
		fingerprint);
}

static void print(const struct cert *cert, const char *name, bool changed, int status,
	struct deploy_error *err)
{
	struct out *out = cert->ctx->out;
	const char *file = cert->settings.cert_file;
	json_t *items = json_pack("[{s:s, s:s, s:s, s:b}]", "name", name, "state", "signed", "file",
		file, "changed", (int)changed);
	json_t *line = json_pack("{s:s, s:i}", "type", "certificate", "seq", 1);

	if (out_is_for_people(out))
		out_text(out, "%s: %s %s\n", name,
			changed ? "signed, and kept in" : "has its certificate in", file);
	else if (out_format(out) == OUT_NAME)
		out_text(out, "%s\n", name);
	(void)json_object_update(line, json_array_get(items, 0));
	if (out_format(out) == OUT_JSONL)
		out_json_line(out, line);
	out_document(out, "sign-cert", items, NULL, status, err);
	json_decref(line);
	json_decref(items);
}

/* As Puppet has it for a host: its name in lower case. */
static const char *certname_of(const struct cert *cert, char *name, size_t size)
{
	const char *identity = cert->ctx->config->identity;
	size_t i = 0;

	if (cert->opts->certname)
		return cert->opts->certname;
	for (; identity && identity[i] && i + 1 < size; i++)
		name[i] = (char)tolower((unsigned char)identity[i]);
	name[i] = '\0';
	return name;
}

int cert_request(const struct cert *cert, struct deploy_error *err)
{
	char identity[DEPLOY_MAX_IDENTITY + 1];
	struct deploy_ca_request_options options = {.ca_fingerprint = cert->opts->ca_fingerprint,
		.trusts_first_use = cert->opts->trusts_first_use,
		.wait_ms = cert->opts->wait_ms,
		.poll_ms = cert_poll_ms(cert->opts->wait_ms, POLL_MS),
		.signal_fd = cert->ctx->signal_fd,
		.waiting = tell_waiting,
		.waiting_arg = (void *)(uintptr_t)cert};
	const struct record_info info = {.kind = "sign-cert", .reason = cert->opts->act.reason};
	const struct deploy_run_result result = {.end = DEPLOY_RUN_COMPLETE};
	struct record record;
	bool changed = false;
	int status;

	options.certname = certname_of(cert, identity, sizeof(identity));
	signals_set_phase(SIGNALS_RUNNING);
	(void)record_begin(&record, cert->ctx, &info, NULL, NULL, NULL, err);
	(void)deploy_ca_request(&changed, &cert->settings.ca, &options, err);
	status = record_end(&record, &result, (int)exit_of_error(err->code), err);
	if (!err->code)
		print(cert, options.certname, changed, status, err);
	return status;
}
