/*
 * page.h -- the web page of the admin listener.
 *
 * Owns:    the page's files, which are part of the program (server/admin/web/,
 *          embedded at build), and the headers they are served with.
 * Touches: route.h. No data: all that the page shows it asks the admin API
 *          for, with the operator's token if there is one.
 *
 * The page runs nothing but its own files and speaks to nobody but this
 * listener: its Content-Security-Policy says so to the browser, so that even a
 * delivery that found a way into the page as markup could do nothing there.
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include <stddef.h>

struct http_request;

/* A file of the page; made by server/admin/web/embed.sh. */
struct page_file {
	const char *path;
	const char *type;
	const char *etag; /* changes with the bytes; quoted */
	const unsigned char *bytes;
	size_t len;
};
extern const struct page_file page_files[];
extern const size_t page_nfiles;

/*
 * http_route: GET or HEAD of a file, answered 200, or 304 if the browser has
 * it; arg is the struct page_file.
 */
void page_run(struct http_request *req, void *arg);

#endif /* SERVER_PAGE_H */
