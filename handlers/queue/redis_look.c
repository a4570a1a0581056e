#include "handlers/queue/redis_look.h"

#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

#include "handlers/queue/redis_inspect.h"
#include "handlers/queue/redis_verdict.h"

struct redis_look {
	struct redis_session *session;
	const struct redis_stream *stream;
	char sha[REDIS_SHA_LEN + 1];
	struct handler_inspection in;
	uint64_t first; /* the number of the first question; 0: not asked */
	bool keeps;     /* it has a file of what it has taken */
	bool over;
	struct event *done; /* made active at the end */
};

static void
look_found(struct redis_look *look, const struct redis_finding *found)
{
	look->in.found(look->in.arg, found->level, found->text, found->advice);
}

/* That was all; said from the loop, since we may be freed by that. */
static void
look_end(struct redis_look *look)
{
	look->over = true;
	event_active(look->done, EV_READ, 0);
}

/* event: look_end() was called. */
static void
look_done_cb(evutil_socket_t fd, short what, void *arg)
{
	struct redis_look *look = arg;

	(void)fd;
	(void)what;
	look->in.done(look->in.arg);
}

/* Send a question. Returns its number; 0 when out of memory. */
static uint64_t
look_ask(struct redis_look *look, enum redis_question question)
{
	uint64_t mark, number = 0;
	void *bytes = NULL;
	size_t len;

	if (redis_question_make(question, look->stream, look->sha, &bytes,
		&len) == 0)
		number = redis_session_send(look->session, bytes, len, &mark);
	free(bytes);
	return (number);
}

/* redis_session_calls */
static void
look_up_cb(void *arg)
{
	static const struct redis_finding in = { HANDLER_FINE,
		"connected and logged in", NULL };
	static const struct redis_finding drops = {
		HANDLER_DOUBTFUL,
		"with maxlen the oldest entries are dropped, read or not",
		"take maxlen out, and have workers delete what they have done"
	};
	struct redis_look *look = arg;

	look_found(look, &in);
	if (look->stream->maxlen != 0)
		look_found(look, &drops);
	look->first = look_ask(look, 0);
	for (int q = 1; q < REDIS_NQUESTIONS && look->first != 0; q++) {
		if (look_ask(look, (enum redis_question)q) == 0)
			look->first = 0;
	}
	if (look->first == 0)
		link_drop(redis_session_link(look->session), "out of memory");
}

/* redis_session_calls */
static void
look_answered_cb(void *arg, uint64_t number, const struct redis_answer *answer)
{
	struct redis_look *look = arg;
	enum redis_question question;
	struct redis_finding found;

	if (number < look->first || number - look->first >= REDIS_NQUESTIONS)
		return;
	question = (enum redis_question)(number - look->first);
	redis_question_judge(question, look->stream, answer, &found);
	if (question == REDIS_ASK_DISK)
		look->keeps = found.level == HANDLER_FINE;
	/* When a file that is not kept would be on disk matters to nobody. */
	if (question != REDIS_ASK_FSYNC || look->keeps)
		look_found(look, &found);
	if (question == REDIS_NQUESTIONS - 1)
		look_end(look);
}

/* redis_session_calls */
static void
look_down_cb(void *arg, const struct redis_session_end *end)
{
	struct redis_finding found = { .level = HANDLER_WRONG,
		.advice = "is it running, and url right? Events wait for it" };
	struct handler_result result = { .code = 0 };
	struct redis_look *look = arg;

	if (look->over)
		return;
	(void)snprintf(found.text, sizeof(found.text), "%s", end->link->reason);
	if (end->refused != NULL) {
		redis_verdict(redis_ruling_of(end->refused), "it", end->refused,
		    &result);
		(void)snprintf(found.text, sizeof(found.text), "%s",
		    result.reason);
		found.advice = "events wait until that is put right";
	}
	look_found(look, &found);
	look_end(look);
}

static const struct redis_session_calls look_calls = {
	.up = look_up_cb,
	.answered = look_answered_cb,
	.down = look_down_cb,
};

struct redis_look *
redis_look_new(struct event_base *base, struct redis_session *session,
    const struct redis_stream *stream, const struct handler_inspection *in)
{
	struct redis_look *look;

	if ((look = calloc(1, sizeof(*look))) == NULL)
		return (NULL);
	look->session = session;
	look->stream = stream;
	look->in = *in;
	look->done = event_new(base, -1, 0, look_done_cb, look);
	if (look->done == NULL || redis_entry_sha(look->sha) == -1) {
		redis_look_free(look);
		return (NULL);
	}
	redis_session_serve(session, &look_calls, look);
	link_want(redis_session_link(session));
	return (look);
}

void
redis_look_free(struct redis_look *look)
{
	if (look == NULL)
		return;
	if (look->done != NULL)
		event_free(look->done);
	free(look);
}
