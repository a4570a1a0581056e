/* Lists of rejections. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* One row of REJECTION_COLUMNS, headers, body and endpoint: as list_row_fn. */
static int
rejection_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_rejection_info *info = ret_row;
	struct store_rejection *r = &info->r;
	struct arena *a = &op->res_mem;
	const void *body;

	info->id = pg_int(res, row, 0);
	r->at_ms = pg_int(res, row, 1);
	r->size = (size_t)pg_int(res, row, 6);
	r->repeats = (uint64_t)pg_int(res, row, 7);
	r->last_at_ms = pg_int(res, row, 8);
	r->not_kept = (uint64_t)pg_int(res, row, 9);
	body = pg_bytes(res, row, 11, &r->body_len);
	/* SQLite has no empty body either. */
	if (body != NULL && r->body_len > 0 &&
	    (r->body = arena_dup(a, body, r->body_len)) == NULL)
		return (-1);
	if (pg_text(res, row, 2, a, &r->peer) == -1 ||
	    pg_text(res, row, 3, a, &r->cause) == -1 ||
	    pg_text(res, row, 4, a, &r->code) == -1 ||
	    pg_text(res, row, 5, a, &r->diagnosis) == -1 ||
	    pg_text(res, row, 12, a, &r->endpoint) == -1)
		return (-1);
	return (pg_text(res, row, 10, a, &r->headers));
}

static enum store_rc
rejection_rows(struct pg_conn *c, struct store_op *op, enum list_sql which,
    const struct pg_args *args, char reason[STORE_REASON_MAX])
{
	const struct list_ask ask = { which,
		sizeof(struct store_rejection_info), rejection_row };
	enum store_rc rc;
	void *rows = NULL;

	rc = list_rows(c, op, &ask, args, &rows, reason);
	op->rejections = rows;
	return (rc);
}

static bool
could_match(const struct store_rejection_filter *f)
{
	const char *const texts[] = { f->cause, f->code };

	return (list_could_match(texts, sizeof(texts) / sizeof(texts[0])));
}

enum store_rc
list_rejections(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	const struct store_rejection_filter *f = &op->in.rejections;
	struct pg_args args;

	if (!could_match(f))
		return (STORE_OK);
	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, walk_before(f->before));
	pg_arg_int(&args, f->since_ms);
	pg_arg_int(&args, walk_before(f->until_ms));
	pg_arg_int(&args, (int64_t)f->limit);
	pg_arg_text(&args, f->cause);
	pg_arg_text(&args, f->code);
	return (rejection_rows(c, op, LIST_REJECTIONS, &args, reason));
}

/* As list_row_fn. */
static int
group_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_rejection_group *g = ret_row;
	struct arena *a = &op->res_mem;

	g->rows = (uint64_t)pg_int(res, row, 2);
	g->deliveries = (uint64_t)pg_int(res, row, 3);
	g->first_ms = pg_int(res, row, 4);
	g->last_ms = pg_int(res, row, 5);
	g->newest = pg_int(res, row, 6);
	if (pg_text(res, row, 0, a, &g->cause) == -1 ||
	    pg_text(res, row, 1, a, &g->code) == -1)
		return (-1);
	return (pg_text(res, row, 7, a, &g->diagnosis));
}

enum store_rc
group_rejections(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_REJECTION_GROUPS,
		sizeof(struct store_rejection_group), group_row };
	const struct store_rejection_filter *f = &op->in.rejections;
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	if (!could_match(f))
		return (STORE_OK);
	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, f->since_ms);
	pg_arg_int(&args, walk_before(f->until_ms));
	pg_arg_text(&args, f->cause);
	pg_arg_text(&args, f->code);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	op->groups = rows;
	return (rc);
}

enum store_rc
get_rejection(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct pg_args args;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, op->in.rejection);
	return (rejection_rows(c, op, LIST_REJECTION, &args, reason));
}
