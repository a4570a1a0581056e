#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/utf8.h"
#include "store/move/rows.h"

#define HEAD 9 /* what comes, and a number or a length */
#define ROWS_FIRST 4096

void
move_rows_fini(struct move_rows *rows)
{
	free(rows->bytes);
	memset(rows, 0, sizeof(*rows));
}

void
move_rows_clear(struct move_rows *rows)
{
	rows->len = rows->n = 0;
}

/* Room for len bytes more; NULL: there is none, and nothing more is put. */
static unsigned char *
rows_more(struct move_rows *rows, size_t len)
{
	size_t room = rows->room;
	unsigned char *larger;

	if (rows->failed || len > SIZE_MAX / 4 - rows->len)
		goto fail;
	if (rows->len + len > room) {
		while (room < rows->len + len)
			room = room == 0 ? ROWS_FIRST : 2 * room;
		if ((larger = realloc(rows->bytes, room)) == NULL)
			goto fail;
		rows->bytes = larger;
		rows->room = room;
	}
	rows->len += len;
	return (rows->bytes + rows->len - len);
fail:
	rows->failed = true;
	return (NULL);
}

void
move_put_row(struct move_rows *rows, const void *p, size_t len)
{
	unsigned char *q = rows_more(rows, len);

	if (q != NULL && len > 0)
		memcpy(q, p, len);
}

/* -- Values -- */

static void
put_eight(unsigned char *p, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		p[i] = (unsigned char)value;
}

static uint64_t
get_eight(const unsigned char *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return (value);
}

static void
put(struct move_rows *rows, const struct move_value *v)
{
	size_t len = v->kind == MOVE_IS_NULL  ? 1
		     : v->kind == MOVE_IS_INT ? HEAD
					      : HEAD + v->len;
	unsigned char *p = rows_more(rows, len);

	if (p == NULL)
		return;
	p[0] = (unsigned char)v->kind;
	if (v->kind == MOVE_IS_NULL)
		return;
	put_eight(p + 1, v->kind == MOVE_IS_INT ? (uint64_t)v->number : v->len);
	if (len > HEAD)
		memcpy(p + HEAD, v->p, v->len);
}

void
move_put_null(struct move_rows *rows)
{
	put(rows, &(struct move_value){ .kind = MOVE_IS_NULL });
}

void
move_put_int(struct move_rows *rows, int64_t number)
{
	put(rows,
	    &(struct move_value){ .kind = MOVE_IS_INT, .number = number });
}

void
move_put_text(struct move_rows *rows, const void *p, size_t len)
{
	put(rows,
	    &(struct move_value){ .kind = MOVE_IS_TEXT, .p = p, .len = len });
}

void
move_put_bytes(struct move_rows *rows, const void *p, size_t len)
{
	put(rows,
	    &(struct move_value){ .kind = MOVE_IS_BYTES, .p = p, .len = len });
}

size_t
move_get(const unsigned char *p, size_t left, struct move_value *ret)
{
	uint64_t eight;

	*ret = (struct move_value){ 0 };
	if (left == 0 || p[0] > MOVE_IS_BYTES)
		return (0);
	ret->kind = (enum move_kind)p[0];
	if (ret->kind == MOVE_IS_NULL)
		return (1);
	if (left < HEAD)
		return (0);
	eight = get_eight(p + 1);
	if (ret->kind == MOVE_IS_INT) {
		ret->number = (int64_t)eight;
		return (HEAD);
	}
	if (eight > left - HEAD)
		return (0);
	ret->p = p + HEAD;
	ret->len = (size_t)eight;
	return (HEAD + ret->len);
}

size_t
move_length(const unsigned char *p, size_t left, size_t n)
{
	struct move_value v;
	size_t at = 0, len;

	for (; n > 0; n--, at += len)
		if ((len = move_get(p + at, left - at, &v)) == 0)
			return (0);
	return (at);
}

/* -- Changes -- */

/* The length of the piece at p that is UTF-8 without NUL. */
static size_t
clean_length(const char *p, size_t len)
{
	size_t at = 0, n;
	uint32_t code;

	while (at < len && (n = utf8_next(p + at, len - at, &code)) != 0 &&
	       code != 0)
		at += n;
	return (at);
}

/* Append text, with U+FFFD for each byte that is no UTF-8. */
static void
put_mended(struct move_rows *to, const char *p, size_t len)
{
	static const char instead[] = "\xef\xbf\xbd";
	size_t head = to->len, n;
	unsigned char *q;

	move_put_text(to, NULL, 0);
	while (len > 0) {
		n = clean_length(p, len);
		if ((q = rows_more(to, n)) != NULL)
			memcpy(q, p, n);
		p += n;
		len -= n;
		if (len == 0)
			break;
		if ((q = rows_more(to, sizeof(instead) - 1)) != NULL)
			memcpy(q, instead, sizeof(instead) - 1);
		p++;
		len--;
	}
	if (!to->failed)
		put_eight(to->bytes + head + 1, to->len - head - HEAD);
}

const char *
move_change_row(const struct move_table *t, const struct move_change *how,
    const unsigned char *p, size_t len, struct move_rows *to,
    int64_t *inout_mended)
{
	struct move_value v;
	size_t n;

	for (const struct move_column *c = t->columns; c->name != NULL; c++) {
		n = move_get(p, len, &v);
		p += n;
		len -= n;
		if (c->steady && v.kind == MOVE_IS_INT && v.number != 0)
			v.number += how->shift_ms;
		if (!how->utf8 || v.kind != MOVE_IS_TEXT ||
		    clean_length(v.p, v.len) == v.len) {
			put(to, &v);
			continue;
		}
		if (c->names)
			return (c->name);
		put_mended(to, v.p, v.len);
		++*inout_mended;
	}
	to->n++;
	return (NULL);
}

void
move_key_text(const struct move_table *t, const unsigned char *p, size_t left,
    char ret_text[MOVE_KEY_MAX])
{
	struct move_value v;
	size_t at = 0, len;

	ret_text[0] = '\0';
	for (size_t i = 0; i < t->nkeys && at < MOVE_KEY_MAX; i++) {
		len = move_get(p, left, &v);
		p += len;
		left -= len;
		if (v.kind == MOVE_IS_TEXT && v.len == 0)
			continue;
		at += (size_t)(v.kind == MOVE_IS_INT
				   ? snprintf(ret_text + at, MOVE_KEY_MAX - at,
					 "%s%lld", i > 0 ? " " : "",
					 (long long)v.number)
				   : snprintf(ret_text + at, MOVE_KEY_MAX - at,
					 "%s%.*s", i > 0 ? " " : "",
					 v.len > MOVE_KEY_MAX ? MOVE_KEY_MAX
							      : (int)v.len,
					 (const char *)v.p));
	}
}
