/*
 * The handler of type "amqp": each job is one message. It is done when the
 * broker has confirmed it, and has not said before that no queue takes it.
 */
#include "handlers/queue/amqp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/amqp_keys.h"
#include "handlers/queue/amqp_look.h"
#include "handlers/queue/amqp_message.h"
#include "handlers/queue/amqp_outlet.h"
#include "handlers/queue/amqp_route.h"

#define HEAD_EXPECTED 1024 /* of a message, usually */

struct amqp {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct handler_tls *tls; /* NULL: without TLS */
	struct broker_url url;
	struct amqp_login login;
	char *name;
	char *connection_name;
	char *password;
	char *exchange;
	char *routing_key;
	bool declares; /* the queue that routing_key names */
	struct message_signer signer;
	int64_t timeout_ms;
	struct amqp_outlet *outlet;
	struct amqp_look *look; /* NULL: nobody looks */
};

/* -- A job -- */

/* Its frames and its body. Returns 0; -1 when out of memory. */
static int
job_letter(const struct amqp *a, const struct message *m,
    const struct store_event *ev, const char *routing_key,
    struct amqp_letter *ret_letter)
{
	const struct amqp_message am = { .channel = AMQP_CHANNEL,
		.exchange = a->exchange,
		.routing_key = routing_key,
		.message_id = ret_letter->message_id,
		.type = ev->type,
		.timestamp = ev->received_at_ms / 1000,
		.attributes = m->attributes,
		.nattributes = m->nattributes,
		.body_len = m->body_len };
	struct amqp_out out = { .bytes = NULL };

	if (amqp_message_id(m->key, ret_letter->message_id) == -1)
		return (-1);
	amqp_out_expect(&out, m->body_len + HEAD_EXPECTED);
	amqp_message_put(&out, &am);
	ret_letter->head_len = out.len;
	amqp_put_bytes(&out, m->body, m->body_len);
	if (out.failed) {
		amqp_out_fini(&out);
		return (-1);
	}
	ret_letter->bytes = out.bytes; /* taken */
	ret_letter->len = out.len;
	return (0);
}

/* Make its message, and have it wait. Returns 0; -1 when out of memory. */
static int
job_wait(struct amqp *a, const struct handler_job *job, const struct message *m,
    const char *routing_key)
{
	struct amqp_letter letter = { .bytes = NULL };

	if (job_letter(a, m, job->ev, routing_key, &letter) == -1)
		return (-1);
	if (amqp_outlet_add(a->outlet, job->call, &letter) == 0)
		return (0);
	free(letter.bytes);
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
		verdict = message_no_memory(ret_result);
	}
	message_fini(&m);
	return (verdict);
}

static void
amqp_flush(struct handler_instance *h)
{
	amqp_outlet_pump(((struct amqp *)h)->outlet);
}

static bool
amqp_connected(const struct handler_instance *h)
{
	return (amqp_outlet_is_up(((const struct amqp *)h)->outlet));
}

static void
amqp_hurry(struct handler_instance *h)
{
	amqp_outlet_hurry(((struct amqp *)h)->outlet);
}

static const struct handler_lasting amqp_lasting = {
	.connected = amqp_connected,
	.hurry = amqp_hurry,
};

static void
amqp_cancel(struct handler_instance *h, struct handler_call *call)
{
	amqp_outlet_cancel(((struct amqp *)h)->outlet, call);
}

/* -- An instance -- */

static void
amqp_close(struct handler_instance *h)
{
	struct amqp *a = (struct amqp *)h;

	if (a == NULL)
		return;
	amqp_look_free(a->look);
	amqp_outlet_free(a->outlet);
	if (a->tls != NULL)
		a->env->tls_close(a->env->arg, a->tls);
	if (a->password != NULL)
		explicit_bzero(a->password, a->login.password_len);
	free(a->password);
	message_signer_fini(&a->signer);
	broker_url_fini(&a->url);
	free(a->name);
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
	char why[HANDLER_REASON_MAX];

	if (broker_url_parse(set->url, broker_schemes_amqp, &a->url, why) ==
	    -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "url %.230s", why);
		return (-1);
	}
	if ((a->name = strdup(opt->name)) == NULL ||
	    (a->exchange = strdup(set->exchange)) == NULL ||
	    (a->routing_key = strdup(set->routing_key)) == NULL ||
	    message_signer_init(&a->signer, &set->sign_secret) == -1 ||
	    open_login(a, set, opt->name) == -1)
		return (-1);
	if (a->url.scheme->tls &&
	    (a->tls = a->env->tls_open(a->env->arg, &set->tls, reason)) == NULL)
		return (-1);
	a->outlet = amqp_outlet_new(
	    &(struct amqp_outlet_options){ .link = link_options_of(a),
		.login = &a->login,
		.timeout_ms = a->timeout_ms,
		.concurrency = opt->concurrency,
		.handler = a->name,
		.unroutable = set->unroutable_retry ? AMQP_UNROUTABLE_RETRY
						    : AMQP_UNROUTABLE_DEAD });
	return (a->outlet == NULL ? -1 : 0);
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
	.shared_files = 2, /* two addresses tried at once */
	.open = amqp_open,
	.run = amqp_run,
	.flush = amqp_flush,
	.inspect = amqp_inspect,
	.lasting = &amqp_lasting,
	.cancel = amqp_cancel,
	.close = amqp_close,
};
