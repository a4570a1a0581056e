#include "server/http/http_chunks.h"

#include "store/base/hex.h"

#define DIGITS_MAX 15 /* of a size without its leading zeros */

enum state { SIZE, EXTENSION, SIZE_LF, DATA_CR, DATA_LF };

static enum http_chunks_rc
bad(struct http_chunks *chunks, const char *reason)
{
	chunks->reason = reason;
	return (HTTP_CHUNKS_BAD);
}

/* The line of a chunk's size has ended at its CR. */
static enum http_chunks_rc
end_size(struct http_chunks *chunks, uint64_t max_body)
{
	if (chunks->size > max_body - chunks->length)
		return (HTTP_CHUNKS_TOO_LARGE);
	if (++chunks->n > HTTP_CHUNKS_MAX)
		return (bad(chunks, "too many chunks"));
	chunks->length += chunks->size;
	chunks->line_len = 0;
	chunks->state = SIZE_LF;
	return (HTTP_CHUNKS_MORE);
}

/* The extensions of a chunk are read over. */
static enum http_chunks_rc
read_extension(struct http_chunks *chunks, uint64_t max_body, unsigned char c)
{
	if (c == '\r' && http_extension_may_end(chunks->extension))
		return (end_size(chunks, max_body));
	if (++chunks->line_len > HTTP_CHUNK_LINE_MAX)
		return (bad(chunks, "chunk line too long"));
	if (++chunks->extensions_len > HTTP_EXTENSIONS_MAX)
		return (bad(chunks, "too many chunk extensions"));
	chunks->extension = http_extension_next(chunks->extension, c);
	if (chunks->extension == HTTP_EXTENSION_BAD)
		return (bad(chunks, "chunk extension is none"));
	return (HTTP_CHUNKS_MORE);
}

/* A chunk's size: hex digits. */
static enum http_chunks_rc
read_size(struct http_chunks *chunks, uint64_t max_body, unsigned char c)
{
	long digit = hex_value((const char *)&c, 1);

	if (digit != -1) {
		if (++chunks->line_len > HTTP_CHUNK_LINE_MAX)
			return (bad(chunks, "chunk line too long"));
		if (chunks->size >> (4 * DIGITS_MAX - 4) != 0)
			return (bad(chunks, "chunk too large"));
		chunks->size = chunks->size << 4 | (unsigned)digit;
		return (HTTP_CHUNKS_MORE);
	}
	if (chunks->line_len > 0 && c == '\r')
		return (end_size(chunks, max_body));
	if (chunks->line_len == 0 || !(c == ' ' || c == '\t' || c == ';'))
		return (bad(chunks, "chunk size is not hex digits only"));
	chunks->extension = HTTP_EXTENSION_BEFORE;
	chunks->state = EXTENSION;
	return (read_extension(chunks, max_body, c));
}

enum http_chunks_rc
http_chunks_read(struct http_chunks *chunks, uint64_t max_body, unsigned char c)
{
	switch ((enum state)chunks->state) {
	case SIZE:
		return (read_size(chunks, max_body, c));
	case EXTENSION:
		return (read_extension(chunks, max_body, c));
	case SIZE_LF:
		if (c != '\n')
			break;
		chunks->state = DATA_CR;
		return (
		    chunks->size == 0 ? HTTP_CHUNKS_LAST : HTTP_CHUNKS_DATA);
	case DATA_CR:
		if (c != '\r')
			return (bad(chunks, "chunk longer than its size"));
		chunks->state = DATA_LF;
		return (HTTP_CHUNKS_MORE);
	case DATA_LF:
		if (c != '\n')
			break;
		chunks->size = 0;
		chunks->state = SIZE;
		return (HTTP_CHUNKS_MORE);
	}
	return (bad(chunks, "CR without LF"));
}
