/*
 * The ring of rejections: reject() in schema/010_endpoints.sql keeps it, as
 * store/sqlite/rejections.c does.
 */
#include <stddef.h>
#include <string.h>

#include "store/postgres/postgres.h"
#include "store/postgres/row.h"
#include "store/ring.h"

/*
 * About what a row costs beside its body, in the table and its indexes. All is
 * written twice: to the log, and to the files later.
 */
#define ROW_BYTES 1024

static const struct pg_statement reject = { "reject",
	"SELECT last, came, counted, bytes FROM reject($1::int8[], $2::int8, "
	"$3::int8[], $4::int8[], $5::int8[], $6::text[], $7::text[], "
	"$8::text[], $9::text[], $10::text[], $11::int8[], $12::bytea[], "
	"$13::bytea[], $14::int8[], $15::int8[], $16::text[])" };

static void
put_limits(struct pg_args *a)
{
	static const int64_t rows_max[STORE_REJECT_NCLASSES] = {
		[STORE_REJECT_STRANGER] = REJECTIONS_STRANGER_MAX,
		[STORE_REJECT_KNOWN] = REJECTIONS_KNOWN_MAX,
		[STORE_REJECT_AUTHENTIC] = REJECTIONS_AUTHENTIC_MAX,
	};

	pg_arg_array(a, PG_INT8S, STORE_REJECT_NCLASSES);
	for (size_t i = 0; i < STORE_REJECT_NCLASSES; i++)
		pg_item_int(a, rows_max[i]);
	pg_arg_int(a, REJECTIONS_BYTES_MAX);
}

/* A text that each of them may have: the member at that offset. */
static void
put_texts(struct pg_args *a, const struct store_op *op, size_t offset)
{
	const char *text;

	pg_arg_array(a, PG_TEXTS, op->in.reject.n);
	for (size_t i = 0; i < op->in.reject.n; i++) {
		memcpy(&text, (const char *)&op->in.reject.rej[i] + offset,
		    sizeof(text));
		pg_item_text(a, text);
	}
}

/* Of which class it is, and when it came. */
static void
put_origins(struct pg_args *a, const struct store_rejection *rej, size_t n)
{
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, rej[i].class);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, rej[i].at_ms);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int_or_null(a, rej[i].came_at.ms);
}

static void
put_bodies(struct pg_args *a, const struct store_rejection *rej, size_t n)
{
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, (int64_t)rej[i].size);
	pg_arg_array(a, PG_BYTES, n);
	for (size_t i = 0; i < n; i++)
		pg_item_bytes(a, rej[i].body, rej[i].body_len);
	pg_arg_array(a, PG_BYTES, n);
	for (size_t i = 0; i < n; i++)
		pg_item_bytes(a, rej[i].digest, ORDER_DIGEST_LEN);
}

static void
put_counts(struct pg_args *a, const struct store_rejection *rej, size_t n)
{
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, (int64_t)rej[i].repeats);
	pg_arg_array(a, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(a, (int64_t)rej[i].not_kept);
}

static void
put_rejections(struct pg_args *a, const struct store_op *op)
{
	const struct store_rejection *rej = op->in.reject.rej;
	size_t n = op->in.reject.n;

	put_limits(a);
	put_origins(a, rej, n);
	put_texts(a, op, offsetof(struct store_rejection, peer));
	put_texts(a, op, offsetof(struct store_rejection, cause));
	put_texts(a, op, offsetof(struct store_rejection, code));
	put_texts(a, op, offsetof(struct store_rejection, diagnosis));
	put_texts(a, op, offsetof(struct store_rejection, headers));
	put_bodies(a, rej, n);
	put_counts(a, rej, n);
	put_texts(a, op, offsetof(struct store_rejection, endpoint));
}

/* pg_take_fn */
static int
reject_take(struct pg_batch *b, const PGresult *res, void *arg)
{
	struct store_op *op = arg;
	const int64_t *counted;
	size_t n;

	if (PQntuples(res) != 1 ||
	    pg_ints(res, 0, 2, pg_batch_mem(b), &counted, &n) == -1)
		return (-1);
	op->res.id = pg_int(res, 0, 0);
	op->res.rejections = pg_int(res, 0, 1);
	op->res.written = 2 * ((uint64_t)pg_int(res, 0, 3) +
				  ROW_BYTES * (uint64_t)op->in.reject.n);
	for (int64_t i = 0; i < op->res.rejections; i++)
		pg_batch_news(b, PG_NEWS_REJECTION, op->res.id - i);
	for (size_t i = 0; i < n; i++)
		pg_batch_news(b, PG_NEWS_REJECTION, counted[i]);
	return (0);
}

int
reject_add(struct pg_batch *b, struct store_op *const *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pg_args *a;

		a = arena_alloc(pg_batch_mem(b), sizeof(*a));
		if (a == NULL)
			return (-1);
		pg_args_init(a, pg_batch_mem(b));
		put_rejections(a, ops[i]);
		if (pg_batch_add(b, &reject, a, reject_take, ops[i]) == -1)
			return (-1);
	}
	return (0);
}
