#include "server/dispatch/pace.h"

/* -- Deliveries -- */

void
pace_expect(struct pace *p, size_t deliveries, int64_t now_us)
{
	p->expected = deliveries;
	p->calm_us = now_us + PACE_CALM_US;
}

void
pace_answered(struct pace *p)
{
	p->allowance += PACE_PER_DELIVERY;
	if (p->allowance > PACE_RECORDS_MAX - PACE_RECORDS_MIN)
		p->allowance = PACE_RECORDS_MAX - PACE_RECORDS_MIN;
}

/* Are no deliveries coming? */
static bool
is_calm(const struct pace *p, int64_t now_us)
{
	return (p->expected == 0 && now_us >= p->calm_us);
}

/* -- What may begin -- */

struct pace_load
pace_load(const struct store_job *job, struct steady_time now)
{
	int64_t age_ms = steady_since(now, job->ev->came_at);

	return ((struct pace_load){
	    .old = job->guards == 0 && age_ms > PACE_OLD_MS,
	    .big = job->ev->body_len > PACE_BIG_BODY,
	});
}

bool
pace_allows(const struct pace *p, int64_t now_us)
{
	size_t few = is_calm(p, now_us) ? PACE_RECORDS_CALM : PACE_RECORDS_MIN;

	return (p->records < PACE_RECORDS_MAX &&
		(p->records < few || p->allowance > 0));
}

/*
 * A start reads the body, and the handler walks it: for one order of 4,096 that
 * is milliseconds of the writer and of the loop, which deliveries wait for. So
 * these go one by one.
 */
bool
pace_allows_load(const struct pace *p, struct pace_load load, int64_t now_us)
{
	if (load.big && p->big > 0)
		return (false);
	return (!load.old || is_calm(p, now_us) ||
		(p->old < PACE_RECORDS_MIN && now_us >= p->old_resume_us));
}

int64_t
pace_next_us(const struct pace *p, int64_t now_us)
{
	int64_t rest_us = p->old_resume_us - now_us;
	int64_t calm_us = p->calm_us - now_us;

	if (p->expected == 0 && calm_us > 0 &&
	    (rest_us <= 0 || calm_us < rest_us))
		return (calm_us);
	return (rest_us > 0 ? rest_us : INT64_MAX);
}

void
pace_begin(struct pace *p)
{
	if (p->records >= PACE_RECORDS_MIN && p->allowance > 0)
		p->allowance--;
}

/* -- Records on their way -- */

void
pace_submit(struct pace *p, struct pace_load load, int64_t now_us)
{
	p->records++;
	p->big += load.big;
	if (load.old && p->old++ == 0)
		p->old_since_us = now_us;
}

/* Count the time up to now in which old jobs were being recorded. */
static void
count_old(struct pace *p, int64_t now_us)
{
	int64_t rest_us = (now_us - p->old_since_us) * PACE_REST_FACTOR;

	p->old_since_us = now_us;
	if (p->old_resume_us < now_us)
		p->old_resume_us = now_us;
	p->old_resume_us += rest_us;
	if (p->old_resume_us > now_us + PACE_REST_MAX_US)
		p->old_resume_us = now_us + PACE_REST_MAX_US;
}

void
pace_complete(struct pace *p, struct pace_load load, int64_t now_us)
{
	p->records--;
	p->big -= load.big;
	if (load.old) {
		count_old(p, now_us);
		p->old--;
	}
}

void
pace_keep(struct pace *p)
{
	p->records++;
}

void
pace_unkeep(struct pace *p)
{
	p->records--;
}
