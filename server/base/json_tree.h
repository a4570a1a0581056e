/*
 * json_tree.h -- where the values of a JSON text lie.
 *
 * Owns:    the list of a text's values, each with its place, its parent and
 *          its neighbours. The text stays the caller's.
 * Pure:    bytes in, places out; copes with any bytes.
 *
 * Strict on the grammar of RFC 8259; whether strings are valid UTF-8 is not
 * asked, since this is for texts that somebody changed on the way.
 */
#ifndef SERVER_JSON_TREE_H
#define SERVER_JSON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_TREE_NODES_MAX 65536 /* values; a text with more is refused */
#define JSON_TREE_NONE UINT32_MAX

enum json_kind { JSON_KIND_ARRAY, JSON_KIND_OBJECT, JSON_KIND_SCALAR };

/* A value. Places are offsets into the text, others indices of nodes. */
struct json_node {
	uint32_t at; /* a scalar's first byte, or the bracket */
	uint32_t len;
	uint32_t key_at; /* of a member of an object: its quoted name */
	uint32_t key_len;
	uint32_t parent;       /* JSON_TREE_NONE: the root */
	uint32_t child;        /* the first; JSON_TREE_NONE: it is empty */
	uint32_t next;         /* of the same parent, in order of the text */
	uint32_t sorted_child; /* the same by name, once sorted */
	uint32_t sorted_next;
	enum json_kind kind;
};

/* How far a text is one of JSON. */
enum json_tree_rc {
	JSON_TREE_OK,
	JSON_TREE_CUT, /* as far as it goes; it ends too early */
	JSON_TREE_BAD, /* at some place it is none */
	JSON_TREE_BIG  /* too many values, or no memory for them */
};

struct json_tree {
	const char *text;
	size_t len;
	struct json_node *nodes; /* in order of the text; the root first */
	size_t nnodes;
	size_t wrong_at; /* when bad: the first byte that does not belong */
	/* What of its strings a rewriting may change. */
	bool has_escapes;   /* a backslash */
	bool has_non_ascii; /* a byte over 0x7f */
	bool has_html;      /* <, > or & */
	bool has_slash;
};

/*
 * Read len bytes of text, which is kept. Whatever the result, the tree is to
 * be given to json_tree_fini(); with any but JSON_TREE_OK it has no nodes to
 * use.
 */
enum json_tree_rc json_tree_read(struct json_tree *ret_tree, const char *text,
    size_t len);

/*
 * Put the members of every object in the order of their names' bytes, equal
 * ones as they stand; the text's order stays known too. Returns 0; -1 when
 * out of memory.
 */
int json_tree_sort(struct json_tree *tree);

void json_tree_fini(struct json_tree *tree);

#endif /* SERVER_JSON_TREE_H */
