/*
 * http_reader.c -- the strictness that evhttp lacks.
 *
 * A machine of one byte at a time, with a run over whole spans where only
 * counting is left to do. Where evhttp reads a form in its own way (a body with
 * HEAD, a header among the trailers) the form is refused, or evhttp does not
 * see it (a tab before a length, a body in chunks): a disagreement about where
 * a request ends is a smuggled request.
 */
#include <string.h>

#include "server/http/http_field.h"
#include "server/http/http_reader.h"

enum state {
	AT_START, /* or after empty lines */
	EMPTY_LF,
	IN_METHOD,
	IN_TARGET,
	IN_VERSION,
	LINE_LF, /* the LF after a request line or a field */
	FIELD,   /* at the start of a field, or of the empty line */
	IN_NAME,
	BEFORE_VALUE,
	IN_VALUE,
	END_LF, /* the LF of the empty line */
	IN_BODY,
	AROUND_CHUNK, /* http_chunks.h */
	IN_CHUNK
};

enum flag {
	VERSION_11 = 1 << 0,
	LENGTH_DUE = 1 << 1, /* the method comes with a body */
	BODILESS = 1 << 2,   /* evhttp takes no body with the method */
	IN_CHUNKS = 1 << 3,  /* the body is; its trailer is a part of it */
	IN_TRAILER = 1 << 4,
	OPTIONS = 1 << 5, /* the method, the only one of a whole server */
	WHOLE = 1 << 6,   /* the target begins with an asterisk */
	HEALTH = 1 << 7   /* the target is HTTP_HEALTH_PATH */
};

/* Headers that matter to us: each at most once, none in a trailer. */
enum interest { CONTENT_LENGTH, TRANSFER_ENCODING, HOST, NEITHER };
static const struct {
	const char *name;
	size_t len;
} interests[] = {
#define NAME(text)                                                             \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}
	[CONTENT_LENGTH] = NAME("content-length"),
	[TRANSFER_ENCODING] = NAME("transfer-encoding"),
	[HOST] = NAME("host"),
	[NEITHER] = NAME("x-klikit-signature"),
	NAME("x-klikit-event-id"),
	NAME("x-klikit-event-type"),
#undef NAME
};
#define NINTERESTS (sizeof(interests) / sizeof(interests[0]))
/* In place of an index: a field that says who asks. */
#define NAMES_CLIENT (NINTERESTS + 1)

#define LENGTH_DIGITS_MAX 18 /* fits an int64_t, which evhttp uses */

/* What evhttp allocates for a field, beside its bytes. */
#define FIELD_HELD ((size_t)112)

static enum http_read_rc
fail(struct http_reader *r, enum http_read_rc rc, const char *reason)
{
	r->failed = rc;
	r->reason = reason;
	return (rc);
}

static enum http_read_rc
bad(struct http_reader *r, const char *reason)
{
	return (fail(r, HTTP_READ_BAD, reason));
}

static bool
line_is(const struct http_reader *r, const char *text, size_t len)
{
	return (r->line_len == len && memcmp(r->line, text, len) == 0);
}

static void
line_add(struct http_reader *r, unsigned char c)
{
	if (r->line_len < sizeof(r->line))
		r->line[r->line_len] = c;
	r->line_len++;
}

/* What the fields of the head say of the client; NULL: nobody asks. */
static struct http_forwarded *
named(const struct http_reader *r)
{
	return (r->watch == NULL ? NULL : r->watch->named);
}

/* Wait for the next request. */
static void
begin(struct http_reader *r)
{
	if (named(r) != NULL)
		http_forwarded_begin(named(r));
	r->state = AT_START;
	r->failed = HTTP_READ_MORE;
	r->reason = NULL;
	r->left = 0;
	r->head_len = 0;
	r->trailer_len = 0;
	r->nfields = 0;
	r->empty_lines = 0;
	r->seen = 0;
	r->flags = 0;
	r->length = 0;
	r->line_len = 0;
}

void
http_reader_init(struct http_reader *r, uint64_t max_body, bool needs_length)
{
	r->max_body = max_body;
	r->needs_length = needs_length;
	r->watch = NULL;
	begin(r);
}

void
http_reader_watch(struct http_reader *r, const struct http_head_watch *watch)
{
	r->watch = watch;
}

/* The method has ended at its blank. */
static enum http_read_rc
end_method(struct http_reader *r)
{
	if (r->line_len == 0)
		return (bad(r, "no method"));
	/* Its answer would be read as the beginning of a tunnel. */
	if (line_is(r, "CONNECT", 7))
		return (fail(r, HTTP_READ_METHOD, "CONNECT"));
	if (line_is(r, "POST", 4) || line_is(r, "PUT", 3) ||
	    line_is(r, "PATCH", 5))
		r->flags |= LENGTH_DUE;
	if (line_is(r, "HEAD", 4) || line_is(r, "TRACE", 5))
		r->flags |= BODILESS;
	if (line_is(r, "OPTIONS", 7))
		r->flags |= OPTIONS;
	r->line_len = 0;
	r->state = IN_TARGET;
	return (HTTP_READ_MORE);
}

static enum http_read_rc
end_version(struct http_reader *r)
{
	if (line_is(r, "HTTP/1.1", 8))
		r->flags |= VERSION_11;
	else if (!line_is(r, "HTTP/1.0", 8))
		return (bad(r, "HTTP version other than 1.0 and 1.1"));
	r->state = LINE_LF;
	return (HTTP_READ_MORE);
}

/* If it is a field that says who asks, begin to read it. */
static void
begin_naming(struct http_reader *r)
{
	enum http_forwarded_field field;

	if ((r->flags & IN_TRAILER) != 0 ||
	    !http_forwarded_is((const char *)r->line, r->line_len, &field))
		return;
	http_forwarded_open(named(r), field);
	r->left = NAMES_CLIENT;
}

/*
 * The name has ended at its colon. While the value is read, left is the index
 * of its header among the interests, NINTERESTS if it is none.
 */
static enum http_read_rc
end_name(struct http_reader *r)
{
	r->left = NINTERESTS;
	for (size_t i = 0; i < NINTERESTS; i++) {
		if (!line_is(r, interests[i].name, interests[i].len))
			continue;
		if (r->flags & IN_TRAILER)
			return (bad(r, "header that may not be a trailer"));
		if (r->seen & 1u << i)
			return (bad(r, "header stands twice"));
		r->seen |= 1u << i;
		r->left = i;
		break;
	}
	if (r->left == NINTERESTS && named(r) != NULL)
		begin_naming(r);
	r->line_len = 0;
	r->state = BEFORE_VALUE;
	return (HTTP_READ_MORE);
}

/* Content-Length: the value is in line, blanks before it dropped. */
static enum http_read_rc
read_length(struct http_reader *r)
{
	if (r->line_len == 0 || r->line_len > LENGTH_DIGITS_MAX)
		return (bad(r, "Content-Length is no length"));
	for (size_t i = 0; i < r->line_len; i++) {
		if (r->line[i] < '0' || r->line[i] > '9')
			return (bad(r, "Content-Length is not digits only"));
		r->length = r->length * 10 + (r->line[i] - '0');
	}
	return (HTTP_READ_MORE);
}

/* Transfer-Encoding: the same. */
static enum http_read_rc
read_codings(struct http_reader *r)
{
	if (r->line_len > sizeof(r->line))
		return (bad(r, "Transfer-Encoding too long"));
	switch (http_field_codings((const char *)r->line, r->line_len)) {
	case HTTP_CODINGS_CHUNKED:
		return (HTTP_READ_MORE);
	case HTTP_CODINGS_UNKNOWN:
		return (fail(r, HTTP_READ_CODING,
		    "Transfer-Encoding that is not known"));
	case HTTP_CODINGS_BAD:
		break;
	}
	return (bad(r, "Transfer-Encoding without a clear end"));
}

/* The value has ended at its CR. */
static enum http_read_rc
end_value(struct http_reader *r)
{
	enum http_read_rc rc = HTTP_READ_MORE;

	/* Blanks after a value are no part of it, if it is here whole. */
	while (r->line_len > 0 && r->line_len <= sizeof(r->line) &&
	       http_field_is_blank(r->line[r->line_len - 1]))
		r->line_len--;
	if (r->left == CONTENT_LENGTH)
		rc = read_length(r);
	else if (r->left == TRANSFER_ENCODING)
		rc = read_codings(r);
	else if (r->left == HOST &&
		 (r->line_len > sizeof(r->line) ||
		     !http_field_is_host((const char *)r->line, r->line_len)))
		rc = bad(r, "Host is none");
	else if (r->left == NAMES_CLIENT && named(r) != NULL)
		http_forwarded_close(named(r), r->watch->trusted);
	r->state = LINE_LF;
	return (rc);
}

/* The head has ended: what follows it? */
static enum http_read_rc
end_head(struct http_reader *r)
{
	bool length = (r->seen & 1u << CONTENT_LENGTH) != 0;
	bool chunked = (r->seen & 1u << TRANSFER_ENCODING) != 0;

	if ((r->flags & VERSION_11) && !(r->seen & 1u << HOST))
		return (bad(r, "no Host"));
	if (chunked && length)
		return (bad(r, "Content-Length with Transfer-Encoding"));
	if (chunked && !(r->flags & VERSION_11))
		return (bad(r, "Transfer-Encoding with HTTP/1.0"));
	if ((chunked || r->length > 0) && (r->flags & BODILESS))
		return (bad(r, "body with a method that has none"));
	if ((r->flags & LENGTH_DUE) && r->needs_length && !chunked && !length)
		return (fail(r, HTTP_READ_LENGTH, "no length"));
	if (r->length > r->max_body)
		return (fail(r, HTTP_READ_TOO_LARGE, "body too large"));
	if (r->watch != NULL &&
	    !r->watch->ended(r->watch->arg, (r->flags & HEALTH) != 0))
		return (fail(r, HTTP_READ_FORBIDDEN, "not in http.allow"));

	r->line_len = 0;
	r->left = 0;
	if (chunked) {
		r->flags |= IN_CHUNKS;
		r->state = AROUND_CHUNK;
		r->chunks = (struct http_chunks){ 0 };
		return (HTTP_READ_CHUNKED);
	}
	if (r->length == 0)
		return (HTTP_READ_DONE);
	r->left = r->length;
	r->state = IN_BODY;
	return (HTTP_READ_MORE);
}

/* A path, a whole URI, or an asterisk; the rest is for tunnels. */
static enum http_read_rc
read_target(struct http_reader *r, unsigned char c)
{
	if (c == ' ') {
		if (r->line_len == 0)
			return (bad(r, "no target"));
		if ((r->flags & WHOLE) != 0 &&
		    (r->line_len != 1 || (r->flags & OPTIONS) == 0))
			return (bad(r, "target * of other than OPTIONS"));
		if (r->watch != NULL &&
		    line_is(r, HTTP_HEALTH_PATH, sizeof(HTTP_HEALTH_PATH) - 1))
			r->flags |= HEALTH;
		r->line_len = 0;
		r->state = IN_VERSION;
		return (HTTP_READ_MORE);
	}
	if (c <= 0x20 || c >= 0x7f || c == '#')
		return (bad(r, "target with other than URI characters"));
	line_add(r, c);
	if (r->line_len > 1 || c == '/')
		return (HTTP_READ_MORE);
	if (c == '*')
		r->flags |= WHOLE;
	else if (http_field_lower(c) < 'a' || http_field_lower(c) > 'z')
		return (bad(r, "target is neither path nor URI"));
	return (HTTP_READ_MORE);
}

static enum http_read_rc
read_request_line(struct http_reader *r, unsigned char c)
{
	switch (r->state) {
	case AT_START:
		if (c == '\r') {
			if (++r->empty_lines > HTTP_EMPTY_LINES_MAX)
				return (bad(r, "too many empty lines"));
			r->state = EMPTY_LF;
			break;
		}
		r->state = IN_METHOD;
		return (read_request_line(r, c));
	case IN_METHOD:
		if (c == ' ')
			return (end_method(r));
		if (!http_field_is_token(c))
			return (bad(r, "method is no token"));
		line_add(r, c);
		break;
	case IN_TARGET:
		return (read_target(r, c));
	default: /* IN_VERSION */
		if (c == '\r')
			return (end_version(r));
		if (c <= 0x20 || c >= 0x7f)
			return (bad(r, "request line with other than 3 parts"));
		line_add(r, c);
		break;
	}
	return (HTTP_READ_MORE);
}

static enum http_read_rc
read_field(struct http_reader *r, unsigned char *byte)
{
	unsigned char c = *byte;

	switch (r->state) {
	case FIELD:
		r->line_len = 0;
		if (c == '\r') {
			r->state = END_LF;
			break;
		}
		if (c == ' ' || c == '\t')
			return (bad(r, "folded header line"));
		if (++r->nfields > HTTP_FIELDS_MAX)
			return (bad(r, "too many fields"));
		r->state = IN_NAME;
		return (read_field(r, byte));
	case IN_NAME:
		if (c == ':' && r->line_len > 0)
			return (end_name(r));
		if (!http_field_is_token(c))
			return (bad(r, "header name is no token"));
		line_add(r, http_field_lower(c));
		break;
	case BEFORE_VALUE:
		/* evhttp drops only spaces. */
		if (http_field_is_blank(c)) {
			*byte = ' ';
			break;
		}
		r->state = IN_VALUE;
		return (read_field(r, byte));
	default: /* IN_VALUE */
		if (c == '\r')
			return (end_value(r));
		if (!http_field_is_value(c))
			return (bad(r, "control byte in a header"));
		if (r->left < NEITHER)
			line_add(r, http_field_lower(c));
		else if (r->left == NAMES_CLIENT && named(r) != NULL)
			http_forwarded_read(named(r), r->watch->trusted,
			    (const char *)byte, 1);
		break;
	}
	return (HTTP_READ_MORE);
}

static enum http_read_rc
read_around_chunk(struct http_reader *r, unsigned char c)
{
	switch (http_chunks_read(&r->chunks, r->max_body, c)) {
	case HTTP_CHUNKS_MORE:
		return (HTTP_READ_MORE);
	case HTTP_CHUNKS_DATA:
		r->left = r->chunks.size;
		r->state = IN_CHUNK;
		return (HTTP_READ_MORE);
	case HTTP_CHUNKS_LAST:
		r->flags |= IN_TRAILER;
		r->state = FIELD;
		return (HTTP_READ_MORE);
	case HTTP_CHUNKS_TOO_LARGE:
		return (fail(r, HTTP_READ_TOO_LARGE, "body too large"));
	case HTTP_CHUNKS_BAD:
		break;
	}
	return (bad(r, r->chunks.reason));
}

static enum http_read_rc
read_lf(struct http_reader *r, unsigned char c)
{
	if (c != '\n')
		return (bad(r, "CR without LF"));
	switch (r->state) {
	case EMPTY_LF:
		r->state = AT_START;
		break;
	case LINE_LF:
		r->state = FIELD;
		break;
	default: /* END_LF */
		if (r->flags & IN_TRAILER)
			return (HTTP_READ_DONE);
		return (end_head(r));
	}
	return (HTTP_READ_MORE);
}

static enum http_read_rc
read_byte(struct http_reader *r, unsigned char *byte)
{
	switch (r->state) {
	case AT_START:
	case IN_METHOD:
	case IN_TARGET:
	case IN_VERSION:
		return (read_request_line(r, *byte));
	case FIELD:
	case IN_NAME:
	case BEFORE_VALUE:
	case IN_VALUE:
		return (read_field(r, byte));
	case AROUND_CHUNK:
		return (read_around_chunk(r, *byte));
	default:
		return (read_lf(r, *byte));
	}
}

/* Skip body, as far as it is here. Returns how much. */
static size_t
skip(struct http_reader *r, size_t len, enum http_read_rc *ret_rc)
{
	size_t n = r->left < len ? (size_t)r->left : len;

	r->left -= n;
	*ret_rc = HTTP_READ_MORE;
	if (r->left > 0)
		return (n);
	if (r->state == IN_BODY)
		*ret_rc = HTTP_READ_DONE;
	else
		r->state = AROUND_CHUNK;
	return (n);
}

/* Of a head's value that is not looked at: skip what is sound of it. */
static size_t
skip_value(struct http_reader *r, const unsigned char *p, size_t len)
{
	size_t room = HTTP_HEAD_MAX - r->head_len, n = 0;

	if (r->state != IN_VALUE || r->left < NEITHER ||
	    r->left == NAMES_CLIENT || r->flags & IN_CHUNKS)
		return (0);
	if (room < len)
		len = room;
	while (n < len && http_field_is_value(p[n]))
		n++;
	r->head_len += n;
	return (n);
}

/* One byte more, of a head, of what is around the data of chunks. */
static enum http_read_rc
read_framing(struct http_reader *r, unsigned char *byte, bool *ret_keep)
{
	enum http_read_rc rc;

	*ret_keep = (r->flags & IN_CHUNKS) == 0;
	if ((r->flags & IN_TRAILER) != 0 && ++r->trailer_len > HTTP_TRAILER_MAX)
		return (bad(r, "trailer too long"));
	if (*ret_keep && ++r->head_len > HTTP_HEAD_MAX)
		return (bad(r, "head too long"));
	rc = read_byte(r, byte);
	if (!http_reader_begun(r) && rc == HTTP_READ_MORE)
		*ret_keep = false; /* an empty line's */
	return (rc);
}

enum http_read_rc
http_reader_read(struct http_reader *r, void *bytes, size_t len,
    size_t *ret_used, size_t *ret_kept)
{
	unsigned char *p = bytes;
	enum http_read_rc rc = r->failed;
	size_t n, i = 0, kept = 0;
	bool keep;

	while (rc == HTTP_READ_MORE && i < len) {
		if (r->state == IN_BODY || r->state == IN_CHUNK) {
			n = skip(r, len - i, &rc);
			keep = true;
		} else if ((n = skip_value(r, p + i, len - i)) > 0) {
			keep = true;
		} else {
			n = 1;
			rc = read_framing(r, &p[i], &keep);
		}
		if (keep) {
			if (kept != i)
				memmove(p + kept, p + i, n);
			kept += n;
		}
		i += n;
	}
	*ret_used = i;
	*ret_kept = kept;
	if (rc == HTTP_READ_DONE)
		begin(r);
	return (rc);
}

bool
http_reader_begun(const struct http_reader *r)
{
	return (r->state != AT_START && r->state != EMPTY_LF);
}

bool
http_reader_has_head(const struct http_reader *r)
{
	return (r->state == IN_BODY || (r->flags & IN_CHUNKS) != 0);
}

uint64_t
http_reader_rest(const struct http_reader *r)
{
	return (r->state == IN_BODY || r->state == IN_CHUNK ? r->left : 0);
}

bool
http_reader_in_chunks(const struct http_reader *r)
{
	return ((r->flags & IN_CHUNKS) != 0);
}

/* Its bytes are copied, those of the target several times. */
size_t
http_reader_held(const struct http_reader *r)
{
	return (r->nfields * FIELD_HELD + 3 * r->head_len);
}

const char *
http_reader_reason(const struct http_reader *r)
{
	return (r->reason);
}
