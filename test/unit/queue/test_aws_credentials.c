/* Credentials of one handler: kept, renewed before they end, found again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/aws_credentials.h"
#include "test/lib/client_case.h"
#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"

#define HOUR_MS (3600 * 1000)
#define MINUTE_MS (60 * 1000)

static struct {
	const char *name;
	char value[96];
} variables[4];
static size_t nvariables;
static unsigned ndone;
static char text[512]; /* of the far side's answer */

static const char *
variable_cb(void *arg, const char *name)
{
	(void)arg;
	for (size_t i = 0; i < nvariables; i++) {
		if (strcmp(variables[i].name, name) == 0)
			return (variables[i].value);
	}
	return (NULL);
}

static int64_t
now_cb(void *arg)
{
	(void)arg;
	return (fake_clock_wall_ms());
}

static void
done_cb(void *arg)
{
	(void)arg;
	ndone++;
}

static void
set(const char *name, const char *value)
{
	variables[nvariables].name = name;
	(void)snprintf(variables[nvariables].value, sizeof(variables[0].value),
	    "%s", value);
	nvariables++;
}

static int
setup(void **state)
{
	struct client_case *c;

	fake_clock_reset();
	client_setup(state);
	c = *state;
	c->env.now_ms = now_cb;
	c->env.variable = variable_cb;
	nvariables = 0;
	ndone = 0;
	return (0);
}

/* Turn the loop until so many searches have ended. */
static void
wait_done(const struct client_case *c, unsigned n)
{
	while (ndone < n)
		event_base_loop(c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* Turn it some times: nothing is to come of it. */
static void
idle(const struct client_case *c)
{
	for (int i = 0; i < 50; i++)
		event_base_loop(c->env.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* The far side is a container's service, and answers so. */
static void
answer(struct client_case *c, const char *head, const char *body)
{
	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body),
	    body);
	far_play(&c->far, FAR_ANSWER, text);
}

/* Credentials that end an hour after the start of time. */
static void
answer_keys(struct client_case *c, const char *id, const char *end)
{
	char body[256];

	(void)snprintf(body, sizeof(body),
	    "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
	    "\"Expiration\":\"%s\"}",
	    id, end);
	answer(c, "200 OK", body);
}

static struct aws_credentials *
open_container(struct client_case *c)
{
	const struct aws_settings none = { NULL, NULL };
	struct aws_credentials *credentials;
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/c", c->far.port);
	set("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token");
	credentials = aws_credentials_new(&c->env, &none, done_cb, NULL);
	assert_non_null(credentials);
	return (credentials);
}

/* 2025-06-15T15:06:40Z is when the fake clock starts. */
#define START_PLUS_1H "2025-06-15T16:06:40Z"
#define START_PLUS_9H "2025-06-16T00:06:40Z"

/* Nobody asks: by the time they end there are others. */
static void
test_they_are_renewed_before_they_end(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;
	bool lasting;

	answer_keys(c, "ONE", START_PLUS_1H);
	credentials = open_container(c);
	assert_null(aws_credentials_keys(credentials));
	wait_done(c, 1);
	assert_string_equal(aws_credentials_keys(credentials)->id, "ONE");
	assert_int_equal(aws_credentials_changes(credentials), 1);
	answer_keys(c, "TWO", START_PLUS_9H);
	fake_clock_pass_ms(54 * MINUTE_MS);
	idle(c);
	assert_int_equal(c->far.nrequests, 1);
	fake_clock_pass_ms(2 * MINUTE_MS);
	wait_done(c, 2);
	assert_string_equal(aws_credentials_keys(credentials)->id, "TWO");
	assert_int_equal(aws_credentials_changes(credentials), 2);
	assert_null(aws_credentials_failure(credentials, &lasting));
	aws_credentials_free(credentials);
}

/* Those that are there are used, and it is tried again each minute. */
static void
test_a_renewal_that_fails_is_tried_again(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;
	bool lasting;

	answer_keys(c, "ONE", START_PLUS_1H);
	credentials = open_container(c);
	wait_done(c, 1);
	answer(c, "500 No", "");
	fake_clock_pass_ms(56 * MINUTE_MS);
	wait_done(c, 2);
	assert_string_equal(aws_credentials_failure(credentials, &lasting),
	    "no AWS credentials: the container's metadata service answered "
	    "500");
	assert_false(lasting);
	assert_string_equal(aws_credentials_keys(credentials)->id, "ONE");
	idle(c);
	assert_int_equal(c->far.nrequests, 2);
	answer_keys(c, "ONE", START_PLUS_9H);
	fake_clock_pass_ms(MINUTE_MS + 1);
	wait_done(c, 3);
	assert_null(aws_credentials_failure(credentials, &lasting));
	assert_int_equal(aws_credentials_changes(credentials), 1);
	aws_credentials_free(credentials);
}

/* A clock that is wrong makes no hot loop of it. */
static void
test_those_that_seem_over_are_used_for_a_minute(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;

	answer_keys(c, "ONE", "2001-01-01T00:00:00Z");
	credentials = open_container(c);
	wait_done(c, 1);
	assert_string_equal(aws_credentials_keys(credentials)->id, "ONE");
	fake_clock_pass_ms(MINUTE_MS - 1000);
	idle(c);
	assert_int_equal(c->far.nrequests, 1);
	fake_clock_pass_ms(2000);
	wait_done(c, 2);
	aws_credentials_free(credentials);
}

static void
test_one_search_is_enough(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;

	answer_keys(c, "ONE", START_PLUS_1H);
	credentials = open_container(c);
	aws_credentials_look(credentials);
	wait_done(c, 1);
	idle(c);
	assert_int_equal(c->far.nrequests, 1);
	assert_non_null(strstr(c->far.request, "\r\nAuthorization: token\r\n"));
	aws_credentials_free(credentials);
}

/* A service that says nothing has a second. */
static void
test_silence_is_a_failure(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;
	bool lasting;

	far_play(&c->far, FAR_DEAF, "");
	credentials = open_container(c);
	idle(c);
	fake_clock_pass_ms(1001);
	wait_done(c, 1);
	assert_null(aws_credentials_keys(credentials));
	assert_memory_equal(aws_credentials_failure(credentials, &lasting),
	    "no AWS credentials: the container's metadata service: ", 54);
	assert_false(lasting);
	aws_credentials_free(credentials);
	far_hang_up(&c->far, false);
}

/* In any turn, and nothing is left of it. */
static void
test_it_may_be_freed_at_any_time(void **state)
{
	struct client_case *c = *state;

	for (unsigned turns = 0; turns < 12; turns++) {
		struct aws_credentials *credentials;

		nvariables = 0;
		answer_keys(c, "ONE", START_PLUS_1H);
		credentials = open_container(c);
		for (unsigned i = 0; i < turns; i++)
			event_base_loop(c->env.base,
			    EVLOOP_ONCE | EVLOOP_NONBLOCK);
		aws_credentials_free(credentials);
		client_settle(c);
	}
}

/* When memory runs out there are none, or a search that fails, once. */
static void
test_memory_runs_out(void **state)
{
	struct client_case *c = *state;
	const struct aws_settings none = { NULL, NULL };
	bool found = false;

	answer_keys(c, "ONE", START_PLUS_1H);
	aws_credentials_free(open_container(c));
	client_settle(c);
	for (size_t n = 0; !found; n++) {
		struct aws_credentials *credentials;
		unsigned before = ndone;
		bool lasting;

		heap_fail(n, 1);
		credentials =
		    aws_credentials_new(&c->env, &none, done_cb, NULL);
		if (credentials == NULL) {
			(void)heap_heal();
			continue;
		}
		while (ndone == before)
			event_base_loop(c->env.base,
			    EVLOOP_ONCE | EVLOOP_NONBLOCK);
		found = heap_heal() == 1;
		assert_true(
		    aws_credentials_keys(credentials) != NULL ||
		    aws_credentials_failure(credentials, &lasting) != NULL);
		aws_credentials_free(credentials);
		client_settle(c);
	}
}

static void
test_the_environment_comes_first(void **state)
{
	struct client_case *c = *state;
	struct aws_credentials *credentials;

	set("AWS_ACCESS_KEY_ID", "ENV");
	set("AWS_SECRET_ACCESS_KEY", "S");
	credentials = open_container(c);
	assert_string_equal(aws_credentials_keys(credentials)->id, "ENV");
	assert_string_equal(aws_credentials_source(credentials),
	    "the environment");
	wait_done(c, 1);
	fake_clock_pass_ms(HOUR_MS * 24);
	idle(c);
	assert_int_equal(ndone, 1);
	assert_int_equal(c->far.nrequests, 0);
	aws_credentials_free(credentials);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, client_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_they_are_renewed_before_they_end),
		T(test_a_renewal_that_fails_is_tried_again),
		T(test_those_that_seem_over_are_used_for_a_minute),
		T(test_one_search_is_enough),
		T(test_silence_is_a_failure),
		T(test_it_may_be_freed_at_any_time),
		T(test_memory_runs_out),
		T(test_the_environment_comes_first),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
