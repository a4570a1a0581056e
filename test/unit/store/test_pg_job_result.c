/* job_result.c, event_row.c: what came of operations, out of made results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "store/postgres/batch.h"
#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"

enum { ORD, WHAT, WORDS, ID, DUE_AT = 9, EVENT, NCOLUMNS = EVENT + 21 };

static struct pg_batch *batch;
static struct store_op *ops[3];
static struct job_ops all = { ops, 3 };
static PGresult *res;

static int
setup(void **state)
{
	static char name[] = "c";
	PGresAttDesc columns[NCOLUMNS];

	(void)state;
	memset(columns, 0, sizeof(columns));
	for (int i = 0; i < NCOLUMNS; i++) {
		columns[i].name = name;
		columns[i].format = 1;
	}
	assert_non_null(batch = pg_batch_new(1, NULL));
	for (size_t i = 0; i < all.n; i++) {
		assert_non_null(ops[i] = store_op_new(STORE_OP_FINISH));
		ops[i]->in.finish.job = (int64_t)i + 70;
	}
	assert_non_null(res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK));
	assert_int_equal(PQsetResultAttrs(res, NCOLUMNS, columns), 1);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < all.n; i++)
		store_op_free(ops[i]);
	pg_batch_free(batch);
	PQclear(res);
	return (0);
}

/* -- Making rows -- */

static void
put_text(int row, int column, const char *text)
{
	char copy[64];

	(void)strcpy(copy, text);
	assert_int_equal(PQsetvalue(res, row, column, copy, (int)strlen(text)),
	    1);
}

static void
put_int(int row, int column, int64_t value)
{
	char eight[8];

	for (int i = 0; i < 8; i++)
		eight[i] = (char)((uint64_t)value >> (56 - 8 * i));
	assert_int_equal(PQsetvalue(res, row, column, eight, 8), 1);
}

/* What is not put is NULL. */
static void
put_row(int64_t ord, const char *what, int64_t id)
{
	int row = PQntuples(res);

	put_int(row, ORD, ord);
	put_text(row, WHAT, what);
	put_int(row, ID, id);
	for (int i = 0; i < NCOLUMNS; i++)
		if (i != ORD && i != WHAT && i != ID)
			assert_int_equal(PQsetvalue(res, row, i, NULL, -1), 1);
}

/* An event without orders and body in the last row. */
static void
put_event(int64_t id)
{
	int row = PQntuples(res) - 1;

	put_int(row, EVENT, id);
	put_text(row, EVENT + 1, "evt");
	put_text(row, EVENT + 2, "");
	put_text(row, EVENT + 3, "order.created");
	put_text(row, EVENT + 4, "klikit");
	put_text(row, EVENT + 11, "127.0.0.1:5");
}

static int
take(void)
{
	return (job_result_take(batch, res, &all));
}

/* -- Tests -- */

/* What has no row went as it was asked. */
static void
test_no_row_is_good(void **state)
{
	(void)state;
	assert_int_equal(take(), 0);
	for (size_t i = 0; i < all.n; i++) {
		assert_int_equal(ops[i]->res.rc, STORE_OK);
		assert_int_equal(ops[i]->res.nrunnable, 0);
	}
}

static void
test_each_word(void **state)
{
	static const struct {
		const char *what;
		enum store_rc rc;
	} cases[] = {
		{ "is", STORE_OK },
		{ "due", STORE_OK },
		{ "already", STORE_EXISTS },
		{ "not found", STORE_NOTFOUND },
		{ "refused", STORE_REFUSED },
		{ "lost", STORE_LOST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)teardown(NULL);
		(void)setup(NULL);
		put_row(2, cases[i].what, 5);
		put_text(0, WORDS, "so it is");
		assert_int_equal(take(), 0);
		assert_int_equal(ops[0]->res.rc, STORE_OK);
		assert_int_equal(ops[1]->res.rc, cases[i].rc);
		if (cases[i].rc >= STORE_REFUSED)
			assert_string_equal(ops[1]->res.reason, "so it is");
	}
}

/* Jobs of several operations, in any order; an event is shared by those of one.
 */
static void
test_jobs_are_listed(void **state)
{
	(void)state;
	put_row(3, "runs", 31);
	put_event(9);
	put_row(1, "runs", 11);
	put_event(8);
	put_row(3, "runs", 32);
	put_event(9);
	assert_int_equal(take(), 0);
	assert_int_equal(ops[0]->res.nrunnable, 1);
	assert_int_equal(ops[0]->res.runnable[0].id, 11);
	assert_int_equal(ops[0]->res.runnable[0].ev->id, 8);
	assert_int_equal(ops[2]->res.nrunnable, 2);
	assert_int_equal(ops[2]->res.runnable[1].id, 32);
	assert_ptr_equal(ops[2]->res.runnable[0].ev,
	    ops[2]->res.runnable[1].ev);
	assert_string_equal(ops[2]->res.runnable[0].ev->event_id, "evt");
	assert_null(ops[2]->res.runnable[0].ev->body);
}

/* The earliest of several. */
static void
test_next_due(void **state)
{
	static const int64_t dues[] = { 30, 20, 40 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		put_row(1, "due", 0);
		put_int(i, DUE_AT, dues[i]);
	}
	assert_int_equal(take(), 0);
	assert_int_equal(ops[0]->res.next_due.ms, 20);
	assert_int_equal(ops[1]->res.next_due.ms, 0);
}

/* What a function never answers is no result: nothing is committed then. */
static void
test_what_is_no_answer(void **state)
{
	(void)state;
	put_row(1, "runs", 5); /* without its event */
	assert_int_equal(take(), -1);
	for (int64_t ord = -1; ord <= 4; ord += 5) {
		(void)teardown(NULL);
		(void)setup(NULL);
		put_row(ord, "is", 5);
		assert_int_equal(take(), -1);
	}
	(void)teardown(NULL);
	(void)setup(NULL);
	put_row(0, "is", 5);
	assert_int_equal(take(), -1);
	(void)teardown(NULL);
	(void)setup(NULL);
	put_row(1, "ready", 5);
	assert_int_equal(take(), -1);
	(void)teardown(NULL);
	(void)setup(NULL);
	put_row(1, "runs", 5);
	put_event(9);
	put_text(0, EVENT + 4, "elsewhere"); /* no origin */
	assert_int_equal(take(), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_row_is_good, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_each_word, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_jobs_are_listed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_next_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_no_answer, setup,
		    teardown),
	};

	return (
	    cmocka_run_group_tests_name("pg_job_result", tests, NULL, NULL));
}
