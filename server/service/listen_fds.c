#include "server/service/listen_fds.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "store/base/parse.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

enum listen_key
listen_key_of(const char *name)
{
	static const struct {
		const char *name;
		enum listen_key key;
	} names[] = {
		{ "http", LISTEN_HTTP },
		{ "https", LISTEN_HTTP },
		{ "plain", LISTEN_PLAIN },
		{ "proxy", LISTEN_PROXY },
		{ "admin", LISTEN_ADMIN },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0)
			return (names[i].key);
	}
	return (LISTEN_ANY);
}

void
listen_name_of(const char *names, size_t i, char ret_name[LISTEN_NAME_MAX])
{
	size_t len;

	for (; i > 0 && *names != '\0'; i--) {
		names += strcspn(names, ":");
		names += *names == ':';
	}
	len = strcspn(names, ":");
	(void)snprintf(ret_name, LISTEN_NAME_MAX, "%.*s",
	    len < LISTEN_NAME_MAX ? (int)len : 0, names);
}

/* Where a socket listens; of IPv6's every address also whether for IPv4. */
static void
read_address(int fd, const struct sockaddr_storage *ss, struct listen_fd *l)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	char host[INET6_ADDRSTRLEN] = "";
	int alone = 1;
	socklen_t len = sizeof(alone);

	l->address.family = ss->ss_family;
	l->address.port =
	    ntohs(ss->ss_family == AF_INET6 ? in6->sin6_port : in->sin_port);
	if (ss->ss_family == AF_INET6)
		memcpy(l->address.bytes, &in6->sin6_addr, 16);
	else
		memcpy(l->address.bytes, &in->sin_addr, 4);
	if (ss->ss_family == AF_INET6 && address_is_every(&l->address) &&
	    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &alone, &len) == 0 &&
	    alone == 0)
		l->address.family = AF_UNSPEC;
	if (l->address.family == AF_UNSPEC)
		(void)strcpy(host, "*");
	else
		(void)inet_ntop(ss->ss_family, l->address.bytes, host,
		    sizeof(host));
	(void)snprintf(l->text, sizeof(l->text),
	    strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
	    l->address.port);
}

/* Returns 0, or -1 if it is no listening TCP socket. */
static int
read_socket(int fd, struct listen_fd *l)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = sizeof(ss), len = sizeof(int);
	int type = 0, listens = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_STREAM || (len = sizeof(int)) == 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == -1 ||
	    listens == 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &ss_len) == -1 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
		return (-1);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
		return (-1);
	l->fd = fd;
	read_address(fd, &ss, l);
	return (0);
}

/* How many there are; 0 if they are another process's. */
static int64_t
count_fds(const struct listen_env *env, int64_t self)
{
	int64_t whose, n;

	if (env->pid == NULL || env->fds == NULL ||
	    parse_int(env->pid, 1, INT32_MAX, &whose) == -1 || whose != self ||
	    parse_int(env->fds, 0, INT32_MAX - FIRST_FD, &n) == -1)
		return (0);
	return (n);
}

int
listen_fds_read(struct listen_fds *all, const struct listen_env *env,
    int64_t self, char reason[LISTEN_REASON_MAX])
{
	int64_t n = count_fds(env, self);
	struct listen_fd *l;

	all->n = 0;
	if (n > LISTEN_FDS_MAX) {
		(void)snprintf(reason, LISTEN_REASON_MAX,
		    "the service manager passes more than %d sockets",
		    LISTEN_FDS_MAX);
		return (-1);
	}
	for (int i = 0; i < (int)n; i++) {
		l = &all->list[i];
		memset(l, 0, sizeof(*l));
		listen_name_of(env->names == NULL ? "" : env->names, (size_t)i,
		    l->name);
		l->key = listen_key_of(l->name);
		if (read_socket(FIRST_FD + i, l) == 0)
			continue;
		(void)snprintf(reason, LISTEN_REASON_MAX,
		    "descriptor %d (%s) of the service manager is no "
		    "listening TCP socket (ListenStream=HOST:PORT)",
		    FIRST_FD + i, log_text(l->name));
		return (-1);
	}
	all->n = (size_t)n;
	return (0);
}

int
listen_fds_add(struct listen_fds *all, enum listen_key key, int fd,
    const char *address)
{
	struct listen_fd *l = &all->list[all->n];

	if (all->n == LISTEN_FDS_MAX) {
		(void)close(fd);
		return (-1);
	}
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->key = key;
	(void)address_parse(address, &l->address);
	(void)snprintf(l->text, sizeof(l->text), "%s", address);
	all->n++;
	return (0);
}

/* Is it where the address says? */
static bool
is_at(const struct listen_fd *l, const char *address)
{
	struct address a;

	if (strcmp(l->text, address) == 0)
		return (true);
	if (address_parse(address, &a) != ADDRESS_OK || a.port == 0 ||
	    a.port != l->address.port)
		return (false);
	/* Where there is no IPv6 every address is every one of IPv4. */
	if (a.family == AF_UNSPEC)
		return (address_is_every(&l->address));
	return (address_same_host(&a, &l->address));
}

static struct listen_fd *
find(const struct listen_fds *all, enum listen_key key, const char *address)
{
	const struct listen_fd *l;

	for (size_t i = 0; i < all->n; i++) {
		l = &all->list[i];
		if (l->fd != -1 && (l->key == key || l->key == LISTEN_ANY) &&
		    is_at(l, address))
			return ((struct listen_fd *)l);
	}
	return (NULL);
}

static struct listen_fd *
find_http(const struct listen_fds *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].fd != -1 && all->list[i].key == LISTEN_HTTP)
			return ((struct listen_fd *)&all->list[i]);
	}
	return (NULL);
}

/* Give it away. NULL: there is none. */
static int
take(struct listen_fd *l)
{
	int fd = l == NULL ? -1 : l->fd;

	if (l != NULL)
		l->fd = -1;
	return (fd);
}

void
listen_fds_assign(struct listen_fds *all, enum listen_key key,
    const char *address)
{
	struct listen_fd *l = find(all, key, address);

	if (l != NULL)
		l->key = key;
}

bool
listen_fds_has_http(const struct listen_fds *all)
{
	return (find_http(all) != NULL);
}

int
listen_fds_take_http(struct listen_fds *all)
{
	return (take(find_http(all)));
}

bool
listen_fds_has(const struct listen_fds *all, enum listen_key key,
    const char *address)
{
	return (find(all, key, address) != NULL);
}

int
listen_fds_take(struct listen_fds *all, enum listen_key key,
    const char *address)
{
	return (take(find(all, key, address)));
}

const struct listen_fd *
listen_fds_left(const struct listen_fds *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].fd != -1)
			return (&all->list[i]);
	}
	return (NULL);
}

void
listen_fds_close(struct listen_fds *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].fd != -1)
			(void)close(all->list[i].fd);
		all->list[i].fd = -1;
	}
}
