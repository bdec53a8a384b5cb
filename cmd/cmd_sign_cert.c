/* deployctl sign-cert — which certificates the Puppet CA has, and having it sign or revoke them. */
#include "cert.h"
#include "completion.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {"requested", "signed", "revoked", NULL};

/* Into an array; a word is not looked at here. */
static int parse_word(void *field, const char *text, struct deploy_error *err)
{
	json_t **words = field;

	if (!*text)
		return deploy_error_set(err, DEPLOY_USAGE, "the value is empty");
	if (!*words)
		*words = json_array();
	if (json_array_append_new(*words, json_string(text)))
		return deploy_error_set(err, DEPLOY_USAGE, "the value is not UTF-8");
	return 0;
}

static int parse_alt_name(void *field, const char *text, struct deploy_error *err)
{
	if (cert_check_alt_name(text, err))
		return err->code;
	return parse_word(field, text, err);
}

static const struct opt sign_options[] = {
	OPT_FLAG(0, "list", struct cert_opts, lists,
		"show what the CA has; so it does, too, if nothing else is said"),
	OPT_CHOICE(0, "only", struct cert_opts, only, "STATE", state_names,
		"of the list only what is in this state", NULL),
	OPT_FLAG(0, "pending", struct cert_opts, is_pending, "sign all requests that there are"),
	OPT_FLAG(0, "revoke", struct cert_opts, revokes, "revoke certificates instead of signing"),
	OPT_FLAG(0, "clean", struct cert_opts, cleans,
		"revoke, and delete all that the CA has under the name: the node can ask again"),
	OPT_PARSED(0, "fingerprint", struct cert_opts, prints, "[NODE=]SHA256", parse_word, true,
		"sign only a request with this fingerprint; NODE= is needed for one of several "
		"nodes"),
	OPT_FLAG(0, "verify-node", struct cert_opts, asks_nodes,
		"sign only the request that the node itself has: it is asked, over the broker"),
	OPT_TEXT(0, "csr-path", struct cert_opts, csr_path, "PATH",
		"where nodes keep their request, with %s for the name; else Puppet's usual places"),
	OPT_FLAG(0, "trust-on-first-use", struct cert_opts, trusts_first_use,
		"sign whatever request is there under the name; with --request, take any CA"),
	OPT_PARSED(0, "allow-alt-name", struct cert_opts, alt_names, "TYPE:NAME", parse_alt_name,
		true, "a request may ask for this alternative name: DNS:web.example.net"),
	OPT_PARSED(0, "allow-extension", struct cert_opts, extensions, "NAME[=VALUE]", parse_word,
		true, "a request may ask for this authorisation: pp_auth_role=web"),
	OPT_TIME(0, "wait", struct cert_opts, wait_ms, "TIME",
		"how long requests may take to come; with --request, how long signing may take",
		"0, with --request 4m"),
	OPT_FLAG(0, "request", struct cert_opts, requests,
		"get this client a certificate of its own, into the files of the configuration"),
	OPT_TEXT(0, "certname", struct cert_opts, certname, "NAME",
		"its name in that certificate; else the identity"),
	OPT_TEXT(0, "ca-fingerprint", struct cert_opts, ca_fingerprint, "SHA256",
		"the fingerprint of the CA's certificate, if we do not have that yet"),
	OPT_TEXT(0, "ca-url", struct cert_opts, url, "URL",
		"the CA's https://HOST:PORT, instead of puppet.url of the configuration"),
	OPT_GROUP(act_options, struct cert_opts, act),
	OPT_END,
};

static const enum exit_status sign_exits[] = {EXIT_ALL_OK, EXIT_NO_NODES, EXIT_NODE_FAILED,
	EXIT_NO_ANSWER, EXIT_SOME_SILENT, EXIT_STOPPED, EXIT_REFUSED, EXIT_USAGE, EXIT_INPUT,
	EXIT_NO_INPUT, EXIT_UNREACHABLE, EXIT_OUTPUT, EXIT_AUTH, EXIT_CONFIG, EXIT_DEADLINE,
	EXIT_INT, EXIT_TERM, EXIT_LIST_END};

static const struct example sign_examples[] = {
	{"deployctl sign-cert", "what the CA has"},
	{"deployctl sign-cert --list --only signed -o name", "who has a certificate"},
	{"deployctl sign-cert web01.example.net",
		"sign it, when somebody at the terminal has compared the fingerprint"},
	{"deployctl sign-cert 'web[01-03].example.net' --verify-node --wait 5s --yes",
		"each as soon as it asks, if the node itself says that it did"},
	{"deployctl sign-cert --pending --verify-node --yes", "everybody that waits, likewise"},
	{"deployctl sign-cert web01.example.net --clean --yes",
		"nothing is left of it, and the node can ask again"},
	{"deployctl sign-cert --request --certname deployctl.example.net",
		"a certificate for this client"},
	{NULL, NULL},
};

static void sign_init(void *opts)
{
	struct cert_opts *cert = opts;

	act_opts_init(&cert->act);
	/* Who is refused is no reason to leave others waiting. */
	cert->act.rolling.policy.has_max_fail = false;
	cert->only = -1;
}

static void sign_release(void *opts)
{
	struct cert_opts *cert = opts;

	act_opts_release(&cert->act);
	json_decref(cert->prints);
	json_decref(cert->alt_names);
	json_decref(cert->extensions);
}

static int exclude_each_other(const char *a, const char *b, struct deploy_error *err)
{
	return deploy_error_set(err, DEPLOY_USAGE, "%s and %s exclude each other", a, b);
}

/* What is said of something that is not done is a mistake. */
static int check_opts(const struct cert_opts *opts, struct args args, struct deploy_error *err)
{
	const struct {
		const char *name;
		bool is_given;
	} acts[] = {{"--list", opts->lists}, {"--pending", opts->is_pending},
		{"--revoke", opts->revokes}, {"--clean", opts->cleans},
		{"--request", opts->requests}};
	const char *given = NULL;
	bool is_other = opts->lists || opts->revokes || opts->cleans;

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (acts[i].is_given && given)
			return exclude_each_other(given, acts[i].name, err);
		if (acts[i].is_given)
			given = acts[i].name;
	}
	if (opts->requests && args.count)
		return deploy_error_set(err, DEPLOY_USAGE,
			"--request is for this client: --certname instead of %s", args.values[0]);
	if ((opts->certname || opts->ca_fingerprint) && !opts->requests)
		return deploy_error_set(
			err, DEPLOY_USAGE, "--certname and --ca-fingerprint belong to --request");
	if (is_other && (opts->prints || opts->asks_nodes || opts->trusts_first_use ||
				opts->alt_names || opts->extensions || opts->wait_ms))
		return deploy_error_set(err, DEPLOY_USAGE,
			"%s goes without what is for signing: fingerprints, --verify-node, "
			"--trust-on-first-use, --allow-…, --wait",
			given);
	if (opts->asks_nodes && opts->trusts_first_use)
		return exclude_each_other("--verify-node", "--trust-on-first-use", err);
	if (opts->csr_path && !opts->asks_nodes)
		return deploy_error_set(err, DEPLOY_USAGE, "--csr-path belongs to --verify-node");
	return 0;
}

/* NODE=FINGERPRINT, or with node the fingerprint alone. */
static int add_print(json_t *prints, const char *word, const char *node, struct deploy_error *err)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : 0;
	char name[DEPLOY_MAX_IDENTITY + 1];

	if (equals && !deploy_identity_is_valid(word, len))
		return deploy_error_set(
			err, DEPLOY_USAGE, "%.80s: a fingerprint is for one node", word);
	if (!equals && !node)
		return deploy_error_set(err, DEPLOY_USAGE,
			"whose fingerprint? With several nodes --fingerprint NODE=%.120s", word);
	if (equals) {
		memcpy(name, word, len);
		name[len] = '\0';
		node = name;
		word = equals + 1;
	}
	if (json_object_get(prints, node))
		return deploy_error_set(
			err, DEPLOY_USAGE, "two fingerprints are given for %s", node);
	if (json_object_set_new(prints, node, json_string(word)))
		return deploy_error_set(
			err, DEPLOY_USAGE, "%s: the fingerprint is no SHA-256", node);
	return 0;
}

/* Fingerprints of the operands, which are nodes alone afterwards. */
static int take_operands(struct cert *cert, struct args args, struct deploy_error *err)
{
	for (int i = 0; i < args.count; i++) {
		char *equals = strchr(args.values[i], '=');

		if (equals && (cert->opts->lists || cert->opts->revokes || cert->opts->cleans))
			return deploy_error_set(err, DEPLOY_USAGE,
				"%.80s: fingerprints are for signing", args.values[i]);
		if (equals && add_print(cert->prints, args.values[i], NULL, err))
			return err->code;
		if (equals)
			*equals = '\0';
	}
	return 0;
}

static int take_prints(struct cert *cert, struct deploy_error *err)
{
	const struct deploy_nodeset *nodes = target_nodes(&cert->opts->act.target);
	bool is_one = nodes && deploy_nodeset_count(nodes) == 1;
	const json_t *word;
	size_t i;

	json_array_foreach(cert->opts->prints, i, word)
	{
		if (add_print(cert->prints, json_string_value(word),
			    is_one ? deploy_nodeset_get(nodes, 0) : NULL, err))
			return err->code;
	}
	return 0;
}

static bool is_about_nodes(const struct cert_opts *opts, struct args args)
{
	return args.count || opts->act.all || target_is_filtered(&opts->act.target) ||
	       opts->revokes || opts->cleans;
}

/* Names or a filter, except where everything is meant that the CA has. */
static int settle(
	struct cert *cert, struct cert_opts *opts, struct args args, struct deploy_error *err)
{
	const struct target_opts *target = &opts->act.target;

	rolling_opts_expect(&opts->act.rolling, cert->ctx->config, RPCUTIL_TIMEOUT_MS);
	if (opts->is_pending || opts->requests) {
		if (args.count || opts->act.all || !deploy_filter_is_empty(&target->filter) ||
			target->list_path || target->retry)
			return deploy_error_set(err, DEPLOY_USAGE,
				"--pending is all that wait, and --request nobody: no nodes beside "
				"them but those of --exclude");
		if (target_settle(&opts->act.target, cert->ctx, err))
			return err->code;
		return rolling_opts_finish(&opts->act.rolling, cert->ctx->config, err);
	}
	if (!is_about_nodes(opts, args)) {
		opts->lists = true;
		return 0;
	}
	if (take_operands(cert, args, err) || act_settle(&opts->act, cert->ctx, args, err))
		return err->code;
	return take_prints(cert, err);
}

/* Nodes are found over the bus unless they are named, and only then is its configuration needed. */
static int find_nodes(struct cert *cert, struct deploy_error *err)
{
	const struct cert_opts *opts = cert->opts;
	bool must_find = opts->act.all || target_is_filtered(&opts->act.target);

	if (opts->asks_nodes || (must_find && !opts->is_pending && !opts->requests &&
					!target_nodes(&opts->act.target)))
		if (ctx_open_secrets(cert->ctx, err))
			return err->code;
	if (!must_find || opts->is_pending || opts->requests)
		return 0;
	return act_find(&cert->nodes, cert->ctx, &opts->act, NULL, err);
}

static int go(struct cert *cert, struct deploy_error *err)
{
	const struct cert_opts *opts = cert->opts;

	if (find_nodes(cert, err) || cert_settings_find(&cert->settings, cert->ctx, opts->url,
					     opts->requests, &cert->flaw, err))
		return (int)exit_of_error(err->code);
	if (opts->requests)
		return cert_request(cert, err);
	/* Also before an act: whether we are let in is known before anything is begun. */
	if (deploy_ca_list(&cert->list, &cert->settings.ca, cert->ctx->signal_fd, err))
		return (int)exit_of_error(err->code);
	return opts->lists ? cert_show(cert, err) : cert_act(cert, err);
}

/* That there is no broker matters only where nodes are asked. */
static int sign_main(struct ctx *ctx, void *opts, struct args args, struct deploy_error *err)
{
	struct cert_opts *options = opts;
	struct cert cert = {.ctx = ctx, .opts = options, .flaw = *err, .prints = json_object()};
	int status;

	*err = (struct deploy_error){0};
	if (check_opts(options, args, err) || settle(&cert, options, args, err))
		status = (int)exit_of_error(err->code);
	else
		status = go(&cert, err);
	cert_settings_release(&cert.settings);
	deploy_ca_list_free(cert.list);
	deploy_nodeset_free(cert.nodes);
	json_decref(cert.prints);
	return status;
}

const struct command cmd_sign_cert = {
	.name = "sign-cert",
	.group = "act",
	.summary = "list, sign and revoke certificates of nodes",
	.operands = "[NODE[=FINGERPRINT]...]",
	.description =
		"Asks the Puppet CA, over its HTTPS API, which requests and certificates it has, "
		"and has it sign the requests of NODE, a name or a node set; --revoke and --clean "
		"take certificates back. What is as wanted already is left alone. Where the CA "
		"is, and with which certificate we come, says puppet of the configuration; if "
		"that names no files, those of the Puppet agent on this host are used.\n\n"
		"Anybody can send a request in anybody's name, so it must be known which one is "
		"meant: by the fingerprint that the node shows (puppet agent --fingerprint), by "
		"--verify-node, or by somebody at the terminal who compares "
		"what is shown. --verify-node asks the node over the broker for the file that its "
		"request is in, by rpcutil's get_data and the data plugin fstat; puppet deletes "
		"that file when it has the certificate. --yes alone is refused. So is a request "
		"for other names or for authorisations, unless they are allowed. When the CA has "
		"signed, the certificate's key is compared with that of the request, and if it is "
		"another one it is revoked.\n\n"
		"--request makes a key, if there is none, and a request for this client, and "
		"waits until somebody has signed it; the fingerprint to compare is printed "
		"meanwhile. The CA itself is known by --ca-fingerprint, or by the file that is "
		"there already.",
	.min_args = 0,
	.max_args = ARGS_ANY,
	.options = sign_options,
	.opts_size = sizeof(struct cert_opts),
	.opts_init = sign_init,
	.opts_release = sign_release,
	.needs = NEED_SETTINGS | NEED_BROKER,
	.complete = complete_nodes,
	.exits = sign_exits,
	.examples = sign_examples,
	.main = sign_main,
};
