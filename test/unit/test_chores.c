/*
 * Tasks that ask no node, carried out by the loop without a broker; the ports are real, and the
 * person who is asked is the test. What happens is noted: record · ask TEXT · end t0 ok · end t0
 * not ok: WHY
 */
#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "deploy/run.h"

struct bench {
	struct deploy_plan *plan;
	struct deploy_run_options options;
	struct deploy_run_result result;
	struct deploy_error err;
	int ends[2]; /* what is typed comes from here */
	int signals[2];
	const char *typed; /* as soon as a question is shown; NULL: nothing */
	bool hangs_up;	   /* … and then nothing more */
	bool is_nobody_there;
	bool refuses;		/* to record */
	const char *typed_late; /* when a task has ended */
	char trace[2000];
};

static void note(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct bench *bench, const char *format, ...)
{
	size_t len = strlen(bench->trace), room = sizeof(bench->trace) - len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(bench->trace + len, room, format, args);
	va_end(args);
	assert_in_range(n, 0, room - 1);
}

static void type(struct bench *bench, const char *text)
{
	if (text)
		assert_int_equal(write(bench->ends[1], text, strlen(text)), strlen(text));
}

static void take_event(void *arg, const struct deploy_event *event)
{
	struct bench *bench = arg;

	if (event->type != DEPLOY_EVENT_TASK_ENDED)
		return;
	assert_int_equal(event->is_ok, !event->text);
	note(bench, "end t%u %s%s\n", event->task,
		event->is_ok ? "ok" : "not ok: ", event->text ? event->text : "");
	type(bench, bench->typed_late);
	bench->typed_late = NULL;
}

static int record(void *arg)
{
	struct bench *bench = arg;

	note(bench, "record\n");
	return bench->refuses;
}

static int ask(void *arg, const char *text)
{
	struct bench *bench = arg;

	note(bench, "ask %s\n", text);
	if (bench->is_nobody_there)
		return -1;
	type(bench, bench->typed);
	if (bench->hangs_up)
		(void)close(bench->ends[1]);
	return bench->ends[0];
}

/* A letter at a time; what is neither y nor n is no answer. */
static int answer(void *arg)
{
	struct bench *bench = arg;
	char letter = '?';

	if (read(bench->ends[0], &letter, 1) == 1 && (letter == 'y' || letter == 'n'))
		return letter == 'y';
	return -1;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench || pipe(bench->ends) || pipe(bench->signals))
		return -1;
	bench->plan = deploy_plan_new();
	bench->options = (struct deploy_run_options){.signal_fd = bench->signals[0],
		.sink = take_event,
		.sink_arg = bench,
		.before_publish = record,
		.before_publish_arg = bench,
		.ask = ask,
		.answer = answer,
		.ask_arg = bench};
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	deploy_run_result_release(&bench->result);
	deploy_plan_free(bench->plan);
	for (int i = 0; i < 2; i++) {
		if (!i || !bench->hangs_up)
			(void)close(bench->ends[i]);
		(void)close(bench->signals[i]);
	}
	free(bench);
	return 0;
}

static char *copy(const char *text)
{
	char *own = strdup(text);

	assert_non_null(own);
	return own;
}

/* A question that needs nothing before it. */
static struct deploy_task *add_question(struct bench *bench, const char *text)
{
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_CONFIRM);

	deploy_task_need_nothing(task);
	task->text = copy(text);
	return task;
}

static struct deploy_task *add_connect(struct bench *bench, const char *host, unsigned port)
{
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_CONNECT);

	deploy_task_need_nothing(task);
	task->host = copy(host);
	task->port = port;
	return task;
}

static void run(struct bench *bench)
{
	(void)deploy_run(&bench->result, NULL, bench->plan, &bench->options, &bench->err);
}

static void expect(struct bench *bench, const char *lines)
{
	run(bench);
	assert_string_equal(bench->trace, lines);
	assert_int_equal(bench->err.code, DEPLOY_OK);
}

/* A socket at a port of the loopback that the kernel chooses; nobody listens there yet. */
static int bind_one(int family, unsigned *port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr *address =
		family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM, 0);

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(0, bind(fd, address, size));
	assert_int_equal(0, getsockname(fd, address, &size));
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

static int listen_at(const char *host, unsigned *port)
{
	int fd = bind_one(strchr(host, ':') ? AF_INET6 : AF_INET, port);

	assert_int_equal(0, listen(fd, 64));
	return fd;
}

static void port_where_somebody_listens_is_ok(void **state)
{
	struct bench *bench = *state;
	unsigned port;
	int fd = listen_at("127.0.0.1", &port), caller;
	char byte;

	(void)add_connect(bench, "127.0.0.1", port);
	expect(bench, "record\nend t0 ok\n");
	/* Nothing was said, and the connection is not kept. */
	caller = accept(fd, NULL, NULL);
	assert_true(caller >= 0);
	assert_int_equal(0, read(caller, &byte, 1));
	(void)close(caller);
	(void)close(fd);
}

static void port_of_an_ipv6_address_is_ok(void **state)
{
	static const char *const names[] = {"::1", "[::1]"};
	struct bench *bench = *state;
	unsigned port;
	int fd = listen_at("::1", &port);

	for (size_t i = 0; i < 2; i++)
		(void)add_connect(bench, names[i], port);
	run(bench);
	assert_non_null(strstr(bench->trace, "end t0 ok\n"));
	assert_non_null(strstr(bench->trace, "end t1 ok\n"));
	(void)close(fd);
}

static void port_where_nobody_listens_is_not(void **state)
{
	struct bench *bench = *state;
	char lines[200];
	unsigned port;
	int fd = bind_one(AF_INET, &port);

	(void)add_connect(bench, "127.0.0.1", port);
	(void)snprintf(lines, sizeof(lines),
		"record\nend t0 not ok: 127.0.0.1:%u: cannot connect: Connection refused\n", port);
	expect(bench, lines);
	assert_int_equal(bench->result.end, DEPLOY_RUN_COMPLETE);
	(void)close(fd);
}

/* Ports of as many as may be asked at a time, and more, again and again, as who polls does. */
static void many_ports_are_asked_at_a_time(void **state)
{
	struct bench *bench = *state;
	unsigned port, closed;
	int fd = listen_at("127.0.0.1", &port), bound = bind_one(AF_INET, &closed);
	size_t ok = 0, not_ok = 0;

	for (int i = 0; i < 24; i++)
		(void)add_connect(bench, "127.0.0.1", i % 2 ? port : closed);
	run(bench);
	for (const char *at = bench->trace; (at = strstr(at, "end t")); at++)
		*(strstr(at, " ok\n") && strstr(at, " ok\n") < strchr(at, '\n') ? &ok : &not_ok) +=
			1;
	assert_int_equal(12, ok);
	assert_int_equal(12, not_ok);
	(void)close(fd);
	(void)close(bound);
}

/* It must not name another host, or be a part of what follows it. */
static void what_is_no_host_is_not_asked(void **state)
{
	static const char *const names[] = {"", "db1/x", "admin@db1", "db1?", "db1#", "a b",
		"db1:80", "db1\n", "db1%2fx", "[::1", "::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bench *bench;

		(void)tear_down(state);
		assert_int_equal(set_up(state), 0);
		bench = *state;
		(void)add_connect(bench, names[i], 80);
		run(bench);
		if (!strstr(bench->trace, ":80: no name or address of a host\n"))
			fail_msg("\"%s\" is asked: %s", names[i], bench->trace);
	}
}

static void answer_ends_a_question(void **state)
{
	struct bench *bench = *state;

	bench->typed = "y";
	(void)add_question(bench, "Go on?");
	expect(bench, "record\nask Go on?\nend t0 ok\n");
}

static void what_is_no_answer_yet_is_waited_for(void **state)
{
	struct bench *bench = *state;

	bench->typed = "wellno";
	(void)add_question(bench, "Go on?");
	expect(bench, "record\nask Go on?\nend t0 not ok: the answer was no\n");
}

static void second_question_waits_for_its_turn(void **state)
{
	struct bench *bench = *state;

	bench->typed = "y";
	(void)add_question(bench, "Web?");
	(void)add_question(bench, "Mail?");
	(void)add_question(bench, "News?");
	expect(bench, "record\nask Web?\nend t0 ok\nask Mail?\nend t1 ok\nask News?\nend t2 ok\n");
}

static void without_somebody_to_ask_the_answer_is_no(void **state)
{
	struct bench *bench = *state;

	bench->is_nobody_there = true;
	(void)add_question(bench, "Web?");
	(void)add_question(bench, "Mail?");
	expect(bench, "record\nask Web?\nend t0 not ok: nobody can be asked\n"
		      "ask Mail?\nend t1 not ok: nobody can be asked\n");
}

static void who_has_nobody_to_ask_need_not_say_so(void **state)
{
	struct bench *bench = *state;

	bench->options.ask = NULL;
	(void)add_question(bench, "Web?");
	expect(bench, "record\nend t0 not ok: nobody can be asked\n");
}

static void who_hangs_up_has_not_said_yes(void **state)
{
	struct bench *bench = *state;

	bench->hangs_up = true;
	bench->typed = "w";
	(void)add_question(bench, "Web?");
	expect(bench, "record\nask Web?\nend t0 not ok: whoever was asked is gone\n");
}

static void other_tasks_go_on_while_somebody_thinks(void **state)
{
	struct bench *bench = *state;
	unsigned port;
	int fd = listen_at("127.0.0.1", &port);

	bench->typed_late = "y";
	(void)add_question(bench, "Web?");
	(void)add_connect(bench, "127.0.0.1", port);
	expect(bench, "record\nask Web?\nend t1 ok\nend t0 ok\n");
	(void)close(fd);
}

static void question_that_is_given_up_makes_room(void **state)
{
	struct bench *bench = *state;

	/* Nothing is typed before the first one has ended. */
	bench->typed_late = "y";
	add_question(bench, "Web?")->policy.deadline_ms = 20;
	(void)add_question(bench, "Mail?");
	expect(bench, "record\nask Web?\nend t0 not ok: the deadline of the task has passed\n"
		      "ask Mail?\nend t1 ok\n");
}

static void question_that_was_given_up_before_its_turn_is_not_shown(void **state)
{
	struct bench *bench = *state;

	bench->typed_late = "y";
	(void)add_question(bench, "Web?");
	add_question(bench, "Mail?")->policy.deadline_ms = 20;
	expect(bench, "record\nask Web?\nend t1 not ok: the deadline of the task has passed\n"
		      "end t0 ok\n");
}

static void interrupt_ends_all_questions(void **state)
{
	struct bench *bench = *state;
	unsigned char signal = SIGINT;

	assert_int_equal(1, write(bench->signals[1], &signal, 1));
	(void)add_question(bench, "Web?");
	(void)add_question(bench, "Mail?");
	expect(bench, "record\nask Web?\nend t0 not ok: interrupted\n"
		      "end t1 not ok: the run stopped\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_INTERRUPTED);
}

static void nobody_is_asked_if_nothing_can_be_recorded(void **state)
{
	struct bench *bench = *state;

	bench->refuses = true;
	(void)add_question(bench, "Web?");
	expect(bench, "record\nend t0 not ok: the run could not be recorded any more\n");
	assert_int_equal(bench->result.end, DEPLOY_RUN_UNRECORDED);
}

/* Tasks that cannot be carried out are refused before anything is begun. */
static void chore_that_lacks_something_is_refused(void **state)
{
	static const struct {
		enum deploy_chore chore;
		const char *text, *host, *why;
		unsigned port;
	} cases[] = {
		{DEPLOY_CHORE_CONFIRM, NULL, NULL, "task 1 has no question", 0},
		{DEPLOY_CHORE_CONNECT, NULL, NULL,
			"task 1: a host and a port from 1 to 65535 are needed", 80},
		{DEPLOY_CHORE_CONNECT, NULL, "db1",
			"task 1: a host and a port from 1 to 65535 are needed", 0},
		{DEPLOY_CHORE_CONNECT, NULL, "db1",
			"task 1: a host and a port from 1 to 65535 are needed", 65536},
		{DEPLOY_CHORE_PUBLISH, NULL, NULL, "task 1: a topic has 1 to 255 bytes", 0},
		{DEPLOY_CHORE_PUBLISH, "", NULL, "task 1: a topic has 1 to 255 bytes", 0},
		{DEPLOY_CHORE_PUBLISH, "up", NULL, "task 1: a message has at most 65536 bytes", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *bench;
		struct deploy_task *task;

		(void)tear_down(state);
		assert_int_equal(set_up(state), 0);
		bench = *state;
		task = deploy_plan_take_chore(bench->plan, cases[i].chore);
		task->text = cases[i].text ? copy(cases[i].text) : NULL;
		task->host = cases[i].host ? copy(cases[i].host) : NULL;
		task->port = cases[i].port;
		run(bench);
		assert_int_equal(bench->err.code, DEPLOY_USAGE);
		assert_string_equal(bench->err.text, cases[i].why);
		assert_string_equal(bench->trace, "");
	}
}

static void chore_has_no_nodes_and_finds_none(void **state)
{
	struct bench *bench = *state;

	add_question(bench, "Web?")->nodes = deploy_nodeset_new();
	run(bench);
	assert_string_equal(bench->err.text, "task 1 asks no node and has some");
	(void)tear_down(state);
	assert_int_equal(set_up(state), 0);
	bench = *state;
	(void)add_question(bench, "Web?");
	deploy_plan_take_act(bench->plan, NULL)->nodes_from = 0;
	run(bench);
	assert_string_equal(bench->err.text, "task 2 asks nodes that no task before it found");
}

static void message_needs_a_broker(void **state)
{
	struct bench *bench = *state;
	struct deploy_task *task = deploy_plan_take_chore(bench->plan, DEPLOY_CHORE_PUBLISH);

	task->text = copy("up");
	task->body = copy("");
	run(bench);
	assert_string_equal(bench->err.text, "task 1 needs the broker");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(port_where_somebody_listens_is_ok),
		TEST(port_of_an_ipv6_address_is_ok),
		TEST(port_where_nobody_listens_is_not),
		TEST(many_ports_are_asked_at_a_time),
		TEST(what_is_no_host_is_not_asked),
		TEST(answer_ends_a_question),
		TEST(what_is_no_answer_yet_is_waited_for),
		TEST(second_question_waits_for_its_turn),
		TEST(without_somebody_to_ask_the_answer_is_no),
		TEST(who_has_nobody_to_ask_need_not_say_so),
		TEST(who_hangs_up_has_not_said_yes),
		TEST(other_tasks_go_on_while_somebody_thinks),
		TEST(question_that_is_given_up_makes_room),
		TEST(question_that_was_given_up_before_its_turn_is_not_shown),
		TEST(interrupt_ends_all_questions),
		TEST(nobody_is_asked_if_nothing_can_be_recorded),
		TEST(chore_that_lacks_something_is_refused),
		TEST(chore_has_no_nodes_and_finds_none),
		TEST(message_needs_a_broker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
