#include "server/http/http_field.h"

#include <sys/socket.h>

#include <stdint.h>
#include <string.h>

#include "server/base/address.h"
#include "store/base/hex.h"

#define PORT_MAX 65535

bool
http_field_is_token(unsigned char c)
{
	static const uint32_t set[4] = { 0, 0x03ff6cfa, 0xc7fffffe,
		0x57ffffff };

	return (c < 128 && (set[c / 32] >> (c % 32) & 1) != 0);
}

/* -- Host -- */

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* Unreserved characters and sub-delims of RFC 3986, but for the comma. */
static bool
is_name_char(char c)
{
	return ((c >= 'a' && c <= 'z') || is_digit(c) ||
		(c != '\0' && strchr("-._~!$&'()*+;=", c) != NULL));
}

/* How long the name at the start of text is. */
static size_t
name_len(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (is_name_char(text[i]))
			i++;
		else if (text[i] == '%' && len - i > 2 &&
			 hex_value(text + i + 1, 2) != -1)
			i += 3;
		else
			break;
	}
	return (i);
}

/* How long the "[V6]" at the start of text is; 0 if it is none. */
static size_t
v6_len(const char *text, size_t len)
{
	const char *end = memchr(text, ']', len);
	struct address address;
	size_t n;

	if (end == NULL)
		return (0);
	n = (size_t)(end - text) - 1;
	if (address_parse_host(text + 1, n, &address) == -1 ||
	    address.family != AF_INET6)
		return (0);
	return (n + 2);
}

/* ":PORT", ":" or nothing. */
static bool
is_port(const char *text, size_t len)
{
	unsigned port = 0;

	if (len > 0 && text[0] != ':')
		return (false);
	for (size_t i = 1; i < len; i++) {
		if (!is_digit(text[i]))
			return (false);
		port = port * 10 + (unsigned)(text[i] - '0');
		if (port > PORT_MAX)
			return (false);
	}
	return (true);
}

bool
http_field_is_host(const char *text, size_t len)
{
	size_t n;

	if (len == 0)
		return (false);
	n = text[0] == '[' ? v6_len(text, len) : name_len(text, len);
	return (n > 0 && is_port(text + n, len - n));
}

/* -- Transfer-Encoding -- */

/* One coding of the list. */
struct coding {
	bool chunked; /* by its name */
	bool plain;   /* without parameters */
};

static size_t
skip_blanks(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (text[i] == ' ' || text[i] == '\t'))
		i++;
	return (i);
}

/* Read up to the comma or the end. Returns how much that is; 0: malformed. */
static size_t
read_coding(const char *text, size_t len, struct coding *ret_coding)
{
	size_t begin = skip_blanks(text, len), end = begin, i;

	while (end < len && http_field_is_token((unsigned char)text[end]))
		end++;
	if (end == begin)
		return (0);
	ret_coding->chunked =
	    end - begin == 7 && memcmp(text + begin, "chunked", 7) == 0;
	i = end + skip_blanks(text + end, len - end);
	ret_coding->plain = i == len || text[i] == ',';
	if (ret_coding->plain)
		return (i);
	if (text[i] != ';')
		return (0);
	/* A quoted parameter may hold a comma: let nobody guess. */
	for (; i < len && text[i] != ','; i++) {
		if (text[i] == '"')
			return (0);
	}
	return (i);
}

enum http_codings
http_field_codings(const char *text, size_t len)
{
	struct coding coding;
	size_t n, count = 0, chunked = 0;

	for (;; text += 1, len -= 1) {
		if ((n = read_coding(text, len, &coding)) == 0)
			return (HTTP_CODINGS_BAD);
		text += n;
		len -= n;
		count++;
		chunked += coding.chunked;
		if (len == 0)
			break;
	}
	if (chunked == 0)
		return (HTTP_CODINGS_UNKNOWN);
	if (chunked > 1 || !coding.chunked || !coding.plain)
		return (HTTP_CODINGS_BAD);
	return (count == 1 ? HTTP_CODINGS_CHUNKED : HTTP_CODINGS_UNKNOWN);
}
