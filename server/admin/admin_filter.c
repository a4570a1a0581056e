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
admin_page_begin(struct admin_call *call, struct json_write *w,
    const char *name)
{
	*w = (struct json_write){ .value = call->a->fns.objects };
	json_write_object(w);
	json_write_name(w, name);
	json_write_array(w);
}

/* The end of the rows, and where the list goes on. */
static void
write_next(struct json_write *w, int64_t next)
{
	json_write_array_end(w);
	json_write_name(w, "next");
	if (next > 0)
		json_write_int(w, next);
	else
		json_write_text(w, NULL);
}

void
admin_page(struct admin_call *call, struct json_write *w, int64_t next)
{
	write_next(w, next);
	json_write_object_end(w);
	(void)admin_answer_written(call, w);
	admin_finish(call);
}

void
admin_page_of(struct admin_call *call, struct json_write *w,
    const struct store_scan *scan)
{
	write_next(w, scan->next);
	json_write_name(w, "scanned");
	json_write_int(w, scan->looked);
	json_write_object_end(w);
	(void)admin_answer_written(call, w);
	admin_finish(call);
}

struct store_scan *
admin_scan(struct admin_call *call)
{
	return (call->own = arena_alloc(&call->mem, sizeof(struct store_scan)));
}
