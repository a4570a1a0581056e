/*
 * upstream_batch.h -- what a hub answers: the jobs that it hands out.
 *
 * Pure apart from memory: bytes in, jobs or a reason out. Nothing recurses, and
 * beside the bytes at most 4 MiB are needed, whatever they say: a hub is not
 * trusted with more than its events.
 */
#ifndef SERVER_UPSTREAM_BATCH_H
#define SERVER_UPSTREAM_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "store/base/arena.h"

#define UPSTREAM_JOBS_MAX 100    /* in a batch: more are never asked for */
#define UPSTREAM_ID_MAX 32       /* bytes of a job's id */
#define UPSTREAM_LEASE_MAX 64    /* of a lease */
#define UPSTREAM_EVENT_MAX 255   /* of an event's id */
#define UPSTREAM_HEADERS_MAX 64  /* of a job */
#define UPSTREAM_NAME_MAX 128    /* bytes of a header's name */
#define UPSTREAM_VALUE_MAX 16384 /* of its value */

struct upstream_header {
	const char *name;
	const char *value;
};

struct upstream_job {
	const char *id; /* printable ASCII, like the next two */
	const char *lease;
	const char *event_id;
	int64_t lease_ms;
	int64_t attempt;
	int64_t received_at_ms; /* at the hub, by its clock */
	const struct upstream_header *headers;
	size_t nheaders;
	const char *body; /* base64, as it stands in the bytes */
	size_t body_len;
};

struct upstream_batch {
	struct upstream_job jobs[UPSTREAM_JOBS_MAX];
	size_t njobs;
	struct arena memory;
};

/*
 * Read the bytes into *ret_batch. Returns 0, and then it is the caller's to
 * give back, and valid as long as the bytes; -1, with one line of what is wrong
 * in reason: nothing of it is to be believed.
 */
int upstream_batch_read(const char *bytes, size_t len,
    struct upstream_batch *ret_batch, char reason[HANDLER_REASON_MAX]);

/* Accepts one that is all zero. */
void upstream_batch_fini(struct upstream_batch *batch);

/* Its header of that name, in whatever case; NULL: it has none. */
const char *upstream_job_header(const struct upstream_job *job,
    const char *name);

/*
 * The job's body (from malloc, owned by the caller) and its length. Returns 0;
 * -1 if it is no base64, or when out of memory: errno is ENOMEM then.
 */
int upstream_job_body(const struct upstream_job *job, void **ret_body,
    size_t *ret_len);

#endif /* SERVER_UPSTREAM_BATCH_H */
