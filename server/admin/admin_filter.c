/*
 * admin_filter.c -- the query of a list, read by a table of its names, and the
 * page that answers it.
 */
#include <string.h>

#include "server/admin/admin_filter.h"
#include "store/base/parse.h"

static int
set_bool(const char *value, bool *ret)
{
	*ret = strcmp(value, "true") == 0;
	return (*ret || strcmp(value, "false") == 0 ? 0 : -1);
}

static int
set_limit(struct admin_call *call, const char *value, size_t *ret)
{
	int64_t limit;

	if (parse_int(value, 1, STORE_PAGE_MAX, &limit) == -1)
		return (-1);
	*ret = (size_t)limit;
	call->limit = (size_t)limit;
	return (0);
}

/* A time: RFC 3339, or ms since the epoch, which are eleven digits or more. */
static int
set_time(const char *value, int64_t *ret)
{
	size_t len = strlen(value);

	if (len > 10 && strspn(value, "0123456789") == len)
		return (parse_int(value, 0, INT64_MAX, ret));
	return (parse_time(value, len, ret));
}

/* Set one value. Returns 0; -1 if it makes no sense. */
static int
set(struct admin_call *call, const struct admin_key *key, const char *value,
    void *filter)
{
	void *at = (char *)filter + key->at;

	if (*value == '\0' && key->kind != ADMIN_SCOPE)
		return (-1);
	switch (key->kind) {
	case ADMIN_TEXT:
	case ADMIN_SCOPE:
		return (arena_text(&call->mem, value, at));
	case ADMIN_TIME:
		return (set_time(value, at));
	case ADMIN_NUMBER:
		return (parse_int(value, 1, INT64_MAX, at));
	case ADMIN_LIMIT:
		return (set_limit(call, value, at));
	case ADMIN_BOOL:
		return (set_bool(value, at));
	case ADMIN_WORD:
		return (key->word(value, filter));
	}
	return (-1);
}

enum admin_when
admin_filter(struct admin_call *call, const struct admin_key *keys,
    void *filter)
{
	char name[ADMIN_VALUE_MAX], value[ADMIN_VALUE_MAX];
	const struct admin_key *key;
	int rc;

	for (key = keys; key->name != NULL; key++) {
		if (key->kind == ADMIN_LIMIT)
			*(size_t *)((char *)filter + key->at) =
			    ADMIN_LIMIT_DEFAULT;
	}
	call->limit = ADMIN_LIMIT_DEFAULT;
	while ((rc = admin_query_next(&call->query, name, value)) == 1) {
		for (key = keys; key->name != NULL; key++) {
			if (strcmp(key->name, name) == 0)
				break;
		}
		if (key->name == NULL || set(call, key, value, filter) == -1)
			return (admin_error(call, 400,
			    "%s: is unknown here, or has a wrong value", name));
	}
	if (rc == -1)
		return (admin_error(call, 400, "the query cannot be read"));
	return (ADMIN_LATER);
}

enum admin_when
admin_one_scope(struct admin_call *call, const char **ret_scope)
{
	static const struct admin_key keys[] = {
		{ "scope", ADMIN_SCOPE, 0, NULL },
		{ NULL, ADMIN_TEXT, 0, NULL },
	};

	*ret_scope = NULL;
	return (admin_filter(call, keys, ret_scope));
}

void
admin_page(struct admin_call *call, const char *name, json_t *list,
    int64_t last)
{
	bool more = json_array_size(list) >= call->limit;

	(void)admin_answer(call, 200,
	    json_pack("{s:o, s:o}", name, list, "next",
		more ? json_integer(last) : json_null()));
	admin_finish(call);
}

void
admin_page_of(struct admin_call *call, const char *name, json_t *list,
    const struct store_scan *scan)
{
	(void)admin_answer(call, 200,
	    json_pack("{s:o, s:o, s:I}", name, list, "next",
		scan->next > 0 ? json_integer(scan->next) : json_null(),
		"scanned", (json_int_t)scan->looked));
	admin_finish(call);
}

struct store_scan *
admin_scan(struct admin_call *call)
{
	return (call->own = arena_alloc(&call->mem, sizeof(struct store_scan)));
}
