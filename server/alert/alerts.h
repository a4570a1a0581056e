/*
 * alerts.h -- calls for help: what is wrong now is sent, once, by events of
 * klikitd's own, which handlers take like any other.
 *
 * Owns:    the alerts, what of them has been sent, a timer.
 * Touches: store.h (the last event of a subject), ingest.h, the log, an
 *          evtimer.
 *
 * Who knows of something says what is so, as often as he likes: alerts_raise()
 * "it is so", alerts_clear() "it is not". What is sent of that is decided
 * here (alert.h): one event when it begins, reminders, one when it ends. A
 * restart or another receiver of the same store changes nothing about that:
 * the store has what was sent.
 *
 * Where no handler takes alerts (ingest_takes()) nothing is stored; what is so
 * is logged and shown all the same.
 */
#ifndef SERVER_ALERTS_H
#define SERVER_ALERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/alert/alert.h"

struct alerts; /* opaque */
struct event_base;
struct ingest;
struct steady;
struct store;

#define ALERTS_MAX 512       /* subjects; further ones are only logged */
#define ALERTS_LOOK_MS 15000 /* at most, between two looks */

struct alerts_options {
	struct event_base *base; /* all kept */
	struct store *st;
	struct ingest *in;
	const struct steady *clock;
	const char *receiver; /* its name; copied */
	bool shared;          /* other receivers have the same store */
};

/* Nothing is sent yet. NULL when out of memory. */
struct alerts *alerts_new(const struct alerts_options *opt);

/*
 * How long something lasts before it is worth a call, which is the business of
 * those who raise it, and how long it is until a reminder (0: none). From now
 * on alerts are sent.
 */
void alerts_set(struct alerts *a, int64_t after_ms, int64_t remind_ms);

/* As set last; and how often to look at what is so, by that. */
int64_t alerts_after_ms(const struct alerts *a);
int64_t alerts_look_ms(const struct alerts *a);

/*
 * It is so now, and has been for long enough: sentence (without a full stop)
 * says what, subject of what, in a word or two that stay the same as long as it
 * lasts. What is of this machine alone, of a store that is shared, has its name
 * in the subject: alerts_here(). Both are copied, and may be called as often as
 * one likes. What is neither raised nor cleared since the start is left as it
 * was sent: who may stop looking clears first.
 */
void alerts_raise(struct alerts *a, enum alert_kind kind, const char *subject,
    const char *sentence);

/* It is not so now: so of every subject that may have been raised earlier. */
void alerts_clear(struct alerts *a, enum alert_kind kind, const char *subject);

/* The same; its end is sent with this sentence, not with what was raised. */
void alerts_end(struct alerts *a, enum alert_kind kind, const char *subject,
    const char *sentence);

/* Clear all of that kind that were not raised since the last alerts_sweep(). */
void alerts_sweep(struct alerts *a, enum alert_kind kind);

/* The subject for what is of this machine alone: "disk" or "disk of HOST". */
void alerts_here(const struct alerts *a, const char *subject,
    char ret_subject[ALERT_SUBJECT_MAX]);

/* The i-th of those that are up; NULL past the end. Valid for the moment. */
const struct alert *alerts_up(const struct alerts *a, size_t i);

/* How many are up. */
size_t alerts_count(const struct alerts *a, enum alert_kind kind);

/* All was looked at, once more; and how often it was. */
void alerts_looked(struct alerts *a);
uint64_t alerts_looks(const struct alerts *a);

/* Tell nothing more, and ask nothing more of the store. Accepts NULL. */
void alerts_stop(struct alerts *a);

/* Only when the store has finished what it was asked. Accepts NULL. */
void alerts_free(struct alerts *a);

#endif /* SERVER_ALERTS_H */
