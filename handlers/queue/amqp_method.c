#include "handlers/queue/amqp_method.h"

#include <string.h>

static size_t
method_begin(struct amqp_out *out, uint16_t channel, enum amqp_method method)
{
	size_t mark = amqp_frame_begin(out, AMQP_FRAME_METHOD, channel);

	amqp_put_u32(out, (uint32_t)method);
	return (mark);
}

void
amqp_put_plain(struct amqp_out *out, uint16_t channel, enum amqp_method method)
{
	amqp_frame_end(out, method_begin(out, channel, method));
}

void
amqp_put_greeting(struct amqp_out *out)
{
	amqp_put_bytes(out, "AMQP\x00\x00\x09\x01", 8);
}

void
amqp_put_start_ok(struct amqp_out *out, const char *name, const char *user,
    const void *password, size_t password_len)
{
	size_t mark = method_begin(out, 0, AMQP_CONNECTION_START_OK);
	size_t table = amqp_table_begin(out), within;

	amqp_table_text(out, "product", "klikitd");
	amqp_table_text(out, "connection_name", name);
	within = amqp_table_within(out, "capabilities");
	amqp_table_bool(out, "publisher_confirms", true);
	amqp_table_bool(out, "basic.nack", true);
	amqp_table_bool(out, "connection.blocked", true);
	/* A wrong password is said, not only shown by closing. */
	amqp_table_bool(out, "authentication_failure_close", true);
	amqp_table_end(out, within);
	amqp_table_end(out, table);
	amqp_put_short(out, "PLAIN");
	amqp_put_u32(out, (uint32_t)(strlen(user) + password_len + 2));
	amqp_put_u8(out, 0);
	amqp_put_bytes(out, user, strlen(user));
	amqp_put_u8(out, 0);
	amqp_put_bytes(out, password, password_len);
	amqp_put_short(out, "en_US");
	amqp_frame_end(out, mark);
}

void
amqp_put_tune_ok(struct amqp_out *out, const struct amqp_tune *tune)
{
	size_t mark = method_begin(out, 0, AMQP_CONNECTION_TUNE_OK);

	amqp_put_u16(out, tune->channel_max);
	amqp_put_u32(out, tune->frame_max);
	amqp_put_u16(out, tune->heartbeat_s);
	amqp_frame_end(out, mark);
}

void
amqp_put_open(struct amqp_out *out, const char *vhost)
{
	size_t mark = method_begin(out, 0, AMQP_CONNECTION_OPEN);

	amqp_put_short(out, vhost);
	amqp_put_short(out, ""); /* reserved */
	amqp_put_u8(out, 0);     /* reserved */
	amqp_frame_end(out, mark);
}

void
amqp_put_close(struct amqp_out *out)
{
	size_t mark = method_begin(out, 0, AMQP_CONNECTION_CLOSE);

	amqp_put_u16(out, 200);
	amqp_put_short(out, "klikitd leaves");
	amqp_put_u32(out, 0); /* no method is to blame */
	amqp_frame_end(out, mark);
}

void
amqp_put_channel_open(struct amqp_out *out, uint16_t channel)
{
	size_t mark = method_begin(out, channel, AMQP_CHANNEL_OPEN);

	amqp_put_short(out, ""); /* reserved */
	amqp_frame_end(out, mark);
}

void
amqp_put_flow_ok(struct amqp_out *out, uint16_t channel, bool active)
{
	size_t mark = method_begin(out, channel, AMQP_CHANNEL_FLOW_OK);

	amqp_put_u8(out, active);
	amqp_frame_end(out, mark);
}

void
amqp_put_confirm_select(struct amqp_out *out, uint16_t channel)
{
	size_t mark = method_begin(out, channel, AMQP_CONFIRM_SELECT);

	amqp_put_u8(out, 0); /* answer it */
	amqp_frame_end(out, mark);
}

static uint8_t
declare_bits(const struct amqp_declare *d, uint8_t auto_delete_bit)
{
	return ((uint8_t)((d->passive ? 1 : 0) | (d->durable ? 2 : 0) |
			  (d->auto_delete ? auto_delete_bit : 0)));
}

void
amqp_put_queue_declare(struct amqp_out *out, uint16_t channel,
    const struct amqp_declare *queue)
{
	size_t mark = method_begin(out, channel, AMQP_QUEUE_DECLARE), table;

	amqp_put_u16(out, 0); /* reserved */
	amqp_put_short(out, queue->name);
	amqp_put_u8(out, declare_bits(queue, 8));
	table = amqp_table_begin(out);
	if (queue->queue_type != NULL)
		amqp_table_text(out, "x-queue-type", queue->queue_type);
	if (queue->expires_ms != 0) {
		amqp_put_short(out, "x-expires");
		amqp_put_u8(out, 'I');
		amqp_put_u32(out, (uint32_t)queue->expires_ms);
	}
	amqp_table_end(out, table);
	amqp_frame_end(out, mark);
}

void
amqp_put_exchange_declare(struct amqp_out *out, uint16_t channel,
    const struct amqp_declare *exchange)
{
	size_t mark = method_begin(out, channel, AMQP_EXCHANGE_DECLARE);

	amqp_put_u16(out, 0); /* reserved */
	amqp_put_short(out, exchange->name);
	amqp_put_short(out, "direct"); /* not looked at when passive */
	amqp_put_u8(out, declare_bits(exchange, 4));
	amqp_table_end(out, amqp_table_begin(out));
	amqp_frame_end(out, mark);
}

void
amqp_put_queue_bind(struct amqp_out *out, uint16_t channel, const char *queue,
    const char *exchange, const char *routing_key)
{
	size_t mark = method_begin(out, channel, AMQP_QUEUE_BIND);

	amqp_put_u16(out, 0); /* reserved */
	amqp_put_short(out, queue);
	amqp_put_short(out, exchange);
	amqp_put_short(out, routing_key);
	amqp_put_u8(out, 0); /* answer it */
	amqp_table_end(out, amqp_table_begin(out));
	amqp_frame_end(out, mark);
}

void
amqp_put_heartbeat(struct amqp_out *out)
{
	amqp_frame_end(out, amqp_frame_begin(out, AMQP_FRAME_HEARTBEAT, 0));
}
