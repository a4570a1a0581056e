/*
 * message.h -- what an outlet sends of a job: its bytes, its idempotency key,
 * its attributes. The same for every type that calls out.
 *
 * Owns: nothing that outlasts the call.
 *
 * What is sent is the same under one key, and another thing under another: an
 * event, one order of it, a place in it that has no order id, or the alarm of
 * one of these jobs; and in another scope each of them is another. A repeat is
 * what it repeats: a call of that one may have been taken all the same.
 */
#ifndef HANDLERS_MESSAGE_H
#define HANDLERS_MESSAGE_H

#include "handlers/handler.h"
#include "store/base/parse.h"

#define MESSAGE_ATTRIBUTES_MAX 10
#define MESSAGE_KEY_MAX 1152 /* scope, two ids of 255 bytes, one as %XX */

/* What signs messages in place of klikit; all zero: nothing does. */
struct message_signer {
	void *secret; /* NULL: klikit's own signature goes along */
	size_t secret_len;
};

/* A copy of what stands in the file, if one was read. Returns 0; -1 when out of
   memory, and then it is all zero. */
int message_signer_init(struct message_signer *s,
    const struct key_secret *file);

/* Wipes it. Accepts one that is all zero. */
void message_signer_fini(struct message_signer *s);

struct message_attribute {
	const char *name; /* "klikit-event-id" */
	const char *value;
};

struct message {
	const void *body; /* the event's as it came, or one made for this */
	size_t body_len;
	const struct store_order *order; /* it is for that one, or NULL */
	char key[MESSAGE_KEY_MAX];       /* printable ASCII without blanks */
	char signature[65];              /* lower-case hex; empty: none fits */

	/*
	 * What goes beside the body, in each broker's own form; one that would
	 * be empty is left out. Values may hold any bytes that klikit sent, but
	 * NUL: event ids, types, brands, branches. They point into this struct,
	 * which must not be moved, and stand in this order:
	 * klikit-event-id, klikit-event-type, klikit-brand-id,
	 * klikit-branch-id, klikit-order-id (only of an order),
	 * klikit-signature, idempotency-key, klikitd-attempt, received-at (ISO
	 * 8601, UTC, with ms), klikitd-scope.
	 */
	struct message_attribute attributes[MESSAGE_ATTRIBUTES_MAX];
	size_t nattributes;

	/* Private: the body that was made, or NULL; attributes as text. */
	void *cut;
	char attempt[16];
	char received_at[FORMAT_TIME_MAX];
};

/*
 * What job sends. Borrows job and its event until message_fini(). Returns
 * HANDLER_DONE; else the verdict of the job (DEAD: the body was purged or has
 * no such order; RETRY: out of memory), with its reason in *ret_result, and
 * then there is nothing to be given back.
 */
enum handler_verdict message_make(struct message *m,
    const struct handler_env *env, const struct message_signer *signer,
    const struct handler_job *job, struct handler_result *ret_result);

/*
 * An outlet has no memory for the call: writes that to *ret_result, and returns
 * HANDLER_RETRY.
 */
enum handler_verdict message_no_memory(struct handler_result *ret_result);

/* Accepts one that is all zero. */
void message_fini(struct message *m);

/* The value of that attribute; NULL: it has none. */
const char *message_attribute(const struct message *m, const char *name);

/* The headers by which it goes over HTTP; returns how many. They borrow m. */
#define MESSAGE_HEADERS_MAX 7
size_t message_headers(const struct message *m,
    struct message_attribute ret_headers[MESSAGE_HEADERS_MAX]);

#endif /* HANDLERS_MESSAGE_H */
