/*
 * The handler of type "amqp": each job is one message. It is done when the
 * broker has confirmed it, and that no queue has taken it was not said before.
 */
#include "handlers/queue/amqp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "handlers/queue/amqp_confirm.h"
#include "handlers/queue/amqp_conn.h"
#include "handlers/queue/amqp_keys.h"
#include "handlers/queue/amqp_look.h"
#include "handlers/queue/amqp_message.h"
#include "handlers/queue/amqp_route.h"
#include "handlers/queue/amqp_suspects.h"
#include "handlers/queue/amqp_verdict.h"
#include "handlers/queue/calls.h"

/* Of what was not confirmed in time the places are kept; so there are more. */
#define PLACES(concurrency) (2 * (concurrency) + 64)

#define HEAD_EXPECTED 1024 /* of a message, usually */

struct amqp {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: without TLS */
	struct broker_url url;
	struct amqp_login login;
	char *connection_name;
	char *password;
	char *exchange;
	char *routing_key;
	bool declares; /* the queue that routing_key names */
	enum amqp_unroutable unroutable;
	struct message_signer signer;
	int64_t timeout_ms;

	struct amqp_conn *conn;
	struct queue_calls *calls;
	struct amqp_confirm *confirm;
	struct amqp_suspects suspects;
	bool blocked;     /* the broker asked us to wait */
	bool suspect_out; /* nothing else is sent until it is settled */
	struct amqp_look *look;
};

/* Of a message that waits, and then is out: a queue_call's more. */
struct amqp_outgoing {
	size_t head_len; /* of its bytes: what comes before the body */
	size_t frame;    /* the longer one of these frames */
	uint64_t heard;  /* how much was, when it was sent */
	char message_id[AMQP_MESSAGE_ID_MAX + 1];
};

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
end_oom(struct amqp *a, struct queue_call *qc)
{
	struct handler_result result = { .reason = "out of memory" };

	result_retry(&result, HANDLER_FAULT_UNCLEAR, false);
	queue_call_end(a->calls, qc, &result);
}

/* The connection ended, or there was none: what of that is one job's? */
static void
end_lost(struct amqp *a, struct queue_call *qc, const struct link_end *end,
    const struct amqp_news *closed)
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
may_send(const struct amqp *a, const struct amqp_outgoing *o)
{
	if (a->blocked || a->suspect_out || !amqp_confirm_has_room(a->confirm))
		return (false);
	return (amqp_confirm_count(a->confirm) == 0 ||
		!amqp_suspects_has(&a->suspects, o->message_id));
}

/* Write its frames; there is room for them. Returns 0, or -1. */
static int
write_message(struct amqp *a, const struct queue_call *qc, struct evbuffer *out)
{
	const struct amqp_outgoing *o = qc->more;
	const uint8_t *bytes = qc->bytes;
	size_t chunk_max = amqp_conn_frame_max(a->conn) - AMQP_FRAME_EXTRA;
	uint8_t head[AMQP_FRAME_HEAD], end = AMQP_FRAME_END;
	size_t at = o->head_len, len;
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

/* The ids in it are so long that the broker has no frame for them. */
static void
end_too_long(struct amqp *a, struct queue_call *qc)
{
	struct handler_result result = { .verdict = HANDLER_DEAD };

	(void)snprintf(result.reason, sizeof(result.reason),
	    "what goes beside the body is longer than a frame of the broker: "
	    "raise its frame_max");
	queue_call_end(a->calls, qc, &result);
}

static void
send_call(struct amqp *a, struct queue_call *qc)
{
	struct link *link = amqp_conn_link(a->conn);
	struct evbuffer *out = link_output(link);
	struct amqp_outgoing *o = qc->more;
	uint64_t tag;

	if (o->frame > amqp_conn_frame_max(a->conn)) {
		end_too_long(a, qc);
		return;
	}
	tag = amqp_confirm_add(a->confirm, qc, o->message_id);
	if (tag == 0) {
		end_oom(a, qc);
		return;
	}
	qc->tag = tag;
	qc->mark = link_mark(link);
	o->heard = amqp_conn_heard(a->conn);
	a->suspect_out = amqp_suspects_has(&a->suspects, o->message_id);
	queue_call_sent(a->calls, qc);
	if (write_message(a, qc, out) == -1)
		link_drop(link, "out of memory"); /* in mid-message */
	free(qc->bytes);
	qc->bytes = NULL;
}

/* Send what may be sent; see to it that there is a connection for the rest. */
static void
amqp_pump(struct amqp *a)
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
amqp_up_cb(void *arg)
{
	amqp_pump(arg);
}

/* A confirmation, or a refusal, of one message or several. */
static int
amqp_settle(struct amqp *a, const struct amqp_news *news)
{
	bool ack = news->said == AMQP_SAID_ACK;
	struct amqp_settled settled;
	struct handler_result result;
	const struct amqp_outgoing *o;
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
		amqp_suspects_remove(&a->suspects, o->message_id);
		result = (struct handler_result){ .code = 0 };
		amqp_verdict_settled(ack, &settled, a->unroutable, &result);
		queue_call_end(a->calls, qc, &result);
	}
	amqp_pump(a);
	return (0);
}

/* amqp_conn_calls */
static int
amqp_said_cb(void *arg, const struct amqp_news *news)
{
	struct amqp *a = arg;

	switch (news->said) {
	case AMQP_SAID_ACK:
	case AMQP_SAID_NACK:
		return (amqp_settle(a, news));
	case AMQP_SAID_RETURN:
		if (amqp_confirm_return(a->confirm, news->message_id,
			news->code) == 0)
			break;
		amqp_conn_break(a->conn,
		    "returned a message that was not sent to it");
		return (-1);
	case AMQP_SAID_BLOCKED:
	case AMQP_SAID_UNBLOCKED:
		a->blocked = news->said == AMQP_SAID_BLOCKED;
		queue_calls_hold(a->calls, a->blocked);
		amqp_pump(a);
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
amqp_suspect_all(struct amqp *a)
{
	const struct amqp_outgoing *o;

	for (struct queue_call *qc = queue_calls_sent(a->calls); qc != NULL;
	     qc = TAILQ_NEXT(qc, next)) {
		o = qc->more;
		amqp_suspects_add(&a->suspects, o->message_id);
	}
}

/* amqp_conn_calls */
static void
amqp_down_cb(void *arg, const struct link_end *end,
    const struct amqp_news *closed)
{
	struct amqp *a = arg;
	enum amqp_action action = closed == NULL
				      ? AMQP_RETRY_UNCLEAR
				      : amqp_verdict_closed(closed).action;
	struct queue_call *qc;

	a->blocked = false;
	queue_calls_hold(a->calls, false);
	if (action == AMQP_BLAME)
		amqp_suspect_all(a);
	while ((qc = queue_calls_sent(a->calls)) != NULL)
		end_lost(a, qc, end, closed);
	amqp_confirm_reset(a->confirm);
	a->suspect_out = false;
	/* What waits has its time for one more connection. */
	while ((!end->was_up || action == AMQP_PAUSE) &&
	       (qc = queue_calls_waiting(a->calls)) != NULL)
		end_lost(a, qc, end, closed);
	amqp_pump(a);
}

static const struct amqp_conn_calls conn_calls = {
	.up = amqp_up_cb,
	.said = amqp_said_cb,
	.down = amqp_down_cb,
};

/* -- Deadlines -- */

/* Why it could not even be sent. */
static void
late_reason(const struct amqp *a, struct handler_result *result)
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
amqp_late_cb(void *arg, struct queue_call *qc)
{
	struct amqp *a = arg;
	struct link *link = amqp_conn_link(a->conn);
	const struct amqp_outgoing *o = qc->more;
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
	/* It is mute; or what was never confirmed has taken all places. */
	if (sent ? o->heard == amqp_conn_heard(a->conn)
		 : !amqp_confirm_has_room(a->confirm))
		link_drop(link, "the broker does not confirm what is sent");
	if (sent)
		amqp_confirm_abandon(a->confirm, qc->tag);
	queue_call_end(a->calls, qc, &result);
	amqp_pump(a);
}

/* -- A job -- */

/* Its frames and its body. Returns 0; -1 when out of memory. */
static int
job_bytes(const struct amqp *a, const struct message *m,
    const struct store_event *ev, const char *routing_key,
    struct queue_call *qc)
{
	struct amqp_outgoing *o = qc->more;
	const struct amqp_message am = { .channel = AMQP_CHANNEL,
		.exchange = a->exchange,
		.routing_key = routing_key,
		.message_id = o->message_id,
		.type = ev->type,
		.timestamp = ev->received_at_ms / 1000,
		.attributes = m->attributes,
		.nattributes = m->nattributes,
		.body_len = m->body_len };
	struct amqp_out out = { .bytes = NULL };

	amqp_out_expect(&out, m->body_len + HEAD_EXPECTED);
	amqp_message_put(&out, &am, &o->frame);
	o->head_len = out.len;
	amqp_put_bytes(&out, m->body, m->body_len);
	if (out.failed) {
		amqp_out_fini(&out);
		return (-1);
	}
	qc->bytes = out.bytes; /* taken */
	qc->len = out.len;
	return (0);
}

/* Make its message, and have it wait. Returns 0; -1 when out of memory. */
static int
job_wait(struct amqp *a, const struct handler_job *job, const struct message *m,
    const char *routing_key)
{
	struct queue_call *qc = queue_call_add(a->calls, job->call);
	struct amqp_outgoing *o;

	if (qc == NULL)
		return (-1);
	qc->more = o = calloc(1, sizeof(*o));
	if (o != NULL && amqp_message_id(m->key, o->message_id) == 0 &&
	    job_bytes(a, m, job->ev, routing_key, qc) == 0)
		return (0);
	queue_calls_cancel(a->calls, job->call);
	return (-1);
}

static enum handler_verdict
amqp_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct amqp *a = (struct amqp *)h;
	const struct store_event *ev = job->ev;
	const struct amqp_route route = { .type = ev->type,
		.brand = ev->brand == NULL ? "" : ev->brand,
		.branch = ev->branch == NULL ? "" : ev->branch };
	char routing_key[AMQP_ROUTE_MAX + 1];
	enum handler_verdict verdict;
	struct message m;

	verdict = message_make(&m, a->env, &a->signer, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	verdict = HANDLER_PENDING;
	if (amqp_route_write(a->routing_key, &route, routing_key) == -1) {
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "its routing key would be longer than %d bytes: shorten "
		    "routing_key",
		    AMQP_ROUTE_MAX);
		verdict = HANDLER_DEAD;
	} else if (job_wait(a, job, &m, routing_key) == -1) {
		(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
		    "out of memory");
		ret_result->fault = HANDLER_FAULT_UNCLEAR;
		verdict = HANDLER_RETRY;
	}
	message_fini(&m);
	return (verdict);
}

static void
amqp_flush(struct handler_instance *h)
{
	amqp_pump((struct amqp *)h);
}

static void
amqp_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct amqp *a = (struct amqp *)h;
	struct queue_call *qc;

	for (qc = queue_calls_sent(a->calls); qc != NULL;
	     qc = TAILQ_NEXT(qc, next)) {
		if (qc->call == call)
			amqp_confirm_abandon(a->confirm, qc->tag);
	}
	queue_calls_cancel(a->calls, call);
}

/* -- An instance -- */

static void
amqp_close(struct handler_instance *h)
{
	struct amqp *a = (struct amqp *)h;

	if (a == NULL)
		return;
	amqp_look_free(a->look);
	amqp_conn_free(a->conn);
	queue_calls_free(a->calls);
	amqp_confirm_free(a->confirm);
	if (a->tls != NULL)
		a->env->tls_close(a->env->arg, a->tls);
	if (a->password != NULL)
		explicit_bzero(a->password, a->login.password_len);
	free(a->password);
	message_signer_fini(&a->signer);
	broker_url_fini(&a->url);
	free(a->connection_name);
	free(a->exchange);
	free(a->routing_key);
	free(a);
}

/* As whom to log in. Returns 0, or -1 when out of memory. */
static int
open_login(struct amqp *a, const struct amqp_settings *set, const char *name)
{
	struct key_secret password = set->password;

	if (password.bytes == NULL) { /* that of the user guest */
		password.bytes = (char *)(uintptr_t) "guest";
		password.len = a->url.user == NULL ? strlen("guest") : 0;
	}
	if ((a->password = malloc(password.len + 1)) == NULL ||
	    asprintf(&a->connection_name, "klikitd %.64s", name) == -1)
		return (-1);
	memcpy(a->password, password.bytes, password.len);
	a->login = (struct amqp_login){ .name = a->connection_name,
		.user = amqp_keys_user(&a->url),
		.password = a->password,
		.password_len = password.len,
		.vhost = amqp_keys_vhost(&a->url),
		.exchange = a->exchange };
	if (set->declare != AMQP_DECLARE_NO) {
		a->login.queue = a->routing_key;
		a->login.queue_type = amqp_queue_types[set->declare];
	}
	return (0);
}

/* Its link, as wanted by opt. */
static struct link_options
link_options_of(const struct amqp *a)
{
	return ((struct link_options){ .env = a->env,
	    .tls = a->tls,
	    .host = a->url.host,
	    .port = a->url.port,
	    .connect_ms = a->timeout_ms - a->timeout_ms / 3,
	    .input_max = AMQP_FRAME_MAX });
}

/* Its parts. Returns 0; -1, and a reason unless out of memory. */
static int
open_parts(struct amqp *a, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct amqp_settings *set = opt->settings;
	struct link_options link;
	char why[HANDLER_REASON_MAX];

	if (broker_url_parse(set->url, broker_schemes_amqp, &a->url, why) ==
	    -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	if ((a->exchange = strdup(set->exchange)) == NULL ||
	    (a->routing_key = strdup(set->routing_key)) == NULL ||
	    message_signer_init(&a->signer, &set->sign_secret) == -1 ||
	    open_login(a, set, opt->name) == -1)
		return (-1);
	if (a->url.scheme->tls &&
	    (a->tls = a->env->tls_open(a->env->arg, &set->tls, reason)) == NULL)
		return (-1);
	link = link_options_of(a);
	a->calls = queue_calls_new(a->env, a->timeout_ms, amqp_late_cb, a);
	a->confirm = amqp_confirm_new(PLACES(opt->concurrency));
	a->conn = amqp_conn_new(&link, &a->login, &conn_calls, a);
	return (
	    a->calls == NULL || a->confirm == NULL || a->conn == NULL ? -1 : 0);
}

static struct handler_instance *
amqp_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct amqp_settings *set = opt->settings;
	struct amqp *a;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (NULL);
	a->base.type = &handler_amqp;
	a->env = env;
	a->timeout_ms = opt->timeout_ms;
	a->declares = set->declare != AMQP_DECLARE_NO;
	a->unroutable = set->unroutable_retry ? AMQP_UNROUTABLE_RETRY
					      : AMQP_UNROUTABLE_DEAD;
	if (open_parts(a, opt, reason) == -1) {
		amqp_close(&a->base);
		return (NULL);
	}
	return (&a->base);
}

static int
amqp_inspect(struct handler_instance *h, const struct handler_inspection *in)
{
	struct amqp *a = (struct amqp *)h;
	struct link_options link = link_options_of(a);
	struct amqp_look_at at = { .opt = &link,
		.login = &a->login,
		.exchange = a->exchange,
		.declared = a->declares };

	/* Bound to another exchange, its name is known only if we declare it.
	 */
	if (!amqp_route_varies(a->routing_key) &&
	    (a->exchange[0] == '\0' || a->declares))
		at.queue = a->routing_key;
	a->login.queue = NULL; /* a look declares nothing */
	a->look = amqp_look_new(&at, in);
	return (a->look == NULL ? -1 : 0);
}

const struct handler handler_amqp = {
	.type = "amqp",
	.text = "hands over to RabbitMQ",
	.example = "rabbit",
	.keys = amqp_keys,
	.settings_size = sizeof(struct amqp_settings),
	.check = amqp_keys_check,
	.target = amqp_keys_target,
	.tls = amqp_keys_tls,
	.ordered = true,
	.outlet = true,
	.timeout = "30s",
	.concurrency = "32",
	.per_order = true,
	.files = 2, /* two addresses tried at once */
	.open = amqp_open,
	.run = amqp_run,
	.flush = amqp_flush,
	.inspect = amqp_inspect,
	.cancel = amqp_cancel,
	.close = amqp_close,
};
