/*
 * reject_cause.h -- the causes for which a delivery is refused.
 */
#ifndef SERVER_REJECT_CAUSE_H
#define SERVER_REJECT_CAUSE_H

#include <stdbool.h>

/* Why a delivery was refused, or kept beside the event it conflicts with. */
enum reject_cause {
	REJECT_HEADERS_MISSING, /* one of klikit's three headers */
	REJECT_HEADERS_INVALID, /* too long, or not printable ASCII */
	REJECT_SIGNATURE,
	REJECT_INVALID_JSON,     /* authentic: kept whole */
	REJECT_TOO_MANY_ORDERS,  /* authentic: kept whole */
	REJECT_ID_CONFLICT,      /* authentic: kept whole */
	REJECT_NOT_FOR_ENDPOINT, /* authentic: kept whole */
	REJECT_NCAUSES
};

/* The cause's name in the store and in metrics; static. */
const char *reject_cause_name(enum reject_cause cause);

/* Was the delivery signed with one of our secrets? */
bool reject_cause_is_authentic(enum reject_cause cause);

#endif /* SERVER_REJECT_CAUSE_H */
