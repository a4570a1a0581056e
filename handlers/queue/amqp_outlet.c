#include "handlers/queue/amqp_outlet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "handlers/queue/amqp_confirm.h"
#include "handlers/queue/amqp_conn.h"
#include "handlers/queue/amqp_suspects.h"
#include "handlers/queue/calls.h"

/* Of what was not confirmed in time the places are kept; so there are more. */
#define PLACES(concurrency) (2 * (concurrency) + 64)

struct amqp_outlet {
	const struct handler_env *env;
	const char *handler; /* its name */
	int64_t timeout_ms;
	enum amqp_unroutable unroutable;
	struct amqp_conn *conn;
	struct queue_calls *calls;
	struct amqp_confirm *confirm;
	struct amqp_suspects suspects;
	bool blocked;     /* the broker asked us to wait */
	bool suspect_out; /* nothing else is sent until it is settled */
	bool dropped;     /* the connection was; nothing more is sent on it */
};

/* Of a message that waits, and then is out: a queue_call's more. */
struct outgoing {
	struct amqp_letter letter; /* its bytes are the queue_call's */
	uint64_t heard;            /* how much was, when it was sent */
};

/* The connection serves no more. */
static void
outlet_drop(struct amqp_outlet *a, const char *reason)
{
	a->dropped = true;
	link_drop(amqp_conn_link(a->conn), "%s", reason);
}

/* -- The end of an attempt -- */

static void
result_retry(struct handler_result *result, enum handler_fault fault,
    bool unknown)
{
	result->verdict = HANDLER_RETRY;
	result->fault = fault;
	result->unknown = unknown;
}

static void
end_oom(struct amqp_outlet *a, struct queue_call *qc)
{
	struct handler_result result = { .reason = "out of memory" };

	result_retry(&result, HANDLER_FAULT_UNCLEAR, false);
	queue_call_end(a->calls, qc, &result);
}

/* The connection ended, or there was none: what of that is one job's? */
static void
end_lost(struct amqp_outlet *a, struct queue_call *qc,
    const struct link_end *end, const struct amqp_news *closed)
{
	struct handler_result result = { .code = 0 };
	bool left =
	    qc->sent && link_has_left(amqp_conn_link(a->conn), qc->mark);

	if (closed != NULL) {
		amqp_verdict_lost(closed, left,
		    amqp_confirm_count(a->confirm) == 1, &result);
	} else {
		result_retry(&result,
		    left ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN, left);
		(void)snprintf(result.reason, sizeof(result.reason), "%s",
		    end->reason);
		if (end->detail != NULL)
			(void)snprintf(result.detail, sizeof(result.detail),
			    "%s", end->detail);
	}
	queue_call_end(a->calls, qc, &result);
}

/* -- Sending -- */

/* May it go out now? What is suspected goes alone. */
static bool
may_send(const struct amqp_outlet *a, const struct outgoing *o)
{
	if (a->blocked || a->dropped || a->suspect_out ||
	    !amqp_confirm_has_room(a->confirm))
		return (false);
	return (amqp_confirm_count(a->confirm) == 0 ||
		!amqp_suspects_has(&a->suspects, o->letter.message_id));
}

/* Write its frames; there is room for them. Returns 0, or -1. */
static int
write_message(struct amqp_outlet *a, const struct queue_call *qc,
    struct evbuffer *out)
{
	const struct outgoing *o = qc->more;
	const uint8_t *bytes = qc->bytes;
	size_t chunk_max = amqp_conn_frame_max(a->conn) - AMQP_FRAME_EXTRA;
	uint8_t head[AMQP_FRAME_HEAD], end = AMQP_FRAME_END;
	size_t at = o->letter.head_len, len;
	int rc = evbuffer_add(out, bytes, at);

	for (; rc == 0 && at < qc->len; at += len) {
		len = qc->len - at < chunk_max ? qc->len - at : chunk_max;
		amqp_frame_head(AMQP_FRAME_BODY, AMQP_CHANNEL, len, head);
		if (evbuffer_add(out, head, sizeof(head)) == -1 ||
		    evbuffer_add(out, bytes + at, len) == -1 ||
		    evbuffer_add(out, &end, sizeof(end)) == -1)
			rc = -1;
	}
	return (rc);
}

static void
send_call(struct amqp_outlet *a, struct queue_call *qc)
{
	struct link *link = amqp_conn_link(a->conn);
	struct evbuffer *out = link_output(link);
	struct outgoing *o = qc->more;
	uint64_t tag;

	tag = amqp_confirm_add(a->confirm, qc, o->letter.message_id);
	if (tag == 0) {
		end_oom(a, qc);
		return;
	}
	qc->tag = tag;
	qc->mark = link_mark(link);
	o->heard = amqp_conn_heard(a->conn);
	a->suspect_out = amqp_suspects_has(&a->suspects, o->letter.message_id);
	queue_call_sent(a->calls, qc);
	if (write_message(a, qc, out) == -1)
		outlet_drop(a, "out of memory"); /* in mid-message */
	free(qc->bytes);
	qc->bytes = NULL;
}

void
amqp_outlet_pump(struct amqp_outlet *a)
{
	struct link *link = amqp_conn_link(a->conn);
	struct queue_call *qc;

	if (amqp_confirm_count(a->confirm) == 0)
		a->suspect_out = false;
	while ((qc = queue_calls_waiting(a->calls)) != NULL) {
		if (link_state(link) != LINK_UP) {
			link_want(link);
			return;
		}
		if (!may_send(a, qc->more))
			return;
		send_call(a, qc);
	}
}

/* -- What the connection says -- */

/* amqp_conn_calls */
static void
outlet_up_cb(void *arg)
{
	amqp_outlet_pump(arg);
}

/* A confirmation, or a refusal, of one message or several. */
static int
outlet_settle(struct amqp_outlet *a, const struct amqp_news *news)
{
	bool ack = news->said == AMQP_SAID_ACK;
	struct amqp_settled settled;
	struct handler_result result;
	const struct outgoing *o;
	struct queue_call *qc;

	if (!amqp_confirm_knows(a->confirm, news->tag, news->multiple)) {
		amqp_conn_break(a->conn,
		    "confirmed a message that was not sent to it");
		return (-1);
	}
	while (amqp_confirm_take(a->confirm, news->tag, news->multiple,
	    &settled)) {
		if ((qc = settled.owner) == NULL)
			continue;
		o = qc->more;
		amqp_suspects_remove(&a->suspects, o->letter.message_id);
		result = (struct handler_result){ .code = 0 };
		amqp_verdict_settled(ack, &settled, a->unroutable, &result);
		queue_call_end(a->calls, qc, &result);
	}
	amqp_outlet_pump(a);
	return (0);
}

/* The broker asks us to wait, or lets us go on. */
static void
outlet_block(struct amqp_outlet *a, bool blocked)
{
	const struct handler_env *env = a->env;

	if (blocked != a->blocked && env->note != NULL)
		env->note(env->arg, a->handler,
		    blocked ? HANDLER_DOUBTFUL : HANDLER_FINE,
		    blocked ? "the broker takes no messages for now (it is "
			      "short of memory or disk): jobs wait, with their "
			      "time standing still"
			    : "the broker takes messages again");
	a->blocked = blocked;
	queue_calls_hold(a->calls, blocked);
	amqp_outlet_pump(a);
}

/* amqp_conn_calls */
static int
outlet_said_cb(void *arg, const struct amqp_news *news)
{
	struct amqp_outlet *a = arg;

	switch (news->said) {
	case AMQP_SAID_ACK:
	case AMQP_SAID_NACK:
		return (outlet_settle(a, news));
	case AMQP_SAID_RETURN:
		if (amqp_confirm_return(a->confirm, news->message_id,
			news->code) == 0)
			break;
		amqp_conn_break(a->conn,
		    "returned a message that was not sent to it");
		return (-1);
	case AMQP_SAID_BLOCKED:
	case AMQP_SAID_UNBLOCKED:
		outlet_block(a, news->said == AMQP_SAID_BLOCKED);
		break;
	case AMQP_SAID_NOTHING:
	case AMQP_SAID_UP:
	case AMQP_SAID_FOUND:
	case AMQP_SAID_MISSING:
	case AMQP_SAID_CLOSED:
	case AMQP_SAID_CHANNEL_CLOSED:
	case AMQP_SAID_BROKEN:
		break;
	}
	return (0);
}

/* One of those that are out is to blame: each goes alone the next time. */
static void
outlet_suspect_all(struct amqp_outlet *a)
{
	const struct outgoing *o;

	for (struct queue_call *qc = queue_calls_sent(a->calls); qc != NULL;
	     qc = TAILQ_NEXT(qc, next)) {
		o = qc->more;
		amqp_suspects_add(&a->suspects, o->letter.message_id);
	}
}

/* amqp_conn_calls */
static void
outlet_down_cb(void *arg, const struct link_end *end,
    const struct amqp_news *closed)
{
	struct amqp_outlet *a = arg;
	enum amqp_action action = closed == NULL
				      ? AMQP_RETRY_UNCLEAR
				      : amqp_verdict_closed(closed).action;
	struct queue_call *qc;

	a->blocked = a->dropped = false;
	queue_calls_hold(a->calls, false);
	if (action == AMQP_BLAME)
		outlet_suspect_all(a);
	while ((qc = queue_calls_sent(a->calls)) != NULL)
		end_lost(a, qc, end, closed);
	amqp_confirm_reset(a->confirm);
	a->suspect_out = false;
	/* What waits has its time for one more connection. */
	while ((!end->was_up || action == AMQP_PAUSE) &&
	       (qc = queue_calls_waiting(a->calls)) != NULL)
		end_lost(a, qc, end, closed);
	amqp_outlet_pump(a);
}

static const struct amqp_conn_calls conn_calls = {
	.up = outlet_up_cb,
	.said = outlet_said_cb,
	.down = outlet_down_cb,
};

/* -- Deadlines -- */

/* Why it could not even be sent. */
static void
late_reason(const struct amqp_outlet *a, struct handler_result *result)
{
	struct link *link = amqp_conn_link(a->conn);
	const char *failure = link_last_failure(link);

	if (link_state(link) == LINK_UP)
		(void)snprintf(result->reason, sizeof(result->reason),
		    "not sent within %" PRId64 " ms, as the broker confirms "
		    "nothing",
		    a->timeout_ms);
	else
		(void)snprintf(result->reason, sizeof(result->reason), "%s",
		    failure != NULL ? failure
				    : "no connection to the broker in time");
}

/* queue_late_fn */
static void
outlet_late_cb(void *arg, struct queue_call *qc)
{
	struct amqp_outlet *a = arg;
	struct link *link = amqp_conn_link(a->conn);
	const struct outgoing *o = qc->more;
	struct handler_result result = { .code = 0 };
	bool sent = qc->sent, left;

	left = sent && link_has_left(link, qc->mark);
	result_retry(&result, left ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN,
	    left);
	if (sent)
		(void)snprintf(result.reason, sizeof(result.reason),
		    "the broker did not confirm it within %" PRId64 " ms",
		    a->timeout_ms);
	else
		late_reason(a, &result);
	/* It is mute; or what it never confirms keeps the others waiting. */
	if (sent ? o->heard == amqp_conn_heard(a->conn)
		 : link_state(link) == LINK_UP)
		outlet_drop(a, "the broker does not confirm what is sent");
	if (sent)
		amqp_confirm_abandon(a->confirm, qc->tag);
	queue_call_end(a->calls, qc, &result);
	amqp_outlet_pump(a);
}

/* -- Its life -- */

struct amqp_outlet *
amqp_outlet_new(const struct amqp_outlet_options *opt)
{
	const struct handler_env *env = opt->link.env;
	struct amqp_outlet *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return (NULL);
	a->env = env;
	a->handler = opt->handler;
	a->timeout_ms = opt->timeout_ms;
	a->unroutable = opt->unroutable;
	a->calls = queue_calls_new(env, opt->timeout_ms, outlet_late_cb, a);
	a->confirm = amqp_confirm_new(PLACES(opt->concurrency));
	a->conn = amqp_conn_new(&opt->link, opt->login, &conn_calls, a);
	if (a->calls == NULL || a->confirm == NULL || a->conn == NULL) {
		amqp_outlet_free(a);
		return (NULL);
	}
	return (a);
}

void
amqp_outlet_free(struct amqp_outlet *a)
{
	if (a == NULL)
		return;
	amqp_conn_free(a->conn);
	queue_calls_free(a->calls);
	amqp_confirm_free(a->confirm);
	free(a);
}

int
amqp_outlet_add(struct amqp_outlet *a, struct handler_call *call,
    const struct amqp_letter *letter)
{
	struct outgoing *o = calloc(1, sizeof(*o));
	struct queue_call *qc =
	    o == NULL ? NULL : queue_call_add(a->calls, call);

	if (qc == NULL) {
		free(o);
		return (-1);
	}
	o->letter = *letter;
	qc->more = o;
	qc->bytes = letter->bytes;
	qc->len = letter->len;
	return (0);
}

void
amqp_outlet_cancel(struct amqp_outlet *a, struct handler_call *call)
{
	struct queue_call *qc;

	for (qc = queue_calls_sent(a->calls); qc != NULL;
	     qc = TAILQ_NEXT(qc, next)) {
		if (qc->call == call)
			amqp_confirm_abandon(a->confirm, qc->tag);
	}
	queue_calls_cancel(a->calls, call);
}

void
amqp_outlet_hurry(struct amqp_outlet *a)
{
	link_hurry(amqp_conn_link(a->conn));
}

bool
amqp_outlet_is_up(const struct amqp_outlet *a)
{
	return (!a->blocked && link_state(amqp_conn_link(a->conn)) == LINK_UP);
}
