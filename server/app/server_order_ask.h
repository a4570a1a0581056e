/*
 * server_order_ask.h -- private to server*.c: the status of an
 * order is to be sent to klikit.
 */
#ifndef SERVER_SERVER_ORDER_ASK_H
#define SERVER_SERVER_ORDER_ASK_H

#include "handlers/handler.h"
#include "server/intake/order_ask.h"

/* These two are admin_fns. */
json_t *server_order_words_cb(void *arg, const char *brand, const char *branch);
int server_order_ask_cb(void *arg, const struct order_ask *ask,
    ingest_done_fn *done, void *done_arg, char ret_event_id[ORDER_ASK_ID_MAX],
    char reason[HANDLER_REASON_MAX]);

#endif /* SERVER_SERVER_ORDER_ASK_H */
