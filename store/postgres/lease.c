/*
 * The lease of this receiver, and what ticks bring of the others. All of it is
 * decided in schema/006_lease.sql, by the database's clock; here is only what a
 * tick needs to know of the ticks before it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/lease.h"
#include "store/postgres/row.h"
#include "store/version.h"

#define RENEW_PARTS 3       /* so often in a lease, at the least */
#define SLICE 1000          /* jobs that are taken over in one statement */
#define LOCKS 1000          /* of orders that are swept in one statement */
#define SWEEP_MS 5000       /* between two sweeps of all of them */
#define WATCH_KNOWN_MS 1500 /* by then all receivers know that we watch */

struct lease {
	int64_t receiver;
	unsigned lease_ms;
	int64_t renewed_ms; /* when the last transaction was committed */
	bool look_again;    /* jobs may be ours that nobody here knows of */

	int64_t *ours; /* handlers */
	size_t nours;

	/* What the last tick said; false, nothing after lease_go_on(). */
	bool has_ticked;
	int64_t pauses;
	bool is_watched;
	struct seen {
		bool watching; /* all below is of that */
		int64_t since_ms;
		bool lost;    /* to be said, once all know that we watch */
		bool is_read; /* up to these transactions of these receivers */
		const int64_t *receivers, *batches;
		size_t n;
		struct arena mem; /* holds these */
	} seen;

	int64_t sweep_ms;                      /* the next one */
	const char *swept_order, *swept_scope; /* up to there, or NULL */
	struct arena swept;                    /* holds these */
};

const struct pg_statement lease_beat = { "beat",
	"SELECT beat($1::int8, $2::int8)" };
const struct pg_statement lease_lock_orders = { "lock_orders",
	"SELECT lock_orders($1::text[], $2::text[], $3::int8[])" };
const struct pg_statement lease_publish = { "publish_news",
	"SELECT publish_news($1::int8, $2::int8, $3::int8[], $4::int8[], "
	"$5::int8[])" };
const struct pg_statement lease_give_back = { "give_back",
	"SELECT give_back($1::int8, $2::int8[])" };

static const struct pg_statement register_receiver = { "register_receiver",
	"SELECT register_receiver($1::text, $2::text, $3::int8)" };
static const struct pg_statement reap = { "reap",
	"SELECT reap($1::int8, true)" };
static const struct pg_statement tick = { "tick",
	"SELECT taken, runnable, pauses, watched, lost, events, jobs, "
	"rejections, readers, read_batches FROM tick($1::int8, $2::int8, "
	"$3::int8[], $4::bool, $5::int8[], $6::int8[], $7::text, $8::int8)" };
enum {
	TICK_TAKEN,
	TICK_RUNNABLE,
	TICK_PAUSES,
	TICK_WATCHED,
	TICK_LOST,
	TICK_EVENTS,
	TICK_JOBS,
	TICK_REJECTIONS,
	TICK_RECEIVERS,
	TICK_BATCHES
};
static const struct pg_statement take_over = { "take_over",
	"SELECT take_over($1::int8)" };
static const struct pg_statement sweep = { "sweep",
	"SELECT after_order, after_scope FROM sweep($1::int8, $2::text, "
	"$3::text, $4::int8)" };
static const struct pg_statement leave = { "leave",
	"SELECT leave($1::int8, $2::int8)" };

struct lease *
lease_new(void)
{
	return (calloc(1, sizeof(struct lease)));
}

void
lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	arena_fini(&l->seen.mem);
	arena_fini(&l->swept);
	free(l->ours);
	free(l);
}

static enum store_rc
lease_no_memory(char *reason)
{
	(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
	return (STORE_FAILED);
}

/* A statement that returns one number. */
static enum store_rc
lease_ask(struct pg_conn *c, const struct pg_statement *s,
    const struct pg_args *args, int64_t *ret_number, char *reason)
{
	PGresult *res;
	enum store_rc rc;

	if (pg_args_failed(args))
		return (lease_no_memory(reason));
	if ((rc = pg_query(c, s, args, &res, reason)) != STORE_OK)
		return (rc);
	*ret_number = pg_int(res, 0, 0);
	PQclear(res);
	return (STORE_OK);
}

void
lease_go_on(struct lease *l, int64_t now_ms)
{
	l->renewed_ms = now_ms;
	l->look_again = true;
	l->has_ticked = false;
	l->is_watched = false;
	l->seen.watching = false;
}

enum store_rc
lease_enter(struct lease *l, struct pg_conn *c, const struct lease_who *who,
    int64_t now_ms, int64_t *ret_receiver, char reason[STORE_REASON_MAX])
{
	struct arena mem = { 0 };
	struct pg_args args;
	int64_t n = 0;
	enum store_rc rc;

	pg_args_init(&args, &mem);
	pg_arg_text(&args, who->name);
	pg_arg_text(&args, KLIKITD_VERSION);
	pg_arg_int(&args, who->lease_ms);
	rc = lease_ask(c, &register_receiver, &args, &n, reason);
	if (rc == STORE_OK) {
		*ret_receiver = l->receiver = n;
		l->lease_ms = who->lease_ms;
		lease_go_on(l, now_ms);
		pg_args_init(&args, &mem);
		pg_arg_int(&args, l->receiver);
		rc = lease_ask(c, &reap, &args, &n, reason);
	}
	if (rc == STORE_OK) { /* ticks take what is left then */
		pg_args_init(&args, &mem);
		pg_arg_int(&args, SLICE);
		rc = lease_ask(c, &take_over, &args, &n, reason);
	}
	arena_fini(&mem);
	return (rc);
}

/* That handler is one of ours; without memory for it we look again. */
static void
lease_add_handler(struct lease *l, int64_t handler)
{
	int64_t *more;

	for (size_t i = 0; i < l->nours; i++)
		if (l->ours[i] == handler)
			return;
	more = reallocarray(l->ours, l->nours + 1, sizeof(*more));
	if (more == NULL) {
		l->look_again = true;
		return;
	}
	l->ours = more;
	l->ours[l->nours++] = handler;
}

void
lease_committed(struct lease *l, struct store_op *const *ops, size_t n,
    int64_t now_ms)
{
	l->renewed_ms = now_ms;
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->kind == STORE_OP_REGISTER &&
		    ops[i]->res.rc == STORE_OK)
			lease_add_handler(l, ops[i]->res.id);
		/* Undone elsewhere by the next tick, it would seem the same. */
		if (ops[i]->kind == STORE_OP_PAUSE)
			l->has_ticked = false;
		/* It may be ours still, and wait, with nobody to time it. */
		if (ops[i]->res.rc == STORE_LOST)
			l->look_again = true;
	}
}

bool
lease_is_watched(const struct lease *l)
{
	return (l->is_watched);
}

/* -- The tick -- */

static void
lease_put_numbers(struct pg_args *args, const int64_t *numbers, size_t n)
{
	pg_arg_array(args, PG_INT8S, n);
	for (size_t i = 0; i < n; i++)
		pg_item_int(args, numbers[i]);
}

/* Add the numbers of that column to the n of list. -1: out of memory. */
static int
lease_add_news(const PGresult *res, int column, struct arena *mem,
    int64_t list[STORE_NEWS_MAX], size_t *n)
{
	const int64_t *numbers;
	size_t found;

	if (pg_ints(res, 0, column, mem, &numbers, &found) == -1)
		return (-1);
	for (size_t i = 0; i < found && *n < STORE_NEWS_MAX; i++)
		list[(*n)++] = numbers[i];
	return (0);
}

/* Keep whose transactions were read, and how far. -1: out of memory. */
static int
lease_keep_seen(struct seen *seen, const PGresult *res)
{
	struct arena mem = { 0 };
	const int64_t *receivers, *batches;
	size_t n, nbatches;

	if (pg_ints(res, 0, TICK_RECEIVERS, &mem, &receivers, &n) == -1 ||
	    pg_ints(res, 0, TICK_BATCHES, &mem, &batches, &nbatches) == -1 ||
	    n != nbatches) {
		arena_fini(&mem);
		return (-1);
	}
	arena_fini(&seen->mem);
	seen->mem = mem;
	seen->receivers = receivers;
	seen->batches = batches;
	seen->n = n;
	return (0);
}

/*
 * What others changed, of a tick that watched. What was stored before that is
 * no news; and others note what they change only from their next tick on.
 */
static void
lease_read_news(struct seen *seen, const PGresult *res, struct arena *mem,
    int64_t now_ms, struct store_news *news)
{
	bool failed;

	failed = seen->is_read &&
		 (lease_add_news(res, TICK_EVENTS, mem, news->events,
		      &news->nevents) == -1 ||
		     lease_add_news(res, TICK_JOBS, mem, news->changed,
			 &news->nchanged) == -1 ||
		     lease_add_news(res, TICK_REJECTIONS, mem, news->rejections,
			 &news->nrejections) == -1);
	if (seen->is_read && (failed || pg_bool(res, 0, TICK_LOST)))
		news->lost = true;
	seen->is_read = lease_keep_seen(seen, res) == 0;
	if (!seen->is_read)
		news->lost = true;
	if (seen->lost && now_ms - seen->since_ms >= WATCH_KNOWN_MS) {
		news->lost = true;
		seen->lost = false;
	}
}

static void
lease_watch(struct seen *seen, bool watched, int64_t now_ms)
{
	if (watched && !seen->watching) {
		seen->since_ms = now_ms;
		seen->lost = true;
		seen->is_read = false;
		seen->n = 0;
	}
	seen->watching = watched;
}

/* What the tick has found. */
static void
lease_read_tick(struct lease *l, const PGresult *res, struct arena *mem,
    int64_t now_ms, struct store_news *news)
{
	int64_t pauses = pg_int(res, 0, TICK_PAUSES);

	if (pg_bool(res, 0, TICK_RUNNABLE) || l->look_again)
		news->jobs = true;
	l->look_again = false;
	if (!l->has_ticked || pauses != l->pauses)
		news->handlers = true;
	l->pauses = pauses;
	l->has_ticked = true;
	l->is_watched = pg_bool(res, 0, TICK_WATCHED);
	if (l->seen.watching)
		lease_read_news(&l->seen, res, mem, now_ms, news);
}

/* Sweep once more, from where the last one ended. */
static enum store_rc
lease_sweep(struct lease *l, struct pg_conn *c, struct arena *mem,
    int64_t now_ms, char *reason)
{
	struct pg_args args;
	PGresult *res;
	enum store_rc rc;

	pg_args_init(&args, mem);
	pg_arg_int(&args, l->receiver);
	pg_arg_text(&args, l->swept_order);
	pg_arg_text(&args, l->swept_scope);
	pg_arg_int(&args, LOCKS);
	if (pg_args_failed(&args))
		return (lease_no_memory(reason));
	if ((rc = pg_query(c, &sweep, &args, &res, reason)) != STORE_OK)
		return (rc);
	arena_fini(&l->swept);
	l->swept_order = l->swept_scope = NULL;
	if (pg_text(res, 0, 0, &l->swept, &l->swept_order) == -1 ||
	    pg_text(res, 0, 1, &l->swept, &l->swept_scope) == -1)
		l->swept_order = l->swept_scope = NULL;
	PQclear(res);
	if (l->swept_order == NULL)
		l->sweep_ms = now_ms + SWEEP_MS;
	return (STORE_OK);
}

enum store_rc
lease_tick(struct lease *l, struct pg_conn *c, int64_t *batch, int64_t now_ms,
    const struct store_asked *asked, struct store_news *news,
    char reason[STORE_REASON_MAX])
{
	bool renews = now_ms - l->renewed_ms >= l->lease_ms / RENEW_PARTS;
	struct arena mem = { 0 };
	struct pg_args args;
	PGresult *res;
	enum store_rc rc;

	lease_watch(&l->seen, asked->watched, now_ms);
	pg_args_init(&args, &mem);
	pg_arg_int(&args, l->receiver);
	pg_arg_int(&args, renews ? *batch + 1 : 0);
	lease_put_numbers(&args, l->ours, l->nours);
	pg_arg_bool(&args, l->seen.watching);
	lease_put_numbers(&args, l->seen.receivers, l->seen.n);
	lease_put_numbers(&args, l->seen.batches, l->seen.n);
	pg_arg_text(&args, asked->report);
	pg_arg_int(&args, STORE_NEWS_MAX);
	rc = pg_args_failed(&args) ? lease_no_memory(reason)
				   : pg_query(c, &tick, &args, &res, reason);
	if (rc == STORE_OK) {
		if (renews) {
			(*batch)++;
			l->renewed_ms = now_ms;
		}
		lease_read_tick(l, res, &mem, now_ms, news);
		PQclear(res);
		if (now_ms >= l->sweep_ms)
			rc = lease_sweep(l, c, &mem, now_ms, reason);
	}
	arena_fini(&mem);
	return (rc);
}

void
lease_leave(struct lease *l, struct pg_conn *c)
{
	char reason[STORE_REASON_MAX];
	struct arena mem = { 0 };
	struct pg_args args;
	int64_t taken;

	do {
		pg_args_init(&args, &mem);
		pg_arg_int(&args, l->receiver);
		pg_arg_int(&args, SLICE);
	} while (lease_ask(c, &leave, &args, &taken, reason) == STORE_OK &&
		 taken > 0);
	arena_fini(&mem);
}
