/*
 * A purge, a batch at a time: schema/005_purge.sql. What goes is what goes with
 * SQLite; of the bytes on the disk see traits.purge_leaves.
 *
 * What names an order among the rejections is looked for here. That takes
 * several transactions: first all are looked at, then those that were found are
 * removed. A transaction that fails may run again: to look changes nothing, and
 * of what is removed it is counted what is left.
 */
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"
#include "store/ring.h"

static const struct pg_statement purge = { "purge",
	"SELECT events, rejections FROM purge($1::text, $2::text, $3::int8, "
	"$4::int8, $5::int8, $6::int8, $7::int8, $8::int8)" };
static const struct pg_statement scan = { "purge_scan",
	"SELECT id, size, body, headers, diagnosis "
	"FROM scan_rejections($1::int8, $2::int8, $3::int8)" };
static const struct pg_statement purge_found = { "purge_rejections",
	"SELECT purge_rejections($1::int8[], $2::int8)" };

#define ALL_SCANNED INT64_MAX

/* -- Of an order: rejections -- */

static void
set_removed(struct store_op *op, int64_t n)
{
	op->again = op->purge.scanning = false;
	op->purge.removed = n;
	op->res.id = op->res.rejections = n;
}

static void
read_row(const PGresult *res, int i, struct ring_row *ret)
{
	ret->size = (size_t)pg_int(res, i, 1);
	ret->body = pg_bytes(res, i, 2, &ret->body_len);
	ret->headers = pg_bytes(res, i, 3, &ret->headers_len);
	ret->diagnosis = pg_bytes(res, i, 4, &ret->diagnosis_len);
}

/* pg_take_fn: some were looked at. None: there are no more. */
static int
scan_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct store_op *op = arg;
	int n = PQntuples(res);
	struct ring_row row;

	(void)b;
	op->again = true;
	for (int i = 0; i < n; i++) {
		read_row(res, i, &row);
		op->purge.after = pg_int(res, i, 0);
		if (!ring_may_hold(&row, op->in.purge.order_id))
			continue;
		op->purge.found =
		    arena_more(&op->in_mem, op->purge.found, op->purge.nfound,
			&op->purge.room, sizeof(*op->purge.found));
		if (op->purge.found == NULL)
			return (-1);
		op->purge.found[op->purge.nfound++] = op->purge.after;
	}
	if (n == 0)
		op->purge.after = ALL_SCANNED;
	if (n == 0 && op->purge.nfound == 0)
		set_removed(op, 0);
	return (0);
}

/* pg_take_fn: some were removed. */
static int
found_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct store_op *op = arg;
	int64_t left = pg_int(res, 0, 0);

	(void)b;
	if (PQntuples(res) != 1)
		return (-1);
	op->again = left > 0;
	if (left == 0)
		set_removed(op, (int64_t)op->purge.nfound);
	return (0);
}

static int
add_scan(struct pg_batch *b, struct store_op *op, struct pg_args *a)
{
	if (op->purge.after == ALL_SCANNED) {
		pg_arg_array(a, PG_INT8S, op->purge.nfound);
		for (size_t i = 0; i < op->purge.nfound; i++)
			pg_item_int(a, op->purge.found[i]);
		pg_arg_int(a, RING_SCAN_ROWS);
		return (pg_batch_add(b, &purge_found, a, found_take, op));
	}
	pg_arg_int(a, op->purge.after);
	pg_arg_int(a, RING_SCAN_ROWS);
	pg_arg_int(a, RING_SCAN_BYTES);
	return (pg_batch_add(b, &scan, a, scan_take, op));
}

/* -- Of events, and by age -- */

/* pg_take_fn: a batch is gone. None: look at the rejections, if it is due. */
static int
purge_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct store_op *op = arg;

	(void)b;
	if (PQntuples(res) != 1)
		return (-1);
	op->res.rejections = pg_int(res, 0, 1);
	op->res.id = pg_int(res, 0, 0) + op->res.rejections;
	op->again = op->purge.scanning =
	    op->res.id == 0 && op->in.purge.order_id != NULL;
	return (0);
}

static int
add_purge(struct pg_batch *b, struct store_op *op, struct pg_args *a)
{
	const struct store_purge *p = &op->in.purge;

	pg_arg_text(a, p->order_id);
	pg_arg_text(a, p->scope);
	pg_arg_int(a, p->bodies_before_ms);
	pg_arg_int(a, p->bodies_came_before.ms);
	pg_arg_int(a, p->ids_before_ms);
	pg_arg_int(a, p->ids_came_before.ms);
	pg_arg_int(a, p->now_ms);
	pg_arg_int(a, (int64_t)p->limit);
	return (pg_batch_add(b, &purge, a, purge_take, op));
}

int
purge_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct pg_args *a;

	for (size_t i = 0; i < n; i++) {
		a = arena_alloc(pg_batch_mem(b), sizeof(*a));
		if (a == NULL)
			return (-1);
		pg_args_init(a, pg_batch_mem(b));
		if ((ops[i]->purge.scanning ? add_scan(b, ops[i], a)
					    : add_purge(b, ops[i], a)) == -1)
			return (-1);
	}
	return (0);
}
