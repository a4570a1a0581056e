/*
 * http_feed.c -- what evhttp gets of what arrives.
 *
 * Nearly always that is all of it, and nothing is moved. From the first byte on
 * that evhttp must not see, what was added is taken out of the input and put
 * back piece by piece.
 */
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "server/http/http_feed.h"

#define PEEK_SEGS 16

/* A buffer of so much has one chain of memory, or may waste that much. */
#define SMALL_MAX ((size_t)8 * 1024)
#define WASTE_MAX ((size_t)24 * 1024)

int
http_feed_buffers_init(struct http_feed_buffers *buffers)
{
	buffers->kept = evbuffer_new();
	buffers->rest = evbuffer_new();
	return (buffers->kept == NULL || buffers->rest == NULL ? -1 : 0);
}

void
http_feed_buffers_fini(struct http_feed_buffers *buffers)
{
	if (buffers->kept != NULL)
		evbuffer_free(buffers->kept);
	if (buffers->rest != NULL)
		evbuffer_free(buffers->rest);
	*buffers = (struct http_feed_buffers){ NULL, NULL };
}

void
http_feed_init(struct http_feed *feed, struct http_feed_buffers *buffers,
    uint64_t max_body, bool needs_length)
{
	feed->buffers = buffers;
	feed->body = NULL;
	feed->editing = false;
	http_reader_init(&feed->reader, max_body, needs_length);
}

void
http_feed_drop(struct http_feed *feed)
{
	if (feed->body != NULL)
		evbuffer_free(feed->body);
	feed->body = NULL;
}

void
http_feed_fini(struct http_feed *feed)
{
	http_feed_drop(feed);
}

/* The body is whole: one chunk of it. Returns 0; -1 when out of memory. */
static int
hand_over(struct http_feed *feed, struct evbuffer *input)
{
	static const char end[] = "\r\n0\r\n\r\n";
	size_t len = feed->body == NULL ? 0 : evbuffer_get_length(feed->body);
	char size[32];
	int n;

	if (len == 0)
		return (evbuffer_add(input, end + 2, sizeof(end) - 3));
	n = snprintf(size, sizeof(size), "%zx\r\n", len);
	if (evbuffer_add(input, size, (size_t)n) == -1 ||
	    evbuffer_add_buffer(input, feed->body) == -1 ||
	    evbuffer_add(input, end, sizeof(end) - 1) == -1)
		return (-1);
	http_feed_drop(feed);
	return (0);
}

/* Add data of a body in chunks. Returns 0; -1 when out of memory. */
static int
gather(struct http_feed *feed, const void *data, size_t len)
{
	if (len == 0)
		return (0);
	if (feed->body == NULL && (feed->body = evbuffer_new()) == NULL)
		return (-1);
	return (evbuffer_add(feed->body, data, len));
}

/* Put back into input what evhttp is to get of buffers->rest. */
static enum http_read_rc
put_back(struct http_feed *feed, struct evbuffer *input, unsigned *ret_whole)
{
	struct evbuffer *rest = feed->buffers->rest;
	enum http_read_rc rc = HTTP_READ_MORE;
	unsigned char *bytes;
	size_t len, used, kept;
	bool chunks;
	int failed;

	while ((len = evbuffer_get_contiguous_space(rest)) > 0) {
		bytes = evbuffer_pullup(rest, (ev_ssize_t)len);
		chunks = http_reader_in_chunks(&feed->reader);
		rc = http_reader_read(&feed->reader, bytes, len, &used, &kept);
		failed = chunks ? gather(feed, bytes, kept)
				: evbuffer_add(input, bytes, kept);
		(void)evbuffer_drain(rest, used);
		if (failed == 0 && chunks && rc == HTTP_READ_DONE)
			failed = hand_over(feed, input);
		if (failed != 0)
			return (HTTP_READ_NO_MEMORY);
		if (rc == HTTP_READ_DONE)
			++*ret_whole;
		else if (rc != HTTP_READ_MORE && rc != HTTP_READ_CHUNKED)
			return (rc);
	}
	return (HTTP_READ_MORE);
}

/* Do that from so far on in input; first drop some bytes of it. */
struct place {
	size_t at;
	size_t drop;
};
static enum http_read_rc
edit(struct http_feed *feed, struct evbuffer *input, struct place from,
    unsigned *ret_whole)
{
	struct http_feed_buffers *buffers = feed->buffers;
	enum http_read_rc rc = HTTP_READ_NO_MEMORY;

	feed->editing = true;
	if (evbuffer_remove_buffer(input, buffers->kept, from.at) ==
		(int)from.at &&
	    evbuffer_drain(input, from.drop) == 0 &&
	    evbuffer_add_buffer(buffers->rest, input) == 0 &&
	    evbuffer_add_buffer(input, buffers->kept) == 0)
		rc = put_back(feed, input, ret_whole);
	(void)evbuffer_drain(buffers->rest, evbuffer_get_length(buffers->rest));
	(void)evbuffer_drain(buffers->kept, evbuffer_get_length(buffers->kept));
	feed->editing = false;
	return (rc);
}

/*
 * Read a segment where it lies, up to its end or to what evhttp must not get;
 * place is moved on with it. Returns true at the end of a sound one.
 */
static bool
read_segment(struct http_feed *feed, const struct evbuffer_iovec *seg,
    struct place *place, enum http_read_rc *ret_rc, unsigned *ret_whole)
{
	unsigned char *bytes = seg->iov_base;
	size_t used, kept, len = seg->iov_len;

	while (len > 0) {
		*ret_rc =
		    http_reader_read(&feed->reader, bytes, len, &used, &kept);
		place->at += kept;
		place->drop = used - kept;
		if (*ret_rc == HTTP_READ_DONE)
			++*ret_whole;
		else if (*ret_rc != HTTP_READ_MORE)
			return (false);
		if (place->drop > 0)
			return (false);
		bytes += used;
		len -= used;
	}
	*ret_rc = HTTP_READ_MORE;
	return (true);
}

enum http_read_rc
http_feed_read(struct http_feed *feed, struct evbuffer *input, size_t added,
    unsigned *ret_whole)
{
	struct place place = { evbuffer_get_length(input) - added, 0 };
	struct evbuffer_iovec segs[PEEK_SEGS];
	enum http_read_rc rc;
	struct evbuffer_ptr pos;
	int i, n = PEEK_SEGS + 1;

	*ret_whole = 0;
	if (!http_reader_in_chunks(&feed->reader) &&
	    evbuffer_ptr_set(input, &pos, place.at, EVBUFFER_PTR_SET) == 0)
		n = evbuffer_peek(input, -1, &pos, segs, PEEK_SEGS);
	if (n > PEEK_SEGS)
		return (edit(feed, input, place, ret_whole));
	for (i = 0; i < n; i++) {
		if (read_segment(feed, &segs[i], &place, &rc, ret_whole))
			continue;
		if (rc == HTTP_READ_MORE || rc == HTTP_READ_DONE ||
		    rc == HTTP_READ_CHUNKED)
			rc = edit(feed, input, place, ret_whole);
		return (rc);
	}
	return (HTTP_READ_MORE);
}

bool
http_feed_editing(const struct http_feed *feed)
{
	return (feed->editing);
}

static size_t
allocated(size_t len)
{
	return (len == 0 ? 0 : len <= SMALL_MAX ? SMALL_MAX : len + WASTE_MAX);
}

size_t
http_feed_held(const struct http_feed *feed, struct evbuffer *input)
{
	size_t body = feed->body == NULL ? 0 : evbuffer_get_length(feed->body);

	return (http_reader_held(&feed->reader) + allocated(body) +
		allocated(evbuffer_get_length(input)));
}
