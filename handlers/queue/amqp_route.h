/*
 * amqp_route.h -- a routing key made from a template with names in braces:
 * "orders.{brand}.{type}".
 *
 * Owns: nothing; pure.
 */
#ifndef HANDLERS_QUEUE_AMQP_ROUTE_H
#define HANDLERS_QUEUE_AMQP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#define AMQP_ROUTE_MAX 255 /* bytes that the protocol allows */

/* What stands in for {type}, {brand}, {branch}. None is NULL. */
struct amqp_route {
	const char *type;
	const char *brand;
	const char *branch;
};

/*
 * Is it a template? Returns 0; or -1, with one line for people in reason.
 */
int amqp_route_check(const char *template, char *reason, size_t size);

/* Has it any name in braces, so that not every message has the same key? */
bool amqp_route_varies(const char *template);

/*
 * Write the key of a checked template. Returns 0; -1: it would be longer than
 * AMQP_ROUTE_MAX bytes.
 */
int amqp_route_write(const char *template, const struct amqp_route *route,
    char ret_key[AMQP_ROUTE_MAX + 1]);

#endif /* HANDLERS_QUEUE_AMQP_ROUTE_H */
