/*
 * lists_sql.h -- private to store/postgres/: every statement that lists, in one
 * place, so that a test can look at each one's plan; and how they are run.
 */
#ifndef STORE_POSTGRES_LISTS_SQL_H
#define STORE_POSTGRES_LISTS_SQL_H

#include "store/op.h"
#include "store/postgres/pipe.h"
#include "store/walk.h"

enum list_sql {
	LIST_EVENTS,
	LIST_EVENTS_AMONG,
	LIST_EVENTS_OF_ORDER,
	LIST_EVENTS_OPEN,
	LIST_EVENTS_DEAD,
	LIST_EVENTS_NUMBERED,
	LIST_EVENT_NAMED,
	LIST_EVENT_LAST,
	LIST_ORDERS,
	LIST_BOARD,
	LIST_ORDERS_OF_ID,
	LIST_ORDER_NAMED,
	LIST_JOBS,
	LIST_JOBS_OF_TIME,
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
	LIST_REJECTION_GROUPS,
	LIST_COUNTS,
	LIST_ARRIVAL,
	LIST_WALK_EVENTS, /* from here on in lists_walk.c */
	LIST_WALK_JOBS,
	LIST_FEW_OF_TIME,
	LIST_FEW_OPEN,
	LIST_FEW_DEAD,
	LIST_FIND_IDS,
	LIST_FIND_EXTERNAL,
	LIST_NSQL
};

/* Their statement. */
const struct pg_statement *list_statement(enum list_sql which);
const struct pg_statement *list_walk_statement(enum list_sql which);

/* All of them, but along an index: without any the planner is at a loss. */
#define HANDLERS "(SELECT h.id, h.name FROM handlers AS h WHERE h.id > 0) AS h "

/* The first of those that came in from $2 on and before $3. */
#define OF_TIME(limit)                                                         \
	"(SELECT e.id FROM events AS e WHERE e.purged_at IS NULL "             \
	"AND e.received_at >= $2::int8 AND e.received_at < $3::int8 " limit    \
	") UNION ALL (SELECT e.id FROM events AS e "                           \
	"WHERE e.purged_at IS NOT NULL "                                       \
	"AND e.received_at >= $2::int8 AND e.received_at < $3::int8 " limit    \
	") "

/*
 * Could the texts be in the database? The server takes nothing but UTF-8, and
 * refuses a statement with anything else. NULL is none, and could.
 */
bool list_could_match(const char *const *texts, size_t n);

/* The next value: those numbers. */
void list_numbers(struct pg_args *args, const int64_t *numbers, size_t n);

/* -- lists_walk.c -- */

/* Who asks for a list; a failure leaves its reason there. */
struct list_asker {
	struct pg_conn *c;
	struct store_op *op;
	char *reason; /* STORE_REASON_MAX bytes */
};

/*
 * How the database answers what store/walk.h asks, by an enum store_rc; who
 * must outlive that.
 */
struct walk_asks list_asks(struct list_asker *who);

/*
 * The events that the filter's find names, in op's res_mem: all of them, if few
 * have an id that begins so; else *ret_n is SIZE_MAX.
 */
enum store_rc list_find(const struct list_asker *who, struct walk *w,
    int64_t **ret_ids, size_t *ret_n);

/* The next three values: what statements with a part EVENT_FOUND ask for. */
void list_find_args(struct pg_args *args, const char *find);
/* The next value: the states that end an order; what is no text ends none. */
void list_ends(struct pg_args *args, const struct store_filter *f);

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
