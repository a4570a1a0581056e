/*
 * diagnosis.h -- why a delivery was refused: the signature doctor.
 *
 * Owns:    one examination: the hypotheses still to be tried, and how far it
 *          is. Tries what may have happened to the secret, to the body or to
 *          the header's value on the way, and names the first that makes the
 *          signature right.
 * Pure:    a delivery and keys in, a code and a sentence out. Reads no clock,
 *          never logs.
 *
 * What is found explains and nothing else: no delivery is accepted by it. No
 * sentence holds any byte of a secret, of a signature, or of a body, nor any
 * text of the sender's but names of headers.
 */
#ifndef SERVER_DIAGNOSIS_H
#define SERVER_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/diagnosis/diagnosis_input.h"
#include "server/diagnosis/reject_cause.h"

struct diagnosis; /* opaque */
struct diagnosis_keys;

#define DIAGNOSIS_TEXT_MAX 512

/* What was found. The words for them are stable: diagnosis_code_name(). */
enum diagnosis_code {
	DIAGNOSIS_SKIPPED,      /* not looked into */
	DIAGNOSIS_VERIFIES_NOW, /* nothing is wrong any more */
	DIAGNOSIS_SECRET_WRONG, /* nothing matched */
	DIAGNOSIS_SECRET_EXPIRED,
	DIAGNOSIS_SECRET_NEWLINE,
	DIAGNOSIS_SECRET_BLANKS,
	DIAGNOSIS_SECRET_QUOTED,
	DIAGNOSIS_SECRET_ASSIGNMENT, /* NAME=value in its file */
	DIAGNOSIS_SECRET_BOM,
	DIAGNOSIS_SECRET_ENCODED, /* hex or base64 */
	DIAGNOSIS_SECRET_CASE,
	DIAGNOSIS_SECRET_EMPTY,
	DIAGNOSIS_SECRET_ELSEWHERE, /* it opens another endpoint */
	DIAGNOSIS_BODY_NEWLINE,     /* one more or less at its end */
	DIAGNOSIS_BODY_LINE_ENDS,   /* CRLF or LF */
	DIAGNOSIS_BODY_BOM,
	DIAGNOSIS_BODY_RESERIALISED, /* parsed and printed anew */
	DIAGNOSIS_BODY_COMPRESSED,
	DIAGNOSIS_BODY_EMPTY,
	DIAGNOSIS_BODY_TRUNCATED,
	DIAGNOSIS_BODY_NOT_JSON,
	DIAGNOSIS_BODY_OLD_DESIGN, /* event_id and data */
	DIAGNOSIS_BODY_TOO_LARGE,  /* to be looked into */
	DIAGNOSIS_SIGNATURE_PADDED,
	DIAGNOSIS_SIGNATURE_PREFIXED,
	DIAGNOSIS_SIGNATURE_UPPERCASE,
	DIAGNOSIS_SIGNATURE_BASE64,
	DIAGNOSIS_SIGNATURE_OLD_SCHEME,
	DIAGNOSIS_SIGNATURE_OTHER_HASH,
	DIAGNOSIS_SIGNATURE_MALFORMED,
	DIAGNOSIS_SIGNED_WITHOUT_KEY,
	DIAGNOSIS_SIGNED_MORE, /* the event id and the body, ... */
	DIAGNOSIS_HEADERS_MISSING,
	DIAGNOSIS_HEADERS_EMPTY,
	DIAGNOSIS_HEADERS_RENAMED,
	DIAGNOSIS_HEADERS_INVALID,
	DIAGNOSIS_JSON_INVALID,
	DIAGNOSIS_ORDERS_TOO_MANY,
	DIAGNOSIS_ID_CONFLICT,
	DIAGNOSIS_NOT_FOR_ENDPOINT,
	DIAGNOSIS_NCODES
};

/* The code's word, as it is stored; static. */
const char *diagnosis_code_name(enum diagnosis_code code);

struct diagnosis_finding {
	enum diagnosis_code code;
	bool known; /* a form of it was signed with a form of our secret */
	char text[DIAGNOSIS_TEXT_MAX]; /* without a full stop */
};

/*
 * Begin to examine a delivery. Keeps in, all that it points at, and keys,
 * which are only needed for REJECT_SIGNATURE. Owned by the caller; NULL when
 * out of memory.
 */
struct diagnosis *diagnosis_new(const struct diagnosis_input *in,
    const struct diagnosis_keys *keys);

/* Accepts NULL. */
void diagnosis_free(struct diagnosis *d);

/*
 * Go on until about work_max bytes have been read, written or hashed; a step
 * that has begun is ended, and none is longer than some times the body.
 * Returns true when done, with the finding. Not to be called again then.
 */
bool diagnosis_run(struct diagnosis *d, size_t work_max,
    struct diagnosis_finding *ret_finding);

/*
 * The finding on a cause that needs no examination: REJECT_TOO_MANY_ORDERS,
 * REJECT_ID_CONFLICT, REJECT_NOT_FOR_ENDPOINT. Returns false for others.
 */
bool diagnosis_by_cause(enum reject_cause cause,
    struct diagnosis_finding *ret_finding);

/* What is said of a delivery that is not examined, and why it is not. */
void diagnosis_skip(const char *why, struct diagnosis_finding *ret_finding);

#endif /* SERVER_DIAGNOSIS_H */
