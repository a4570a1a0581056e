/*
 * amqp_frame.h -- AMQP 0-9-1 on the wire: frames, and the fields inside them.
 *
 * Owns: the bytes of what is being written. Pure: bytes in, bytes out.
 *
 * A frame is its type (1 byte), channel (2), length of its payload (4), the
 * payload, and 0xCE (AMQP 0-9-1, section 4.2.3). Numbers are big-endian; a
 * short string has at most 255 bytes (4.2.5).
 */
#ifndef HANDLERS_QUEUE_AMQP_FRAME_H
#define HANDLERS_QUEUE_AMQP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AMQP_FRAME_MAX 131072 /* the longest frame that we take, or send */
#define AMQP_FRAME_MIN 4096   /* what both sides must be able to take */
#define AMQP_FRAME_EXTRA 8    /* of a frame beside its payload */
#define AMQP_FRAME_HEAD 7     /* of these before it */
#define AMQP_FRAME_END 0xCE
#define AMQP_SHORT_MAX 255

enum amqp_frame_type {
	AMQP_FRAME_METHOD = 1,
	AMQP_FRAME_HEADER = 2,
	AMQP_FRAME_BODY = 3,
	AMQP_FRAME_HEARTBEAT = 8
};

/* -- What has come -- */

struct amqp_frame {
	enum amqp_frame_type type;
	uint16_t channel;
	const uint8_t *payload; /* within the bytes that were read */
	size_t len;
};

enum amqp_frame_state {
	AMQP_FRAME_WHOLE, /* *ret_frame is filled in */
	AMQP_FRAME_PART,  /* more bytes are needed */
	AMQP_FRAME_BROKEN /* this is no frame */
};

/*
 * Read the frame at the beginning of bytes. *ret_size is its length, of a part
 * as far as it is known: how many bytes there must be before it is worth to
 * look again. Of a broken one *ret_reason says why, as the end of a sentence
 * about the broker.
 */
enum amqp_frame_state amqp_frame_read(const uint8_t *bytes, size_t len,
    struct amqp_frame *ret_frame, size_t *ret_size, const char **ret_reason);

/* The fields of a payload, one after the other. */
struct amqp_in {
	const uint8_t *at;
	size_t left;
	bool broken; /* there was less than was asked for */
};

/* Each takes one field; a broken one gives 0, or an empty string. */
uint8_t amqp_get_u8(struct amqp_in *in);
uint16_t amqp_get_u16(struct amqp_in *in);
uint32_t amqp_get_u32(struct amqp_in *in);
uint64_t amqp_get_u64(struct amqp_in *in);

/* A short string, with a NUL behind it; one within it ends the text, too. */
void amqp_get_short(struct amqp_in *in, char ret_text[AMQP_SHORT_MAX + 1]);

/* A long string, or a table, which is as long as it says: pass over it. */
void amqp_skip_long(struct amqp_in *in);

/* A long string; borrowed from the payload. */
const char *amqp_get_long(struct amqp_in *in, size_t *ret_len);

/* -- What goes out -- */

struct amqp_out {
	uint8_t *bytes; /* owned; NULL: none */
	size_t len;
	size_t size;
	bool failed; /* out of memory, or a short string was too long */
};

/* About so much will be written: no copies on the way there. */
void amqp_out_expect(struct amqp_out *out, size_t len);

/* Wipes what was written (it may hold a password) and frees it. */
void amqp_out_fini(struct amqp_out *out);

void amqp_put_u8(struct amqp_out *out, uint8_t value);
void amqp_put_u16(struct amqp_out *out, uint16_t value);
void amqp_put_u32(struct amqp_out *out, uint32_t value);
void amqp_put_u64(struct amqp_out *out, uint64_t value);
void amqp_put_bytes(struct amqp_out *out, const void *bytes, size_t len);
void amqp_put_short(struct amqp_out *out, const char *text);
void amqp_put_long(struct amqp_out *out, const void *bytes, size_t len);

/* A table of fields; its mark is to be given back when it ends. */
size_t amqp_table_begin(struct amqp_out *out);
void amqp_table_text(struct amqp_out *out, const char *name, const char *text);
void amqp_table_bool(struct amqp_out *out, const char *name, bool value);
size_t amqp_table_within(struct amqp_out *out, const char *name);
void amqp_table_end(struct amqp_out *out, size_t mark);

/* A frame; its mark is to be given back when it ends. */
size_t amqp_frame_begin(struct amqp_out *out, enum amqp_frame_type type,
    uint16_t channel);
void amqp_frame_end(struct amqp_out *out, size_t mark);

/* Of a frame whose payload stands elsewhere: what comes before that. */
void amqp_frame_head(enum amqp_frame_type type, uint16_t channel, size_t len,
    uint8_t ret_head[AMQP_FRAME_HEAD]);

#endif /* HANDLERS_QUEUE_AMQP_FRAME_H */
