/* Plans that are played: which nodes, which steps, in which order. */
#include "play_bench.h"

#define WEB   "sets: {web: {class: web}}\n"
#define FLEET "-C web=web[1-4]"

static void a_set_is_looked_for_once(void **state)
{
	(void)state;
	play((struct play_world){.fleet = FLEET, .shows_frozen = true},
		WEB "steps:\n"
		    "  - {id: one, rpc: a.b, nodes: web}\n"
		    "  - {id: two, rpc: a.c, nodes: web, with: {all: '${sets.web}'}}\n",
		"find -C web\nfix web web[1-4]\nset web web[1-4]\none web[1-4]\n"
		"two web[1-4] {\"all\": [\"web1\", \"web2\", \"web3\", \"web4\"]}\nend ok\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_looked_for_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
