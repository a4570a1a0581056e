/*
 * How many calls a handler may have under way. Up to its concurrency, as long
 * as they are answered; after some that fail in a row one at a time, not more
 * often than its first wait, so that a dead far side is asked a few times a
 * minute and not by every job of the backlog. The first answer ends that, and
 * every further one doubles the calls, up to the concurrency: what comes back
 * to life is not run over.
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

bool
pace_allows(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	if (w->paused || w->nqueue + w->nfresh == 0 || !pace_may_record(d))
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
	journal_note(d->journal, JOURNAL_HANDLER, w->number);
	log_info("handler %s: %s", w->name, paused ? "paused" : "goes on");
	dispatch_wake(d);
}
