/*
 * terminal.h -- is the terminal still there from which we were started?
 *
 * Owns:    a descriptor of the controlling terminal, and its event.
 * Touches: /dev/tty, the monotonic clock, how HUP was set at the start.
 *
 * HUP has two meanings: "read the configuration again", and "your terminal was
 * closed". The kernel sends the second one, or a shell on its behalf, right
 * when the terminal goes.
 */
#ifndef SERVER_TERMINAL_H
#define SERVER_TERMINAL_H

#include <stdbool.h>

struct event_base;
struct terminal; /* opaque */

/*
 * Before HUP is handled. Keeps base. NULL when out of memory; a process
 * without a terminal has one that never leaves.
 */
struct terminal *terminal_new(struct event_base *base);

/* Was HUP ignored when we were started, as nohup does it? */
bool terminal_hup_is_ignored(void);

/* Accepts NULL. */
void terminal_free(struct terminal *t);

/*
 * HUP has come: because the terminal was closed? Not so for a service, under
 * nohup, or when the terminal went long ago and we were left alone.
 */
bool terminal_has_left(const struct terminal *t);

#endif /* SERVER_TERMINAL_H */
