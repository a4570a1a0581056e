/*
 * A hunt asks for one name, both families of addresses apart. The good server
 * is asked first. When it has not answered for a while, or was of no use, the
 * next one is asked beside it, and so on; the first answer counts and
 * makes its server the good one. When one family is found the
 * other has 50 ms more (RFC 8305, section 3), then what there is is handed
 * out; the hunt goes on, so that a late answer is known the next time.
 *
 * A name that does not exist is asked for under the next domain; a server of
 * no use says nothing about names.
 */
#include "handlers/net/resolver_hunt.h"
#include "store/base/timeval.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define OTHER_FAMILY_MS 50

/* What is known of one family of addresses. */
enum hunt_state {
	HUNT_OPEN,   /* nobody has said anything yet */
	HUNT_FOUND,  /* there are addresses */
	HUNT_NOTHING /* the name has none, or nobody wants them */
};

struct hunt_question {
	LIST_ENTRY(hunt_question) next;
	struct hunt *hunt; /* NULL: its answer is not wanted any more */
	enum resolver_family family;
	size_t server;
};

struct hunt {
	struct hunt_env *env;
	hunt_fn *found;
	void *arg;
	char host[RESOLVER_NAME_MAX];
	unsigned candidate; /* which of the names that host may mean */
	int64_t patience_ms;
	size_t first;  /* the server that was asked first */
	size_t nasked; /* servers, from that one on */
	enum hunt_state state[NFAMILIES];
	unsigned waiting[NFAMILIES]; /* for so many answers */
	struct resolver_addrs addrs[NFAMILIES];
	int64_t ttl_s;
	LIST_HEAD(, hunt_question) questions;
	struct event *next_server; /* when it is asked */
	struct event *other;       /* when the other family has had its time */
	bool answered;             /* some server was of use */
	bool asking;               /* answers given at once only are recorded */
};

static void hunt_pump(struct hunt *h);

static void
arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(timer, &tv);
}

void
hunt_free(struct hunt *h)
{
	struct hunt_question *q;

	if (h == NULL)
		return;
	while ((q = LIST_FIRST(&h->questions)) != NULL) {
		LIST_REMOVE(q, next);
		q->hunt = NULL;
	}
	if (h->next_server != NULL)
		event_free(h->next_server);
	if (h->other != NULL)
		event_free(h->other);
	free(h);
}

/* -- Results -- */

/* IPv6 first, then by turns (RFC 8305, section 4). */
static void
merge(const struct hunt *h, struct resolver_addrs *ret_addrs)
{
	static const enum resolver_family order[] = { FAMILY_6, FAMILY_4 };

	ret_addrs->n = 0;
	for (size_t i = 0; i < RESOLVER_ADDRS_MAX; i++) {
		for (size_t k = 0; k < NFAMILIES; k++) {
			const struct resolver_addrs *from = &h->addrs[order[k]];

			if (i < from->n && ret_addrs->n < RESOLVER_ADDRS_MAX)
				ret_addrs->items[ret_addrs->n++] =
				    from->items[i];
		}
	}
}

static bool
has_found(const struct hunt *h)
{
	return (h->state[FAMILY_4] == HUNT_FOUND ||
		h->state[FAMILY_6] == HUNT_FOUND);
}

static bool
is_settled(const struct hunt *h)
{
	return (
	    h->state[FAMILY_4] != HUNT_OPEN && h->state[FAMILY_6] != HUNT_OPEN);
}

/* Does an open family wait for anybody? */
static bool
is_waiting(const struct hunt *h)
{
	for (int f = 0; f < NFAMILIES; f++) {
		if (h->state[f] == HUNT_OPEN && h->waiting[f] > 0)
			return (true);
	}
	return (false);
}

/* Hand out what there is. */
static void
hunt_publish(struct hunt *h, bool last)
{
	struct resolver_addrs addrs;

	merge(h, &addrs);
	h->found(RESOLVER_OK, last, &addrs, h->ttl_s, h->arg);
}

/* The hunt is over. */
static void
hunt_end(struct hunt *h, enum resolver_rc rc)
{
	const struct resolver_addrs none = { .n = 0 };

	if (rc == RESOLVER_OK)
		hunt_publish(h, true);
	else
		h->found(rc, true, &none, 0, h->arg);
	hunt_free(h);
}

/* -- Questions -- */

/* servers_fn: a server has answered, or will not. */
static void
hunt_answer_cb(enum servers_rc rc, const struct resolver_addrs *addrs,
    int64_t ttl_s, void *arg)
{
	struct hunt_question *q = arg;
	struct hunt *h = q->hunt;
	enum resolver_family f = q->family;

	if (h == NULL) {
		free(q);
		return;
	}
	LIST_REMOVE(q, next);
	h->waiting[f]--;
	if (rc != SERVERS_FAILED && !h->answered) {
		h->answered = true;
		h->env->good = q->server;
	}
	if (rc == SERVERS_FOUND && h->state[f] != HUNT_FOUND) {
		h->state[f] = HUNT_FOUND;
		h->addrs[f] = *addrs;
		if (ttl_s < h->ttl_s)
			h->ttl_s = ttl_s;
	} else if (rc == SERVERS_NOTHING && h->state[f] == HUNT_OPEN)
		h->state[f] = HUNT_NOTHING;
	free(q);
	if (!h->asking)
		hunt_pump(h);
}

/* Ask one server for one family. */
static void
hunt_ask(struct hunt *h, size_t server, enum resolver_family family,
    const char *name)
{
	struct hunt_question *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return; /* as if the server had been of no use */
	q->hunt = h;
	q->family = family;
	q->server = server;
	LIST_INSERT_HEAD(&h->questions, q, next);
	h->waiting[family]++;
	resolver_servers_ask(h->env->servers, server, name, family,
	    hunt_answer_cb, q);
}

/* Ask the next server for what is not known yet. */
static void
hunt_ask_next(struct hunt *h)
{
	size_t n = resolver_servers_count(h->env->servers);
	size_t server = (h->first + h->nasked) % n;
	char name[RESOLVER_NAME_MAX];

	h->nasked++;
	(void)resolver_conf_candidate(&h->env->conf, h->host, h->candidate,
	    name);
	h->asking = true;
	for (int f = 0; f < NFAMILIES; f++) {
		if (h->state[f] == HUNT_OPEN)
			hunt_ask(h, server, (enum resolver_family)f, name);
	}
	h->asking = false;
	if (h->nasked < n)
		arm(h->next_server, h->patience_ms);
	else
		(void)evtimer_del(h->next_server);
}

/* Begin with a name that host may mean. Returns -1 if there is no such one. */
static int
hunt_begin(struct hunt *h, unsigned candidate)
{
	struct hunt_question *q;
	char name[RESOLVER_NAME_MAX];

	if (resolver_conf_candidate(&h->env->conf, h->host, candidate, name) ==
	    -1)
		return (-1);
	while ((q = LIST_FIRST(&h->questions)) != NULL) {
		LIST_REMOVE(q, next);
		q->hunt = NULL; /* of the one before */
	}
	h->candidate = candidate;
	h->first = h->env->good;
	h->nasked = 0;
	for (int f = 0; f < NFAMILIES; f++) {
		h->state[f] = HUNT_OPEN;
		h->waiting[f] = 0;
	}
	if (!resolver_servers_have_ipv6())
		h->state[FAMILY_6] = HUNT_NOTHING;
	return (0);
}

/* Do what the answers so far ask for. */
static void
hunt_pump(struct hunt *h)
{
	size_t n = resolver_servers_count(h->env->servers);

	for (;;) {
		if (is_settled(h) && has_found(h)) {
			hunt_end(h, RESOLVER_OK);
			return;
		}
		if (is_settled(h) && hunt_begin(h, h->candidate + 1) == -1) {
			hunt_end(h, RESOLVER_NO_HOST);
			return;
		}
		if (is_waiting(h))
			break;
		if (h->nasked == n) {
			hunt_end(h,
			    has_found(h) ? RESOLVER_OK : RESOLVER_FAILED);
			return;
		}
		hunt_ask_next(h);
	}
	if (has_found(h) && !evtimer_pending(h->other, NULL))
		arm(h->other, OTHER_FAMILY_MS);
}

/* evtimer: the servers asked so far have had their time; or it begins. */
static void
hunt_next_server_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hunt *h = arg;

	(void)fd;
	(void)what;
	if (h->nasked < resolver_servers_count(h->env->servers))
		hunt_ask_next(h);
	hunt_pump(h);
}

/* evtimer: the other family has had its time. */
static void
hunt_other_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hunt_publish(arg, false);
}

struct hunt *
hunt_new(struct hunt_env *env, const char *host, int64_t patience_ms,
    hunt_fn *found, void *arg)
{
	struct hunt *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return (NULL);
	h->env = env;
	h->found = found;
	h->arg = arg;
	h->patience_ms = patience_ms;
	h->ttl_s = INT32_MAX;
	LIST_INIT(&h->questions);
	(void)snprintf(h->host, sizeof(h->host), "%s", host);
	if ((h->next_server = evtimer_new(env->base, hunt_next_server_cb, h)) ==
		NULL ||
	    (h->other = evtimer_new(env->base, hunt_other_cb, h)) == NULL) {
		hunt_free(h);
		return (NULL);
	}
	if (hunt_begin(h, 0) == -1) /* too long a name: none has it */
		h->state[FAMILY_4] = h->state[FAMILY_6] = HUNT_NOTHING;
	event_active(h->next_server, EV_TIMEOUT, 0);
	return (h);
}

void
hunt_again(struct hunt *h)
{
	h->first = h->env->good;
	h->nasked = 0;
	event_active(h->next_server, EV_TIMEOUT, 0);
}
