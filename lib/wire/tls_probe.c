/*
 * Looking at a TLS handshake. Verification goes on after a fault, so that the certificate is seen;
 * nothing secret is ever sent on such a connection.
 */
#include "wire/tls_probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "wire/socket.h"

struct probe {
	struct dp_tls_report *out;
	const struct dp_tls_options *options;
	int fd;
	int64_t deadline_us;
	SSL_CTX *context;
	SSL *ssl;
	BIO *socket;	/* owned by ssl */
	bool has_heard; /* the peer's first bytes were looked at, and ssl reads from the socket */
};

static void print_name(char out[DP_TLS_NAME], const X509_NAME *name)
{
	BIO *memory = BIO_new(BIO_s_mem());
	int n = 0;

	if (memory) {
		(void)X509_NAME_print_ex(
			memory, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
		n = BIO_read(memory, out, DP_TLS_NAME - 1);
	}
	out[n > 0 ? n : 0] = '\0';
	(void)BIO_free(memory);
}

static void print_date(char *out, size_t size, const ASN1_TIME *time)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm) || !strftime(out, size, "%Y-%m-%d", &tm))
		(void)snprintf(out, size, "?");
}

static int64_t seconds(const ASN1_TIME *from, const ASN1_TIME *to)
{
	int days = 0, rest = 0;

	(void)ASN1_TIME_diff(&days, &rest, from, to);
	return (int64_t)days * 86400 + rest;
}

static void describe(struct dp_tls_certificate *out, const X509 *certificate)
{
	const ASN1_TIME *since = X509_get0_notBefore(certificate);
	const ASN1_TIME *until = X509_get0_notAfter(certificate);

	print_name(out->subject, X509_get_subject_name(certificate));
	print_name(out->issuer, X509_get_issuer_name(certificate));
	print_date(out->since, sizeof(out->since), since);
	print_date(out->until, sizeof(out->until), until);
	out->age_s = seconds(since, NULL);
	out->left_s = seconds(NULL, until);
}

int dp_tls_read_certificate(
	struct dp_tls_certificate *out, const char *file, struct deploy_error *err)
{
	FILE *stream = fopen(file, "r");
	X509 *certificate;

	if (!stream)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: %s", file, strerror(errno));
	certificate = PEM_read_X509(stream, NULL, NULL, NULL);
	(void)fclose(stream);
	ERR_clear_error();
	if (!certificate)
		return deploy_error_set(err, DEPLOY_CONFIG, "%s: no certificate in it", file);
	describe(out, certificate);
	X509_free(certificate);
	return 0;
}

/* The fault that is told is the first one. */
static void set_fault(struct dp_tls_report *out, enum dp_tls_fault fault, const char *why)
{
	if (out->fault != DP_TLS_FINE)
		return;
	out->fault = fault;
	(void)snprintf(out->why, sizeof(out->why), "%s", why ? why : "");
}

/* OpenSSL's words for what failed last. */
static void set_ssl_fault(struct dp_tls_report *out, enum dp_tls_fault fault)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	set_fault(out, fault, why ? why : "no reason given");
	ERR_clear_error();
}

static enum dp_tls_fault fault_of_verification(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return DP_TLS_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return DP_TLS_TOO_EARLY;
	default:
		return DP_TLS_UNTRUSTED;
	}
}

/* A reason to distrust the peer is noted, and the handshake goes on. */
static int verify(int is_good, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dp_tls_report *out = SSL_get_app_data(ssl);
	const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);

	if (is_good || out->fault != DP_TLS_FINE)
		return 1;
	set_fault(out, fault_of_verification(error), X509_verify_cert_error_string(error));
	if (certificate)
		describe(&out->faulty, certificate);
	return 1;
}

/* The peer asks for our certificate. */
static int note_wish(SSL *ssl, void *arg)
{
	struct dp_tls_report *out = arg;

	(void)ssl;
	out->wants_certificate = true;
	return 1;
}

/* Without a password OpenSSL would ask for one on the terminal. */
static int no_password(char *buf, int size, int for_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)for_writing;
	(void)arg;
	return 0;
}

/* False if a file cannot be used. */
static bool trust(struct probe *probe)
{
	const char *files = probe->options->ca_files;
	bool is_good = true;

	while (files && *files && is_good) {
		size_t len = strcspn(files, ", \t");
		char *file = dp_xstrndup(files, len);

		is_good = !len || SSL_CTX_load_verify_file(probe->context, file);
		if (!is_good)
			set_fault(probe->out, DP_TLS_OURS, file);
		free(file);
		files += len + strspn(files + len, ", \t");
	}
	return is_good;
}

static bool load_own(struct probe *probe)
{
	const struct dp_tls_options *options = probe->options;

	SSL_CTX_set_default_passwd_cb(probe->context, no_password);
	if (!options->cert_file)
		return true;
	if (!SSL_CTX_use_certificate_chain_file(probe->context, options->cert_file))
		set_fault(probe->out, DP_TLS_OURS, options->cert_file);
	else if (!SSL_CTX_use_PrivateKey_file(probe->context, options->key_file, SSL_FILETYPE_PEM))
		set_fault(probe->out, DP_TLS_OURS, options->key_file);
	return probe->out->fault == DP_TLS_FINE;
}

/* OpenSSL writes to the socket, and finds nothing to read until we have seen what came. */
static bool plug_in(struct probe *probe)
{
	BIO *nothing = BIO_new(BIO_s_mem());

	probe->socket = BIO_new_socket(probe->fd, BIO_NOCLOSE);
	if (!nothing || !probe->socket) {
		(void)BIO_free(nothing);
		(void)BIO_free(probe->socket);
		return false;
	}
	(void)BIO_set_mem_eof_return(nothing, -1);
	SSL_set_bio(probe->ssl, nothing, probe->socket);
	return true;
}

static bool set_up(struct probe *probe)
{
	SSL_CTX *context = probe->context = SSL_CTX_new(TLS_client_method());

	if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)) {
		set_ssl_fault(probe->out, DP_TLS_OURS);
		return false;
	}
	if (!trust(probe) || !load_own(probe))
		return false;
	if (probe->options->ca_files)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
	SSL_CTX_set_cert_cb(context, note_wish, probe->out);
	probe->ssl = SSL_new(context);
	if (!probe->ssl || !plug_in(probe) ||
		!SSL_set_tlsext_host_name(probe->ssl, probe->options->host)) {
		set_ssl_fault(probe->out, DP_TLS_OURS);
		return false;
	}
	SSL_set_app_data(probe->ssl, probe->out);
	return true;
}

/* What the peer says first tells whether it speaks TLS at all: a record of it begins so. */
static bool is_tls(struct probe *probe)
{
	struct dp_tls_report *out = probe->out;
	ssize_t n = recv(probe->fd, out->first, sizeof(out->first), MSG_PEEK);

	probe->has_heard = true;
	if (n <= 0) {
		set_fault(out, DP_TLS_CLOSED, n < 0 ? strerror(errno) : "");
		return false;
	}
	out->first_len = (size_t)n;
	if ((out->first[0] == 0x16 || out->first[0] == 0x15) && (n < 2 || out->first[1] == 3)) {
		out->first_len = 0;
		(void)BIO_up_ref(probe->socket);
		SSL_set0_rbio(probe->ssl, probe->socket);
		return true;
	}
	set_fault(out, DP_TLS_NO_TLS, "");
	return false;
}

/* True if the call that returned rc should be made again. */
static bool may_go_on(struct probe *probe, int rc)
{
	int error = SSL_get_error(probe->ssl, rc), waited;

	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		bool is_end =
			ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

		if (error == SSL_ERROR_SSL && !is_end)
			set_ssl_fault(probe->out, DP_TLS_REFUSED);
		else
			set_fault(probe->out, DP_TLS_CLOSED, "");
		return false;
	}
	waited = dp_socket_await(
		probe->fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, probe->deadline_us);
	if (waited) {
		set_fault(probe->out, waited == EINTR ? DP_TLS_INTERRUPTED : DP_TLS_SILENT, "");
		return false;
	}
	return error != SSL_ERROR_WANT_READ || probe->has_heard || is_tls(probe);
}

static bool shake_hands(struct probe *probe)
{
	int rc;

	while ((rc = SSL_connect(probe->ssl)) != 1)
		if (!may_go_on(probe, rc))
			return false;
	return true;
}

/* "DNS:broker1, IP:10.0.0.1", as OpenSSL prints the extension; the subject's CN if there is none.
 */
static void list_names(struct dp_tls_report *out, X509 *certificate)
{
	int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1), n = 0;
	BIO *memory = BIO_new(BIO_s_mem());

	if (at >= 0 && memory) {
		(void)X509V3_EXT_print(memory, X509_get_ext(certificate, at), 0, 0);
		n = BIO_read(memory, out->names, (int)sizeof(out->names) - 1);
	}
	out->names[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		(void)snprintf(out->names, sizeof(out->names), "%s", out->peer.subject);
	(void)BIO_free(memory);
}

/* As librabbitmq does it: an address is compared with names, and CN counts if there is no other. */
static bool is_for_host(const struct probe *probe, X509 *certificate)
{
	bool has_names = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0;
	unsigned flags = has_names ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0;

	return X509_check_host(certificate, probe->options->host, 0, flags, NULL) == 1;
}

static void look_at_peer(struct probe *probe)
{
	struct dp_tls_report *out = probe->out;
	X509 *certificate = SSL_get1_peer_certificate(probe->ssl);
	STACK_OF(X509) *chain = SSL_get0_verified_chain(probe->ssl);

	out->version = SSL_get_version(probe->ssl);
	if (certificate) {
		describe(&out->peer, certificate);
		list_names(out, certificate);
		if (probe->options->ca_files && !is_for_host(probe, certificate))
			set_fault(out, DP_TLS_OTHER_NAME, "");
	}
	X509_free(certificate);
	if (chain && sk_X509_num(chain) > 0)
		describe(&out->anchor, sk_X509_value(chain, sk_X509_num(chain) - 1));
}

/* Eight bytes tell who is there; they may come one by one, and fewer are better than none. */
static void listen_inside(struct probe *probe)
{
	struct dp_tls_report *out = probe->out;

	while (out->first_len < 8) {
		int n = SSL_read(probe->ssl, out->first + out->first_len,
			(int)(sizeof(out->first) - out->first_len));

		if (n > 0)
			out->first_len += (size_t)n;
		else if (!may_go_on(probe, n))
			break;
	}
	if (out->first_len && out->fault != DP_TLS_INTERRUPTED)
		out->fault = DP_TLS_FINE;
}

/* With TLS 1.3 the peer refuses our certificate, or the lack of it, only now. */
static void greet(struct probe *probe)
{
	int n;

	while ((n = SSL_write(probe->ssl, probe->options->greeting,
			(int)probe->options->greeting_len)) <= 0)
		if (!may_go_on(probe, n))
			return;
	listen_inside(probe);
}

void dp_tls_probe(struct dp_tls_report *out, int fd, const struct dp_tls_options *options,
	int64_t deadline_us)
{
	struct probe probe = {.out = out, .options = options, .fd = fd, .deadline_us = deadline_us};

	*out = (struct dp_tls_report){.fault = DP_TLS_FINE};
	ERR_clear_error();
	if (set_up(&probe) && shake_hands(&probe)) {
		look_at_peer(&probe);
		if (options->greeting_len && out->fault == DP_TLS_FINE)
			greet(&probe);
	}
	SSL_free(probe.ssl);
	SSL_CTX_free(probe.context);
	ERR_clear_error();
}
