/*
 * One pass over the text, without recursion: the node whose members are being
 * read is the current one, and its parent is where a closing bracket leads.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/json_tree.h"
#include "store/base/json_scan.h"

#define NODES_FIRST 256

struct reading {
	struct json_tree *tree;
	const char *at;
	const char *end;
	size_t room;      /* of nodes */
	uint32_t current; /* the container that is open; JSON_TREE_NONE: none */
	uint32_t *last;   /* where the index of the next sibling goes */
	uint32_t key_at, key_len;
};

/* The byte at the reading's place; -1 at the end. */
static int
look(const struct reading *r)
{
	return (r->at < r->end ? (unsigned char)*r->at : -1);
}

/* The reading's place in the text. */
static uint32_t
place(const struct reading *r)
{
	return ((uint32_t)(r->at - r->tree->text));
}

static void
skip_blanks(struct reading *r)
{
	r->at = json_scan_blanks(r->at, r->end);
}

static enum json_tree_rc
wrong(const struct reading *r)
{
	r->tree->wrong_at = place(r);
	return (look(r) == -1 ? JSON_TREE_CUT : JSON_TREE_BAD);
}

static enum json_tree_rc
read_scalar(struct reading *r)
{
	if (json_scan_scalar(r->at, r->end, &r->at) != JSON_SCAN_OK)
		return (wrong(r));
	return (JSON_TREE_OK);
}

/* Room for one more node, and it set up for the value at this place. */
static struct json_node *
add_node(struct reading *r)
{
	struct json_tree *t = r->tree;
	struct json_node *grown, *node;
	size_t last = 0;

	if (t->nnodes == JSON_TREE_NODES_MAX)
		return (NULL);
	if (t->nnodes == r->room) {
		/* r->last points into the array, which may move. */
		if (t->nodes != NULL)
			last = (size_t)((char *)r->last - (char *)t->nodes);
		r->room = r->room == 0 ? NODES_FIRST : 2 * r->room;
		grown = realloc(t->nodes, r->room * sizeof(*grown));
		if (grown == NULL)
			return (NULL);
		if (t->nodes != NULL)
			r->last = (uint32_t *)(void *)((char *)grown + last);
		t->nodes = grown;
	}
	node = &t->nodes[t->nnodes];
	*node = (struct json_node){
		.at = place(r),
		.key_at = r->key_at,
		.key_len = r->key_len,
		.parent = r->current,
		.child = JSON_TREE_NONE,
		.next = JSON_TREE_NONE,
		.sorted_child = JSON_TREE_NONE,
		.sorted_next = JSON_TREE_NONE,
	};
	if (r->current != JSON_TREE_NONE)
		*r->last = (uint32_t)t->nnodes;
	t->nnodes++;
	return (node);
}

/* The name of a member and its colon, in an object. */
static enum json_tree_rc
read_key(struct reading *r)
{
	enum json_tree_rc rc;

	r->key_at = place(r);
	if (look(r) != '"')
		return (wrong(r));
	if ((rc = read_scalar(r)) != JSON_TREE_OK)
		return (rc);
	r->key_len = place(r) - r->key_at;
	skip_blanks(r);
	if (look(r) != ':')
		return (wrong(r));
	r->at++;
	skip_blanks(r);
	return (JSON_TREE_OK);
}

/* A value with its name; a container is only entered. */
static enum json_tree_rc
read_value(struct reading *r)
{
	struct json_tree *t = r->tree;
	struct json_node *node;
	enum json_tree_rc rc;
	size_t index = t->nnodes;

	r->key_at = r->key_len = 0;
	if (r->current != JSON_TREE_NONE &&
	    t->nodes[r->current].kind == JSON_KIND_OBJECT &&
	    (rc = read_key(r)) != JSON_TREE_OK)
		return (rc);
	if ((node = add_node(r)) == NULL)
		return (JSON_TREE_BIG);
	r->last = &node->next;
	if (look(r) == '{' || look(r) == '[') {
		node->kind =
		    look(r) == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
		node->len = 1;
		r->current = (uint32_t)index;
		r->last = &node->child;
		r->at++;
		return (JSON_TREE_OK);
	}
	node->kind = JSON_KIND_SCALAR;
	if ((rc = read_scalar(r)) != JSON_TREE_OK)
		return (rc);
	node->len = place(r) - node->at;
	return (JSON_TREE_OK);
}

/* The current container ends here; what follows is its next sibling. */
static void
leave(struct reading *r)
{
	struct json_node *node = &r->tree->nodes[r->current];

	r->at++;
	r->current = node->parent;
	r->last = &node->next;
}

/* What may follow a value: more of the container, or ends of containers. */
static enum json_tree_rc
read_between(struct reading *r)
{
	const struct json_node *node;
	bool fresh;

	for (;;) {
		skip_blanks(r);
		if (r->current == JSON_TREE_NONE)
			return (look(r) == -1 ? JSON_TREE_OK : wrong(r));
		node = &r->tree->nodes[r->current];
		fresh = r->last == &node->child;
		if (look(r) == (node->kind == JSON_KIND_OBJECT ? '}' : ']')) {
			leave(r);
			continue;
		}
		if (fresh)
			return (JSON_TREE_OK);
		if (look(r) != ',')
			return (wrong(r));
		r->at++;
		skip_blanks(r);
		return (JSON_TREE_OK);
	}
}

/*
 * What of a text's strings a rewriting may change: none of these bytes can
 * stand outside of a string.
 */
static void
note_bytes(struct json_tree *t)
{
	bool escapes = false, non_ascii = false, html = false, slash = false;

	for (size_t i = 0; i < t->len; i++) {
		unsigned char c = (unsigned char)t->text[i];

		escapes |= c == '\\';
		non_ascii |= c > 0x7f;
		html |= (c == '<') | (c == '>') | (c == '&');
		slash |= c == '/';
	}
	t->has_escapes = escapes;
	t->has_non_ascii = non_ascii;
	t->has_html = html;
	t->has_slash = slash;
}

enum json_tree_rc
json_tree_read(struct json_tree *ret_tree, const char *text, size_t len)
{
	struct reading r = { .tree = ret_tree,
		.at = text,
		.end = text + len,
		.current = JSON_TREE_NONE };
	enum json_tree_rc rc;

	*ret_tree = (struct json_tree){ .text = text, .len = len };
	if (len >= UINT32_MAX)
		return (JSON_TREE_BIG);
	skip_blanks(&r);
	do {
		if ((rc = read_value(&r)) != JSON_TREE_OK ||
		    (rc = read_between(&r)) != JSON_TREE_OK)
			return (rc);
	} while (r.current != JSON_TREE_NONE);
	note_bytes(ret_tree);
	return (JSON_TREE_OK);
}

/* -- Sorting -- */

struct member {
	const char *key;
	uint32_t key_len;
	uint32_t index;
};

/* By name; then as they stand, which is the order of their indices. */
static int
member_compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	uint32_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(x->key, y->key, len);

	if (order != 0)
		return (order);
	if (x->key_len != y->key_len)
		return (x->key_len < y->key_len ? -1 : 1);
	return (x->index < y->index ? -1 : x->index > y->index);
}

static void
sort_one(struct json_tree *t, struct json_node *node, struct member *members)
{
	uint32_t *last = &node->sorted_child;
	size_t n = 0;

	for (uint32_t i = node->child; i != JSON_TREE_NONE;
	     i = t->nodes[i].next) {
		const struct json_node *m = &t->nodes[i];

		/* Without the quotes: the closing one would sort as a byte. */
		members[n++] = (struct member){ .index = i,
			.key = t->text + m->key_at + 1,
			.key_len = m->key_len > 2 ? m->key_len - 2 : 0 };
	}
	if (node->kind == JSON_KIND_OBJECT)
		qsort(members, n, sizeof(*members), member_compare);
	for (size_t i = 0; i < n; i++) {
		*last = members[i].index;
		last = &t->nodes[members[i].index].sorted_next;
	}
	*last = JSON_TREE_NONE;
}

int
json_tree_sort(struct json_tree *tree)
{
	struct member *members;

	if ((members = calloc(tree->nnodes, sizeof(*members))) == NULL)
		return (-1);
	for (size_t i = 0; i < tree->nnodes; i++)
		if (tree->nodes[i].kind != JSON_KIND_SCALAR)
			sort_one(tree, &tree->nodes[i], members);
	free(members);
	return (0);
}

void
json_tree_fini(struct json_tree *tree)
{
	free(tree->nodes);
	tree->nodes = NULL;
	tree->nnodes = 0;
}
