/*
 * http_intake.c -- what evhttp gets of what arrives.
 *
 * Nearly always that is all of it, and nothing is moved. From the first byte on
 * that evhttp must not see, what was added is taken out of the input and put
 * back piece by piece.
 */
#include <stdio.h>
#include <string.h>

#include <event2/buffer.h>

#include "server/http/http_intake.h"

#define PEEK_SEGS 16

/* A buffer of so much has one chain of memory, or may waste that much. */
#define SMALL_MAX ((size_t)8 * 1024)
#define WASTE_MAX ((size_t)24 * 1024)

int
http_intake_room_init(struct http_intake_room *room)
{
	room->kept = evbuffer_new();
	room->rest = evbuffer_new();
	return (room->kept == NULL || room->rest == NULL ? -1 : 0);
}

void
http_intake_room_fini(struct http_intake_room *room)
{
	if (room->kept != NULL)
		evbuffer_free(room->kept);
	if (room->rest != NULL)
		evbuffer_free(room->rest);
	*room = (struct http_intake_room){ NULL, NULL };
}

void
http_intake_init(struct http_intake *in, struct http_intake_room *room,
    uint64_t max_body, bool needs_length)
{
	in->room = room;
	in->body = NULL;
	in->editing = false;
	http_reader_init(&in->reader, max_body, needs_length);
}

void
http_intake_drop(struct http_intake *in)
{
	if (in->body != NULL)
		evbuffer_free(in->body);
	in->body = NULL;
}

void
http_intake_fini(struct http_intake *in)
{
	http_intake_drop(in);
}

/* The body is whole: one chunk of it. Returns 0; -1 when out of memory. */
static int
hand_over(struct http_intake *in, struct evbuffer *input)
{
	static const char end[] = "\r\n0\r\n\r\n";
	size_t len = in->body == NULL ? 0 : evbuffer_get_length(in->body);
	char size[32];
	int n;

	if (len == 0)
		return (evbuffer_add(input, end + 2, sizeof(end) - 3));
	n = snprintf(size, sizeof(size), "%zx\r\n", len);
	if (evbuffer_add(input, size, (size_t)n) == -1 ||
	    evbuffer_add_buffer(input, in->body) == -1 ||
	    evbuffer_add(input, end, sizeof(end) - 1) == -1)
		return (-1);
	http_intake_drop(in);
	return (0);
}

/* Add data of a body in chunks. Returns 0; -1 when out of memory. */
static int
gather(struct http_intake *in, const void *data, size_t len)
{
	if (len == 0)
		return (0);
	if (in->body == NULL && (in->body = evbuffer_new()) == NULL)
		return (-1);
	return (evbuffer_add(in->body, data, len));
}

/* Put back into input what evhttp is to get of room->rest. */
static enum http_read_rc
put_back(struct http_intake *in, struct evbuffer *input, unsigned *ret_whole)
{
	struct evbuffer *rest = in->room->rest;
	enum http_read_rc rc = HTTP_READ_MORE;
	unsigned char *bytes;
	size_t len, used, kept;
	bool chunks;
	int failed;

	while ((len = evbuffer_get_contiguous_space(rest)) > 0) {
		bytes = evbuffer_pullup(rest, (ev_ssize_t)len);
		chunks = http_reader_in_chunks(&in->reader);
		rc = http_reader_read(&in->reader, bytes, len, &used, &kept);
		failed = chunks ? gather(in, bytes, kept)
				: evbuffer_add(input, bytes, kept);
		(void)evbuffer_drain(rest, used);
		if (failed == 0 && chunks && rc == HTTP_READ_DONE)
			failed = hand_over(in, input);
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
edit(struct http_intake *in, struct evbuffer *input, struct place from,
    unsigned *ret_whole)
{
	struct http_intake_room *room = in->room;
	enum http_read_rc rc = HTTP_READ_NO_MEMORY;

	in->editing = true;
	if (evbuffer_remove_buffer(input, room->kept, from.at) ==
		(int)from.at &&
	    evbuffer_drain(input, from.drop) == 0 &&
	    evbuffer_add_buffer(room->rest, input) == 0 &&
	    evbuffer_add_buffer(input, room->kept) == 0)
		rc = put_back(in, input, ret_whole);
	(void)evbuffer_drain(room->rest, evbuffer_get_length(room->rest));
	(void)evbuffer_drain(room->kept, evbuffer_get_length(room->kept));
	in->editing = false;
	return (rc);
}

/*
 * Read a segment where it lies, up to its end or to what evhttp must not get;
 * place is moved on with it. Returns true at the end of a sound one.
 */
static bool
read_segment(struct http_intake *in, const struct evbuffer_iovec *seg,
    struct place *place, enum http_read_rc *ret_rc, unsigned *ret_whole)
{
	unsigned char *bytes = seg->iov_base;
	size_t used, kept, len = seg->iov_len;

	while (len > 0) {
		*ret_rc =
		    http_reader_read(&in->reader, bytes, len, &used, &kept);
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
http_intake_read(struct http_intake *in, struct evbuffer *input, size_t added,
    unsigned *ret_whole)
{
	struct place place = { evbuffer_get_length(input) - added, 0 };
	struct evbuffer_iovec segs[PEEK_SEGS];
	enum http_read_rc rc;
	struct evbuffer_ptr pos;
	int i, n = PEEK_SEGS + 1;

	*ret_whole = 0;
	if (!http_reader_in_chunks(&in->reader) &&
	    evbuffer_ptr_set(input, &pos, place.at, EVBUFFER_PTR_SET) == 0)
		n = evbuffer_peek(input, -1, &pos, segs, PEEK_SEGS);
	if (n > PEEK_SEGS)
		return (edit(in, input, place, ret_whole));
	for (i = 0; i < n; i++) {
		if (read_segment(in, &segs[i], &place, &rc, ret_whole))
			continue;
		if (rc == HTTP_READ_MORE || rc == HTTP_READ_DONE ||
		    rc == HTTP_READ_CHUNKED)
			rc = edit(in, input, place, ret_whole);
		return (rc);
	}
	return (HTTP_READ_MORE);
}

bool
http_intake_editing(const struct http_intake *in)
{
	return (in->editing);
}

static size_t
allocated(size_t len)
{
	return (len == 0 ? 0 : len <= SMALL_MAX ? SMALL_MAX : len + WASTE_MAX);
}

size_t
http_intake_held(const struct http_intake *in, struct evbuffer *input)
{
	size_t body = in->body == NULL ? 0 : evbuffer_get_length(in->body);

	return (http_reader_held(&in->reader) + allocated(body) +
		allocated(evbuffer_get_length(input)));
}
