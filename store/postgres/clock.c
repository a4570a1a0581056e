/*
 * The clock of all receivers: the database's. Nothing has to be noted of it; it
 * is the wall clock, the steady one and what is believed.
 */
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

static const struct pg_statement clock_now = { "clock_now",
	"SELECT clock_ms(), coalesce((SELECT coalesce(e.came_at, "
	"e.received_at) FROM events AS e ORDER BY e.id DESC LIMIT 1), 0)" };

int
clock_note_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	(void)b;
	(void)ops;
	(void)n;
	return (0);
}

enum store_rc
clock_read(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct store_clock *clock = &op->in.clock;
	struct arena mem = { 0 };
	struct pg_args args;
	PGresult *res;
	enum store_rc rc;

	pg_args_init(&args, &mem);
	if ((rc = pg_query(c, &clock_now, &args, &res, reason)) == STORE_OK) {
		clock->shared = true;
		clock->steady.ms = pg_int(res, 0, 0);
		clock->wall.ms = clock->believed.ms = clock->steady.ms;
		clock->newest_came.ms = pg_int(res, 0, 1);
		PQclear(res);
	}
	arena_fini(&mem);
	return (rc);
}
