/*
 * listen_fds.h -- listening sockets that the service manager has opened:
 * sd_listen_fds(3) without libsystemd.
 *
 * Owns:    those sockets, and others of our own, until they are taken.
 * Touches: the descriptors from 3 on.
 *
 * A socket is for an address of the configuration that is its own. One that is
 * named http or https (FileDescriptorName=) is for http.listen wherever it
 * listens, one named plain, proxy or admin for that key alone.
 */
#ifndef SERVER_LISTEN_FDS_H
#define SERVER_LISTEN_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/address.h"

#define LISTEN_FDS_MAX 64
#define LISTEN_NAME_MAX 256 /* of systemd, with a NUL */
#define LISTEN_TEXT_MAX (ADDRESS_HOST_MAX + sizeof("[]:65535"))
#define LISTEN_REASON_MAX 512

/* What it may be for. */
enum listen_key {
	LISTEN_ANY, /* its name is none of ours: it goes by its address */
	LISTEN_HTTP,
	LISTEN_PLAIN,
	LISTEN_PROXY,
	LISTEN_ADMIN
};

struct listen_fd {
	int fd; /* -1: it was taken */
	enum listen_key key;
	char name[LISTEN_NAME_MAX];
	struct address address;
	char text[LISTEN_TEXT_MAX]; /* the same: "127.0.0.1:80", "*:80" */
};

/* All zero: none. */
struct listen_fds {
	struct listen_fd list[LISTEN_FDS_MAX];
	size_t n;
};

/* What FileDescriptorName= says. */
enum listen_key listen_key_of(const char *name);

/* The i-th of the names in $LISTEN_FDNAMES; empty if there is none. */
void listen_name_of(const char *names, size_t i,
    char ret_name[LISTEN_NAME_MAX]);

/* $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES; each NULL if it is not set. */
struct listen_env {
	const char *pid;
	const char *fds;
	const char *names;
};

/*
 * Take over what env says that this process, self, was given. They do not block
 * and are closed by exec(2) from now on. Returns 0; -1, with a reason, if one
 * of them is no listening TCP socket, and then none is taken over.
 */
int listen_fds_read(struct listen_fds *all, const struct listen_env *env,
    int64_t self, char reason[LISTEN_REASON_MAX]);

/*
 * One of our own, for that address of that key. Takes fd. Returns 0, or -1 if
 * there are too many.
 */
int listen_fds_add(struct listen_fds *all, enum listen_key key, int fd,
    const char *address);

/* What is for that address of that key is for nothing else from now on. */
void listen_fds_assign(struct listen_fds *all, enum listen_key key,
    const char *address);

/* Is there one that is for http.listen by its name? */
bool listen_fds_has_http(const struct listen_fds *all);

/* The next one of those, owned by the caller; -1: there is none. */
int listen_fds_take_http(struct listen_fds *all);

/* The one for that address of that key: is there one? Take it; -1: none. */
bool listen_fds_has(const struct listen_fds *all, enum listen_key key,
    const char *address);
int listen_fds_take(struct listen_fds *all, enum listen_key key,
    const char *address);

/* One that nobody has taken; NULL: none. */
const struct listen_fd *listen_fds_left(const struct listen_fds *all);

/* Close what nobody has taken. */
void listen_fds_close(struct listen_fds *all);

#endif /* SERVER_LISTEN_FDS_H */
