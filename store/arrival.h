/*
 * arrival.h -- how an event came, and how its delivery was answered.
 *
 * Pure. An event is stored before it is answered, and its row is not written
 * again for that: how a delivery was answered stands in the row of an event
 * that came later, among its `answers', which is written anyway. The answers
 * to the newest events are in no row yet.
 */
#ifndef STORE_ARRIVAL_H
#define STORE_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a delivery that was stored as that event was answered. */
struct store_answer {
	int64_t event;
	int status;      /* of HTTP; 0: its connection was gone */
	int64_t took_us; /* from the last byte of the request to the last of
			    the answer */
};

/* Answers in one row: "EVENT:STATUS:US" each, with a blank between. */
#define STORE_ANSWERS_MAX 16
#define STORE_ANSWERS_SIZE (STORE_ANSWERS_MAX * 48)

/* n of them, STORE_ANSWERS_MAX at most, as such a text. */
void store_answers_write(const struct store_answer *list, size_t n,
    char ret_text[STORE_ANSWERS_SIZE]);

/* Read the next one at *at. Returns 0; -1 at the end, or where none stands. */
int store_answers_next(const char **at, struct store_answer *ret_answer);

/* Find the answer to that event. Returns 0; -1: it is not there. */
int store_answers_find(const char *text, int64_t event,
    struct store_answer *ret_answer);

/* What is known of an event's arrival beside its row in lists. */
struct store_arrival {
	/* One "name: value" a line, redacted; NULL: none were kept, or they
	   went with the body. */
	const char *headers;     /* like those of other deliveries */
	const char *own_headers; /* that differ in each */
	bool answered;           /* the answer is known: */
	struct store_answer answer;
};

#endif /* STORE_ARRIVAL_H */
