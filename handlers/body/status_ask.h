/*
 * status_ask.h -- the event that asks for klikit to be sent the status of an
 * order.
 *
 * Pure: text in, text out.
 *
 * It is an event that klikitd makes itself, whose body is {"order": ID,
 * "status": WORD, "by": NAME, and of STATUS_ASK_FIELDS those that were given}.
 */
#ifndef HANDLERS_STATUS_ASK_H
#define HANDLERS_STATUS_ASK_H

#include "handlers/handler.h"

/* The type of such an event. */
#define STATUS_ASK_TYPE "klikitd.order.status.requested"

/* What may be said beside the status, as klikit calls it; NULL at the end. */
extern const char *const status_ask_fields[];

/*
 * Of KEY_TEXTS: is each "WORD: STATUS", of letters, digits, '-' and '_', and no
 * word there twice?
 */
key_check_fn status_ask_check;

/*
 * klikit's status for a word of such a list: what stands behind it, or the word
 * itself if it is one of these. NULL: none; else valid until the list changes.
 */
const char *status_ask_find(const struct key_list *statuses, const char *word);

#endif /* HANDLERS_STATUS_ASK_H */
