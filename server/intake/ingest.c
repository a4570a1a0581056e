#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/body/envelope.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/diagnosis/diagnosis.h"
#include "server/dispatch/dispatch.h"
#include "server/dispatch/journal.h"
#include "server/intake/branches.h"
#include "server/intake/header_sets.h"
#include "server/intake/ingest.h"
#include "server/intake/ingest_jobs.h"
#include "server/intake/ingest_private.h"
#include "server/intake/rejections.h"
#include "store/base/timeval.h"

/* A delivery on its way to the disk. */
struct pending {
	TAILQ_ENTRY(pending) link; /* in in->waiting, until it is answered */
	struct ingest *in;
	struct store_event *ev; /* a reference */
	ingest_done_fn *done;   /* NULL once it was turned away for time */
	void *arg;
	int64_t deadline_us;
	int64_t away_us;          /* when it was turned away for time */
	struct steady_time alarm; /* its first one is due; 0: it has none */
};

/* -- Outcomes -- */

static void
pending_free(struct pending *p)
{
	dispatch_expect(p->in->d, --p->in->npending);
	store_event_unref(p->ev);
	free(p);
}

/* Give the outcome, unless time had run out and it was given before. */
static void
pending_answer(struct pending *p, enum ingest_rc rc)
{
	ingest_done_fn *done = p->done;

	if (done == NULL)
		return;
	p->done = NULL;
	TAILQ_REMOVE(&p->in->waiting, p, link);
	done(rc, p->ev->id, p->arg);
}

static void
ingest_conflict(struct ingest *in, const struct store_event *ev)
{
	const unsigned char *digest = NULL;
	struct diagnosis_finding f;

	in->stats.conflicts++;
	if (ev->secret != NULL)
		digest = ev->digest;
	if (digest != NULL &&
	    rejections_again(in->rej, REJECT_ID_CONFLICT, digest))
		return;
	(void)diagnosis_by_cause(REJECT_ID_CONFLICT, &f);
	log_warn("event %s: its id came again with another body from %s; "
		 "kept as a rejection",
	    log_text(ev->event_id), log_text(ev->peer));
	rejections_add(in->rej, &(struct rejection){
				    .cause = REJECT_ID_CONFLICT,
				    .at_ms = ev->received_at_ms,
				    .peer = ev->peer,
				    .endpoint = ev->endpoint,
				    .examined = true,
				    .digest = digest,
				    .code = diagnosis_code_name(f.code),
				    .diagnosis = f.text,
				    .body = ev->body,
				    .body_len = ev->body_len,
				    .size = ev->body_len,
				});
}

/* Its alarms are on disk: dispatch looks after them. */
static void
ingest_alarms(struct ingest *in, const struct pending *p)
{
	const struct subscriptions *subs = in->subs;

	for (size_t i = 0; p->alarm.ms != 0 && i < subs->n; i++) {
		if (subs->items[i].deadline_ms != 0)
			dispatch_due(in->d, subs->items[i].alarm, p->alarm);
	}
}

/* The event is on disk. */
static void
ingest_stored(struct ingest *in, struct pending *p,
    const struct store_result *res)
{
	bool late = p->done == NULL, repeat = res->repeat_of != 0;

	in->stats.received++;
	in->stats.kinds[event_kind(p->ev->type)]++;
	in->stats.repeats += repeat;
	if (!repeat) /* no sign of life of the branch */
		branches_count(&in->branches, p->ev->branch, p->ev->came_at);
	if (in->journal != NULL)
		journal_stored(in->journal, res->id, clock_wall_ms());
	store_event_drop_body(p->ev);
	dispatch_hold(in->d, p->ev, res->runnable, res->nrunnable);
	ingest_alarms(in, p);
	if (late) {
		ingest_note_answer(in, &(struct store_answer){ res->id, 503,
					   INGEST_COMMIT_MS * INT64_C(1000) +
					       p->away_us - p->deadline_us });
		log_info("event %s: stored after it was turned away",
		    log_text(p->ev->event_id));
		dispatch_open(in->d, p->ev->id);
	}
	pending_answer(p, repeat ? INGEST_REPEAT : INGEST_RECEIVED);
}

/* store_done_fn: the event is on disk, or never will be. */
static void
ingest_stored_cb(const struct store_result *res, void *arg)
{
	struct pending *p = arg;
	struct ingest *in = p->in;
	bool late = p->done == NULL;

	if (res->rc != STORE_OK)
		answers_note_again(&in->answers, p->ev->answers);
	switch (res->rc) {
	case STORE_OK:
		ingest_stored(in, p, res);
		break;
	case STORE_EXISTS:
		in->stats.duplicates++;
		journal_note(in->journal, JOURNAL_EVENT, res->id);
		if (res->conflict)
			ingest_conflict(in, p->ev);
		pending_answer(p, INGEST_DUPLICATE);
		break;
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_LOST:
	case STORE_AWAY:
	case STORE_FAILED:
		if (!late)
			in->stats.busy++;
		log_warn("event %s: not stored: %s", log_text(p->ev->event_id),
		    res->reason);
		pending_answer(p, INGEST_BUSY);
		break;
	}
	pending_free(p);
}

static void
ingest_arm(struct ingest *in)
{
	struct pending *oldest = TAILQ_FIRST(&in->waiting);
	struct timeval tv;

	if (oldest == NULL) {
		(void)evtimer_del(in->timer);
		return;
	}
	tv = timeval_of_us(oldest->deadline_us - clock_mono_us());
	(void)evtimer_add(in->timer, &tv);
}

/* evtimer: the oldest delivery may have waited too long for its commit. */
static void
ingest_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct ingest *in = arg;
	struct pending *p;
	int64_t now_us = clock_mono_us();

	(void)fd;
	(void)what;
	while ((p = TAILQ_FIRST(&in->waiting)) != NULL &&
	       p->deadline_us <= now_us) {
		in->stats.busy++;
		log_warn("event %s: turned away: not committed within %d ms",
		    log_text(p->ev->event_id), INGEST_COMMIT_MS);
		p->away_us = now_us;
		pending_answer(p, INGEST_BUSY);
	}
	ingest_arm(in);
}

/* -- Deliveries -- */

/*
 * The event, with what is kept of its header fields, and how others were
 * answered meanwhile; takes the body.
 */
static struct store_event *
ingest_event_new(struct ingest *in, struct store_event *src,
    const struct kept_headers *headers)
{
	char answers[STORE_ANSWERS_SIZE];
	struct store_event *ev;

	if (headers != NULL && headers->set != 0) {
		src->header_set = headers->set;
		src->headers = headers->text; /* is copied */
	}
	if (headers != NULL && headers->own[0] != '\0')
		src->own_headers = headers->own;
	answers_hand_on(&in->answers, answers);
	if (answers[0] != '\0')
		src->answers = answers;
	if ((ev = store_event_new(src)) == NULL)
		answers_note_again(&in->answers, answers);
	return (ev);
}

/* An event made of the delivery and its envelope; takes the body. */
static struct store_event *
ingest_event(struct ingest *in, const struct delivery *del,
    const struct envelope *env, struct steady_time came_at)
{
	struct store_event src = {
		.event_id = del->event_id,
		.type = del->type,
		.origin = del->origin,
		.brand = env->brand,
		.branch = env->branch,
		.secret = del->secret,
		.scope = del->scope,
		.endpoint = del->endpoint,
		.peer = del->peer,
		.received_at_ms = del->received_at_ms,
		.came_at = came_at,
		.date_doubted = dispatch_doubts_date(in->d),
		.orders = env->orders,
		.norders = env->norders,
		.body = del->body,
		.body_len = del->body_len,
	};

	if (del->secret != NULL)
		memcpy(src.digest, del->digest, sizeof(src.digest));
	return (ingest_event_new(in, &src, del->headers));
}

/* When the first alarm among the jobs is due; 0: there is none. */
static struct steady_time
first_alarm(const struct store_job_spec *specs, size_t n)
{
	struct steady_time first = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (specs[i].guards != STORE_NO_GUARD &&
		    (first.ms == 0 || steady_before(specs[i].due_at, first)))
			first = specs[i].due_at;
	}
	return (first);
}

/*
 * Warn, once for each source, of times that lack a zone: if they are not UTC,
 * the newest version of an order may be taken for an old one.
 */
static void
ingest_warn_zoneless(struct ingest *in, const struct delivery *del,
    const char *updated_at)
{
	const char *secret = del->secret != NULL ? del->secret : del->peer;
	char *name;

	for (size_t i = 0; i < in->nzoneless; i++) {
		if (strcmp(in->zoneless[i], secret) == 0)
			return;
	}
	if (in->nzoneless == ZONELESS_MAX || (name = strdup(secret)) == NULL)
		return;
	in->zoneless[in->nzoneless++] = name;
	log_warn("event %s: updated_at \"%s\" has no time zone; such times "
		 "under the secret %s are read as UTC",
	    log_text(del->event_id), log_text(updated_at), log_text(secret));
}

static void
ingest_look_at_times(struct ingest *in, const struct delivery *del,
    const struct envelope *env)
{
	for (size_t i = 0; i < env->norders; i++) {
		const char *at = env->orders[i].updated_at;

		if (order_time_lacks_zone(at)) {
			ingest_warn_zoneless(in, del, at);
			return;
		}
	}
}

/* Queue a delivery whose body has been scanned. */
static enum ingest_rc
ingest_queue(struct ingest *in, const struct delivery *del,
    const struct envelope *env, ingest_done_fn *done, void *arg)
{
	struct steady_time now = dispatch_now(in->d);
	struct store_job_spec *specs;
	struct pending *p;
	size_t njobs;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (INGEST_BUSY);
	p->in = in;
	p->done = done;
	p->arg = arg;
	p->deadline_us = clock_mono_us() + INGEST_COMMIT_MS * (int64_t)1000;
	specs = ingest_jobs(in->subs,
	    &(struct ingest_jobs_of){ del->type, del->endpoint, env,
		store_origin_name(del->origin) },
	    now, &njobs);
	if (specs == NULL || (p->ev = ingest_event(in, del, env, now)) == NULL)
		goto fail;
	p->alarm = first_alarm(specs, njobs);
	if (store_append(in->st, p->ev, specs, njobs, ingest_stored_cb, p) ==
	    -1) {
		p->ev->body = NULL; /* stays the caller's */
		answers_note_again(&in->answers, p->ev->answers);
		goto fail;
	}
	free(specs);
	dispatch_expect(in->d, ++in->npending);
	TAILQ_INSERT_TAIL(&in->waiting, p, link);
	if (TAILQ_FIRST(&in->waiting) == p)
		ingest_arm(in);
	return (INGEST_PENDING);
fail:
	store_event_unref(p->ev);
	free(specs);
	free(p);
	return (INGEST_BUSY);
}

static enum ingest_rc
ingest_scanned(struct ingest *in, const struct delivery *del,
    const struct envelope *env, ingest_done_fn *done, void *arg)
{
	if (env->strays > 0)
		log_warn("event %s: %zu of its orders have no usable id: they "
			 "are in no table, and handlers of single orders end "
			 "them dead",
		    log_text(del->event_id), env->strays);
	ingest_look_at_times(in, del, env);
	return (ingest_queue(in, del, env, done, arg));
}

/* Is it for the endpoint that it came through? */
static bool
fits(const struct delivery *del, const struct envelope *env)
{
	const struct selection_event ev = { del->type, env->brand, env->branch,
		del->endpoint, store_origin_name(del->origin) };

	return (del->fits == NULL || selection_takes(del->fits, &ev));
}

enum ingest_rc
ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg)
{
	struct envelope env;
	enum ingest_rc rc = INGEST_BUSY;

	if (!in->open) { /* it is not known yet which handlers it is for */
		in->stats.busy++;
		return (INGEST_BUSY);
	}
	switch (envelope_scan(del->body, del->body_len, &env)) {
	case ENVELOPE_OK:
		if (fits(del, &env))
			rc = ingest_scanned(in, del, &env, done, arg);
		else {
			rc = INGEST_MISFIT;
			in->stats.invalid++;
		}
		envelope_fini(&env);
		break;
	case ENVELOPE_INVALID:
		rc = INGEST_INVALID;
		in->stats.invalid++;
		break;
	case ENVELOPE_TOO_MANY:
		rc = INGEST_TOO_MANY;
		in->stats.invalid++;
		break;
	case ENVELOPE_NOMEM:
		break;
	}
	if (rc == INGEST_BUSY)
		in->stats.busy++;
	return (rc);
}

/* -- What it goes by -- */

int
ingest_subscribe(struct ingest *in, const struct subscription *subs,
    size_t nsubs, const struct status_codes *codes)
{
	struct subscriptions *copy;

	copy = subscriptions_new(subs, nsubs, codes);
	if (copy == NULL)
		return (-1);
	subscriptions_free(in->subs);
	in->subs = copy;
	return (0);
}

void
ingest_answered(struct ingest *in, int64_t event, bool left)
{
	if (left && in->journal != NULL)
		journal_acked(in->journal, event, clock_wall_ms());
	dispatch_open(in->d, event);
}

void
ingest_set_open(struct ingest *in, bool open)
{
	in->open = open;
}

void
ingest_set_journal(struct ingest *in, struct journal *j)
{
	in->journal = j;
}

size_t
ingest_pending(const struct ingest *in)
{
	return (in->npending);
}

void
ingest_stats(const struct ingest *in, struct ingest_stats *ret_stats)
{
	*ret_stats = in->stats;
}

const struct branches *
ingest_branches(const struct ingest *in)
{
	return (&in->branches);
}

void
ingest_seen(struct ingest *in, const char *branch, struct steady_time at)
{
	branches_note(&in->branches, branch, at);
}

struct ingest *
ingest_new(struct event_base *base, struct store *st, struct dispatch *d,
    struct rejections *rej)
{
	static const struct status_codes none;
	struct ingest *in;

	if ((in = calloc(1, sizeof(*in))) == NULL)
		return (NULL);
	TAILQ_INIT(&in->waiting);
	in->open = true;
	in->st = st;
	in->d = d;
	in->rej = rej;
	if ((in->timer = evtimer_new(base, ingest_timer_cb, in)) == NULL ||
	    ingest_subscribe(in, NULL, 0, &none) == -1)
		goto fail;
	return (in);
fail:
	ingest_free(in);
	return (NULL);
}

void
ingest_free(struct ingest *in)
{
	if (in == NULL)
		return;
	if (in->timer != NULL)
		event_free(in->timer);
	subscriptions_free(in->subs);
	for (size_t i = 0; i < in->nzoneless; i++)
		free(in->zoneless[i]);
	free(in);
}

void
ingest_note_answer(struct ingest *in, const struct store_answer *answer)
{
	answers_note(&in->answers, answer);
}

int
ingest_find_answer(const struct ingest *in, int64_t event,
    struct store_answer *ret_answer)
{
	return (answers_find(&in->answers, event, ret_answer));
}
