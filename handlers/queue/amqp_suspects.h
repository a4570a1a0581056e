/*
 * amqp_suspects.h -- messages of which the broker has refused one, and did not
 * say which: each is sent alone the next time, and so the guilty one is found.
 *
 * Owns: nothing but its fields; pure. Messages are known by a hash of their
 *       id: one that is taken for another goes alone, and that is all.
 */
#ifndef HANDLERS_QUEUE_AMQP_SUSPECTS_H
#define HANDLERS_QUEUE_AMQP_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMQP_SUSPECTS_MAX 1024 /* the oldest is forgotten for one more */

struct amqp_suspects {
	uint64_t hashes[AMQP_SUSPECTS_MAX];
	size_t n;
};

void amqp_suspects_add(struct amqp_suspects *s, const char *message_id);
bool amqp_suspects_has(const struct amqp_suspects *s, const char *message_id);

/* It was settled. One that is none is ignored. */
void amqp_suspects_remove(struct amqp_suspects *s, const char *message_id);

#endif /* HANDLERS_QUEUE_AMQP_SUSPECTS_H */
