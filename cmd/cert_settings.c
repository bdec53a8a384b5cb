/* Where the Puppet CA is, and who we are there. */
#include "cert.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As Puppet's own packages have it, and Debian's. */
static const char *const puppet_folders[] = {
	"/etc/puppetlabs/puppet/ssl", "/var/lib/puppet/ssl", NULL};

static char *join(const char *folder, const char *middle, const char *name)
{
	size_t size = strlen(folder) + strlen(middle) + strlen(name) + sizeof(".pem");
	char *path = out_resize(NULL, size);

	(void)snprintf(path, size, "%s%s%s.pem", folder, middle, name);
	return path;
}

static void release_files(struct cert_settings *settings)
{
	free(settings->ca_file);
	free(settings->cert_file);
	free(settings->key_file);
	settings->ca_file = settings->cert_file = settings->key_file = NULL;
}

void cert_settings_release(struct cert_settings *settings)
{
	release_files(settings);
	free(settings->url);
	*settings = (struct cert_settings){.url = NULL};
}

bool cert_settings_of_puppet(
	struct cert_settings *out, const char *const *folders, const char *certname)
{
	for (; *folders; folders++) {
		out->ca_file = join(*folders, "/certs/", "ca");
		out->cert_file = join(*folders, "/certs/", certname);
		out->key_file = join(*folders, "/private_keys/", certname);
		if (access(out->ca_file, R_OK) == 0 && access(out->cert_file, R_OK) == 0 &&
			access(out->key_file, R_OK) == 0)
			return true;
		release_files(out);
	}
	return false;
}

/* Certnames are in lower case. */
static void find_puppet(struct cert_settings *out, const char *identity)
{
	char *name = out_copy(identity);

	for (char *c = name; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (name)
		(void)cert_settings_of_puppet(out, puppet_folders, name);
	free(name);
}

static int check(const struct cert_settings *settings, const struct deploy_error *flaw,
	struct deploy_error *err)
{
	const struct {
		const char *key, *value;
	} needed[] = {{"puppet.url", settings->url}, {"puppet.ca", settings->ca_file},
		{"puppet.cert", settings->cert_file}, {"puppet.key", settings->key_file}};
	char missing[80] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].value)
			len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
				len ? ", " : "", needed[i].key);
	if (!len)
		return 0;
	if (flaw->code) {
		*err = *flaw;
		return err->code;
	}
	deploy_error_hint(err, "%s",
		"in the configuration: puppet: {url: https://HOST:8140, ca: FILE, cert: FILE, key: "
		"FILE}; see deployctl-config(5)");
	return deploy_error_set(err, DEPLOY_CONFIG,
		"the Puppet CA cannot be asked: the configuration does not say %s", missing);
}

int cert_settings_find(struct cert_settings *out, const struct ctx *ctx, const char *url,
	bool is_request, const struct deploy_error *flaw, struct deploy_error *err)
{
	const struct deploy_puppet *puppet = &ctx->config->puppet;
	bool has_files = puppet->ca_file || puppet->cert_file || puppet->key_file;

	*out = (struct cert_settings){.url = out_copy(url ? url : puppet->url),
		.ca_file = out_copy(puppet->ca_file),
		.cert_file = out_copy(puppet->cert_file),
		.key_file = out_copy(puppet->key_file)};
	if (!has_files && !is_request && !flaw->code)
		find_puppet(out, ctx->config->identity);
	out->ca = (struct deploy_ca_settings){.url = out->url,
		.ca_file = out->ca_file,
		.cert_file = out->cert_file,
		.key_file = out->key_file};
	return check(out, flaw, err);
}
