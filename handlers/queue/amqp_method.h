/*
 * amqp_method.h -- the methods of AMQP 0-9-1 that we send, each as a frame.
 *
 * Owns: nothing; pure. What cannot be written leaves out->failed.
 *
 * Numbers are those of the protocol's list of methods (amqp0-9-1.xml); those of
 * confirm, basic.nack and connection.blocked are RabbitMQ's extensions.
 */
#ifndef HANDLERS_QUEUE_AMQP_METHOD_H
#define HANDLERS_QUEUE_AMQP_METHOD_H

#include "handlers/queue/amqp_frame.h"

/* Class and method in one number, as they stand in a frame. */
#define AMQP_ID(class_id, method_id) ((uint32_t)(class_id) << 16 | (method_id))

enum amqp_method {
	AMQP_CONNECTION_START = AMQP_ID(10, 10),
	AMQP_CONNECTION_START_OK = AMQP_ID(10, 11),
	AMQP_CONNECTION_SECURE = AMQP_ID(10, 20),
	AMQP_CONNECTION_TUNE = AMQP_ID(10, 30),
	AMQP_CONNECTION_TUNE_OK = AMQP_ID(10, 31),
	AMQP_CONNECTION_OPEN = AMQP_ID(10, 40),
	AMQP_CONNECTION_OPEN_OK = AMQP_ID(10, 41),
	AMQP_CONNECTION_CLOSE = AMQP_ID(10, 50),
	AMQP_CONNECTION_CLOSE_OK = AMQP_ID(10, 51),
	AMQP_CONNECTION_BLOCKED = AMQP_ID(10, 60),
	AMQP_CONNECTION_UNBLOCKED = AMQP_ID(10, 61),
	AMQP_CHANNEL_OPEN = AMQP_ID(20, 10),
	AMQP_CHANNEL_OPEN_OK = AMQP_ID(20, 11),
	AMQP_CHANNEL_FLOW = AMQP_ID(20, 20),
	AMQP_CHANNEL_FLOW_OK = AMQP_ID(20, 21),
	AMQP_CHANNEL_CLOSE = AMQP_ID(20, 40),
	AMQP_CHANNEL_CLOSE_OK = AMQP_ID(20, 41),
	AMQP_EXCHANGE_DECLARE = AMQP_ID(40, 10),
	AMQP_EXCHANGE_DECLARE_OK = AMQP_ID(40, 11),
	AMQP_QUEUE_DECLARE = AMQP_ID(50, 10),
	AMQP_QUEUE_DECLARE_OK = AMQP_ID(50, 11),
	AMQP_QUEUE_BIND = AMQP_ID(50, 20),
	AMQP_QUEUE_BIND_OK = AMQP_ID(50, 21),
	AMQP_BASIC_PUBLISH = AMQP_ID(60, 40),
	AMQP_BASIC_RETURN = AMQP_ID(60, 50),
	AMQP_BASIC_ACK = AMQP_ID(60, 80),
	AMQP_BASIC_NACK = AMQP_ID(60, 120),
	AMQP_CONFIRM_SELECT = AMQP_ID(85, 10),
	AMQP_CONFIRM_SELECT_OK = AMQP_ID(85, 11)
};

/* What both sides say that a connection is to bear. */
struct amqp_tune {
	uint16_t channel_max; /* 0: no limit */
	uint32_t frame_max;   /* bytes; 0: no limit */
	uint16_t heartbeat_s; /* 0: none */
};

/* Of a queue or an exchange. */
struct amqp_declare {
	const char *name;
	bool passive; /* only look whether it is there */
	bool durable;
	bool auto_delete;
	const char *queue_type; /* x-queue-type; NULL: not said */
	int32_t expires_ms;     /* x-expires; 0: never */
};

/* The eight bytes with which a connection begins (4.2.2). */
void amqp_put_greeting(struct amqp_out *out);

/*
 * StartOk: log in by PLAIN (RFC 4616). name is what the broker's lists call
 * this connection.
 */
void amqp_put_start_ok(struct amqp_out *out, const char *name, const char *user,
    const void *password, size_t password_len);

void amqp_put_tune_ok(struct amqp_out *out, const struct amqp_tune *tune);
void amqp_put_open(struct amqp_out *out, const char *vhost);
void amqp_put_close(struct amqp_out *out);
void amqp_put_channel_open(struct amqp_out *out, uint16_t channel);
void amqp_put_flow_ok(struct amqp_out *out, uint16_t channel, bool active);
void amqp_put_confirm_select(struct amqp_out *out, uint16_t channel);
void amqp_put_queue_declare(struct amqp_out *out, uint16_t channel,
    const struct amqp_declare *queue);
void amqp_put_exchange_declare(struct amqp_out *out, uint16_t channel,
    const struct amqp_declare *exchange);
void amqp_put_queue_bind(struct amqp_out *out, uint16_t channel,
    const char *queue, const char *exchange, const char *routing_key);
void amqp_put_heartbeat(struct amqp_out *out);

/* A method without arguments: CLOSE_OK. */
void amqp_put_plain(struct amqp_out *out, uint16_t channel,
    enum amqp_method method);

#endif /* HANDLERS_QUEUE_AMQP_METHOD_H */
