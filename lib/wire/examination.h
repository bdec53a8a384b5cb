/* What the steps of examining a broker share, and the steps before AMQP begins. */
#ifndef DP_EXAMINATION_H
#define DP_EXAMINATION_H

#include <stdbool.h>

#include "deploy/finding.h"
#include "wire/greeting.h"
#include "wire/socket.h"

struct dp_carrier;

struct dp_examination {
	const struct deploy_config *config;
	const struct deploy_broker *broker;
	size_t index; /* of the broker */
	const char *collective;
	deploy_finding_fn *found;
	void *arg;
	const char *check; /* the step that is being tried */
	char *subject;	   /* "host:port" */
	struct dp_addresses addresses;
	size_t chosen;		    /* index of the address that answers */
	int fd;			    /* connected to it; -1: not, or not any more */
	struct dp_carrier *carrier; /* once login was tried */
	struct deploy_error vhost;  /* why the vhost cannot be opened, learnt with the login */
};

/* The end of the time that one step may take, if it begins now. */
int64_t dp_examination_deadline(const struct dp_examination *examination);

/* Tell what the step found. text and remedy are taken over, and freed; remedy may be NULL. */
void dp_examination_tell_take(const struct dp_examination *examination, enum deploy_grade grade,
	char *text, char *remedy);

/* The same of a failure. Returns code. */
int dp_examination_fail_take(
	const struct dp_examination *examination, enum deploy_code code, char *text, char *remedy);

/* "ADVICE: plugin.rabbitmq.pool.1.KEY, or 'YAML' in YAML (FILE)". Free with free(). */
char *dp_examination_advise(const struct dp_examination *examination, const char *advice,
	const char *key, const char *yaml);

/* The peer speaks something else than it should, seen inside of TLS or before. Returns a code. */
int dp_examination_fail_speech(
	const struct dp_examination *examination, enum dp_speech speech, bool is_inside);

/* Find out what a peer speaks that was silent or hung up; speech if that is not to be found out. */
enum dp_speech dp_examination_guess(
	const struct dp_examination *examination, enum dp_speech speech);

/* Steps: each tells what it finds, and returns 0 or the code of a failure. */
int dp_examine_lookup(struct dp_examination *examination);
int dp_examine_connect(struct dp_examination *examination);
int dp_examine_tls(struct dp_examination *examination);

#endif
