#include "server/admin/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/json.h"
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

static json_t *
base64(const void *bytes, size_t len)
{
	char *text;
	json_t *value;

	if ((text = malloc(BASE64_SIZE(len))) == NULL)
		return (NULL);
	value = json_stringn(text, base64_encode(bytes, len, text));
	free(text);
	return (value);
}

static int
set_number(json_t *o, const struct field *f, int64_t n)
{
	if (f->kind == FIELD_NUMBER && n == f->none)
		return (json_object_set_new(o, f->name, json_null()));
	return (json_set_int(o, f->name, n));
}

static int set_all(json_t *o, const struct field *fields, const void *row);

/* Set one field of the row. Returns 0, or -1 when out of memory. */
static int
set(json_t *o, const struct field *f, const void *row)
{
	const char *at = (const char *)row + f->at;
	const size_t *len = (const size_t *)((const char *)row + f->len_at);
	const void *p;

	switch (f->kind) {
	case FIELD_NUMBER:
	case FIELD_COUNT:
	case FIELD_MS:
		return (set_number(o, f, number_at(at, f->size)));
	case FIELD_TEXT:
	case FIELD_LINES:
		return (json_set_text(o, f->name, pointer_at(at)));
	case FIELD_WORD:
		return (json_set_text(o, f->name, f->word(row)));
	case FIELD_TIME:
		return (json_set_time(o, f->name, number_at(at, f->size)));
	case FIELD_BOOL:
		return (json_object_set_new(o, f->name,
		    json_boolean(*(const bool *)at)));
	case FIELD_BYTES:
		p = pointer_at(at);
		return (json_set_bytes(o, f->name, p == NULL ? "" : p, *len));
	case FIELD_BASE64:
		return (json_object_set_new(o, f->name,
		    base64(pointer_at(at), *len)));
	case FIELD_OBJECT:
		return (json_object_set_new(o, f->name,
		    field_json(f->fields, row)));
	case FIELD_ROWS:
		return (json_object_set_new(o, f->name,
		    field_array(f->fields, pointer_at(at), *len, f->stride)));
	case FIELD_LATER:
	case FIELD_PAIRS:
		return (0);
	case FIELD_ALL:
		return (set_all(o, f->fields, row));
	}
	return (-1);
}

static int
set_all(json_t *o, const struct field *fields, const void *row)
{
	int bad = 0;

	for (const struct field *f = fields; f->name != NULL; f++) {
		if (f->has == NULL || f->has(row))
			bad |= set(o, f, row);
	}
	return (bad);
}

json_t *
field_json(const struct field *fields, const void *row)
{
	json_t *o = json_object();

	if (set_all(o, fields, row) == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

json_t *
field_array(const struct field *fields, const void *rows, size_t n,
    size_t stride)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_list_add(&list,
		    field_json(fields, (const char *)rows + i * stride));
	return (list);
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
