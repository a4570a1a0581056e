/*
 * registry.h -- the types of handlers, one const table each.
 *
 * Owns: the table of them. It is handed to verb_main(), and reaches all others
 * with the configuration: nobody else names a type.
 */
#ifndef HANDLERS_REGISTRY_H
#define HANDLERS_REGISTRY_H

#include "handlers/handler.h"

extern const struct handler handler_exec;    /* exec.c */
extern const struct handler handler_forward; /* forward.c */
extern const struct handler handler_orders;  /* orders.c */
extern const struct handler handler_redis;   /* queue/redis.c; HAVE_REDIS */

/*
 * All of them, NULL at the end. The first is what a configuration without any
 * handler has.
 */
extern const struct handler *const handler_types[];

#endif /* HANDLERS_REGISTRY_H */
