/*
 * amqp_confirm.h -- messages that were published on a channel and that the
 * broker has not confirmed yet.
 *
 * Owns: the list of them, up to a given number. Pure: it knows no loop, and of
 *       whose messages they are only a pointer.
 *
 * A channel's first message has the tag 1, the next one 2, and so on: nothing
 * says it but the count. A confirmation names one tag, or that and all before
 * it. What nobody waits for any more keeps its place until it is confirmed.
 */
#ifndef HANDLERS_QUEUE_AMQP_CONFIRM_H
#define HANDLERS_QUEUE_AMQP_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct amqp_confirm; /* opaque */

/* Whose message it was, and whether it came back before its confirmation. */
struct amqp_settled {
	void *owner; /* NULL: nobody waits for it any more */
	bool returned;
	int code; /* of the return */
};

/* For so many at a time, at least 1. NULL when out of memory. */
struct amqp_confirm *amqp_confirm_new(size_t max);

/* Accepts NULL. */
void amqp_confirm_free(struct amqp_confirm *c);

/* A new channel: nothing is outstanding, the next tag is 1. */
void amqp_confirm_reset(struct amqp_confirm *c);

/* How many are outstanding; whether there is room for one more. */
size_t amqp_confirm_count(const struct amqp_confirm *c);
bool amqp_confirm_has_room(const struct amqp_confirm *c);

/*
 * The next message goes out; there is room. Copies message_id. Returns its
 * tag; 0 when out of memory, and then nothing has changed.
 */
uint64_t amqp_confirm_add(struct amqp_confirm *c, void *owner,
    const char *message_id);

/* Nobody waits for it any more. */
void amqp_confirm_abandon(struct amqp_confirm *c, uint64_t tag);

/*
 * The broker returned one of that id: the first outstanding one that has not
 * been returned yet. Returns 0; -1: there is none.
 */
int amqp_confirm_return(struct amqp_confirm *c, const char *message_id,
    int code);

/*
 * May the broker confirm that tag: has it been given out, and is it (not
 * multiple) outstanding? Tag 0 with multiple means all.
 */
bool amqp_confirm_knows(const struct amqp_confirm *c, uint64_t tag,
    bool multiple);

/*
 * Take one that such a confirmation settles, the earliest first. Returns
 * whether there was one.
 */
bool amqp_confirm_take(struct amqp_confirm *c, uint64_t tag, bool multiple,
    struct amqp_settled *ret_settled);

#endif /* HANDLERS_QUEUE_AMQP_CONFIRM_H */
