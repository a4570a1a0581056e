#include <ctype.h>
#include <string.h>

#include "server/base/json_rewrite.h"
#include "store/base/json_scan.h"
#include "store/base/utf8.h"

struct sink {
	const struct json_tree *tree;
	const struct json_style *style;
	char *at;
	size_t left;
	bool full;
};

static void
put(struct sink *out, const char *bytes, size_t len)
{
	if (len > out->left) {
		out->full = true;
		return;
	}
	memcpy(out->at, bytes, len);
	out->at += len;
	out->left -= len;
}

static void
put_char(struct sink *out, char c)
{
	put(out, &c, 1);
}

/* -- Strings -- */

/* One unit of UTF-16, as \uXXXX. */
static void
put_unit(struct sink *out, uint32_t unit)
{
	const char *digits = out->style->escapes & JSON_ESCAPE_UPPER
				 ? "0123456789ABCDEF"
				 : "0123456789abcdef";
	char text[6] = { '\\', 'u' };

	for (int i = 0; i < 4; i++)
		text[2 + i] = digits[unit >> (12 - 4 * i) & 15];
	put(out, text, sizeof(text));
}

/* Does the style want this character escaped, though it need not be? */
static bool
is_escaped(unsigned escapes, uint32_t c)
{
	if (c > 0x7f && (escapes & JSON_ESCAPE_ASCII))
		return (true);
	if (!(escapes & JSON_ESCAPE_HTML))
		return (false);
	return (c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029);
}

static void
put_code(struct sink *out, uint32_t c)
{
	static const char raw[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	unsigned escapes = out->style->escapes;
	const char *short_form;
	char bytes[UTF8_MAX];

	if (c > 0 && c < 0x80 && (short_form = strchr(raw, (int)c)) != NULL) {
		put_char(out, '\\');
		put_char(out, names[short_form - raw]);
	} else if (c == '/' && (escapes & JSON_ESCAPE_SLASH))
		put(out, "\\/", 2);
	else if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff))
		put_unit(out, c); /* no other way; a surrogate is alone here */
	else if (!is_escaped(escapes, c))
		put(out, bytes, utf8_put(c, bytes));
	else if (c < 0x10000)
		put_unit(out, c);
	else {
		put_unit(out, 0xd800 + ((c - 0x10000) >> 10));
		put_unit(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
	}
}

/* A string, its quotes included, of the tree's text. */
static void
put_string(struct sink *out, size_t at, size_t len)
{
	const char *p = out->tree->text + at + 1;
	const char *end = out->tree->text + at + len - 1, *run;
	uint32_t code;
	size_t n;

	put_char(out, '"');
	while (p < end && !out->full) {
		/* No style changes letters and digits. */
		for (run = p; p < end && isalnum((unsigned char)*p);)
			p++;
		put(out, run, (size_t)(p - run));
		if (p == end)
			break;
		n = *p == '\\' ? json_scan_escape(p, end, &code)
			       : utf8_next(p, (size_t)(end - p), &code);
		if (n > 0) {
			put_code(out, code);
			p += n;
		} else
			put_char(out, *p++); /* no character: as it stands */
	}
	put_char(out, '"');
}

/* A scalar, or a name. */
static void
put_token(struct sink *out, size_t at, size_t len)
{
	if (out->tree->text[at] == '"' &&
	    out->style->escapes != JSON_ESCAPE_KEEP)
		put_string(out, at, len);
	else
		put(out, out->tree->text + at, len);
}

/* -- Layout -- */

/* Strings change, all between them is copied. */
static void
write_kept(struct sink *out)
{
	const struct json_tree *t = out->tree;
	size_t from = 0;

	for (size_t i = 0; i < t->nnodes && !out->full; i++) {
		const struct json_node *node = &t->nodes[i];

		if (node->key_len > 0) {
			put(out, t->text + from, node->key_at - from);
			put_token(out, node->key_at, node->key_len);
			from = node->key_at + node->key_len;
		}
		put(out, t->text + from, node->at - from);
		put_token(out, node->at, node->len);
		from = node->at + node->len;
	}
	put(out, t->text + from, t->len - from);
}

/* Begin a line of that depth, in the layouts that have lines. */
static void
put_line(struct sink *out, size_t depth)
{
	const char *step;

	switch (out->style->layout) {
	case JSON_LAYOUT_INDENT2:
		step = "  ";
		break;
	case JSON_LAYOUT_INDENT4:
		step = "    ";
		break;
	case JSON_LAYOUT_TAB:
		step = "\t";
		break;
	case JSON_LAYOUT_KEEP:
	case JSON_LAYOUT_COMPACT:
	case JSON_LAYOUT_SPACED:
	default:
		return;
	}
	put_char(out, '\n');
	for (; depth > 0 && !out->full; depth--)
		put(out, step, strlen(step));
}

static uint32_t
child_of(const struct sink *out, const struct json_node *node)
{
	return (out->style->sorted ? node->sorted_child : node->child);
}

static uint32_t
next_of(const struct sink *out, const struct json_node *node)
{
	return (out->style->sorted ? node->sorted_next : node->next);
}

/* A value's name and the value; of a container only its opening bracket. */
static void
put_opening(struct sink *out, const struct json_node *node)
{
	if (node->key_len > 0) {
		put_token(out, node->key_at, node->key_len);
		put(out, ": ",
		    out->style->layout == JSON_LAYOUT_COMPACT ? 1 : 2);
	}
	put_token(out, node->at, node->len);
}

static char
bracket_of(const struct json_node *node)
{
	return (node->kind == JSON_KIND_OBJECT ? '}' : ']');
}

/* What stands between two values of a container. */
static void
put_comma(struct sink *out, size_t depth)
{
	put(out, ", ", out->style->layout == JSON_LAYOUT_SPACED ? 2 : 1);
	put_line(out, depth);
}

/* Without recursion, since depth comes from outside. */
static void
write_laid_out(struct sink *out)
{
	const struct json_node *nodes = out->tree->nodes, *node = nodes;
	size_t depth = 0;

	put_opening(out, node);
	while (!out->full) {
		if (node->kind != JSON_KIND_SCALAR) {
			if (child_of(out, node) != JSON_TREE_NONE) {
				put_line(out, ++depth);
				node = &nodes[child_of(out, node)];
				put_opening(out, node);
				continue;
			}
			put_char(out, bracket_of(node));
		}
		while (node->parent != JSON_TREE_NONE &&
		       next_of(out, node) == JSON_TREE_NONE) {
			put_line(out, --depth);
			node = &nodes[node->parent];
			put_char(out, bracket_of(node));
		}
		if (node->parent == JSON_TREE_NONE)
			return;
		put_comma(out, depth);
		node = &nodes[next_of(out, node)];
		put_opening(out, node);
	}
}

bool
json_rewrite_keeps(const struct json_tree *tree, unsigned escapes)
{
	bool html = escapes & JSON_ESCAPE_HTML;

	if (escapes == JSON_ESCAPE_KEEP)
		return (true);
	if (tree->has_escapes)
		return (false);
	if (tree->has_non_ascii && (html || (escapes & JSON_ESCAPE_ASCII)))
		return (false);
	return (!(tree->has_html && html) &&
		!(tree->has_slash && (escapes & JSON_ESCAPE_SLASH)));
}

int
json_rewrite(const struct json_tree *tree, const struct json_style *style,
    char *ret_bytes, size_t size, size_t *ret_len)
{
	struct sink out = { tree, style, ret_bytes, size, false };

	if (style->layout == JSON_LAYOUT_KEEP)
		write_kept(&out);
	else
		write_laid_out(&out);
	if (out.full)
		return (-1);
	*ret_len = size - out.left;
	return (0);
}
