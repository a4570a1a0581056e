/*
 * pubsub.h -- the handler of type "pubsub": each job is one message that is
 * published to a topic of Google Pub/Sub.
 */
#ifndef HANDLERS_PUBSUB_H
#define HANDLERS_PUBSUB_H

#include "handlers/handler.h"

extern const struct handler handler_pubsub;

#endif /* HANDLERS_PUBSUB_H */
