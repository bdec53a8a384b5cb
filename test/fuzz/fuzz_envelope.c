/*
 * Any bytes as a reply: the envelope, and then its body, whoever signed it. All that is said of
 * them lies within them, and what is called a reply has the parts of one.
 * Corpus: the messages of test/data/wire.txt, as bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/nodeset.h"
#include "wire/envelope.h"
#include "wire/security_psk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_slice(struct dp_slice slice, const char *bytes, size_t len)
{
	require(slice.data >= bytes && slice.len <= len);
	require(slice.data + slice.len <= bytes + len);
}

static void check_body(const char *bytes, size_t len)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_reply_body body;

	if (dp_reply_body_decode(&body, bytes, len, &err)) {
		require(err.code == DEPLOY_PROTOCOL && err.text[0] && !body.data);
		require(!strpbrk(err.text, "\r\n"));
		return;
	}
	require(err.code == DEPLOY_OK && body.statuscode >= 0);
	if (body.is_pong)
		require(!body.data && !body.statusmsg && body.statuscode == 0);
	json_decref(body.data);
	json_decref(body.statusmsg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct deploy_error err = {.code = DEPLOY_OK};
	struct dp_reply_envelope envelope;

	if (dp_envelope_decode(&envelope, bytes, size, &err) == 0) {
		require(err.code == DEPLOY_OK);
		check_slice(envelope.sender, bytes, size);
		check_slice(envelope.request_id, bytes, size);
		check_slice(envelope.body, bytes, size);
		check_slice(envelope.hash, bytes, size);
		require(deploy_identity_is_valid(envelope.sender.data, envelope.sender.len));
		(void)dp_psk_verify(envelope.hash.data, envelope.hash.len, envelope.body.data,
			envelope.body.len, "psk");
		check_body(envelope.body.data, envelope.body.len);
	} else {
		require(err.code == DEPLOY_PROTOCOL && err.text[0]);
		require(!strpbrk(err.text, "\r\n"));
	}
	check_body(bytes, size);
	return 0;
}
