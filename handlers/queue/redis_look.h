/*
 * redis_look.h -- doctor's look at a Redis: connect, log in, ask, say what was
 * found.
 *
 * Owns:    what is under way of that.
 * Touches: the loop, a session, which is its from then on. What is asked and
 *          what it is worth stands in redis_inspect.h.
 */
#ifndef HANDLERS_QUEUE_REDIS_LOOK_H
#define HANDLERS_QUEUE_REDIS_LOOK_H

#include "handlers/handler.h"
#include "handlers/queue/redis_entry.h"
#include "handlers/queue/redis_session.h"

struct redis_look; /* opaque */

/*
 * Begin; handler.h, inspect(), has when in's functions run. Copies in, keeps
 * session and stream. NULL when out of memory.
 */
struct redis_look *redis_look_new(struct event_base *base,
    struct redis_session *session, const struct redis_stream *stream,
    const struct handler_inspection *in);

/* At any time, before its session is freed. Accepts NULL. */
void redis_look_free(struct redis_look *look);

#endif /* HANDLERS_QUEUE_REDIS_LOOK_H */
