/*
 * http_client.h -- outgoing requests to one far side.
 *
 * Owns:    a pool of keep-alive connections to one host and port (HTTP/1.1
 *          over bufferevents from the env), their deadlines, and the first KB
 *          of each answer.
 * Touches: the loop, the env's resolver and connect(). Knows nothing of jobs,
 *          and of TLS no more than that it comes before the request.
 *          SIGPIPE must be ignored by who runs the loop.
 *
 * Redirects are not followed: a 3xx is an answer like any other. An answer of
 * any length is read by chunks; only its beginning is kept, and one that does
 * not end is cut at HTTP_CLIENT_READ_MAX. Its status line is enough to count
 * as an answer, whatever becomes of the rest.
 */
#ifndef HANDLERS_HTTP_CLIENT_H
#define HANDLERS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/handler.h"

#define HTTP_CLIENT_ANSWER_MAX 1024        /* bytes kept of an answer */
#define HTTP_CLIENT_READ_MAX (1024 * 1024) /* bytes read of one, else */

struct http_client;      /* opaque */
struct http_client_call; /* opaque; one request under way */

/* An http or https URL, taken apart. Texts are owned by the struct. */
struct http_client_url {
	bool tls;
	char *host; /* without the brackets of an IPv6 address */
	uint16_t port;
	char *path; /* with its query; "/" if there is none */
};

/*
 * Take a URL apart: scheme http or https, no user, no fragment. Returns 0,
 * and the caller owns what is in *ret_url; -1 and one line in reason.
 */
int http_client_url_parse(const char *text, struct http_client_url *ret_url,
    char reason[HANDLER_REASON_MAX]);
void http_client_url_fini(struct http_client_url *url);

/* How a request ended. */
enum http_client_end {
	HTTP_CLIENT_ANSWERED, /* status is the far side's */
	HTTP_CLIENT_NOT_SENT, /* it cannot have had an effect */
	HTTP_CLIENT_UNKNOWN   /* it was sent, or part of it; no answer came */
};

struct http_client_answer {
	enum http_client_end end;
	const char *reason;     /* why there is no answer; NULL with one */
	int status;             /* 200 to 599; 0 without an answer */
	int64_t retry_after_ms; /* Retry-After, seconds or a date; 0: none */
	/*
	 * Date, when it was made by the far side's clock, in ms since the
	 * epoch; 0: none, or none that makes sense.
	 */
	int64_t date_ms;
	const char *location; /* Location; NULL: none, or no answer */
	const char *wanted;   /* the header asked for; NULL: likewise */
	const void *body;     /* its beginning; may be cut short by anything */
	size_t body_len;
	/* Its end was clear, and was read, and the header asked for fits. */
	bool whole;
};

/* Exactly once; never before post() returns; answer is valid for the call. */
typedef void http_client_fn(const struct http_client_answer *answer, void *arg);

/*
 * Keeps env and tls (of env's tls_open(); NULL if the url is not https),
 * copies url. Idle connections are kept for reuse, at most max_idle. NULL
 * when out of memory.
 */
struct http_client *http_client_new(const struct handler_env *env,
    const struct http_client_url *url, struct handler_tls *tls,
    size_t max_idle);

enum http_client_method {
	HTTP_CLIENT_POST,
	HTTP_CLIENT_PUT,
	HTTP_CLIENT_PATCH,
	HTTP_CLIENT_GET /* without a body */
};

/* What to send; all borrowed for the call of http_client_post(). */
struct http_client_request {
	enum http_client_method method;
	const char *target; /* path and query; NULL: those of the URL */
	/* "Name: value"; Host is added if none of them is one. */
	const char *const *headers;
	size_t nheaders;
	const void *body;
	size_t body_len;
	/*
	 * Kept until done(): where the answer's body goes, as much as fits;
	 * NULL: the client has room for HTTP_CLIENT_ANSWER_MAX bytes of it.
	 */
	char *room;
	size_t room_size;
	size_t read_max; /* of an answer, with its head; 0: READ_MAX */
	/* Kept until done(): the name of a header of the answer; NULL: none. */
	const char *want;
	/*
	 * For all of it: look-up, connect, TLS handshake, send, answer. Before
	 * it is sent two thirds may have passed.
	 */
	int64_t timeout_ms;
	/*
	 * Not 0: that is for what comes before the request; from then on
	 * nothing may come for so long, and all of it may take any time.
	 */
	int64_t silence_ms;
	/*
	 * Asked with done()'s arg right before the request leaves: no, and it
	 * ends as NOT_SENT. NULL: it may.
	 */
	bool (*may_send)(void *arg);
};

/*
 * Send it, by whatever method. Returns the call, to be named to
 * http_client_cancel() until done() has run; NULL when out of memory, or for a
 * header or target that is none, and then done() never runs. A connection
 * kept from before that turns out to be closed before any byte of an answer is
 * tried anew once, if nothing of the request can have been taken.
 */
struct http_client_call *http_client_post(struct http_client *hc,
    const struct http_client_request *req, http_client_fn *done, void *arg);

/* Drop the request and its connection; done() will not run. */
void http_client_cancel(struct http_client_call *call);

/* Only when no call is under way; also from within done(). Accepts NULL. */
void http_client_free(struct http_client *hc);

#endif /* HANDLERS_HTTP_CLIENT_H */
