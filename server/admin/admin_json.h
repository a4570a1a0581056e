/*
 * admin_json.h -- the documents of the admin API, as its lists and the stream
 * have them; rejection_json.h has one more.
 *
 * Pure but for memory: each returns a new reference; NULL when out of memory.
 */
#ifndef SERVER_ADMIN_JSON_H
#define SERVER_ADMIN_JSON_H

#include <jansson.h>

#include "store/store_read.h"

json_t *admin_event_json(const struct store_event_info *info);
json_t *admin_job_json(const struct store_job_info *job);
json_t *admin_attempt_json(const struct store_attempt_info *at);

/* What dispatch knows of a handler. */
struct admin_live {
	bool configured; /* else it is parked */
	bool probing;
	size_t under_way; /* its calls */
};
typedef void admin_live_fn(void *arg, int64_t handler,
    struct admin_live *ret_live);

/* live NULL: no server runs. */
json_t *admin_handler_json(const struct store_handler_info *h,
    const struct admin_live *live);

#endif /* SERVER_ADMIN_JSON_H */
