/*
 * A scan that knows just enough of JSON to find where values begin and end:
 * the body was found well-formed when it came. It never reads past the end
 * of a body for which that is not so.
 */
#include "handlers/body/order_body.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A part of the body: one value as it stands, once it is found. */
struct slice {
	const char *at;
	const char *end;
};

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) != NULL && *p != '\0')
		p++;
	return (p);
}

/* Past the string whose first quote is at p. */
static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return (p < end ? p + 1 : end);
}

/* Past the value that begins at p. */
static const char *
skip_value(const char *p, const char *end)
{
	size_t depth = 0;

	do {
		if (p == end)
			return (end);
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (*p == '[' || *p == '{') {
			depth++;
		} else if (*p == ']' || *p == '}') {
			if (depth == 0)
				return (p);
			depth--;
		} else if (depth == 0) {
			while (p < end && strchr(",]} \t\r\n", *p) == NULL)
				p++;
			return (p);
		}
		p++;
	} while (depth > 0);
	return (p);
}

/*
 * At p, which is past a value, go on to the next one of the same array or
 * object. Returns NULL if there is none.
 */
static const char *
next_value(const char *p, const char *end)
{
	p = skip_blanks(p, end);
	if (p == end || *p != ',')
		return (NULL);
	return (skip_blanks(p + 1, end));
}

/* The first value, if what begins at p is opened so; else NULL. */
static const char *
first_value(const char *p, const char *end, char opener)
{
	if (p == end || *p != opener)
		return (NULL);
	p = skip_blanks(p + 1, end);
	return (p == end || *p == ']' || *p == '}' ? NULL : p);
}

/* Find the value of a key in the object that begins at p. */
static bool
find_member(const char *p, const char *end, const char *key,
    struct slice *ret_value)
{
	size_t len = strlen(key);
	const char *name;
	bool found;

	for (p = first_value(p, end, '{'); p != NULL && p < end && *p == '"';
	     p = next_value(p, end)) {
		name = p + 1;
		p = skip_string(p, end);
		found = (size_t)(p - name) == len + 1 &&
			memcmp(name, key, len) == 0;
		p = skip_blanks(p, end);
		if (p == end || *p != ':')
			return (false);
		p = skip_blanks(p + 1, end);
		ret_value->at = p;
		p = skip_value(p, end);
		ret_value->end = p;
		if (found)
			return (ret_value->at < p);
	}
	return (false);
}

/* Find an element of the array that begins at p. */
static bool
find_element(const char *p, const char *end, int32_t place,
    struct slice *ret_value)
{
	for (p = first_value(p, end, '['); p != NULL; p = next_value(p, end)) {
		ret_value->at = p;
		p = skip_value(p, end);
		ret_value->end = p;
		if (place-- == 0)
			return (ret_value->at < p);
	}
	return (false);
}

/* Append a text and then a value. Returns the new end. */
static char *
put(char *p, const char *text, struct slice value)
{
	p = mempcpy(p, text, strlen(text));
	return (mempcpy(p, value.at, (size_t)(value.end - value.at)));
}

int
order_body_cut(const void *body, size_t body_len, int32_t place,
    void **ret_body, size_t *ret_len)
{
	static const char frame[] =
	    "{\"brand_id\":,\"branch_id\":,\"orders\":[]}";
	const char *end = (const char *)body + body_len;
	const char *top = skip_blanks(body, end);
	struct slice brand, branch, orders, order;
	bool first = true;
	char *p, *made;

	if (place < 0 || !find_member(top, end, "orders", &orders) ||
	    !find_element(orders.at, orders.end, place, &order)) {
		errno = ENOENT;
		return (-1);
	}
	/* What is put between them are different parts of one body. */
	if ((made = malloc(sizeof(frame) + body_len)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	p = made;
	if (find_member(top, end, "brand_id", &brand)) {
		p = put(p, "{\"brand_id\":", brand);
		first = false;
	}
	if (find_member(top, end, "branch_id", &branch)) {
		p = put(p,
		    first ? "{\"branch_id\":" : ",\"branch_id\":", branch);
		first = false;
	}
	p = put(p, first ? "{\"orders\":[" : ",\"orders\":[", order);
	p = mempcpy(p, "]}", 2);
	*ret_body = made;
	*ret_len = (size_t)(p - made);
	return (0);
}
