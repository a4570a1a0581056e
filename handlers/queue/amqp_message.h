/*
 * amqp_message.h -- one message as it is published: a method and a header, as
 * frames, and the body, which is cut into frames when it is sent, as only then
 * it is known how long these may be.
 *
 * Owns: nothing; pure.
 */
#ifndef HANDLERS_QUEUE_AMQP_MESSAGE_H
#define HANDLERS_QUEUE_AMQP_MESSAGE_H

#include "handlers/body/message.h"
#include "handlers/queue/amqp_frame.h"

/* A message's id: its key, or of a longer one the SHA-256 as hex. */
#define AMQP_MESSAGE_ID_MAX AMQP_SHORT_MAX

struct amqp_message {
	uint16_t channel;
	const char *exchange; /* at most 255 bytes, as the next two */
	const char *routing_key;
	const char *message_id;
	const char *type;  /* at most 255 bytes; empty: none */
	int64_t timestamp; /* s since the epoch */
	const struct message_attribute *attributes; /* headers */
	size_t nattributes;
	size_t body_len;
};

/*
 * Add both frames of it to out: persistent, and to be returned if no queue
 * takes it. As ids have at most 255 bytes, each is shorter than
 * AMQP_FRAME_MIN, which every broker takes.
 */
void amqp_message_put(struct amqp_out *out, const struct amqp_message *m);

/* The id for a key. Returns 0; -1 when out of memory. */
int amqp_message_id(const char *key, char ret_id[AMQP_MESSAGE_ID_MAX + 1]);

#endif /* HANDLERS_QUEUE_AMQP_MESSAGE_H */
