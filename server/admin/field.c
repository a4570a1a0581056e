#include "server/admin/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/base64.h"

/* -- JSON -- */

/* The integer at that place, of 32 or 64 bits. */
static int64_t
number_at(const void *at, size_t size)
{
	int32_t narrow;
	int64_t wide;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, at, size);
		return (narrow);
	}
	memcpy(&wide, at, sizeof(wide));
	return (wide);
}

static const void *
pointer_at(const void *at)
{
	const void *p;

	memcpy(&p, at, sizeof(p));
	return (p);
}

static void
write_base64(struct json_write *w, const void *bytes, size_t len)
{
	char *text = malloc(BASE64_SIZE(len));

	if (text != NULL)
		json_write_bytes(w, text, base64_encode(bytes, len, text));
	else
		json_write_failed(w);
	free(text);
}

static void
write_number(struct json_write *w, const struct field *f, int64_t n)
{
	if (f->kind == FIELD_NUMBER && n == f->none)
		json_write_text(w, NULL);
	else
		json_write_int(w, n);
}

/* The value of one field of the row. */
static void
write_value(struct json_write *w, const struct field *f, const void *row)
{
	const char *at = (const char *)row + f->at;
	const size_t *len = (const size_t *)((const char *)row + f->len_at);
	const void *p;

	switch (f->kind) {
	case FIELD_NUMBER:
	case FIELD_COUNT:
	case FIELD_MS:
		write_number(w, f, number_at(at, f->size));
		break;
	case FIELD_TEXT:
	case FIELD_LINES:
		json_write_text(w, pointer_at(at));
		break;
	case FIELD_WORD:
		json_write_text(w, f->word(row));
		break;
	case FIELD_TIME:
		json_write_time(w, number_at(at, f->size));
		break;
	case FIELD_BOOL:
		json_write_bool(w, *(const bool *)at);
		break;
	case FIELD_BYTES:
		p = pointer_at(at);
		json_write_bytes(w, p == NULL ? "" : p, *len);
		break;
	case FIELD_BASE64:
		write_base64(w, pointer_at(at), *len);
		break;
	case FIELD_OBJECT:
		field_write(w, f->fields, row);
		break;
	case FIELD_ROWS:
		json_write_array(w);
		field_write_rows(w, f->fields, pointer_at(at), *len, f->stride);
		json_write_array_end(w);
		break;
	case FIELD_LATER:
	case FIELD_PAIRS:
	case FIELD_ALL:
		break;
	}
}

static void
write_all(struct json_write *w, const struct field *fields, const void *row)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		if (f->kind == FIELD_LATER || f->kind == FIELD_PAIRS ||
		    (f->has != NULL && !f->has(row)))
			continue;
		if (f->kind == FIELD_ALL) {
			write_all(w, f->fields, row);
			continue;
		}
		json_write_name(w, f->name);
		write_value(w, f, row);
	}
}

void
field_write(struct json_write *w, const struct field *fields, const void *row)
{
	json_write_object(w);
	write_all(w, fields, row);
	json_write_object_end(w);
}

void
field_write_rows(struct json_write *w, const struct field *fields,
    const void *rows, size_t n, size_t stride)
{
	for (size_t i = 0; i < n; i++)
		field_write(w, fields, (const char *)rows + i * stride);
}

json_t *
field_json(const struct field *fields, const void *row)
{
	struct json_write w = { .value = true };

	field_write(&w, fields, row);
	return (json_write_value(&w));
}

json_t *
field_array(const struct field *fields, const void *rows, size_t n,
    size_t stride)
{
	struct json_write w = { .value = true };

	json_write_array(&w);
	field_write_rows(&w, fields, rows, n, stride);
	json_write_array_end(&w);
	return (json_write_value(&w));
}

/* -- For people -- */

void
field_each(const struct field *fields,
    void (*each)(const struct field *f, void *arg), void *arg)
{
	for (const struct field *f = fields; f->name != NULL; f++) {
		if (f->kind == FIELD_ALL)
			field_each(f->fields, each, arg);
		else
			each(f, arg);
	}
}

const char *
field_cell(const struct field *f, const json_t *object,
    char buf[FIELD_CELL_MAX])
{
	const json_t *value = json_object_get(object, f->name);

	if (f->cell != NULL)
		return (f->cell(object, buf, FIELD_CELL_MAX));
	switch (value == NULL ? JSON_NULL : json_typeof(value)) {
	case JSON_STRING:
		return (json_string_value(value));
	case JSON_INTEGER:
		(void)snprintf(buf, FIELD_CELL_MAX, "%lld%s",
		    (long long)json_integer_value(value),
		    f->kind == FIELD_MS ? " ms" : "");
		return (buf);
	case JSON_ARRAY:
		(void)snprintf(buf, FIELD_CELL_MAX, "%zu",
		    json_array_size(value));
		return (buf);
	case JSON_TRUE:
		return ("yes");
	case JSON_FALSE:
		return ("no");
	case JSON_REAL:
	case JSON_OBJECT:
	case JSON_NULL:
		break;
	}
	return ("-");
}
