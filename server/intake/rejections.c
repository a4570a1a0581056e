#include <sys/queue.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/peer_net.h"
#include "server/base/steady.h"
#include "server/dispatch/journal.h"
#include "server/intake/reject_budget.h"
#include "server/intake/rejections.h"

/* What is gathered goes out this long after the first of it came in. */
#define REJECTIONS_PAUSE_MS 1000

/* The same while much is refused: a row among others costs less. */
#define REJECTIONS_LONG_PAUSE_MS 10000

/* An authentic one that comes again within this is only counted. */
#define REJECTIONS_AGAIN_MS 60000
#define REJECTIONS_AGAIN_MAX 64

/* What a row costs, about, by its size; the store says it exactly later. */
#define REJECTIONS_COST 8

/* Of strangers' rejections no more than this many wait at once. */
#define REJECTIONS_STRANGERS_MAX 64
#define REJECTIONS_UNEXAMINED_MAX 24

/* One store_reject() takes at most this many. */
#define REJECTIONS_BATCH_MAX 256

/* Authentic ones that wait; beyond it the disk has failed for long. */
#define REJECTIONS_BYTES_MAX ((size_t)32 << 20)

/* A rejection that waits, its texts and its body in one block. */
struct kept {
	TAILQ_ENTRY(kept) link;
	bool authentic;
	enum reject_cause cause;
	struct peer_net net;
	size_t size; /* of this block */
	unsigned char digest[ORDER_DIGEST_LEN];
	struct store_rejection r;
	char data[];
};
TAILQ_HEAD(kept_list, kept);

/* An authentic rejection of just now. */
struct recent {
	enum reject_cause cause;
	unsigned char digest[ORDER_DIGEST_LEN];
	int64_t at_ms;    /* 0: a free place */
	uint64_t repeats; /* since then, noted nowhere yet */
};

struct rejections {
	struct store *st;
	struct journal *journal;    /* NULL: there is none */
	const struct steady *clock; /* NULL: there is none */
	struct event *timer;
	struct kept_list waiting;
	struct kept_list writing; /* handed to the store, not yet on disk */
	size_t nstrangers;        /* of waiting and writing */
	size_t bytes;             /* of authentic ones, likewise */
	uint64_t counts[REJECT_NCAUSES];
	uint64_t not_kept[REJECT_NCAUSES];
	uint64_t unsaid; /* of them, for the next row */
	bool gathering;  /* the timer is armed for the long pause */
	struct recent recent[REJECTIONS_AGAIN_MAX];
	struct reject_budget budget;
	struct {
		uint64_t n;
		char text[STORE_REASON_MAX];
	} of_klikit;
};

static int64_t
now_ms(void)
{
	return (clock_mono_us() / 1000);
}

static enum store_reject_class
class_of(const struct rejection *r)
{
	if (reject_cause_is_authentic(r->cause))
		return (STORE_REJECT_AUTHENTIC);
	return (r->known ? STORE_REJECT_KNOWN : STORE_REJECT_STRANGER);
}

#define KEPT_TEXTS 5

static struct kept *
kept_new(const struct rejection *r, bool authentic)
{
	const char *texts[KEPT_TEXTS] = { r->peer,
		r->headers == NULL ? "" : r->headers,
		r->code == NULL ? "" : r->code,
		r->diagnosis == NULL ? "" : r->diagnosis,
		r->endpoint == NULL ? "" : r->endpoint };
	size_t body_len = r->body_len, size, len;
	const char *copies[KEPT_TEXTS];
	struct kept *k;
	char *at;

	if (!authentic && body_len > REJECTIONS_BODY_MAX)
		body_len = REJECTIONS_BODY_MAX;
	size = sizeof(*k) + body_len;
	for (size_t i = 0; i < KEPT_TEXTS; i++)
		size += strlen(texts[i]) + 1;
	if ((k = malloc(size)) == NULL)
		return (NULL);
	at = k->data;
	for (size_t i = 0; i < KEPT_TEXTS; i++) {
		len = strlen(texts[i]) + 1;
		copies[i] = memcpy(at, texts[i], len);
		at += len;
	}
	if (body_len > 0)
		memcpy(at, r->body, body_len);
	k->authentic = authentic;
	k->cause = r->cause;
	k->net = peer_net_parse(r->peer);
	k->size = size;
	if (r->digest != NULL)
		memcpy(k->digest, r->digest, sizeof(k->digest));
	k->r = (struct store_rejection){
		.class = class_of(r),
		.digest = r->digest == NULL ? NULL : k->digest,
		.at_ms = r->at_ms,
		.peer = copies[0],
		.endpoint = r->endpoint == NULL ? NULL : copies[4],
		.cause = reject_cause_name(r->cause),
		.code = r->code == NULL ? NULL : copies[2],
		.diagnosis = r->diagnosis == NULL ? NULL : copies[3],
		.headers = copies[1],
		.size = r->size,
		.body = at,
		.body_len = body_len,
	};
	return (k);
}

/* Take k from its list and from the counts; free it. */
static void
kept_drop(struct rejections *rej, struct kept_list *list, struct kept *k)
{
	TAILQ_REMOVE(list, k, link);
	if (k->authentic)
		rej->bytes -= k->size;
	else
		rej->nstrangers--;
	free(k);
}

/* What is authentic does not wait for strangers' rows to gather. */
static bool
may_gather(const struct rejections *rej)
{
	return (reject_budget_is_short(&rej->budget) && rej->bytes == 0);
}

static void
rejections_arm(struct rejections *rej)
{
	static const struct timeval pause = { REJECTIONS_PAUSE_MS / 1000, 0 };
	static const struct timeval longer = { REJECTIONS_LONG_PAUSE_MS / 1000,
		0 };
	bool gather = may_gather(rej);

	if (TAILQ_EMPTY(&rej->waiting) || !TAILQ_EMPTY(&rej->writing))
		return;
	if (evtimer_pending(rej->timer, NULL) && (gather || !rej->gathering))
		return;
	rej->gathering = gather;
	(void)evtimer_add(rej->timer, gather ? &longer : &pause);
}

/* The batch is on disk; n rows came by it, with the numbers up to last. */
static void
rejections_note(struct rejections *rej, int64_t last, int64_t n)
{
	while (n > 0)
		journal_note(rej->journal, JOURNAL_REJECTION, last - --n);
}

/* -- What strangers may cost -- */

static bool
rejections_may_cost(struct rejections *rej, const struct rejection *r)
{
	switch (class_of(r)) {
	case STORE_REJECT_STRANGER:
		return (reject_budget_stranger(&rej->budget,
		    peer_net_parse(r->peer), now_ms()));
	case STORE_REJECT_KNOWN:
		return (reject_budget_known(&rej->budget, now_ms()));
	case STORE_REJECT_AUTHENTIC:
	case STORE_REJECT_NCLASSES:
		break;
	}
	return (true);
}

static void
rejections_charge(struct rejections *rej, const struct kept *k, int64_t bytes)
{
	switch (k->r.class) {
	case STORE_REJECT_STRANGER:
		reject_budget_take_stranger(&rej->budget, k->net, bytes);
		break;
	case STORE_REJECT_KNOWN:
		reject_budget_take_known(&rej->budget, bytes);
		break;
	case STORE_REJECT_AUTHENTIC:
	case STORE_REJECT_NCLASSES:
		break;
	}
}

static int64_t
rejections_guess(const struct kept *k)
{
	return ((int64_t)k->size * REJECTIONS_COST);
}

/* The batch has cost so much: correct the estimate. */
static void
rejections_settle(struct rejections *rej, uint64_t written)
{
	const struct kept *k;
	size_t all = 0;

	TAILQ_FOREACH (k, &rej->writing, link)
		all += k->size;
	TAILQ_FOREACH (k, &rej->writing, link)
		rejections_charge(rej, k,
		    (int64_t)((double)written * (double)k->size / (double)all) -
			rejections_guess(k));
}

static void
rejections_note_not_kept(struct rejections *rej, enum reject_cause cause)
{
	rej->not_kept[cause]++;
	rej->unsaid++;
}

/* -- What comes again -- */

static struct recent *
recent_find(struct rejections *rej, enum reject_cause cause,
    const unsigned char *digest)
{
	for (size_t i = 0; i < REJECTIONS_AGAIN_MAX; i++) {
		struct recent *e = &rej->recent[i];

		if (e->at_ms != 0 && e->cause == cause &&
		    memcmp(e->digest, digest, sizeof(e->digest)) == 0)
			return (e);
	}
	return (NULL);
}

bool
rejections_again(struct rejections *rej, enum reject_cause cause,
    const unsigned char *digest)
{
	struct recent *e = recent_find(rej, cause, digest);

	if (e != NULL && now_ms() - e->at_ms < REJECTIONS_AGAIN_MS) {
		e->repeats++;
		rej->counts[cause]++;
		return (true);
	}
	if (e == NULL) { /* in the place of the oldest */
		e = &rej->recent[0];
		for (size_t i = 1; i < REJECTIONS_AGAIN_MAX; i++) {
			if (rej->recent[i].at_ms < e->at_ms)
				e = &rej->recent[i];
		}
		e->cause = cause;
		e->repeats = 0;
		memcpy(e->digest, digest, sizeof(e->digest));
	}
	e->at_ms = now_ms();
	return (false);
}

/* How often it came again before; that is said now. */
static uint64_t
recent_take(struct rejections *rej, const struct rejection *r)
{
	struct recent *e;
	uint64_t n = 0;

	if (r->digest != NULL &&
	    (e = recent_find(rej, r->cause, r->digest)) != NULL) {
		n = e->repeats;
		e->repeats = 0;
	}
	return (n);
}

/* It is lost: the next one of the kind is the first. */
static void
recent_forget(struct rejections *rej, const struct rejection *r)
{
	struct recent *e;

	if (r->digest != NULL &&
	    (e = recent_find(rej, r->cause, r->digest)) != NULL)
		e->at_ms = 0;
}

/* -- Writing -- */

/* store_done_fn: the batch is on disk, or is not. */
static void
rejections_written_cb(const struct store_result *res, void *arg)
{
	struct rejections *rej = arg;
	struct kept *k;

	if (res->rc != STORE_OK)
		log_warn("rejections: not stored: %s", res->reason);
	else {
		rejections_note(rej, res->id, res->rejections);
		rejections_settle(rej, res->written);
	}
	while ((k = TAILQ_LAST(&rej->writing, kept_list)) != NULL) {
		if (res->rc == STORE_OK || !k->authentic) {
			if (res->rc != STORE_OK) {
				rejections_note_not_kept(rej, k->cause);
				rej->unsaid += k->r.not_kept;
			}
			kept_drop(rej, &rej->writing, k);
			continue;
		}
		TAILQ_REMOVE(&rej->writing, k, link);
		TAILQ_INSERT_HEAD(&rej->waiting, k, link);
	}
	rejections_arm(rej);
}

void
rejections_flush(struct rejections *rej)
{
	struct store_rejection batch[REJECTIONS_BATCH_MAX];
	struct kept *k;
	size_t n = 0;

	if (!TAILQ_EMPTY(&rej->writing))
		return; /* one batch at a time; its end arms the timer */
	while (n < REJECTIONS_BATCH_MAX &&
	       (k = TAILQ_FIRST(&rej->waiting)) != NULL) {
		batch[n++] = k->r;
		TAILQ_REMOVE(&rej->waiting, k, link);
		TAILQ_INSERT_TAIL(&rej->writing, k, link);
	}
	if (n == 0)
		return;
	if (store_reject(rej->st, batch, n, rejections_written_cb, rej) == -1)
		rejections_written_cb(
		    &(struct store_result){
			.rc = STORE_FAILED,
			.reason = "out of memory",
		    },
		    rej);
}

/* evtimer: the gathered rejections are due. */
static void
rejections_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rejections_flush(arg);
}

/* An authentic one finds no room: the disk or the memory has failed. */
static void
rejections_lose(struct rejections *rej, const struct rejection *r,
    const char *why)
{
	rejections_note_not_kept(rej, r->cause);
	recent_forget(rej, r);
	log_error("rejection of %s from %s: dropped: %s",
	    reject_cause_name(r->cause), log_text(r->peer), why);
}

/* Has klikit sent it, or somebody who saw a delivery of it? */
static void
note_of_klikit(struct rejections *rej, const struct rejection *r)
{
	if (r->cause == REJECT_ID_CONFLICT ||
	    class_of(r) == STORE_REJECT_STRANGER)
		return;
	rej->of_klikit.n++;
	(void)snprintf(rej->of_klikit.text, sizeof(rej->of_klikit.text), "%s",
	    r->diagnosis == NULL ? reject_cause_name(r->cause) : r->diagnosis);
}

uint64_t
rejections_of_klikit(const struct rejections *rej, const char **ret_text)
{
	*ret_text = rej->of_klikit.text;
	return (rej->of_klikit.n);
}

bool
rejections_has_room(struct rejections *rej, const struct rejection *r)
{
	size_t max =
	    r->examined ? REJECTIONS_STRANGERS_MAX : REJECTIONS_UNEXAMINED_MAX;

	return (
	    (reject_cause_is_authentic(r->cause) || rej->nstrangers < max) &&
	    rejections_may_cost(rej, r));
}

void
rejections_add(struct rejections *rej, const struct rejection *r)
{
	bool authentic = reject_cause_is_authentic(r->cause);
	struct kept *k;

	rej->counts[r->cause]++;
	note_of_klikit(rej, r);
	if (!rejections_has_room(rej, r)) {
		rejections_note_not_kept(rej, r->cause);
		return;
	}
	if ((k = kept_new(r, authentic)) == NULL) {
		rejections_lose(rej, r, "out of memory");
		return;
	}
	if (authentic && rej->bytes + k->size > REJECTIONS_BYTES_MAX) {
		rejections_lose(rej, r, "too many wait for the store");
		free(k);
		return;
	}
	if (rej->clock != NULL)
		k->r.came_at = steady_now(rej->clock);
	k->r.repeats = recent_take(rej, r);
	k->r.not_kept = rej->unsaid;
	rej->unsaid = 0;
	rejections_charge(rej, k, rejections_guess(k));
	if (authentic)
		rej->bytes += k->size;
	else
		rej->nstrangers++;
	TAILQ_INSERT_TAIL(&rej->waiting, k, link);
	rejections_arm(rej);
}

void
rejections_set_clock(struct rejections *rej, const struct steady *clock)
{
	rej->clock = clock;
}

void
rejections_set_journal(struct rejections *rej, struct journal *j)
{
	rej->journal = j;
}

size_t
rejections_waiting(const struct rejections *rej)
{
	const struct kept *k;
	size_t n = 0;

	TAILQ_FOREACH (k, &rej->waiting, link)
		n++;
	TAILQ_FOREACH (k, &rej->writing, link)
		n++;
	return (n);
}

uint64_t
rejections_count(const struct rejections *rej, enum reject_cause cause)
{
	return (rej->counts[cause]);
}

uint64_t
rejections_not_kept(const struct rejections *rej, enum reject_cause cause)
{
	return (rej->not_kept[cause]);
}

struct rejections *
rejections_new(struct event_base *base, struct store *st)
{
	struct rejections *rej;

	if ((rej = calloc(1, sizeof(*rej))) == NULL)
		return (NULL);
	TAILQ_INIT(&rej->waiting);
	TAILQ_INIT(&rej->writing);
	rej->st = st;
	if (signature_random(&rej->budget.taken.seed,
		sizeof(rej->budget.taken.seed)) == -1) {
		free(rej);
		return (NULL);
	}
	if ((rej->timer = evtimer_new(base, rejections_timer_cb, rej)) ==
	    NULL) {
		free(rej);
		return (NULL);
	}
	return (rej);
}

void
rejections_free(struct rejections *rej)
{
	struct kept *k;
	size_t lost = 0;

	if (rej == NULL)
		return;
	TAILQ_CONCAT(&rej->waiting, &rej->writing, link);
	while ((k = TAILQ_FIRST(&rej->waiting)) != NULL) {
		lost += k->authentic;
		kept_drop(rej, &rej->waiting, k);
	}
	if (lost > 0)
		log_error("rejections: %zu could not be stored and are lost",
		    lost);
	event_free(rej->timer);
	free(rej);
}
