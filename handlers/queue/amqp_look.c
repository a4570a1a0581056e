#include "handlers/queue/amqp_look.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/amqp_conn.h"
#include "handlers/queue/amqp_verdict.h"
#include "handlers/queue/one_line.h"

#define ACCIDENT_MS 1000 /* that a queue lives which we made by accident */

enum look_step {
	LOOK_LOGIN,
	LOOK_EXCHANGE, /* is it there? */
	LOOK_QUEUE,
	LOOK_DURABLE, /* will the queue outlive a restart? */
	LOOK_OVER
};

struct amqp_look {
	struct amqp_look_at at;
	struct handler_inspection in;
	struct amqp_conn *conn;
	enum look_step step;
};

static void __attribute__((format(printf, 4, 5)))
look_found(struct amqp_look *look, enum handler_level level, const char *advice,
    const char *format, ...)
{
	char text[2 * HANDLER_REASON_MAX];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	look->in.found(look->in.arg, level, text, advice);
}

/* That was all. */
static void
look_over(struct amqp_look *look)
{
	look->step = LOOK_OVER;
	look->in.done(look->in.arg);
}

static void
look_ask(struct amqp_look *look, enum look_step step)
{
	const struct amqp_declare exchange = { .name = look->at.exchange,
		.passive = true };
	const struct amqp_declare queue = { .name = look->at.queue,
		.passive = true };
	/*
	 * Passive ones are not compared. This one differs from every queue
	 * that is not ours, so the broker refuses it and names what differs,
	 * durable first; what is made if the queue has just vanished expires.
	 */
	const struct amqp_declare durable = { .name = look->at.queue,
		.durable = true,
		.auto_delete = true,
		.expires_ms = ACCIDENT_MS };

	look->step = step;
	if (step == LOOK_EXCHANGE)
		amqp_conn_ask(look->conn, true, &exchange);
	else
		amqp_conn_ask(look->conn, false,
		    step == LOOK_QUEUE ? &queue : &durable);
}

/* All that there is was found; what cannot be seen is said, too. */
static void
look_ends_well(struct amqp_look *look)
{
	if (look->at.exchange[0] != '\0' && !look->at.declared)
		look_found(look, HANDLER_FINE, NULL,
		    "that a queue is bound for the routing key shows only "
		    "when a message is sent");
	look_found(look, HANDLER_FINE, NULL,
	    "that the user may write there shows only when a message is sent");
	look_over(look);
}

static void
look_next(struct amqp_look *look)
{
	switch (look->step) {
	case LOOK_LOGIN:
		if (look->at.exchange[0] != '\0') {
			look_ask(look, LOOK_EXCHANGE);
			return;
		}
		break;
	case LOOK_EXCHANGE:
		break;
	case LOOK_QUEUE:
		look_ask(look, LOOK_DURABLE);
		return;
	case LOOK_DURABLE:
	case LOOK_OVER:
		look_ends_well(look);
		return;
	}
	if (look->at.queue != NULL)
		look_ask(look, LOOK_QUEUE);
	else
		look_ends_well(look);
}

/* amqp_conn_calls */
static void
look_up_cb(void *arg)
{
	struct amqp_look *look = arg;
	const struct amqp_login *login = look->at.login;

	look_found(look, HANDLER_FINE, NULL,
	    "logs in as %s, virtual host %s, at %s", login->user, login->vhost,
	    link_peer(amqp_conn_link(look->conn)));
	look_next(look);
}

/* What was asked for is not there, or may not be looked at. */
static void
look_missing(struct amqp_look *look, const struct amqp_news *news)
{
	const char *kind = look->step == LOOK_EXCHANGE ? "exchange" : "queue";
	const char *name =
	    look->step == LOOK_EXCHANGE ? look->at.exchange : look->at.queue;
	char detail[HANDLER_REASON_MAX];

	if (news->code == 404 && look->step == LOOK_QUEUE &&
	    look->at.declared) {
		look_found(look, HANDLER_FINE, NULL,
		    "the queue %s does not exist yet, and will be declared",
		    name);
		look_ends_well(look);
		return;
	}
	one_line(news->text, detail);
	if (news->code == 404)
		look_found(look, HANDLER_WRONG,
		    look->step == LOOK_EXCHANGE
			? "create it, or correct exchange or url"
			: "create it, set declare, or correct routing_key or "
			  "url",
		    "the %s %s does not exist", kind, name);
	else
		look_found(look, HANDLER_WRONG,
		    "see what the broker says of it",
		    "the broker refuses the %s %s (%d): %s", kind, name,
		    news->code, detail);
	look_over(look);
}

/* What differs of the queue; only that it is durable matters. */
static void
look_differs(struct amqp_look *look, const struct amqp_news *news)
{
	if (news->code == 406 && strstr(news->text, "'durable'") != NULL)
		look_found(look, HANDLER_DOUBTFUL,
		    "delete it, and make it durable",
		    "the queue %s is not durable: a restart of the broker "
		    "loses it and all that is in it",
		    look->at.queue);
	else if (news->code == 406)
		look_found(look, HANDLER_FINE, NULL, "the queue %s is durable",
		    look->at.queue);
	else
		look_found(look, HANDLER_FINE, NULL,
		    "whether the queue %s is durable cannot be seen by this "
		    "user",
		    look->at.queue);
	look_next(look);
}

/* amqp_conn_calls */
static int
look_said_cb(void *arg, const struct amqp_news *news)
{
	struct amqp_look *look = arg;

	switch (news->said) {
	case AMQP_SAID_FOUND:
		if (look->step == LOOK_EXCHANGE)
			look_found(look, HANDLER_FINE, NULL,
			    "the exchange %s exists", look->at.exchange);
		else
			look_found(look, HANDLER_FINE, NULL,
			    look->step == LOOK_QUEUE ? "the queue %s exists"
						     : "the queue %s is "
						       "durable",
			    look->at.queue);
		look_next(look);
		break;
	case AMQP_SAID_MISSING:
		if (look->step == LOOK_DURABLE)
			look_differs(look, news);
		else
			look_missing(look, news);
		break;
	case AMQP_SAID_BLOCKED:
		look_found(look, HANDLER_DOUBTFUL,
		    "see what the broker is short of: memory or disk",
		    "the broker takes no messages for now");
		break;
	case AMQP_SAID_NOTHING:
	case AMQP_SAID_UP:
	case AMQP_SAID_ACK:
	case AMQP_SAID_NACK:
	case AMQP_SAID_RETURN:
	case AMQP_SAID_UNBLOCKED:
	case AMQP_SAID_CLOSED:
	case AMQP_SAID_CHANNEL_CLOSED:
	case AMQP_SAID_BROKEN:
		break;
	}
	return (0);
}

/* amqp_conn_calls */
static void
look_down_cb(void *arg, const struct link_end *end,
    const struct amqp_news *closed)
{
	struct amqp_look *look = arg;
	const char *advice = NULL;

	if (look->step == LOOK_OVER)
		return;
	if (closed != NULL)
		advice = amqp_verdict_closed(closed).advice;
	if (advice == NULL)
		advice = "correct url, or see why the broker does not answer";
	if (end->detail == NULL)
		look_found(look, HANDLER_WRONG, advice, "%s", end->reason);
	else
		look_found(look, HANDLER_WRONG, advice, "%s: %s", end->reason,
		    end->detail);
	look_over(look);
}

static const struct amqp_conn_calls look_calls = {
	.up = look_up_cb,
	.said = look_said_cb,
	.down = look_down_cb,
};

struct amqp_look *
amqp_look_new(const struct amqp_look_at *at,
    const struct handler_inspection *in)
{
	struct amqp_look *look = calloc(1, sizeof(*look));

	if (look == NULL)
		return (NULL);
	look->at = *at;
	look->at.opt = NULL;
	look->in = *in;
	look->conn = amqp_conn_new(at->opt, at->login, &look_calls, look);
	if (look->conn == NULL) {
		free(look);
		return (NULL);
	}
	link_want(amqp_conn_link(look->conn));
	return (look);
}

void
amqp_look_free(struct amqp_look *look)
{
	if (look == NULL)
		return;
	amqp_conn_free(look->conn);
	free(look);
}
