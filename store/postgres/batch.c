/*
 * A transaction. A COMMIT counts only if the server says just that: one that it
 * answers with a warning may be on no other disk than its own, and one of a
 * transaction that has failed is a ROLLBACK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgres/batch.h"
#include "store/postgres/lease.h"

#define NEWS (PG_NEWS_REJECTION + 1)

/* A statement that waits to be sent. */
struct statement {
	struct statement *next;
	const struct pg_statement *s;
	const struct pg_args *args;
	pg_take_fn *take; /* may be NULL */
	void *arg;
};

struct numbers {
	int64_t *list;
	size_t n, room;
};

struct pg_batch {
	struct arena mem;
	int64_t receiver;
	struct flood *flood;
	struct statement *head, **tail;
	size_t bytes; /* of their values */

	/* Locks: orders with their scopes, and jobs. */
	const char **order_ids, **scopes;
	size_t norders, order_room, scope_room;
	struct numbers jobs;

	struct numbers news[NEWS];
};

/* Without values. */
static const struct pg_statement begin = { "begin",
	"BEGIN ISOLATION LEVEL READ COMMITTED" };
static const struct pg_statement commit = { "commit", "COMMIT" };
static const struct pg_statement rollback = { "rollback", "ROLLBACK" };

struct pg_batch *
pg_batch_new(int64_t receiver, struct flood *flood)
{
	struct pg_batch *b;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	b->receiver = receiver;
	b->flood = flood;
	b->tail = &b->head;
	return (b);
}

void
pg_batch_free(struct pg_batch *b)
{
	if (b == NULL)
		return;
	arena_fini(&b->mem);
	free(b);
}

bool
pg_batch_is_empty(const struct pg_batch *b)
{
	return (b->head == NULL);
}

/* -- What the kinds of operations put in -- */

struct arena *
pg_batch_mem(struct pg_batch *b)
{
	return (&b->mem);
}

int64_t
pg_batch_receiver(const struct pg_batch *b)
{
	return (b->receiver);
}

int
pg_batch_add(struct pg_batch *b, const struct pg_statement *s,
    const struct pg_args *args, pg_take_fn *take, void *arg)
{
	struct statement *new;
	struct pg_args *copy;

	if (pg_args_failed(args) ||
	    (new = arena_alloc(&b->mem, sizeof(*new))) == NULL ||
	    (copy = arena_dup(&b->mem, args, sizeof(*args))) == NULL)
		return (-1);
	new->s = s;
	new->args = copy;
	new->take = take;
	new->arg = arg;
	*b->tail = new;
	b->tail = &new->next;
	return (0);
}

static int
numbers_add(struct arena *mem, struct numbers *numbers, int64_t number)
{
	int64_t *list;

	list = arena_more(mem, numbers->list, numbers->n, &numbers->room,
	    sizeof(*list));
	if (list == NULL)
		return (-1);
	numbers->list = list;
	list[numbers->n++] = number;
	return (0);
}

int
pg_batch_lock_order(struct pg_batch *b, const char *order_id, const char *scope)
{
	const char **ids, **scopes;

	ids = arena_more(&b->mem, b->order_ids, b->norders, &b->order_room,
	    sizeof(*ids));
	if (ids == NULL)
		return (-1);
	b->order_ids = ids;
	scopes = arena_more(&b->mem, b->scopes, b->norders, &b->scope_room,
	    sizeof(*scopes));
	if (scopes == NULL)
		return (-1);
	b->scopes = scopes;
	if (arena_text(&b->mem, order_id, &ids[b->norders]) == -1 ||
	    arena_text(&b->mem, scope, &scopes[b->norders]) == -1)
		return (-1);
	b->norders++;
	return (0);
}

int
pg_batch_lock_job(struct pg_batch *b, int64_t job)
{
	return (numbers_add(&b->mem, &b->jobs, job));
}

/* Without memory others' pages show it late: they ask again now and then. */
void
pg_batch_news(struct pg_batch *b, enum pg_news kind, int64_t number)
{
	(void)numbers_add(&b->mem, &b->news[kind], number);
}

struct flood *
pg_batch_flood(struct pg_batch *b)
{
	return (b->flood);
}

/* -- What is sent around it -- */

static void
put_numbers(struct pg_args *a, const struct numbers *numbers)
{
	pg_arg_array(a, PG_INT8S, numbers->n);
	for (size_t i = 0; i < numbers->n; i++)
		pg_item_int(a, numbers->list[i]);
}

static void
put_texts(struct pg_args *a, const char *const *texts, size_t n)
{
	pg_arg_array(a, PG_TEXTS, n);
	for (size_t i = 0; i < n; i++)
		pg_item_text(a, texts[i]);
}

static void
put_beat(struct pg_batch *b, int64_t number, struct pg_args *a)
{
	pg_args_init(a, &b->mem);
	pg_arg_int(a, b->receiver);
	pg_arg_int(a, number);
}

static void
put_locks(struct pg_batch *b, struct pg_args *a)
{
	pg_args_init(a, &b->mem);
	put_texts(a, b->order_ids, b->norders);
	put_texts(a, b->scopes, b->norders);
	put_numbers(a, &b->jobs);
}

/* Does what changed go to the pages of others? */
static bool
has_news(const struct pg_batch *b)
{
	for (size_t i = 0; i < NEWS; i++)
		if (b->news[i].n > 0)
			return (true);
	return (false);
}

static void
put_news(struct pg_batch *b, int64_t number, struct pg_args *a)
{
	put_beat(b, number, a);
	put_numbers(a, &b->news[PG_NEWS_EVENT]);
	put_numbers(a, &b->news[PG_NEWS_JOB]);
	put_numbers(a, &b->news[PG_NEWS_REJECTION]);
}

/* -- Sending and receiving -- */

/* What a failure of c is; the first one counts. */
static enum pg_end
failed(struct pg_conn *c, enum pg_end end, struct pg_failure *why)
{
	why->rc = pg_reason(c, why->reason);
	why->verdict = pg_verdict(c);
	return (end);
}

/* The same, where something could not be sent: c is of no use. */
static enum pg_end
unsent(struct pg_conn *c, enum pg_end end, struct pg_failure *why)
{
	(void)failed(c, end, why);
	why->rc = STORE_AWAY;
	why->verdict = PG_AWAY;
	return (end);
}

static enum pg_end
no_memory(struct pg_failure *why)
{
	why->verdict = PG_BUSY;
	why->rc = STORE_BUSY;
	(void)snprintf(why->reason, sizeof(why->reason), "out of memory");
	return (PG_NOTHING);
}

/*
 * Leave the transaction, because of *why. If that cannot be done, c is of no
 * use.
 */
static enum pg_end
leave(struct pg_conn *c, int64_t deadline_ms, struct pg_failure *why)
{
	PGresult *res = NULL;

	if (why->rc == STORE_AWAY && why->verdict != PG_FENCED)
		return (PG_NOTHING);
	if (pg_send(c, &rollback, NULL) == STORE_OK && pg_sync(c) == STORE_OK &&
	    pg_receive(c, deadline_ms, &res) == STORE_OK &&
	    pg_receive_end(c, deadline_ms) == STORE_OK) {
		PQclear(res);
		return (PG_NOTHING);
	}
	PQclear(res);
	why->rc = STORE_AWAY;
	why->verdict = PG_AWAY;
	return (PG_NOTHING);
}

/* Send all but COMMIT. *ret_before: how many are before the first statement. */
static enum pg_end
send_all(struct pg_batch *b, struct pg_conn *c, int64_t number,
    size_t *ret_before, struct pg_failure *why)
{
	struct pg_args beat, locks;

	put_beat(b, number, &beat);
	put_locks(b, &locks);
	if (pg_args_failed(&beat) || pg_args_failed(&locks))
		return (no_memory(why));
	*ret_before = 1;
	if (pg_send(c, &begin, NULL) != STORE_OK)
		return (unsent(c, PG_NOTHING, why));
	if (b->receiver != 0) {
		if (pg_send(c, &lease_beat, &beat) != STORE_OK)
			return (unsent(c, PG_NOTHING, why));
		(*ret_before)++;
	}
	if (b->norders > 0 || b->jobs.n > 0) {
		if (pg_send(c, &lease_lock_orders, &locks) != STORE_OK)
			return (unsent(c, PG_NOTHING, why));
		(*ret_before)++;
	}
	for (struct statement *s = b->head; s != NULL; s = s->next)
		if (pg_send(c, s->s, s->args) != STORE_OK)
			return (unsent(c, PG_NOTHING, why));
	if (pg_sync(c) != STORE_OK)
		return (unsent(c, PG_NOTHING, why));
	return (PG_DONE);
}

/* The result of a statement, to the one who waits for it. */
static int
hand_over(struct pg_batch *b, const struct statement *s, const PGresult *res,
    struct pg_failure *why)
{
	if (s->take == NULL || s->take(b, res, s->arg) == 0)
		return (0);
	why->verdict = PG_FAILED;
	why->rc = STORE_FAILED;
	(void)snprintf(why->reason, sizeof(why->reason),
	    "no memory for the answer to \"%s\", or it is not what it "
	    "should be",
	    s->s->name);
	return (-1);
}

/* Receive what send_all() has sent. */
static enum pg_end
receive_all(struct pg_batch *b, struct pg_conn *c, size_t before,
    int64_t deadline_ms, struct pg_failure *why)
{
	struct statement *s = b->head;
	enum pg_end end = PG_DONE;
	size_t left = before;
	PGresult *res;

	for (struct statement *each = s; each != NULL; each = each->next)
		left++;
	for (; left > 0 && end == PG_DONE; left--) {
		if (pg_receive(c, deadline_ms, &res) != STORE_OK) {
			end = failed(c, PG_NOTHING, why);
			continue;
		}
		if (before > 0) {
			before--;
		} else {
			if (hand_over(b, s, res, why) == -1)
				end = PG_NOTHING;
			s = s->next;
		}
		PQclear(res);
	}
	if (pg_receive_end(c, deadline_ms) != STORE_OK &&
	    (end == PG_DONE || pg_verdict(c) == PG_AWAY))
		end = failed(c, PG_NOTHING, why);
	return (end);
}

/* The answer to COMMIT. */
static enum pg_end
receive_commit(struct pg_conn *c, int64_t deadline_ms, struct pg_failure *why)
{
	enum pg_end end = PG_DONE;
	PGresult *res;

	if (pg_receive(c, deadline_ms, &res) != STORE_OK)
		return (failed(c, PG_UNSURE, why));
	if (strcmp(PQcmdStatus(res), "COMMIT") != 0 || pg_warned(c)) {
		why->verdict = PG_AWAY;
		why->rc = STORE_AWAY;
		(void)snprintf(why->reason, sizeof(why->reason),
		    "the database did not commit as it should: a standby that "
		    "it waits for may be gone");
		end = PG_UNSURE;
	}
	PQclear(res);
	if (pg_receive_end(c, deadline_ms) != STORE_OK && end == PG_DONE)
		end = failed(c, PG_UNSURE, why);
	return (end);
}

/* Send COMMIT, and before it the news, if there are any. */
static enum pg_end
end_batch(struct pg_batch *b, struct pg_conn *c, const struct pg_batch_run *how,
    struct pg_failure *why)
{
	bool publish = how->publish && b->receiver != 0 && has_news(b);
	struct pg_args news;
	PGresult *res;

	put_news(b, how->number, &news);
	if (publish && pg_args_failed(&news)) {
		(void)no_memory(why);
		return (leave(c, how->deadline_ms, why));
	}
	if (publish && pg_send(c, &lease_publish, &news) != STORE_OK)
		return (unsent(c, PG_NOTHING, why));
	/* From here on it may have been sent. */
	if (pg_send(c, &commit, NULL) != STORE_OK || pg_sync(c) != STORE_OK)
		return (unsent(c, PG_UNSURE, why));
	if (!publish)
		return (receive_commit(c, how->deadline_ms, why));
	if (pg_receive(c, how->deadline_ms, &res) == STORE_OK) {
		PQclear(res);
		return (receive_commit(c, how->deadline_ms, why));
	}
	(void)failed(c, PG_UNSURE, why);
	if (why->rc == STORE_AWAY)
		return (PG_UNSURE);
	/* The server has said that it failed, and leaves COMMIT out. */
	(void)pg_receive_end(c, how->deadline_ms);
	if (pg_verdict(c) == PG_AWAY)
		(void)failed(c, PG_NOTHING, why);
	return (leave(c, how->deadline_ms, why));
}

enum pg_end
pg_batch_run(struct pg_batch *b, struct pg_conn *c,
    const struct pg_batch_run *how, struct pg_failure *why)
{
	enum pg_end end;
	size_t before;

	if ((end = send_all(b, c, how->number, &before, why)) == PG_DONE)
		end = receive_all(b, c, before, how->deadline_ms, why);
	if (end != PG_DONE)
		return (leave(c, how->deadline_ms, why));
	return (end_batch(b, c, how, why));
}
