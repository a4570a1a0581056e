#include "server/dispatch/backlog.h"

void
backlog_init(struct backlog *b)
{
	*b = (struct backlog){ 0 };
	run_queue_init(&b->untried);
	run_queue_init(&b->fresh);
	run_queue_init(&b->tried_once);
	run_queue_init(&b->tried_more);
	run_queue_init(&b->waiting);
	backlog_look(b);
}

static void
queue_move(struct run_queue *to, struct run_queue *from)
{
	TAILQ_CONCAT(&to->list, &from->list, link);
	to->n += from->n;
	from->n = 0;
}

void
backlog_inherit(struct backlog *b, struct backlog *old)
{
	queue_move(&b->untried, &old->untried);
	queue_move(&b->fresh, &old->fresh);
	queue_move(&b->tried_once, &old->tried_once);
	queue_move(&b->tried_more, &old->tried_more);
	queue_move(&b->waiting, &old->waiting);
	b->fetching = old->fetching;
	b->end_waits = old->end_waits;
	b->store_due = old->store_due;
}

/* -- What is in it -- */

/* The queue for a run in its state. */
static struct run_queue *
queue_of(struct backlog *b, const struct run *run)
{
	if (run->state == RUN_FRESH)
		return (&b->fresh);
	if (run->state == RUN_WAITING)
		return (&b->waiting);
	if (run->job.attempts == 0)
		return (&b->untried);
	return (run->job.attempts == 1 ? &b->tried_once : &b->tried_more);
}

void
backlog_put(struct backlog *b, struct run *run)
{
	struct run_queue *q = queue_of(b, run);
	struct run *before = TAILQ_LAST(&q->list, run_list);

	if (run->state != RUN_WAITING) {
		run_queue_put(q, run);
		return;
	}
	while (before != NULL &&
	       steady_before(run->out.due_at, before->out.due_at))
		before = TAILQ_PREV(before, run_list, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&q->list, before, run, link);
	else
		TAILQ_INSERT_HEAD(&q->list, run, link);
	q->n++;
}

void
backlog_remove(struct backlog *b, struct run *run)
{
	run_queue_remove(queue_of(b, run), run);
}

size_t
backlog_untried(const struct backlog *b)
{
	return (b->untried.n + b->fresh.n);
}

size_t
backlog_tried(const struct backlog *b)
{
	return (b->tried_once.n + b->tried_more.n);
}

bool
backlog_is_idle(const struct backlog *b)
{
	return (backlog_untried(b) == 0 && backlog_tried(b) == 0 &&
		!b->fetching && !b->more_untried && !b->more_tried);
}

struct run *
backlog_newest(const struct backlog *b)
{
	struct run *run = TAILQ_LAST(&b->fresh.list, run_list);

	return (run != NULL ? run : TAILQ_LAST(&b->untried.list, run_list));
}

struct run *
backlog_any(const struct backlog *b)
{
	const struct run_queue *all[] = { &b->untried, &b->fresh,
		&b->tried_once, &b->tried_more, &b->waiting };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i]->n > 0)
			return (TAILQ_FIRST(&all[i]->list));
	}
	return (NULL);
}

bool
backlog_has(const struct backlog *b, int64_t job)
{
	return (run_queue_find(&b->untried, job) != NULL ||
		run_queue_find(&b->fresh, job) != NULL ||
		run_queue_find(&b->tried_once, job) != NULL ||
		run_queue_find(&b->tried_more, job) != NULL);
}

/* -- Jobs that become runnable -- */

enum run_state
backlog_place(struct backlog *b, const struct store_job *job)
{
	if (job->attempts > 0 ||
	    (!b->more_untried && !b->fetching && b->untried.n < BACKLOG_MAX))
		return (RUN_QUEUED);
	if (b->untried.n >= BACKLOG_MAX)
		b->more_untried = true;
	return (RUN_FRESH);
}

struct run *
backlog_surplus(struct backlog *b)
{
	if (b->fresh.n <= BACKLOG_FRESH_MAX)
		return (NULL);
	b->more_untried = true;
	return (TAILQ_FIRST(&b->fresh.list));
}

/* -- Waits -- */

/* With others in the store it waits there with them, for its turn. */
bool
backlog_may_wait(const struct backlog *b)
{
	return (b->waiting.n < BACKLOG_WAITING_MAX && !b->more_tried);
}

bool
backlog_due(struct backlog *b, struct steady_time due)
{
	if (b->store_due.ms != 0 && !steady_before(due, b->store_due))
		return (false);
	b->store_due = due;
	return (true);
}

void
backlog_check_due(struct backlog *b, struct steady_time now)
{
	if (b->store_due.ms == 0 || steady_before(now, b->store_due))
		return;
	b->store_due.ms = 0;
	backlog_look(b);
}

/* The one whose wait ends first, if there is room for it. */
static struct run *
first_to_end(const struct backlog *b)
{
	return (backlog_tried(b) < BACKLOG_MAX ? TAILQ_FIRST(&b->waiting.list)
					       : NULL);
}

struct run *
backlog_over(const struct backlog *b, struct steady_time now)
{
	struct run *run = first_to_end(b);

	return (
	    run == NULL || steady_before(now, run->out.due_at) ? NULL : run);
}

int64_t
backlog_next_ms(const struct backlog *b, struct steady_time now)
{
	const struct run *run = first_to_end(b);
	int64_t next_ms = INT64_MAX;

	if (b->store_due.ms != 0)
		next_ms = steady_since(b->store_due, now);
	if (run != NULL && steady_since(run->out.due_at, now) < next_ms)
		next_ms = steady_since(run->out.due_at, now);
	return (next_ms);
}

/* -- Asking the store -- */

void
backlog_look(struct backlog *b)
{
	b->more_untried = true;
	b->more_tried = true;
}

void
backlog_look_by_hand(struct backlog *b)
{
	backlog_look(b);
	b->end_waits = true;
}

void
backlog_look_ahead(struct backlog *b, struct steady_time as_of)
{
	backlog_look(b);
	b->as_of = as_of;
}

bool
backlog_wants(const struct backlog *b)
{
	size_t few = BACKLOG_FETCH / 4;

	return (
	    !b->fetching && ((b->more_untried && b->untried.n <= few) ||
				(b->more_tried && backlog_tried(b) <= few)));
}

/* The store also offers what is here already, so that is asked for beside. */
struct backlog_fetch
backlog_fetch(const struct backlog *b, struct steady_time now)
{
	struct backlog_fetch f = {
		.limit = backlog_tried(b),
		.as_of = steady_before(now, b->as_of) ? b->as_of : now,
		.end_waits = b->end_waits,
	};

	if (backlog_untried(b) > f.limit)
		f.limit = backlog_untried(b);
	if (b->end_waits || b->as_of.ms != 0)
		f.limit += b->waiting.n;
	f.limit += BACKLOG_FETCH;
	return (f);
}

void
backlog_asked(struct backlog *b)
{
	b->more_untried = false;
	b->more_tried = false;
	b->end_waits = false;
	b->as_of.ms = 0;
	b->fetching = true;
}

void
backlog_failed(struct backlog *b, const struct backlog_fetch *f)
{
	b->fetching = false;
	b->end_waits |= f->end_waits;
	backlog_look(b);
}

enum backlog_offer
backlog_offer(struct backlog *b, struct backlog_fetch *f,
    const struct store_job *job, bool in_memory, struct run **ret_waiting)
{
	bool tried = job->attempts > 0;
	struct run *waiting;

	f->offered[tried]++;
	if (in_memory)
		return (BACKLOG_LEAVE);
	waiting = run_queue_find(&b->waiting, job->id);
	if (waiting != NULL && !f->end_waits)
		return (BACKLOG_LEAVE); /* its time here is the exact one */
	if (tried && backlog_tried(b) >= BACKLOG_MAX) {
		b->more_tried = true;
		return (BACKLOG_LEAVE);
	}
	if (!tried && b->untried.n >= BACKLOG_MAX) {
		b->more_untried = true;
		return (BACKLOG_LEAVE);
	}
	f->taken[tried]++;
	*ret_waiting = waiting;
	return (waiting != NULL ? BACKLOG_END_WAIT : BACKLOG_QUEUE);
}

/*
 * A full page means that there may be more. If nothing on it could be taken,
 * all of it waits for answers to leave, and dispatch_open() asks again.
 */
void
backlog_answered(struct backlog *b, const struct backlog_fetch *f,
    struct steady_time next_due)
{
	b->fetching = false;
	b->store_due = next_due;
	if (f->taken[false] > 0 && f->offered[false] >= f->limit)
		b->more_untried = true;
	if (f->taken[true] > 0 && f->offered[true] >= f->limit)
		b->more_tried = true;
}
