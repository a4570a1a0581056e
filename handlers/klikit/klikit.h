/*
 * klikit.h -- the handler of type "klikit": klikit is sent the status of an
 * order.
 */
#ifndef HANDLERS_KLIKIT_H
#define HANDLERS_KLIKIT_H

#include "handlers/handler.h"

extern const struct handler handler_klikit;

#endif /* HANDLERS_KLIKIT_H */
