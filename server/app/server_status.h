/*
 * server_status.h -- what the operator is shown of the server as a whole.
 */
#ifndef SERVER_SERVER_STATUS_H
#define SERVER_SERVER_STATUS_H

#include <stddef.h>
#include <stdint.h>

struct admin_status;
struct admin_times;
struct entity_live;
struct server;
struct store_handler_info;

/* admin_fns */
void server_status_cb(void *arg, struct admin_status *ret_status);

/*
 * What is known of damage: none (not looked for), running, sound, failed (could
 * not be looked for), repaired, damaged.
 */
const char *server_check_word(const struct server *s);
void server_times_cb(void *arg, int64_t event, struct admin_times *ret_times);
void server_live_cb(void *arg, const struct store_handler_info *h,
    struct entity_live *ret_live);
size_t server_ends_cb(void *arg, const char *const **ret_ends);
const char *server_status_name_cb(void *arg, const char *status);
size_t server_status_names_cb(void *arg, const char *const **ret_names);
int64_t server_deadline_cb(void *arg, const char *handler);

#endif /* SERVER_SERVER_STATUS_H */
