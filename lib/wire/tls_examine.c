/* Examining TLS: whose certificate the broker shows, for how long it is good, and whether ours is.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/examination.h"
#include "wire/tls_probe.h"

/* Time enough to have a certificate renewed. */
#define WARNING_S (30 * 86400LL)

/* Without TLS: only who listens on the way can tell whether that matters. */
static int tell_plain(struct dp_examination *examination)
{
	const struct dp_address *address = &examination->addresses.list[examination->chosen];

	if (dp_address_is_loopback(address)) {
		dp_examination_tell_take(examination, DEPLOY_GRADE_OK,
			dp_xstrdup("not used; the broker is on this machine"), NULL);
		return 0;
	}
	dp_examination_tell_take(examination, DEPLOY_GRADE_WARNING,
		dp_xstrdup("not used: password and requests travel unencrypted"),
		dp_examination_advise(examination, "configure TLS", "ssl", "tls"));
	return 0;
}

/* A certificate that OpenSSL accepts: when does that end? subject: whose it is, borrowed. */
static void tell_expiry(struct dp_examination *examination, char *subject,
	const struct dp_tls_certificate *certificate, const char *what)
{
	struct dp_examination about = *examination;
	bool is_soon = certificate->left_s < WARNING_S;

	about.subject = subject;
	dp_examination_tell_take(&about, is_soon ? DEPLOY_GRADE_WARNING : DEPLOY_GRADE_OK,
		dp_xasprintf("%s%s, valid until %s (%lld days)", what, certificate->subject,
			certificate->until, (long long)certificate->left_s / 86400),
		is_soon ? dp_xstrdup("have the certificate renewed before it expires") : NULL);
}

/* Whether it matters that ours is not good is for the broker to say. */
static void tell_own(struct dp_examination *examination)
{
	char *file = examination->broker->cert_file;
	struct dp_examination about = *examination;
	struct dp_tls_certificate own;
	struct deploy_error err = {0};

	about.subject = file;
	if (!file || dp_tls_read_certificate(&own, file, &err))
		return;
	if (own.left_s >= 0 && own.age_s >= 0)
		tell_expiry(examination, file, &own, "our certificate: ");
	else
		dp_examination_tell_take(&about, DEPLOY_GRADE_WARNING,
			dp_xasprintf("our certificate %s is valid only from %s until %s",
				own.subject, own.since, own.until),
			dp_xstrdup("have it renewed; check the clock of this machine, too"));
}

static int fail_refused(struct dp_examination *examination, const struct dp_tls_report *report)
{
	const struct deploy_broker *broker = examination->broker;

	if (report->wants_certificate && !broker->cert_file)
		return dp_examination_fail_take(examination, DEPLOY_AUTH,
			dp_xasprintf("the broker wants a certificate of ours, and none is "
				     "configured (%s)",
				report->why),
			dp_examination_advise(examination, "configure certificate and key",
				"ssl.cert, .key", "tls"));
	if (report->wants_certificate)
		return dp_examination_fail_take(examination, DEPLOY_AUTH,
			dp_xasprintf("the broker refuses our certificate %s: %s", broker->cert_file,
				report->why),
			dp_xasprintf("is it signed by a CA that the broker trusts? openssl x509 "
				     "-noout -issuer -dates -in %s",
				broker->cert_file));
	return dp_examination_fail_take(examination, DEPLOY_AUTH,
		dp_xasprintf("the broker ends the handshake: %s", report->why),
		dp_xasprintf("TLS 1.2 or later is needed; openssl s_client -connect %s",
			examination->subject));
}

/* The broker's certificate, or one of those that vouch for it, is not good. */
static int fail_certificate(struct dp_examination *examination, const struct dp_tls_report *report)
{
	const struct dp_tls_certificate *faulty =
		report->faulty.subject[0] ? &report->faulty : &report->peer;
	char *text, *remedy;

	switch (report->fault) {
	case DP_TLS_EXPIRED:
		text = dp_xasprintf(
			"the certificate %s expired on %s", faulty->subject, faulty->until);
		remedy = dp_xstrdup("have it renewed; check the clock of this machine, too");
		break;
	case DP_TLS_TOO_EARLY:
		text = dp_xasprintf("the certificate %s is not valid before %s", faulty->subject,
			faulty->since);
		remedy = dp_xstrdup("check the clock of this machine: date -u");
		break;
	case DP_TLS_OTHER_NAME:
		text = dp_xasprintf("the certificate is not for the name %s, but for %s",
			examination->broker->host, report->names);
		remedy = dp_examination_advise(examination,
			"call the broker by one of those names (an address is none)", "host",
			"brokers");
		break;
	default:
		text = dp_xasprintf("the certificate %s is not signed by a CA of ours: issued by "
				    "%s; %s",
			report->peer.subject, report->peer.issuer, report->why);
		remedy = dp_examination_advise(
			examination, "name the file of that issuer's CA", "ssl.ca", "tls");
		break;
	}
	return dp_examination_fail_take(examination, DEPLOY_AUTH, text, remedy);
}

/* Nothing answered the greeting, TLS's or the one inside of it, or something else than TLS did. */
static int fail_speech(struct dp_examination *examination, const struct dp_tls_report *report)
{
	enum dp_speech speech =
		report->fault == DP_TLS_SILENT ? DP_SPEAKS_NOTHING : DP_SPEAKS_CLOSED;
	bool is_inside = report->version;

	if (report->fault == DP_TLS_NO_TLS)
		speech = dp_speech_of(report->first, report->first_len);
	if (!is_inside && !dp_speech_name(speech))
		speech = dp_examination_guess(examination, speech);
	return dp_examination_fail_speech(examination, speech, is_inside);
}

static int tell_fault(struct dp_examination *examination, const struct dp_tls_report *report)
{
	switch (report->fault) {
	case DP_TLS_INTERRUPTED:
		return DEPLOY_INTERRUPTED;
	case DP_TLS_OURS:
		return dp_examination_fail_take(examination, DEPLOY_CONFIG,
			dp_xasprintf("%s cannot be used", report->why),
			dp_xasprintf("is it there, readable, PEM, a key without a password, and "
				     "do certificate and key belong together?"));
	case DP_TLS_NO_TLS:
	case DP_TLS_SILENT:
	case DP_TLS_CLOSED:
		return fail_speech(examination, report);
	case DP_TLS_REFUSED:
		return fail_refused(examination, report);
	default:
		return fail_certificate(examination, report);
	}
}

/* The broker's certificate is good. What speaks behind it? */
static int tell_peer(struct dp_examination *examination, const struct dp_tls_report *report)
{
	char what[128];
	enum dp_speech speech = dp_speech_of(report->first, report->first_len);

	if (speech != DP_SPEAKS_AMQP)
		return dp_examination_fail_speech(examination, speech, true);
	(void)snprintf(what, sizeof(what), "%s, ", report->version);
	tell_expiry(examination, examination->subject, &report->peer, what);
	tell_expiry(examination, examination->broker->ca_file, &report->anchor, "CA: ");
	return 0;
}

int dp_examine_tls(struct dp_examination *examination)
{
	const struct deploy_broker *broker = examination->broker;
	const struct dp_tls_options options = {.host = broker->host,
		.ca_files = broker->ca_file,
		.cert_file = broker->cert_file,
		.key_file = broker->key_file,
		.greeting = DP_AMQP_GREETING,
		.greeting_len = DP_AMQP_GREETING_LEN};
	struct dp_tls_report report;

	if (!broker->uses_tls)
		return tell_plain(examination);
	tell_own(examination);
	dp_tls_probe(&report, examination->fd, &options, dp_examination_deadline(examination));
	dp_socket_watch(-1);
	(void)close(examination->fd);
	examination->fd = -1;
	if (report.fault != DP_TLS_FINE)
		return tell_fault(examination, &report);
	return tell_peer(examination, &report);
}
