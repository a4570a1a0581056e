#include "server/base/json_write.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/json.h"
#include "server/base/log.h"
#include "store/base/parse.h"
#include "store/base/utf8.h"

#define ROOM_MIN 4096
#define INT_MAX_LEN 24

/* Where n bytes more fit; NULL when out of memory. */
static char *
room(struct json_write *w, size_t n)
{
	size_t more = w->room == 0 ? ROOM_MIN : w->room * 2;
	char *text;

	if (w->room - w->len > n)
		return (w->failed ? NULL : w->text + w->len);
	if (more < w->len + n + 1)
		more = w->len + n + 1;
	if (w->failed || (text = realloc(w->text, more)) == NULL) {
		w->failed = true;
		return (NULL);
	}
	w->text = text;
	w->room = more;
	return (text + w->len);
}

static void
put(struct json_write *w, const char *bytes, size_t len)
{
	char *at = room(w, len);

	if (at == NULL)
		return;
	memcpy(at, bytes, len);
	w->len += len;
}

/* -- What a value is in -- */

/* Of text: what stands before the next value, or the next name. */
static void
put_comma(struct json_write *w)
{
	if (w->comma)
		put(w, ",", 1);
	w->comma = true;
}

/* Of a value: take it into what is open. */
static void
add(struct json_write *w, json_t *value)
{
	json_t *in = w->nopen == 0 ? NULL : w->open[w->nopen - 1];
	int rc = 0;

	if (w->failed || value == NULL) {
		json_decref(value);
		w->failed = true;
	} else if (in == NULL)
		w->whole = value;
	else if (w->name != NULL)
		rc = json_object_set_new_nocheck(in, w->name, value);
	else
		rc = json_array_append_new(in, value);
	w->failed |= rc == -1;
	w->name = NULL;
}

static void
begin(struct json_write *w, const char *bracket, json_t *value)
{
	if (w->value) {
		add(w, value);
		assert(w->nopen < JSON_WRITE_DEPTH);
		w->open[w->nopen++] = value;
		return;
	}
	put_comma(w);
	put(w, bracket, 1);
	w->comma = false;
}

static void
end(struct json_write *w, const char *bracket)
{
	if (w->value) {
		w->nopen--;
		return;
	}
	put(w, bracket, 1);
	w->comma = true;
}

void
json_write_object(struct json_write *w)
{
	begin(w, "{", w->value ? json_object() : NULL);
}

void
json_write_object_end(struct json_write *w)
{
	end(w, "}");
}

void
json_write_array(struct json_write *w)
{
	begin(w, "[", w->value ? json_array() : NULL);
}

void
json_write_array_end(struct json_write *w)
{
	end(w, "]");
}

void
json_write_name(struct json_write *w, const char *name)
{
	w->name = name;
	if (w->value)
		return;
	put_comma(w);
	put(w, "\"", 1);
	put(w, name, strlen(name));
	put(w, "\":", 2);
	w->comma = false;
}

/* -- Values -- */

/* How much of it stands for itself: printable ASCII, nearly all there is. */
static size_t
plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= ' ' && text[n] <= '~' && text[n] != '"' &&
	       text[n] != '\\')
		n++;
	return (n);
}

/* One character that may not stand for itself. */
static void
put_code(struct json_write *w, uint32_t code, const char *bytes, size_t n)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char piece[UTF8_ESCAPE_MAX];
	const char *p = shorts;

	while (*p != '\0' && (unsigned char)*p != code)
		p += 2;
	if (*p != '\0')
		(void)snprintf(piece, sizeof(piece), "\\%c", p[1]);
	else if (code < ' ')
		(void)snprintf(piece, sizeof(piece), "\\u%04X", (unsigned)code);
	else if (!utf8_is_plain(code))
		utf8_escape(code, piece);
	else {
		put(w, bytes, n);
		return;
	}
	put(w, piece, strlen(piece));
}

/* The string, which is UTF-8. Returns -1, and has written less, if not. */
static int
put_string(struct json_write *w, const char *text, size_t len)
{
	uint32_t code;
	size_t n;

	put(w, "\"", 1);
	for (; len > 0; text += n, len -= n) {
		if ((n = plain_run(text, len)) > 0) {
			put(w, text, n);
			continue;
		}
		n = utf8_next(text, len, &code);
		if (n == 0 || code == 0)
			return (-1);
		put_code(w, code, text, n);
	}
	put(w, "\"", 1);
	return (0);
}

void
json_write_bytes(struct json_write *w, const void *bytes, size_t len)
{
	char escaped[JSON_ESCAPED_MAX];
	size_t began;

	if (w->value) {
		add(w, json_bytes(bytes, len));
		return;
	}
	put_comma(w);
	began = w->len;
	if (put_string(w, bytes, len) == 0)
		return;
	w->len = began;
	log_escape(bytes, len, escaped, sizeof(escaped));
	(void)put_string(w, escaped, strlen(escaped));
}

/* What is no string. */
static void
write_word(struct json_write *w, const char *text, json_t *value)
{
	if (w->value) {
		add(w, value);
		return;
	}
	put_comma(w);
	put(w, text, strlen(text));
}

void
json_write_text(struct json_write *w, const char *text)
{
	if (text == NULL)
		write_word(w, "null", json_null());
	else
		json_write_bytes(w, text, strlen(text));
}

void
json_write_time(struct json_write *w, int64_t at_ms)
{
	char stamp[FORMAT_TIME_MAX];

	json_write_text(w, at_ms == 0 ? NULL : format_time(at_ms, stamp));
}

void
json_write_int(struct json_write *w, int64_t number)
{
	char digits[INT_MAX_LEN];

	if (w->value) {
		add(w, json_integer(number));
		return;
	}
	(void)snprintf(digits, sizeof(digits), "%" PRId64, number);
	write_word(w, digits, NULL);
}

void
json_write_bool(struct json_write *w, bool is)
{
	write_word(w, is ? "true" : "false", json_boolean(is));
}

/* -- The end -- */

void
json_write_failed(struct json_write *w)
{
	w->failed = true;
}

char *
json_write_end(struct json_write *w, size_t *ret_len)
{
	char *text = room(w, 0);

	if (text == NULL)
		free(w->text);
	else {
		text = w->text;
		text[w->len] = '\0';
		*ret_len = w->len;
	}
	*w = (struct json_write){ 0 };
	return (text);
}

json_t *
json_write_value(struct json_write *w)
{
	json_t *value = w->whole;

	if (w->failed) {
		json_decref(value);
		value = NULL;
	}
	*w = (struct json_write){ .value = true };
	return (value);
}
