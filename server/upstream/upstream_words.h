/*
 * upstream_words.h -- why a call to a hub was of no use, for people.
 *
 * Pure: what was answered in, one line out.
 */
#ifndef SERVER_UPSTREAM_WORDS_H
#define SERVER_UPSTREAM_WORDS_H

#include <stdbool.h>

#include "handlers/net/http_client.h"

/* May it be a hub's answer, as far as its status and its length show? */
bool upstream_is_answer(const struct http_client_answer *answer);

/*
 * Of one that is not; or that is not the protocol, which why says (else NULL).
 * Nothing that the far side sent is in it, but for where it leads to.
 */
void upstream_words(const struct http_client_answer *answer, const char *why,
    char ret_text[HANDLER_REASON_MAX]);

/* What can be done about it, a sentence; static. */
const char *upstream_advice(const struct http_client_answer *answer);

/* Will it hardly pass by itself? Then it is tried again seldom. */
bool upstream_is_lasting(const struct http_client_answer *answer);

#endif /* SERVER_UPSTREAM_WORDS_H */
