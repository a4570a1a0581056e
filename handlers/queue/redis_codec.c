#include "handlers/queue/redis_codec.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

/* -- Commands -- */

struct redis_word
redis_text(const char *text)
{
	return ((struct redis_word){ text, strlen(text) });
}

int
redis_command(const struct redis_word *words, size_t nwords, void **ret_bytes,
    size_t *ret_len)
{
	const char *argv[REDIS_WORDS_MAX];
	size_t lens[REDIS_WORDS_MAX];
	long long len;
	char *bytes;

	assert(nwords > 0 && nwords <= REDIS_WORDS_MAX);
	for (size_t i = 0; i < nwords; i++) {
		argv[i] = words[i].bytes;
		lens[i] = words[i].len;
	}
	len = redisFormatCommandArgv(&bytes, (int)nwords, argv, lens);
	if (len < 0)
		return (-1);
	*ret_bytes = bytes;
	*ret_len = (size_t)len;
	return (0);
}

/* -- How long an answer is, before hiredis sees it -- */

/* A place in bytes that have come. */
struct span {
	const char *bytes;
	size_t len;
	size_t at;
};

/* The line at that place, without its end, which is stepped over. */
static enum redis_read
measure_line(struct span *s, const char **ret_line, size_t *ret_len,
    const char **ret_reason)
{
	const char *line = s->bytes + s->at;
	size_t left = s->len - s->at;
	size_t seen = left < REDIS_LINE_MAX ? left : REDIS_LINE_MAX;
	const char *end = memmem(line, seen, "\r\n", 2);

	if (end == NULL) {
		if (seen < REDIS_LINE_MAX)
			return (REDIS_READ_MORE);
		*ret_reason = "sent a line without an end";
		return (REDIS_READ_WRONG);
	}
	*ret_line = line;
	*ret_len = (size_t)(end - line);
	s->at += *ret_len + 2;
	return (REDIS_READ_ONE);
}

/*
 * The number of a line behind its first byte: digits, at most max; or -1.
 * Returns -2 for anything else.
 */
static long
measure_number(const char *line, size_t len, long max)
{
	long number = 0;

	if (len == 3 && memcmp(line + 1, "-1", 2) == 0)
		return (-1);
	if (len < 2)
		return (-2);
	for (size_t i = 1; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return (-2);
		number = 10 * number + (line[i] - '0');
		if (number > max)
			return (-2);
	}
	return (number);
}

/* Step over one value; *ret_items is how many follow, if it is an array. */
static enum redis_read
measure_value(struct span *s, long *ret_items, const char **ret_reason)
{
	enum redis_read rc;
	const char *line;
	long number;
	size_t len;

	*ret_items = 0;
	rc = measure_line(s, &line, &len, ret_reason);
	if (rc != REDIS_READ_ONE)
		return (rc);
	*ret_reason = "sent what is no answer of Redis";
	if (len == 0 || strchr("+-:$*", line[0]) == NULL)
		return (REDIS_READ_WRONG);
	if (line[0] != '$' && line[0] != '*')
		return (REDIS_READ_ONE);
	number = measure_number(line, len,
	    line[0] == '$' ? REDIS_ANSWER_MAX : REDIS_ITEMS_MAX);
	if (number == -2) {
		*ret_reason = "sent a length that makes no sense here";
		return (REDIS_READ_WRONG);
	}
	if (line[0] == '*') {
		*ret_items = number < 0 ? 0 : number;
		return (REDIS_READ_ONE);
	}
	if (number < 0)
		return (REDIS_READ_ONE);
	if (s->len - s->at < (size_t)number + 2)
		return (REDIS_READ_MORE);
	s->at += (size_t)number + 2;
	return (memcmp(s->bytes + s->at - 2, "\r\n", 2) == 0
		    ? REDIS_READ_ONE
		    : REDIS_READ_WRONG);
}

/* Step over one answer. */
static enum redis_read
measure_answer(struct span *s, const char **ret_reason)
{
	enum redis_read rc;
	long items, inside;

	rc = measure_value(s, &items, ret_reason);
	for (long i = 0; rc == REDIS_READ_ONE && i < items; i++) {
		if (s->at < s->len && s->bytes[s->at] == '*') {
			*ret_reason = "sent an array inside an array";
			return (REDIS_READ_WRONG);
		}
		rc = measure_value(s, &inside, ret_reason);
	}
	if (rc == REDIS_READ_WRONG ||
	    (rc == REDIS_READ_ONE ? s->at : s->len) <= REDIS_ANSWER_MAX)
		return (rc);
	*ret_reason = "sent an answer that is too large";
	return (REDIS_READ_WRONG);
}

/* -- Answers -- */

struct redis_reader {
	redisReader *hiredis;
	redisReply *reply; /* read last; what the answer borrows from */
	const char *wrong; /* why no more can be read; NULL: it can */
};

struct redis_reader *
redis_reader_new(void)
{
	struct redis_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	if ((r->hiredis = redisReaderCreate()) == NULL) {
		free(r);
		return (NULL);
	}
	return (r);
}

void
redis_reader_free(struct redis_reader *r)
{
	if (r == NULL)
		return;
	if (r->reply != NULL)
		freeReplyObject(r->reply);
	redisReaderFree(r->hiredis);
	free(r);
}

static enum redis_kind
kind_of(const redisReply *reply)
{
	switch (reply->type) {
	case REDIS_REPLY_STATUS:
		return (REDIS_STATUS);
	case REDIS_REPLY_ERROR:
		return (REDIS_ERROR);
	case REDIS_REPLY_INTEGER:
		return (REDIS_INTEGER);
	case REDIS_REPLY_STRING:
		return (REDIS_STRING);
	case REDIS_REPLY_ARRAY:
		return (REDIS_ARRAY);
	default: /* RESP2 has no other */
		return (REDIS_NIL);
	}
}

static struct redis_value
value_of(const redisReply *reply)
{
	struct redis_value value = { .kind = kind_of(reply) };

	if (value.kind == REDIS_STATUS || value.kind == REDIS_ERROR ||
	    value.kind == REDIS_STRING) {
		value.text = reply->str;
		value.len = (size_t)reply->len;
	}
	if (value.kind == REDIS_INTEGER)
		value.number = reply->integer;
	return (value);
}

/* Have hiredis read what is one whole answer. */
static enum redis_read
reader_read(struct redis_reader *r, const char *bytes, size_t len)
{
	void *reply = NULL;

	if (r->reply != NULL)
		freeReplyObject(r->reply);
	r->reply = NULL;
	if (redisReaderFeed(r->hiredis, bytes, len) == REDIS_OK &&
	    redisReaderGetReply(r->hiredis, &reply) == REDIS_OK &&
	    reply != NULL) {
		r->reply = reply;
		return (REDIS_READ_ONE);
	}
	if (r->hiredis->err == REDIS_ERR_OOM) {
		r->wrong = "out of memory";
		return (REDIS_READ_NO_MEMORY);
	}
	r->wrong = "sent what is no answer of Redis";
	return (REDIS_READ_WRONG);
}

enum redis_read
redis_reader_next(struct redis_reader *r, const char *bytes, size_t len,
    size_t *ret_taken, struct redis_answer *ret_answer, const char **ret_reason)
{
	struct span s = { .bytes = bytes, .len = len };
	enum redis_read rc = REDIS_READ_WRONG;
	const char *reason = NULL;

	if (r->wrong == NULL) {
		rc = measure_answer(&s, &reason);
		if (rc == REDIS_READ_WRONG)
			r->wrong = reason;
		if (rc == REDIS_READ_ONE)
			rc = reader_read(r, bytes, s.at);
	}
	if (rc != REDIS_READ_ONE) {
		if (r->wrong != NULL)
			*ret_reason = r->wrong;
		return (rc);
	}
	*ret_taken = s.at;
	ret_answer->value = value_of(r->reply);
	ret_answer->nitems = 0;
	if (r->reply->type == REDIS_REPLY_ARRAY)
		ret_answer->nitems = r->reply->elements;
	for (size_t i = 0; i < ret_answer->nitems; i++)
		ret_answer->items[i] = value_of(r->reply->element[i]);
	return (REDIS_READ_ONE);
}
