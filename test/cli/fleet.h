/*
 * The fleet of the command line tests: which nodes there are, how each of them misbehaves, and what
 * the broker does to us. Read from a script, one statement a line; NODES are a node set, '#' in
 * column 1 begins a comment, and what a later line says of a node adds to earlier ones.
 *
 *   psk WORD                     the fleet's, default "loop-psk"
 *   node NODES [facts K=V...] [classes A,B] [agents A,B] [collectives A,B]
 *                                default: agents rpcutil,lab and collectives mcollective
 *   absent NODES                 no queue: what is mandatory comes back
 *   reply NODES BEHAVIOUR        to every action
 *   pong NODES BEHAVIOUR         to discovery
 *   clock NODES [-]TIME          their clocks are ahead of ours (-: behind); they say so, and drop
 *                                what is too old for them
 *   deploop NODES ours|replacing|adding
 *                                have the agent that gives facts: ours, or one of those published
 *   puppet NODES clean|failing|uncompiled|disabled TEXT
 *                                have the agent of Puppet, whose runs come to that; or may not run
 *   stale NODES N                the first N looks at facts show those of the script, whatever
 *                                they are by then
 *   broker refuse auth|vhost|exchange|connect
 *   broker hang                  does not answer when we connect
 *   broker mute                  takes everything and brings nothing
 *   broker blocked-after N [for TIME]
 *                                takes no more after N publishes, neither ours nor replies
 *   broker pause-after N for TIME
 *                                brings N messages, then nothing for that long, not even an echo
 *   broker lost-after N          ends the connection after N publishes and what is due by then
 *   broker lock held|forbidden   refuses locks: another has them, we may not have any
 *
 * BEHAVIOUR is one of these; several lines for one node combine those of the first group with one
 * of the second:
 *   delay TIME                   the reply comes that much later
 *   duplicate, flood N           the same reply twice, N times
 *   fail CODE TEXT               every execution; fail-first N CODE TEXT: the first N of them
 *
 *   silent                       executes and does not answer
 *   talkative                    answers also what wants no reply
 *   truncated, garbage, empty    half a message, none, no bytes at all
 *   wronghash, foreignid
 *   wrongsender NAME, badsender  somebody else, and one that is no identity
 *   nest N [envelope]            arrays in each other, in the signed body or around it
 *   length2g [envelope]          a text that claims 2 GiB, likewise
 *   huge N                       a message of N bytes
 *   nostatus, otherkind          a body without status; pong instead of a reply and vice versa
 *   escape, badutf8, collision, cycle
 *                                well signed and strange
 *   bomb N                       arrays of ten links to the next one, N levels
 */
#ifndef LOOP_FLEET_H
#define LOOP_FLEET_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "deploy/error.h"

enum loop_mischief {
	LOOP_HONEST,
	LOOP_SILENT,
	LOOP_TALKATIVE,
	LOOP_TRUNCATED,
	LOOP_GARBAGE,
	LOOP_EMPTY,
	LOOP_WRONGHASH,
	LOOP_FOREIGNID,
	LOOP_WRONGSENDER,
	LOOP_BADSENDER,
	LOOP_NEST,
	LOOP_LENGTH2G,
	LOOP_HUGE,
	LOOP_NOSTATUS,
	LOOP_OTHERKIND,
	LOOP_ESCAPE,
	LOOP_BADUTF8,
	LOOP_COLLISION,
	LOOP_CYCLE,
	LOOP_BOMB,
	LOOP_MISCHIEFS
};

struct loop_behaviour {
	enum loop_mischief mischief;
	unsigned long number; /* N of the mischief */
	bool in_envelope;
	char *name; /* whose a reply of LOOP_WRONGSENDER claims to be */
	long long delay_ms;
	unsigned long copies;	/* beside the first */
	unsigned long failures; /* executions that fail, from the first on */
	int code;
	char *message;
};

enum loop_deploop {
	LOOP_NO_DEPLOOP,
	LOOP_OURS,	/* sets a value, and says whether that changed it */
	LOOP_REPLACING, /* the older published one */
	LOOP_ADDING	/* the newer one: adds a value, unless it is found inside the text */
};

enum loop_puppet { LOOP_NO_PUPPET, LOOP_CLEAN, LOOP_FAILING, LOOP_UNCOMPILED };

enum loop_scope { LOOP_PONG, LOOP_REPLY, LOOP_SCOPES };

struct loop_node {
	char *name;
	json_t *traits; /* {"facts": {}, "classes": [], "agents": [], "collectives": []} */
	struct loop_behaviour does[LOOP_SCOPES];
	unsigned long executions;
	long long clock_ms; /* ahead of ours */
	bool is_absent;
	enum loop_deploop deploop;
	json_t *script_facts; /* shown while looks are stale; NULL: they are not */
	unsigned long stale_looks;
	enum loop_puppet puppet;
	long long puppet_lastrun;
	const char *disable_message; /* in disable_room; NULL: Puppet may run */
	char disable_room[128];
	bool has_changed; /* since its facts were written */
};

enum loop_refusal {
	LOOP_ACCEPT,
	LOOP_REFUSE_AUTH,
	LOOP_REFUSE_VHOST,
	LOOP_REFUSE_EXCHANGE,
	LOOP_REFUSE_CONNECT,
	LOOP_HANG
};

enum loop_lock { LOOP_LOCK_FREE, LOOP_LOCK_HELD, LOOP_LOCK_FORBIDDEN };

#define LOOP_NEVER (-1)

struct loop_broker {
	enum loop_refusal refusal;
	enum loop_lock lock;
	bool is_mute;
	long long blocked_after, blocked_ms; /* LOOP_NEVER: is not, does not end */
	long long pause_after, pause_ms;     /* LOOP_NEVER: does not pause */
	long long lost_after;
};

/* nodes: sorted by name. */
struct loop_fleet {
	char *psk;
	struct loop_node *nodes;
	size_t count, cap;
	struct loop_broker broker;
};

/* Errors: DEPLOY_BUG naming file and line. Release also after an error. */
int loop_fleet_load(struct loop_fleet *fleet, const char *path, struct deploy_error *err);
void loop_fleet_release(struct loop_fleet *fleet);

/*
 * What agents have done lasts longer than the program, in a file at path with a line
 * "NODE {"environment": E, "facts": {}}" for each node that has the agent deploop or puppet; with
 * the latter also "puppet": {"message": TEXT or null, "lastrun": seconds}. A file that is not there
 * is none; save writes only if something has changed. Errors: DEPLOY_BUG naming path.
 */
int loop_facts_load(struct loop_fleet *fleet, const char *path, struct deploy_error *err);
int loop_facts_save(struct loop_fleet *fleet, const char *path, struct deploy_error *err);

/* The node of that name, or NULL. */
struct loop_node *loop_fleet_find(const struct loop_fleet *fleet, const char *name);

/* True if one of the node's traits called kind ("classes", …) is word. */
bool loop_node_has(const struct loop_node *node, const char *kind, const char *word);

#endif
