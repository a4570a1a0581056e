#include "server/admin/page.h"

#include <string.h>

#include "server/http/route.h"

/* Trusted Types: not even the page's own code may make markup of a text. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const struct {
	const char *name;
	const char *value;
} headers[] = {
	{ "Cache-Control", "no-cache" }, /* keep it, but ask each time */
	{ "Content-Security-Policy", policy },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
	{ "X-Content-Type-Options", "nosniff" },
};

/*
 * Does If-None-Match name the file? Compared weakly, as RFC 9110 section
 * 13.1.2 has it: the tag may stand in a list, with or without W/.
 */
static bool
is_known(const struct page_file *file, const char *if_none_match)
{
	return (if_none_match != NULL &&
		(strcmp(if_none_match, "*") == 0 ||
		    strstr(if_none_match, file->etag) != NULL));
}

void
page_run(struct http_request *req, void *arg)
{
	const struct page_file *file = arg;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		http_request_set_field(req, headers[i].name, headers[i].value);
	http_request_set_field(req, "ETag", file->etag);
	if (is_known(file, http_request_field(req, "If-None-Match"))) {
		http_request_finish(req, 304, "");
		return;
	}
	http_request_set_field(req, "Content-Type", file->type);
	http_request_finish_bytes(req, 200, file->bytes, file->len);
}
