/*
 * registry.h -- the handlers there are, one const table each.
 *
 * Owns: nothing; says only which names registry.c and their own files share.
 * Everybody else finds a handler by its type (handler.h).
 */
#ifndef HANDLERS_REGISTRY_H
#define HANDLERS_REGISTRY_H

#include "handlers/handler.h"

extern const struct handler handler_exec;    /* exec.c */
extern const struct handler handler_forward; /* forward.c */
extern const struct handler handler_orders;  /* orders.c */

#endif /* HANDLERS_REGISTRY_H */
