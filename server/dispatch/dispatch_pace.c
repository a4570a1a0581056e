/*
 * Whose turn it is, and how much of the time goes into what is old.
 *
 * Turns: what was not tried before goes first, the oldest and the newest by
 * turns; what was tried before has one turn in four, and all of them when
 * nothing else is there, as far as its share of the calls goes (see
 * dispatch_gate.h). So a few jobs that fail for ever hold up no other, and are
 * not held up for ever either. A dead far side is asked a few times a minute,
 * and not by every job of the backlog. The first answer ends that, and every
 * further one doubles the calls, up to the concurrency: what comes back to life
 * is not run over.
 *
 * Time: what starts and ends in the store delays the commits that deliveries
 * wait for. So while deliveries come, jobs that are old (a backlog) rest after
 * each portion of at most DISPATCH_RECORDS_MIN for seven times as long as it
 * took to record: an eighth of the time is theirs, whatever the disk. When no
 * delivery comes they have all of it.
 */
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/dispatch/dispatch_private.h"

/* New jobs that are taken before one that was tried has its turn. */
#define NEW_BETWEEN 3

/* Are no deliveries coming? */
static bool
pace_is_calm(const struct dispatch *d, int64_t now_us)
{
	return (d->nexpected == 0 && now_us >= d->calm_us);
}

/*
 * May another outcome be on its way to the store? A delivery's commit waits for
 * the one before it, so few are at a time, while any come. Each delivery allows
 * two more: in a flood commits are large anyhow, and what arrives must not pile
 * up.
 */
static bool
pace_may_record(const struct dispatch *d, int64_t now_us)
{
	size_t n = dispatch_recording(d) + d->unrecorded.n;
	size_t few = pace_is_calm(d, now_us) ? DISPATCH_RECORDS_CALM
					     : DISPATCH_RECORDS_MIN;

	return (n < DISPATCH_RECORDS_MAX && (n < few || d->allowance > 0));
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
	if (pace_is_calm(d, now_us))
		return (true);
	return (d->nold < DISPATCH_RECORDS_MIN && now_us >= d->old_resume_us);
}

/* -- Whose turn it is -- */

/*
 * A start reads the body, and the handler walks it: for one order of 4,096 that
 * is milliseconds of the writer and of the loop, which deliveries wait for. So
 * these go one by one.
 */
bool
pace_is_big(const struct run *run)
{
	return (run->job.ev->body_len > DISPATCH_BIG_BODY);
}

/* run, if it is there and neither its age nor its size lets it rest. */
static struct run *
unless_rest(const struct dispatch *d, struct run *run, int64_t now_us)
{
	if (run == NULL || (d->nbig > 0 && pace_is_big(run)) ||
	    (!pace_allows_old(d, now_us) && pace_is_old(run)))
		return (NULL);
	return (run);
}

/* The next of two queues that take turns; the first of each. */
static struct run *
take_turns(const struct dispatch *d, const struct run_queue *next,
    const struct run_queue *other, int64_t now_us)
{
	struct run *run = unless_rest(d, TAILQ_FIRST(&next->list), now_us);

	if (run == NULL)
		run = unless_rest(d, TAILQ_FIRST(&other->list), now_us);
	return (run);
}

/* The newest that was not tried before. */
static struct run *
newest(const struct worker *w)
{
	struct run *run = TAILQ_LAST(&w->fresh.list, run_list);

	return (run != NULL ? run : TAILQ_LAST(&w->jobs.list, run_list));
}

/*
 * Of those not tried before: the oldest or one of the newest. A far side that
 * is in doubt gets the very newest in turn, lest a row of bad ones hide it.
 */
static struct run *
choose_new(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	bool fresh = !w->fresh_next;

	if (fresh && gate_doubts(&w->gate))
		return (unless_rest(d, newest(w), now_us));
	return (take_turns(d, fresh ? &w->fresh : &w->jobs,
	    fresh ? &w->jobs : &w->fresh, now_us));
}

static struct run *
choose_again(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	bool second = !w->second_next;

	return (take_turns(d, second ? &w->second : &w->again,
	    second ? &w->again : &w->second, now_us));
}

/* Did the newest come in after the last call began? */
static bool
is_newcomer(const struct worker *w, const struct run *run)
{
	return (run != NULL && run->came_us >= w->gate.begun_us);
}

struct run *
pace_choose(const struct dispatch *d, const struct worker *w, int64_t now_us,
    enum gate_class *ret_class)
{
	const struct gate *g = &w->gate;
	struct run *again = NULL, *new = NULL;

	if (w->paused || !pace_may_record(d, now_us))
		return (NULL);
	if (!w->outlet || gate_allows(g, GATE_NEW, now_us))
		new = choose_new(d, w, now_us);
	if (!w->outlet || gate_allows(g, GATE_AGAIN, now_us))
		again = choose_again(d, w, now_us);
	*ret_class = GATE_AGAIN;
	if (again != NULL && (new == NULL || w->since_again >= NEW_BETWEEN))
		return (again);
	*ret_class = GATE_NEW;
	if (new != NULL || !gate_allows(g, GATE_NEWCOMER, now_us) ||
	    !is_newcomer(w, newest(w)))
		return (new);
	*ret_class = GATE_NEWCOMER;
	return (newest(w));
}

/* When the old ones may go on, if one of them waits for that. */
static int64_t
old_next_us(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	int64_t rest_us = d->old_resume_us - now_us;
	int64_t calm_us = d->calm_us - now_us;

	if (choose_new(d, w, now_us) != NULL ||
	    choose_again(d, w, now_us) != NULL)
		return (INT64_MAX);
	if (d->nexpected == 0 && calm_us > 0 &&
	    (rest_us <= 0 || calm_us < rest_us))
		return (calm_us);
	return (rest_us > 0 ? rest_us : INT64_MAX);
}

int64_t
pace_next_us(const struct dispatch *d, const struct worker *w, int64_t now_us)
{
	const struct gate *g = &w->gate;
	int64_t next_us = INT64_MAX;
	bool new = queues_new(w) > 0;
	bool tried = queues_tried(w) > 0;
	int64_t us;

	if (!new && !tried)
		return (INT64_MAX);
	if (w->outlet && new)
		next_us = gate_next_us(g, GATE_NEW, now_us);
	if (w->outlet && tried &&
	    (us = gate_next_us(g, GATE_AGAIN, now_us)) < next_us)
		next_us = us;
	if (w->outlet && is_newcomer(w, newest(w)) &&
	    (us = gate_next_us(g, GATE_NEWCOMER, now_us)) < next_us)
		next_us = us;
	if (next_us != INT64_MAX)
		next_us -= now_us;
	us = old_next_us(d, w, now_us);
	return (us < next_us ? us : next_us);
}

/* -- What is old, as it is recorded -- */

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

	d->nbig += run->state == RUN_STARTING && run->big;
	if (run->old && d->nold++ == 0)
		d->old_since_us = clock_mono_us();
}

void
pace_recorded(struct run *run)
{
	struct dispatch *d = run->d;

	d->nbig -= run->state == RUN_STARTING && run->big;
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

void
pace_failed(struct run *run, struct worker *w,
    const struct handler_result *result)
{
	struct dispatch *d = run->d;

	if (!gate_failed(&w->gate, run->class, result->fault,
		result->retry_after_ms * 1000, clock_mono_us()))
		return;
	journal_note(d->journal, JOURNAL_HANDLER, w->number);
	log_warn("handler %s: %u calls failed in a row; one at a time is "
		 "tried until it answers: %s",
	    w->name, w->gate.failed, log_text(result->reason));
}

void
pace_answered(struct run *run, struct worker *w)
{
	if (!gate_answered(&w->gate, run->class))
		return;
	log_info("handler %s: answers again", w->name);
	journal_note(run->d->journal, JOURNAL_HANDLER, w->number);
}

void
dispatch_pause(struct dispatch *d, int64_t handler, bool paused)
{
	struct worker *w = worker_find(d, handler);

	if (w == NULL || w->paused == paused)
		return;
	w->paused = paused;
	gate_hurry(&w->gate); /* who lets it go on wants to see it */
	journal_note(d->journal, JOURNAL_HANDLER, w->number);
	log_info("handler %s: %s", w->name, paused ? "paused" : "goes on");
	dispatch_wake(d);
}
