/*
 * address.h -- numeric addresses of sockets, as text.
 *
 * Pure: text in, plain data out. "HOST:PORT", "[V6]:PORT" or "*:PORT", which
 * is every address of both families. No name is looked up.
 */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_HOST_MAX 64 /* with a NUL */
#define ADDRESS_BYTES_MAX 16

enum address_rc {
	ADDRESS_OK = 0,
	ADDRESS_NO_PORT,  /* it is not HOST:PORT */
	ADDRESS_BAD_PORT, /* the port is no number from 0 to 65535 */
	ADDRESS_BAD_HOST
};

struct address {
	int family; /* AF_INET or AF_INET6; AF_UNSPEC: every one of both */
	unsigned char bytes[ADDRESS_BYTES_MAX]; /* as on the wire, then zeros */
	unsigned port;
};

/*
 * Take HOST:PORT apart. The host loses its brackets, and may be anything that
 * is not empty; only one in brackets may hold a colon.
 */
enum address_rc address_split(const char *text, char ret_host[ADDRESS_HOST_MAX],
    unsigned *ret_port);

/* The same, and the host must be numeric, or "*". */
enum address_rc address_parse(const char *text, struct address *ret_address);

/*
 * Read a numeric host of len bytes, without brackets, port or scope; the port
 * becomes 0. Returns 0, or -1.
 */
int address_parse_host(const char *text, size_t len,
    struct address *ret_address);

/*
 * If it is IPv4 on a socket for both families (::ffff:a.b.c.d, RFC 4291 section
 * 2.5.5.2), make it the IPv4 address that it is. Returns whether it was.
 */
bool address_unmap(struct address *address);

/* Its host, without brackets and port; "*" of AF_UNSPEC. */
const char *address_text(const struct address *address,
    char ret_text[ADDRESS_HOST_MAX]);

/* How many of its bytes count: 4, 16, or 0 of AF_UNSPEC. */
size_t address_len(const struct address *address);

/* The host of HOST:PORT, without brackets; all of what is none, cut off. */
void address_host(const char *text, char ret_host[ADDRESS_HOST_MAX]);

/* The port of HOST:PORT; 0 if it has none. */
unsigned address_port(const char *text);

/* Is it one of this machine alone: 127.0.0.0/8 or ::1? */
bool address_is_loopback(const struct address *address);

/* Does it stand for every address of its family, or of both? */
bool address_is_every(const struct address *address);

/* Are they the same, whatever their ports? */
bool address_same_host(const struct address *a, const struct address *b);

#endif /* SERVER_ADDRESS_H */
