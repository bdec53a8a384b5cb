/* Certnames and identities are the same thing, unless somebody has configured them to differ. */
#include "site_names.h"

#include <stdlib.h>
#include <string.h>

/* What is known of the bus. */
struct known {
	const struct deploy_nodeset *certnames;
	json_t *meant;		     /* other spelling, in small letters → certname */
	json_t *alike;		     /* certname → identity */
	struct deploy_nodeset *seen; /* certnames that are identities, too */
};

static char *in_small(const char *name, size_t len)
{
	char *small = out_resize(NULL, len + 1);

	for (size_t i = 0; i < len; i++)
		small[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	small[len] = '\0';
	return small;
}

static void add_spellings(struct known *known, const char *certname)
{
	char *whole = in_small(certname, strlen(certname));
	char *first = in_small(certname, strcspn(certname, "."));

	(void)json_object_set_new(known->meant, whole, json_string(certname));
	if (!json_object_get(known->meant, first))
		(void)json_object_set_new(known->meant, first, json_string(certname));
	free(whole);
	free(first);
}

static int take_node(void *arg, const struct deploy_node_record *node)
{
	struct known *known = arg;
	struct deploy_error ignored = {0};
	const char *name = node->identity, *certname;
	char *small;
	size_t at;

	if (!node->last_seen_us)
		return 0;
	if (deploy_nodeset_find(known->certnames, name, strlen(name), &at)) {
		(void)deploy_nodeset_add(known->seen, name, &ignored);
		return 0;
	}
	small = in_small(name, strlen(name));
	certname = json_string_value(json_object_get(known->meant, small));
	if (certname)
		(void)json_object_set_new(known->alike, certname, json_string(name));
	free(small);
	return 0;
}

void site_names_check(struct ctx *ctx, const struct deploy_nodeset *certnames)
{
	struct known known = {.certnames = certnames,
		.meant = json_object(),
		.alike = json_object(),
		.seen = deploy_nodeset_new()};
	struct deploy_error ignored = {0};
	const char *certname;
	json_t *identity;
	size_t at;

	for (size_t i = 0; i < deploy_nodeset_count(certnames); i++)
		add_spellings(&known, deploy_nodeset_get(certnames, i));
	(void)deploy_state_each_node(ctx->state, 0, take_node, &known, &ignored);
	json_object_foreach(known.alike, certname, identity)
	{
		if (deploy_nodeset_find(known.seen, certname, strlen(certname), &at))
			continue;
		out_note(ctx->out,
			"warning: the site names %s, which nobody has seen on the bus, where there "
			"is %s: a node's identity must be its certname, letter by letter",
			certname, json_string_value(identity));
	}
	json_decref(known.meant);
	json_decref(known.alike);
	deploy_nodeset_free(known.seen);
}
