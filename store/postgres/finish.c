/*
 * How attempts end, a statement for all of a batch: finish_jobs() in
 * schema/003_jobs.sql.
 */
#include "store/postgres/job_result.h"
#include "store/postgres/postgres.h"

static const struct pg_statement finish = { "finish", JOB_RESULT_OF
	"finish_jobs($1::int8, $2::int8[], $3::int8[], $4::text[], "
	"$5::int8[], $6::int8[], $7::text[], $8::bool[], $9::int8[], "
	"$10::int8[], $11::int8[], $12::bytea[], $13::text[], $14::bool[], "
	"$15::int8[], $16::bool[], $17::text[], $18::text[], $19::text[], "
	"$20::text[], $21::text[], $22::text[], $23::text[], $24::bytea[], "
	"$25::int8[], $26::int8[]) AS r" };

/* One that cannot end so is refused before anything is sent. */
static bool
takes(struct store_op *op)
{
	if (job_may_move(JOB_RUNNING, op->in.finish.to))
		return (true);
	store_op_fail(op, STORE_REFUSED, "no attempt ends in such a state");
	return (false);
}

/* -- Its arrays -- */

static const struct store_outcome *
outcome(const struct job_ops *all, size_t i)
{
	return (&all->ops[i]->in.finish);
}

static void
put_jobs(struct pg_args *a, const struct job_ops *all)
{
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, outcome(all, i)->job);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, outcome(all, i)->number);
	pg_arg_array(a, PG_TEXTS, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_text(a, job_state_name(outcome(all, i)->to));
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, outcome(all, i)->at_ms);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, outcome(all, i)->due_at.ms);
	pg_arg_array(a, PG_TEXTS, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_text(a, outcome(all, i)->outcome);
}

static const struct store_attempt *
attempt(const struct job_ops *all, size_t i)
{
	static const struct store_attempt none;

	return (outcome(all, i)->attempt != NULL ? outcome(all, i)->attempt
						 : &none);
}

static void
put_attempts(struct pg_args *a, const struct job_ops *all)
{
	pg_arg_array(a, PG_BOOLS, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_bool(a, outcome(all, i)->attempt != NULL);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, attempt(all, i)->started_at_ms);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, attempt(all, i)->duration_ms);
	pg_arg_array(a, PG_INT8S, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_int(a, attempt(all, i)->code);
	pg_arg_array(a, PG_BYTES, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_bytes(a, attempt(all, i)->answer,
		    attempt(all, i)->answer_len);
	pg_arg_array(a, PG_TEXTS, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_text(a, attempt(all, i)->detail);
	pg_arg_array(a, PG_BOOLS, all->n);
	for (size_t i = 0; i < all->n; i++)
		pg_item_bool(a, outcome(all, i)->served);
}

/* A row of a projection, and the number of the operation that it is of. */
struct written {
	const struct store_write *w;
	int64_t ord;
};

/* A text that each row has, or not: what it is called. */
enum text {
	TEXT_ORDER_ID,
	TEXT_SCOPE,
	TEXT_BRAND,
	TEXT_BRANCH,
	TEXT_EXTERNAL_ID,
	TEXT_STATUS,
	TEXT_UPDATED_AT
};

static const char *
text_of(const struct store_write *w, enum text which)
{
	switch (which) {
	case TEXT_ORDER_ID:
		return (w->order->order_id);
	case TEXT_SCOPE:
		return (w->scope != NULL ? w->scope : "");
	case TEXT_BRAND:
		return (w->brand);
	case TEXT_BRANCH:
		return (w->branch);
	case TEXT_EXTERNAL_ID:
		return (w->order->external_id);
	case TEXT_STATUS:
		return (w->order->status);
	case TEXT_UPDATED_AT:
		return (w->order->updated_at);
	}
	return (NULL);
}

static void
put_rows(struct pg_args *a, const struct written *rows, size_t n)
{
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, rows[i].ord);
	pg_arg_array(a, PG_BOOLS, n);
	for (size_t i = 0; i < n; i++)
		pg_item_bool(a, rows[i].w->table == STORE_CARTS);
	for (int which = TEXT_ORDER_ID; which <= TEXT_UPDATED_AT; which++) {
		pg_arg_array(a, PG_TEXTS, n);
		for (size_t i = 0; i < n; i++)
			pg_item_text(a, text_of(rows[i].w, (enum text)which));
	}
	pg_arg_array(a, PG_BYTES, n);
	for (size_t i = 0; i < n; i++)
		pg_item_bytes(a, rows[i].w->key, sizeof(rows[i].w->key));
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, rows[i].w->event);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, rows[i].w->place);
}

static int
put_writes(struct pg_batch *b, struct pg_args *a, const struct job_ops *all)
{
	struct written *rows;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += outcome(all, i)->nwrites;
	if ((rows = arena_array(pg_batch_mem(b), n, sizeof(*rows))) == NULL)
		return (-1);
	n = 0;
	for (size_t i = 0; i < all->n; i++) {
		for (size_t k = 0; k < outcome(all, i)->nwrites; k++) {
			rows[n].w = &outcome(all, i)->writes[k];
			rows[n++].ord = (int64_t)i + 1;
		}
	}
	put_rows(a, rows, n);
	return (0);
}

/* -- The statement -- */

int
finish_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	struct job_ops *all;
	struct pg_args *a;

	if (job_ops_pick(b, ops, n, takes, &all) == -1)
		return (-1);
	if (all->n == 0)
		return (0);
	for (size_t i = 0; i < all->n; i++)
		if (job_is_end(outcome(all, i)->to) &&
		    pg_batch_lock_job(b, outcome(all, i)->job) == -1)
			return (-1);
	if ((a = job_args_new(b)) == NULL)
		return (-1);
	pg_arg_int(a, pg_batch_receiver(b));
	put_jobs(a, all);
	put_attempts(a, all);
	if (put_writes(b, a, all) == -1)
		return (-1);
	return (pg_batch_add(b, &finish, a, job_result_take, all));
}
