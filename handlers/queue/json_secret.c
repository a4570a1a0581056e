#include "handlers/queue/json_secret.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/json_scan.h"

/* Does the string from p to end, with its quotes, say name? */
static bool
is_name(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name);

	return ((size_t)(end - p) == len + 2 && memcmp(p + 1, name, len) == 0);
}

/* The value of the object's member of that name; NULL: there is none. */
static char *
find_value(char *bytes, size_t len, const char *name)
{
	const char *end = bytes + len, *p = json_scan_blanks(bytes, end);
	const char *key, *value;

	if (p == end || *p != '{')
		return (NULL);
	do {
		key = json_scan_blanks(p + 1, end);
		if (key == end || *key != '"' ||
		    (p = json_scan_string(key, end)) == NULL)
			return (NULL);
		value = json_scan_blanks(p, end);
		if (value == end || *value != ':')
			return (NULL);
		value = json_scan_blanks(value + 1, end);
		if (is_name(key, p, name))
			return (bytes + (value - bytes));
		p = json_scan_blanks(json_scan_value(value, end), end);
	} while (p != end && *p == ',');
	return (NULL);
}

char *
json_secret_take(char *bytes, size_t len, const char *name)
{
	char *value = find_value(bytes, len, name), *text;
	const char *end;
	size_t n;

	if (value == NULL || value == bytes + len || *value != '"' ||
	    json_scan_scalar(value, bytes + len, &end) != JSON_SCAN_OK)
		return (NULL);
	n = (size_t)(end - value);
	if ((text = malloc(n + 1)) == NULL)
		return (NULL);
	if (json_scan_text(value, n, n + 1, text) == -1) {
		free(text);
		return (NULL);
	}
	memset(value + 1, 'x', n - 2);
	return (text);
}
