#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "server/auth/secret_shape.h"
#include "store/base/base64.h"
#include "store/base/hex.h"

#define BOM "\xef\xbb\xbf"
#define BOM_LEN 3

/* A variant being made. */
struct making {
	const char *bytes;
	size_t len;
	char *out;
	size_t out_len;
};

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

/* Most variants are the secret, or a part of it, with something around. */
static int
copy(struct making *m, const char *before, size_t from, size_t len,
    const char *after)
{
	size_t nbefore = strlen(before), nafter = strlen(after);

	memcpy(m->out, before, nbefore);
	memcpy(m->out + nbefore, m->bytes + from, len);
	memcpy(m->out + nbefore + len, after, nafter);
	m->out_len = nbefore + len + nafter;
	return (m->out_len > 0 ? 0 : -1);
}

static int
make_no_newline(struct making *m)
{
	size_t to = m->len;

	while (to > 0 && (m->bytes[to - 1] == '\n' || m->bytes[to - 1] == '\r'))
		to--;
	return (copy(m, "", 0, to, ""));
}

static int
make_trimmed(struct making *m)
{
	size_t from = 0, to = m->len;

	while (from < to && is_blank(m->bytes[from]))
		from++;
	while (to > from && is_blank(m->bytes[to - 1]))
		to--;
	return (copy(m, "", from, to - from, ""));
}

/* Quotes with blanks around them count as well. */
static int
make_unquoted(struct making *m)
{
	size_t from = 0, to = m->len;

	while (from < to && is_blank(m->bytes[from]))
		from++;
	while (to > from && is_blank(m->bytes[to - 1]))
		to--;
	if (to - from < 3 || m->bytes[from] != m->bytes[to - 1] ||
	    (m->bytes[from] != '"' && m->bytes[from] != '\''))
		return (-1);
	return (copy(m, "", from + 1, to - from - 2, ""));
}

/* "NAME=", "export NAME=", as in a file of variables: its length, or 0. */
static size_t
assignment_len(const char *bytes, size_t len)
{
	static const char export[] = "export ";
	size_t from = 0, at;

	if (len > strlen(export) && memcmp(bytes, export, strlen(export)) == 0)
		from = strlen(export);
	at = from;
	while (
	    at < len && (isupper((unsigned char)bytes[at]) || bytes[at] == '_'))
		at++;
	/* Base64 ends with such signs, too, but not after so few capitals. */
	if (at - from < 4 || at + 1 >= len || bytes[at] != '=' ||
	    bytes[at + 1] == '=')
		return (0);
	return (at + 1);
}

static int
make_unassigned(struct making *m)
{
	size_t from = assignment_len(m->bytes, m->len), to = m->len;

	if (from == 0)
		return (-1);
	while (to > from && is_blank(m->bytes[to - 1]))
		to--;
	if (to - from > 2 && m->bytes[from] == m->bytes[to - 1] &&
	    (m->bytes[from] == '"' || m->bytes[from] == '\'')) {
		from++;
		to--;
	}
	return (copy(m, "", from, to - from, ""));
}

static bool
has_bom(const char *bytes, size_t len)
{
	return (len > BOM_LEN && memcmp(bytes, BOM, BOM_LEN) == 0);
}

static int
make_no_bom(struct making *m)
{
	if (!has_bom(m->bytes, m->len))
		return (-1);
	return (copy(m, "", BOM_LEN, m->len - BOM_LEN, ""));
}

/* Write the secret in one case. */
static int
make_case(struct making *m, int (*fold)(int c))
{
	for (size_t i = 0; i < m->len; i++)
		m->out[i] = (char)fold((unsigned char)m->bytes[i]);
	m->out_len = m->len;
	return (0);
}

/* Out is lower-case text that hex_decode() takes; decode it where it lies. */
static int
make_from_hex(struct making *m)
{
	if (m->len < 16 || m->len % 2 != 0)
		return (-1);
	(void)make_case(m, tolower);
	m->out_len = m->len / 2;
	return (hex_decode(m->out, m->out_len, m->out));
}

static int
make_from_base64(struct making *m)
{
	if (m->len < 16)
		return (-1);
	return (base64_decode(m->bytes, m->len, m->out, &m->out_len));
}

static int
make_to_hex(struct making *m, bool upper)
{
	hex_encode(m->bytes, m->len, m->out);
	m->out_len = 2 * m->len;
	for (size_t i = 0; upper && i < m->out_len; i++)
		m->out[i] = (char)toupper((unsigned char)m->out[i]);
	return (0);
}

static int
make(enum secret_variant variant, struct making *m)
{
	switch (variant) {
	case SECRET_AS_IS:
		return (copy(m, "", 0, m->len, ""));
	case SECRET_NO_NEWLINE:
		return (make_no_newline(m));
	case SECRET_TRIMMED:
		return (make_trimmed(m));
	case SECRET_UNQUOTED:
		return (make_unquoted(m));
	case SECRET_UNASSIGNED:
		return (make_unassigned(m));
	case SECRET_NO_BOM:
		return (make_no_bom(m));
	case SECRET_WITH_NEWLINE:
		return (copy(m, "", 0, m->len, "\n"));
	case SECRET_WITH_CRLF:
		return (copy(m, "", 0, m->len, "\r\n"));
	case SECRET_WITH_BLANK:
		return (copy(m, "", 0, m->len, " "));
	case SECRET_WITH_QUOTES:
		return (copy(m, "\"", 0, m->len, "\""));
	case SECRET_WITH_APOSTROPHES:
		return (copy(m, "'", 0, m->len, "'"));
	case SECRET_FROM_HEX:
		return (make_from_hex(m));
	case SECRET_FROM_BASE64:
		return (make_from_base64(m));
	case SECRET_TO_HEX:
		return (make_to_hex(m, false));
	case SECRET_TO_UPPER_HEX:
		return (make_to_hex(m, true));
	case SECRET_TO_BASE64:
		m->out_len = base64_encode(m->bytes, m->len, m->out);
		return (0);
	case SECRET_LOWER:
		return (make_case(m, tolower));
	case SECRET_UPPER:
		return (make_case(m, toupper));
	case SECRET_EMPTY:
		m->out[0] = '\0';
		m->out_len = 1;
		return (0);
	case SECRET_NVARIANTS:
		break;
	}
	return (-1);
}

int
secret_variant_make(enum secret_variant variant, const char *bytes, size_t len,
    char *ret_bytes, size_t *ret_len)
{
	struct making m = { bytes, len, ret_bytes, 0 };

	if (make(variant, &m) == -1 || m.out_len == 0)
		return (-1);
	if (variant != SECRET_AS_IS && m.out_len == len &&
	    memcmp(m.out, bytes, len) == 0)
		return (-1);
	*ret_len = m.out_len;
	return (0);
}

const char *
secret_shape_warning(const char *bytes, size_t len)
{
	size_t end = len - 1;

	if (len == 0)
		return ("is empty");
	if (has_bom(bytes, len))
		return ("begins with a byte order mark");
	if (assignment_len(bytes, len) > 0)
		return ("begins with NAME=, as in a file of variables");
	if (bytes[end] == '\n' || bytes[end] == '\r')
		return ("ends with a line end");
	if (is_blank(bytes[end]))
		return ("ends with a blank");
	if (is_blank(bytes[0]))
		return ("begins with a blank or a line end");
	if (len > 2 && bytes[0] == bytes[end] &&
	    (bytes[0] == '"' || bytes[0] == '\''))
		return ("is in quotes");
	if (memchr(bytes, '\n', len) != NULL)
		return ("has several lines");
	return (NULL);
}
