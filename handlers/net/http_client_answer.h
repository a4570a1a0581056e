/*
 * http_client_answer.h -- reads the answer to a POST.
 *
 * Pure: bytes in, in pieces of any size; a status and what belongs to it out.
 *
 * From the moment at which the status line has been read the answer has that
 * status, whatever follows: the far side has done what it says. What follows
 * only decides how much of the body is known, and whether the connection can
 * serve again. So a head or body that breaks the rules is no error here.
 */
#ifndef HANDLERS_HTTP_CLIENT_ANSWER_H
#define HANDLERS_HTTP_CLIENT_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_HEAD_MAX (64 * 1024) /* all heads of an answer */
#define ANSWER_BODY_MAX 1024        /* kept of its body */
#define ANSWER_LINE_MAX 512         /* kept of a line of its head */
#define ANSWER_LOCATION_MAX 160     /* kept of a Location */
#define ANSWER_WAIT_MAX 64          /* of a Retry-After */

enum answer_state {
	ANSWER_STATUS, /* in a status line, up to its status; so it begins */
	ANSWER_REASON, /* in the rest of it */
	ANSWER_HEADERS,
	ANSWER_BODY,       /* of known length */
	ANSWER_REST,       /* a body that ends with the connection */
	ANSWER_CHUNK_SIZE, /* in the line before a chunk */
	ANSWER_CHUNK,
	ANSWER_CHUNK_END, /* in the line end behind it */
	ANSWER_TRAILER,
	ANSWER_WHOLE, /* its end has been read */
	ANSWER_TORN,  /* it has a status; its end is not clear */
	ANSWER_NOT_HTTP
};

/* All zero at the beginning. */
struct answer {
	enum answer_state state;
	int status; /* 200 to 599, once it has been read; else 0 */
	char retry_after[ANSWER_WAIT_MAX];  /* empty: none */
	char date[ANSWER_WAIT_MAX];         /* when it was made; empty: none */
	char location[ANSWER_LOCATION_MAX]; /* for people; empty: none */
	const char *want;             /* the caller's: another header's name */
	char wanted[ANSWER_LINE_MAX]; /* its value; empty: none */
	bool wanted_cut;              /* it is longer than that */
	char body[ANSWER_BODY_MAX];   /* its beginning */
	size_t body_len;
	/* The caller's: where it goes in place of body; NULL: there. */
	char *room;
	size_t room_size;

	/* Private to http_client_answer.c. */
	bool old;     /* HTTP/1.0 */
	bool broken;  /* a line of the head makes no sense */
	bool chunked; /* Transfer-Encoding: chunked */
	bool coded;   /* another Transfer-Encoding */
	bool sized;   /* there is a Content-Length */
	bool close;   /* Connection: close */
	int64_t left; /* of the body, or of a chunk */
	size_t head;  /* bytes of the head so far */
	char line[ANSWER_LINE_MAX];
	size_t line_len; /* also of what was not kept of it */
};

/*
 * Read the next bytes. Returns how many were taken: all, but for what comes
 * behind an answer whose state is ANSWER_WHOLE, ANSWER_TORN or NOT_HTTP.
 */
size_t answer_read(struct answer *a, const char *bytes, size_t len);

/* The far side has closed: an answer without a length is whole now. */
void answer_end(struct answer *a);

/* Is there nothing more to wait for? */
bool answer_is_over(const struct answer *a);

/* Where the beginning of its body is, body_len bytes. */
const char *answer_body(const struct answer *a);

/* Can its connection serve again, as far as the answer says? */
bool answer_keeps(const struct answer *a);

#endif /* HANDLERS_HTTP_CLIENT_ANSWER_H */
