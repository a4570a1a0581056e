/*
 * amqp.h -- the type of handlers "amqp": hands over to RabbitMQ, or another
 * broker that speaks AMQP 0-9-1 with publisher confirms.
 */
#ifndef HANDLERS_QUEUE_AMQP_H
#define HANDLERS_QUEUE_AMQP_H

#include "handlers/handler.h"

extern const struct handler handler_amqp;

#endif /* HANDLERS_QUEUE_AMQP_H */
