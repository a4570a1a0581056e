/* The body was found well-formed when it came: values are not checked anew. */
#include "handlers/body/order_body.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/json_part.h"
#include "store/base/json_scan.h"

/* What of the body's members is used. */
enum { ORDERS, BRAND, BRANCH, MEMBERS };

static const struct {
	const char *name;
	size_t len;
} members[MEMBERS] = {
	[ORDERS] = { "orders\"", sizeof("orders") },
	[BRAND] = { "brand_id\"", sizeof("brand_id") },
	[BRANCH] = { "branch_id\"", sizeof("branch_id") },
};

/* Read the value at p. Returns where it ends. */
static const char *
take_value(const char *p, const char *end, struct json_part *ret_value)
{
	ret_value->at = p;
	ret_value->end = json_scan_value(p, end);
	return (ret_value->end);
}

/* Which of the members has this name, which ends with its quote? */
static int
which_member(const char *name, size_t len)
{
	for (int i = 0; i < MEMBERS; i++) {
		if (len == members[i].len &&
		    memcmp(name, members[i].name, len) == 0)
			return (i);
	}
	return (MEMBERS);
}

/* Find the values of the members of the object that begins at p. */
static void
find_members(const char *p, const char *end,
    struct json_part ret_values[MEMBERS])
{
	bool found[MEMBERS + 1] = { false };
	struct json_part value;
	const char *name;
	int i;

	for (p = json_part_first(p, end, '{');
	     p != NULL && p < end && *p == '"'; p = json_part_next(p, end)) {
		name = p + 1;
		if ((p = json_scan_string(p, end)) == NULL)
			return;
		i = which_member(name, (size_t)(p - name));
		p = json_scan_blanks(p, end);
		if (p == end || *p != ':')
			return;
		p = take_value(json_scan_blanks(p + 1, end), end, &value);
		if (i < MEMBERS && !found[i])
			ret_values[i] = value;
		found[i] = true;
		if (found[ORDERS] && found[BRAND] && found[BRANCH])
			return;
	}
}

/* Find an element of the array that begins at p. */
static bool
find_element(struct json_part array, int32_t place, struct json_part *ret_value)
{
	const char *end = array.end;

	for (const char *p = json_part_first(array.at, end, '['); p != NULL;
	     p = json_part_next(p, end)) {
		p = take_value(p, end, ret_value);
		if (place-- == 0)
			return (ret_value->at < p);
	}
	return (false);
}

/* Append a value between two texts; nothing if there is none. */
static char *
put(char *p, const char *before, struct json_part value, const char *after)
{
	if (value.at == value.end)
		return (p);
	p = mempcpy(p, before, strlen(before));
	p = mempcpy(p, value.at, (size_t)(value.end - value.at));
	return (mempcpy(p, after, strlen(after)));
}

int
order_body_cut(const void *body, size_t body_len, int32_t place,
    void **ret_body, size_t *ret_len)
{
	static const char frame[] =
	    "{\"brand_id\":,\"branch_id\":,\"orders\":[]}";
	const char *end = (const char *)body + body_len;
	struct json_part values[MEMBERS] = { { NULL, NULL } }, order;
	char *p, *made;

	find_members(json_scan_blanks(body, end), end, values);
	if (place < 0 || !find_element(values[ORDERS], place, &order)) {
		errno = ENOENT;
		return (-1);
	}
	/* What is put between them are different parts of one body. */
	if ((made = malloc(sizeof(frame) + body_len)) == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	p = mempcpy(made, "{", 1);
	p = put(p, "\"brand_id\":", values[BRAND], ",");
	p = put(p, "\"branch_id\":", values[BRANCH], ",");
	p = put(p, "\"orders\":[", order, "]}");
	*ret_body = made;
	*ret_len = (size_t)(p - made);
	return (0);
}
