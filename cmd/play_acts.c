/* Acts of a plan's steps, made as the commands make theirs, and what their outcomes mean. */
#include "play_acts.h"

#include <stdlib.h>
#include <string.h>

#include "assigned.h"
#include "assigning.h"
#include "cert.h"
#include "play_values.h"
#include "pushing.h"


/* What an act was made of, as far as its outcomes need it. */
struct deed {
	struct deed *older;
	const struct deploy_step *step;
	struct deploy_nodeset *nodes;
	struct assigning assigning; /* ASSIGN_ROLE */
	struct pushing pushing;	    /* PUSH_FACTS; given and assigned are owned */
	json_t *values;		    /* what pushing borrows from */
};

struct play_acts {
	struct ctx *ctx;
	const char *collective;
	void (*flush)(void *arg);
	void *flush_arg;
	struct deed *newest;
};

/* One act that is being made. */
struct making {
	struct play_acts *acts;
	struct deploy_act **out;
	const struct deploy_step *step;
	const json_t *values;
	struct deploy_nodeset **nodes;
	struct deed *deed;
};

struct play_acts *play_acts_new(
	struct ctx *ctx, const char *collective, void (*flush)(void *arg), void *flush_arg)
{
	struct play_acts *acts = out_resize(NULL, sizeof(*acts));

	*acts = (struct play_acts){
		.ctx = ctx, .collective = collective, .flush = flush, .flush_arg = flush_arg};
	return acts;
}

static void free_deed(struct deed *deed)
{
	deploy_nodeset_free(deed->nodes);
	assigning_release(&deed->assigning);
	json_decref(deed->pushing.given);
	json_decref(deed->pushing.assigned);
	json_decref(deed->values);
	free(deed);
}

void play_acts_free(struct play_acts *acts)
{
	struct deed *older;

	if (!acts)
		return;
	for (struct deed *deed = acts->newest; deed; deed = older) {
		older = deed->older;
		free_deed(deed);
	}
	free(acts);
}

static long long timeout_of(const struct making *making, long long usual_ms)
{
	long long said_ms = making->step->policy.timeout_ms;

	if (!said_ms)
		said_ms = making->acts->ctx->config->timeout_ms;
	return said_ms ? said_ms : usual_ms;
}

/* What earlier steps came to is in the state file from now on. */
static int read_state(const struct making *making, struct deploy_error *err)
{
	making->acts->flush(making->acts->flush_arg);
	return ctx_state(making->acts->ctx, true, err);
}

/* Puppet */

static int make_puppet_run(const struct making *making, struct deploy_error *err)
{
	const json_t *values = making->values;
	struct deploy_puppet_run_options run = {.collective = making->acts->collective,
		.ttl_s = making->acts->ctx->config->ttl_s,
		.timeout_ms = timeout_of(making, PUPPET_TIMEOUT_MS)};
	char *tags = NULL;

	if (play_words(&tags, values, "tags", ',', err) == 0 &&
		play_text(&run.environment, values, "environment", err) == 0 &&
		play_flag(&run.noop, values, "noop", err) == 0 &&
		play_flag(&run.uses_cached_catalog, values, "use_cached_catalog", err) == 0 &&
		play_time(&run.splay_ms, values, "splay", err) == 0 &&
		play_time(&run.poll_ms, values, "poll", err) == 0 &&
		play_time(&run.idle_ms, values, "idle", err) == 0 &&
		play_time(&run.start_ms, values, "start", err) == 0 &&
		play_time(&run.run_ms, values, "run", err) == 0) {
		run.tags = tags;
		(void)deploy_puppet_run_new(making->out, &run, err);
	}
	free(tags);
	return err->code;
}

/* Roles */

static int read_file(struct deploy_roles *roles, const char *file, struct deploy_error *err)
{
	const struct deploy_flaw *flaw;

	if (deploy_roles_read_file(roles, file, err) || !deploy_roles_flaw_count(roles))
		return err->code;
	flaw = deploy_roles_flaw(roles, 0);
	deploy_error_hint(err, "deployctl assign-role -f %.200s --check", file);
	return deploy_error_set(err, DEPLOY_INPUT, "%s:%u:%u: %s", flaw->file, flaw->place.line,
		flaw->place.column, flaw->text);
}

static int required(
	const char **out, const json_t *values, const char *key, struct deploy_error *err)
{
	if (play_text(out, values, key, err) == 0 && !*out)
		return deploy_error_set(err, DEPLOY_INPUT, "%s: missing", key);
	return err->code;
}

static int add_roles(
	struct deploy_roles *roles, const struct making *making, struct deploy_error *err)
{
	struct deploy_role role = {.entity = ""};
	char *entity = NULL;

	if (required(&role.collection, making->values, "collection", err) == 0 &&
		required(&role.category, making->values, "category", err) == 0 &&
		required(&role.role, making->values, "role", err) == 0)
		(void)play_words(&entity, making->values, "entity", ' ', err);
	if (entity)
		role.entity = entity;
	for (size_t i = 0; !err->code && i < deploy_nodeset_count(*making->nodes); i++) {
		role.node = deploy_nodeset_get(*making->nodes, i);
		if (deploy_roles_add(roles, &role, err))
			err->code = DEPLOY_INPUT;
	}
	free(entity);
	return err->code;
}

/* Leave what layers and cluster ask for. *whole: what all come to, NULL if all are chosen. */
static int choose(json_t **whole, struct deploy_roles *roles, const struct making *making,
	struct deploy_error *err)
{
	json_t *names = NULL, *name;
	const char *cluster = NULL;
	unsigned layers = 0;
	size_t i;

	if (play_text(&cluster, making->values, "cluster", err) ||
		play_texts(&names, making->values, "layers", err))
		return err->code;
	json_array_foreach(names, i, name)
	{
		int layer = role_layer(json_string_value(name), json_string_length(name));

		if (layer < 0)
			(void)deploy_error_set(err, DEPLOY_INPUT,
				"layers: \"%s\" is no layer: expected batch, bus, speed, serving",
				json_string_value(name));
		else
			layers |= 1u << layer;
	}
	if (layers)
		*whole = role_facts(making->acts->ctx, roles);
	if (!err->code && role_choose(roles, layers, cluster, err)) {
		err->code = DEPLOY_INPUT;
		deploy_error_wrap(err, "cluster");
	}
	json_decref(names);
	return err->code;
}

/* Nobody can be asked now: who has not been seen is none of the fleet. */
static int refuse_strangers(const struct assigning *assigning, struct deploy_error *err)
{
	struct deploy_nodeset *known, *strangers = deploy_nodeset_copy(assigning->nodes);

	if (assigning_list_known(&known, assigning, err) == 0) {
		deploy_nodeset_subtract(strangers, known);
		if (deploy_nodeset_count(strangers))
			(void)assigning_refuse(strangers, known, err);
	}
	deploy_nodeset_free(known);
	deploy_nodeset_free(strangers);
	return err->code;
}

static int assign(const struct making *making, struct deploy_roles *roles, json_t *whole,
	struct deploy_error *err)
{
	struct assigning *assigning = &making->deed->assigning;
	json_t *chosen = role_facts(making->acts->ctx, roles);

	if (!json_array_size(chosen))
		(void)deploy_error_set(err, DEPLOY_NO_NODES, "no node has a role in these layers");
	else if (assigning_begin(assigning, making->acts->ctx, whole, err) == 0 &&
		 play_text(&assigning->environment, making->values, "environment", err) == 0 &&
		 (!assigning->environment ||
			 deploy_push_check_environment(assigning->environment, err) == 0)) {
		assigning->is_from_file = making->step->file != NULL;
		assigning_settle_all(assigning, chosen);
		(void)refuse_strangers(assigning, err);
	}
	json_decref(chosen);
	return err->code;
}

static void add_nodes(struct deploy_nodeset **nodes, const struct deploy_nodeset *more)
{
	struct deploy_error ignored = {0};

	if (!*nodes)
		*nodes = deploy_nodeset_new();
	for (size_t i = 0; i < deploy_nodeset_count(more); i++)
		(void)deploy_nodeset_add(*nodes, deploy_nodeset_get(more, i), &ignored);
}

static int make_assign_role(const struct making *making, struct deploy_error *err)
{
	struct deploy_roles *roles = deploy_roles_new();
	const char *file = making->step->file;
	json_t *whole = NULL;

	if (read_state(making, err) == 0 &&
		(file ? read_file(roles, file, err) : add_roles(roles, making, err)) == 0 &&
		choose(&whole, roles, making, err) == 0 && assign(making, roles, whole, err) == 0) {
		if (file)
			add_nodes(making->nodes, making->deed->assigning.nodes);
		*making->out = deploy_act_known(making->deed->assigning.told, "changed");
	}
	json_decref(whole);
	deploy_roles_free(roles);
	return err->code;
}

/* Facts */

/* As texts; what is written as nothing is to go, what came to nothing is a mistake. */
static int read_facts(json_t **out, const struct making *making, struct deploy_error *err)
{
	json_t *facts = json_object_get(making->values, "facts"), *value, *text;
	json_t *written = json_object_get(making->step->act, "facts");
	const char *name;

	if (!facts)
		return 0;
	if (!json_is_object(facts))
		return deploy_error_set(err, DEPLOY_INPUT, "facts: expected a mapping");
	*out = json_object();
	json_object_foreach(facts, name, value)
	{
		char *number =
			json_is_number(value)
				? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))
				: NULL;

		text = number ? json_string(number) : json_incref(value);
		free(number);
		(void)json_object_set_new(*out, name, text);
		if (json_is_null(value) && !json_is_null(json_object_get(written, name)))
			return deploy_error_set(err, DEPLOY_INPUT,
				"facts: %s: %s comes to nothing, which would take the fact away",
				name, json_string_value(json_object_get(written, name)));
	}
	return 0;
}

static int read_pushing(
	const struct making *making, struct deploy_push_options *options, struct deploy_error *err)
{
	struct pushing *pushing = &making->deed->pushing;
	const json_t *values = making->values;

	if (play_text(&options->url, values, "url", err) ||
		play_text(&options->sha256, values, "sha256", err) ||
		play_text(&pushing->environment, values, "environment", err) ||
		play_time(&options->verify_ms, values, "verify", err) ||
		read_facts(&pushing->given, making, err))
		return err->code;
	if (deploy_push_check_url(NULL, options->sha256, err))
		return deploy_error_wrap(err, "sha256");
	if (options->url && deploy_push_check_url(options->url, options->sha256, err))
		return deploy_error_wrap(err, "url");
	if (options->url && pushing->given)
		return deploy_error_set(err, DEPLOY_INPUT, "facts: nodes fetch them from the url");
	pushing->fetches = options->url != NULL;
	return 0;
}

/* Who is assigned nothing can be given nothing, and must not look as if it was. */
static int read_assigned(const struct making *making, struct deploy_error *err)
{
	struct pushing *pushing = &making->deed->pushing;
	struct deploy_nodeset *without;

	if (pushing->fetches || pushing->given)
		return 0;
	if (assigned_read(&pushing->assigned, making->acts->ctx->state, *making->nodes, err))
		return err->code;
	without = pushing_unassigned(pushing, *making->nodes);
	if (deploy_nodeset_count(without))
		(void)pushing_refuse(without, err);
	deploy_nodeset_free(without);
	return err->code;
}

static int make_push_facts(const struct making *making, struct deploy_error *err)
{
	struct pushing *pushing = &making->deed->pushing;
	struct deploy_push_options options = {.collective = making->acts->collective,
		.ttl_s = making->acts->ctx->config->ttl_s,
		.timeout_ms = timeout_of(making, RPCUTIL_TIMEOUT_MS),
		.verify_ms = PUSHING_VERIFY_MS};

	if (read_state(making, err) || read_pushing(making, &options, err) ||
		read_assigned(making, err) || deploy_push_new(making->out, &options, err))
		return err->code;
	if (pushing_add(pushing, *making->out, *making->nodes, err) ||
		pushing_forget(pushing, making->acts->ctx->state, *making->nodes, err)) {
		deploy_act_free(*making->out);
		*making->out = NULL;
	}
	return err->code;
}

/* Certificates */

/* What the keys of sign_cert come to; the JSON in it is owned. */
static int read_sign(struct deploy_ca_sign_options *sign, const struct making *making,
	bool *asks_nodes, struct deploy_error *err)
{
	const json_t *values = making->values, *print, *name;
	const char *node;
	size_t i;

	if (play_flag(asks_nodes, values, "verify_node", err) ||
		play_flag(&sign->trusts_first_use, values, "trust_on_first_use", err) ||
		play_time(&sign->wait_ms, values, "wait", err) ||
		play_texts(&sign->alt_names, values, "allow_alt_names", err) ||
		play_texts(&sign->extensions, values, "allow_extensions", err))
		return err->code;
	json_array_foreach(sign->alt_names, i, name)
	{
		if (cert_check_alt_name(json_string_value(name), err)) {
			err->code = DEPLOY_INPUT;
			return deploy_error_wrap(err, "allow_alt_names");
		}
	}
	sign->fingerprints = json_incref(json_object_get(values, "fingerprints"));
	if (sign->fingerprints && !json_is_object(sign->fingerprints))
		return deploy_error_set(err, DEPLOY_INPUT, "fingerprints: expected a mapping");
	json_object_foreach(sign->fingerprints, node, print)
	{
		if (!json_string_length(print))
			return deploy_error_set(
				err, DEPLOY_INPUT, "fingerprints: %s: expected text", node);
	}
	if (!*asks_nodes && !sign->trusts_first_use && !json_object_size(sign->fingerprints))
		return deploy_error_set(err, DEPLOY_INPUT,
			"nothing says whose requests may be signed: expected verify_node, "
			"fingerprints or trust_on_first_use");
	return 0;
}

/* Keys of requests that an earlier run of ours had signed: those are signed already, and fine. */
static int find_keys(
	json_t *keys, const struct making *making, const json_t *prints, struct deploy_error *err)
{
	char key[DEPLOY_CA_FINGERPRINT];

	for (size_t i = 0; !err->code && i < deploy_nodeset_count(*making->nodes); i++) {
		const char *node = deploy_nodeset_get(*making->nodes, i);
		const char *print = json_string_value(json_object_get(prints, node));

		if (print && cert_find_key(key, making->acts->ctx->state, node, print, err))
			(void)json_object_set_new(keys, node, json_string(key));
	}
	return err->code;
}

static int make_sign_cert(const struct making *making, struct deploy_error *err)
{
	const struct deploy_ca_node_options nodes = {.collective = making->acts->collective,
		.ttl_s = making->acts->ctx->config->ttl_s,
		.timeout_ms = timeout_of(making, RPCUTIL_TIMEOUT_MS)};
	const struct deploy_error no_flaw = {.code = DEPLOY_OK};
	struct deploy_ca_sign_options sign = {.keys = json_object()};
	struct cert_settings settings = {.url = NULL};
	bool asks_nodes = false;

	if (read_sign(&sign, making, &asks_nodes, err) == 0 && read_state(making, err) == 0 &&
		find_keys(sign.keys, making, sign.fingerprints, err) == 0 &&
		cert_settings_find(&settings, making->acts->ctx, NULL, false, &no_flaw, err) == 0) {
		sign.nodes = asks_nodes ? &nodes : NULL;
		sign.poll_ms = cert_poll_ms(sign.wait_ms, CERT_POLL_MS);
		(void)deploy_ca_sign(making->out, &settings.ca, &sign, err);
		if (err->code == DEPLOY_USAGE)
			err->code = DEPLOY_INPUT;
	}
	cert_settings_release(&settings);
	json_decref(sign.keys);
	json_decref(sign.fingerprints);
	json_decref(sign.alt_names);
	json_decref(sign.extensions);
	return err->code;
}

/* All of them */

static int make(const struct making *making, struct deploy_error *err)
{
	switch (making->step->kind) {
	case DEPLOY_STEP_PUPPET_RUN:
		return make_puppet_run(making, err);
	case DEPLOY_STEP_ASSIGN_ROLE:
		return make_assign_role(making, err);
	case DEPLOY_STEP_PUSH_FACTS:
		return make_push_facts(making, err);
	case DEPLOY_STEP_SIGN_CERT:
		return make_sign_cert(making, err);
	default:
		return deploy_error_set(err, DEPLOY_BUG, "is no act");
	}
}

int play_acts_make(struct play_acts *acts, struct deploy_act **out, const struct deploy_step *step,
	json_t *values, struct deploy_nodeset **nodes, struct deploy_error *err)
{
	struct deed *deed = out_resize(NULL, sizeof(*deed));
	const struct making making = {acts, out, step, values, nodes, deed};

	*out = NULL;
	*deed = (struct deed){.older = acts->newest, .step = step, .values = json_incref(values)};
	if (make(&making, err)) {
		free_deed(deed);
		return deploy_error_wrap(err, "%s", deploy_step_kind_name(step->kind));
	}
	deed->nodes = deploy_nodeset_copy(*nodes);
	acts->newest = deed;
	return 0;
}

static struct deed *find_deed(
	const struct play_acts *acts, const struct deploy_step *step, const char *node)
{
	size_t index;

	for (struct deed *deed = acts->newest; deed; deed = deed->older)
		if (deed->step == step &&
			deploy_nodeset_find(deed->nodes, node, strlen(node), &index))
			return deed;
	return NULL;
}

int play_acts_record(struct play_acts *acts, const struct deploy_step *step,
	struct deploy_state *state, const struct deploy_event *event, struct deploy_error *err)
{
	struct deed *deed = event->node ? find_deed(acts, step, event->node) : NULL;

	if (!deed)
		return 0;
	if (step->kind == DEPLOY_STEP_ASSIGN_ROLE)
		return assigning_record(&deed->assigning, state, event, err);
	if (step->kind == DEPLOY_STEP_PUSH_FACTS)
		return pushing_record(&deed->pushing, state, event, err);
	if (step->kind == DEPLOY_STEP_SIGN_CERT)
		return cert_record(NULL, state, event, err);
	return 0;
}
