/*
 * amqp_keys.h -- what the configuration says of a handler of type "amqp".
 *
 * Owns: nothing; the table of its keys (key.h), and their checks.
 */
#ifndef HANDLERS_QUEUE_AMQP_KEYS_H
#define HANDLERS_QUEUE_AMQP_KEYS_H

#include "handlers/handler.h"
#include "handlers/net/broker_url.h"

enum amqp_declare_as {
	AMQP_DECLARE_NO,
	AMQP_DECLARE_QUORUM,
	AMQP_DECLARE_CLASSIC
};

/* The words of declare, and what the broker calls these. */
extern const char *const amqp_queue_types[];

struct amqp_settings {
	char *url;
	struct key_secret password;
	char *exchange;
	char *routing_key;
	bool unroutable_retry;
	enum amqp_declare_as declare;
	struct key_secret sign_secret;
	struct handler_tls_files tls;
};

extern const struct key amqp_keys[];

/* handler.h: check(), target(), tls() */
void amqp_keys_check(void *settings, const struct handler_check *c);
void amqp_keys_target(const void *settings, char ret_text[HANDLER_REASON_MAX]);
const struct handler_tls_files *amqp_keys_tls(const void *settings);

/* Of a parsed url: the virtual host and the user; borrowed from it. */
const char *amqp_keys_vhost(const struct broker_url *url);
const char *amqp_keys_user(const struct broker_url *url);

#endif /* HANDLERS_QUEUE_AMQP_KEYS_H */
