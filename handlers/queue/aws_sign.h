/*
 * aws_sign.h -- AWS Signature Version 4.
 *
 * Owns: nothing; pure: the time is passed in. Digests are those of digest.h.
 *
 * The rules are those of "Signature Version 4 signing process" in AWS's guide
 * to identity and access management, for a path of "/" and no query.
 */
#ifndef HANDLERS_AWS_SIGN_H
#define HANDLERS_AWS_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/queue/aws_keys.h"

#define AWS_SIGN_DATE_LEN 16 /* "20150830T123600Z" */
#define AWS_SIGN_MAX 640     /* of the whole Authorization, its NUL included */

struct aws_sign_header {
	const char *name;  /* in lower case */
	const char *value; /* without blanks at its ends or in a row */
};

/* What is to be signed. */
struct aws_sign_request {
	const char *method;  /* "POST" */
	const char *service; /* "sqs" */
	const char *region;  /* "eu-west-1" */
	/* Sorted by name; "host" and "x-amz-date" among them. */
	const struct aws_sign_header *headers;
	size_t nheaders;
	const void *body;
	size_t body_len;
	const char *date; /* that of x-amz-date */
};

/* The value of x-amz-date at now_ms (since the epoch). */
void aws_sign_date(int64_t now_ms, char ret_date[AWS_SIGN_DATE_LEN + 1]);

/*
 * The value of the header Authorization. Returns 0; -1 when out of memory, or
 * when something of it is longer than AWS has it.
 */
int aws_sign(const struct aws_sign_request *req, const struct aws_keys *keys,
    char ret_authorization[AWS_SIGN_MAX]);

#endif /* HANDLERS_AWS_SIGN_H */
