/*
 * pace.h -- how much of jobs may be on its way to the store at a time.
 *
 * Pure: deliveries, records and times come in, answers go out. Times are in us
 * of the monotonic clock, unless their name says otherwise.
 *
 * A record is what the store is asked to write of a job: its start, or its
 * outcome. A delivery's commit waits for the commit before it, so while
 * deliveries come only a few records are on their way. Each delivery allows two
 * more: in a flood commits are large anyhow, and what arrives must not pile up.
 *
 * For the same reason jobs that are old (a backlog) rest while deliveries come:
 * after each portion of at most PACE_RECORDS_MIN for seven times as long as
 * recording it took. So an eighth of the time is theirs, whatever the disk.
 * When no delivery comes they have all of it.
 */
#ifndef SERVER_PACE_H
#define SERVER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define PACE_RECORDS_MIN 16   /* records on their way */
#define PACE_RECORDS_CALM 32  /* the same, while no delivery comes */
#define PACE_RECORDS_MAX 1024 /* with what deliveries allow beside */
#define PACE_PER_DELIVERY 2   /* records that each of them allows */
#define PACE_CALM_US 20000    /* after a delivery: then none are coming */
#define PACE_BIG_BODY 65536   /* such starts are one at a time */
#define PACE_OLD_MS 10000     /* after that, an event is old */
#define PACE_REST_FACTOR 7    /* rest of old jobs, per time of recording */
#define PACE_REST_MAX_US 1000000

/* What a job costs the deliveries beside it. */
struct pace_load {
	bool old; /* it is of a backlog: it rests while deliveries come */
	bool big; /* its start reads a big body: one at a time */
};

/* All private. */
struct pace {
	size_t expected;       /* deliveries that wait for their commit */
	int64_t calm_us;       /* none are coming any more from then on */
	size_t allowance;      /* records beyond PACE_RECORDS_MIN */
	size_t records;        /* on their way, or kept to be recorded */
	size_t big;            /* big ones on their way */
	size_t old;            /* old ones on their way */
	int64_t old_since_us;  /* their time is counted up to here */
	int64_t old_resume_us; /* the rest that they owe ends then */
};

/* So many deliveries wait for their commit now. */
void pace_expect(struct pace *p, size_t deliveries, int64_t now_us);

/* A delivery was answered. */
void pace_answered(struct pace *p);

/* The load of a job. An alarm is never old: it is due when it is due. */
struct pace_load pace_load(const struct store_job *job, struct steady_time now);

/* May a job begin now that is neither old nor big? */
bool pace_allows(const struct pace *p, int64_t now_us);

/* If so: may one with that load? */
bool pace_allows_load(const struct pace *p, struct pace_load load,
    int64_t now_us);

/*
 * In how many us a job that has to rest may begin; INT64_MAX: that depends on
 * something else than time.
 */
int64_t pace_next_us(const struct pace *p, int64_t now_us);

/* A job begins, and uses the allowance if the minimum is used up. */
void pace_begin(struct pace *p);

/* The store has been asked for a record; it has answered, whatever that was. */
void pace_submit(struct pace *p, struct pace_load load, int64_t now_us);
void pace_complete(struct pace *p, struct pace_load load, int64_t now_us);

/* An outcome that the store cannot take is kept; it is kept no longer. */
void pace_keep(struct pace *p);
void pace_unkeep(struct pace *p);

#endif /* SERVER_PACE_H */
