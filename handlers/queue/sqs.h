/*
 * sqs.h -- the handler of type "sqs".
 */
#ifndef HANDLERS_SQS_H
#define HANDLERS_SQS_H

#include "handlers/handler.h"

extern const struct handler handler_sqs;

#endif /* HANDLERS_SQS_H */
