/* Events of klikitd's own: found by how their ids begin, dead apart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

static struct store_case c;
static int64_t handler;
static const char *type;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	handler = case_handler(&c, "ops");
	type = "klikitd.alert.disk";
	return (0);
}

/* An event of that origin and id; its job's number. */
static int64_t
append(const char *event_id, const char *scope, enum store_origin origin)
{
	const struct store_job_spec spec = { .handler = handler,
		.place = STORE_WHOLE_EVENT,
		.guards = STORE_NO_GUARD };
	struct store_event src = {
		.event_id = event_id,
		.scope = scope,
		.type = type,
		.origin = origin,
		.peer = "klikitd",
		.received_at_ms = NOW,
		.body = strdup(event_id),
		.body_len = strlen(event_id),
	};
	struct case_result r = { 0 };
	struct store_event *ev;

	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(c.st, ev, &spec, 1, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	assert_int_equal(r.nrunnable, 1);
	return (r.runnable[0]);
}

/* What was found last. */
struct found {
	unsigned calls;
	size_t n;
	char event_id[64], body[64];
	enum store_origin origin;
	bool is_signed;
};

/* store_events_fn */
static void
found_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct found *f = arg;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	f->calls++;
	f->n = n;
	if (n == 0)
		return;
	(void)snprintf(f->event_id, sizeof(f->event_id), "%s",
	    rows[0].ev->event_id);
	(void)snprintf(f->body, sizeof(f->body), "%.*s",
	    (int)rows[0].ev->body_len, (const char *)rows[0].ev->body);
	f->origin = rows[0].ev->origin;
	f->is_signed = rows[0].ev->secret != NULL;
}

static struct found
last(const char *prefix)
{
	struct found f = { 0 };

	assert_int_equal(store_last_event(c.st, prefix, found_cb, &f), 0);
	store_wait(c.st);
	assert_int_equal(f.calls, 1);
	return (f);
}

/* The greatest id counts, not the newest row; and it comes whole. */
static void
test_last_of_a_prefix(void **state)
{
	struct found f;

	(void)state;
	assert_int_equal(last("a/disk/").n, 0);
	(void)append("a/disk/0002", NULL, STORE_INTERNAL);
	(void)append("a/disk/0010", NULL, STORE_INTERNAL);
	(void)append("a/disk/0009", NULL, STORE_INTERNAL);
	f = last("a/disk/");
	assert_int_equal(f.n, 1);
	assert_string_equal(f.event_id, "a/disk/0010");
	assert_string_equal(f.body, "a/disk/0010");
	assert_int_equal(f.origin, STORE_INTERNAL);
	assert_false(f.is_signed);
}

/* What only begins alike, or is of another scope, is another's. */
static void
test_a_prefix_is_exact(void **state)
{
	(void)state;
	(void)append("a/disk2/9", NULL, STORE_INTERNAL);
	(void)append("a/disk", NULL, STORE_INTERNAL);
	(void)append("a/disk/5", "sandbox", STORE_KLIKIT);
	assert_int_equal(last("a/disk/").n, 0);
	(void)append("a/disk/~", NULL, STORE_INTERNAL);
	assert_string_equal(last("a/disk/").event_id, "a/disk/~");
}

/* store_handlers_fn */
static void
dead_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	uint64_t *dead = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(n, 1);
	dead[0] = rows[0].dead;
	dead[1] = rows[0].dead_alerts;
}

static void
assert_dead(uint64_t all, uint64_t internal)
{
	uint64_t dead[2] = { 99, 99 };

	assert_int_equal(store_list_handlers(c.st, dead_cb, dead), 0);
	store_wait(c.st);
	assert_int_equal(dead[0], all);
	assert_int_equal(dead[1], internal);
}

/* Dead jobs of alerts are counted apart, too; of no other of our own. */
static void
test_dead_of_alerts(void **state)
{
	(void)state;
	assert_dead(0, 0);
	(void)case_finish(&c, append("a/1", NULL, STORE_INTERNAL), JOB_DEAD, 0);
	assert_dead(1, 1);
	(void)case_finish(&c, append("e1", NULL, STORE_KLIKIT), JOB_DEAD, 0);
	assert_dead(2, 1);
	(void)case_finish(&c, append("a/2", NULL, STORE_INTERNAL), JOB_DONE, 0);
	assert_dead(2, 1);
	type = "klikitd.order.status.requested";
	(void)case_finish(&c, append("a/3", NULL, STORE_INTERNAL), JOB_DEAD, 0);
	assert_dead(3, 1);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, setup,                  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_last_of_a_prefix),
		CASE(test_a_prefix_is_exact),
		CASE(test_dead_of_alerts),
	};

	return (store_case_run("store_internal", tests));
}
