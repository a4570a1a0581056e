/*
 * cert_due.h -- how near a certificate is to its end, and when to look again.
 *
 * Pure: dates in, answers out.
 */
#ifndef SERVER_CERT_DUE_H
#define SERVER_CERT_DUE_H

#include <stdbool.h>
#include <stdint.h>

enum cert_stage {
	CERT_EARLY, /* not valid yet, or the clock is wrong */
	CERT_FINE,
	CERT_WEEKS, /* 21 days or less */
	CERT_WEEK,  /* 7 days or less */
	CERT_DAY,   /* 1 day or less */
	CERT_EXPIRED
};

/* What now_ms is for a certificate that is valid in [from_ms, until_ms]. */
enum cert_stage cert_due_stage(int64_t from_ms, int64_t until_ms,
    int64_t now_ms);

/*
 * Is a warning due, if `seen' was the stage at the last look? One is due when
 * a stage is entered; not when a clock that goes back leads to an earlier one.
 */
bool cert_due_warns(enum cert_stage seen, enum cert_stage stage);

/* The stage changes by itself after so many ms; never 0. */
int64_t cert_due_wait_ms(int64_t from_ms, int64_t until_ms, int64_t now_ms);

#endif /* SERVER_CERT_DUE_H */
