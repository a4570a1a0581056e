#include <stdlib.h>
#include <string.h>

#include "handlers/net/http_client_answer.h"
#include "test/fuzz/fuzz.h"

/* In whatever pieces an answer comes, it is the same answer. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct answer whole = { .status = 0 }, drip = { .status = 0 };
	size_t taken, at = 0;

	taken = answer_read(&whole, text, size);
	while (at < size && answer_read(&drip, text + at, 1) == 1)
		at++;
	if (taken != at || whole.state != drip.state ||
	    whole.status != drip.status ||
	    answer_keeps(&whole) != answer_keeps(&drip) ||
	    whole.body_len != drip.body_len ||
	    memcmp(whole.body, drip.body, whole.body_len) != 0)
		abort();
	if (whole.status != 0 && (whole.status < 200 || whole.status > 599))
		abort();
	if (whole.status == 0 &&
	    (whole.state == ANSWER_WHOLE || whole.state == ANSWER_TORN))
		abort();
	return (0);
}
