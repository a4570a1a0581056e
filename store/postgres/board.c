/*
 * The board: open orders, the oldest first, then how many there are in each
 * status; all by one statement, so of one moment.
 */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* A row of LIST_BOARD: of an order, or of a status if it has no order. */
struct any_row {
	struct store_board_row order;
	uint64_t n;
};

/* As list_row_fn. */
static int
take(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct any_row *r = ret_row;
	struct store_order_info *o = &r->order.order;
	struct arena *a = &op->res_mem;

	r->n = (uint64_t)pg_int(res, row, 7);
	r->order.recorded = r->n != 0;
	o->event = pg_int(res, row, 8);
	o->place = (int32_t)pg_int(res, row, 9);
	o->order.place = o->place;
	r->order.first = pg_int(res, row, 11);
	o->received_at_ms = pg_int(res, row, 12);
	o->cart_event = pg_int(res, row, 13);
	r->order.alarms = (unsigned)pg_int(res, row, 18);
	if (pg_text(res, row, 0, a, &o->order.order_id) == -1 ||
	    pg_text(res, row, 1, a, &o->scope) == -1 ||
	    pg_text(res, row, 2, a, &o->brand) == -1 ||
	    pg_text(res, row, 3, a, &o->branch) == -1 ||
	    pg_text(res, row, 4, a, &o->order.external_id) == -1 ||
	    pg_text(res, row, 5, a, &o->order.status) == -1 ||
	    pg_text(res, row, 6, a, &o->order.updated_at) == -1 ||
	    pg_text(res, row, 10, a, &o->event_id) == -1 ||
	    pg_text(res, row, 14, a, &o->document) == -1 ||
	    pg_text(res, row, 15, a, &r->order.cart) == -1 ||
	    pg_text(res, row, 16, a, &r->order.pending) == -1)
		return (-1);
	return (pg_text(res, row, 17, a, &r->order.dead));
}

/* Part the rows: those of statuses, which have no first event, come first. */
static int
part(struct store_op *op, const struct any_row *all, struct store_board *b)
{
	struct store_board_count *counts;
	struct store_board_row *rows;

	counts = arena_array(&op->res_mem, op->nrows + 1, sizeof(*counts));
	rows = arena_array(&op->res_mem, op->nrows + 1, sizeof(*rows));
	if (counts == NULL || rows == NULL)
		return (-1);
	for (size_t i = 0; i < op->nrows; i++) {
		if (all[i].order.order.order.order_id != NULL)
			rows[b->nrows++] = all[i].order;
		else if (b->ncounts < STORE_BOARD_STATUSES)
			counts[b->ncounts++] = (struct store_board_count){
				all[i].order.order.order.status, all[i].n
			};
	}
	b->rows = rows;
	b->counts = counts;
	return (0);
}

enum store_rc
list_board(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_BOARD, sizeof(struct any_row),
		take };
	const struct store_filter *f = &op->in.filter;
	const char *const texts[] = { f->scope, f->brand, f->branch };
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	op->board = arena_alloc(&op->res_mem, sizeof(*op->board));
	if (op->board == NULL)
		return (STORE_FAILED);
	if (!list_could_match(texts, sizeof(texts) / sizeof(texts[0])))
		return (STORE_OK);
	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, f->after);
	pg_arg_int(&args, f->since_ms);
	pg_arg_int(&args, walk_before(0));
	pg_arg_int(&args, (int64_t)f->limit);
	pg_arg_text(&args, f->scope);
	pg_arg_text(&args, f->brand);
	pg_arg_text(&args, f->branch);
	pg_arg_text(&args, f->carts);
	list_ends(&args, f);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	if (rc == STORE_OK && rows != NULL && part(op, rows, op->board) == -1)
		rc = STORE_FAILED;
	return (rc);
}
