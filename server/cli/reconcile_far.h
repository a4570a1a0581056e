/*
 * reconcile_far.h -- klikit's list of orders as the configuration names it.
 *
 * Pure.
 */
#ifndef SERVER_RECONCILE_FAR_H
#define SERVER_RECONCILE_FAR_H

#include "server/reconcile/reconcile_link.h"

struct config;

/* Borrows cfg. The url is NULL if there is none. */
void reconcile_far_of(const struct config *cfg, struct reconcile_far *ret_far);

#endif /* SERVER_RECONCILE_FAR_H */
