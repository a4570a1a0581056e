/*
 * redis_verdict.h -- what an error of Redis means for a job.
 *
 * Owns: nothing; pure. The table of errors by their first words is in
 *       redis_verdict.c.
 */
#ifndef HANDLERS_QUEUE_REDIS_VERDICT_H
#define HANDLERS_QUEUE_REDIS_VERDICT_H

#include "handlers/handler.h"

struct redis_ruling {
	const char *begins; /* the error's first words; NULL: any other's */
	enum handler_verdict verdict; /* RETRY or DEAD */
	enum handler_fault fault;     /* with RETRY */
	bool pause;                   /* until somebody has put it right */
	bool reconnect;   /* another server may stand at that address by now */
	const char *text; /* what is wrong, and what to do */
};

/*
 * What the table says of an error ("NOAUTH Authentication required."), also of
 * one that a script passed on in the way of an old server. Always one.
 */
const struct redis_ruling *redis_ruling_of(const char *error);

/*
 * The same as the result of the job that was answered so by the handler of that
 * name: verdict, reason, detail.
 */
void redis_verdict(const struct redis_ruling *ruling, const char *name,
    const char *error, struct handler_result *ret_result);

#endif /* HANDLERS_QUEUE_REDIS_VERDICT_H */
