/*
 * notify.h -- what the service manager is told: sd_notify(3) without
 * libsystemd.
 *
 * Owns:    the text of the messages, and one datagram socket.
 * Touches: the socket that $NOTIFY_SOCKET names. Never waits for it.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_MAX 512 /* bytes of a message */

enum notify_what {
	NOTIFY_READY,     /* it serves; also at the end of a reload */
	NOTIFY_RELOADING, /* a reload has begun */
	NOTIFY_STOPPING,  /* it is about to end */
	NOTIFY_WATCHDOG,  /* it is alive */
	NOTIFY_STATUS     /* no more than a line for people */
};

/*
 * The message: usec is of CLOCK_MONOTONIC, which a reload must name; status is
 * a line for people, NULL: none. What steers a terminal, or would begin another
 * line, is a blank; what is too long is cut. Returns the length.
 */
size_t notify_format(enum notify_what what, int64_t usec, const char *status,
    char ret_text[NOTIFY_MAX]);

/*
 * The address that $NOTIFY_SOCKET names: a path, or behind '@' an abstract
 * name. Returns its length; 0 if it is neither.
 */
socklen_t notify_address(const char *text, struct sockaddr_un *ret_address);

/* A manager to tell. All -1 or NULL: there is none. */
struct notify {
	int fd;
};

/* text is $NOTIFY_SOCKET or NULL. Returns false if it is of no use. */
bool notify_open(struct notify *n, const char *text);

/* Lost if there is no manager, or if it does not read. */
void notify_send(const struct notify *n, enum notify_what what, int64_t usec,
    const char *status);

void notify_close(struct notify *n);

#endif /* SERVER_NOTIFY_H */
