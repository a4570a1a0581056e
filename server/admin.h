/*
 * admin.h -- what an operator can ask and do, as JSON documents.
 *
 * Owns:    the table of requests under /api/v1 and their answers. The admin
 *          listener asks for them by HTTP; a verb that has the store to
 *          itself calls here directly: there is one meaning of each.
 * Touches: store.h, the wall clock. No HTTP, no dispatch: what dispatch has
 *          to know goes through struct admin_fns.
 *
 *   GET  /api/v1/handlers                every handler with its backlog
 *   POST /api/v1/handlers/NAME/pause     {"why": TEXT}, which may be missing
 *   POST /api/v1/handlers/NAME/resume
 *   GET  /api/v1/jobs?...                a page, newest first; next is the
 *                                        `before' of the following one, or null
 *   GET  /api/v1/jobs/ID                 with its attempts
 *   POST /api/v1/jobs/replay             {"ids": [ID, ...]}, each on its own
 *   POST /api/v1/jobs/ID/retry
 *   POST /api/v1/jobs/ID/discard         {"reason": TEXT}
 *   POST /api/v1/purge                   {"order": ID} or {"older_than_ms": N};
 *                                        with "more", ask again
 *
 * The query of GET /jobs: state, handler, event, order, type, since and until
 * (RFC 3339), before, newest (true: of replays only the last), limit (1 to
 * STORE_PAGE_MAX). Errors are {"error": TEXT}: 400 what was asked makes no
 * sense, 404, 405, 409 the job's state does not allow it, 503 the store
 * cannot now, 500.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct admin; /* opaque */

/* What else is told of a change; each may be NULL. */
struct admin_fns {
	/* Jobs of that handler became runnable. */
	void (*look)(void *arg, int64_t handler);
	/* A handler was paused, or goes on. */
	void (*paused)(void *arg, int64_t handler, bool paused);
	void *arg;
};

#define ADMIN_REPLAY_MAX 500 /* ids of one request */

struct admin_request {
	const char *method; /* "GET" or "POST" */
	const char *path;   /* as it came, encoded */
	const char *query;  /* as it came; NULL if there is none */
	const void *body;
	size_t body_len;
};

struct admin_answer {
	int status;        /* as of HTTP */
	char *body;        /* JSON; NULL when memory was short */
	const char *allow; /* with 405: the method that is right; static */
};

/* answer is valid during the call. */
typedef void admin_done_fn(const struct admin_answer *answer, void *arg);

/* Keeps st, copies fns. NULL when out of memory. */
struct admin *admin_new(struct store *st, const struct admin_fns *fns);

/*
 * Do what is asked. Borrows req. Returns true when it is under way: done()
 * runs exactly once, from store_collect(), not before this call returns.
 * Returns false when it is answered at once: ret_answer says so, its body (from
 * malloc) is the caller's, and done() never runs.
 */
bool admin_call(struct admin *a, const struct admin_request *req,
    admin_done_fn *done, void *arg, struct admin_answer *ret_answer);

/* Calls under way. */
size_t admin_pending(const struct admin *a);

/* Only when nothing is under way. Accepts NULL. */
void admin_free(struct admin *a);

#endif /* SERVER_ADMIN_H */
