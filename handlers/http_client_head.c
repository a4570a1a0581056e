#include <string.h>
#include <time.h>

#include "handlers/http_client_private.h"
#include "store/base/parse.h"

int64_t
client_head_wait(const char *value, int64_t now_ms)
{
	int64_t wait_ms, seconds;
	struct tm tm = { .tm_sec = 0 };
	const char *end;

	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0') {
		if (parse_int(value, 0, HTTP_CLIENT_WAIT_MAX / 1000,
			&seconds) == -1)
			return (HTTP_CLIENT_WAIT_MAX);
		return (seconds * 1000);
	}
	end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (end == NULL || *end != '\0')
		return (0);
	wait_ms = (int64_t)timegm(&tm) * 1000 - now_ms;
	if (wait_ms < 0)
		return (0);
	return (
	    wait_ms < HTTP_CLIENT_WAIT_MAX ? wait_ms : HTTP_CLIENT_WAIT_MAX);
}

void
client_head_copy(const char *value, size_t size, char *ret_text)
{
	size_t i;

	for (i = 0; i < size - 1 && value[i] != '\0'; i++)
		ret_text[i] =
		    value[i] > ' ' && value[i] <= '~' ? value[i] : '?';
	ret_text[i] = '\0';
}
