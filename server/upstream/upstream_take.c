#include "server/upstream/upstream_take.h"

#include <sys/uio.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/auth/secrets.h"
#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/http/route.h"
#include "server/intake/diagnosis_queue.h"
#include "server/intake/endpoint.h"
#include "server/intake/header_sets.h"
#include "server/intake/rejections.h"
#include "server/intake/selection.h"

#define SOURCE_MAX 160

/* A job as a delivery. */
struct parcel {
	const struct upstream_taker *t;
	const struct upstream_job *job;
	const struct endpoint *endpoint;
	char source[SOURCE_MAX]; /* "upstream NAME": where it came from */
	char voucher[SOURCE_MAX + 32];
	const char *type;
	const char *signature;
	int64_t at_ms;
	void *body; /* ours, until ingest has it */
	size_t body_len;
	struct secrets_match match;
	bool sure;  /* match is of a secret of ours */
	bool named; /* it has a signature in the right form */
};

/* Keep what is refused for the operator. */
static enum upstream_took
refuse(const struct parcel *p, enum reject_cause cause, const char *why,
    const char **ret_why)
{
	const struct upstream_job *job = p->job;
	struct diagnosis_header headers[UPSTREAM_HEADERS_MAX];
	const struct refusal r = {
		.in = { .cause = cause,
		    .headers = headers,
		    .nheaders = job->nheaders,
		    .body = p->body,
		    .body_len = p->body_len,
		    .size = p->body_len,
		    .endpoint = p->endpoint->name,
		    .at_ms = p->at_ms },
		.peer = p->source,
		.event_id = job->event_id,
		.digest = reject_cause_is_authentic(cause) && p->sure
			      ? p->match.mac
			      : NULL,
	};

	for (size_t i = 0; i < job->nheaders; i++)
		headers[i] = (struct diagnosis_header){ job->headers[i].name,
			job->headers[i].value };
	diagnosis_queue_add(p->t->diag, &r);
	*ret_why = why;
	return (UPSTREAM_DEAD);
}

/* Who has signed it? */
static void
verify(struct parcel *p)
{
	const struct iovec seg = { p->body, p->body_len };
	const struct secrets_claim claim = { .value = p->signature,
		.segs = &seg,
		.nsegs = 1,
		.now_ms = clock_watch_wall(p->t->clock).ms };

	if (p->signature == NULL)
		return;
	p->sure = secrets_verify(p->endpoint->sec, p->endpoint->which, &claim,
	    &p->match);
	if (!p->sure)
		p->named = signature_parse(p->signature, p->match.mac) == 0;
}

/* By whose word it comes in; NULL: by nobody's, and it is not signed. */
static const char *
voucher(struct parcel *p)
{
	if (p->sure)
		return (p->match.name);
	if (!p->named)
		return (NULL);
	(void)snprintf(p->voucher, sizeof(p->voucher),
	    STORE_BY_UPSTREAM "%s, by its word", p->t->name);
	return (p->voucher);
}

/* Does the hub say it, and not who delivered the event to it? */
static bool
is_the_hubs(const char *name)
{
	return (strncasecmp(name, "x-klikitd-", 10) == 0 ||
		strcasecmp(name, "Idempotency-Key") == 0);
}

/* What is kept of the headers that the hub hands out. */
static void
take_headers(const struct parcel *p, struct kept_headers *ret_kept)
{
	const struct upstream_job *job = p->job;
	struct http_field fields[UPSTREAM_HEADERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < job->nheaders; i++)
		if (!is_the_hubs(job->headers[i].name))
			fields[n++] = (struct http_field){ job->headers[i].name,
				job->headers[i].value };
	header_sets_take(p->t->headers, fields, n, clock_boot_ms() * 1000,
	    ret_kept);
}

/* Hand it on. */
static enum upstream_took
submit(struct parcel *p, ingest_done_fn *done, void *arg, const char **ret_why)
{
	struct kept_headers headers;
	struct delivery del = {
		.event_id = p->job->event_id,
		.type = p->type,
		.origin = STORE_HUB,
		.secret = voucher(p),
		.scope = p->sure ? p->match.scope : p->endpoint->scope,
		.endpoint = p->endpoint->name,
		.fits = &p->endpoint->takes,
		.peer = p->source,
		.digest = p->match.mac,
		.received_at_ms = p->at_ms,
		.headers = &headers,
		.body = p->body,
		.body_len = p->body_len,
	};

	take_headers(p, &headers);
	switch (ingest_submit(p->t->in, &del, done, arg)) {
	case INGEST_PENDING:
		p->body = NULL;
		return (UPSTREAM_PENDING);
	case INGEST_INVALID:
		return (refuse(p, REJECT_INVALID_JSON,
		    "its body is no JSON object or array", ret_why));
	case INGEST_TOO_MANY:
		return (refuse(p, REJECT_TOO_MANY_ORDERS,
		    "its body has too many orders", ret_why));
	case INGEST_MISFIT:
		return (refuse(p, REJECT_NOT_FOR_ENDPOINT,
		    "the box's endpoint does not take such events", ret_why));
	case INGEST_RECEIVED: /* these only ever for done() */
	case INGEST_REPEAT:
	case INGEST_DUPLICATE:
	case INGEST_BUSY:
		break;
	}
	return (UPSTREAM_BUSY);
}

static enum upstream_took
take_parcel(struct parcel *p, ingest_done_fn *done, void *arg,
    const char **ret_why)
{
	bool trust = p->t->trust;

	if (p->type == NULL || *p->type == '\0' ||
	    (!trust && (p->signature == NULL || *p->signature == '\0')))
		return (refuse(p, REJECT_HEADERS_MISSING,
		    "it lacks headers of klikit's", ret_why));
	if (!event_name_is_good(p->job->event_id) ||
	    !event_name_is_good(p->type))
		return (refuse(p, REJECT_HEADERS_INVALID,
		    "its id or type is none of klikit's", ret_why));
	verify(p);
	if (!p->sure && !trust)
		return (refuse(p, REJECT_SIGNATURE,
		    "its signature is of no secret of the box", ret_why));
	return (submit(p, done, arg, ret_why));
}

enum upstream_took
upstream_take(const struct upstream_taker *t, const struct upstream_job *job,
    ingest_done_fn *done, void *arg, const char **ret_why)
{
	struct parcel p = { .t = t,
		.job = job,
		.endpoint = t->endpoint(t->arg),
		.type = upstream_job_header(job, "x-klikit-event-type"),
		.signature = upstream_job_header(job, "x-klikit-signature"),
		.at_ms = clock_wall_ms() };
	enum upstream_took took;

	if (p.endpoint == NULL)
		return (UPSTREAM_BUSY);
	if (upstream_job_body(job, &p.body, &p.body_len) == -1) {
		*ret_why = "its body is no base64";
		return (errno == ENOMEM ? UPSTREAM_BUSY : UPSTREAM_DEAD);
	}
	(void)snprintf(p.source, sizeof(p.source), STORE_BY_UPSTREAM "%s",
	    t->name);
	took = take_parcel(&p, done, arg, ret_why);
	free(p.body);
	return (took);
}
