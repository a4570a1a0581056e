/* Values out of a result in binary form: whatever came, nothing is overrun. */
#include <limits.h>
#include <string.h>

#include "store/postgres/row.h"

#define OID_INT8 20
#define OID_TEXT 25
#define ARRAY_EMPTY 12 /* dimensions, has NULLs, type */
#define ARRAY_HEAD 20  /* and length, first index */
#define ITEM_SIZE 4
#define ITEM_NULL 0xffffffffu

/* The bytes of a value; NULL: it is NULL, or not there. */
static const unsigned char *
row_value(const PGresult *res, int row, int column, size_t *ret_len)
{
	*ret_len = 0;
	if (row < 0 || row >= PQntuples(res) || column < 0 ||
	    column >= PQnfields(res) || PQgetisnull(res, row, column) ||
	    PQfformat(res, column) != 1)
		return (NULL);
	*ret_len = (size_t)PQgetlength(res, row, column);
	return ((const unsigned char *)PQgetvalue(res, row, column));
}

static uint32_t
get_four(const unsigned char *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3]);
}

static int64_t
get_eight(const unsigned char *p)
{
	return ((int64_t)((uint64_t)get_four(p) << 32 | get_four(p + 4)));
}

bool
pg_null(const PGresult *res, int row, int column)
{
	size_t len;

	return (row_value(res, row, column, &len) == NULL);
}

int64_t
pg_int(const PGresult *res, int row, int column)
{
	const unsigned char *p;
	size_t len;

	if ((p = row_value(res, row, column, &len)) == NULL)
		return (0);
	switch (len) {
	case 2:
		return ((int16_t)(p[0] << 8 | p[1]));
	case 4:
		return ((int32_t)get_four(p));
	case 8:
		return (get_eight(p));
	}
	return (0);
}

bool
pg_bool(const PGresult *res, int row, int column)
{
	const unsigned char *p;
	size_t len;

	p = row_value(res, row, column, &len);
	return (p != NULL && len == 1 && p[0] != 0);
}

int
pg_text(const PGresult *res, int row, int column, struct arena *a,
    const char **ret_text)
{
	const unsigned char *p;
	const char *text = NULL;
	size_t len;

	p = row_value(res, row, column, &len);
	if (p != NULL && (text = arena_dup(a, p, len)) == NULL)
		return (-1);
	*ret_text = text;
	return (0);
}

const void *
pg_bytes(const PGresult *res, int row, int column, size_t *ret_len)
{
	return (row_value(res, row, column, ret_len));
}

/* -- Arrays -- */

/* What is left of an array to read. */
struct items {
	const unsigned char *p;
	size_t left; /* bytes */
	size_t n;    /* items */
};

/*
 * Open an array of items of that type. Returns 0; -1 if it is none, or has
 * more items than its bytes can hold.
 */
static int
items_open(const unsigned char *p, size_t len, uint32_t oid,
    struct items *ret_items)
{
	*ret_items = (struct items){ 0 };
	if (len < ARRAY_EMPTY || get_four(p + 8) != oid)
		return (-1);
	if (get_four(p) == 0)
		return (len == ARRAY_EMPTY ? 0 : -1);
	if (get_four(p) != 1 || len < ARRAY_HEAD)
		return (-1);
	ret_items->p = p + ARRAY_HEAD;
	ret_items->left = len - ARRAY_HEAD;
	ret_items->n = get_four(p + 12);
	return (ret_items->n > ret_items->left / ITEM_SIZE ? -1 : 0);
}

/*
 * The next item; *ret_item is NULL if it is the SQL NULL. Returns 0, or -1 if
 * the array ends before.
 */
static int
items_next(struct items *items, const unsigned char **ret_item, size_t *ret_len)
{
	uint32_t len;

	*ret_item = NULL;
	*ret_len = 0;
	if (items->left < ITEM_SIZE)
		return (-1);
	len = get_four(items->p);
	items->p += ITEM_SIZE;
	items->left -= ITEM_SIZE;
	if (len == ITEM_NULL)
		return (0);
	if (len > items->left)
		return (-1);
	*ret_item = items->p;
	*ret_len = len;
	items->p += len;
	items->left -= len;
	return (0);
}

int
pg_ints(const PGresult *res, int row, int column, struct arena *a,
    const int64_t **ret_items, size_t *ret_n)
{
	const unsigned char *p, *item;
	struct items items;
	int64_t *list = NULL;
	size_t len;

	if ((p = row_value(res, row, column, &len)) == NULL)
		items.n = 0;
	else if (items_open(p, len, OID_INT8, &items) == -1)
		return (-1);
	if (items.n > 0 &&
	    (list = arena_array(a, items.n, sizeof(*list))) == NULL)
		return (-1);
	for (size_t i = 0; i < items.n; i++) {
		if (items_next(&items, &item, &len) == -1 ||
		    (item != NULL && len != 8))
			return (-1);
		list[i] = item != NULL ? get_eight(item) : 0;
	}
	*ret_items = list;
	*ret_n = items.n;
	return (0);
}

int
pg_texts(const PGresult *res, int row, int column, struct arena *a,
    const char *const **ret_items, size_t *ret_n)
{
	const unsigned char *p, *item;
	const char **list = NULL;
	struct items items;
	size_t len;

	if ((p = row_value(res, row, column, &len)) == NULL)
		items.n = 0;
	else if (items_open(p, len, OID_TEXT, &items) == -1)
		return (-1);
	if (items.n > 0 &&
	    (list = arena_array(a, items.n, sizeof(*list))) == NULL)
		return (-1);
	for (size_t i = 0; i < items.n; i++) {
		if (items_next(&items, &item, &len) == -1)
			return (-1);
		if (item != NULL && (list[i] = arena_dup(a, item, len)) == NULL)
			return (-1);
	}
	*ret_items = list;
	*ret_n = items.n;
	return (0);
}
