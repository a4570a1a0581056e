#include "handlers/queue/amqp_frame.h"

#include <stdlib.h>
#include <string.h>

/* -- What has come -- */

static bool
is_type(uint8_t type)
{
	return (type == AMQP_FRAME_METHOD || type == AMQP_FRAME_HEADER ||
		type == AMQP_FRAME_BODY || type == AMQP_FRAME_HEARTBEAT);
}

/* What begins like that. */
static const char *
no_frame(uint8_t type)
{
	if (type == 'A') /* so it answers who speaks another version (4.2.2) */
		return ("does not speak AMQP 0-9-1, or not on this port");
	if (type == 0x15) /* an alert (RFC 8446, section 5.1) */
		return ("wants TLS on this port: amqps");
	return ("sent what is no frame of AMQP");
}

enum amqp_frame_state
amqp_frame_read(const uint8_t *bytes, size_t len, struct amqp_frame *ret_frame,
    size_t *ret_size, const char **ret_reason)
{
	struct amqp_in in = { .at = bytes, .left = len };
	uint16_t channel;
	uint8_t type;
	size_t size;

	*ret_size = AMQP_FRAME_HEAD;
	if (len == 0)
		return (AMQP_FRAME_PART);
	type = amqp_get_u8(&in);
	if (!is_type(type)) {
		*ret_reason = no_frame(type);
		return (AMQP_FRAME_BROKEN);
	}
	channel = amqp_get_u16(&in);
	size = amqp_get_u32(&in);
	if (in.broken)
		return (AMQP_FRAME_PART);
	if (size > AMQP_FRAME_MAX - AMQP_FRAME_EXTRA) {
		*ret_reason = "sent a frame longer than was agreed upon";
		return (AMQP_FRAME_BROKEN);
	}
	*ret_size = size + AMQP_FRAME_EXTRA;
	if (len < *ret_size)
		return (AMQP_FRAME_PART);
	if (bytes[AMQP_FRAME_HEAD + size] != AMQP_FRAME_END) {
		*ret_reason = "sent a frame without its end";
		return (AMQP_FRAME_BROKEN);
	}
	*ret_frame = (struct amqp_frame){ .type = (enum amqp_frame_type)type,
		.channel = channel,
		.payload = bytes + AMQP_FRAME_HEAD,
		.len = size };
	return (AMQP_FRAME_WHOLE);
}

/* The next len bytes; NULL: there are not so many, and nothing is any more. */
static const uint8_t *
take(struct amqp_in *in, size_t len)
{
	const uint8_t *at = in->at;

	if (in->broken || in->left < len) {
		in->broken = true;
		return (NULL);
	}
	in->at += len;
	in->left -= len;
	return (at);
}

static uint64_t
take_number(struct amqp_in *in, size_t len)
{
	const uint8_t *at = take(in, len);
	uint64_t value = 0;

	for (size_t i = 0; at != NULL && i < len; i++)
		value = value << 8 | at[i];
	return (value);
}

uint8_t
amqp_get_u8(struct amqp_in *in)
{
	return ((uint8_t)take_number(in, 1));
}

uint16_t
amqp_get_u16(struct amqp_in *in)
{
	return ((uint16_t)take_number(in, 2));
}

uint32_t
amqp_get_u32(struct amqp_in *in)
{
	return ((uint32_t)take_number(in, 4));
}

uint64_t
amqp_get_u64(struct amqp_in *in)
{
	return (take_number(in, 8));
}

void
amqp_get_short(struct amqp_in *in, char ret_text[AMQP_SHORT_MAX + 1])
{
	size_t len = amqp_get_u8(in);
	const uint8_t *at = take(in, len);

	if (at == NULL)
		len = 0;
	else
		memcpy(ret_text, at, len);
	ret_text[len] = '\0';
}

const char *
amqp_get_long(struct amqp_in *in, size_t *ret_len)
{
	size_t len = amqp_get_u32(in);
	const uint8_t *at = take(in, len);

	*ret_len = at == NULL ? 0 : len;
	return (at == NULL ? "" : (const char *)at);
}

void
amqp_skip_long(struct amqp_in *in)
{
	size_t len;

	(void)amqp_get_long(in, &len);
}

/* -- What goes out -- */

void
amqp_out_fini(struct amqp_out *out)
{
	if (out->bytes != NULL)
		explicit_bzero(out->bytes, out->size);
	free(out->bytes);
	*out = (struct amqp_out){ .bytes = NULL };
}

/* Make room for len more bytes. Not by realloc(), which leaves copies. */
static bool
out_room(struct amqp_out *out, size_t len)
{
	size_t size = out->size == 0 ? 512 : out->size;
	uint8_t *bytes;

	if (out->failed)
		return (false);
	if (out->size - out->len >= len)
		return (true);
	while (size - out->len < len)
		size *= 2;
	if ((bytes = malloc(size)) == NULL) {
		out->failed = true;
		return (false);
	}
	if (out->bytes != NULL) {
		memcpy(bytes, out->bytes, out->len);
		explicit_bzero(out->bytes, out->len);
		free(out->bytes);
	}
	out->bytes = bytes;
	out->size = size;
	return (true);
}

void
amqp_out_expect(struct amqp_out *out, size_t len)
{
	(void)out_room(out, len);
}

void
amqp_put_bytes(struct amqp_out *out, const void *bytes, size_t len)
{
	if (len == 0 || !out_room(out, len))
		return;
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void
put_number(struct amqp_out *out, uint64_t value, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = len; i > 0; i--, value >>= 8)
		bytes[i - 1] = (uint8_t)value;
	amqp_put_bytes(out, bytes, len);
}

void
amqp_put_u8(struct amqp_out *out, uint8_t value)
{
	put_number(out, value, 1);
}

void
amqp_put_u16(struct amqp_out *out, uint16_t value)
{
	put_number(out, value, 2);
}

void
amqp_put_u32(struct amqp_out *out, uint32_t value)
{
	put_number(out, value, 4);
}

void
amqp_put_u64(struct amqp_out *out, uint64_t value)
{
	put_number(out, value, 8);
}

void
amqp_put_short(struct amqp_out *out, const char *text)
{
	size_t len = strlen(text);

	if (len > AMQP_SHORT_MAX) {
		out->failed = true;
		return;
	}
	amqp_put_u8(out, (uint8_t)len);
	amqp_put_bytes(out, text, len);
}

void
amqp_put_long(struct amqp_out *out, const void *bytes, size_t len)
{
	amqp_put_u32(out, (uint32_t)len);
	amqp_put_bytes(out, bytes, len);
}

/* Write the length of all that stands behind mark into the four bytes there. */
static void
put_length(struct amqp_out *out, size_t mark)
{
	size_t len;

	if (out->failed)
		return;
	len = out->len - mark - 4;
	for (size_t i = 4; i > 0; i--, len >>= 8)
		out->bytes[mark + i - 1] = (uint8_t)len;
}

size_t
amqp_table_begin(struct amqp_out *out)
{
	size_t mark = out->len;

	amqp_put_u32(out, 0);
	return (mark);
}

void
amqp_table_text(struct amqp_out *out, const char *name, const char *text)
{
	amqp_put_short(out, name);
	amqp_put_u8(out, 'S');
	amqp_put_long(out, text, strlen(text));
}

void
amqp_table_bool(struct amqp_out *out, const char *name, bool value)
{
	amqp_put_short(out, name);
	amqp_put_u8(out, 't');
	amqp_put_u8(out, value);
}

size_t
amqp_table_within(struct amqp_out *out, const char *name)
{
	amqp_put_short(out, name);
	amqp_put_u8(out, 'F');
	return (amqp_table_begin(out));
}

void
amqp_table_end(struct amqp_out *out, size_t mark)
{
	put_length(out, mark);
}

void
amqp_frame_head(enum amqp_frame_type type, uint16_t channel, size_t len,
    uint8_t ret_head[AMQP_FRAME_HEAD])
{
	ret_head[0] = (uint8_t)type;
	ret_head[1] = (uint8_t)(channel >> 8);
	ret_head[2] = (uint8_t)channel;
	for (size_t i = AMQP_FRAME_HEAD; i > 3; i--, len >>= 8)
		ret_head[i - 1] = (uint8_t)len;
}

size_t
amqp_frame_begin(struct amqp_out *out, enum amqp_frame_type type,
    uint16_t channel)
{
	uint8_t head[AMQP_FRAME_HEAD];
	size_t mark = out->len;

	amqp_frame_head(type, channel, 0, head);
	amqp_put_bytes(out, head, sizeof(head));
	return (mark);
}

void
amqp_frame_end(struct amqp_out *out, size_t mark)
{
	put_length(out, mark + 3);
	amqp_put_u8(out, AMQP_FRAME_END);
}
