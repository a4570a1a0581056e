/*
 * answers.h -- how deliveries were answered, on its way to the store.
 *
 * Pure. Holds the newest ANSWERS_KEPT. Each is handed on once, with an event
 * that is appended next; what could not be stored is noted again.
 */
#ifndef SERVER_ANSWERS_H
#define SERVER_ANSWERS_H

#include "store/arrival.h"

#define ANSWERS_KEPT 1024

struct answers { /* to be embedded; all zero: none */
	struct store_answer list[ANSWERS_KEPT]; /* by number, modulo */
	uint64_t noted;
	uint64_t handed; /* on */
};

void answers_note(struct answers *a, const struct store_answer *answer);

/* The next STORE_ANSWERS_MAX to be stored, as a text; "": there are none. */
void answers_hand_on(struct answers *a, char ret_text[STORE_ANSWERS_SIZE]);

/* They were not stored. text may be NULL. */
void answers_note_again(struct answers *a, const char *text);

/* The answer to that event, as far as it is remembered. 0, or -1. */
int answers_find(const struct answers *a, int64_t event,
    struct store_answer *ret_answer);

#endif /* SERVER_ANSWERS_H */
