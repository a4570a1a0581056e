#include <sys/queue.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "server/journal.h"
#include "server/log.h"
#include "server/rejections.h"
#include "server/steady.h"

/* What is gathered goes out this long after the first of it came in. */
#define REJECTIONS_PAUSE_MS 1000

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
	size_t size; /* of this block */
	struct store_rejection r;
	char data[];
};
TAILQ_HEAD(kept_list, kept);

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
};

static const char *const cause_names[] = {
	[REJECT_HEADERS_MISSING] = "headers_missing",
	[REJECT_HEADERS_INVALID] = "headers_invalid",
	[REJECT_SIGNATURE] = "signature",
	[REJECT_INVALID_JSON] = "invalid_json",
	[REJECT_TOO_MANY_ORDERS] = "too_many_orders",
	[REJECT_ID_CONFLICT] = "id_conflict",
};
_Static_assert(sizeof(cause_names) / sizeof(cause_names[0]) == REJECT_NCAUSES,
    "every cause has a name");

const char *
rejections_cause_name(enum reject_cause cause)
{
	return (cause_names[cause]);
}

bool
rejections_is_authentic(enum reject_cause cause)
{
	switch (cause) {
	case REJECT_INVALID_JSON:
	case REJECT_TOO_MANY_ORDERS:
	case REJECT_ID_CONFLICT:
		return (true);
	case REJECT_HEADERS_MISSING:
	case REJECT_HEADERS_INVALID:
	case REJECT_SIGNATURE:
	case REJECT_NCAUSES:
		break;
	}
	return (false);
}

static struct kept *
kept_new(const struct rejection *r, bool authentic)
{
	const char *texts[] = { r->peer, r->headers == NULL ? "" : r->headers,
		r->code == NULL ? "" : r->code,
		r->diagnosis == NULL ? "" : r->diagnosis };
	size_t body_len = r->body_len, size, len;
	const char *copies[4];
	struct kept *k;
	char *at;

	if (!authentic && body_len > REJECTIONS_BODY_MAX)
		body_len = REJECTIONS_BODY_MAX;
	size = sizeof(*k) + body_len;
	for (size_t i = 0; i < 4; i++)
		size += strlen(texts[i]) + 1;
	if ((k = malloc(size)) == NULL)
		return (NULL);
	at = k->data;
	for (size_t i = 0; i < 4; i++) {
		len = strlen(texts[i]) + 1;
		copies[i] = memcpy(at, texts[i], len);
		at += len;
	}
	if (body_len > 0)
		memcpy(at, r->body, body_len);
	k->authentic = authentic;
	k->size = size;
	k->r = (struct store_rejection){
		.at_ms = r->at_ms,
		.peer = copies[0],
		.cause = cause_names[r->cause],
		.code = r->code == NULL ? NULL : copies[2],
		.diagnosis = r->diagnosis == NULL ? NULL : copies[3],
		.headers = copies[1],
		.size = r->size,
		.body = at,
		.body_len = body_len,
	};
	return (k);
}

/* Take k from list, and from what is counted; free it. */
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

static void
rejections_arm(struct rejections *rej)
{
	static const struct timeval pause = { REJECTIONS_PAUSE_MS / 1000, 0 };

	if (!TAILQ_EMPTY(&rej->waiting) && TAILQ_EMPTY(&rej->writing) &&
	    !evtimer_pending(rej->timer, NULL))
		(void)evtimer_add(rej->timer, &pause);
}

/* The batch is on disk; its rows have the numbers up to last. */
static void
rejections_tell(struct rejections *rej, int64_t last)
{
	const struct kept *k;
	int64_t n = 0;

	TAILQ_FOREACH (k, &rej->writing, link)
		n++;
	while (n > 0)
		journal_note(rej->journal, JOURNAL_REJECTION, last - --n);
}

/* store_done_fn: the batch is on disk, or is not. */
static void
rejections_written_cb(const struct store_result *res, void *arg)
{
	struct rejections *rej = arg;
	struct kept *k;

	if (res->rc != STORE_OK)
		log_warn("rejections: not stored: %s", res->reason);
	else
		rejections_tell(rej, res->id);
	while ((k = TAILQ_LAST(&rej->writing, kept_list)) != NULL) {
		if (res->rc == STORE_OK || !k->authentic) {
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

/* evtimer: what was gathered is due. */
static void
rejections_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	rejections_flush(arg);
}

void
rejections_add(struct rejections *rej, const struct rejection *r)
{
	bool authentic = rejections_is_authentic(r->cause);
	size_t max =
	    r->examined ? REJECTIONS_STRANGERS_MAX : REJECTIONS_UNEXAMINED_MAX;
	struct kept *k;

	rej->counts[r->cause]++;
	if (!authentic && rej->nstrangers >= max)
		return;
	if ((k = kept_new(r, authentic)) == NULL) {
		log_error("rejection of %s from %s: dropped: out of memory",
		    cause_names[r->cause], log_text(r->peer));
		return;
	}
	if (authentic && rej->bytes + k->size > REJECTIONS_BYTES_MAX) {
		log_error("rejection of %s from %s: dropped: too many wait "
			  "for the store",
		    cause_names[r->cause], log_text(r->peer));
		free(k);
		return;
	}
	if (rej->clock != NULL)
		k->r.came_at = steady_now(rej->clock);
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

struct rejections *
rejections_new(struct event_base *base, struct store *st)
{
	struct rejections *rej;

	if ((rej = calloc(1, sizeof(*rej))) == NULL)
		return (NULL);
	TAILQ_INIT(&rej->waiting);
	TAILQ_INIT(&rej->writing);
	rej->st = st;
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
