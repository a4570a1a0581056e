/* Values in libpq's binary form: numbers in the order of the network. */
#include <limits.h>
#include <string.h>

#include "store/postgres/args.h"

/* What the server calls the types of the items. */
#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_TEXT 25

#define ARRAY_HEAD 20 /* dimensions, has NULLs, type, length, first index */
#define ARRAY_FIRST 256
#define ITEM_NULL 0xffffffffu
#define ITEM_SIZE 4

void
pg_args_init(struct pg_args *a, struct arena *mem)
{
	memset(a, 0, sizeof(*a));
	a->mem = mem;
}

bool
pg_args_failed(const struct pg_args *a)
{
	return (a->failed || a->items_left != 0);
}

static void
put_four(unsigned char *p, uint32_t value)
{
	p[0] = (unsigned char)(value >> 24);
	p[1] = (unsigned char)(value >> 16);
	p[2] = (unsigned char)(value >> 8);
	p[3] = (unsigned char)value;
}

static void
put_eight(unsigned char *p, int64_t value)
{
	put_four(p, (uint32_t)((uint64_t)value >> 32));
	put_four(p + 4, (uint32_t)value);
}

/* The next value; NULL is the SQL NULL. */
static void
args_next(struct pg_args *a, const void *value, size_t len)
{
	if (a->n == PG_ARGS_MAX || a->items_left != 0 || len > INT_MAX) {
		a->failed = true;
		return;
	}
	a->values[a->n] = value;
	a->lengths[a->n++] = (int)len;
}

/* The next value is a copy of that. */
static void
args_copy(struct pg_args *a, const void *value, size_t len)
{
	void *copy = arena_dup(a->mem, value, len);

	if (copy == NULL)
		a->failed = true;
	else
		args_next(a, copy, len);
}

void
pg_arg_int(struct pg_args *a, int64_t value)
{
	unsigned char eight[8];

	put_eight(eight, value);
	args_copy(a, eight, sizeof(eight));
}

void
pg_arg_int_or_null(struct pg_args *a, int64_t value)
{
	if (value == 0)
		args_next(a, NULL, 0);
	else
		pg_arg_int(a, value);
}

void
pg_arg_bool(struct pg_args *a, bool value)
{
	args_next(a, value ? "\1" : "\0", 1);
}

void
pg_arg_text(struct pg_args *a, const char *text)
{
	if (text == NULL)
		args_next(a, NULL, 0);
	else
		args_copy(a, text, strlen(text));
}

void
pg_arg_bytes(struct pg_args *a, const void *p, size_t len)
{
	/* Empty bytes need not have an address, but are not NULL. */
	args_next(a, p == NULL && len == 0 ? "" : p, p == NULL ? 0 : len);
}

/* -- Arrays -- */

/* Room for len bytes more at the end of the array; NULL: there is none. */
static unsigned char *
array_more(struct pg_args *a, size_t len)
{
	size_t room = a->array_room;
	unsigned char *larger;

	if (a->failed || len > INT_MAX - a->array_len) {
		a->failed = true;
		return (NULL);
	}
	if (a->array_len + len > room) {
		while (room < a->array_len + len)
			room = room < ARRAY_FIRST ? ARRAY_FIRST : 2 * room;
		if ((larger = arena_alloc(a->mem, room)) == NULL) {
			a->failed = true;
			return (NULL);
		}
		if (a->array_len > 0)
			memcpy(larger, a->array, a->array_len);
		a->array = larger;
		a->array_room = room;
	}
	a->array_len += len;
	return (a->array + a->array_len - len);
}

/* All items are there: the array is the next value. */
static void
array_end(struct pg_args *a)
{
	const unsigned char *array = a->array;
	size_t len = a->array_len;

	a->array = NULL;
	a->array_len = a->array_room = 0;
	if (!a->failed)
		args_next(a, array, len);
}

void
pg_arg_array(struct pg_args *a, enum pg_array type, size_t n)
{
	static const struct {
		uint32_t oid;
		size_t size; /* what most items take */
	} types[] = {
		[PG_INT8S] = { OID_INT8, 8 },
		[PG_BOOLS] = { OID_BOOL, 1 },
		[PG_TEXTS] = { OID_TEXT, 24 },
		[PG_BYTES] = { OID_BYTEA, 32 },
	};
	unsigned char *head;

	if (a->items_left != 0 || n > INT_MAX / 64) {
		a->failed = true;
		return;
	}
	a->array_room = ARRAY_HEAD + n * (types[type].size + ITEM_SIZE);
	a->array = a->failed ? NULL : arena_alloc(a->mem, a->array_room);
	a->array_len = 0;
	if (a->array == NULL) {
		a->failed = true;
		a->array_room = 0;
	}
	if ((head = array_more(a, n == 0 ? 12 : ARRAY_HEAD)) != NULL) {
		put_four(head, n == 0 ? 0 : 1);
		put_four(head + 4, 1); /* there may be NULLs */
		put_four(head + 8, types[type].oid);
		if (n != 0) {
			put_four(head + 12, (uint32_t)n);
			put_four(head + 16, 1);
		}
	}
	if ((a->items_left = n) == 0)
		array_end(a);
}

/* The next item of the array; NULL is the SQL NULL. */
static void
array_item(struct pg_args *a, const void *item, size_t len)
{
	unsigned char *p;

	if (a->items_left == 0) { /* more than were promised */
		a->failed = true;
		return;
	}
	if ((p = array_more(a, ITEM_SIZE + (item != NULL ? len : 0))) != NULL) {
		put_four(p, item != NULL ? (uint32_t)len : ITEM_NULL);
		if (item != NULL && len > 0)
			memcpy(p + ITEM_SIZE, item, len);
	}
	if (--a->items_left == 0)
		array_end(a);
}

void
pg_item_int(struct pg_args *a, int64_t value)
{
	unsigned char eight[8];

	put_eight(eight, value);
	array_item(a, eight, sizeof(eight));
}

void
pg_item_int_or_null(struct pg_args *a, int64_t value)
{
	if (value == 0)
		array_item(a, NULL, 0);
	else
		pg_item_int(a, value);
}

void
pg_item_bool(struct pg_args *a, bool value)
{
	array_item(a, value ? "\1" : "\0", 1);
}

void
pg_item_text(struct pg_args *a, const char *text)
{
	array_item(a, text, text != NULL ? strlen(text) : 0);
}

void
pg_item_bytes(struct pg_args *a, const void *p, size_t len)
{
	array_item(a, p, len);
}
