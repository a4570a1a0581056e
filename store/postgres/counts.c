/* What was counted: add_counts() in schema/013_counts.sql adds it up. */
#include "store/postgres/lists_sql.h"
#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

static const struct pg_statement add_counts = { "add_counts",
	"SELECT add_counts($1::int8[], $2::int8[], $3::text[], $4::text[], "
	"$5::text[], $6::int8[], $7::int8[], $8::text, $9::int8[], "
	"$10::int8[], $11::int8)" };

/* A count, in one of the steps in which its kind is kept. */
struct counted {
	const struct store_count *c;
	enum store_count_step step;
};

/* Each of op in each step, the array of which has room for all. */
static size_t
in_steps(const struct store_op *op, struct counted *ret)
{
	size_t n = 0;

	for (int step = 0; step < STORE_COUNT_NSTEPS; step++) {
		for (size_t i = 0; i < op->in.counts.n; i++) {
			const struct store_count *c = &op->in.counts.list[i];

			if (store_count_names(c->kind,
				(enum store_count_step)step) > 0)
				ret[n++] = (struct counted){ c,
					(enum store_count_step)step };
		}
	}
	return (n);
}

/* Which rows they are of. */
static void
put_keys(struct pg_args *a, const struct counted *list, size_t n)
{
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, store_count_step_ms(list[i].step));
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a,
		    store_count_begin_ms(list[i].step, list[i].c->at_ms));
	pg_arg_array(a, PG_TEXTS, n);
	for (size_t i = 0; i < n; i++)
		pg_item_text(a, store_count_kind_name(list[i].c->kind));
	pg_arg_array(a, PG_TEXTS, n);
	for (size_t i = 0; i < n; i++)
		pg_item_text(a, list[i].c->name);
}

static void
put_numbers(struct pg_args *a, const struct counted *list, size_t n)
{
	char text[STORE_COUNT_TEXT_MAX];

	pg_arg_array(a, PG_TEXTS, n);
	for (size_t i = 0; i < n; i++) {
		store_count_print(list[i].c->numbers, text);
		pg_item_text(a, text);
	}
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, list[i].c->peak);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a,
		    store_count_names(list[i].c->kind, list[i].step));
}

/* What is kept, and for how long: of no step, nothing is deleted. */
static void
put_terms(struct pg_args *a, const struct store_op *op)
{
	int nsteps = op->in.counts.sweep ? STORE_COUNT_NSTEPS : 0;
	int64_t now = op->in.counts.now_ms;
	int64_t more = now - store_count_begin_ms(STORE_COUNT_HOUR, now);

	pg_arg_text(a, STORE_COUNT_REST);
	pg_arg_array(a, PG_INT8S, (size_t)nsteps);
	for (int i = 0; i < nsteps; i++)
		pg_item_int(a, store_count_step_ms((enum store_count_step)i));
	pg_arg_array(a, PG_INT8S, (size_t)nsteps);
	for (int i = 0; i < nsteps; i++)
		pg_item_int(a,
		    more + store_count_keep_ms((enum store_count_step)i));
	pg_arg_int(a, STORE_COUNT_AHEAD_MS);
}

/* pg_take_fn */
static int
counts_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	(void)b;
	(void)arg;
	return (PQntuples(res) == 1 ? 0 : -1);
}

int
counts_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct arena *mem = pg_batch_mem(b);

	for (size_t i = 0; i < n; i++) {
		struct counted *list;
		struct pg_args *a = arena_alloc(mem, sizeof(*a));
		size_t nlist;

		list = arena_array(mem,
		    ops[i]->in.counts.n * STORE_COUNT_NSTEPS + 1,
		    sizeof(*list));
		if (a == NULL || list == NULL)
			return (-1);
		nlist = in_steps(ops[i], list);
		pg_args_init(a, mem);
		put_keys(a, list, nlist);
		put_numbers(a, list, nlist);
		put_terms(a, ops[i]);
		if (pg_batch_add(b, &add_counts, a, counts_take, ops[i]) == -1)
			return (-1);
	}
	return (0);
}

/* One row of LIST_COUNTS: as list_row_fn. */
static int
count_row(struct store_op *op, const PGresult *res, int row, void *ret_row)
{
	struct store_count *c = ret_row;
	const char *kind, *numbers;

	c->at_ms = pg_int(res, row, 0);
	c->peak = pg_int(res, row, 4);
	if (pg_text(res, row, 1, &op->res_mem, &kind) == -1 ||
	    pg_text(res, row, 2, &op->res_mem, &c->name) == -1 ||
	    pg_text(res, row, 3, &op->res_mem, &numbers) == -1)
		return (-1);
	store_count_parse(numbers, c->numbers);
	return (store_count_kind_parse(kind, &c->kind));
}

enum store_rc
list_counts(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	static const struct list_ask ask = { LIST_COUNTS,
		sizeof(struct store_count), count_row };
	struct pg_args args;
	enum store_rc rc;
	void *rows = NULL;

	pg_args_init(&args, &op->res_mem);
	pg_arg_int(&args, store_count_step_ms(op->in.counted.step));
	pg_arg_int(&args, op->in.counted.from_ms);
	pg_arg_int(&args, op->in.counted.to_ms);
	rc = list_rows(c, op, &ask, &args, &rows, reason);
	op->counts = rows;
	return (rc);
}
