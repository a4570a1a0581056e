#include "handlers/queue/amqp_message.h"

#include <string.h>

#include "handlers/queue/amqp_method.h"
#include "handlers/queue/digest.h"
#include "store/base/hex.h"

/* Which properties a header has (4.2.6.1), in the order of their fields. */
enum property {
	CONTENT_TYPE = 1 << 15,
	HEADERS = 1 << 13,
	DELIVERY_MODE = 1 << 12,
	MESSAGE_ID = 1 << 7,
	TIMESTAMP = 1 << 6,
	TYPE = 1 << 5,
	APP_ID = 1 << 3
};

#define PERSISTENT 2
#define MANDATORY 1 /* a bit */
#define CLASS_BASIC 60

static void
put_publish(struct amqp_out *out, const struct amqp_message *m)
{
	size_t mark = amqp_frame_begin(out, AMQP_FRAME_METHOD, m->channel);

	amqp_put_u32(out, AMQP_BASIC_PUBLISH);
	amqp_put_u16(out, 0); /* reserved */
	amqp_put_short(out, m->exchange);
	amqp_put_short(out, m->routing_key);
	amqp_put_u8(out, MANDATORY);
	amqp_frame_end(out, mark);
}

static void
put_header(struct amqp_out *out, const struct amqp_message *m)
{
	size_t mark = amqp_frame_begin(out, AMQP_FRAME_HEADER, m->channel);
	bool typed = m->type[0] != '\0';
	size_t table;

	amqp_put_u16(out, CLASS_BASIC);
	amqp_put_u16(out, 0); /* weight */
	amqp_put_u64(out, m->body_len);
	amqp_put_u16(out,
	    (uint16_t)(CONTENT_TYPE | HEADERS | DELIVERY_MODE | MESSAGE_ID |
		       TIMESTAMP | (typed ? TYPE : 0) | APP_ID));
	amqp_put_short(out, "application/json");
	table = amqp_table_begin(out);
	for (size_t i = 0; i < m->nattributes; i++)
		amqp_table_text(out, m->attributes[i].name,
		    m->attributes[i].value);
	amqp_table_end(out, table);
	amqp_put_u8(out, PERSISTENT);
	amqp_put_short(out, m->message_id);
	amqp_put_u64(out, (uint64_t)m->timestamp);
	if (typed)
		amqp_put_short(out, m->type);
	amqp_put_short(out, "klikitd");
	amqp_frame_end(out, mark);
}

void
amqp_message_put(struct amqp_out *out, const struct amqp_message *m)
{
	put_publish(out, m);
	put_header(out, m);
}

int
amqp_message_id(const char *key, char ret_id[AMQP_MESSAGE_ID_MAX + 1])
{
	unsigned char digest[SHA256_LEN];
	size_t len = strlen(key);

	if (len <= AMQP_MESSAGE_ID_MAX) {
		memcpy(ret_id, key, len + 1);
		return (0);
	}
	if (digest_sha256(key, len, digest) == -1)
		return (-1);
	hex_encode(digest, sizeof(digest), ret_id);
	return (0);
}
