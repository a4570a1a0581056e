#include <stdlib.h>
#include <string.h>

#include "handlers/net/broker_url.h"
#include "test/fuzz/fuzz.h"

/* What is taken has a host and a port, and can be shown. */
static void
check(const char *text, const struct broker_scheme *schemes)
{
	char reason[HANDLER_REASON_MAX] = "";
	struct broker_url url;

	if (broker_url_parse(text, schemes, &url, reason) == -1) {
		if (reason[0] == '\0')
			abort();
		return;
	}
	if (url.host[0] == '\0' || strlen(url.host) >= HANDLER_HOST_MAX ||
	    url.port == 0 || (url.user != NULL && url.user[0] == '\0') ||
	    broker_url_is_tls(text, schemes) != url.scheme->tls)
		abort();
	broker_url_text(&url, reason);
	broker_url_fini(&url);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	check(text, broker_schemes_amqp);
	check(text, broker_schemes_redis);
	free(text);
	return (0);
}
