#include <string.h>

#include "handlers/net/http_client_head.h"
#include "store/base/http_date.h"
#include "store/base/parse.h"

int64_t
client_head_date(const char *date, int64_t now_ms)
{
	int64_t far_ms;

	if (http_date_parse(date, now_ms, &far_ms) == -1)
		return (0);
	return (far_ms > 0 ? far_ms : 0);
}

int64_t
client_head_wait(const char *value, int64_t now_ms)
{
	int64_t at_ms, wait_ms, seconds;

	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0') {
		if (parse_int(value, 0, HTTP_CLIENT_WAIT_MAX / 1000,
			&seconds) == -1)
			return (HTTP_CLIENT_WAIT_MAX);
		return (seconds * 1000);
	}
	if (http_date_parse(value, now_ms, &at_ms) == -1 || at_ms < now_ms)
		return (0);
	wait_ms = at_ms - now_ms;
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
