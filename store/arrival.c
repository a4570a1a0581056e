#include "store/arrival.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void
store_answers_write(const struct store_answer *list, size_t n,
    char ret_text[STORE_ANSWERS_SIZE])
{
	size_t len = 0;
	int more;

	ret_text[0] = '\0';
	for (size_t i = 0; i < n && i < STORE_ANSWERS_MAX; i++) {
		more = snprintf(ret_text + len, STORE_ANSWERS_SIZE - len,
		    "%s%" PRId64 ":%d:%" PRId64, len == 0 ? "" : " ",
		    list[i].event, list[i].status, list[i].took_us);
		if (more < 0 || (size_t)more >= STORE_ANSWERS_SIZE - len) {
			ret_text[len] = '\0';
			return;
		}
		len += (size_t)more;
	}
}

/* A number that is no less than 0, and the character that follows it. */
static int
number(const char **at, char end, int64_t *ret)
{
	char *behind;

	if (**at < '0' || **at > '9')
		return (-1);
	*ret = strtoll(*at, &behind, 10);
	if (*behind != end && !(end == ' ' && *behind == '\0'))
		return (-1);
	*at = *behind == '\0' ? behind : behind + 1;
	return (0);
}

int
store_answers_next(const char **at, struct store_answer *ret_answer)
{
	struct store_answer a;
	int64_t status;

	if (*at == NULL || number(at, ':', &a.event) == -1 ||
	    number(at, ':', &status) == -1 || status > 999 ||
	    number(at, ' ', &a.took_us) == -1)
		return (-1);
	a.status = (int)status;
	*ret_answer = a;
	return (0);
}

int
store_answers_find(const char *text, int64_t event,
    struct store_answer *ret_answer)
{
	struct store_answer a;

	while (store_answers_next(&text, &a) == 0) {
		if (a.event == event) {
			*ret_answer = a;
			return (0);
		}
	}
	return (-1);
}
