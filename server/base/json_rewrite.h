/*
 * json_rewrite.h -- a JSON text as another program would have written it.
 *
 * Pure: a tree in, bytes out. Every value stays what it is, numbers to the
 * digit; only blanks, the order of names and the escapes of strings change.
 */
#ifndef SERVER_JSON_REWRITE_H
#define SERVER_JSON_REWRITE_H

#include <stddef.h>

#include "server/base/json_tree.h"

enum json_layout {
	JSON_LAYOUT_KEEP,    /* blanks as they stand; excludes sorted */
	JSON_LAYOUT_COMPACT, /* none */
	JSON_LAYOUT_SPACED,  /* one line, a blank after each comma and colon */
	JSON_LAYOUT_INDENT2, /* a line for each value */
	JSON_LAYOUT_INDENT4,
	JSON_LAYOUT_TAB
};

/* How strings are written: as they stand, or anew by these rules together. */
#define JSON_ESCAPE_KEEP 0u   /* as they stand */
#define JSON_ESCAPE_ANEW 1u   /* only what must be is escaped */
#define JSON_ESCAPE_HTML 2u   /* < > & and U+2028, U+2029 too, as Go does */
#define JSON_ESCAPE_ASCII 4u  /* all that is not ASCII too */
#define JSON_ESCAPE_SLASH 8u  /* / as \/, as PHP does */
#define JSON_ESCAPE_UPPER 16u /* \u00E9, not \u00e9 */

struct json_style {
	enum json_layout layout;
	bool sorted; /* needs json_tree_sort() */
	unsigned escapes;
};

/* Would strings come out as they stand, by what the tree knows of them? */
bool json_rewrite_keeps(const struct json_tree *tree, unsigned escapes);

/*
 * Write the text to ret_bytes, which has room for size bytes. Returns 0 and
 * the length; -1 if it does not fit.
 */
int json_rewrite(const struct json_tree *tree, const struct json_style *style,
    char *ret_bytes, size_t size, size_t *ret_len);

#endif /* SERVER_JSON_REWRITE_H */
