#include "server/http/proxy_header.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdint.h>
#include <string.h>

#include "store/base/parse.h"

/* -- Version 1: "PROXY TCP4 SOURCE DESTINATION PORT PORT\r\n" -- */

#define V1_MAX 107 /* with its CRLF */
static const char v1_begin[] = "PROXY ";
#define V1_BEGIN_LEN (sizeof(v1_begin) - 1)
#define V1_MIN (sizeof("PROXY UNKNOWN\r\n") - 1)
#define V1_FIELDS 4 /* after the family */

/* -- Version 2: a signature, four bytes, addresses, TLVs -- */

static const unsigned char v2_begin[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
	0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
#define V2_FIXED 16
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_STREAM 1
#define TLV_CRC32C 0x03

enum family { OTHER, INET, INET6, UNIX, NFAMILIES };
static const size_t addresses_len[NFAMILIES] = {
	[OTHER] = 0,
	[INET] = 12,
	[INET6] = 36,
	[UNIX] = 216,
};

static enum proxy_header_rc
bad(struct proxy_header *h, const char *reason)
{
	h->reason = reason;
	return (PROXY_HEADER_BAD);
}

static enum proxy_header_rc
more(struct proxy_header *h, size_t wanted)
{
	h->wanted = wanted;
	return (PROXY_HEADER_MORE);
}

/* -- Version 1 -- */

/* A decimal port, without leading zeros. */
static int
read_port(const char *text, unsigned *ret_port)
{
	int64_t port;

	if ((text[0] == '0' && text[1] != '\0') ||
	    parse_int(text, 0, 65535, &port) == -1)
		return (-1);
	*ret_port = (unsigned)port;
	return (0);
}

/* Its fields, between single blanks. Returns how many, at most max + 1. */
static size_t
split(char *text, char *ret_fields[], size_t max)
{
	size_t n = 0;

	for (char *p = text; p != NULL; n++) {
		if (n == max)
			return (max + 1);
		ret_fields[n] = p;
		if ((p = strchr(p, ' ')) != NULL)
			*p++ = '\0';
	}
	return (n);
}

/* The addresses and ports of TCP4 or TCP6. */
static enum proxy_header_rc
read_v1_fields(struct proxy_header *h, int family, char *text)
{
	char *fields[V1_FIELDS];
	struct address from, to;
	unsigned port;

	if (split(text, fields, V1_FIELDS) != V1_FIELDS)
		return (bad(h, "PROXY header with other than 6 fields"));
	if (address_parse_host(fields[0], strlen(fields[0]), &from) == -1 ||
	    address_parse_host(fields[1], strlen(fields[1]), &to) == -1 ||
	    from.family != family || to.family != family)
		return (bad(h, "PROXY header with a bad address"));
	if (read_port(fields[2], &from.port) == -1 ||
	    read_port(fields[3], &port) == -1)
		return (bad(h, "PROXY header with a bad port"));
	h->names_client = true;
	h->client = from;
	return (PROXY_HEADER_DONE);
}

static enum proxy_header_rc
read_v1(struct proxy_header *h, const unsigned char *bytes, size_t len)
{
	char line[V1_MAX + 1], *rest = line + V1_BEGIN_LEN;
	size_t n = len < V1_BEGIN_LEN ? len : V1_BEGIN_LEN;

	if (memcmp(bytes, v1_begin, n) != 0)
		return (bad(h, "no PROXY header"));
	if (len < V1_MIN)
		return (more(h, V1_MIN - len));
	if (memchr(bytes, '\0', len) != NULL)
		return (bad(h, "PROXY header with a NUL"));
	if (bytes[len - 1] != '\n')
		return (len < V1_MAX ? more(h, 1)
				     : bad(h, "PROXY header too long"));
	if (bytes[len - 2] != '\r' ||
	    memchr(bytes, '\r', len) != bytes + len - 2)
		return (bad(h, "PROXY header with a bad end"));
	memcpy(line, bytes, len - 2);
	line[len - 2] = '\0';
	if (strncmp(rest, "TCP4 ", 5) == 0)
		return (read_v1_fields(h, AF_INET, rest + 5));
	if (strncmp(rest, "TCP6 ", 5) == 0)
		return (read_v1_fields(h, AF_INET6, rest + 5));
	if (strncmp(rest, "UNKNOWN", 7) == 0 &&
	    (rest[7] == '\0' || rest[7] == ' '))
		return (PROXY_HEADER_DONE);
	return (bad(h, "PROXY header of another protocol than TCP"));
}

/* -- Version 2 -- */

static size_t
number16(const unsigned char *p)
{
	return ((size_t)p[0] << 8 | p[1]);
}

static uint32_t
crc32c_add(uint32_t crc, unsigned char byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & (0 - (crc & 1)));
	return (crc);
}

/* Is it right? The checksum itself, at that place, counts as zeros. */
static bool
crc32c_is_right(const unsigned char *bytes, size_t len, size_t at)
{
	uint32_t crc = UINT32_MAX, said = 0;

	for (size_t i = 0; i < len; i++) {
		bool in_it = i >= at && i < at + 4;

		if (in_it)
			said = said << 8 | bytes[i];
		crc = crc32c_add(crc, in_it ? 0 : bytes[i]);
	}
	return ((crc ^ UINT32_MAX) == said);
}

/* What follows the addresses. */
static enum proxy_header_rc
read_tlvs(struct proxy_header *h, const unsigned char *bytes, size_t len,
    size_t at)
{
	bool checked = false;
	size_t n;

	while (at < len) {
		size_t left = len - at;

		if (left < 3 || (n = number16(bytes + at + 1)) > left - 3)
			return (bad(h, "PROXY header with a cut TLV"));
		if (bytes[at] == TLV_CRC32C) {
			if (n != 4 || checked ||
			    !crc32c_is_right(bytes, len, at + 3))
				return (bad(h, "PROXY header with a wrong "
					       "checksum"));
			checked = true;
		}
		at += 3 + n;
	}
	return (PROXY_HEADER_DONE);
}

static struct address
read_v2_client(enum family family, const unsigned char *p)
{
	size_t len =
	    family == INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	struct address client = { .family = family == INET ? AF_INET : AF_INET6,
		.port = (unsigned)number16(p + 2 * len) };

	memcpy(client.bytes, p, len);
	return (client);
}

static enum proxy_header_rc
read_v2(struct proxy_header *h, const unsigned char *bytes, size_t len)
{
	size_t n = len < sizeof(v2_begin) ? len : sizeof(v2_begin), whole;
	enum family family;

	if (memcmp(bytes, v2_begin, n) != 0)
		return (bad(h, "no PROXY header"));
	if (len < V2_FIXED)
		return (more(h, V2_FIXED - len));
	if (bytes[12] != V2_LOCAL && bytes[12] != V2_PROXY)
		return (
		    bad(h, "PROXY header of an unknown version or command"));
	whole = V2_FIXED + number16(bytes + 14);
	if (whole > PROXY_HEADER_MAX)
		return (bad(h, "PROXY header too long"));
	if (bytes[13] >> 4 >= NFAMILIES || (bytes[13] & 0xf) > 2)
		return (bad(h, "PROXY header of an unknown family"));
	family = (enum family)(bytes[13] >> 4);
	if (bytes[12] == V2_PROXY && family != OTHER &&
	    (bytes[13] & 0xf) != V2_STREAM)
		return (bad(h, "PROXY header of another protocol than TCP"));
	if (whole - V2_FIXED < addresses_len[family])
		return (bad(h, "PROXY header without its addresses"));
	if (len < whole)
		return (more(h, whole - len));
	if (bytes[12] == V2_LOCAL)
		return (PROXY_HEADER_DONE);
	if (family == INET || family == INET6) {
		h->names_client = true;
		h->client = read_v2_client(family, bytes + V2_FIXED);
	}
	if (family == OTHER) /* the rest has no form that is known */
		return (PROXY_HEADER_DONE);
	return (read_tlvs(h, bytes, len, V2_FIXED + addresses_len[family]));
}

enum proxy_header_rc
proxy_header_read(const void *bytes, size_t len,
    struct proxy_header *ret_header)
{
	const unsigned char *p = bytes;

	*ret_header = (struct proxy_header){ 0 };
	if (len == 0)
		return (more(ret_header, V1_MIN));
	if (p[0] == v2_begin[0])
		return (read_v2(ret_header, p, len));
	return (read_v1(ret_header, p, len));
}
