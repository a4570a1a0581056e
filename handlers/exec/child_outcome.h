/*
 * child_outcome.h -- what the end of a program means, in words.
 *
 * Pure.
 */
#ifndef HANDLERS_CHILD_OUTCOME_H
#define HANDLERS_CHILD_OUTCOME_H

#include "handlers/exec/child.h"
#include "handlers/handler.h"

enum child_outcome {
	CHILD_DONE,    /* exit 0 */
	CHILD_LATER,   /* exit 75 (EX_TEMPFAIL) */
	CHILD_FAILED,  /* any other exit */
	CHILD_KILLED,  /* a signal */
	CHILD_LIMITED, /* the time limit, however it ended */
	CHILD_LOST     /* nobody knows */
};

/*
 * How it ended. *ret_code is the exit status, or 128 + the signal; 0 if there
 * is none. Of all but CHILD_DONE, which leaves it empty, reason says so.
 */
enum child_outcome child_judge(const struct child_end *end, int64_t limit_ms,
    int *ret_code, char ret_reason[HANDLER_REASON_MAX]);

/* The first line of what was printed, made fit for a line; or nothing. */
void child_first_line(const struct child_end *end,
    char ret_line[HANDLER_REASON_MAX]);

#endif /* HANDLERS_CHILD_OUTCOME_H */
