#include <stdio.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>
#include <mbedtls/version.h>

#include "server/cli/verbs.h"
#include "store/version.h"

static enum verb_exit
version_run(const struct verb_args *args)
{
	const char *libpq = store_libpq_version();
	char mbedtls[32] = "";

	mbedtls_version_get_string(mbedtls);
	if (verb_has(args, "json"))
		printf("{\"klikitd\":\"%s\",\"libevent\":\"%s\","
		       "\"mbedtls\":\"%s\",\"jansson\":\"%s\","
		       "\"sqlite\":\"%s\",\"libpq\":%s%s%s}\n",
		    KLIKITD_VERSION, event_get_version(), mbedtls,
		    jansson_version_str(), store_sqlite_version(),
		    libpq == NULL ? "" : "\"", libpq == NULL ? "null" : libpq,
		    libpq == NULL ? "" : "\"");
	else
		printf("klikitd %s\nlibevent %s\nmbedTLS %s\njansson %s\n"
		       "SQLite %s\nlibpq %s\n",
		    KLIKITD_VERSION, event_get_version(), mbedtls,
		    jansson_version_str(), store_sqlite_version(),
		    libpq == NULL ? "none" : libpq);
	return (VERB_DONE);
}

static const struct verb_flag flags[] = {
	{ "json", NULL, "one JSON object", false },
	{ 0 },
};

const struct verb verb_version = {
	.name = "version",
	.words = "",
	.text = "Print the version, and those of the libraries",
	.flags = flags,
	.run = version_run,
};
