/*
 * broker_url.h -- the URL of a broker, taken apart (pure).
 *
 *   SCHEME://[USER@]HOST[:PORT][/REST]
 *
 * USER and REST may hold %XX. A password has no place in it: it would stand in
 * the configuration, and in what is shown of it.
 */
#ifndef HANDLERS_BROKER_URL_H
#define HANDLERS_BROKER_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "handlers/handler.h"

/* One of the schemes of a type; tables of them end with one without a name. */
struct broker_scheme {
	const char *name; /* "rediss" */
	uint16_t port;    /* where there is none in the URL */
	bool tls;
};

extern const struct broker_scheme broker_schemes_amqp[];  /* amqp, amqps */
extern const struct broker_scheme broker_schemes_redis[]; /* redis, rediss */

/* Texts are owned by the struct. */
struct broker_url {
	const struct broker_scheme *scheme;
	char *user; /* decoded; NULL: none is named */
	char *host; /* without the brackets of an IPv6 address */
	uint16_t port;
	char *rest; /* behind the slash, decoded; NULL: there is no slash */
};

/*
 * Take a URL apart. Returns 0, and the caller owns what is in *ret_url; -1 and
 * one line in reason, which repeats nothing that may be a password.
 */
int broker_url_parse(const char *text, const struct broker_scheme *schemes,
    struct broker_url *ret_url, char reason[HANDLER_REASON_MAX]);

/* Accepts one that is all zero. */
void broker_url_fini(struct broker_url *url);

/* "rediss://[::1]:6379", for people; without user and rest. */
void broker_url_text(const struct broker_url *url,
    char ret_text[HANDLER_REASON_MAX]);

/* Is text one whose scheme asks for TLS? NULL: no. */
bool broker_url_is_tls(const char *text, const struct broker_scheme *schemes);

#endif /* HANDLERS_BROKER_URL_H */
