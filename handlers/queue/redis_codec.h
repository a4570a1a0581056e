/*
 * redis_codec.h -- RESP2, the protocol of Redis: commands as bytes, bytes as
 * answers (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 *
 * Owns:    the reader of one connection, and the answer that it read last.
 * Touches: nothing else; the one file that knows hiredis, and of that no more
 *          than its codec.
 *
 * hiredis believes what a far side says of a length, and allocates it. So each
 * answer is measured here first, and hiredis gets only whole ones that are
 * small: lines of REDIS_LINE_MAX, arrays of REDIS_ITEMS_MAX with no array
 * inside, and REDIS_ANSWER_MAX bytes in all. What we ask for has no larger
 * answer.
 */
#ifndef HANDLERS_QUEUE_REDIS_CODEC_H
#define HANDLERS_QUEUE_REDIS_CODEC_H

#include <stddef.h>
#include <stdint.h>

#define REDIS_ANSWER_MAX (64 * 1024)
#define REDIS_LINE_MAX 1024
#define REDIS_ITEMS_MAX 32

/* -- Commands -- */

#define REDIS_WORDS_MAX 40 /* of one command */

struct redis_word {
	const void *bytes;
	size_t len;
};

/* The word that a text is. */
struct redis_word redis_text(const char *text);

/*
 * The bytes of a command of at most REDIS_WORDS_MAX words, owned by the caller,
 * who frees them. Returns 0; -1 when out of memory.
 */
int redis_command(const struct redis_word *words, size_t nwords,
    void **ret_bytes, size_t *ret_len);

/* -- Answers -- */

enum redis_kind {
	REDIS_STATUS,  /* "+OK" */
	REDIS_ERROR,   /* "-ERR ..." */
	REDIS_INTEGER, /* ":1" */
	REDIS_STRING,  /* "$2", "OK" */
	REDIS_NIL,     /* "$-1", "*-1" */
	REDIS_ARRAY    /* "*2", and so many values */
};

struct redis_value {
	enum redis_kind kind;
	const char *text; /* NULL but for statuses, errors and strings */
	size_t len;       /* a NUL follows the text, and may stand in it */
	int64_t number;   /* of an integer */
};

struct redis_answer {
	struct redis_value value;
	struct redis_value items[REDIS_ITEMS_MAX]; /* of an array */
	size_t nitems;
};

enum redis_read {
	REDIS_READ_ONE,   /* there is an answer */
	REDIS_READ_MORE,  /* it is not whole yet */
	REDIS_READ_WRONG, /* no more can be read of this connection */
	REDIS_READ_NO_MEMORY
};

struct redis_reader; /* opaque */

/* For one connection. NULL when out of memory. */
struct redis_reader *redis_reader_new(void);

/* Accepts NULL. */
void redis_reader_free(struct redis_reader *r);

/*
 * Read the first answer of bytes. With ONE *ret_taken is its length and
 * *ret_answer valid until the next call. WRONG is for good: the connection has
 * to be closed, and *ret_reason says why, in words of ours that follow a name:
 * "sent a line without an end".
 */
enum redis_read redis_reader_next(struct redis_reader *r, const char *bytes,
    size_t len, size_t *ret_taken, struct redis_answer *ret_answer,
    const char **ret_reason);

#endif /* HANDLERS_QUEUE_REDIS_CODEC_H */
