#include "server/upstream/upstream_round.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/upstream/upstream_batch.h"

#define SLICE_BYTES ((size_t)256 << 10) /* of bodies in a turn of the loop */
#define HOLD_MS 1000                    /* when the store is not well */

enum entry_state {
	ENTRY_WAITING, /* it is not with ingest */
	ENTRY_COMMITTING,
	ENTRY_DONE,
	ENTRY_DEAD,
	ENTRY_LEFT /* its lease is over: it comes again */
};

/* A job of the batch. */
struct entry {
	struct upstream_round *r;
	enum entry_state state;
	const char *why; /* it is dead; static */
};

struct upstream_round {
	struct upstream_round_options opt;
	char *bytes; /* what the hub answered; NULL: no bodies are needed */
	struct upstream_batch batch;
	struct entry entries[UPSTREAM_JOBS_MAX];
	int64_t came_boot; /* when it was whole */
	size_t committing;
	int64_t held_until; /* clock_boot_ms(): the store was not well */
	struct upstream_counts counts;
};

/* -- Jobs -- */

/* ingest_done_fn: one is on disk, or could not be put there. */
static void
entry_done_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct entry *e = arg;
	struct upstream_round *r = e->r;

	r->committing--;
	if (rc == INGEST_RECEIVED || rc == INGEST_REPEAT) {
		e->state = ENTRY_DONE;
		r->counts.ends[UPSTREAM_END_STORED]++;
		ingest_answered(r->opt.taker.in, event, false);
	} else if (rc == INGEST_DUPLICATE) {
		e->state = ENTRY_DONE;
		r->counts.ends[UPSTREAM_END_DUPLICATE]++;
	} else {
		e->state = ENTRY_WAITING;
		r->held_until = clock_boot_ms() + HOLD_MS;
	}
	r->opt.settled(r->opt.arg);
}

/* Hand it to ingest. Returns whether the next one may follow. */
static bool
entry_take(struct upstream_round *r, size_t i)
{
	const struct upstream_job *job = &r->batch.jobs[i];
	struct entry *e = &r->entries[i];
	int64_t lag_ms = clock_wall_ms() - job->received_at_ms;

	switch (upstream_take(&r->opt.taker, job, entry_done_cb, e, &e->why)) {
	case UPSTREAM_PENDING:
		e->state = ENTRY_COMMITTING;
		r->committing++;
		break;
	case UPSTREAM_DEAD:
		e->state = ENTRY_DEAD;
		r->counts.ends[UPSTREAM_END_REFUSED]++;
		break;
	case UPSTREAM_BUSY:
		r->held_until = clock_boot_ms() + HOLD_MS;
		return (false);
	}
	r->counts.event_ms = clock_wall_ms();
	r->counts.lag_ms = lag_ms < 0 ? 0 : lag_ms;
	return (true);
}

/* The ones that wait are given up: their lease is over, or we stop. */
static void
leave(struct upstream_round *r, bool all)
{
	int64_t held_ms = clock_boot_ms() - r->came_boot;

	for (size_t i = 0; i < r->batch.njobs; i++) {
		struct entry *e = &r->entries[i];

		if (e->state != ENTRY_WAITING ||
		    (!all && held_ms < r->batch.jobs[i].lease_ms))
			continue;
		e->state = ENTRY_LEFT;
		r->counts.ends[UPSTREAM_END_LEFT]++;
	}
}

/* Take what one turn of the loop may take, in order. */
static void
take(struct upstream_round *r)
{
	size_t bytes = 0;

	for (size_t i = 0; i < r->batch.njobs; i++) {
		if (r->entries[i].state != ENTRY_WAITING)
			continue;
		if (bytes > SLICE_BYTES || !entry_take(r, i))
			return;
		bytes += r->batch.jobs[i].body_len;
	}
}

static bool
some_wait(const struct upstream_round *r)
{
	for (size_t i = 0; i < r->batch.njobs; i++) {
		if (r->entries[i].state == ENTRY_WAITING)
			return (true);
	}
	return (false);
}

bool
upstream_round_go(struct upstream_round *r, bool last, int64_t *ret_wait_ms)
{
	*ret_wait_ms = -1;
	leave(r, last);
	if (some_wait(r) && r->held_until <= clock_boot_ms())
		take(r);
	if (some_wait(r)) {
		*ret_wait_ms = r->held_until - clock_boot_ms();
		if (*ret_wait_ms < 0)
			*ret_wait_ms = 0;
		return (false);
	}
	if (r->committing > 0)
		return (false);
	free(r->bytes); /* a hub that is away may be so for long */
	r->bytes = NULL;
	return (true);
}

size_t
upstream_round_outcomes(const struct upstream_round *r,
    struct upstream_outcome ret_list[UPSTREAM_JOBS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < r->batch.njobs; i++) {
		const struct entry *e = &r->entries[i];
		const struct upstream_job *job = &r->batch.jobs[i];

		if (e->state == ENTRY_DONE || e->state == ENTRY_DEAD)
			ret_list[n++] =
			    (struct upstream_outcome){ job->id, job->lease,
				    e->state == ENTRY_DEAD ? e->why : NULL };
	}
	return (n);
}

/* -- Its life -- */

int
upstream_round_read(struct upstream_round *r, char *bytes, size_t len,
    char reason[HANDLER_REASON_MAX])
{
	r->bytes = bytes;
	if (upstream_batch_read(bytes, len, &r->batch, reason) == -1) {
		upstream_round_clear(r);
		return (-1);
	}
	r->came_boot = clock_boot_ms();
	r->committing = 0;
	for (size_t i = 0; i < r->batch.njobs; i++)
		r->entries[i] = (struct entry){ .r = r };
	return (0);
}

size_t
upstream_round_jobs(const struct upstream_round *r)
{
	return (r->batch.njobs);
}

void
upstream_round_clear(struct upstream_round *r)
{
	upstream_batch_fini(&r->batch);
	free(r->bytes);
	r->bytes = NULL;
}

const struct upstream_counts *
upstream_round_counts(const struct upstream_round *r)
{
	return (&r->counts);
}

void
upstream_round_inherit(struct upstream_round *r,
    const struct upstream_round *old)
{
	r->counts = old->counts;
}

struct upstream_round *
upstream_round_new(const struct upstream_round_options *opt)
{
	struct upstream_round *r;

	if ((r = calloc(1, sizeof(*r))) != NULL)
		r->opt = *opt;
	return (r);
}

void
upstream_round_free(struct upstream_round *r)
{
	if (r == NULL)
		return;
	upstream_round_clear(r);
	free(r);
}
