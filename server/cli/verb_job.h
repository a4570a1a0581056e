/*
 * verb_job.h -- private to the verbs about jobs: the flags that
 * choose jobs, and going through them.
 */
#ifndef SERVER_VERB_JOB_H
#define SERVER_VERB_JOB_H

#include <stdbool.h>

#include <jansson.h>

#include "server/base/table.h"
#include "server/cli/verb_admin.h"

#define VERB_JOB_FLAGS                                                         \
	{ "state", "STATE", "only ready, running, waiting, done or dead ones", \
		false },                                                       \
	    { "handler", "NAME", "only of this handler", false },              \
	    { "order", "ID", "only for events with this order", false },       \
	    { "scope", "WORD",                                                 \
		    "only for events of this scope; '' is the usual one",      \
		    false },                                                   \
	    { "type", "TYPE", "only for events of this type", false },         \
	    { "since", "TIME",                                                 \
		    "only for events received at TIME (RFC 3339) or later",    \
		    false },                                                   \
	{                                                                      \
		"until", "TIME", "only for events received before TIME", false \
	}

/* How many of those flags were given. */
size_t verb_job_filters(const struct verb_args *args);

/* Do their values make sense? Returns 0; -1, told as a usage error. */
int verb_job_check(const struct verb_args *args);

/* Which jobs to go through. */
struct verb_jobs {
	const char *event; /* only of this event id; NULL: of any */
	bool newest;       /* of replays only the last */
	size_t most;       /* jobs; 0: all */
};

/*
 * Call each() for the jobs that the flags and which choose, newest first,
 * until it returns -1. Returns 0; -1, told on stderr, if one of the pages
 * could not be had or each() returned -1, which has told it then.
 */
typedef int verb_job_fn(const json_t *job, void *arg);
int verb_job_each(struct verb_admin *va, const struct verb_args *args,
    const struct verb_jobs *which, verb_job_fn *each, void *arg);

/* A table of jobs, to be freed by table_free(); NULL when out of memory. */
struct table *verb_job_table(void);
void verb_job_row(struct table *t, const json_t *job);

/* Write a number of an answer; "-" if it is null. Returns text. */
#define VERB_NUMBER_MAX 32
const char *verb_job_number(const json_t *o, const char *name,
    char text[VERB_NUMBER_MAX]);

#endif /* SERVER_VERB_JOB_H */
