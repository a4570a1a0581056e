/*
 * http_chunks.h -- the framing of a body in chunks (RFC 9112 section 7.1).
 *
 * Pure: byte by byte, all that stands around the data: sizes, extensions, the
 * ends of lines. The trailer is the reader's (http_reader.h).
 */
#ifndef SERVER_HTTP_CHUNKS_H
#define SERVER_HTTP_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include "server/http/http_extension.h"

#define HTTP_CHUNKS_MAX (64 * 1024)     /* of a body, however small */
#define HTTP_CHUNK_LINE_MAX 256         /* a chunk's size, leading zeros too */
#define HTTP_EXTENSIONS_MAX (16 * 1024) /* of all chunks of a body */

enum http_chunks_rc {
	HTTP_CHUNKS_MORE,
	HTTP_CHUNKS_DATA, /* size bytes of data follow, then more of this */
	HTTP_CHUNKS_LAST, /* that was the last chunk: the trailer follows */
	HTTP_CHUNKS_TOO_LARGE,
	HTTP_CHUNKS_BAD /* reason says why */
};

/* Of one body; all zero at its beginning. Private, but size and reason. */
struct http_chunks {
	int state;
	enum http_extension extension;
	uint64_t size;   /* of the chunk whose data follows */
	uint64_t length; /* of all chunks so far */
	size_t line_len;
	size_t extensions_len;
	unsigned n;
	const char *reason; /* static */
};

/* One byte more, of a body that may have max_body bytes. */
enum http_chunks_rc http_chunks_read(struct http_chunks *chunks,
    uint64_t max_body, unsigned char c);

#endif /* SERVER_HTTP_CHUNKS_H */
