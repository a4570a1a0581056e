/*
 * The form is read by places, not into a tree: a batch may have megabytes.
 * Members that are not known are read over.
 */
#include "server/upstream/upstream_batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/base/base64.h"
#include "store/base/json_scan.h"
#include "store/base/parse.h"

#define KEY_MAX 32
#define NUMBER_MAX 24
#define HOUR_MS (3600 * INT64_C(1000))
#define MEMORY_MAX ((size_t)4 << 20) /* for what is not a body */
#define MEMORY_EACH 32               /* beside its bytes, for each piece */

/* What is left to be read. what: what is wrong, once something is. */
struct walk {
	const char *at;
	const char *end;
	const char *what;
	struct arena *memory;
	size_t room; /* bytes that may still be taken of it */
};

static int
wrong(struct walk *w, const char *what)
{
	if (w->what == NULL)
		w->what = what;
	return (-1);
}

/* len bytes; NULL, with what is wrong said. */
static void *
take_memory(struct walk *w, size_t len)
{
	size_t cost = len + MEMORY_EACH;
	void *p;

	if (cost > w->room) {
		(void)wrong(w, "its heads are too large");
		return (NULL);
	}
	w->room -= cost;
	if ((p = arena_alloc(w->memory, len)) == NULL)
		(void)wrong(w, "out of memory");
	return (p);
}

/* -- The parts of JSON -- */

/* Go past the next byte that is no blank, if it is this one. */
static bool
take(struct walk *w, char c)
{
	w->at = json_scan_blanks(w->at, w->end);
	if (w->at == w->end || *w->at != c)
		return (false);
	w->at++;
	return (true);
}

/* Past any value. Returns 0, or -1. */
static int
skip_value(struct walk *w)
{
	const char *p = json_scan_blanks(w->at, w->end);

	w->at = json_scan_value(p, w->end);
	return (w->at == p ? wrong(w, "it is no JSON") : 0);
}

/* The string that is next, quotes and all. Returns 0, or -1. */
static int
take_token(struct walk *w, const char **ret_token, size_t *ret_len,
    const char *what)
{
	const char *p = json_scan_blanks(w->at, w->end);

	if (p == w->end || *p != '"' ||
	    json_scan_scalar(p, w->end, &w->at) != JSON_SCAN_OK)
		return (wrong(w, what));
	*ret_token = p;
	*ret_len = (size_t)(w->at - p);
	return (0);
}

/* The string that is next, of at most max bytes, as text. */
static int
take_text(struct walk *w, size_t max, const char **ret_text, const char *what)
{
	const char *token;
	char *text;
	size_t len;

	if (take_token(w, &token, &len, what) == -1)
		return (-1);
	/* An escape takes six bytes for one, at most. */
	if (len > 6 * max + 2)
		return (wrong(w, what));
	if ((text = take_memory(w, len)) == NULL)
		return (-1);
	if (json_scan_text(token, len, len, text) == -1 || strlen(text) > max)
		return (wrong(w, what));
	*ret_text = text;
	return (0);
}

/* The same, of printable ASCII, and not empty. */
static int
take_word(struct walk *w, size_t max, const char **ret_text, const char *what)
{
	if (take_text(w, max, ret_text, what) == -1)
		return (-1);
	for (const char *p = *ret_text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return (wrong(w, what));
	}
	return (**ret_text == '\0' ? wrong(w, what) : 0);
}

static int
take_number(struct walk *w, int64_t min, int64_t max, int64_t *ret_n,
    const char *what)
{
	const char *p = json_scan_blanks(w->at, w->end);
	char text[NUMBER_MAX];

	if (json_scan_scalar(p, w->end, &w->at) != JSON_SCAN_OK ||
	    (size_t)(w->at - p) >= sizeof(text))
		return (wrong(w, what));
	(void)snprintf(text, sizeof(text), "%.*s", (int)(w->at - p), p);
	return (parse_int(text, min, max, ret_n) == -1 ? wrong(w, what) : 0);
}

/*
 * Is there another member, or item, of what began with n before it? Past the
 * comma, or the closing bracket. -1: neither.
 */
static int
more(struct walk *w, size_t n, char closing)
{
	if (take(w, closing))
		return (0);
	return (n == 0 || take(w, ',') ? 1 : wrong(w, "it is no JSON"));
}

/* The next member's name; what is longer is none of ours, and "" here. */
static int
take_key(struct walk *w, char ret_key[KEY_MAX])
{
	const char *token;
	size_t len;

	if (take_token(w, &token, &len, "it is no JSON") == -1)
		return (-1);
	if (len > KEY_MAX || json_scan_text(token, len, KEY_MAX, ret_key) == -1)
		ret_key[0] = '\0';
	return (take(w, ':') ? 0 : wrong(w, "it is no JSON"));
}

/* -- A job -- */

/* ["Name", "value"] */
static int
take_header(struct walk *w, struct upstream_header *ret)
{
	static const char what[] = "a header is no pair of texts";

	if (!take(w, '[') ||
	    take_word(w, UPSTREAM_NAME_MAX, &ret->name, what) == -1 ||
	    !take(w, ',') ||
	    take_text(w, UPSTREAM_VALUE_MAX, &ret->value, what) == -1 ||
	    !take(w, ']'))
		return (wrong(w, what));
	return (0);
}

static int
take_headers(struct walk *w, struct upstream_job *job)
{
	struct upstream_header all[UPSTREAM_HEADERS_MAX];
	struct upstream_header *copy;
	size_t n = 0;
	int rc;

	if (!take(w, '['))
		return (wrong(w, "headers are no list"));
	while ((rc = more(w, n, ']')) == 1) {
		if (n == UPSTREAM_HEADERS_MAX)
			return (wrong(w, "a job has too many headers"));
		if (take_header(w, &all[n++]) == -1)
			return (-1);
	}
	if (rc == -1)
		return (-1);
	if ((copy = take_memory(w, n * sizeof(all[0]) + 1)) == NULL)
		return (-1);
	memcpy(copy, all, n * sizeof(all[0]));
	job->headers = copy;
	job->nheaders = n;
	return (0);
}

/* A member of a job. */
static int
take_member(struct walk *w, const char *key, struct upstream_job *job)
{
	if (strcmp(key, "id") == 0)
		return (take_word(w, UPSTREAM_ID_MAX, &job->id,
		    "a job's id is no short text"));
	if (strcmp(key, "lease") == 0)
		return (take_word(w, UPSTREAM_LEASE_MAX, &job->lease,
		    "a lease is no short text"));
	if (strcmp(key, "event_id") == 0)
		return (take_word(w, UPSTREAM_EVENT_MAX, &job->event_id,
		    "an event_id is none"));
	if (strcmp(key, "lease_ms") == 0)
		return (take_number(w, 1, 24 * HOUR_MS, &job->lease_ms,
		    "lease_ms is no number that makes sense"));
	if (strcmp(key, "attempt") == 0)
		return (take_number(w, 1, INT32_MAX, &job->attempt,
		    "attempt is no number that makes sense"));
	if (strcmp(key, "received_at") == 0)
		return (take_number(w, 0, INT64_MAX, &job->received_at_ms,
		    "received_at is no time in ms"));
	if (strcmp(key, "headers") == 0)
		return (take_headers(w, job));
	if (strcmp(key, "body") == 0)
		return (take_token(w, &job->body, &job->body_len,
		    "a body is no text"));
	return (skip_value(w));
}

static int
take_job(struct walk *w, struct upstream_job *job)
{
	char key[KEY_MAX];
	size_t n = 0;
	int rc;

	*job = (struct upstream_job){ .attempt = 1 };
	if (!take(w, '{'))
		return (wrong(w, "a job is no object"));
	while ((rc = more(w, n++, '}')) == 1) {
		if (take_key(w, key) == -1 || take_member(w, key, job) == -1)
			return (-1);
	}
	if (rc == -1)
		return (-1);
	if (job->id == NULL || job->lease == NULL || job->lease_ms == 0 ||
	    job->event_id == NULL || job->headers == NULL || job->body == NULL)
		return (wrong(w,
		    "a job lacks its id, lease, lease_ms, event_id, headers or "
		    "body"));
	return (0);
}

/* -- All of it -- */

static int
take_jobs(struct walk *w, struct upstream_batch *b)
{
	int rc;

	if (!take(w, '['))
		return (wrong(w, "jobs is no list"));
	while ((rc = more(w, b->njobs, ']')) == 1) {
		if (b->njobs == UPSTREAM_JOBS_MAX)
			return (wrong(w, "there are more jobs than asked for"));
		if (take_job(w, &b->jobs[b->njobs++]) == -1)
			return (-1);
	}
	return (rc);
}

static int
take_all(struct walk *w, struct upstream_batch *b)
{
	bool found = false;
	char key[KEY_MAX];
	size_t n = 0;
	int rc;

	if (!take(w, '{'))
		return (wrong(w, "it is no JSON object"));
	while ((rc = more(w, n++, '}')) == 1) {
		if (take_key(w, key) == -1)
			return (-1);
		if (strcmp(key, "jobs") != 0)
			rc = skip_value(w);
		else if (found)
			rc = wrong(w, "jobs stands twice");
		else
			rc = take_jobs(w, b);
		found = found || strcmp(key, "jobs") == 0;
		if (rc == -1)
			return (-1);
	}
	if (rc == -1)
		return (-1);
	if (json_scan_blanks(w->at, w->end) != w->end)
		return (wrong(w, "something stands behind its end"));
	return (found ? 0 : wrong(w, "it has no jobs"));
}

int
upstream_batch_read(const char *bytes, size_t len,
    struct upstream_batch *ret_batch, char reason[HANDLER_REASON_MAX])
{
	struct walk w = { .at = bytes,
		.end = bytes + len,
		.memory = &ret_batch->memory,
		.room = MEMORY_MAX };

	*ret_batch = (struct upstream_batch){ 0 };
	if (take_all(&w, ret_batch) == 0)
		return (0);
	upstream_batch_fini(ret_batch);
	(void)snprintf(reason, HANDLER_REASON_MAX, "%s", w.what);
	return (-1);
}

void
upstream_batch_fini(struct upstream_batch *batch)
{
	arena_fini(&batch->memory);
	batch->njobs = 0;
}

const char *
upstream_job_header(const struct upstream_job *job, const char *name)
{
	for (size_t i = 0; i < job->nheaders; i++) {
		if (strcasecmp(job->headers[i].name, name) == 0)
			return (job->headers[i].value);
	}
	return (NULL);
}

int
upstream_job_body(const struct upstream_job *job, void **ret_body,
    size_t *ret_len)
{
	const char *text = job->body + 1;
	size_t len = job->body_len - 2;
	char *plain = NULL;
	void *body;
	int rc;

	errno = 0;
	if (memchr(text, '\\', len) != NULL) { /* "\/", most likely */
		if ((plain = malloc(len + 1)) == NULL)
			return (-1);
		if (json_scan_text(job->body, job->body_len, len + 1, plain) ==
		    -1) {
			free(plain);
			return (-1);
		}
		text = plain;
		len = strlen(plain);
	}
	if ((body = malloc(BASE64_BYTES_MAX(len))) == NULL) {
		free(plain);
		return (-1);
	}
	rc = base64_decode(text, len, body, ret_len);
	free(plain);
	if (rc == 0)
		*ret_body = body;
	else
		free(body);
	return (rc);
}
