/* The list of a CA: what a real one sends, what is not believed, and waiting for it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "puppet/ca.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PRINT                                                                                      \
	"\"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:"   \
	"CC:DD:EE:FF\""
#define ENTRY(name) "{\"name\":\"" name "\",\"state\":\"signed\",\"fingerprint\":" PRINT "}"

static void assert_json(const char *expected, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(expected, text);
	free(text);
}

static void a_real_list_is_read_and_sorted(void **state)
{
	FILE *in = fopen("test/data/puppet/list.json", "r");
	struct deploy_error err = {.code = DEPLOY_OK};
	const struct deploy_ca_entry *web3, *ctl;
	struct deploy_ca_list *list;
	struct dp_buf body;

	(void)state;
	assert_non_null(in);
	dp_buf_init(&body, 1 << 20);
	assert_int_equal(0, dp_buf_read(&body, fileno(in)));
	(void)fclose(in);
	assert_int_equal(0, dp_ca_list_parse(&list, body.data, body.len, &err));
	for (size_t i = 1; i < list->count; i++)
		assert_true(strcmp(list->entries[i - 1].name, list->entries[i].name) < 0);
	web3 = deploy_ca_list_find(list, "web3");
	assert_non_null(web3);
	assert_int_equal(DEPLOY_CA_SIGNED, web3->state);
	assert_string_equal("2031-11-20T10:38:45UTC", web3->not_after);
	assert_json("[\"DNS:web3\"]", web3->alt_names);
	assert_json("{\"pp_auth_role\":\"webmaster\"}", web3->extensions);
	ctl = deploy_ca_list_find(list, "localhost");
	assert_non_null(ctl);
	assert_json("{\"pp_cli_auth\":\"true\"}", ctl->extensions);
	assert_null(deploy_ca_list_find(list, "web"));
	deploy_ca_list_free(list);
	dp_buf_release(&body);
}

static void entry(const char *body, const char *said)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ca_entry entry;

	assert_int_equal(
		DEPLOY_PROTOCOL, dp_ca_entry_parse(&entry, "web1", body, strlen(body), &err));
	if (!strstr(err.text, said))
		fail_msg("\"%s\" does not hold \"%s\"", err.text, said);
	assert_null(entry.name);
	assert_null(entry.alt_names);
}

static void what_is_no_entry_is_refused_by_name(void **state)
{
#define PART(more) "{\"name\":\"web1\",\"state\":\"signed\",\"fingerprint\":" PRINT "," more "}"
	static const struct {
		const char *body, *said;
	} cases[] = {
		{"", "no JSON"},
		{"[", "no JSON"},
		{"[]", "\"name\" is no certname"},
		{"5", "no JSON"},
		{"{}", "\"name\" is no certname"},
		{"{\"name\":\"web1\",\"name\":\"web1\"}", "no JSON, from line 1 column"},
		{"{\"name\":\"../web1\"}", "\"name\" is no certname"},
		{"{\"name\":\"web1\\u0000x\"}", "no JSON"},
		{ENTRY("web2"), "about another name"},
		{"{\"name\":\"web1\",\"state\":\"fine\"}", "web1: the CA's answer: \"state\""},
		{"{\"name\":\"web1\",\"state\":1}", "\"state\" is none that there is"},
		{"{\"name\":\"web1\",\"state\":\"signed\"}", "\"fingerprint\" is no SHA-256"},
		{"{\"name\":\"web1\",\"state\":\"signed\",\"fingerprint\":\"AB:CD\"}",
			"\"fingerprint\" is no SHA-256"},
		{PART("\"fingerprints\":{\"SHA256\":7}"), "\"fingerprint\" is no SHA-256"},
		{PART("\"subject_alt_names\":{}"), "\"subject_alt_names\" is no array"},
		{PART("\"subject_alt_names\":[7]"), "does not hold texts"},
		{PART("\"authorization_extensions\":[]"), "is no object"},
		{PART("\"authorization_extensions\":{\"a\":[]}"), "does not hold texts"},
		{PART("\"not_after\":7"), "\"not_after\" is no time"},
		{PART("\"not_after\":\"2031\\u001b[2J\""), "\"not_after\" is no time"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		entry(cases[i].body, cases[i].said);
}

static void foreign_text_is_escaped_and_addresses_are_as_ours(void **state)
{
	static const char body[] = PART("\"dns_alt_names\":[\"DNS:\\u001b[2J\","
					"\"IP:0:0:0:0:0:0:0:1\",\"IP:10.0.0.1\"],"
					"\"authorization_extensions\":{\"a\\n\":\"\\u202e\"}");
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_ca_entry entry;

	(void)state;
	assert_int_equal(0, dp_ca_entry_parse(&entry, "web1", body, sizeof(body) - 1, &err));
	assert_json("[\"DNS:\\\\e[2J\",\"IP:::1\",\"IP:10.0.0.1\"]", entry.alt_names);
	assert_json("{\"a\\\\n\":\"\\\\u202e\"}", entry.extensions);
	assert_null(entry.not_after);
	dp_ca_entry_release(&entry);
}

static void a_list_holds_entries_and_each_name_once(void **state)
{
	static const struct {
		const char *body, *said;
	} cases[] = {
		{"{}", "the CA's answer: no array"},
		{"[7]", "\"name\" is no certname"},
		{"[" ENTRY("web1") "," ENTRY("web0") "," ENTRY("web1") "]",
			"web1: the CA's answer: a name is twice in the list"},
		{"[" ENTRY("web1") ",{}," ENTRY("web2") "]", "\"name\" is no certname"},
	};
	struct deploy_ca_list *list;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(DEPLOY_PROTOCOL,
			dp_ca_list_parse(&list, cases[i].body, strlen(cases[i].body), &err));
		assert_null(list);
		assert_non_null(strstr(err.text, cases[i].said));
	}
	assert_int_equal(0, dp_ca_list_parse(&list, "[]", 2, &(struct deploy_error){0}));
	assert_int_equal(0, list->count);
	assert_null(deploy_ca_list_find(list, "web1"));
	deploy_ca_list_free(list);
}

static void waiting_ends_with_a_signal_that_says_so(void **state)
{
	static const unsigned char signals[] = {SIGUSR1, SIGINT};
	struct deploy_error err = {.code = DEPLOY_OK};
	int fds[2];

	(void)state;
	assert_int_equal(0, pipe(fds));
	assert_int_equal(1, write(fds[1], signals, 1));
	assert_int_equal(0, dp_ca_pause(fds[0], 1, &err));
	assert_int_equal(0, dp_ca_pause(-1, 1, &err));
	assert_int_equal(2, write(fds[1], signals, 2));
	assert_int_equal(DEPLOY_INTERRUPTED, dp_ca_pause(fds[0], 600000, &err));
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_list_is_read_and_sorted),
		cmocka_unit_test(what_is_no_entry_is_refused_by_name),
		cmocka_unit_test(foreign_text_is_escaped_and_addresses_are_as_ours),
		cmocka_unit_test(a_list_holds_entries_and_each_name_once),
		cmocka_unit_test(waiting_ends_with_a_signal_that_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
