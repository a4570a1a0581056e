/* The bytes that may have been signed, made from those that came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/diagnosis/diagnosis_private.h"

#define BOM "\xef\xbb\xbf"
#define BOM_LEN 3

/* A form may be longer than the body: indentation, escapes, line ends. */
#define SCRATCH_TIMES 4
#define SCRATCH_MORE 4096

/*
 * How programs print JSON. Every layout is tried with every manner of
 * escaping, and each with names as they stand and sorted.
 */
static const struct {
	enum json_layout layout;
	const char *text;
} layouts[] = {
	{ JSON_LAYOUT_COMPACT, "without blanks" },
	{ JSON_LAYOUT_SPACED, "with a blank after each comma and colon" },
	{ JSON_LAYOUT_INDENT2, "indented by 2 blanks" },
	{ JSON_LAYOUT_INDENT4, "indented by 4 blanks" },
	{ JSON_LAYOUT_TAB, "indented by tabs" },
	{ JSON_LAYOUT_KEEP, "with other escapes in its strings" },
};

static const struct {
	unsigned rules;
	const char *text;
} escapes[] = {
	{ JSON_ESCAPE_KEEP, NULL },
	{ JSON_ESCAPE_ANEW, "nothing escaped without need" },
	{ JSON_ESCAPE_ANEW | JSON_ESCAPE_HTML, "<, > and & escaped" },
	{ JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII, "all but ASCII escaped" },
	{ JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII | JSON_ESCAPE_UPPER,
	    "all but ASCII escaped in capitals" },
	{ JSON_ESCAPE_ANEW | JSON_ESCAPE_SLASH, "slashes escaped" },
	{ JSON_ESCAPE_ANEW | JSON_ESCAPE_SLASH | JSON_ESCAPE_ASCII,
	    "slashes and all but ASCII escaped" },
};

#define NLAYOUTS (sizeof(layouts) / sizeof(layouts[0]))
#define NESCAPES (sizeof(escapes) / sizeof(escapes[0]))

/* A style's number, taken apart. */
struct style {
	size_t layout;
	size_t escape;
	bool sorted;
	bool newline;
};

/* A newline at the end is the innermost: it needs no new printing. */
static struct style
style_of(size_t number)
{
	struct style s;

	s.newline = number % 2 != 0;
	number /= 2;
	s.sorted = number % 2 != 0;
	number /= 2;
	s.escape = number % NESCAPES;
	s.layout = number / NESCAPES;
	return (s);
}

size_t
diagnosis_body_styles(void)
{
	return (NLAYOUTS * NESCAPES * 2 * 2);
}

enum json_tree_rc
diagnosis_body_read(struct diagnosis_body *b, size_t *work)
{
	bool bom = b->len >= BOM_LEN && memcmp(b->bytes, BOM, BOM_LEN) == 0;
	size_t from = bom ? BOM_LEN : 0;

	if (b->read)
		return (b->rc);
	b->read = true;
	b->rc = json_tree_read(&b->tree, b->bytes + from, b->len - from);
	if (b->rc == JSON_TREE_OK && json_tree_sort(&b->tree) == -1)
		b->rc = JSON_TREE_BIG;
	*work += 2 * b->len;
	return (b->rc);
}

void
diagnosis_body_fini(struct diagnosis_body *b)
{
	json_tree_fini(&b->tree);
	free(b->scratch);
	b->scratch = NULL;
}

static void
add_seg(struct diagnosis_segs *segs, const void *bytes, size_t len)
{
	segs->list[segs->n].iov_base = (void *)bytes;
	segs->list[segs->n].iov_len = len;
	segs->n++;
	segs->len += len;
}

/* Returns false when out of memory. */
static bool
need_scratch(struct diagnosis_body *b)
{
	if (b->scratch != NULL)
		return (true);
	b->scratch_size = SCRATCH_TIMES * b->len + SCRATCH_MORE;
	b->scratch = malloc(b->scratch_size);
	return (b->scratch != NULL);
}

/* Copy the body with each LF as CRLF, or each CRLF as LF. */
static bool
make_line_ends(struct diagnosis *d, bool crlf, struct diagnosis_segs *segs)
{
	struct diagnosis_body *b = &d->body;
	size_t n = 0;

	if (b->len == 0 || memchr(b->bytes, '\n', b->len) == NULL ||
	    !need_scratch(b))
		return (false);
	for (size_t i = 0; i < b->len; i++) {
		bool cr = b->bytes[i] == '\r' && i + 1 < b->len &&
			  b->bytes[i + 1] == '\n';

		if (cr)
			continue; /* its LF decides */
		if (b->bytes[i] == '\n' && crlf)
			b->scratch[n++] = '\r';
		b->scratch[n++] = b->bytes[i];
	}
	d->work += b->len + n;
	add_seg(segs, b->scratch, n);
	return (n != b->len || memcmp(b->scratch, b->bytes, n) != 0);
}

/* The body without its last newline, or without all blanks at its end. */
static bool
make_shorter(const struct diagnosis_body *b, bool all,
    struct diagnosis_segs *segs)
{
	size_t len = b->len;

	if (all) {
		while (len > 0 &&
		       strchr(" \t\r\n", b->bytes[len - 1]) != NULL &&
		       b->bytes[len - 1] != '\0')
			len--;
	} else if (len > 0 && b->bytes[len - 1] == '\n') {
		len--;
		if (len > 0 && b->bytes[len - 1] == '\r')
			len--;
	}
	add_seg(segs, b->bytes, len);
	return (len < b->len);
}

/* Something before the body; NULL, or empty: it is not known. */
static bool
make_after(const struct diagnosis_body *b, const char *before,
    const char *between, struct diagnosis_segs *segs)
{
	if (before == NULL || *before == '\0')
		return (false);
	add_seg(segs, before, strlen(before));
	add_seg(segs, between, strlen(between));
	add_seg(segs, b->bytes, b->len);
	return (true);
}

static bool
make_ended(const struct diagnosis_body *b, const char *end,
    struct diagnosis_segs *segs)
{
	add_seg(segs, b->bytes, b->len);
	add_seg(segs, end, strlen(end));
	return (true);
}

static bool
make_bom(const struct diagnosis_body *b, bool with, struct diagnosis_segs *segs)
{
	bool has = b->len >= BOM_LEN && memcmp(b->bytes, BOM, BOM_LEN) == 0;

	if (with == has)
		return (false);
	if (with)
		add_seg(segs, BOM, BOM_LEN);
	add_seg(segs, b->bytes + (has ? BOM_LEN : 0),
	    b->len - (has ? BOM_LEN : 0));
	return (true);
}

/* The style as json_rewrite() takes it; false if it changes nothing. */
static bool
read_style(const struct json_tree *tree, const struct style *s,
    struct json_style *ret_style)
{
	ret_style->layout = layouts[s->layout].layout;
	ret_style->escapes = escapes[s->escape].rules;
	ret_style->sorted = s->sorted;
	if (escapes[s->escape].rules != JSON_ESCAPE_KEEP &&
	    json_rewrite_keeps(tree, escapes[s->escape].rules))
		return (false); /* as with JSON_ESCAPE_KEEP */
	return (ret_style->layout != JSON_LAYOUT_KEEP ||
		(!s->sorted && ret_style->escapes != JSON_ESCAPE_KEEP));
}

static bool
make_json(struct diagnosis *d, size_t number, struct diagnosis_segs *segs)
{
	struct diagnosis_body *b = &d->body;
	struct style s = style_of(number);
	struct json_style style;
	size_t len;

	if (diagnosis_body_read(b, &d->work) != JSON_TREE_OK ||
	    !read_style(&b->tree, &s, &style) || !need_scratch(b))
		return (false);
	d->work += b->len; /* it is walked, fit or not */
	if (json_rewrite(&b->tree, &style, b->scratch, b->scratch_size, &len) ==
	    -1)
		return (false);
	d->work += len;
	if (len == b->len && memcmp(b->scratch, b->bytes, len) == 0)
		return (false);
	add_seg(segs, b->scratch, len);
	if (s.newline)
		add_seg(segs, "\n", 1);
	return (true);
}

bool
diagnosis_body_make(struct diagnosis *d, enum diagnosis_message message,
    size_t style, struct diagnosis_segs *ret_segs)
{
	struct diagnosis_body *b = &d->body;
	struct diagnosis_segs *segs = ret_segs;
	const char *id = diagnosis_header_get(d->in, "x-klikit-event-id");

	memset(segs, 0, sizeof(*segs));
	switch (message) {
	case MESSAGE_BODY:
		add_seg(segs, b->bytes, b->len);
		return (true);
	case MESSAGE_TIME_BODY:
		return (make_after(b, d->claim.time, ".", segs));
	case MESSAGE_ID_BODY:
		return (make_after(b, id, "", segs));
	case MESSAGE_ID_DOT_BODY:
		return (make_after(b, id, ".", segs));
	case MESSAGE_NO_NEWLINE:
		return (make_shorter(b, false, segs));
	case MESSAGE_NO_BLANKS:
		return (make_shorter(b, true, segs));
	case MESSAGE_NEWLINE:
		return (make_ended(b, "\n", segs));
	case MESSAGE_CRLF_END:
		return (make_ended(b, "\r\n", segs));
	case MESSAGE_LF:
		return (make_line_ends(d, false, segs));
	case MESSAGE_CRLF:
		return (make_line_ends(d, true, segs));
	case MESSAGE_NO_BOM:
		return (make_bom(b, false, segs));
	case MESSAGE_BOM:
		return (make_bom(b, true, segs));
	case MESSAGE_JSON:
		return (make_json(d, style, segs));
	}
	return (false);
}

void
diagnosis_body_describe(size_t style, char *ret_text, size_t size)
{
	struct style s = style_of(style);
	const char *escape = escapes[s.escape].text;

	(void)snprintf(ret_text, size, "%s%s%s%s%s", layouts[s.layout].text,
	    s.sorted ? ", its names sorted" : "", escape == NULL ? "" : ", ",
	    escape == NULL ? "" : escape,
	    s.newline ? ", a newline at its end" : "");
}
