/*
 * http_forwarded.c -- for whom a trusted proxy asks, by its header fields.
 *
 * The walk goes from the end, the bytes come from the start. So each element
 * decides what the walk would find if the list ended there:
 *
 *   not trusted   that address; what was found before does not count
 *   trusted       what was found before; if that is nothing, this address
 *   unreadable    nothing; a trusted one after it is not the client for sure
 */
#include <sys/socket.h>

#include <string.h>
#include <strings.h>

#include "server/base/network.h"
#include "server/http/http_field.h"
#include "server/http/http_forwarded.h"
#include "store/base/parse.h"

/* Within an element. */
enum state {
	BEFORE_NAME, /* of Forwarded */
	IN_NAME,
	BEFORE_VALUE,
	IN_TOKEN,
	IN_QUOTES,
	ESCAPED, /* in quotes */
	AFTER_VALUE,
	IN_NODE, /* of X-Forwarded-For */
	AFTER_NODE
};

#define PORT_MAX 65535
#define HIDDEN_LEN_MAX 64 /* of a port that is hidden */

/* -- A node -- */

/* Is it a port: digits, or with `hidden' the form _abc as well? */
static bool
is_port(const char *text, size_t len, bool hidden)
{
	char digits[sizeof("65535")];
	int64_t port;

	if (hidden && len > 1 && len <= HIDDEN_LEN_MAX && text[0] == '_') {
		for (size_t i = 1; i < len; i++) {
			if (!http_field_is_token((unsigned char)text[i]))
				return (false);
		}
		return (true);
	}
	if (len == 0 || len >= sizeof(digits))
		return (false);
	memcpy(digits, text, len);
	digits[len] = '\0';
	return (parse_int(digits, 0, PORT_MAX, &port) == 0);
}

/* How long the host at the start of a node is, with its brackets. */
static size_t
host_len(const char *text, size_t len)
{
	const char *end = memchr(text, text[0] == '[' ? ']' : ':', len);

	if (end == NULL)
		return (len);
	return ((size_t)(end - text) + (text[0] == '['));
}

/*
 * A node: "A.B.C.D" or "[V6]", and perhaps ":PORT". bare: IPv6 may stand
 * without brackets. Returns 0, or -1 if it is no address.
 */
static int
read_node(const char *text, size_t len, bool bare, struct address *ret_address)
{
	struct address address;
	bool bracket = len > 0 && text[0] == '[';
	size_t host;

	if (len == 0)
		return (-1);
	if (bare && !bracket && address_parse_host(text, len, &address) == 0) {
		(void)address_unmap(&address);
		*ret_address = address;
		return (0);
	}
	host = host_len(text, len);
	if (bracket && (host < 2 || text[host - 1] != ']'))
		return (-1);
	if (host < len && (text[host] != ':' ||
			      !is_port(text + host + 1, len - host - 1, !bare)))
		return (-1);
	if (address_parse_host(text + bracket, host - 2 * bracket, &address) ==
		-1 ||
	    (address.family == AF_INET6) != bracket)
		return (-1);
	(void)address_unmap(&address);
	*ret_address = address;
	return (0);
}

/* -- An element of any of the two -- */

static void
begin_element(struct http_forwarded *f)
{
	f->state = f->field == HTTP_FORWARDED_X ? IN_NODE : BEFORE_NAME;
	f->any = false;
	f->bad = false;
	f->has_for = false;
	f->is_for = false;
	f->name_len = 0;
	f->node_len = 0;
}

static void
node_add(struct http_forwarded *f, char c)
{
	if (f->node_len < sizeof(f->node))
		f->node[f->node_len] = c;
	f->node_len++;
}

static void
end_element(struct http_forwarded *f, const struct networks *trusted)
{
	bool bare = f->field == HTTP_FORWARDED_X;
	struct address address, *found = &f->found[f->field];

	if (!f->any)
		return; /* RFC 9110 section 5.6.1.2 */
	f->seen[f->field] = true;
	if (f->bad || f->node_len > sizeof(f->node) ||
	    read_node(f->node, f->node_len, bare, &address) == -1) {
		*found = (struct address){ 0 };
		f->broken[f->field] = true;
	} else if (!networks_have(trusted, &address)) {
		*found = address;
		f->broken[f->field] = false;
	} else if (found->family == AF_UNSPEC)
		*found = address;
}

/* -- X-Forwarded-For -- */

static void
read_x(struct http_forwarded *f, char c)
{
	if (http_field_is_blank((unsigned char)c)) {
		if (f->any)
			f->state = AFTER_NODE;
		return;
	}
	f->any = true;
	if (f->state == AFTER_NODE)
		f->bad = true; /* a second word */
	node_add(f, c);
}

/* -- Forwarded -- */

static void
read_name(struct http_forwarded *f, char c)
{
	static const char name[] = "for";

	if (c != '=') {
		f->bad = f->bad || !http_field_is_token((unsigned char)c);
		f->is_for = f->is_for && f->name_len < 3 &&
			    (c | 0x20) == name[f->name_len];
		f->name_len++;
		return;
	}
	f->is_for = f->is_for && f->name_len == 3;
	f->bad = f->bad || (f->is_for && f->has_for);
	f->has_for = f->has_for || f->is_for;
	f->state = BEFORE_VALUE;
}

static void
read_value(struct http_forwarded *f, char c)
{
	if (f->state == BEFORE_VALUE && c == '"') {
		f->state = IN_QUOTES;
		return;
	}
	f->state = IN_TOKEN;
	f->bad = f->bad || !http_field_is_token((unsigned char)c);
	if (f->is_for)
		node_add(f, c);
}

static void
read_quoted(struct http_forwarded *f, char c)
{
	if (f->state == IN_QUOTES && c == '"')
		f->state = AFTER_VALUE;
	else if (f->state == IN_QUOTES && c == '\\')
		f->state = ESCAPED;
	else {
		f->state = IN_QUOTES;
		if (f->is_for)
			node_add(f, c);
	}
}

static void
begin_name(struct http_forwarded *f, char c)
{
	f->state = IN_NAME;
	f->is_for = true;
	f->name_len = 0;
	read_name(f, c);
}

/* A parameter has ended: by a semicolon, a comma, or with the field. */
static void
end_pair(struct http_forwarded *f)
{
	/* A name without a value, a value without end. Nothing at all may be.
	 */
	if (f->state != BEFORE_NAME && f->state != IN_TOKEN &&
	    f->state != AFTER_VALUE)
		f->bad = true;
	f->state = BEFORE_NAME;
}

static void
read_rfc7239(struct http_forwarded *f, char c)
{
	if (f->state == IN_QUOTES || f->state == ESCAPED) {
		read_quoted(f, c);
		return;
	}
	if (c == ';') {
		f->any = true;
		end_pair(f);
		return;
	}
	if (http_field_is_blank((unsigned char)c)) {
		if (f->state == IN_TOKEN)
			f->state = AFTER_VALUE;
		else if (f->state != BEFORE_NAME && f->state != AFTER_VALUE)
			f->bad = true;
		return;
	}
	f->any = true;
	if (f->state == BEFORE_NAME)
		begin_name(f, c);
	else if (f->state == IN_NAME)
		read_name(f, c);
	else if (f->state == AFTER_VALUE)
		f->bad = true;
	else
		read_value(f, c);
}

/* -- The whole -- */

void
http_forwarded_begin(struct http_forwarded *f)
{
	*f = (struct http_forwarded){ 0 };
}

bool
http_forwarded_is(const char *name, size_t len,
    enum http_forwarded_field *ret_field)
{
	static const struct {
		const char *name;
		size_t len;
	} names[HTTP_FORWARDED_NFIELDS] = {
		[HTTP_FORWARDED_RFC7239] = { "forwarded", 9 },
		[HTTP_FORWARDED_X] = { "x-forwarded-for", 15 },
	};

	for (int i = 0; i < HTTP_FORWARDED_NFIELDS; i++) {
		if (len == names[i].len &&
		    strncasecmp(name, names[i].name, len) == 0) {
			*ret_field = (enum http_forwarded_field)i;
			return (true);
		}
	}
	return (false);
}

void
http_forwarded_open(struct http_forwarded *f, enum http_forwarded_field field)
{
	f->field = field;
	begin_element(f);
}

void
http_forwarded_read(struct http_forwarded *f, const struct networks *trusted,
    const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == ',' && f->state != IN_QUOTES &&
		    f->state != ESCAPED) {
			http_forwarded_close(f, trusted);
			begin_element(f);
		} else if (f->field == HTTP_FORWARDED_X)
			read_x(f, bytes[i]);
		else
			read_rfc7239(f, bytes[i]);
	}
}

void
http_forwarded_close(struct http_forwarded *f, const struct networks *trusted)
{
	if (f->field == HTTP_FORWARDED_RFC7239)
		end_pair(f);
	end_element(f, trusted);
}

void
http_forwarded_add(struct http_forwarded *f, const struct networks *trusted,
    enum http_forwarded_field field, const char *value)
{
	http_forwarded_open(f, field);
	http_forwarded_read(f, trusted, value, strlen(value));
	http_forwarded_close(f, trusted);
}

enum http_forwarded_rc
http_forwarded_client(const struct http_forwarded *f,
    struct address *ret_client)
{
	const bool *seen = f->seen;
	int one =
	    seen[HTTP_FORWARDED_X] ? HTTP_FORWARDED_X : HTTP_FORWARDED_RFC7239;
	const struct address *found = &f->found[one];

	if (!seen[HTTP_FORWARDED_X] && !seen[HTTP_FORWARDED_RFC7239])
		return (HTTP_FORWARDED_NONE);
	*ret_client = (struct address){ 0 };
	if (seen[HTTP_FORWARDED_X] && seen[HTTP_FORWARDED_RFC7239] &&
	    !address_same_host(found, &f->found[HTTP_FORWARDED_RFC7239]))
		return (HTTP_FORWARDED_UNKNOWN);
	*ret_client = *found;
	if (found->family == AF_UNSPEC || f->broken[HTTP_FORWARDED_X] ||
	    f->broken[HTTP_FORWARDED_RFC7239])
		return (HTTP_FORWARDED_UNKNOWN);
	return (HTTP_FORWARDED_CLIENT);
}
