/*
 * reconcile_words.h -- why a call for klikit's list was of no use, for people.
 *
 * Pure.
 */
#ifndef SERVER_RECONCILE_WORDS_H
#define SERVER_RECONCILE_WORDS_H

#include <stdbool.h>

#include "handlers/net/http_client.h"

/* Is it a whole 200, so that it is worth reading? */
bool reconcile_is_answer(const struct http_client_answer *answer);

/* One line. why: what is wrong with a 200; NULL: unknown. */
void reconcile_words(const struct http_client_answer *answer, const char *why,
    char ret_text[HANDLER_REASON_MAX]);

/* What to do about it; static. */
const char *reconcile_advice(const struct http_client_answer *answer);

/* Is it a fault of our own settings, which a further try will not change? */
bool reconcile_is_lasting(const struct http_client_answer *answer);

#endif /* SERVER_RECONCILE_WORDS_H */
