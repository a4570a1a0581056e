/*
 * admin_event.h -- private to admin_event*.c: what is shown of one event
 * beside its fields.
 */
#ifndef SERVER_ADMIN_EVENT_H
#define SERVER_ADMIN_EVENT_H

#include <jansson.h>

#include "server/admin/admin.h"
#include "store/store_read.h"

/* The headers as klikit sent them, as far as they are kept; redacted. */
json_t *admin_event_headers(const struct store_event *ev,
    const struct store_arrival *arrival);

/* What happened to it, by time; attempts are of its jobs. */
json_t *admin_event_timeline(const struct store_event_info *info,
    const struct admin_times *times, const struct store_attempt_info *attempts,
    size_t n);

#endif /* SERVER_ADMIN_EVENT_H */
