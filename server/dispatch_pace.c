/*
 * How many calls a handler may have under way, and how much of the time goes
 * into what is old.
 *
 * Calls: up to its concurrency, as long as they are answered; after some that
 * fail in a row one at a time, not more often than its first wait, so that a
 * dead far side is asked a few times a minute and not by every job of the
 * backlog. The first answer ends that, and every further one doubles the
 * calls, up to the concurrency: what comes back to life is not run over.
 *
 * Time: what starts and ends in the store delays the commits that deliveries
 * wait for. So while deliveries come, jobs that are old (a backlog) rest after
 * each portion of at most DISPATCH_RECORDS_MIN for seven times as long as it
 * took to record: an eighth of the time is theirs, whatever the disk. When no
 * delivery comes they have all of it.
 */
#include "server/clock.h"
#include "server/dispatch_private.h"
#include "server/log.h"

/*
 * May another outcome be on its way to the store? A delivery's commit waits for
 * the one before it, so few are at a time. Each delivery allows two more: in a
 * flood commits are large anyhow, and what arrives must not pile up.
 */
static bool
pace_may_record(const struct dispatch *d)
{
	size_t n = d->nrecording + d->nunrecorded;

	return (n < DISPATCH_RECORDS_MAX &&
		(n < DISPATCH_RECORDS_MIN || d->allowance > 0));
}

/* -- What is old, beside deliveries -- */

/* An alarm is never old: it is due when it is. */
bool
pace_is_old(const struct run *run)
{
	return (run->job.guards == 0 && run_age_ms(run) > DISPATCH_OLD_MS);
}

/* May work on an old job begin now? */
static bool
pace_allows_old(const struct dispatch *d, int64_t now_us)
{
	if (d->nexpected == 0 && now_us >= d->calm_us)
		return (true);
	return (d->nold < DISPATCH_RECORDS_MIN && now_us >= d->old_resume_us);
}

bool
pace_allows_oldest(const struct dispatch *d, const struct worker *w,
    int64_t now_us)
{
	const struct run *run = TAILQ_FIRST(&w->queue);

	return (
	    run != NULL && (pace_allows_old(d, now_us) || !pace_is_old(run)));
}

int64_t
pace_next_us(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	int64_t rest_us = d->old_resume_us - now_us;
	int64_t calm_us = d->calm_us - now_us;

	if (w->nqueue == 0 || pace_allows_oldest(d, w, now_us))
		return (INT64_MAX);
	if (d->nexpected == 0 && (rest_us <= 0 || calm_us < rest_us))
		return (calm_us);
	return (rest_us > 0 ? rest_us : INT64_MAX);
}

/* Count the time up to now in which old jobs were being recorded. */
static void
pace_count_old(struct dispatch *d)
{
	int64_t now_us = clock_mono_us();
	int64_t rest_us = (now_us - d->old_since_us) * DISPATCH_OLD_REST;

	d->old_since_us = now_us;
	if (d->old_resume_us < now_us)
		d->old_resume_us = now_us;
	d->old_resume_us += rest_us;
	if (d->old_resume_us > now_us + DISPATCH_OLD_REST_MAX_US)
		d->old_resume_us = now_us + DISPATCH_OLD_REST_MAX_US;
}

void
pace_recording(struct run *run)
{
	struct dispatch *d = run->d;

	TAILQ_INSERT_TAIL(&d->recording, run, link);
	d->nrecording++;
	if (run->old && d->nold++ == 0)
		d->old_since_us = clock_mono_us();
}

void
pace_recorded(struct run *run)
{
	struct dispatch *d = run->d;

	TAILQ_REMOVE(&d->recording, run, link);
	d->nrecording--;
	if (run->old) {
		pace_count_old(d);
		d->nold--;
	}
}

void
dispatch_expect(struct dispatch *d, size_t deliveries)
{
	d->nexpected = deliveries;
	d->calm_us = clock_mono_us() + DISPATCH_CALM_US;
	if (deliveries == 0)
		dispatch_wake(d); /* to wait for the calm */
}

/* -- Calls -- */

bool
pace_allows(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	if (w->paused || !pace_may_record(d) ||
	    (w->nfresh == 0 && !pace_allows_oldest(d, w, now_us)))
		return (false);
	if (!w->outlet)
		return (true);
	return (
	    w->under_way < w->window && (!w->probing || w->probe_us <= now_us));
}

void
pace_failed(struct dispatch *d, struct worker *w, int64_t retry_after_ms,
    const char *reason)
{
	int64_t wait_ms = w->retry_ms[0];

	w->failed++;
	if (!w->probing && w->failed >= DISPATCH_PROBE_AFTER) {
		w->probing = true;
		w->window = 1;
		journal_note(d->journal, JOURNAL_HANDLER, w->number);
		log_warn("handler %s: %u calls failed in a row; one at a time "
			 "is tried until it answers: %s",
		    w->name, w->failed, log_text(reason));
	}
	if (!w->probing)
		return;
	if (retry_after_ms > DISPATCH_PROBE_MAX_MS)
		retry_after_ms = DISPATCH_PROBE_MAX_MS;
	if (retry_after_ms > wait_ms)
		wait_ms = retry_after_ms;
	w->probe_us = clock_mono_us() + wait_ms * 1000;
}

void
pace_answered(struct dispatch *d, struct worker *w)
{
	if (w->probing) {
		log_info("handler %s: answers again", w->name);
		journal_note(d->journal, JOURNAL_HANDLER, w->number);
	}
	w->probing = false;
	w->failed = 0;
	w->window *= 2;
	if (w->window > w->concurrency)
		w->window = w->concurrency;
}

void
dispatch_pause(struct dispatch *d, int64_t handler, bool paused)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL || w->paused == paused)
		return;
	w->paused = paused;
	w->probe_us = 0; /* who lets it go on wants to see it */
	journal_note(d->journal, JOURNAL_HANDLER, w->number);
	log_info("handler %s: %s", w->name, paused ? "paused" : "goes on");
	dispatch_wake(d);
}
