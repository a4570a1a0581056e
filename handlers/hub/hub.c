/*
 * hub.c -- the pullers that wait, and which of them gets a job.
 *
 * Callbacks note what happened and have the box looked at; hub_pump() decides.
 */
#include "handlers/hub/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/hub/hub_private.h"
#include "handlers/net/net_clock.h"
#include "store/base/timeval.h"

static const char nothing[] = "{\"jobs\":[]}";

struct hub_ask {
	TAILQ_ENTRY(hub_ask) link;
	struct hub_box *box;
	struct event *timer;
	unsigned max;
	hub_answer_fn *answer;
	void *arg;
};

/* -- Asks -- */

/* Have the jobs let go of for which nobody comes again. */
static void
away_arm(struct hub *hub)
{
	struct timeval tv = timeval_of_ms(hub->away_ms + 1);

	if (!evtimer_pending(hub->away, NULL))
		(void)evtimer_add(hub->away, &tv);
}

/* evtimer: away_ms after the first ask that ended since it was armed. */
static void
away_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hub *hub = arg;
	int64_t since_ms = net_clock_ms() - hub->away_ms;
	struct hub_box *box;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (box, &hub->boxes, all) {
		if (box->seen_mono_ms > since_ms)
			away_arm(hub);
	}
	hub->room(hub->arg);
}

static void
ask_free(struct hub_ask *ask)
{
	struct hub_box *box = ask->box;

	TAILQ_REMOVE(&box->asks, ask, link);
	box->seen_mono_ms = net_clock_ms();
	away_arm(box->hub);
	box->wanted -= ask->max;
	box->stats.pullers--;
	event_free(ask->timer);
	free(ask);
	hub_box_look(box);
}

static void
ask_answer(struct hub_ask *ask, struct hub_batch *batch, const char *json,
    size_t len)
{
	hub_answer_fn *answer = ask->answer;
	void *arg = ask->arg;

	ask_free(ask);
	answer(arg, batch, json, len);
}

/* evtimer: it has waited long enough. */
static void
ask_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_answer(arg, NULL, nothing, sizeof(nothing) - 1);
}

struct hub_ask *
hub_ask(struct hub_box *box, unsigned max, int64_t wait_ms,
    hub_answer_fn *answer, void *arg)
{
	struct timeval tv = timeval_of_ms(
	    wait_ms < HUB_WAIT_MIN_MS ? HUB_WAIT_MIN_MS : wait_ms);
	struct hub_ask *ask;

	if ((ask = calloc(1, sizeof(*ask))) == NULL)
		return (NULL);
	ask->timer = evtimer_new(box->hub->base, ask_timer_cb, ask);
	if (ask->timer == NULL || evtimer_add(ask->timer, &tv) == -1) {
		if (ask->timer != NULL)
			event_free(ask->timer);
		free(ask);
		return (NULL);
	}
	ask->box = box;
	ask->max = max;
	ask->answer = answer;
	ask->arg = arg;
	/* Of the newest it is least likely that its client has gone. */
	TAILQ_INSERT_HEAD(&box->asks, ask, link);
	box->wanted += max;
	box->stats.pullers++;
	if (box->offered > 0 || box->hub->stopped)
		hub_box_look(box);
	else
		box->hub->room(box->hub->arg);
	return (ask);
}

void
hub_ask_cancel(struct hub_ask *ask)
{
	ask_free(ask);
}

/* -- The pump -- */

/* Have all that wait come again: there is nothing, or their token is void. */
static void
box_dismiss(struct hub_box *box)
{
	struct hub_ask *ask;

	while ((ask = TAILQ_FIRST(&box->asks)) != NULL)
		ask_answer(ask, NULL, nothing, sizeof(nothing) - 1);
	box->dismiss = false;
}

/* Give the first that waits what is offered; false: it got nothing. */
static bool
box_serve(struct hub_box *box)
{
	struct hub_ask *ask = TAILQ_FIRST(&box->asks);
	struct hub_batch *batch;
	char *json = NULL;
	size_t len = 0;

	if (ask == NULL || box->offered == 0)
		return (false);
	batch = hub_batch_new(box, ask->max, &json, &len);
	if (batch == NULL)
		return (false);
	ask_answer(ask, batch, json, len);
	free(json);
	return (true);
}

static void
box_pump(struct hub_box *box)
{
	if (box->dismiss || box->hub->stopped || TAILQ_EMPTY(&box->members))
		box_dismiss(box);
	while (box_serve(box))
		;
}

/* Active: boxes are to be looked at. */
static void
hub_pump_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hub *hub = arg;
	struct hub_box *box;

	(void)fd;
	(void)what;
	while ((box = TAILQ_FIRST(&hub->look)) != NULL) {
		box_pump(box);
		TAILQ_REMOVE(&hub->look, box, look);
		box->looked = false;
		hub_box_sweep(box);
	}
}

/* -- Instances -- */

struct hub_member *
hub_join(struct hub *hub, const struct hub_terms *terms)
{
	struct hub_box *box = hub_box_find(hub, terms->name);
	struct hub_member *member, *before;

	if ((member = calloc(1, sizeof(*member))) == NULL)
		return (NULL);
	if (box == NULL && (box = hub_box_new(hub, terms->name)) == NULL) {
		free(member);
		return (NULL);
	}
	member->box = box;
	member->tokens = *terms->tokens;
	member->lease_ms = terms->lease_ms;
	box->env = terms->env;
	box->lease_ms = terms->lease_ms;
	before = TAILQ_FIRST(&box->members);
	if (before != NULL &&
	    !hub_tokens_equal(&before->tokens, &member->tokens)) {
		box->dismiss = true;
		hub_box_look(box);
	}
	TAILQ_INSERT_HEAD(&box->members, member, link);
	return (member);
}

void
hub_retire(struct hub_member *member)
{
	struct hub_box *box = member->box;

	if (member->retired)
		return;
	member->retired = true;
	box->nretired++;
	TAILQ_REMOVE(&box->members, member, link);
	if (!TAILQ_EMPTY(&box->members)) /* it was of a reload that failed */
		box->lease_ms = TAILQ_FIRST(&box->members)->lease_ms;
	hub_tokens_wipe(&member->tokens);
	hub_box_look(box);
}

void
hub_leave(struct hub_member *member)
{
	if (member == NULL)
		return;
	hub_retire(member);
	member->box->nretired--;
	free(member);
}

size_t
hub_room(const struct hub_member *member)
{
	const struct hub_box *box = member->box;

	if (box->hub->stopped || member->retired || box->wanted < box->offered)
		return (0);
	return (box->wanted - box->offered);
}

bool
hub_is_done(const struct hub_member *member, const struct hub_marked *what)
{
	const struct hub_box *box = member->box;

	return (hub_late_has(&box->late, box->env, &member->tokens, what));
}

bool
hub_is_away(const struct hub_member *member)
{
	const struct hub_box *box = member->box;

	return (TAILQ_EMPTY(&box->asks) &&
		(box->seen_mono_ms == 0 ||
		    net_clock_ms() - box->seen_mono_ms >= box->hub->away_ms));
}

void
hub_flush(struct hub_member *member)
{
	box_pump(member->box);
}

/* -- Pullers -- */

struct hub_box *
hub_open(struct hub *hub, const char *name, const char *token)
{
	static const struct hub_tokens none;
	struct hub_box *box = hub_box_find(hub, name);
	const struct hub_member *member =
	    box == NULL ? NULL : TAILQ_FIRST(&box->members);

	if (!hub_tokens_fit(member == NULL ? &none : &member->tokens, token))
		return (NULL);
	box->stats.seen_ms = box->env->now_ms(box->env->arg);
	box->seen_mono_ms = net_clock_ms();
	return (box);
}

/* -- To be shown -- */

void
hub_each(const struct hub *hub,
    void (*fn)(const struct hub_stats *stats, void *arg), void *arg)
{
	const struct hub_box *box;

	TAILQ_FOREACH (box, &hub->boxes, all) {
		if (!TAILQ_EMPTY(&box->members))
			fn(&box->stats, arg);
	}
}

void
hub_member_stats(const struct hub_member *member, struct hub_stats *ret)
{
	*ret = member->box->stats;
}

/* -- The whole -- */

void
hub_stop(struct hub *hub)
{
	struct hub_box *box;

	hub->stopped = true;
	TAILQ_FOREACH (box, &hub->boxes, all)
		box_dismiss(box);
}

void
hub_close(struct hub *hub)
{
	if (hub == NULL)
		return;
	hub_stop(hub);
	hub_reports_end(hub);
}

struct hub *
hub_new(struct event_base *base, int64_t away_ms, void (*room)(void *arg),
    void *arg)
{
	struct hub *hub;

	if ((hub = calloc(1, sizeof(*hub))) == NULL)
		return (NULL);
	hub->base = base;
	hub->away_ms = away_ms;
	hub->room = room;
	hub->arg = arg;
	TAILQ_INIT(&hub->boxes);
	TAILQ_INIT(&hub->look);
	TAILQ_INIT(&hub->due);
	TAILQ_INIT(&hub->reports);
	if ((hub->pump = event_new(base, -1, 0, hub_pump_cb, hub)) == NULL ||
	    (hub->timer = evtimer_new(base, hub_due_cb, hub)) == NULL ||
	    (hub->away = evtimer_new(base, away_timer_cb, hub)) == NULL) {
		hub_free(hub);
		return (NULL);
	}
	return (hub);
}

void
hub_free(struct hub *hub)
{
	struct hub_box *box, *next;

	if (hub == NULL)
		return;
	for (box = TAILQ_FIRST(&hub->boxes); box != NULL; box = next) {
		next = TAILQ_NEXT(box, all);
		hub_box_sweep(box);
	}
	assert(TAILQ_EMPTY(&hub->boxes));
	if (hub->pump != NULL)
		event_free(hub->pump);
	if (hub->timer != NULL)
		event_free(hub->timer);
	if (hub->away != NULL)
		event_free(hub->away);
	free(hub);
}
