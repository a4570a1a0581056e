#include <sys/socket.h>

#include <netinet/in.h>

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/address.h"
#include "server/http/http_address.h"

/* A listening socket, or -1 with errno. */
static int
bind_to(const struct addrinfo *ai, bool both)
{
	int fd, on = 1, off = 0, error;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return (-1);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on,
		    sizeof(on)) == -1) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
		error = errno;
		(void)close(fd);
		errno = error;
		return (-1);
	}
	return (fd);
}

/* Resolve without asking a name server. Returns 0, or -1 with a reason. */
static int
resolve(const char *host, unsigned port, struct addrinfo **ret_ai)
{
	char text[sizeof("65535")];
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };

	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	(void)snprintf(text, sizeof(text), "%u", port);
	return (getaddrinfo(host, text, &hints, ret_ai) == 0 ? 0 : -1);
}

/* Bind to host and port. Returns the socket; -1 with errno, 0 if unread. */
static int
bind_address(const char *host, unsigned port)
{
	struct addrinfo *ai;
	bool both = strcmp(host, "*") == 0;
	int fd, error;

	if (resolve(both ? "::" : host, port, &ai) == -1) {
		errno = 0;
		return (-1);
	}
	fd = bind_to(ai, both);
	error = errno;
	freeaddrinfo(ai);
	if (fd == -1 && both &&
	    (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
		return (bind_address("0.0.0.0", port)); /* no IPv6 here */
	errno = error;
	return (fd);
}

/* The same, and listen. */
static int
open_socket(const char *host, unsigned port)
{
	int fd, error;

	if ((fd = bind_address(host, port)) == -1)
		return (-1);
	if (listen(fd, SOMAXCONN) == 0)
		return (fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return (-1);
}

int
http_address_test(const char *address)
{
	char host[ADDRESS_HOST_MAX];
	unsigned port;
	int fd;

	if (address_split(address, host, &port) != ADDRESS_OK)
		return (EINVAL);
	if ((fd = bind_address(host, port)) == -1)
		return (errno == 0 ? EINVAL : errno);
	(void)close(fd);
	return (0);
}

void
http_address_reason(const char *address, int error,
    char reason[HTTP_ADDRESS_REASON_MAX])
{
	const char *hint = strerror(error);

	if (error == 0)
		hint = "not HOST:PORT, [IPV6]:PORT or *:PORT with a numeric "
		       "host";
	else if (error == EADDRINUSE)
		hint = "the port is in use: stop the program that holds it, "
		       "or choose another";
	else if (error == EACCES)
		hint = address_port(address) < 1024
			   ? "ports below 1024 need a privilege: choose a "
			     "higher one"
			   : "this system's security policy forbids the port";
	else if (error == EADDRNOTAVAIL)
		hint = "this machine has no such address";
	(void)snprintf(reason, HTTP_ADDRESS_REASON_MAX,
	    "cannot listen on %.100s: %s", address, hint);
}

/* The host of a socket that was given to us, as in an address. */
static void
read_host(int fd, const struct sockaddr_storage *ss,
    char host[ADDRESS_HOST_MAX])
{
	int alone = 1;
	socklen_t len = sizeof(alone);

	(void)getnameinfo((const struct sockaddr *)ss, sizeof(*ss), host,
	    ADDRESS_HOST_MAX, NULL, 0, NI_NUMERICHOST);
	if (strcmp(host, "::") == 0 &&
	    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &alone, &len) == 0 &&
	    alone == 0)
		(void)strcpy(host, "*");
}

/* Where a client on this machine finds the socket. host NULL: as it says. */
static void
write_url(int fd, const char *scheme, const char *host,
    char ret_url[HTTP_URL_MAX])
{
	char own[ADDRESS_HOST_MAX] = "";
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	unsigned port = 0;

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
		port = ntohs(ss.ss_family == AF_INET6
				 ? ((struct sockaddr_in6 *)&ss)->sin6_port
				 : ((struct sockaddr_in *)&ss)->sin_port);
		read_host(fd, &ss, own);
	}
	if (host == NULL)
		host = own;
	(void)snprintf(ret_url, HTTP_URL_MAX,
	    strchr(host, ':') != NULL ? "%s://[%.64s]:%u" : "%s://%.64s:%u",
	    scheme, host, port);
}

int
http_address_open(const char *address, const char *scheme,
    char ret_url[HTTP_URL_MAX], char reason[HTTP_ADDRESS_REASON_MAX])
{
	const size_t prefix = strlen(HTTP_ADDRESS_FD);
	char host[ADDRESS_HOST_MAX];
	unsigned port;
	int fd;

	if (strncmp(address, HTTP_ADDRESS_FD, prefix) == 0) {
		fd = atoi(address + prefix);
		write_url(fd, scheme, NULL, ret_url);
		return (fd);
	}
	if (address_split(address, host, &port) != ADDRESS_OK) {
		http_address_reason(address, 0, reason);
		return (-1);
	}
	if ((fd = open_socket(host, port)) == -1) {
		http_address_reason(address, errno, reason);
		return (-1);
	}
	write_url(fd, scheme, host, ret_url);
	return (fd);
}
