/*
 * trigger_client.h -- one connection of a verb that posts: klikitd trigger,
 * and those that change something by way of the running server.
 *
 * Owns:    a private event loop and a keep-alive connection.
 * Touches: the network; never the log. Blocks: only for verbs.
 */
#ifndef SERVER_TRIGGER_CLIENT_H
#define SERVER_TRIGGER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct trigger_client; /* opaque */

#define TRIGGER_REASON_MAX 256
#define TRIGGER_CLIENT_REASON_MAX 640
#define TRIGGER_ANSWER_MAX 32768

/* PEM files; NULL: not said. */
struct trigger_trust {
	const char
	    *ca_file;     /* who may have signed the far side's certificate */
	const char *peer; /* that very certificate, under any name */
};

/*
 * A client for an http:// or https:// URL; a URL without a path means
 * /webhooks/klikit. By https trust says whom to trust, NULL: whom the system
 * trusts. Connects with the first post,
 * and anew when the far side has closed. Owned by the caller; NULL, and a
 * reason, if the URL or the file cannot be used or memory is short.
 */
struct trigger_client *trigger_client_new(const char *url,
    const struct trigger_trust *trust, char reason[TRIGGER_CLIENT_REASON_MAX]);

/* Accepts NULL. */
void trigger_client_free(struct trigger_client *tc);

struct trigger_header {
	const char *name;
	const char *value;
};

struct trigger_answer {
	int status;                    /* HTTP */
	char text[TRIGGER_ANSWER_MAX]; /* as much of the body as fits */
	int64_t latency_us;
};

/* What is posted; all of it is borrowed. */
struct trigger_request {
	const struct trigger_header *headers; /* NULL at the end */
	const void *body;                     /* NULL: it is a GET */
	size_t body_len;
	int timeout_s; /* of the answer, at most */
};

/* Post it and wait for the answer. Returns 0; -1, and a reason, if none came.
 */
int trigger_client_post(struct trigger_client *tc,
    const struct trigger_request *request, struct trigger_answer *ret_answer,
    char reason[TRIGGER_CLIENT_REASON_MAX]);

#endif /* SERVER_TRIGGER_CLIENT_H */
