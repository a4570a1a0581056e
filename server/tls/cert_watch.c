#include "server/tls/cert_watch.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/tls/cert_due.h"
#include "store/base/parse.h"
#include "store/base/timeval.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

struct watched {
	char *name;
	char *file;
	int64_t from_ms;
	int64_t until_ms;
	enum cert_stage seen; /* at the last look */
};

struct cert_watch {
	struct event *timer;
	struct watched *list;
	size_t n;
};

static void
watched_free(struct watched *list, size_t n)
{
	for (size_t i = 0; list != NULL && i < n; i++) {
		free(list[i].name);
		free(list[i].file);
	}
	free(list);
}

static void
cert_warn(const struct watched *x, enum cert_stage stage, int64_t now_ms)
{
	char stamp[FORMAT_TIME_MAX];
	const char *name = log_text(x->name), *file = log_text(x->file);
	int64_t left_ms = x->until_ms - now_ms;
	int64_t unit_ms = left_ms >= DAY_MS ? DAY_MS : HOUR_MS;
	long long left = (long long)(left_ms / unit_ms);

	switch (stage) {
	case CERT_FINE:
		break;
	case CERT_EARLY:
		log_warn("certificate of %s: %s: is not valid before %s: is "
			 "this machine's clock right?",
		    name, file, format_time(x->from_ms, stamp));
		break;
	case CERT_WEEKS:
	case CERT_WEEK:
	case CERT_DAY:
		log_warn("certificate of %s: %s: expires in %lld %s%s, at %s: "
			 "replace it, then reload (HUP)",
		    name, file, left, unit_ms == DAY_MS ? "day" : "hour",
		    left == 1 ? "" : "s", format_time(x->until_ms, stamp));
		break;
	case CERT_EXPIRED:
		log_error("certificate of %s: %s: expired at %s, others refuse "
			  "it now: replace it, then reload (HUP)",
		    name, file, format_time(x->until_ms, stamp));
		break;
	}
}

/* Log the warnings that are due, and set the timer for the next look. */
static void
cert_watch_look(struct cert_watch *w)
{
	int64_t now_ms = clock_wall_ms();
	int64_t wait_ms = CERT_WATCH_LOOK_MS;
	struct watched *x;
	enum cert_stage stage;
	struct timeval tv;
	int64_t ms;

	for (x = w->list; x < w->list + w->n; x++) {
		stage = cert_due_stage(x->from_ms, x->until_ms, now_ms);
		if (cert_due_warns(x->seen, stage))
			cert_warn(x, stage, now_ms);
		x->seen = stage;
		ms = cert_due_wait_ms(x->from_ms, x->until_ms, now_ms);
		if (ms < wait_ms)
			wait_ms = ms;
	}
	tv = timeval_of_ms(wait_ms);
	if (w->n > 0)
		(void)evtimer_add(w->timer, &tv);
}

/* evtimer: a stage may have been entered, or the clock been set. */
static void
cert_watch_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	cert_watch_look(arg);
}

int
cert_watch_set(struct cert_watch *w, const struct cert_watched *list, size_t n)
{
	struct watched *copy;

	if ((copy = calloc(n + 1, sizeof(*copy))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		copy[i].name = strdup(list[i].name);
		copy[i].file = strdup(list[i].file);
		copy[i].from_ms = list[i].from_ms;
		copy[i].until_ms = list[i].until_ms;
		copy[i].seen = CERT_FINE;
		if (copy[i].name == NULL || copy[i].file == NULL) {
			watched_free(copy, n);
			return (-1);
		}
	}
	watched_free(w->list, w->n);
	w->list = copy;
	w->n = n;
	(void)evtimer_del(w->timer);
	cert_watch_look(w);
	return (0);
}

bool
cert_watch_stats(const struct cert_watch *w, size_t i,
    struct cert_watch_stats *ret_stats)
{
	if (i >= w->n)
		return (false);
	ret_stats->name = w->list[i].name;
	ret_stats->until_ms = w->list[i].until_ms;
	return (true);
}

bool
cert_watch_sound(const struct cert_watch *w, int64_t now_ms)
{
	for (size_t i = 0; i < w->n; i++) {
		if (now_ms < w->list[i].from_ms || now_ms > w->list[i].until_ms)
			return (false);
	}
	return (true);
}

struct cert_watch *
cert_watch_new(struct event_base *base)
{
	struct cert_watch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	if ((w->timer = evtimer_new(base, cert_watch_timer_cb, w)) == NULL) {
		free(w);
		return (NULL);
	}
	return (w);
}

void
cert_watch_free(struct cert_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->timer);
	watched_free(w->list, w->n);
	free(w);
}
