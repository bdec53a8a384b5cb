/* Brokers in our own file: a list of hosts, and what stands beside it for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/config_own_value.h"

#define MAX_BROKERS 64

/* "host", "host:port", "[::1]:5672". */
static int say_host(struct dp_own *own, struct dp_said *parts, struct dp_own_spot spot,
	struct deploy_error *err)
{
	const char *text = json_string_value(spot.value), *end, *host = text, *port = NULL;
	bool is_bracketed = text[0] == '[';
	char *copy;

	end = is_bracketed ? strchr(text, ']') : strchr(text, ':');
	host += is_bracketed;
	if (is_bracketed && end && end[1] == ':')
		port = end + 2;
	else if (!is_bracketed && end)
		port = end + 1;
	if ((is_bracketed && (!end || (end[1] && !port))) || end == host ||
		(port && (!*port || strchr(port, ':')))) {
		(void)deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
			"%s is '%s', neither HOST nor HOST:PORT", spot.name, text);
		deploy_error_hint(err, "an IPv6 address stands in brackets: \"[::1]:5672\"");
		return err->code;
	}
	copy = end ? dp_xstrndup(host, (size_t)(end - host)) : dp_xstrdup(host);
	dp_said_set_text(
		&parts[DP_BROKER_HOST], copy, dp_xstrdup(spot.name), dp_own_origin(own, spot));
	free(copy);
	if (port)
		dp_said_set_text(&parts[DP_BROKER_PORT], port, dp_xasprintf("%s.port", spot.name),
			dp_own_origin(own, spot));
	return 0;
}

static int say_parts(struct dp_own *own, struct dp_said *parts, struct dp_own_spot spot,
	struct deploy_error *err)
{
	static const char *const names[] = {"host", "port", "user", "password", "tls"};
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(spot.value, key, value)
	{
		size_t part = dp_own_find_name(key, names, 5);
		struct dp_own_spot at;
		char name[64];

		if (part == 5)
			return dp_own_unknown(own, spot, key, names, 5, err);
		at = dp_own_at_key(spot.value, key, value);
		(void)snprintf(name, sizeof(name), "%s.%s", spot.name, key);
		at.name = name;
		if (part == DP_BROKER_PASSWORD)
			rc = dp_own_say(own, &parts[part], DP_KIND_SECRET, at, err);
		else if (part == DP_BROKER_TLS)
			rc = dp_own_say_tls(own, parts, at, err);
		else
			rc = dp_own_say(own, &parts[part],
				part == DP_BROKER_PORT ? DP_KIND_NUMBER : DP_KIND_TEXT, at, err);
		if (rc)
			return rc;
	}
	if (!parts[DP_BROKER_HOST].origin)
		return deploy_yaml_fail(own->doc, dp_own_place(own, spot), DEPLOY_CONFIG, err,
			"%s has no host", spot.name);
	return 0;
}

/* What stands beside brokers counts for each of them that does not say it itself. */
static void say_block(const struct dp_own *own, struct dp_said *parts)
{
	bool has_tls = parts[DP_BROKER_TLS].origin != NULL;

	for (size_t i = DP_BROKER_USER; i < DP_BROKER_PARTS; i++)
		if (i >= DP_BROKER_TLS ? !has_tls : !parts[i].origin)
			dp_said_copy(&parts[i], &own->block.parts[i]);
}

int dp_own_read_brokers(struct dp_own *own, struct deploy_error *err)
{
	static const char wants[] =
		"a list of 1 to 64: HOST, HOST:PORT or {host: HOST, port: 5672}";
	size_t count = json_array_size(own->brokers.value);

	if (count < 1 || count > MAX_BROKERS)
		return dp_own_wrong(own, own->brokers, err, wants);
	for (size_t i = 0; i < count && !err->code; i++) {
		struct dp_said *parts = dp_source_add_broker(own->source)->parts;
		struct dp_own_spot spot;
		char name[32];

		(void)snprintf(name, sizeof(name), "brokers.%zu", i + 1);
		spot = dp_own_at_item(own->brokers.value, i, name);
		if (json_string_length(spot.value) > 0)
			(void)say_host(own, parts, spot, err);
		else if (json_is_object(spot.value))
			(void)say_parts(own, parts, spot, err);
		else
			(void)dp_own_wrong(own, spot, err, "HOST, HOST:PORT or {host: HOST}");
		say_block(own, parts);
	}
	return err->code;
}

void dp_own_forget(struct dp_own *own)
{
	for (size_t i = 0; i < DP_BROKER_PARTS; i++)
		dp_said_release(&own->block.parts[i]);
}
