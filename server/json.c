#include "server/json.h"

#include <string.h>

#include "server/log.h"
#include "store/base/parse.h"

#define ESCAPED_MAX 4096

int
json_set_bytes(json_t *object, const char *name, const void *bytes, size_t len)
{
	json_t *value = json_stringn(bytes, len);
	char escaped[ESCAPED_MAX];

	if (value == NULL) {
		log_escape(bytes, len, escaped, sizeof(escaped));
		value = json_string(escaped);
	}
	return (json_object_set_new(object, name, value));
}

int
json_set_text(json_t *object, const char *name, const char *text)
{
	if (text == NULL)
		return (json_object_set_new(object, name, json_null()));
	return (json_set_bytes(object, name, text, strlen(text)));
}

int
json_set_unusual(json_t *object, const char *name, const char *text,
    const char *usual)
{
	return (
	    strcmp(text, usual) == 0 ? 0 : json_set_text(object, name, text));
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
