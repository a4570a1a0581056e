#include "handlers/body/json_part.h"

#include <string.h>

#include "store/base/json_scan.h"

struct json_part
json_part_of(const char *text, size_t len)
{
	const char *end = text + len;
	const char *at = json_scan_blanks(text, end);

	return ((struct json_part){ at, json_scan_value(at, end) });
}

const char *
json_part_first(const char *p, const char *end, char opener)
{
	if (p == end || *p != opener)
		return (NULL);
	p = json_scan_blanks(p + 1, end);
	return (p == end || *p == ']' || *p == '}' ? NULL : p);
}

const char *
json_part_next(const char *p, const char *end)
{
	p = json_scan_blanks(p, end);
	if (p == end || *p != ',')
		return (NULL);
	return (json_scan_blanks(p + 1, end));
}

struct json_part
json_part_member(struct json_part object, const char *name)
{
	const char *end = object.end, *key, *p;
	size_t len = strlen(name);
	struct json_part value;

	if (object.at == NULL)
		return (object);
	for (p = json_part_first(object.at, end, '{');
	     p != NULL && p < end && *p == '"';
	     p = json_part_next(value.end, end)) {
		key = p + 1;
		if ((p = json_scan_string(p, end)) == NULL)
			break;
		value.at = json_scan_blanks(p, end);
		if (value.at == end || *value.at != ':')
			break;
		value.at = json_scan_blanks(value.at + 1, end);
		value.end = json_scan_value(value.at, end);
		if ((size_t)(p - key) == len + 1 && memcmp(key, name, len) == 0)
			return (value);
	}
	return ((struct json_part){ NULL, NULL });
}

bool
json_part_each(struct json_part array, struct json_part *element)
{
	const char *p;

	if (array.at == NULL)
		return (false);
	p = element->at == NULL ? json_part_first(array.at, array.end, '[')
				: json_part_next(element->end, array.end);
	if (p == NULL)
		return (false);
	element->at = p;
	element->end = json_scan_value(p, array.end);
	return (element->at < element->end);
}
