/*
 * lists_sql.h -- private to store/postgres/: every statement that lists, in one
 * place, so that a test can look at each one's plan; and how they are run.
 */
#ifndef STORE_POSTGRES_LISTS_SQL_H
#define STORE_POSTGRES_LISTS_SQL_H

#include "store/op.h"
#include "store/postgres/pipe.h"

enum list_sql {
	LIST_EVENTS,
	LIST_EVENTS_OF_ORDER,
	LIST_EVENTS_OPEN,
	LIST_EVENTS_DEAD,
	LIST_EVENTS_NUMBERED,
	LIST_EVENT_NAMED,
	LIST_EVENT_LAST,
	LIST_ORDERS,
	LIST_ORDERS_OF_ID,
	LIST_ORDER_NAMED,
	LIST_JOBS,
	LIST_JOBS_DEAD,
	LIST_JOBS_OPEN,
	LIST_JOBS_OF_EVENT,
	LIST_JOBS_OF_ORDER,
	LIST_JOBS_NUMBERED,
	LIST_ALARMS,
	LIST_ALARMS_OPEN,
	LIST_ATTEMPTS,
	LIST_EVENT_ATTEMPTS,
	LIST_HANDLERS,
	LIST_FIGURES,
	LIST_RECEIVERS,
	LIST_REJECTIONS,
	LIST_REJECTION,
	LIST_NSQL
};

/* Their statement. */
const struct pg_statement *list_statement(enum list_sql which);

/* What `before' is when any will do, and `until'. */
#define LIST_NO_END INT64_MAX

/*
 * Could the texts be in the database? The server takes nothing but UTF-8, and
 * refuses a statement with anything else. NULL is none, and could.
 */
bool list_could_match(const char *const *texts, size_t n);

/* The next value: those numbers. */
void list_numbers(struct pg_args *args, const int64_t *numbers, size_t n);

/*
 * Fill what ret_row points at, all zero before, from a row of a result, with
 * copies in op's res_mem. Returns 0; -1 when out of memory, or if it is none.
 */
typedef int list_row_fn(struct store_op *op, const PGresult *res, int row,
    void *ret_row);

/*
 * Run a statement, and have each row of its result taken, into an array of
 * members of size bytes in op's res_mem: *ret_rows (NULL if there are none),
 * op->nrows. Returns as pg_query(); STORE_FAILED also when out of memory.
 */
struct list_ask {
	enum list_sql which;
	size_t size;
	list_row_fn *take;
};
enum store_rc list_rows(struct pg_conn *c, struct store_op *op,
    const struct list_ask *ask, const struct pg_args *args, void **ret_rows,
    char reason[STORE_REASON_MAX]);

#endif /* STORE_POSTGRES_LISTS_SQL_H */
