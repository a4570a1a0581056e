#include "handlers/queue/pubsub_publish.h"

#include <sys/queue.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/google_credentials.h"
#include "handlers/queue/pubsub_batch.h"
#include "handlers/queue/pubsub_verdict.h"

/* Room for an answer: what is around the ids, and each of them. */
#define ANSWER_SIZE(n) (4096 + (n)*256)

struct publish_job {
	TAILQ_ENTRY(publish_job) next;
	struct publish_batch *batch; /* NULL: it is gathered */
	struct handler_call *call;   /* dispatch's */
	char *message;
	size_t len;
	int64_t began_ms;
};
TAILQ_HEAD(publish_jobs, publish_job);

/* One request. It is in one of its publisher's lists, or ends. */
struct publish_batch {
	TAILQ_ENTRY(publish_batch) next;
	struct pubsub_publisher *p;
	struct publish_job *jobs[PUBSUB_BATCH_MESSAGES]; /* NULL: cancelled */
	size_t n;
	size_t bytes;
	struct http_client_call *http; /* NULL: it waits for a token */
	unsigned token;                /* the number of the one it went with */
	bool renewed;                  /* it had another one before */
	char *answer;
};
TAILQ_HEAD(publish_batches, publish_batch);

struct pubsub_publisher {
	const struct handler_env *env;
	struct google_credentials *credentials;
	struct http_client *hc;
	int64_t timeout_ms;
	struct publish_jobs gathered;
	struct publish_batches waiting; /* for a token */
	struct publish_batches sent;
};

static const struct handler_result no_memory = {
	.verdict = HANDLER_RETRY,
	.fault = HANDLER_FAULT_UNCLEAR,
	.reason = "out of memory",
};

struct pubsub_publisher *
pubsub_publisher_new(const struct pubsub_publisher_options *opt)
{
	struct pubsub_publisher *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	TAILQ_INIT(&p->gathered);
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->sent);
	p->env = opt->env;
	p->credentials = opt->credentials;
	p->timeout_ms = opt->timeout_ms;
	p->hc = http_client_new(opt->env, opt->url, opt->tls, opt->max_idle);
	if (p->hc == NULL) {
		free(p);
		return (NULL);
	}
	return (p);
}

void
pubsub_publisher_free(struct pubsub_publisher *p)
{
	if (p == NULL)
		return;
	http_client_free(p->hc);
	free(p);
}

static int64_t
publisher_now(const struct pubsub_publisher *p)
{
	return (p->env->now_ms(p->env->arg));
}

/* -- A job -- */

int
pubsub_publisher_add(struct pubsub_publisher *p, struct handler_call *call,
    char *message, size_t len)
{
	struct publish_job *job;

	if ((job = calloc(1, sizeof(*job))) == NULL)
		return (-1);
	job->call = call;
	job->message = message;
	job->len = len;
	job->began_ms = publisher_now(p);
	TAILQ_INSERT_TAIL(&p->gathered, job, next);
	return (0);
}

static void
job_free(struct publish_job *job)
{
	free(job->message);
	free(job);
}

/* It is in no list any more. finish() may close the last one's publisher. */
static void
job_end(const struct handler_env *env, struct publish_job *job,
    const struct handler_result *result)
{
	struct handler_call *call = job->call;

	job_free(job);
	env->finish(env->arg, call, result);
}

/* -- A batch -- */

static void
batch_free(struct publish_batch *b)
{
	free(b->answer);
	free(b);
}

/* It is in no list any more: all its jobs end so, each with its id if DONE. */
static void
batch_end(struct publish_batch *b, const struct handler_result *result,
    const struct pubsub_answer *said)
{
	const struct handler_env *env = b->p->env;
	struct handler_result one = *result;

	for (size_t i = 0; i < b->n; i++) {
		if (b->jobs[i] == NULL)
			continue;
		if (one.verdict == HANDLER_DONE) {
			one.answer = pubsub_answer_id(said, i);
			one.answer_len = strlen(one.answer);
		}
		job_end(env, b->jobs[i], &one);
	}
	batch_free(b);
}

/* What is left of the time of its oldest job; 0: none. */
static int64_t
batch_left_ms(const struct publish_batch *b)
{
	int64_t now = publisher_now(b->p), left = b->p->timeout_ms, one;

	for (size_t i = 0; i < b->n; i++) {
		if (b->jobs[i] == NULL)
			continue;
		one = b->p->timeout_ms - (now - b->jobs[i]->began_ms);
		if (one < left)
			left = one;
	}
	return (left < 0 ? 0 : left);
}

/* The body of its request; NULL when out of memory. */
static char *
batch_print(const struct publish_batch *b, size_t *ret_len)
{
	const char *messages[PUBSUB_BATCH_MESSAGES];
	size_t lens[PUBSUB_BATCH_MESSAGES], n = 0;

	for (size_t i = 0; i < b->n; i++) {
		messages[n] = b->jobs[i]->message;
		lens[n++] = b->jobs[i]->len;
	}
	return (pubsub_request_print(messages, lens, n, ret_len));
}

static void publish_done_cb(const struct http_client_answer *answer, void *arg);

/* With that token, if any. Returns 0; -1 when out of memory. */
static int
batch_post(struct publish_batch *b, const char *token)
{
	const char *headers[] = { "Content-Type: application/json", token };
	struct http_client_request req = {
		.headers = headers,
		.nheaders = token == NULL ? 1 : 2,
		.timeout_ms = batch_left_ms(b),
		.room_size = ANSWER_SIZE(b->n),
	};
	char *body;

	if (b->answer == NULL)
		b->answer = malloc(req.room_size);
	if (b->answer == NULL || (body = batch_print(b, &req.body_len)) == NULL)
		return (-1);
	req.room = b->answer;
	req.body = body;
	b->http = http_client_post(b->p->hc, &req, publish_done_cb, b);
	free(body);
	return (b->http == NULL ? -1 : 0);
}

/* Those that were cancelled are not sent anew. */
static void
batch_close_ranks(struct publish_batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->jobs[i] != NULL)
			b->jobs[n++] = b->jobs[i];
	}
	b->n = n;
}

/* Send a batch that is in no list, now or when there is a token. */
static void
batch_send(struct publish_batch *b)
{
	static const struct handler_result late = {
		.verdict = HANDLER_RETRY,
		.fault = HANDLER_FAULT_UNCLEAR,
		.reason = "no time was left to send it",
	};
	struct pubsub_publisher *p = b->p;
	const char *token = NULL;

	batch_close_ranks(b);
	if (batch_left_ms(b) == 0) {
		batch_end(b, &late, NULL);
		return;
	}
	if (p->credentials != NULL) {
		token = google_credentials_header(p->credentials, &b->token);
		if (token == NULL) {
			TAILQ_INSERT_TAIL(&p->waiting, b, next);
			return;
		}
	}
	if (batch_post(b, token) == -1) {
		batch_end(b, &no_memory, NULL);
		return;
	}
	TAILQ_INSERT_TAIL(&p->sent, b, next);
}

/* -- What was gathered -- */

static bool
batch_has_room(const struct publish_batch *b, const struct publish_job *job)
{
	return (b->n < PUBSUB_BATCH_MESSAGES &&
		(b->n == 0 || b->bytes + job->len <= PUBSUB_BATCH_BYTES));
}

static void
batch_add(struct publish_batch *b, struct publish_job *job)
{
	job->batch = b;
	b->jobs[b->n++] = job;
	b->bytes += job->len;
}

static struct publish_batch *
batch_new(struct pubsub_publisher *p)
{
	struct publish_batch *b = calloc(1, sizeof(*b));

	if (b != NULL)
		b->p = p;
	return (b);
}

/* Of what was gathered as much as one request takes; NULL: out of memory. */
static struct publish_batch *
batch_fill(struct pubsub_publisher *p)
{
	struct publish_batch *b = batch_new(p);
	struct publish_job *job;

	while (b != NULL && (job = TAILQ_FIRST(&p->gathered)) != NULL &&
	       batch_has_room(b, job)) {
		TAILQ_REMOVE(&p->gathered, job, next);
		batch_add(b, job);
	}
	return (b);
}

void
pubsub_publisher_flush(struct pubsub_publisher *p)
{
	struct publish_batch *b;
	struct publish_job *job;
	bool more = !TAILQ_EMPTY(&p->gathered);

	while (more) {
		if ((b = batch_fill(p)) == NULL) {
			job = TAILQ_FIRST(&p->gathered);
			TAILQ_REMOVE(&p->gathered, job, next);
			more = !TAILQ_EMPTY(&p->gathered);
			job_end(p->env, job, &no_memory);
			continue;
		}
		more = !TAILQ_EMPTY(&p->gathered); /* else p may be gone then */
		batch_send(b);
	}
}

void
pubsub_publisher_ready(struct pubsub_publisher *p,
    const struct handler_result *failure)
{
	struct publish_batches all = TAILQ_HEAD_INITIALIZER(all);
	struct publish_batch *b;

	TAILQ_CONCAT(&all, &p->waiting, next);
	while ((b = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, b, next);
		if (failure == NULL)
			batch_send(b);
		else
			batch_end(b, failure, NULL);
	}
}

/* -- The end of a request -- */

/*
 * One of its messages was refused, and the request with it: nothing of it was
 * published. Each half goes by itself.
 */
static void
batch_split(struct publish_batch *b)
{
	struct publish_batch *second = batch_new(b->p);
	size_t half;

	if (second == NULL) {
		batch_end(b, &no_memory, NULL);
		return;
	}
	batch_close_ranks(b);
	half = b->n / 2;
	for (size_t i = half; i < b->n; i++)
		batch_add(second, b->jobs[i]);
	b->n = half;
	second->renewed = b->renewed;
	if (half > 0) {
		batch_send(b);
	} else { /* the others were cancelled meanwhile */
		batch_free(b);
	}
	batch_send(second);
}

/* Another token, once: may it be sent again? */
static bool
batch_renews(struct publish_batch *b, int64_t far_clock_ms)
{
	struct google_credentials *gc = b->p->credentials;

	if (gc == NULL || b->renewed)
		return (false);
	b->renewed = true;
	google_credentials_refused(gc, b->token, far_clock_ms);
	return (true);
}

/* http_client_fn */
static void
publish_done_cb(const struct http_client_answer *answer, void *arg)
{
	struct publish_batch *b = arg;
	struct handler_result result = { .code = 0 };
	struct pubsub_answer said;
	enum pubsub_outcome outcome;

	TAILQ_REMOVE(&b->p->sent, b, next);
	b->http = NULL;
	pubsub_answer_read(answer->body, answer->body_len, &said);
	outcome = pubsub_verdict(answer, &said, b->n, &result);
	if (outcome == PUBSUB_TOKEN && batch_renews(b, answer->date_ms))
		batch_send(b);
	else if (outcome == PUBSUB_DEAD && b->n > 1)
		batch_split(b);
	else
		batch_end(b, &result, &said);
	pubsub_answer_fini(&said);
}

/* -- Cancel -- */

/* Take it out of its batch, which ends with its last job. */
static void
job_leave(struct publish_job *job)
{
	struct publish_batch *b = job->batch;
	bool empty = true;

	for (size_t i = 0; i < b->n; i++) {
		if (b->jobs[i] == job)
			b->jobs[i] = NULL;
		else if (b->jobs[i] != NULL)
			empty = false;
	}
	if (!empty)
		return;
	if (b->http != NULL) {
		http_client_cancel(b->http);
		TAILQ_REMOVE(&b->p->sent, b, next);
	} else {
		TAILQ_REMOVE(&b->p->waiting, b, next);
	}
	batch_free(b);
}

/* The job of that call in one of these batches; NULL: in none. */
static struct publish_job *
find_job(const struct publish_batches *batches, const struct handler_call *call)
{
	struct publish_batch *b;

	TAILQ_FOREACH (b, batches, next) {
		for (size_t i = 0; i < b->n; i++) {
			if (b->jobs[i] != NULL && b->jobs[i]->call == call)
				return (b->jobs[i]);
		}
	}
	return (NULL);
}

void
pubsub_publisher_cancel(struct pubsub_publisher *p, struct handler_call *call)
{
	struct publish_job *job;

	TAILQ_FOREACH (job, &p->gathered, next) {
		if (job->call == call) {
			TAILQ_REMOVE(&p->gathered, job, next);
			job_free(job);
			return;
		}
	}
	if ((job = find_job(&p->waiting, call)) == NULL)
		job = find_job(&p->sent, call);
	if (job == NULL)
		return;
	job_leave(job);
	job_free(job);
}
