/*
 * redis_inspect.h -- what doctor asks a Redis, and what its answers are worth.
 *
 * Owns: nothing; pure, but for memory. Nothing is written there: the question
 *       whether entries may be added is an entry with an id, 0-0, that Redis
 *       refuses after it has looked at all else.
 */
#ifndef HANDLERS_QUEUE_REDIS_INSPECT_H
#define HANDLERS_QUEUE_REDIS_INSPECT_H

#include "handlers/handler.h"
#include "handlers/queue/redis_entry.h"

enum redis_question {
	REDIS_ASK_ROLE,   /* is it one that takes writes? */
	REDIS_ASK_TYPE,   /* what stands at the stream's key? */
	REDIS_ASK_ADD,    /* may entries be added, in the very way of a job? */
	REDIS_ASK_MEMORY, /* does it throw away what it has taken? */
	REDIS_ASK_DISK,   /* does it keep what it has taken? */
	REDIS_ASK_FSYNC   /* from when on? */
};
#define REDIS_NQUESTIONS (REDIS_ASK_FSYNC + 1)

/* As handler_inspection's found() takes it. */
struct redis_finding {
	enum handler_level level;
	char text[HANDLER_REASON_MAX];
	const char *advice; /* NULL if and only if the level is FINE */
};

/*
 * The command that asks; owned by the caller. Returns 0; -1 when out of memory.
 */
int redis_question_make(enum redis_question question,
    const struct redis_stream *stream, const char *sha, void **ret_bytes,
    size_t *ret_len);

/* What its answer is worth. Always something. */
void redis_question_judge(enum redis_question question,
    const struct redis_stream *stream, const struct redis_answer *answer,
    struct redis_finding *ret_finding);

#endif /* HANDLERS_QUEUE_REDIS_INSPECT_H */
