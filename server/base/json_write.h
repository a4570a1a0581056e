/*
 * json_write.h -- a JSON document, written value by value: as the text that
 * json_text() gives of the same values, without making them, or as a value.
 *
 * Pure but for memory. Once that is short nothing more is written, and the end
 * says so. Commas are the writer's.
 */
#ifndef SERVER_JSON_WRITE_H
#define SERVER_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define JSON_WRITE_DEPTH 8 /* of objects and arrays within each other */

/* All zero to begin with but for `value'; private to json_write.c. */
struct json_write {
	bool value; /* is wanted, not text */
	bool failed;
	bool comma; /* before the next one */
	char *text;
	size_t len, room;
	json_t *whole;
	json_t *open[JSON_WRITE_DEPTH]; /* borrowed */
	size_t nopen;
	const char *name; /* of the next value */
};

/* Begin an object, or an array; end it. */
void json_write_object(struct json_write *w);
void json_write_object_end(struct json_write *w);
void json_write_array(struct json_write *w);
void json_write_array_end(struct json_write *w);

/* The name of the next value: ASCII without quotes; keeps it so long. */
void json_write_name(struct json_write *w, const char *name);

/* A string; as json_set_bytes() has it, of NULL as json_set_text() has it. */
void json_write_bytes(struct json_write *w, const void *bytes, size_t len);
void json_write_text(struct json_write *w, const char *text);

/* A time as json_set_time() has it; an integer; true or false. */
void json_write_time(struct json_write *w, int64_t at_ms);
void json_write_int(struct json_write *w, int64_t number);
void json_write_bool(struct json_write *w, bool is);

/* Memory is short elsewhere. */
void json_write_failed(struct json_write *w);

/*
 * The text, owned by the caller, its length in *ret_len; or the value, a new
 * reference. NULL when out of memory. The writer is as at the beginning.
 */
char *json_write_end(struct json_write *w, size_t *ret_len);
json_t *json_write_value(struct json_write *w);

#endif /* SERVER_JSON_WRITE_H */
