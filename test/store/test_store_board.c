/* The board: open orders, the oldest first, and how many in each status. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/attempts_case.h"
#include "test/lib/cmocka_all.h"

#define c attempts_case
#define NOW ATTEMPTS_NOW

static int64_t tables, pos, bell;

static int
setup(void **state)
{
	(void)attempts_setup(state);
	tables = case_handler(&c, "orders");
	pos = case_handler(&c, "pos");
	bell = case_handler(&c, "bell");
	return (0);
}

/* What came in, and its job for the tables; a second one is for the pos. */
struct came {
	int64_t event, job;
};

static struct came
come(const char *id, const char *order, const char *type, int64_t at_ms)
{
	struct store_order o = { .order_id = order,
		.status = "1",
		.external_id = "X" };
	const struct store_job_spec specs[] = {
		{ .handler = tables,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = pos,
		    .place = STORE_WHOLE_EVENT,
		    .guards = STORE_NO_GUARD },
		{ .handler = bell,
		    .place = STORE_WHOLE_EVENT,
		    .due_at.ms = NOW + 100,
		    .guards = 1 },
	};
	struct store_event src = { .event_id = id,
		.type = type,
		.brand = "910",
		.branch = "2041",
		.secret = "default",
		.peer = "p",
		.received_at_ms = at_ms,
		.orders = &o,
		.norders = 1 };
	struct store_event *ev;
	struct case_result r = { 0 };
	struct came came;

	src.body = strdup("{\"orders\":[{\"id\":1,\"cart\":[]}]}");
	src.body_len = strlen(src.body);
	(void)strncpy((char *)src.digest, id, sizeof(src.digest) - 1);
	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(c.st, ev, specs, 3, case_done_cb, &r), 0);
	store_event_unref(ev);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
	came.event = r.id;
	came.job = r.runnable[0];
	return (came);
}

/* The tables have it, in that status. */
static void
record(struct came came, const char *order, const char *status)
{
	const struct store_order o = { .order_id = order, .status = status };
	struct store_write w = { .table = STORE_ORDERS,
		.order = &o,
		.brand = "910",
		.branch = "2041",
		.event = came.event };
	const struct store_outcome out = { .job = came.job,
		.to = JOB_DONE,
		.outcome = "done",
		.at_ms = NOW,
		.writes = &w,
		.nwrites = 1 };
	struct case_result r = { 0 };

	w.key[0] = (unsigned char)came.event;
	assert_int_equal(store_finish(c.st, &out, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

#define CREATED "klikit.order.created.v2"
#define CART "klikit.order.cart.updated"

/* What a read said, as one line: orders, then counts by status. */
static char said[512];
static int64_t last; /* first event of the last row */

static void
say(const char *text)
{
	(void)strncat(said, text == NULL ? "-" : text,
	    sizeof(said) - strlen(said) - 1);
}

static int
by_status(const void *a, const void *b)
{
	const struct store_board_count *x = a, *y = b;

	return (strcmp(x->status, y->status));
}

/* store_board_fn */
static void
board_cb(enum store_rc rc, const struct store_board *board, const char *reason,
    void *arg)
{
	struct store_board_count counts[8];
	char n[32];

	(void)arg;
	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	for (size_t i = 0; i < board->nrows; i++) {
		const struct store_board_row *r = &board->rows[i];

		say(i == 0 ? "" : " ");
		say(r->order.order.order_id);
		say(r->recorded ? "" : "?");
		if (r->pending != NULL || r->dead != NULL) {
			say("[");
			say(r->pending);
			say("/");
			say(r->dead);
			say("]");
		}
		for (unsigned j = 0; j < r->alarms; j++)
			say("!");
		last = r->first;
		assert_non_null(strstr(r->order.document, "\"id\""));
	}
	say(";");
	assert_in_range(board->ncounts, 0, 8);
	if (board->ncounts > 0) {
		memcpy(counts, board->counts, board->ncounts * sizeof(*counts));
		qsort(counts, board->ncounts, sizeof(*counts), by_status);
	}
	for (size_t i = 0; i < board->ncounts; i++) {
		(void)snprintf(n, sizeof(n), " %s=%llu", counts[i].status,
		    (unsigned long long)counts[i].n);
		say(n);
	}
}

static const char *
look(struct store_filter f)
{
	static const char *const ends[] = { "3" };

	said[0] = '\0';
	f.carts = CART "%";
	f.ends = ends;
	f.nends = 1;
	assert_int_equal(store_read_board(c.st, &f, board_cb, NULL), 0);
	store_wait(c.st);
	return (said);
}
#define LOOK(...) look((struct store_filter){ __VA_ARGS__ })

static void
done(int64_t job)
{
	assert_int_equal(case_finish(&c, job, JOB_DONE, 0).rc, STORE_OK);
}

/* Oldest first, by the first event; what has ended is only counted. */
static void
test_the_oldest_first(void **state)
{
	struct came a, b, d;

	(void)state;
	a = come("e1", "9", CREATED, NOW);
	b = come("e2", "5", CREATED, NOW);
	d = come("e3", "7", CREATED, NOW);
	record(a, "9", "1");
	record(b, "5", "3");
	record(d, "7", "2");
	done(a.job + 1);
	done(b.job + 1);
	done(d.job + 1);
	assert_string_equal(LOOK(0), "9 7; 1=1 2=1 3=1");
	/* A later event of the oldest does not make it younger. */
	a = come("e4", "9", CREATED, NOW);
	record(a, "9", "4");
	done(a.job + 1);
	assert_string_equal(LOOK(0), "9 7; 2=1 3=1 4=1");
	assert_string_equal(LOOK(.limit = 1), "9; 2=1 3=1 4=1");
	assert_string_equal(LOOK(.limit = 1, .after = last), "7; 2=1 3=1 4=1");
	assert_string_equal(LOOK(.branch = "77"), ";");
	assert_string_equal(LOOK(.brand = "910", .scope = ""),
	    "9 7; 2=1 3=1 4=1");
}

/* What no projection has written is there, and who has not done it is named. */
static void
test_stuck_orders_are_there(void **state)
{
	struct came a, b;

	(void)state;
	a = come("e1", "1", CREATED, NOW);
	assert_string_equal(LOOK(0), "1?[orders,pos/-]; 1=1");
	assert_int_equal(case_finish(&c, a.job, JOB_DEAD, 0).rc, STORE_OK);
	assert_int_equal(case_finish(&c, a.job + 1, JOB_DEAD, 0).rc, STORE_OK);
	assert_string_equal(LOOK(0), "1?[-/orders,pos]; 1=1");
	assert_int_equal(case_start(a.job + 2, false).res.rc, STORE_OK);
	assert_string_equal(LOOK(0), "1?[-/orders,pos]!; 1=1");
	b = come("e2", "2", CREATED, NOW);
	record(b, "2", "1");
	assert_string_equal(LOOK(0), "1?[-/orders,pos]! 2[pos/-]; 1=2");
	/* A replay counts instead of what it repeats. */
	done(case_act(STORE_REPLAY, a.job + 1, NULL).res.id);
	assert_int_equal(case_act(STORE_ACKNOWLEDGE, a.job + 2, "a").res.rc,
	    STORE_OK);
	assert_string_equal(LOOK(0), "1?[-/orders] 2[pos/-]; 1=2");
}

/* A cart is no order yet; and what is old is not looked at. */
static void
test_what_is_not_on_it(void **state)
{
	struct came a;

	(void)state;
	(void)come("e1", "1", CART, NOW);
	assert_string_equal(LOOK(0), ";");
	a = come("e2", "1", CREATED, NOW + 1);
	assert_string_equal(LOOK(0), "1?[orders,pos/-]; 1=1");
	a = come("e3", "2", CREATED, NOW - 5000);
	record(a, "2", "1");
	done(a.job + 1);
	assert_string_equal(LOOK(0), "1?[orders,pos/-] 2; 1=2");
	/* Numbers are of arrival; the date is what counts. */
	assert_string_equal(LOOK(.since_ms = NOW + 2), ";");
	assert_string_equal(LOOK(.since_ms = NOW - 4000),
	    "1?[orders,pos/-] 2; 1=2");
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, attempts_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_the_oldest_first),
		CASE(test_stuck_orders_are_there),
		CASE(test_what_is_not_on_it),
	};

	return (store_case_run("store_board", tests));
}
