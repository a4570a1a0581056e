/*
 * amqp_verdict.h -- what a broker's answer by AMQP means for a job.
 *
 * Owns: nothing; pure: codes in, results out. The table is in amqp_verdict.c,
 *       its reasons in DESIGN.md.
 */
#ifndef HANDLERS_QUEUE_AMQP_VERDICT_H
#define HANDLERS_QUEUE_AMQP_VERDICT_H

#include "handlers/handler.h"
#include "handlers/queue/amqp_confirm.h"
#include "handlers/queue/amqp_session.h"

enum amqp_action {
	AMQP_RETRY_DOWN,    /* it takes nothing at all now */
	AMQP_RETRY_UNCLEAR, /* it, or a message, is at fault */
	AMQP_PAUSE,         /* the configuration, here or there, is */
	AMQP_BLAME          /* one of the messages that are out is */
};

struct amqp_meaning {
	enum amqp_action action;
	const char *text;   /* the end of a sentence about the broker */
	const char *advice; /* what to do; NULL: nothing, but to wait */
};

/* What it means that it closed the connection, or our channel. */
struct amqp_meaning amqp_verdict_closed(const struct amqp_news *news);

/*
 * Fill in *ret_result, which is all zero, of a message whose connection was
 * closed by the broker; sent: it was written, alone: nothing else was out.
 */
void amqp_verdict_lost(const struct amqp_news *news, bool sent, bool alone,
    struct handler_result *ret_result);

enum amqp_unroutable { AMQP_UNROUTABLE_DEAD, AMQP_UNROUTABLE_RETRY };

/* The same, of a message that was confirmed, or (not ack) refused. */
void amqp_verdict_settled(bool ack, const struct amqp_settled *settled,
    enum amqp_unroutable unroutable, struct handler_result *ret_result);

#endif /* HANDLERS_QUEUE_AMQP_VERDICT_H */
