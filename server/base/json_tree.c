/*
 * One pass over the text, without recursion: the node whose members are being
 * read is the current one, and its parent is where a closing bracket leads.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/json_tree.h"

#define NODES_FIRST 256

struct reading {
	struct json_tree *tree;
	size_t at;
	size_t room;      /* of nodes */
	uint32_t current; /* the container that is open; JSON_TREE_NONE: none */
	uint32_t *last;   /* where the index of the next sibling goes */
	uint32_t key_at, key_len;
};

/* The byte at the reading's place; -1 at the end. */
static int
look(const struct reading *r)
{
	return (
	    r->at < r->tree->len ? (unsigned char)r->tree->text[r->at] : -1);
}

static void
skip_space(struct reading *r)
{
	int c;

	while ((c = look(r)) == ' ' || c == '\t' || c == '\n' || c == '\r')
		r->at++;
}

static enum json_tree_rc
wrong(const struct reading *r)
{
	r->tree->wrong_at = r->at;
	return (look(r) == -1 ? JSON_TREE_CUT : JSON_TREE_BAD);
}

static bool
is_hex(int c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		(c >= 'A' && c <= 'F'));
}

/* Past the backslash of an escape. */
static enum json_tree_rc
read_escape(struct reading *r)
{
	int c;

	r->tree->has_escapes = true;
	c = look(r);
	if (c <= 0 || strchr("\"\\/bfnrtu", c) == NULL)
		return (wrong(r));
	r->at++;
	for (int i = 0; c == 'u' && i < 4; i++, r->at++)
		if (!is_hex(look(r)))
			return (wrong(r));
	return (JSON_TREE_OK);
}

static enum json_tree_rc
read_string(struct reading *r)
{
	struct json_tree *t = r->tree;
	enum json_tree_rc rc;
	int c;

	if (look(r) != '"')
		return (wrong(r));
	r->at++;
	while ((c = look(r)) != '"') {
		if (c < 0x20) /* or the end */
			return (wrong(r));
		r->at++;
		t->has_non_ascii |= c > 0x7f;
		t->has_html |= c == '<' || c == '>' || c == '&';
		t->has_slash |= c == '/';
		if (c == '\\' && (rc = read_escape(r)) != JSON_TREE_OK)
			return (rc);
	}
	r->at++;
	return (JSON_TREE_OK);
}

static enum json_tree_rc
read_digits(struct reading *r)
{
	if (look(r) < '0' || look(r) > '9')
		return (wrong(r));
	while (look(r) >= '0' && look(r) <= '9')
		r->at++;
	return (JSON_TREE_OK);
}

static enum json_tree_rc
read_number(struct reading *r)
{
	enum json_tree_rc rc;

	r->at += look(r) == '-';
	if (look(r) == '0')
		r->at++;
	else if ((rc = read_digits(r)) != JSON_TREE_OK)
		return (rc);
	if (look(r) == '.') {
		r->at++;
		if ((rc = read_digits(r)) != JSON_TREE_OK)
			return (rc);
	}
	if (look(r) == 'e' || look(r) == 'E') {
		r->at++;
		r->at += look(r) == '+' || look(r) == '-';
		return (read_digits(r));
	}
	return (JSON_TREE_OK);
}

static enum json_tree_rc
read_word(struct reading *r, const char *word)
{
	for (; *word != '\0'; word++, r->at++)
		if (look(r) != *word)
			return (wrong(r));
	return (JSON_TREE_OK);
}

static enum json_tree_rc
read_scalar(struct reading *r)
{
	switch (look(r)) {
	case '"':
		return (read_string(r));
	case 't':
		return (read_word(r, "true"));
	case 'f':
		return (read_word(r, "false"));
	case 'n':
		return (read_word(r, "null"));
	default:
		return (read_number(r));
	}
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
		.at = (uint32_t)r->at,
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

	r->key_at = (uint32_t)r->at;
	if ((rc = read_string(r)) != JSON_TREE_OK)
		return (rc);
	r->key_len = (uint32_t)r->at - r->key_at;
	skip_space(r);
	if (look(r) != ':')
		return (wrong(r));
	r->at++;
	skip_space(r);
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
	node->len = (uint32_t)r->at - node->at;
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
		skip_space(r);
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
		skip_space(r);
		return (JSON_TREE_OK);
	}
}

enum json_tree_rc
json_tree_read(struct json_tree *ret_tree, const char *text, size_t len)
{
	struct reading r = { .tree = ret_tree, .current = JSON_TREE_NONE };
	enum json_tree_rc rc;

	*ret_tree = (struct json_tree){ .text = text, .len = len };
	if (len >= UINT32_MAX)
		return (JSON_TREE_BIG);
	skip_space(&r);
	do {
		if ((rc = read_value(&r)) != JSON_TREE_OK ||
		    (rc = read_between(&r)) != JSON_TREE_OK)
			return (rc);
	} while (r.current != JSON_TREE_NONE);
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
