/*
 * amqp_session.h -- one connection's talk with a broker by AMQP 0-9-1: the
 * login, its channel, what each frame that comes in means.
 *
 * Owns: nothing but its fields. Pure: frames in; answers and news out.
 *
 *   START -> TUNE -> OPEN -> CHANNEL -> CONFIRM -> [QUEUE -> [BIND ->]] UP
 *      \       \       \         \          \          \         \      \
 *       +-------+-------+---------+----------+----------+---------+------> OVER
 *
 * Each step but UP and OVER waits for the answer that its name says. OVER: the
 * broker has closed the connection or our channel, or broke the protocol, and
 * nothing more of it is read.
 */
#ifndef HANDLERS_QUEUE_AMQP_SESSION_H
#define HANDLERS_QUEUE_AMQP_SESSION_H

#include "handlers/queue/amqp_frame.h"
#include "handlers/queue/amqp_method.h"

#define AMQP_CHANNEL 1         /* the one that we send on */
#define AMQP_CHANNELS_MAX 2047 /* as others ask for, too */
#define AMQP_HEARTBEAT_S 60    /* at most: what we ask for */
#define AMQP_TEXT_MAX 256

enum amqp_step {
	AMQP_STEP_START,
	AMQP_STEP_TUNE,
	AMQP_STEP_OPEN,
	AMQP_STEP_CHANNEL,
	AMQP_STEP_CONFIRM,
	AMQP_STEP_QUEUE,
	AMQP_STEP_BIND,
	AMQP_STEP_UP,
	AMQP_STEP_OVER
};
#define AMQP_NSTEPS (AMQP_STEP_OVER + 1)

/* As whom, where to, and what there must be. All is kept, not copied. */
struct amqp_login {
	const char *name; /* of the connection, in the broker's lists */
	const char *user;
	const void *password;
	size_t password_len;
	const char *vhost;
	/* A queue to be declared; NULL: none. */
	const char *queue;
	const char *queue_type; /* "quorum", "classic" */
	const char *exchange;   /* bind it there; empty: it is bound already */
};

enum amqp_said {
	AMQP_SAID_NOTHING,   /* that matters to anybody else */
	AMQP_SAID_UP,        /* the login is done */
	AMQP_SAID_ACK,       /* tag, multiple */
	AMQP_SAID_NACK,      /* likewise */
	AMQP_SAID_RETURN,    /* message_id, code, text: it reached no queue */
	AMQP_SAID_BLOCKED,   /* text: send nothing until UNBLOCKED */
	AMQP_SAID_UNBLOCKED, /* all that asked for a pause take it back */
	AMQP_SAID_FOUND,     /* amqp_session_ask(): it is there */
	AMQP_SAID_MISSING,   /* it is not, or not so: code, text */
	AMQP_SAID_CLOSED,    /* the connection: code, text, during, method */
	AMQP_SAID_CHANNEL_CLOSED, /* ours: likewise */
	AMQP_SAID_BROKEN          /* reason: the end of a sentence about it */
};

struct amqp_news {
	enum amqp_said said;
	uint64_t tag; /* 0 with multiple: all */
	bool multiple;
	int code;
	enum amqp_step during;    /* the step at which it came */
	uint32_t method;          /* that the broker blames; 0: none */
	char text[AMQP_TEXT_MAX]; /* in the broker's words, any bytes */
	char message_id[AMQP_SHORT_MAX + 1];
	const char *reason;
};

/* A message that comes back: a method, a header, and what the body is. */
struct amqp_returned {
	bool header_due;
	uint64_t body_left;
	bool under_way;
	int code;
	char text[AMQP_TEXT_MAX];
	char message_id[AMQP_SHORT_MAX + 1];
};

struct amqp_session {
	/* To be read. */
	enum amqp_step step;
	struct amqp_tune tune; /* as agreed upon; from OPEN on */

	/* Private. */
	const struct amqp_login *login;
	struct amqp_returned returned;
	bool blocked;
	bool flow_off;
	uint16_t asked; /* the channel of amqp_session_ask(); 0: none yet */
	bool asked_exchange;
	bool asking;
	struct amqp_declare ask;
};

/* Begin: writes the greeting. Keeps login. */
void amqp_session_begin(struct amqp_session *s, const struct amqp_login *login,
    struct amqp_out *out);

/*
 * A frame has come. What is to be answered is added to out; of BROKEN nothing
 * of out is to be sent. ret_news->said is also returned.
 */
enum amqp_said amqp_session_read(struct amqp_session *s,
    const struct amqp_frame *frame, struct amqp_out *out,
    struct amqp_news *ret_news);

/*
 * UP, and nothing asked that is not answered: is there such an exchange, or
 * else queue? Asked on a channel of its own, as the answer may close it. Keeps
 * what there is named.
 */
void amqp_session_ask(struct amqp_session *s, bool exchange,
    const struct amqp_declare *what, struct amqp_out *out);

#endif /* HANDLERS_QUEUE_AMQP_SESSION_H */
