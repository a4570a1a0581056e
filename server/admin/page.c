#include "server/admin/page.h"

#include <assert.h>
#include <string.h>

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "server/http/http_private.h"

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

static const struct http_answer answer_same = { 304, "Not Modified", "" };
static const struct http_answer answer_file = { 200, "OK", "" };

static const struct page_file *
find(const char *path)
{
	for (size_t i = 0; i < page_nfiles; i++) {
		if (strcmp(page_files[i].path, path) == 0)
			return (&page_files[i]);
	}
	return (NULL);
}

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

bool
page_has(const char *path)
{
	return (find(path) != NULL);
}

void
page_run(struct http_conn *conn, struct evhttp_request *req)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	const struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	const struct page_file *file =
	    find(evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req)));

	assert(file != NULL); /* page_has() said so */
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		(void)evhttp_add_header(out, headers[i].name, headers[i].value);
	(void)evhttp_add_header(out, "ETag", file->etag);
	if (is_known(file, evhttp_find_header(in, "If-None-Match"))) {
		http_answer(conn, req, &answer_same);
		return;
	}
	(void)evhttp_add_header(out, "Content-Type", file->type);
	http_answer_bytes(conn, req, &answer_file, file->bytes, file->len);
}
