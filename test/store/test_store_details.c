/* What came from outside: shown while it is kept, and gone with a purge. */
#include <stdio.h>
#include <string.h>

#include "store/store_read.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define CANARY "Kanarienvogel-4711"

static struct store_case c;
static int64_t handler;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	handler = case_handler(&c, "a");
	return (0);
}

/* An event whose body has a canary, and its job. */
static int64_t
append(const char *id)
{
	static const char *const orders[] = { "77", NULL };
	const struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct store_event *ev;
	struct case_result r = { 0 };

	ev = case_event(id, "{\"orders\":[{\"id\":77}],\"n\":\"" CANARY "\"}",
	    orders);
	assert_int_equal(store_append(c.st, ev, &spec, 1, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	return (r.runnable[0]);
}

/* An attempt that ends so, and says it in answer and detail. */
static void
finish(int64_t job, enum job_state to, const char *outcome)
{
	const struct store_attempt at = { .code = 3,
		.answer = CANARY,
		.answer_len = sizeof(CANARY) - 1,
		.detail = "order of " CANARY };
	const struct store_outcome out = { .job = job,
		.to = to,
		.outcome = outcome,
		.at_ms = NOW,
		.attempt = &at };
	struct case_result r = { 0 };

	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

static void
discard(int64_t job, const char *why)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(c.st, STORE_DISCARD, job, why, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

static char seen[256]; /* the outcome that a list showed last */

/* store_jobs_fn */
static void
jobs_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)reason;
	(void)arg;
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(n, 1);
	(void)snprintf(seen, sizeof(seen), "%s", rows[0].outcome);
}

/* store_attempts_fn */
static void
attempts_cb(enum store_rc rc, const struct store_attempt_info *rows, size_t n,
    const char *reason, void *arg)
{
	(void)reason;
	(void)arg;
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(n, 1);
	(void)snprintf(seen, sizeof(seen), "%s", rows[0].outcome);
}

static const char *
job_outcome(int64_t job)
{
	const struct store_job_filter filter = { .numbers = &job,
		.nnumbers = 1,
		.limit = 1 };

	assert_int_equal(store_list_jobs(c.st, &filter, jobs_cb, NULL), 0);
	store_wait(c.st);
	return (seen);
}

static const char *
attempt_outcome(int64_t job)
{
	assert_int_equal(store_list_attempts(c.st, job, attempts_cb, NULL), 0);
	store_wait(c.st);
	return (seen);
}

/* What a purge said in all. */
static struct {
	int64_t n;
	int64_t rejections;
} purged;

/* store_done_fn */
static void
purged_cb(const struct store_result *res, void *arg)
{
	int64_t *n = arg;

	if (res->rc != STORE_OK)
		fail_msg("purge: %s", res->reason);
	*n = res->id;
	purged.n += res->id;
	purged.rejections += res->rejections;
}

static void
purge(const struct store_purge *p)
{
	int64_t n = 1;

	memset(&purged, 0, sizeof(purged));
	while (n != 0) {
		n = -1;
		assert_int_equal(store_purge(c.st, p, purged_cb, &n), 0);
		store_wait(c.st);
		assert_int_not_equal(n, -1);
	}
}

static const struct store_purge by_age = { .bodies_before_ms = NOW + 1,
	.now_ms = NOW,
	.limit = 10 };
static const struct store_purge by_order = { .order_id = "77",
	.now_ms = NOW,
	.limit = 10 };

static void
reject(const char *headers, const char *body, size_t len, size_t size)
{
	const struct store_rejection r = { .at_ms = NOW,
		.peer = "p",
		.cause = "signature",
		.headers = headers,
		.size = size,
		.body = body,
		.body_len = len };
	struct case_result res = { 0 };

	assert_int_equal(store_reject(c.st, &r, 1, case_done_cb, &res), 0);
	store_wait(c.st);
	assert_int_equal(res.rc, STORE_OK);
}

/* -- Outcomes -- */

/* The detail is shown with the outcome that it explains, and no other. */
static void
test_a_detail_is_shown_while_it_is_kept(void **state)
{
	int64_t job = append("e1");

	(void)state;
	finish(job, JOB_WAITING, "exit 3");
	assert_string_equal(job_outcome(job), "exit 3: order of " CANARY);
	assert_string_equal(attempt_outcome(job), "exit 3: order of " CANARY);
	discard(job, "not wanted");
	assert_string_equal(job_outcome(job), "discarded: not wanted");
	job = append("e2");
	finish(job, JOB_DEAD, "exit 3");
	purge(&by_age);
	assert_string_equal(job_outcome(job), "exit 3");
	assert_string_equal(attempt_outcome(job), "exit 3");
	assert_string_equal(job_outcome(1), "discarded");
}

/* A canary by every way in; after a purge by age none of it is left. */
static void
test_no_way_in_outlives_a_purge(void **state)
{
	(void)state;
	finish(append("e1"), JOB_DEAD, "exit 3");
	discard(append("e2"), CANARY " wants it gone");
	reject("x: " CANARY, "", 0, 0);
	reject("x: y", CANARY, sizeof(CANARY) - 1, 9999);
	assert_true(store_case_says(&c, CANARY));
	purge(&by_age);
	assert_int_equal(purged.n, 4);
	assert_int_equal(purged.rejections, 2);
	assert_false(store_case_says(&c, CANARY));
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM attempts "
					    "WHERE outcome = 'exit 3'"),
	    1);
}

/* The same by order. */
static void
test_no_way_in_outlives_a_purge_by_order(void **state)
{
	(void)state;
	finish(append("e1"), JOB_DEAD, "exit 3");
	discard(append("e2"), CANARY " wants it gone");
	reject("x: y", "{\"id\":77,\"n\":\"" CANARY "\"}", 34, 34);
	purge(&by_order);
	assert_int_equal(purged.n, 3);
	assert_int_equal(purged.rejections, 1);
	assert_false(store_case_says(&c, CANARY));
}

/* -- Rejections by order -- */

#define WHOLE(body) reject("x: y", body, sizeof(body) - 1, sizeof(body) - 1)

/* What names the order goes, however that is written; others stay. */
static void
test_rejections_of_an_order_go(void **state)
{
	(void)state;
	WHOLE("{\"orders\":[{\"id\":77}]}");               /* 1 */
	WHOLE(" [{\"id\":\"\\u0037\\u0037\"}]");           /* 2 */
	WHOLE("{\"orders\":[{\"id\":770},{\"id\":177}]}"); /* 3: stays */
	WHOLE("{\"orders\":[{\"id\":77");                  /* 4: torn */
	reject("x-order: 77", "{}", 2, 2);                 /* 5 */
	WHOLE("{}");                                       /* 6: stays */
	WHOLE("");                                         /* 7: stays */
	purge(&by_order);
	assert_int_equal(purged.rejections, 4);
	assert_int_equal(store_case_int(&c, "SELECT sum(id) FROM rejections"),
	    3 + 6 + 7);
	assert_int_equal(store_case_int(&c, "SELECT rejected_bytes FROM store"),
	    store_case_int(&c, "SELECT sum(length(body)) FROM rejections"));
}

/* What nobody can read to the end might be of any order. */
static void
test_what_cannot_be_read_goes_too(void **state)
{
	(void)state;
	reject("x: y", "{\"orders\":[", 11, 5000); /* cut */
	WHOLE("eyJvcmRlcnMiOlt7ImlkIjo3N31dfQ=="); /* base64 */
	WHOLE("\x1f\x8b\x08 gzip");
	WHOLE("[\0]\0");          /* UTF-16 */
	WHOLE("{\"orders\":[]}"); /* stays */
	purge(&by_order);
	assert_int_equal(purged.rejections, 4);
	assert_int_equal(store_case_int(&c, "SELECT id FROM rejections"), 5);
}

/* A full ring is searched a slice at a time, to its end. */
static void
test_the_whole_ring_is_searched(void **state)
{
	enum { ROWS = 1000, EACH = 20 };
	static char big[20000];
	struct case_result appended;
	struct store_rejection r[EACH];
	struct case_result res[ROWS / EACH];
	int64_t n = 0;

	(void)state;
	(void)snprintf(big, sizeof(big), "{\"id\":77,\"pad\":\"");
	memset(big + strlen(big), 'x', sizeof(big) - strlen(big) - 1);
	for (int i = 0; i < ROWS; i++) {
		r[i % EACH] = (struct store_rejection){ .at_ms = NOW,
			.peer = "p",
			.cause = "json",
			.size = sizeof(big) - 1,
			.body = i % 10 == 9 ? big : "{}",
			.body_len = i % 10 == 9 ? sizeof(big) - 1 : 2 };
		if (i % 10 != 9)
			r[i % EACH].size = 2;
		if (i % EACH < EACH - 1)
			continue;
		memset(&res[i / EACH], 0, sizeof(res[0]));
		assert_int_equal(store_reject(c.st, r, EACH, case_done_cb,
				     &res[i / EACH]),
		    0);
	}
	store_wait(c.st);
	memset(&purged, 0, sizeof(purged));
	assert_int_equal(store_purge(c.st, &by_order, purged_cb, &n), 0);
	/* What is to be acknowledged does not wait for all of that. */
	case_queue_append(&c, "e1", NULL, 0, &appended);
	store_wait(c.st);
	assert_int_equal(appended.rc, STORE_OK);
	assert_int_equal(n, ROWS / 10);
	purge(&by_order);
	assert_int_equal(purged.n, 0);
	assert_int_equal(store_case_int(&c, "SELECT count(*) FROM rejections"),
	    ROWS - ROWS / 10);
}

/* -- What older versions wrote -- */

/* As version 7 had it: the first line stood in the outcome. */
static const char before[] =
    "UPDATE attempts SET outcome = 'order of " CANARY "', detail = NULL;"
    "UPDATE jobs SET outcome = 'too old: order of " CANARY "' "
    "WHERE attempts > 0;"
    "UPDATE jobs SET outcome = 'discarded: " CANARY "' WHERE id = 3;"
    "UPDATE jobs SET outcome = 'already: job 1' WHERE id = 4;"
    "ALTER TABLE attempts DROP COLUMN detail;"
    "DROP INDEX rejections_groups; DROP INDEX rejections_class; DROP INDEX "
    "rejections_digest;"
    "ALTER TABLE rejections DROP COLUMN class;"
    "ALTER TABLE rejections DROP COLUMN digest;"
    "ALTER TABLE rejections DROP COLUMN repeats;"
    "ALTER TABLE rejections DROP COLUMN last_at;"
    "ALTER TABLE rejections DROP COLUMN not_kept;"
    "DROP INDEX jobs_dead;"
    "ALTER TABLE jobs DROP COLUMN discarded_at;"
    "CREATE INDEX jobs_dead ON jobs (state, handler) WHERE state = 'dead';"
    "DROP INDEX events_repeat_of;"
    "ALTER TABLE events DROP COLUMN date_doubted;"
    "ALTER TABLE events DROP COLUMN endpoint;"
    "ALTER TABLE rejections DROP COLUMN endpoint;"
    "DROP INDEX jobs_rang;"
    "ALTER TABLE jobs DROP COLUMN acknowledged_at;"
    "ALTER TABLE jobs DROP COLUMN acknowledged_by;"
    "ALTER TABLE jobs DROP COLUMN key_of;"
    "DROP TABLE counts; DROP TABLE header_sets;"
    "ALTER TABLE events DROP COLUMN header_set;"
    "ALTER TABLE events DROP COLUMN own_headers;"
    "ALTER TABLE events DROP COLUMN answers;"
    "PRAGMA user_version = 7;";

static void
test_old_outcomes_are_taken_apart(void **state)
{
	(void)state;
	finish(append("e1"), JOB_DEAD, "exit 3");
	finish(append("e2"), JOB_DEAD, "exit 3");
	discard(append("e3"), "x");
	finish(append("e4"), JOB_DONE, "done");
	store_case_close(&c);
	store_case_sql(&c, before);
	store_case_sql(&c, "UPDATE events SET purged_at = 5 WHERE id = 2;"
			   "DELETE FROM bodies WHERE event = 2;"
			   "UPDATE attempts SET answer = NULL WHERE job = 2");
	store_case_open(&c);
	assert_string_equal(attempt_outcome(1),
	    "failed, code 3: order of " CANARY);
	assert_string_equal(job_outcome(1), "failed, code 3: order of " CANARY);
	assert_string_equal(job_outcome(2), "failed, code 3"); /* purged */
	assert_string_equal(job_outcome(3), "discarded: " CANARY);
	assert_string_equal(job_outcome(4), "already: job 1");
	purge(&by_age);
	assert_false(store_case_says(&c, CANARY));
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_detail_is_shown_while_it_is_kept),
		CASE(test_no_way_in_outlives_a_purge),
		CASE(test_no_way_in_outlives_a_purge_by_order),
		CASE(test_rejections_of_an_order_go),
		CASE(test_what_cannot_be_read_goes_too),
		CASE(test_the_whole_ring_is_searched),
		CASE(test_old_outcomes_are_taken_apart),
	};

	return (store_case_run("store_details", tests));
}
