#include "server/upstream/upstreams.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/intake/header_sets.h"
#include "store/base/timeval.h"

#define SENTENCE_MAX 512

/* One of them. */
struct member {
	TAILQ_ENTRY(member) link;
	struct upstream *u;
	bool keeps; /* of a reload: it stays */
};
TAILQ_HEAD(members, member);

struct upstreams {
	struct upstreams_options opt;
	struct members all;
	struct members ending;
	struct event *timer;
	bool stopped;
};

static void
member_free(struct members *of, struct member *m)
{
	TAILQ_REMOVE(of, m, link);
	upstream_free(m->u);
	free(m);
}

/* upstream_options: one has ended. */
static void
finished_cb(void *arg, struct upstream *u)
{
	struct upstreams *us = arg;
	struct member *m;

	TAILQ_FOREACH (m, &us->ending, link) {
		if (m->u == u) {
			member_free(&us->ending, m);
			break;
		}
	}
	if (us->stopped && TAILQ_EMPTY(&us->ending))
		us->opt.idle(us->opt.arg);
}

/* upstream_options */
static bool
well_cb(void *arg)
{
	const struct upstreams *us = arg;

	return (us->opt.well(us->opt.arg));
}

/* -- Which are cut for long -- */

static void
subject_of(const struct upstreams *us, const struct upstream *u,
    char ret_subject[ALERT_SUBJECT_MAX])
{
	char name[ALERT_SUBJECT_MAX];

	(void)snprintf(name, sizeof(name), "%s", upstream_name(u));
	alerts_here(us->opt.alerts, name, ret_subject);
}

static void
look_at(const struct upstreams *us, const struct upstream *u)
{
	char subject[ALERT_SUBJECT_MAX], sentence[SENTENCE_MAX];
	struct upstream_status st;

	upstream_status(u, &st);
	subject_of(us, u, subject);
	if (st.connected) {
		alerts_clear(us->opt.alerts, ALERT_UPSTREAM, subject);
		return;
	}
	if (clock_boot_ms() - st.since_boot < st.alert_after_ms)
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "no events can be fetched from the hub %.150s: %.250s", st.url,
	    st.error[0] == '\0' ? "it has not answered yet" : st.error);
	alerts_raise(us->opt.alerts, ALERT_UPSTREAM, subject, sentence);
}

static void
upstreams_arm(struct upstreams *us)
{
	int64_t ms = alerts_look_ms(us->opt.alerts);
	struct upstream_status st;
	struct timeval tv;
	const struct member *m;

	TAILQ_FOREACH (m, &us->all, link) {
		upstream_status(m->u, &st);
		if (st.alert_after_ms < ms)
			ms = st.alert_after_ms;
	}
	tv = timeval_of_ms(ms);
	if (!TAILQ_EMPTY(&us->all))
		(void)evtimer_add(us->timer, &tv);
}

/* evtimer */
static void
upstreams_look_cb(evutil_socket_t fd, short what, void *arg)
{
	struct upstreams *us = arg;
	const struct member *m;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (m, &us->all, link)
		look_at(us, m->u);
	upstreams_arm(us);
}

/* -- Which there are -- */

static struct member *
find(const struct upstreams *us, const char *name)
{
	struct member *m;

	TAILQ_FOREACH (m, &us->all, link) {
		if (strcmp(upstream_name(m->u), name) == 0)
			return (m);
	}
	return (NULL);
}

/* One begins. Returns 0; -1 with a reason. */
static int
add(struct upstreams *us, const struct upstream_settings *set,
    struct members *to, char reason[HANDLER_REASON_MAX])
{
	const struct upstream_options opt = {
		.env = us->opt.env,
		.taker = us->opt.taker,
		.well = well_cb,
		.finished = finished_cb,
		.arg = us,
	};
	struct member *m, *old = find(us, set->name);
	char why[HANDLER_REASON_MAX];

	/* A file may hold something else by now. */
	if (old != NULL && set->ca_file == NULL && upstream_is(old->u, set)) {
		old->keeps = true;
		return (0);
	}
	(void)snprintf(why, sizeof(why), "out of memory");
	if ((m = calloc(1, sizeof(*m))) == NULL ||
	    (m->u = upstream_new(&opt, set, why)) == NULL) {
		free(m);
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "upstream %.60s: %.160s", set->name, why);
		return (-1);
	}
	if (old != NULL)
		upstream_inherit(m->u, old->u);
	TAILQ_INSERT_TAIL(to, m, link);
	return (0);
}

static void
end_member(struct upstreams *us, struct member *m)
{
	TAILQ_REMOVE(&us->all, m, link);
	TAILQ_INSERT_TAIL(&us->ending, m, link);
	upstream_finish(m->u);
}

int
upstreams_set(struct upstreams *us, const struct upstream_settings *list,
    size_t n, char reason[HANDLER_REASON_MAX])
{
	struct members fresh = TAILQ_HEAD_INITIALIZER(fresh);
	char subject[ALERT_SUBJECT_MAX];
	struct member *m, *next;

	TAILQ_FOREACH (m, &us->all, link)
		m->keeps = false;
	for (size_t i = 0; i < n; i++) {
		if (add(us, &list[i], &fresh, reason) == 0)
			continue;
		while ((m = TAILQ_FIRST(&fresh)) != NULL)
			member_free(&fresh, m);
		return (-1);
	}
	for (m = TAILQ_FIRST(&us->all); m != NULL; m = next) {
		bool named = false;

		next = TAILQ_NEXT(m, link);
		if (m->keeps)
			continue;
		for (size_t i = 0; i < n; i++)
			named |= strcmp(list[i].name, upstream_name(m->u)) == 0;
		subject_of(us, m->u, subject);
		if (!named) /* who stops looking clears first */
			alerts_clear(us->opt.alerts, ALERT_UPSTREAM, subject);
		end_member(us, m);
	}
	TAILQ_CONCAT(&us->all, &fresh, link);
	upstreams_arm(us);
	return (0);
}

bool
upstreams_status(const struct upstreams *us, size_t i,
    struct upstream_status *ret_status)
{
	const struct member *m;

	TAILQ_FOREACH (m, &us->all, link) {
		if (i-- > 0)
			continue;
		upstream_status(m->u, ret_status);
		return (true);
	}
	return (false);
}

/* -- Its life -- */

struct upstreams *
upstreams_new(const struct upstreams_options *opt)
{
	struct upstreams *us;

	if ((us = calloc(1, sizeof(*us))) == NULL)
		return (NULL);
	us->opt = *opt;
	TAILQ_INIT(&us->all);
	TAILQ_INIT(&us->ending);
	us->timer = evtimer_new(opt->env->base, upstreams_look_cb, us);
	us->opt.taker.headers = header_sets_new();
	if (us->timer != NULL && us->opt.taker.headers != NULL)
		return (us);
	upstreams_free(us);
	return (NULL);
}

void
upstreams_stop(struct upstreams *us)
{
	struct member *m;

	if (us == NULL)
		return;
	us->stopped = true;
	(void)evtimer_del(us->timer);
	while ((m = TAILQ_FIRST(&us->all)) != NULL)
		end_member(us, m);
}

bool
upstreams_busy(const struct upstreams *us)
{
	return (!TAILQ_EMPTY(&us->ending));
}

void
upstreams_free(struct upstreams *us)
{
	struct member *m;

	if (us == NULL)
		return;
	while ((m = TAILQ_FIRST(&us->all)) != NULL)
		member_free(&us->all, m);
	while ((m = TAILQ_FIRST(&us->ending)) != NULL)
		member_free(&us->ending, m);
	header_sets_free(us->opt.taker.headers);
	if (us->timer != NULL)
		event_free(us->timer);
	free(us);
}
