#include "handlers/queue/amqp_route.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset; /* of its value */
} names[] = {
	{ "{type}", offsetof(struct amqp_route, type) },
	{ "{brand}", offsetof(struct amqp_route, brand) },
	{ "{branch}", offsetof(struct amqp_route, branch) },
};
#define NNAMES (sizeof(names) / sizeof(names[0]))

/* Which of the names stands at text; NNAMES: none. */
static size_t
name_at(const char *text)
{
	size_t i;

	for (i = 0; i < NNAMES; i++) {
		if (strncmp(text, names[i].name, strlen(names[i].name)) == 0)
			break;
	}
	return (i);
}

int
amqp_route_check(const char *template, char *reason, size_t size)
{
	size_t i;

	if (strlen(template) > AMQP_ROUTE_MAX) {
		(void)snprintf(reason, size,
		    "is longer than %d bytes, which AMQP does not allow",
		    AMQP_ROUTE_MAX);
		return (-1);
	}
	for (const char *at = template; *at != '\0'; at++) {
		if (*at != '{' && *at != '}')
			continue;
		if ((i = name_at(at)) == NNAMES) {
			(void)snprintf(reason, size,
			    "has a brace at its byte %td that is not of "
			    "{type}, {brand} or {branch}",
			    at - template + 1);
			return (-1);
		}
		at += strlen(names[i].name) - 1;
	}
	return (0);
}

bool
amqp_route_varies(const char *template)
{
	return (strchr(template, '{') != NULL);
}

/* Add len bytes of text to the key. Returns 0, or -1 if it is too long. */
static int
add(char key[AMQP_ROUTE_MAX + 1], size_t *used, const char *text, size_t len)
{
	if (AMQP_ROUTE_MAX - *used < len)
		return (-1);
	memcpy(key + *used, text, len);
	*used += len;
	key[*used] = '\0';
	return (0);
}

int
amqp_route_write(const char *template, const struct amqp_route *route,
    char ret_key[AMQP_ROUTE_MAX + 1])
{
	const char *value;
	size_t used = 0, i;

	ret_key[0] = '\0';
	while (*template != '\0') {
		if ((i = name_at(template)) == NNAMES) {
			if (add(ret_key, &used, template ++, 1) == -1)
				return (-1);
			continue;
		}
		value = *(
		    const char *const *)((const char *)route + names[i].offset);
		if (add(ret_key, &used, value, strlen(value)) == -1)
			return (-1);
		template += strlen(names[i].name);
	}
	return (0);
}
