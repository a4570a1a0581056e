#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/envelope.h"
#include "server/clock.h"
#include "server/dispatch.h"
#include "server/ingest.h"
#include "server/log.h"
#include "server/rejections.h"
#include "server/route.h"

/* A delivery on its way to the disk. */
struct pending {
	TAILQ_ENTRY(pending) link; /* in in->waiting, until it is answered */
	struct ingest *in;
	struct store_event *ev; /* a reference */
	ingest_done_fn *done;   /* NULL once it was turned away for time */
	void *arg;
	int64_t deadline_us;
};

struct ingest {
	struct store *st;
	struct dispatch *d;
	struct rejections *rej;
	struct envelope_reader *er;
	struct event *timer;           /* for the oldest of waiting */
	TAILQ_HEAD(, pending) waiting; /* oldest first */
	size_t npending;
	struct ingest_route *routes;
	size_t nroutes;
	struct store_job_spec *specs; /* room for one per route */
	struct ingest_stats stats;
};

/* -- Routes -- */

static void
routes_free(struct ingest_route *routes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((void *)routes[i].events);
		free((void *)routes[i].brands);
		free((void *)routes[i].branches);
	}
	free(routes);
}

/* A copy of a list of texts in one block; NULL when out of memory. */
static const char *const *
texts_copy(const char *const *texts, size_t n)
{
	size_t size = (n + 1) * sizeof(char *);
	const char **copy;
	char *p;

	for (size_t i = 0; i < n; i++)
		size += strlen(texts[i]) + 1;
	if ((copy = malloc(size)) == NULL)
		return (NULL);
	p = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = p;
		p = stpcpy(p, texts[i]) + 1;
	}
	copy[n] = NULL;
	return (copy);
}

int
ingest_route(struct ingest *in, const struct ingest_route *routes,
    size_t nroutes)
{
	struct ingest_route *copy;
	struct store_job_spec *specs;

	copy = calloc(nroutes + 1, sizeof(*copy));
	specs = calloc(nroutes + 1, sizeof(*specs));
	if (copy == NULL || specs == NULL)
		goto fail;
	for (size_t i = 0; i < nroutes; i++) {
		const struct ingest_route *r = &routes[i];

		copy[i] = *r;
		copy[i].events = texts_copy(r->events, r->nevents);
		copy[i].brands = texts_copy(r->brands, r->nbrands);
		copy[i].branches = texts_copy(r->branches, r->nbranches);
		if (copy[i].events == NULL || copy[i].brands == NULL ||
		    copy[i].branches == NULL)
			goto fail;
	}
	routes_free(in->routes, in->nroutes);
	free(in->specs);
	in->routes = copy;
	in->nroutes = nroutes;
	in->specs = specs;
	return (0);
fail:
	if (copy != NULL)
		routes_free(copy, nroutes);
	free(specs);
	return (-1);
}

/* The jobs of an event, written to in->specs. Returns how many. */
static size_t
ingest_jobs(struct ingest *in, const char *type, const struct envelope *env)
{
	size_t n = 0;

	for (size_t i = 0; i < in->nroutes; i++) {
		const struct ingest_route *r = &in->routes[i];

		if (!route_match(r, type, env->brand, env->branch))
			continue;
		in->specs[n++] = (struct store_job_spec){
			.handler = r->handler,
			.place = STORE_WHOLE_EVENT,
			.ordered = r->ordered,
			.guards = STORE_NO_GUARD,
		};
	}
	return (n);
}

/* -- Outcomes -- */

static void
pending_free(struct pending *p)
{
	p->in->npending--;
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
	in->stats.conflicts++;
	log_warn("event %s: its id came again with another body from %s; "
		 "kept as a rejection",
	    log_text(ev->event_id), log_text(ev->peer));
	rejections_add(in->rej, &(struct rejection){
				    .cause = REJECT_ID_CONFLICT,
				    .at_ms = ev->received_at_ms,
				    .peer = ev->peer,
				    .body = ev->body,
				    .body_len = ev->body_len,
				    .size = ev->body_len,
				});
}

/* store_done_fn: the event is on disk, or never will be. */
static void
ingest_stored_cb(const struct store_result *res, void *arg)
{
	struct pending *p = arg;
	struct ingest *in = p->in;
	bool late = p->done == NULL;

	switch (res->rc) {
	case STORE_OK:
		in->stats.received++;
		store_event_drop_body(p->ev);
		dispatch_hold(in->d, p->ev, res->runnable, res->nrunnable);
		if (late) {
			log_info("event %s: stored after it was turned away",
			    log_text(p->ev->event_id));
			dispatch_open(in->d, p->ev->id);
		}
		pending_answer(p, INGEST_RECEIVED);
		break;
	case STORE_EXISTS:
		in->stats.duplicates++;
		if (res->conflict)
			ingest_conflict(in, p->ev);
		pending_answer(p, INGEST_DUPLICATE);
		break;
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_BUSY:
	case STORE_FULL:
	case STORE_NEWER:
	case STORE_NOTADB:
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
	int64_t us;

	if (oldest == NULL) {
		(void)evtimer_del(in->timer);
		return;
	}
	us = oldest->deadline_us - clock_mono_us();
	if (us < 0)
		us = 0;
	tv.tv_sec = us / 1000000;
	tv.tv_usec = us % 1000000;
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
		pending_answer(p, INGEST_BUSY);
	}
	ingest_arm(in);
}

/* -- Deliveries -- */

/* An event made of the delivery and its envelope; takes the body. */
static struct store_event *
ingest_event(const struct delivery *del, const struct envelope *env)
{
	struct store_event src = {
		.event_id = del->event_id,
		.type = del->type,
		.brand = env->brand,
		.branch = env->branch,
		.secret = del->secret,
		.peer = del->peer,
		.received_at_ms = del->received_at_ms,
		.orders = env->orders,
		.norders = env->norders,
		.body = del->body,
		.body_len = del->body_len,
	};

	memcpy(src.digest, del->digest, sizeof(src.digest));
	return (store_event_new(&src));
}

/* Queue a delivery whose body has been scanned. */
static enum ingest_rc
ingest_queue(struct ingest *in, const struct delivery *del,
    const struct envelope *env, ingest_done_fn *done, void *arg)
{
	struct pending *p;
	size_t njobs = ingest_jobs(in, del->type, env);

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (INGEST_BUSY);
	p->in = in;
	p->done = done;
	p->arg = arg;
	p->deadline_us = clock_mono_us() + INGEST_COMMIT_MS * (int64_t)1000;
	if ((p->ev = ingest_event(del, env)) == NULL) {
		free(p);
		return (INGEST_BUSY);
	}
	if (store_append(in->st, p->ev, in->specs, njobs, ingest_stored_cb,
		p) == -1) {
		p->ev->body = NULL; /* stays the caller's */
		store_event_unref(p->ev);
		free(p);
		return (INGEST_BUSY);
	}
	in->npending++;
	TAILQ_INSERT_TAIL(&in->waiting, p, link);
	if (TAILQ_FIRST(&in->waiting) == p)
		ingest_arm(in);
	return (INGEST_PENDING);
}

enum ingest_rc
ingest_submit(struct ingest *in, const struct delivery *del,
    ingest_done_fn *done, void *arg)
{
	struct envelope env;
	enum ingest_rc rc = INGEST_BUSY;

	switch (envelope_scan(in->er, del->body, del->body_len, &env)) {
	case ENVELOPE_OK:
		if (env.strays > 0)
			log_warn("event %s: %zu of its orders have no id",
			    log_text(del->event_id), env.strays);
		rc = ingest_queue(in, del, &env, done, arg);
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

void
ingest_answered(struct ingest *in, int64_t event)
{
	dispatch_open(in->d, event);
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

struct ingest *
ingest_new(struct event_base *base, struct store *st, struct dispatch *d,
    struct rejections *rej)
{
	struct ingest *in;

	if ((in = calloc(1, sizeof(*in))) == NULL)
		return (NULL);
	TAILQ_INIT(&in->waiting);
	in->st = st;
	in->d = d;
	in->rej = rej;
	if ((in->er = envelope_reader_new()) == NULL ||
	    (in->timer = evtimer_new(base, ingest_timer_cb, in)) == NULL ||
	    ingest_route(in, NULL, 0) == -1)
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
	envelope_reader_free(in->er);
	routes_free(in->routes, in->nroutes);
	free(in->specs);
	free(in);
}
