#include <stdlib.h>
#include <string.h>

#include "handlers/queue/amqp_frame.h"
#include "test/fuzz/fuzz.h"

/* All that a payload can be asked for, until there is no more. */
static void
read_fields(const struct amqp_frame *frame)
{
	struct amqp_in in = { .at = frame->payload, .left = frame->len };
	char text[AMQP_SHORT_MAX + 1];
	size_t len, left;

	while (!in.broken && in.left > 0) {
		left = in.left;
		switch (amqp_get_u8(&in) % 6) {
		case 0:
			(void)amqp_get_u16(&in);
			break;
		case 1:
			(void)amqp_get_u32(&in);
			break;
		case 2:
			(void)amqp_get_u64(&in);
			break;
		case 3:
			amqp_get_short(&in, text);
			if (memchr(text, '\0', sizeof(text)) == NULL)
				abort();
			break;
		case 4:
			(void)amqp_get_long(&in, &len);
			if (len > frame->len)
				abort();
			break;
		default:
			amqp_skip_long(&in);
			break;
		}
		if (in.left >= left)
			abort();
	}
}

/* A part asks for more, never for more than a frame, and is a part till then.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum amqp_frame_state state, part;
	struct amqp_frame frame, again;
	const char *reason = NULL;
	size_t at = 0, length, wanted;

	for (;; at += length) {
		state = amqp_frame_read(data + at, size - at, &frame, &length,
		    &reason);
		if (state == AMQP_FRAME_BROKEN && reason == NULL)
			abort();
		if (state == AMQP_FRAME_PART &&
		    (length <= size - at || length > AMQP_FRAME_MAX))
			abort();
		if (state != AMQP_FRAME_WHOLE)
			return (0);
		if (length > size - at || length != frame.len + 8)
			abort();
		part = amqp_frame_read(data + at, length - 1, &again, &wanted,
		    &reason);
		if (part != AMQP_FRAME_PART || wanted != length)
			abort();
		read_fields(&frame);
	}
}
