#include "handlers/net/http_client_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "handlers/net/http_client_head.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define BLANKS " \t"

bool
answer_is_over(const struct answer *a)
{
	return (a->state == ANSWER_WHOLE || a->state == ANSWER_TORN ||
		a->state == ANSWER_NOT_HTTP);
}

const char *
answer_body(const struct answer *a)
{
	return (a->room != NULL ? a->room : a->body);
}

bool
answer_keeps(const struct answer *a)
{
	return (
	    a->state == ANSWER_WHOLE && !a->old && !a->broken && !a->close &&
	    !a->coded &&
	    (a->status == 204 || a->status == 304 || a->sized != a->chunked));
}

/* What follows cannot be read: what counts is known, or nothing is. */
static void
tear(struct answer *a)
{
	a->state = a->status != 0 ? ANSWER_TORN : ANSWER_NOT_HTTP;
}

/* -- The status line -- */

/*
 * Judge what has come of a status line: a status is known as soon as
 * something stands behind its digits. Returns it; 0: not yet; -1: no HTTP.
 */
static int
judge_status(const char *line, size_t len)
{
	static const char version[] = "HTTP/1.";
	size_t at = sizeof(version) - 1, begin;
	int status = 0;

	if (memcmp(line, version, len < at ? len : at) != 0)
		return (-1);
	if (len <= at)
		return (0);
	if (line[at] < '0' || line[at] > '9')
		return (-1);
	begin = ++at;
	while (at < len && line[at] == ' ')
		at++;
	if (at == len)
		return (0);
	if (at == begin)
		return (-1);
	for (begin = at; at < len && line[at] >= '0' && line[at] <= '9'; at++)
		status = status > 999 ? 1000 : 10 * status + (line[at] - '0');
	if (at == len && at - begin <= 3)
		return (0);
	return (at - begin == 3 && status >= 100 ? status : -1);
}

/* Another byte of the status line. */
static void
take_status(struct answer *a, char c)
{
	int status;

	if (a->line_len == sizeof(a->line)) {
		a->state = ANSWER_NOT_HTTP;
		return;
	}
	a->line[a->line_len++] = c;
	if ((status = judge_status(a->line, a->line_len)) == 0)
		return;
	/* 101 is of a protocol that nobody asked for. */
	if (status == -1 || status == 101 || status > 599) {
		a->state = ANSWER_NOT_HTTP;
		return;
	}
	a->old = a->line[sizeof("HTTP/1.") - 1] == '0';
	a->status = status >= 200 ? status : 0; /* the answer is to come */
	a->state = c == '\n' ? ANSWER_HEADERS : ANSWER_REASON;
	a->line_len = 0;
}

/* -- The headers -- */

static bool
is_name(const char *name, size_t len, const char *text)
{
	return (strlen(text) == len && strncasecmp(name, text, len) == 0);
}

/* Does the last of the words between commas, or any of them, say so? */
static bool
has_word(const char *value, const char *word, bool last)
{
	size_t len;

	while (*value != '\0') {
		value += strspn(value, BLANKS ",");
		len = strcspn(value, BLANKS ",");
		if (is_name(value, len, word) &&
		    (!last ||
			value[len + strspn(value + len, BLANKS ",")] == '\0'))
			return (true);
		value += len;
	}
	return (false);
}

static void
take_length(struct answer *a, const char *value)
{
	int64_t len;

	if (parse_int(value, 0, INT64_MAX, &len) == -1 ||
	    (a->sized && a->left != len)) {
		a->broken = true;
		len = -1; /* there is none that could be believed */
	}
	a->sized = true;
	a->left = len;
}

static void
take_coding(struct answer *a, const char *value)
{
	if (a->chunked || a->coded)
		a->broken = true;
	a->chunked = has_word(value, "chunked", true);
	a->coded = strcasecmp(value, "chunked") != 0;
}

static void
take_wanted(struct answer *a, const char *value)
{
	a->wanted_cut =
	    a->line_len > ANSWER_LINE_MAX || strlen(value) >= sizeof(a->wanted);
	(void)snprintf(a->wanted, sizeof(a->wanted), "%s", value);
}

static void
take_field(struct answer *a, const char *name, size_t len, const char *value)
{
	if (is_name(name, len, "Content-Length"))
		take_length(a, value);
	else if (is_name(name, len, "Transfer-Encoding"))
		take_coding(a, value);
	else if (is_name(name, len, "Connection"))
		a->close = a->close || has_word(value, "close", false) ||
			   a->line_len > ANSWER_LINE_MAX;
	else if (is_name(name, len, "Retry-After"))
		(void)snprintf(a->retry_after, sizeof(a->retry_after), "%s",
		    value);
	else if (is_name(name, len, "Date"))
		(void)snprintf(a->date, sizeof(a->date), "%s", value);
	else if (is_name(name, len, "Location"))
		client_head_copy(value, sizeof(a->location), a->location);
	else if (a->want != NULL && is_name(name, len, a->want))
		take_wanted(a, value);
}

/* A line of the head; it is ours to change. */
static void
take_header(struct answer *a, char *line, size_t len)
{
	char *colon = memchr(line, ':', len), *value;
	size_t name_len;

	if (a->status == 0)
		return; /* of an answer that is still to come */
	if (colon == NULL || strchr(BLANKS, line[0]) != NULL) {
		a->broken = true;
		return;
	}
	name_len = (size_t)(colon - line);
	while (name_len > 0 && strchr(BLANKS, line[name_len - 1]) != NULL) {
		name_len--;
		a->broken = true;
	}
	while (len > 0 && strchr(BLANKS, line[len - 1]) != NULL)
		len--;
	line[len] = '\0';
	value = colon < line + len ? colon + 1 : line + len;
	take_field(a, line, name_len, value + strspn(value, BLANKS));
}

/* The head is over: where does the body end? */
static void
end_head(struct answer *a)
{
	if (a->status == 0)
		a->state = ANSWER_STATUS; /* only that of a 1xx */
	else if (a->status == 204 || a->status == 304)
		a->state = ANSWER_WHOLE;
	else if (a->chunked)
		a->state = ANSWER_CHUNK_SIZE;
	else if (a->sized && !a->coded && a->left >= 0)
		a->state = a->left == 0 ? ANSWER_WHOLE : ANSWER_BODY;
	else if (a->broken)
		tear(a);
	else
		a->state = ANSWER_REST;
}

/* -- The body -- */

static void
take_body(struct answer *a, const char *bytes, size_t len)
{
	char *to = a->room != NULL ? a->room : a->body;
	size_t size = a->room != NULL ? a->room_size : sizeof(a->body);

	len = len < size - a->body_len ? len : size - a->body_len;
	memcpy(to + a->body_len, bytes, len);
	a->body_len += len;
}

/* Bytes of a body or chunk that ends. Returns how many they are. */
static size_t
take_counted(struct answer *a, const char *bytes, size_t len,
    enum answer_state next)
{
	if ((int64_t)len > a->left)
		len = (size_t)a->left;
	take_body(a, bytes, len);
	a->left -= (int64_t)len;
	if (a->left == 0)
		a->state = next;
	return (len);
}

/* The line before a chunk: its size, perhaps an extension. */
static void
take_chunk_size(struct answer *a, const char *line)
{
	const char *p = line;
	long digit;

	a->left = 0;
	for (; p - line < 15 && (digit = hex_value(p, 1)) != -1; p++)
		a->left = 16 * a->left + digit;
	if (p == line || (*p != '\0' && *p != ';' && *p != ' ' && *p != '\t'))
		tear(a);
	else
		a->state = a->left == 0 ? ANSWER_TRAILER : ANSWER_CHUNK;
}

/* -- Lines -- */

/* A whole line, without its end. */
static void
take_line(struct answer *a, char *line, size_t len)
{
	switch (a->state) {
	case ANSWER_REASON:
		a->state = ANSWER_HEADERS;
		break;
	case ANSWER_HEADERS:
		if (len == 0)
			end_head(a);
		else
			take_header(a, line, len);
		break;
	case ANSWER_CHUNK_SIZE:
		take_chunk_size(a, line);
		break;
	case ANSWER_CHUNK_END:
		if (len == 0)
			a->state = ANSWER_CHUNK_SIZE;
		else
			tear(a);
		break;
	case ANSWER_TRAILER:
		if (len == 0)
			a->state = ANSWER_WHOLE;
		break;
	case ANSWER_STATUS:
	case ANSWER_BODY:
	case ANSWER_REST:
	case ANSWER_CHUNK:
	case ANSWER_WHOLE:
	case ANSWER_TORN:
	case ANSWER_NOT_HTTP:
		break;
	}
}

/* Another byte of a line. */
static void
take_char(struct answer *a, char c)
{
	char line[ANSWER_LINE_MAX + 1];
	size_t len =
	    a->line_len < ANSWER_LINE_MAX ? a->line_len : ANSWER_LINE_MAX;

	if (c != '\n') {
		if (a->line_len < ANSWER_LINE_MAX)
			a->line[len] = c;
		/* The end of a line that makes no sense might never come. */
		if ((a->state == ANSWER_CHUNK_SIZE && a->line_len == 0 &&
			hex_value(&c, 1) == -1) ||
		    (a->state == ANSWER_CHUNK_END &&
			(a->line_len > 0 || c != '\r')))
			tear(a);
		a->line_len++;
		return;
	}
	memcpy(line, a->line, len);
	if (len > 0 && len == a->line_len && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	take_line(a, line, len);
	a->line_len = 0;
}

/* -- All of it -- */

size_t
answer_read(struct answer *a, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && !answer_is_over(a)) {
		switch (a->state) {
		case ANSWER_BODY:
			at +=
			    take_counted(a, bytes + at, len - at, ANSWER_WHOLE);
			break;
		case ANSWER_CHUNK:
			at += take_counted(a, bytes + at, len - at,
			    ANSWER_CHUNK_END);
			break;
		case ANSWER_REST:
			take_body(a, bytes + at, len - at);
			at = len;
			break;
		case ANSWER_STATUS:
		case ANSWER_REASON:
		case ANSWER_HEADERS:
			if (++a->head > ANSWER_HEAD_MAX)
				tear(a);
			else if (a->state == ANSWER_STATUS)
				take_status(a, bytes[at++]);
			else
				take_char(a, bytes[at++]);
			break;
		case ANSWER_CHUNK_SIZE:
		case ANSWER_CHUNK_END:
		case ANSWER_TRAILER:
			take_char(a, bytes[at++]);
			break;
		case ANSWER_WHOLE:
		case ANSWER_TORN:
		case ANSWER_NOT_HTTP:
			break;
		}
	}
	return (at);
}

void
answer_end(struct answer *a)
{
	if (a->state == ANSWER_REST)
		a->state = ANSWER_WHOLE;
}
