/*
 * request_text.h -- a request of HTTP as it stands in a file.
 *
 * Pure: for people who kept one, from a proxy's log, tcpdump or curl -v; not
 * for what a socket sends, which http_reader.h reads strictly.
 */
#ifndef SERVER_REQUEST_TEXT_H
#define SERVER_REQUEST_TEXT_H

#include <stddef.h>

struct diagnosis_header;

struct request_text {
	size_t nheaders;
	const char *body;
	size_t body_len;
};

/*
 * Read len bytes of text, which is cut into pieces: headers and body point
 * into it. A request line may stand before the headers, which end at the first
 * empty line; their lines end with LF or CRLF. Ends of lines behind as many
 * bytes of body as Content-Length says are not of the body. Returns 0, and the
 * first max headers; -1 and a reason (static) if it is no such text.
 */
int request_text_read(char *text, size_t len, struct diagnosis_header *ret_list,
    size_t max, struct request_text *ret, const char **ret_reason);

/*
 * Read one header, "Name: value", cutting text. Returns 0, or -1 if it is
 * none.
 */
int request_text_header(char *text, struct diagnosis_header *ret_header);

#endif /* SERVER_REQUEST_TEXT_H */
