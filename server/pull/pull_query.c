#include "server/pull/pull_query.h"

#include <stdio.h>
#include <string.h>

#include "store/base/parse.h"

#define WAIT_S 25
#define WAIT_MAX_S 55 /* less than what lies between puts up with: a minute */
#define JOBS 32
#define JOBS_MAX 100

void
pull_query_path(const char *path, char ret_name[PULL_NAME_MAX], bool *ret_done)
{
	static const char done[] = "/done";
	const char *name = path + strlen(PULL_PATH);
	size_t len = strlen(name), end = strlen(done);

	*ret_done = len > end && strcmp(name + len - end, done) == 0;
	if (*ret_done)
		len -= end;
	(void)snprintf(ret_name, PULL_NAME_MAX, "%.*s", (int)len, name);
	if (len >= PULL_NAME_MAX)
		ret_name[0] = '\0';
}

/* One of them: text of that length. */
static const char *
read_one(const char *text, size_t len, struct pull_query *ret)
{
	char value[8] = "";
	int64_t number;

	if (len > 5 && strncmp(text, "wait=", 5) == 0) {
		(void)snprintf(value, sizeof(value), "%.*s", (int)len - 5,
		    text + 5);
		if (len >= 5 + sizeof(value) ||
		    parse_int(value, 0, WAIT_MAX_S, &number) == -1)
			return ("wait is 0 to 55 seconds");
		ret->wait_ms = number * 1000;
		return (NULL);
	}
	if (len > 4 && strncmp(text, "max=", 4) == 0) {
		(void)snprintf(value, sizeof(value), "%.*s", (int)len - 4,
		    text + 4);
		if (len >= 4 + sizeof(value) ||
		    parse_int(value, 1, JOBS_MAX, &number) == -1)
			return ("max is 1 to 100 jobs");
		ret->max = (unsigned)number;
		return (NULL);
	}
	return ("a pull takes wait and max and nothing else");
}

const char *
pull_query_read(const char *query, struct pull_query *ret)
{
	const char *why = NULL;
	size_t len;

	*ret = (struct pull_query){ WAIT_S * 1000, JOBS };
	while (query != NULL && *query != '\0' && why == NULL) {
		len = strcspn(query, "&");
		why = read_one(query, len, ret);
		query += len;
		if (*query == '&')
			query++;
	}
	return (why);
}
