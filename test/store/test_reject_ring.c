/* What is kept of refused deliveries, and what that costs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;

/* Add n rejections of a class that keep so much of their bodies. */
static struct case_result
reject(enum store_reject_class class, size_t n, size_t kept)
{
	struct store_rejection *rej = calloc(n + 1, sizeof(*rej));
	char *body = calloc(1, kept + 1);
	struct case_result r = { 0 };

	assert_non_null(rej);
	assert_non_null(body);
	for (size_t i = 0; i < n; i++) {
		rej[i].class = class;
		rej[i].at_ms = NOW;
		rej[i].peer = "127.0.0.1:5";
		rej[i].cause = "signature";
		rej[i].headers = "a: b\n";
		rej[i].size = kept;
		rej[i].body = kept > 0 ? body : NULL;
		rej[i].body_len = kept;
	}
	assert_int_equal(store_reject(c.st, rej, n, case_done_cb, &r), 0);
	free(rej);
	free(body);
	store_wait(c.st);
	assert_int_equal(r.calls, 1);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

static int64_t
rows(int class)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM rejections WHERE class = %d", class);
	return (store_case_int(&c, sql));
}

/* Each class keeps its newest, whatever comes of the others. */
static void
test_each_class_has_its_own_ring(void **state)
{
	(void)state;
	(void)reject(STORE_REJECT_AUTHENTIC, 3, 10);
	(void)reject(STORE_REJECT_KNOWN, 1003, 1);
	for (int i = 0; i < 5; i++)
		(void)reject(STORE_REJECT_STRANGER, 1000, 1);
	assert_int_equal(rows(STORE_REJECT_AUTHENTIC), 3);
	assert_int_equal(rows(STORE_REJECT_KNOWN), 1000);
	assert_int_equal(rows(STORE_REJECT_STRANGER), 4000);
	assert_int_equal(store_case_int(&c,
			     "SELECT min(id) FROM rejections WHERE class = 1"),
	    3 + 4);
	assert_int_equal(store_case_int(&c,
			     "SELECT min(id) FROM rejections WHERE class = 0"),
	    3 + 1003 + 1001);
	assert_int_equal(store_case_int(&c, "SELECT rejected_bytes FROM store"),
	    30 + 1000 + 4000);
	(void)reject(STORE_REJECT_AUTHENTIC, 5000, 0);
	assert_int_equal(rows(STORE_REJECT_AUTHENTIC), 5000);
	assert_int_equal(rows(STORE_REJECT_STRANGER), 4000);
	assert_int_equal(store_reject(c.st, NULL, 0, NULL, NULL), 0);
	store_wait(c.st);
}

/* And at most 64 MiB of their bodies. */
static void
test_rejected_bytes_are_capped(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++)
		(void)reject(STORE_REJECT_AUTHENTIC, 2, 4 << 20);
	assert_int_equal(rows(STORE_REJECT_AUTHENTIC), 16);
	assert_int_equal(store_case_int(&c, "SELECT rejected_bytes FROM store"),
	    64 << 20);
	assert_int_equal(store_case_int(&c, "SELECT min(id) FROM rejections"),
	    3);
}

static struct case_result
reject_signed(const char *cause, unsigned char digest, uint64_t repeats,
    int64_t at_ms)
{
	unsigned char mac[32] = { digest };
	const struct store_rejection rej = { .class = STORE_REJECT_AUTHENTIC,
		.at_ms = at_ms,
		.peer = "p",
		.cause = cause,
		.digest = mac,
		.repeats = repeats,
		.body = "{",
		.body_len = 1,
		.size = 1 };
	struct case_result r = { 0 };

	assert_int_equal(store_reject(c.st, &rej, 1, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* Of one signed body there is one row for each cause, also after a restart. */
static void
test_a_body_that_comes_again_is_counted(void **state)
{
	(void)state;
	assert_int_equal(reject_signed("invalid_json", 1, 0, NOW).id, 1);
	assert_int_equal(reject_signed("invalid_json", 1, 4, NOW + 9).id, 0);
	store_case_close(&c);
	store_case_open(&c);
	(void)reject_signed("invalid_json", 1, 0, NOW + 10);
	(void)reject_signed("id_conflict", 1, 0, NOW);
	(void)reject_signed("invalid_json", 2, 0, NOW);
	assert_int_equal(rows(STORE_REJECT_AUTHENTIC), 3);
	assert_int_equal(store_case_int(&c,
			     "SELECT repeats FROM rejections WHERE id = 1"),
	    6);
	assert_int_equal(store_case_int(&c,
			     "SELECT last_at FROM rejections WHERE id = 1"),
	    NOW + 10);
	assert_int_equal(store_case_int(&c, "SELECT sum(repeats) FROM "
					    "rejections WHERE id > 1"),
	    0);
	assert_int_equal(store_case_int(&c, "SELECT rejected_bytes FROM store"),
	    3);
}

/* What this process has written by now. */
static int64_t
written(void)
{
	char text[512] = "";
	int fd = open("/proc/self/io", O_RDONLY);
	const char *at;

	assert_true(fd != -1);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	(void)close(fd);
	assert_non_null(at = strstr(text, "wchar: "));
	return (strtoll(at + strlen("wchar: "), NULL, 10));
}

/* What a batch is said to have cost covers all that is written of it. */
static void
measure(size_t n, size_t times)
{
	struct case_result r;
	int64_t before, cost = 0;

	before = written();
	for (size_t i = 0; i < times; i++) {
		r = reject(STORE_REJECT_STRANGER, n, 1000);
		assert_true(r.written > n * 1000);
		cost += (int64_t)r.written;
	}
	store_case_close(&c); /* copies the log to the file */
	print_message("%zu at a time: %.0f bytes each are written, %.0f said\n",
	    n, (double)(written() - before) / (double)(n * times),
	    (double)cost / (double)(n * times));
	assert_in_range(written() - before, cost / 3, cost + cost / 8);
	store_case_open(&c);
}

static void
test_what_is_written_is_said(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		(void)reject(STORE_REJECT_STRANGER, 1000, 1000);
	store_case_close(&c);
	store_case_open(&c);
	measure(64, 20); /* into a full ring: as many leave it */
	measure(1, 100);
}

/* Times that the event came again, as it is noted. */
static int64_t
duplicates(int64_t event)
{
	char sql[80];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT duplicates FROM events WHERE id = %d", (int)event);
	return (store_case_int(&c, sql));
}

/* One captured delivery, sent again and again, is noted once a minute. */
static void
test_duplicates_are_noted_within_bounds(void **state)
{
	struct store_event *ev;
	struct case_result r;

	(void)state;
	for (int i = 0; i < 200; i++) {
		ev = case_event("again", "{}", NULL);
		ev->received_at_ms = NOW + i * 10;
		r = (struct case_result){ 0 };
		assert_int_equal(store_append(c.st, ev, NULL, 0, case_done_cb,
				     &r),
		    0);
		store_event_unref(ev);
		store_wait(c.st);
		assert_int_equal(r.rc, i == 0 ? STORE_OK : STORE_EXISTS);
	}
	assert_int_equal(duplicates(1), 16);
	ev = case_event("again", "{}", NULL);
	ev->received_at_ms = NOW + 100000;
	assert_int_equal(store_append(c.st, ev, NULL, 0, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(duplicates(1), 17);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_each_class_has_its_own_ring),
		CASE(test_rejected_bytes_are_capped),
		CASE(test_a_body_that_comes_again_is_counted),
		CASE(test_what_is_written_is_said),
		CASE(test_duplicates_are_noted_within_bounds),
	};

	return (store_case_run("reject_ring", tests));
}
