/*
 * verb_trigger.h -- private to verb_trigger*.c: what one delivery and all of
 * them have in common.
 */
#ifndef SERVER_VERB_TRIGGER_H
#define SERVER_VERB_TRIGGER_H

#include "server/auth/secrets.h"
#include "server/cli/trigger_client.h"
#include "server/cli/verb.h"

#define TRIGGER_EVENT_ID_LEN 256
#define TRIGGER_TIMEOUT_S 15 /* klikit itself waits for 10 */

/* -- verb_trigger_text.c -- */

/* "test-" and a random UUID, as klikit's recipe for tests has it. */
int trigger_event_id(char ret_id[TRIGGER_EVENT_ID_LEN]);

/*
 * The id of the first of n orders, that no other of this run has, nor another
 * run with any likelihood; -1 without randomness.
 */
int64_t trigger_order_id(size_t n);

/* Print what was answered, on the line that has been begun. */
void trigger_print_text(const char *text);

/* -- verb_trigger_to.c -- */

/*
 * A client that sends to where args say: --to, else the klikitd dev that runs,
 * else what the configuration listens on; to the endpoint's first path, unless
 * --to has one. Owned by the caller; NULL, with the reason on stderr, if there
 * is no such place.
 */
struct trigger_client *trigger_connect(const struct verb_args *args,
    const struct config *cfg, const struct config_endpoint *ep, bool dev);

/* Who signs and who sends; all borrowed. */
struct trigger_sender {
	struct secrets *sec;
	size_t secret; /* which of them */
	struct trigger_client *client;
};

/* -- verb_trigger_all.c -- */

/*
 * --all: send one delivery of every kind, right and wrong ones, and print a
 * table of the answers. VERB_DONE if each was right.
 */
enum verb_exit trigger_all(const struct trigger_sender *ts);

#endif /* SERVER_VERB_TRIGGER_H */
