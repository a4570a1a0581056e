#include "server/admin/admin_query.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "store/base/hex.h"

/* Decode len bytes of text. Returns 0, or -1. */
static int
decode(const char *text, size_t len, bool query, char ret[ADMIN_VALUE_MAX])
{
	size_t n = 0;
	long code;
	char c;

	for (size_t i = 0; i < len; i++) {
		if (n == ADMIN_VALUE_MAX - 1)
			return (-1);
		c = text[i];
		if (c == '%') {
			if (len - i < 3 ||
			    (code = hex_value(text + i + 1, 2)) <= 0)
				return (-1); /* none, or a NUL */
			c = (char)code;
			i += 2;
		} else if (c == '+' && query)
			c = ' ';
		ret[n++] = c;
	}
	ret[n] = '\0';
	return (0);
}

bool
admin_path_match(const char *pattern, const char *path,
    char ret_value[ADMIN_VALUE_MAX])
{
	size_t before = strcspn(pattern, "*");
	size_t len;

	ret_value[0] = '\0';
	if (pattern[before] == '\0')
		return (strcmp(pattern, path) == 0);
	if (strncmp(pattern, path, before) != 0)
		return (false);
	path += before;
	len = strcspn(path, "/");
	return (len > 0 && strcmp(pattern + before + 1, path + len) == 0 &&
		decode(path, len, false, ret_value) == 0);
}

int
admin_query_next(const char **query, char ret_name[ADMIN_VALUE_MAX],
    char ret_value[ADMIN_VALUE_MAX])
{
	const char *text = *query;
	size_t len, name;

	if (text == NULL || *text == '\0')
		return (0);
	len = strcspn(text, "&");
	name = strcspn(text, "=");
	if (name >= len || decode(text, name, true, ret_name) == -1 ||
	    decode(text + name + 1, len - name - 1, true, ret_value) == -1)
		return (-1);
	*query = text + len + (text[len] == '&');
	return (1);
}

int
admin_query_encode(const char *text, char *ret, size_t max)
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		bool plain =
		    isalnum((unsigned char)*text) || strchr("-._~", *text);

		if (max - n < (plain ? 2 : 4))
			return (-1);
		if (plain)
			ret[n++] = *text;
		else
			n += (size_t)snprintf(ret + n, max - n, "%%%02X",
			    (unsigned char)*text);
	}
	if (max == 0)
		return (-1);
	ret[n] = '\0';
	return (0);
}
