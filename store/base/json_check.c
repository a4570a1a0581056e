#include "store/base/json_check.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/json_scan.h"

#define WORD_BITS 64

/* Past the blanks at p; there are seldom any. */
static const char *
skip(const char *p, const char *end)
{
	return (
	    p < end && (unsigned char)*p > ' ' ? p : json_scan_blanks(p, end));
}

/* The brackets that are open: a bit each, set for an object's. */
struct nesting {
	unsigned depth;
	unsigned most;
	uint64_t objects[JSON_CHECK_DEPTH_MAX / WORD_BITS];
};

static bool
in_object(const struct nesting *n)
{
	unsigned at = n->depth - 1;

	return ((n->objects[at / WORD_BITS] >> at % WORD_BITS & 1) != 0);
}

/* Returns false if that is too deep. */
static bool
open_bracket(struct nesting *n, bool object)
{
	uint64_t *word = &n->objects[n->depth / WORD_BITS];
	uint64_t bit = UINT64_C(1) << n->depth % WORD_BITS;

	if (n->depth == n->most)
		return (false);
	*word = object ? *word | bit : *word & ~bit;
	n->depth++;
	return (true);
}

const char *
json_check_key(const char *p, const char *end, const char **ret_end)
{
	if (p == end || *p != '"' ||
	    json_scan_scalar(p, end, ret_end) != JSON_SCAN_OK)
		return (NULL);
	p = skip(*ret_end, end);
	return (p == end || *p != ':' ? NULL : skip(p + 1, end));
}

const char *
json_check_next(const char *p, const char *end, char closer, bool *ret_closed)
{
	p = skip(p, end);
	if (p == end || (*p != ',' && *p != closer))
		return (NULL);
	*ret_closed = *p == closer;
	return (*ret_closed ? p + 1 : skip(p + 1, end));
}

/* p is at a bracket. Past it, to its first value or its end. */
static const char *
enter(struct nesting *n, const char *p, const char *end, bool *ret_closed)
{
	bool object = *p == '{';
	const char *key_end;

	if (!open_bracket(n, object))
		return (NULL);
	p = skip(p + 1, end);
	*ret_closed = p < end && *p == (object ? '}' : ']');
	if (*ret_closed) {
		n->depth--;
		return (p + 1);
	}
	return (object ? json_check_key(p, end, &key_end) : p);
}

/* A value has ended at p. To the next one, or past all that ends here. */
static const char *
leave(struct nesting *n, const char *p, const char *end)
{
	const char *key_end;
	bool closed = true, object;

	while (p != NULL && n->depth > 0 && closed) {
		object = in_object(n);
		p = json_check_next(p, end, object ? '}' : ']', &closed);
		if (closed)
			n->depth--;
		else if (p != NULL && object)
			p = json_check_key(p, end, &key_end);
	}
	return (p);
}

const char *
json_check_value(const char *p, const char *end, unsigned depth)
{
	struct nesting n;
	bool ended;

	assert(depth <= JSON_CHECK_DEPTH_MAX);
	n.depth = 0;
	n.most = depth;
	do {
		if (p == end)
			return (NULL);
		ended = true;
		if (*p == '{' || *p == '[')
			p = enter(&n, p, end, &ended);
		else if (json_scan_scalar(p, end, &p) != JSON_SCAN_OK)
			return (NULL);
		if (ended)
			p = leave(&n, p, end);
	} while (p != NULL && n.depth > 0);
	return (p);
}
