/*
 * diagnosis_input.h -- a delivery that was refused, as the signature doctor
 * gets it (pure).
 */
#ifndef SERVER_DIAGNOSIS_INPUT_H
#define SERVER_DIAGNOSIS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/diagnosis/reject_cause.h"

/* Of a body longer than this no rewriting is tried. */
#define DIAGNOSIS_BODY_MAX ((size_t)256 * 1024)

struct diagnosis_header {
	const char *name;
	const char *value;
};

struct diagnosis_input {
	enum reject_cause cause; /* why it was refused */
	const struct diagnosis_header *headers;
	size_t nheaders;
	const void *body;
	size_t body_len;      /* of what is at body */
	size_t size;          /* of the whole */
	const char *endpoint; /* that it came to; NULL: that is not known */
	int64_t at_ms;        /* when it came in */
};

/*
 * The value of the first header of that name, in whatever case; NULL if there
 * is none.
 */
const char *diagnosis_header_get(const struct diagnosis_input *in,
    const char *name);

/* Is the whole body at hand, and not too long to work on? */
bool diagnosis_is_whole(const struct diagnosis_input *in);

#endif /* SERVER_DIAGNOSIS_INPUT_H */
