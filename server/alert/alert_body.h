/*
 * alert_body.h -- the event that tells of an alert: its id, its type, its body.
 *
 * Pure but for memory.
 */
#ifndef SERVER_ALERT_BODY_H
#define SERVER_ALERT_BODY_H

#include <stddef.h>

#include "server/alert/alert.h"

struct store_event;

/* Room for an id: at most 255 bytes, as those of deliveries. */
#define ALERT_ID_MAX 256

/* How the ids of all events of that subject begin. */
void alert_id_prefix(const struct alert *a, char ret_prefix[ALERT_ID_MAX]);

/* The id of the event after the last that was sent. */
void alert_id_next(const struct alert *a, char ret_id[ALERT_ID_MAX]);

/* The type of the event that tells that word. */
const char *alert_type(const struct alert *a, enum alert_word word);

/* How long it has been so, and from whom: for the body. */
struct alert_sender {
	const char *receiver;
	int64_t now_ms; /* by the wall clock */
};

/*
 * The JSON that tells that word. Owned by the caller, its length in ret_len;
 * NULL when out of memory.
 */
char *alert_body(const struct alert *a, enum alert_word word,
    const struct alert_sender *from, size_t *ret_len);

/*
 * What such an event, as the store has it, sent. One whose body is purged says
 * so much as its row does.
 */
void alert_read(const struct store_event *ev, struct alert_sent *ret_sent);

#endif /* SERVER_ALERT_BODY_H */
