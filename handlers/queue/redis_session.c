#include "handlers/queue/redis_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "handlers/queue/redis_verdict.h"

struct redis_session {
	struct link *link;
	const struct redis_session_calls *calls;
	void *arg;
	struct redis_account account; /* its texts are ours */
	struct redis_reader *reader;  /* of this connection; NULL: none yet */
	struct evbuffer *batch;       /* not written yet */
	enum redis_login step;
	uint64_t asked, answered;         /* the last number of each */
	char refused[HANDLER_REASON_MAX]; /* the login; empty: it was not */
};

/* -- Writing -- */

/* The command of words is written next. Returns 0; -1: out of memory. */
static int
session_put(struct redis_session *s, const struct redis_word *words, size_t n)
{
	void *bytes;
	size_t len;
	int rc;

	if (redis_command(words, n, &bytes, &len) == -1)
		return (-1);
	rc = evbuffer_add(s->batch, bytes, len);
	explicit_bzero(bytes, len); /* a password, perhaps */
	free(bytes);
	return (rc);
}

void
redis_session_flush(struct redis_session *s)
{
	struct evbuffer *out = link_output(s->link);

	if (evbuffer_get_length(s->batch) == 0)
		return;
	if (out == NULL || evbuffer_add_buffer(out, s->batch) == -1)
		link_drop(s->link, "out of memory");
}

uint64_t
redis_session_send(struct redis_session *s, const void *bytes, size_t len,
    uint64_t *ret_mark)
{
	uint64_t mark = link_mark(s->link) + evbuffer_get_length(s->batch);

	if (evbuffer_add(s->batch, bytes, len) == -1)
		return (0);
	*ret_mark = mark;
	return (++s->asked);
}

/* A command of our own, whose answer nobody minds. 0: out of memory. */
static uint64_t
session_say(struct redis_session *s, const struct redis_word *words, size_t n)
{
	if (session_put(s, words, n) == -1)
		return (0);
	return (++s->asked);
}

uint64_t
redis_session_load(struct redis_session *s)
{
	struct redis_word words[REDIS_LOGIN_WORDS_MAX];
	char text[REDIS_LOGIN_TEXT_MAX];

	return (session_say(s, words,
	    redis_login_words(&s->account, REDIS_LOGIN_SCRIPT, text, words)));
}

/* -- Login -- */

/* Say the next word of the login, or be up. */
static void
session_greet_next(struct redis_session *s, enum redis_login step)
{
	struct redis_word words[REDIS_LOGIN_WORDS_MAX];
	char text[REDIS_LOGIN_TEXT_MAX];
	size_t n;

	s->step = redis_login_next(&s->account, step);
	if (s->step == REDIS_LOGIN_DONE) {
		link_up(s->link);
		return;
	}
	n = redis_login_words(&s->account, s->step, text, words);
	if (session_put(s, words, n) == -1)
		link_drop(s->link, "out of memory");
}

/* link_protocol */
static void
session_greet_cb(void *arg, struct link *l)
{
	struct redis_session *s = arg;

	redis_reader_free(s->reader);
	s->reader = redis_reader_new();
	s->answered = s->asked;
	s->refused[0] = '\0';
	(void)evbuffer_drain(s->batch, evbuffer_get_length(s->batch));
	if (s->reader == NULL)
		link_drop(l, "out of memory");
	else
		session_greet_next(s, REDIS_LOGIN_AUTH);
	redis_session_flush(s);
}

/* The answer to a step. Returns 0; -1 when the connection is to end. */
static int
session_login(struct redis_session *s, const struct redis_answer *answer)
{
	switch (redis_login_judge(s->step, answer)) {
	case REDIS_LOGIN_GOOD:
		session_greet_next(s, s->step + 1);
		return (0);
	case REDIS_LOGIN_REFUSED:
		(void)snprintf(s->refused, sizeof(s->refused), "%s",
		    answer->value.text);
		link_refuse(s->link, 0, NULL, "%s refused the login: %s",
		    s->account.name, redis_ruling_of(s->refused)->text);
		return (-1);
	case REDIS_LOGIN_BROKEN:
		break;
	}
	link_break(s->link, "%s answered the login with what is no answer",
	    s->account.name);
	return (-1);
}

/* -- Reading -- */

/* One answer. Returns 0; -1 when the connection is to end. */
static int
session_answer(struct redis_session *s, const struct redis_answer *answer)
{
	if (s->step != REDIS_LOGIN_DONE)
		return (session_login(s, answer));
	if (s->answered == s->asked) {
		link_break(s->link, "%s answered what nobody asked",
		    s->account.name);
		return (-1);
	}
	s->answered++;
	s->calls->answered(s->arg, s->answered, answer);
	return (0);
}

/* link_protocol */
static int
session_input_cb(void *arg, struct link *l, struct evbuffer *in)
{
	struct redis_session *s = arg;
	size_t len = evbuffer_get_length(in), at = 0, taken;
	const char *bytes = (const char *)evbuffer_pullup(in, -1);
	enum redis_read rc = REDIS_READ_ONE;
	struct redis_answer answer;
	const char *reason = NULL;

	while (at < len && rc == REDIS_READ_ONE) {
		rc = redis_reader_next(s->reader, bytes + at, len - at, &taken,
		    &answer, &reason);
		if (rc != REDIS_READ_ONE)
			break;
		at += taken;
		if (session_answer(s, &answer) == -1)
			return (-1);
	}
	(void)evbuffer_drain(in, at);
	redis_session_flush(s);
	if (rc == REDIS_READ_WRONG)
		link_break(l, "%s %s", s->account.name, reason);
	else if (rc == REDIS_READ_NO_MEMORY)
		link_drop(l, "out of memory");
	return (rc == REDIS_READ_ONE || rc == REDIS_READ_MORE ? 0 : -1);
}

/* link_protocol */
static void
session_idle_cb(void *arg, struct link *l)
{
	struct redis_session *s = arg;
	const struct redis_word ping = redis_text("PING");

	/* A login that is silent has a limit of its own. */
	if (link_state(l) == LINK_UP && session_say(s, &ping, 1) != 0)
		redis_session_flush(s);
}

/* link_protocol */
static void
session_up_cb(void *arg, struct link *l)
{
	struct redis_session *s = arg;

	(void)l;
	s->calls->up(s->arg);
	redis_session_flush(s);
}

/* link_protocol */
static void
session_down_cb(void *arg, struct link *l, const struct link_end *end)
{
	struct redis_session *s = arg;
	const struct redis_session_end session_end = {
		.link = end,
		.refused = s->refused[0] == '\0' ? NULL : s->refused,
	};

	(void)l;
	(void)evbuffer_drain(s->batch, evbuffer_get_length(s->batch));
	s->calls->down(s->arg, &session_end);
}

static const struct link_protocol session_protocol = {
	.greet = session_greet_cb,
	.input = session_input_cb,
	.idle = session_idle_cb,
	.up = session_up_cb,
	.down = session_down_cb,
};

/* -- Its life -- */

/* Returns 0; -1 when out of memory. */
static int
session_copy(struct redis_session *s, const struct redis_account *from)
{
	struct redis_account *to = &s->account;
	char *password;

	to->script = from->script; /* a constant */
	if ((from->user != NULL && (to->user = strdup(from->user)) == NULL) ||
	    (from->database != NULL &&
		(to->database = strdup(from->database)) == NULL) ||
	    (to->name = strdup(from->name)) == NULL ||
	    (password = malloc(from->password_len + 1)) == NULL)
		return (-1);
	if (from->password_len > 0)
		memcpy(password, from->password, from->password_len);
	to->password = password;
	to->password_len = from->password_len;
	return (0);
}

struct redis_session *
redis_session_new(const struct link_options *opt,
    const struct redis_account *account,
    const struct redis_session_calls *calls, void *arg)
{
	struct link_options with = *opt;
	struct redis_session *s;

	with.input_max = REDIS_ANSWER_MAX;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	s->calls = calls;
	s->arg = arg;
	if (session_copy(s, account) == -1 ||
	    (s->batch = evbuffer_new()) == NULL ||
	    (s->link = link_new(&with, &session_protocol, s)) == NULL) {
		redis_session_free(s);
		return (NULL);
	}
	return (s);
}

void
redis_session_serve(struct redis_session *s,
    const struct redis_session_calls *calls, void *arg)
{
	s->calls = calls;
	s->arg = arg;
}

void
redis_session_free(struct redis_session *s)
{
	if (s == NULL)
		return;
	link_free(s->link);
	redis_reader_free(s->reader);
	if (s->batch != NULL)
		evbuffer_free(s->batch);
	if (s->account.password != NULL)
		explicit_bzero((void *)s->account.password,
		    s->account.password_len);
	free((void *)s->account.password);
	free((void *)s->account.user);
	free((void *)s->account.database);
	free((void *)s->account.name);
	free(s);
}

struct link *
redis_session_link(struct redis_session *s)
{
	return (s->link);
}

bool
redis_session_is_up(const struct redis_session *s)
{
	return (link_state(s->link) == LINK_UP);
}
