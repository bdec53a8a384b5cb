/* A TLS handshake that is looked at instead of used: what the peer shows, and what is wrong with
 * it. */
#ifndef DP_TLS_PROBE_H
#define DP_TLS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deploy/error.h"

#define DP_TLS_NAME 256 /* bytes of a subject, more are cut */

struct dp_tls_certificate {
	char subject[DP_TLS_NAME], issuer[DP_TLS_NAME]; /* "CN=broker1,O=Example"; foreign */
	char since[16], until[16];			/* "2027-01-31", UTC */
	int64_t age_s, left_s; /* since it is valid, until it expires; negative: not so */
};

enum dp_tls_fault {
	DP_TLS_FINE,
	DP_TLS_OURS,	   /* our CA, certificate or key cannot be used */
	DP_TLS_NO_TLS,	   /* the peer answers, and not with TLS: see first */
	DP_TLS_SILENT,	   /* no answer in time */
	DP_TLS_CLOSED,	   /* closed without an answer */
	DP_TLS_REFUSED,	   /* the peer ended the handshake */
	DP_TLS_EXPIRED,	   /* the certificate of faulty */
	DP_TLS_TOO_EARLY,  /* likewise */
	DP_TLS_UNTRUSTED,  /* no CA of ours signed it */
	DP_TLS_OTHER_NAME, /* it is for other names than host */
	DP_TLS_INTERRUPTED
};

struct dp_tls_report {
	enum dp_tls_fault fault;
	char why[256];		/* OpenSSL's words */
	const char *version;	/* "TLSv1.3"; NULL before the handshake is done */
	bool wants_certificate; /* the peer asked for ours */
	struct dp_tls_certificate peer, faulty;
	struct dp_tls_certificate anchor; /* the CA that vouches for the peer, if all is fine */
	char names[512];	 /* that the certificate is for: "DNS:broker1, IP:10.0.0.1" */
	unsigned char first[16]; /* what came first: before TLS, or inside of it */
	size_t first_len;
};

struct dp_tls_options {
	const char *host;
	const char *ca_files;		  /* separated by commas; NULL: nothing is verified */
	const char *cert_file, *key_file; /* NULL if there is none */
	const char *greeting;		  /* sent inside of TLS, to see what answers */
	size_t greeting_len;
};

/* Shake hands on the connected socket fd, until deadline_us. fd stays open. */
void dp_tls_probe(struct dp_tls_report *out, int fd, const struct dp_tls_options *options,
	int64_t deadline_us);

/* Read the first certificate of a PEM file. Errors: DEPLOY_CONFIG. */
int dp_tls_read_certificate(
	struct dp_tls_certificate *out, const char *file, struct deploy_error *err);

#endif
