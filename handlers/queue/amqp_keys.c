#include "handlers/queue/amqp_keys.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "handlers/net/outlet_keys.h"
#include "handlers/queue/amqp_frame.h"
#include "handlers/queue/amqp_route.h"

#define USER_OF_A_NEW_BROKER "guest" /* by its own host only */
#define FIRST_VHOST "/"

const char *const amqp_queue_types[] = {
	[AMQP_DECLARE_NO] = NULL,
	[AMQP_DECLARE_QUORUM] = "quorum",
	[AMQP_DECLARE_CLASSIC] = "classic",
};

const char *
amqp_keys_vhost(const struct broker_url *url)
{
	if (url->rest == NULL || url->rest[0] == '\0')
		return (FIRST_VHOST);
	return (url->rest);
}

const char *
amqp_keys_user(const struct broker_url *url)
{
	return (url->user == NULL ? USER_OF_A_NEW_BROKER : url->user);
}

static bool
is_tls(const struct amqp_settings *set)
{
	return (broker_url_is_tls(set->url, broker_schemes_amqp));
}

/* -- Single keys -- */

static int
check_url(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	char why[HANDLER_REASON_MAX] = "";
	struct broker_url url;

	(void)dir;
	if (broker_url_parse(*(char **)value, broker_schemes_amqp, &url, why) ==
	    -1) {
		(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
		return (-1);
	}
	if (strlen(amqp_keys_vhost(&url)) > AMQP_SHORT_MAX)
		(void)snprintf(why, sizeof(why),
		    "has a virtual host of more than %d bytes", AMQP_SHORT_MAX);
	broker_url_fini(&url);
	(void)snprintf(reason, KEY_REASON_MAX, "%s", why);
	return (why[0] == '\0' ? 0 : -1);
}

static int
check_exchange(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	(void)dir;
	if (strlen(*(char **)value) <= AMQP_SHORT_MAX)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX, "is longer than %d bytes",
	    AMQP_SHORT_MAX);
	return (-1);
}

static int
check_routing_key(void *value, const char *dir, char reason[KEY_REASON_MAX])
{
	(void)dir;
	return (amqp_route_check(*(char **)value, reason, KEY_REASON_MAX));
}

/* -- All of them -- */

static bool
is_empty(const char *text)
{
	return (text == NULL || text[0] == '\0');
}

void
amqp_keys_check(void *settings, const struct handler_check *c)
{
	struct amqp_settings *set = settings;
	char reason[HANDLER_REASON_MAX];
	struct broker_url url;

	outlet_check_tls(&set->tls, is_tls(set), c);
	if (is_empty(set->exchange) && is_empty(set->routing_key))
		c->wrong(c->arg, "routing_key",
		    "must name the queue, as exchange is empty");
	if (set->declare != AMQP_DECLARE_NO && is_empty(set->routing_key))
		c->wrong(c->arg, "declare",
		    "needs a routing_key, which names the queue");
	else if (set->declare != AMQP_DECLARE_NO &&
		 amqp_route_varies(set->routing_key))
		c->wrong(c->arg, "declare",
		    "needs a routing_key without braces, as it names the "
		    "queue");
	if (set->url == NULL ||
	    broker_url_parse(set->url, broker_schemes_amqp, &url, reason) == -1)
		return;
	if (url.user != NULL && set->password.file == NULL)
		c->wrong(c->arg, "password_file",
		    "is missing, as url names a user");
	broker_url_fini(&url);
}

void
amqp_keys_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	const struct amqp_settings *set = settings;
	char reason[HANDLER_REASON_MAX], place[HANDLER_REASON_MAX];
	struct broker_url url;

	ret_text[0] = '\0';
	if (set->url == NULL ||
	    broker_url_parse(set->url, broker_schemes_amqp, &url, reason) == -1)
		return;
	broker_url_text(&url, place);
	if (is_empty(set->exchange))
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "%.150s, virtual host %.40s, queue %.40s", place,
		    amqp_keys_vhost(&url), set->routing_key);
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "%.100s, virtual host %.40s, exchange %.40s, routing key "
		    "%.30s",
		    place, amqp_keys_vhost(&url), set->exchange,
		    set->routing_key);
	broker_url_fini(&url);
}

const struct handler_tls_files *
amqp_keys_tls(const void *settings)
{
	const struct amqp_settings *set = settings;

	return (is_tls(set) ? &set->tls : NULL);
}

#define IN_AMQP(field) offsetof(struct amqp_settings, field)

const struct key amqp_keys[] = {
	{ "handler.url", KEY_URL, IN_AMQP(url), .flags = KEY_REQUIRED,
	    .check = check_url, .value = "URL",
	    .example = "amqps://klikitd@rabbit.example/orders",
	    .text = "The broker, amqp[s]://USER@HOST:PORT/VHOST, that speaks "
		    "AMQP 0-9-1 and publisher confirms (RabbitMQ). Without "
		    "a user it is guest; without a virtual host, /." },
	OUTLET_PASSWORD_KEY(struct amqp_settings, password),
	{ "handler.exchange", KEY_NAME, IN_AMQP(exchange), .def = "",
	    .check = check_exchange, .value = "NAME", .example = "klikit",
	    .text = "The exchange to publish to; empty: the default one, which "
		    "hands over to the queue that routing_key names." },
	{ "handler.routing_key", KEY_NAME, IN_AMQP(routing_key), .def = "",
	    .check = check_routing_key, .value = "TEMPLATE",
	    .example = "orders.{brand}.{type}",
	    .text = "With which routing key; {type}, {brand} and {branch} "
		    "stand for those of the event." },
	{ "handler.unroutable", KEY_BOOL, IN_AMQP(unroutable_retry),
	    .def = "dead", .value = "dead|retry",
	    .text = "What becomes of a message that no queue takes." },
	{ "handler.declare", KEY_CHOICE, IN_AMQP(declare), .def = "no",
	    .value = "no|quorum|classic",
	    .text = "Declare the queue that routing_key names, durable and of "
		    "that type, at each login, and bind it to exchange." },
	OUTLET_SIGN_KEY(struct amqp_settings, sign_secret),
	OUTLET_TLS_KEYS(struct amqp_settings, tls),
	{ 0 },
};
