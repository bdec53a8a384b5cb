/*
 * Cluster files: which roles they come to, and each thing that can be wrong in them, told with its
 * pointer and place; and sets of roles that are added one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "deploy/cluster.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HEAD	     "buildoop_repository: http://p\nenvironment_cluster: c\ncluster_layout:\n  name: ns\n"
#define BUS	     HEAD "  bus: {name: k, worker: [{hostname: a}]}\n"

static const char *const x_names[] = {"x_collection", "x_category", "x_role", "x_entity"};
static const char *const usual_names[] = {
	"deploop_collection", "deploop_category", "deploop_role", "deploop_entity"};

static struct deploy_roles *read_more(
	struct deploy_roles *roles, const char *name, const char *text, size_t len)
{
	struct deploy_error err = {.code = DEPLOY_OK};

	if (deploy_roles_read(roles, name, text, len, &err))
		fail_msg("refused: %s\n%.300s", err.text, text);
	assert_int_equal(DEPLOY_OK, err.code);
	return roles;
}

static struct deploy_roles *read_text(const char *text)
{
	return read_more(deploy_roles_new(), "t", text, strlen(text));
}

static struct deploy_roles *read_file(const char *path)
{
	struct deploy_error err = {.code = DEPLOY_OK};
	struct deploy_roles *roles = deploy_roles_new();

	if (deploy_roles_read_file(roles, path, &err))
		fail_msg("%s", err.text);
	return roles;
}

static void expect_no_flaw(const struct deploy_roles *roles)
{
	if (deploy_roles_flaw_count(roles))
		fail_msg("%s: %s", deploy_roles_flaw(roles, 0)->pointer,
			deploy_roles_flaw(roles, 0)->text);
}

/* Rows as lines "node layer collection category role entity". */
static void expect_rows(const struct deploy_roles *roles, const char *expected)
{
	char got[4096] = "";
	size_t len = 0;

	expect_no_flaw(roles);
	for (size_t i = 0; i < deploy_roles_count(roles); i++) {
		const struct deploy_role *role = deploy_roles_get(roles, i);

		len += (size_t)snprintf(got + len, sizeof(got) - len, "%s %s %s %s %s (%s)\n",
			role->node, deploy_layer_name(role->layer), role->collection,
			role->category, role->role, role->entity);
		assert_true(len < sizeof(got));
	}
	assert_string_equal(expected, got);
}

static void expect_facts(const struct deploy_roles *roles, const char *expected)
{
	json_t *facts = deploy_roles_facts(roles, x_names);
	char *got = json_dumps(facts, JSON_COMPACT);

	assert_string_equal(expected, got);
	free(got);
	json_decref(facts);
}

/* "line:column pointer: text" of a flaw. */
static void expect_flaw(const struct deploy_roles *roles, size_t index, const char *expected)
{
	const struct deploy_flaw *flaw;
	char got[2048];

	assert_true(index < deploy_roles_flaw_count(roles));
	flaw = deploy_roles_flaw(roles, index);
	(void)snprintf(got, sizeof(got), "%u:%u %s: %s", flaw->place.line, flaw->place.column,
		flaw->pointer, flaw->text);
	assert_string_equal(expected, got);
}

static void four_layers_come_in_their_order_and_hosts_as_they_stand(void **state)
{
	struct deploy_roles *roles = read_file("examples/clusters/preview.json");

	(void)state;
	expect_rows(roles, "nn1.example.net batch preview batch nn1 (hdfs)\n"
			   "nn2.example.net batch preview batch nn2 (hdfs)\n"
			   "rm1.example.net batch preview batch rm (yarn)\n"
			   "dn1.example.net batch preview batch dn (hdfs yarn)\n"
			   "dn2.example.net batch preview batch dn (hdfs yarn)\n"
			   "dn3.example.net batch preview batch dn (hdfs yarn)\n"
			   "dn4.example.net batch preview batch dn (hdfs yarn)\n"
			   "kafka1.example.net bus preview bus kafka-worker ()\n"
			   "kafka2.example.net bus preview bus kafka-worker ()\n"
			   "kafka3.example.net bus preview bus kafka-worker ()\n"
			   "storm1.example.net speed preview speed storm-master (nimbus)\n"
			   "storm2.example.net speed preview speed storm-worker ()\n"
			   "storm3.example.net speed preview speed storm-worker ()\n"
			   "dn1.example.net serving preview serving hbase-master (hdfs)\n"
			   "dn2.example.net serving preview serving hbase-worker ()\n"
			   "dn3.example.net serving preview serving hbase-worker ()\n");
	assert_string_equal("/cluster_layout/batch/dn/0", deploy_roles_get(roles, 3)->pointer);
	assert_string_equal("examples/clusters/preview.json", deploy_roles_get(roles, 3)->file);
	deploy_roles_free(roles);
}

static void a_host_in_two_layers_gets_the_union_of_its_words(void **state)
{
	struct deploy_roles *roles = read_file("examples/clusters/preview.json");
	json_t *facts = deploy_roles_facts(roles, usual_names), *dn1 = json_array_get(facts, 3);
	json_t *expected = json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "node", "dn1.example.net",
		"facts", "deploop_collection", "preview", "deploop_category", "batch serving",
		"deploop_role", "dn hbase-master", "deploop_entity", "hdfs yarn");

	(void)state;
	assert_int_equal(13, json_array_size(facts));
	assert_true(json_equal(expected, dn1));
	json_decref(expected);
	json_decref(facts);
	deploy_roles_free(roles);
}

static void plain_keys_stand_for_composite_ones_and_layers_may_be_missing(void **state)
{
	struct deploy_roles *roles = read_file("examples/clusters/lab.yaml");

	(void)state;
	expect_rows(roles, "lab1.example.net bus lab bus kafka-worker (blue)\n"
			   "lab1.example.net speed lab speed storm-master ()\n"
			   "lab2.example.net speed lab speed storm-worker ()\n"
			   "lab3.example.net speed lab speed storm-worker (blue green)\n");
	deploy_roles_free(roles);
}

static void what_one_layer_says_can_be_kept_alone(void **state)
{
	struct deploy_roles *roles = read_file("examples/clusters/lab.yaml");

	(void)state;
	deploy_roles_keep(roles, 1u << DEPLOY_LAYER_SPEED, NULL);
	expect_facts(roles, "[{\"node\":\"lab1.example.net\",\"facts\":{\"x_collection\":\"lab\","
			    "\"x_category\":\"speed\",\"x_role\":\"storm-master\"}},"
			    "{\"node\":\"lab2.example.net\",\"facts\":{\"x_collection\":\"lab\","
			    "\"x_category\":\"speed\",\"x_role\":\"storm-worker\"}},"
			    "{\"node\":\"lab3.example.net\",\"facts\":{\"x_collection\":\"lab\","
			    "\"x_category\":\"speed\",\"x_role\":\"storm-worker\","
			    "\"x_entity\":\"blue green\"}}]");
	deploy_roles_keep(roles, ~0u, "other");
	assert_int_equal(0, deploy_roles_count(roles));
	expect_facts(roles, "[]");
	deploy_roles_free(roles);
}

static void order_within_batch_is_that_of_the_file(void **state)
{
	struct deploy_roles *roles = read_text(
		HEAD "  batch: {dn: [{hostname: d}], rm: {hostname: r}, nn2: {hostname: b},"
		     " nn1: {hostname: a, entity: [x, x]}}\n");

	(void)state;
	expect_rows(roles, "d batch c batch dn ()\nr batch c batch rm ()\n"
			   "b batch c batch nn2 ()\na batch c batch nn1 (x)\n");
	deploy_roles_free(roles);
}

#define CHARS10 "aaaaaaaaaa"
#define CHARS50 CHARS10 CHARS10 CHARS10 CHARS10 CHARS10

static void each_flaw_is_told_alone(void **state)
{
	static const struct {
		const char *text, *flaw;
	} cases[] = {
		{"", "1:1 : expected a mapping, found nothing"},
		{"a", "1:1 : expected a mapping, found text"},
		{"[]", "1:1 : expected a mapping, found a list"},
		{"environment_cluster: c\ncluster_layout: {name: n, bus: {name: k, worker: "
		 "[{hostname: a}]}}",
			"1:1 /buildoop_repository: missing"},
		{BUS "x/~: 1", "6:1 /x~1~0: unknown key"},
		{BUS "environment_brnch: 1",
			"6:1 /environment_brnch: unknown key; did you mean environment_branch?"},
		{BUS "environment_path: ''",
			"6:19 /environment_path: expected a path, found empty text"},
		{BUS "environment_path: 7",
			"6:19 /environment_path: expected a path, found a number; quote it"},
		{BUS "environment_path:", "6:18 /environment_path: expected a path, found nothing"},
		{BUS "environment_branch: -d", "6:21 /environment_branch: \"-d\" cannot name a "
					       "branch: no blanks, no - in front"},
		{BUS "environment_branch: a b", "6:21 /environment_branch: \"a b\" cannot name a "
						"branch: no blanks, no - in front"},
		{HEAD, "4:3 /cluster_layout: expected at least one layer: batch, bus, speed, "
		       "serving"},
		{HEAD "  buss: 1\n  bus: {name: k, worker: [{hostname: a}]}",
			"5:3 /cluster_layout/buss: unknown key; did you mean bus?"},
		{HEAD "  bus: 4", "5:8 /cluster_layout/bus: expected a mapping, found a number"},
		{HEAD "  bus: {worker: [{hostname: a}]}", "5:8 /cluster_layout/bus/name: missing"},
		{HEAD "  bus: {k-worker: [{hostname: a}]}",
			"5:8 /cluster_layout/bus/name: missing"},
		{HEAD "  bus: {name: k}", "5:8 /cluster_layout/bus/k-worker: missing"},
		{HEAD "  bus: {name: a b, worker: [{hostname: a}]}",
			"5:15 /cluster_layout/bus/name: \"a b\" cannot be a part of a role: "
			"expected 1 to 93 of A-Z a-z 0-9 _ . : / -"},
		{HEAD "  bus: {name: k, worker: []}",
			"5:26 /cluster_layout/bus/worker: expected at least one host"},
		{HEAD "  bus: {name: k, worker: {hostname: a}}",
			"5:26 /cluster_layout/bus/worker: expected a list of hosts, found a "
			"mapping"},
		{HEAD "  bus: {name: k, worker: [{hostname: a}], k-master: {hostname: b}}",
			"5:43 /cluster_layout/bus/k-master: unknown key"},
		{HEAD "  bus: {name: k, worker: [{hostname: a}], k-worker: [{hostname: b}]}",
			"5:53 /cluster_layout/bus/k-worker: the same as worker, which is there "
			"too"},
		{HEAD "  speed: {name: s, worker: [{hostname: a}], master: [{hostname: b}]}",
			"5:53 /cluster_layout/speed/master: expected a mapping, found a list"},
		{HEAD "  serving: {name: s, worker: [{hostname: a}]}",
			"5:12 /cluster_layout/serving/s-master: missing"},
		{HEAD "  batch: {nn1: {hostname: a}, rm: {hostname: b}, dn: [{hostname: d}]}",
			"5:10 /cluster_layout/batch/nn2: missing"},
		{HEAD "  bus: {name: k, worker: [{}]}",
			"5:27 /cluster_layout/bus/worker/0/hostname: missing"},
		{HEAD "  bus: {name: k, worker: [{hostname: 7}]}",
			"5:38 /cluster_layout/bus/worker/0/hostname: expected the identity of a "
			"node, found a number; quote it"},
		{HEAD "  bus: {name: k, worker: [{hostname: \"a\\e\"}]}",
			"5:38 /cluster_layout/bus/worker/0/hostname: \"a\\e\" cannot be a node's "
			"identity: expected 1 to 255 of A-Z a-z 0-9 _ . -"},
		{HEAD "  bus: {name: k, worker: [{hostname: a, entity: x}]}",
			"5:49 /cluster_layout/bus/worker/0/entity: expected a list of texts, found "
			"text"},
		{HEAD "  bus: {name: k, worker: [{hostname: a, entity: [x, '']}]}",
			"5:53 /cluster_layout/bus/worker/0/entity/1: expected text, found empty "
			"text"},
		{HEAD "  bus: {name: k, worker: [{hostname: a, entity: [x y]}]}",
			"5:50 /cluster_layout/bus/worker/0/entity/0: \"x y\" is refused by nodes: "
			"expected 1 to 100 of A-Z a-z 0-9 _ . : / -"},
		{HEAD "  bus: {name: k, worker: [{hostname: a, entity: [" CHARS50 ", " CHARS50
		      "]}, {hostname: b, entity: [" CHARS50 ", b" CHARS50 "]}]}",
			"5:178 /cluster_layout/bus/worker/1/entity: longer than 100 bytes in all; "
			"nodes refuse that"},
		{HEAD "  bus: {name: k, worker: [{hostname: a}, {hostname: a}]}",
			"5:53 /cluster_layout/bus/worker/1/hostname: a is in this layer already: "
			"/cluster_layout/bus/worker/0"},
		{HEAD "  speed: {name: s, worker: [{hostname: a}], master: {hostname: a}}",
			"5:64 /cluster_layout/speed/master/hostname: a is in this layer already: "
			"/cluster_layout/speed/worker/0"},
		{HEAD "  bus: {name: k, worker: [{hostname: a}, {hostname: a.x}]}",
			"5:53 /cluster_layout/bus/worker/1/hostname: the same host as a of t "
			"(/cluster_layout/bus/worker/0); use one name"},
		{HEAD "  bus: {name: k, worker: [{hostname: a.x}, {hostname: A}]}",
			"5:55 /cluster_layout/bus/worker/1/hostname: the same host as a.x of t "
			"(/cluster_layout/bus/worker/0); use one name"},
		{HEAD "  bus: {name: k, worker: [{hostname: a.x}, {hostname: A.x}]}",
			"5:55 /cluster_layout/bus/worker/1/hostname: the same host as a.x of t "
			"(/cluster_layout/bus/worker/0); use one name"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_roles *roles = read_text(cases[i].text);

		expect_flaw(roles, 0, cases[i].flaw);
		if (deploy_roles_flaw_count(roles) != 1)
			fail_msg("%s\nand: %s", cases[i].text, deploy_roles_flaw(roles, 1)->text);
		deploy_roles_free(roles);
	}
}

/* So that NAME-worker has a hundred bytes at most. */
static void the_name_of_a_layer_has_93_bytes_at_most(void **state)
{
	static const char format[] = HEAD "  bus: {name: " CHARS50 CHARS10 CHARS10 CHARS10 CHARS10
					  "%s, worker: [{hostname: a}]}";
	char text[512];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct deploy_roles *roles;

		(void)snprintf(text, sizeof(text), format, i ? "bbbb" : "bbb");
		roles = read_text(text);
		assert_int_equal(i, deploy_roles_flaw_count(roles));
		if (i)
			assert_string_equal(
				"/cluster_layout/bus/name", deploy_roles_flaw(roles, 0)->pointer);
		deploy_roles_free(roles);
	}
}

static void names_of_clusters_and_uris_are_judged(void **state)
{
	static const struct {
		const char *key, *value;
		bool is_valid;
	} cases[] = {
		{"environment_cluster", "production", true},
		{"environment_cluster", "7a_b.c-d", true},
		{"environment_cluster", CHARS50, true},
		{"environment_cluster", CHARS50 "a", false},
		{"environment_cluster", ".a", false},
		{"environment_cluster", "..", false},
		{"environment_cluster", "-a", false},
		{"environment_cluster", "_a", false},
		{"environment_cluster", "a/b", false},
		{"environment_cluster", "a b", false},
		{"environment_cluster", "a:b", false},
		{"environment_cluster", "ä", false},
		{"environment_cluster", "", false},
		{"buildoop_repository", "http://a", true},
		{"buildoop_repository", "file:///srv/x", true},
		{"buildoop_repository", "urn:x", true},
		{"buildoop_repository", "http:", false},
		{"buildoop_repository", "packages", false},
		{"buildoop_repository", ":x", false},
		{"buildoop_repository", "7a:x", false},
		{"buildoop_repository", "http://a b", false},
		{"buildoop_repository", "http://a\\n", false},
		{"buildoop_repository", "http://ä", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool is_name = cases[i].key[0] == 'e';
		struct deploy_roles *roles;
		char text[512];

		(void)snprintf(text, sizeof(text),
			"%s: \"%s\"\n%s\ncluster_layout: {name: n, bus: {name: k, worker: "
			"[{hostname: a}]}}",
			cases[i].key, cases[i].value,
			is_name ? "buildoop_repository: http://a" : "environment_cluster: c");
		roles = read_text(text);
		if ((deploy_roles_flaw_count(roles) == 0) != cases[i].is_valid)
			fail_msg("%s: %s", cases[i].key, cases[i].value);
		deploy_roles_free(roles);
	}
}

static void everything_wrong_is_told_at_once(void **state)
{
	struct deploy_roles *roles = read_file("test/data/cluster_bad.yaml");
	static const char *const pointers[] = {"/buildoop_repository", "/buildoop_repositry",
		"/environment_cluster", "/environment_branch", "/cluster_layout/name",
		"/cluster_layout/batch/nn1/entity/0", "/cluster_layout/batch/nn1/entity/1",
		"/cluster_layout/batch/nn2/hostname", "/cluster_layout/batch/rm/hostname",
		"/cluster_layout/batch/dn/0/hostname", "/cluster_layout/batch/dn/1",
		"/cluster_layout/batch/dn/2/hostname", "/cluster_layout/batch/dn/3/hostname",
		"/cluster_layout/batch/dn/3/hostnam", "/cluster_layout/bus/kafka-master",
		"/cluster_layout/bus/kafka-worker/0/hostname", "/cluster_layout/speed/name",
		"/cluster_layout/speed/nam", "/cluster_layout/speed/storm-worker",
		"/cluster_layout/speed/storm-master/hostname",
		"/cluster_layout/speed/storm-master/entity", "/cluster_layout/speed/worker",
		"/cluster_layout/speed/worker", "/cluster_layout/serving"};

	(void)state;
	assert_int_equal(COUNT(pointers), deploy_roles_flaw_count(roles));
	for (size_t i = 0; i < COUNT(pointers); i++) {
		assert_string_equal(pointers[i], deploy_roles_flaw(roles, i)->pointer);
		assert_true(deploy_roles_flaw(roles, i)->place.line > 0);
	}
	deploy_roles_free(roles);
}

static void a_host_has_one_file_and_a_cluster_too(void **state)
{
	struct deploy_roles *roles = read_text(BUS);
	static const char other[] = "buildoop_repository: http://p\nenvironment_cluster: d\n"
				    "cluster_layout: {name: n, bus: {name: k, worker: "
				    "[{hostname: b}, {hostname: a}, {hostname: a.x}]}}\n";

	(void)state;
	(void)read_more(roles, "u", other, strlen(other));
	assert_int_equal(2, deploy_roles_flaw_count(roles));
	expect_flaw(roles, 0,
		"3:77 /cluster_layout/bus/worker/1/hostname: a is in t as well "
		"(/cluster_layout/bus/worker/0)");
	expect_flaw(roles, 1,
		"3:92 /cluster_layout/bus/worker/2/hostname: the same host as a of t "
		"(/cluster_layout/bus/worker/0); use one name");
	assert_string_equal("u", deploy_roles_flaw(roles, 0)->file);
	deploy_roles_free(roles);
	roles = read_text(BUS);
	(void)read_more(roles, "u", BUS, strlen(BUS));
	expect_flaw(roles, 0, "2:22 /environment_cluster: t is about cluster c as well");
	deploy_roles_free(roles);
}

static void json_is_read_strictly_and_has_places_too(void **state)
{
	static const char good[] =
		"{\"buildoop_repository\": \"http://p\",\n"
		"\t\"environment_cluster\":\"c\", \"cluster_layout\": {\"name\": "
		"\"n\", \"bus\": {\"name\": \"k\",\n \"worker\": [{\"hostname\": "
		"\"a\", \"x\": 1}]}}}";
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"{\"a\": 1,\n \"a\": 2}", "t:2:4: duplicate object key near '\"a\"'"},
		{"{a: 1}", "t:1:2: string or '}' expected near 'a'"},
		{" [1", "t:1:3: ']' expected near end of file"},
		{"a: 1\na: 2\n", "t:2:1: a key that stands on line 1 already: 'a'"},
	};
	struct deploy_roles *roles = read_text(good);

	(void)state;
	assert_int_equal(1, deploy_roles_flaw_count(roles));
	expect_flaw(roles, 0, "3:31 /cluster_layout/bus/worker/0/x: unknown key");
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_error err = {.code = DEPLOY_OK};

		assert_int_equal(DEPLOY_INPUT,
			deploy_roles_read(roles, "t", cases[i].text, strlen(cases[i].text), &err));
		assert_string_equal(cases[i].error, err.text);
	}
	deploy_roles_free(roles);
}

/* A pair of half characters is JSON, and no YAML of ours. */
static void json_that_yaml_refuses_is_read_without_places(void **state)
{
	struct deploy_roles *roles = read_text("{\"\\ud83d\\ude00\": 1}");

	(void)state;
	expect_flaw(roles, 3, "0:0 /\xf0\x9f\x98\x80: unknown key");
	deploy_roles_free(roles);
}

/* A cluster of count workers as JSON; caller frees. */
static char *many_hosts(size_t count, const char *extra)
{
	size_t size = count * 80 + 500, len;
	char *text = malloc(size);

	assert_non_null(text);
	len = (size_t)snprintf(text, size,
		"{\"buildoop_repository\": \"http://p\", \"environment_cluster\": \"c\", "
		"\"cluster_layout\": {\"name\": \"n\", \"bus\": {\"name\": \"k\", \"worker\": [");
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, size - len,
			"%s{\"hostname\": \"h%zu.example.net\"%s}", i ? ",\n" : "", i, extra);
	(void)snprintf(text + len, size - len, "]}}}");
	return text;
}

static void a_hundred_thousand_hosts_are_read_and_no_more(void **state)
{
	char *text = many_hosts(DEPLOY_CLUSTER_MAX_HOSTS + 1, "");
	struct deploy_roles *roles = read_text(text);

	(void)state;
	assert_int_equal(DEPLOY_CLUSTER_MAX_HOSTS, deploy_roles_count(roles));
	assert_int_equal(1, deploy_roles_flaw_count(roles));
	expect_flaw(
		roles, 0, "0:0 /cluster_layout/bus/worker/100000/hostname: more than 100000 hosts");
	deploy_roles_free(roles);
	free(text);
}

static void all_flaws_are_counted_and_the_first_hundred_told(void **state)
{
	char *text = many_hosts(150, ", \"x\": 1");
	struct deploy_roles *roles = read_text(text);

	(void)state;
	assert_int_equal(150, deploy_roles_flaw_count(roles));
	expect_flaw(roles, DEPLOY_MAX_FLAWS - 1,
		"100:33 /cluster_layout/bus/worker/99/x: unknown key");
	deploy_roles_free(roles);
	free(text);
}

static void what_is_too_large_is_refused(void **state)
{
	struct deploy_error err = {.code = DEPLOY_OK}, yaml = {.code = DEPLOY_OK};
	struct deploy_roles *roles = deploy_roles_new();
	size_t size = DEPLOY_CLUSTER_MAX_BYTES + 1;
	char *text = malloc(size);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	assert_int_equal(DEPLOY_INPUT, deploy_roles_read(roles, "t", text, size, &err));
	assert_string_equal("t: larger than 33554432 bytes", err.text);
	assert_int_equal(DEPLOY_INPUT,
		deploy_roles_read(roles, "t", text, DEPLOY_YAML_MAX_BYTES + 1, &yaml));
	assert_string_equal("t: more than 1 MiB", yaml.text);
	assert_string_equal("write it as JSON, of which more is read", yaml.hint);
	free(text);
	deploy_roles_free(roles);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
	struct deploy_error none = {.code = DEPLOY_OK}, folder = {.code = DEPLOY_OK};
	struct deploy_roles *roles = deploy_roles_new();

	(void)state;
	assert_int_equal(DEPLOY_NO_INPUT, deploy_roles_read_file(roles, "/no/such", &none));
	assert_string_equal("/no/such: No such file or directory", none.text);
	assert_int_equal(DEPLOY_NO_INPUT, deploy_roles_read_file(roles, "/", &folder));
	assert_string_equal("/: Is a directory", folder.text);
	deploy_roles_free(roles);
}

static int add(struct deploy_roles *roles, const char *node, const char *role, const char *entity,
	struct deploy_error *err)
{
	const struct deploy_role added = {.node = node,
		.collection = "shop",
		.category = "front",
		.role = role,
		.entity = entity};

	*err = (struct deploy_error){.code = DEPLOY_OK};
	return deploy_roles_add(roles, &added, err);
}

/* The agent that this replaces looks for text within text, and drops rm. */
static void a_word_within_another_is_no_duplicate(void **state)
{
	struct deploy_roles *roles = deploy_roles_new();
	struct deploy_error err;

	(void)state;
	assert_int_equal(0, add(roles, "a", "storm-worker", "x,y z", &err));
	assert_int_equal(0, add(roles, "a", "rm", "y", &err));
	assert_int_equal(0, add(roles, "a", "worker", "", &err));
	assert_int_equal(0, add(roles, "a", "rm", "", &err));
	expect_facts(roles, "[{\"node\":\"a\",\"facts\":{\"x_collection\":\"shop\","
			    "\"x_category\":\"front\",\"x_role\":\"storm-worker rm worker\","
			    "\"x_entity\":\"x y z\"}}]");
	assert_string_equal("-", deploy_layer_name(deploy_roles_get(roles, 0)->layer));
	deploy_roles_free(roles);
}

static void a_role_that_nodes_refuse_is_not_added(void **state)
{
	static const struct {
		const char *node, *role, *entity, *error;
	} cases[] = {
		{"a b", "r", "", "\"a b\" is not a node name"},
		{"a", "", "", "role: the value is empty"},
		{"a", "r s", "",
			"role: nodes refuse \"r s\": expected 1 to 100 of A-Z a-z 0-9 _ . : / -"},
		{"a", CHARS50 CHARS50 "a", "",
			"role: nodes refuse \"" CHARS50 CHARS10
			"\": expected 1 to 100 of A-Z a-z 0-9 _ . : / -"},
		{"a", "r", "x\n",
			"entity: nodes refuse \"x\\n\": expected 1 to 100 of A-Z a-z 0-9 _ . : / "
			"-"},
		{"a", "r", "x,,y",
			"entity: nodes refuse \"\": expected 1 to 100 of A-Z a-z 0-9 _ . : / -"},
		{"a", "r", CHARS50 "," CHARS50 "b", "entity: longer than 100 bytes in all"},
		{"a", "bbbbbbbb" CHARS50 CHARS10 CHARS10 CHARS10, "",
			"a: with this, the role of a is longer than 100 bytes"},
		{"a.x", "r", "", "a.x: the same host as a; use one name"},
	};
	struct deploy_error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct deploy_roles *roles = deploy_roles_new();

		assert_int_equal(0, add(roles, "a", "storm-worker", "", &err));
		assert_int_equal(DEPLOY_USAGE,
			add(roles, cases[i].node, cases[i].role, cases[i].entity, &err));
		assert_string_equal(cases[i].error, err.text);
		assert_int_equal(1, deploy_roles_count(roles));
		deploy_roles_free(roles);
	}
}

/* 12 bytes, a blank, 87 more. */
static void a_hundred_bytes_of_roles_are_taken(void **state)
{
	struct deploy_roles *roles = deploy_roles_new();
	struct deploy_error err;

	(void)state;
	assert_int_equal(0, add(roles, "a", "storm-worker", "", &err));
	assert_int_equal(0, add(roles, "a", "bbbbbbb" CHARS50 CHARS10 CHARS10 CHARS10, "", &err));
	deploy_roles_free(roles);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_layers_come_in_their_order_and_hosts_as_they_stand),
		cmocka_unit_test(a_host_in_two_layers_gets_the_union_of_its_words),
		cmocka_unit_test(plain_keys_stand_for_composite_ones_and_layers_may_be_missing),
		cmocka_unit_test(what_one_layer_says_can_be_kept_alone),
		cmocka_unit_test(order_within_batch_is_that_of_the_file),
		cmocka_unit_test(each_flaw_is_told_alone),
		cmocka_unit_test(the_name_of_a_layer_has_93_bytes_at_most),
		cmocka_unit_test(names_of_clusters_and_uris_are_judged),
		cmocka_unit_test(everything_wrong_is_told_at_once),
		cmocka_unit_test(a_host_has_one_file_and_a_cluster_too),
		cmocka_unit_test(json_is_read_strictly_and_has_places_too),
		cmocka_unit_test(json_that_yaml_refuses_is_read_without_places),
		cmocka_unit_test(a_hundred_thousand_hosts_are_read_and_no_more),
		cmocka_unit_test(all_flaws_are_counted_and_the_first_hundred_told),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(a_file_that_cannot_be_read_is_named),
		cmocka_unit_test(a_word_within_another_is_no_duplicate),
		cmocka_unit_test(a_role_that_nodes_refuse_is_not_added),
		cmocka_unit_test(a_hundred_bytes_of_roles_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
