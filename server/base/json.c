#include "server/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "store/base/utf8.h"
#include "store/base/parse.h"

/* How many bytes of printable ASCII, nearly all there are, it begins with. */
static size_t
ascii_run(const char *text)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	return (n);
}

/*
 * Write json to ret as it may be shown; NULL only counts. Line ends, which in
 * JSON stand between values alone, become blanks. Returns its length.
 */
static size_t
write_plain(const char *json, char *ret)
{
	size_t left = strlen(json), at = 0, len, n;
	char piece[UTF8_ESCAPE_MAX];
	const char *from;
	uint32_t code;

	for (; left > 0; json += n, left -= n) {
		n = ascii_run(json);
		code = ' ';
		if (n == 0)
			n = utf8_next(json, left, &code);
		from = json;
		len = n;
		if (n == 0) { /* jansson writes none such */
			n = len = 1;
		} else if (code == '\n' || code == '\r') {
			from = " ";
		} else if (code != '\t' && !utf8_is_plain(code)) {
			utf8_escape(code, piece);
			from = piece;
			len = strlen(piece);
		}
		if (ret != NULL)
			memcpy(ret + at, from, len);
		at += len;
	}
	return (at);
}

static char *
plain(const char *json)
{
	size_t len = write_plain(json, NULL);
	char *text;

	if ((text = malloc(len + 1)) == NULL)
		return (NULL);
	(void)write_plain(json, text);
	text[len] = '\0';
	return (text);
}

char *
json_text(const json_t *value)
{
	char *raw = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
	char *text;

	if (raw == NULL)
		return (NULL);
	text = plain(raw);
	free(raw);
	return (text);
}

char *
json_text_with(const json_t *object, const char *name, const char *json)
{
	char *text = json_text(object), *value, *whole = NULL;

	if ((value = plain(json == NULL ? "null" : json)) != NULL &&
	    text != NULL &&
	    asprintf(&whole, "%.*s%s\"%s\":%s}", (int)strlen(text) - 1, text,
		json_object_size(object) == 0 ? "" : ",", name, value) == -1)
		whole = NULL;
	free(value);
	free(text);
	return (whole);
}

json_t *
json_bytes(const void *bytes, size_t len)
{
	json_t *value = NULL;
	char escaped[JSON_ESCAPED_MAX];

	/* Readers of JSON stop at a NUL, or refuse it. */
	if (len == 0 || memchr(bytes, '\0', len) == NULL)
		value = json_stringn(bytes, len);
	if (value == NULL) {
		log_escape(bytes, len, escaped, sizeof(escaped));
		value = json_string(escaped);
	}
	return (value);
}

int
json_set_bytes(json_t *object, const char *name, const void *bytes, size_t len)
{
	return (json_object_set_new(object, name, json_bytes(bytes, len)));
}

int
json_set_text(json_t *object, const char *name, const char *text)
{
	if (text == NULL)
		return (json_object_set_new(object, name, json_null()));
	return (json_set_bytes(object, name, text, strlen(text)));
}

int
json_set_time(json_t *object, const char *name, int64_t at_ms)
{
	char stamp[FORMAT_TIME_MAX];

	return (json_set_text(object, name,
	    at_ms == 0 ? NULL : format_time(at_ms, stamp)));
}

int
json_set_int(json_t *object, const char *name, int64_t value)
{
	return (json_object_set_new(object, name, json_integer(value)));
}

void
json_list_add(json_t **list, json_t *value)
{
	if (json_array_append_new(*list, value) == 0)
		return;
	json_decref(*list);
	*list = NULL;
}
