/*
 * live_handler.h -- a configured handler at work.
 *
 * Owns: its instance, its settings, its backlog and its gate. The runs in the
 *       backlog belong to dispatch, which moves them.
 */
#ifndef SERVER_LIVE_HANDLER_H
#define SERVER_LIVE_HANDLER_H

#include "server/base/histogram.h"
#include "server/dispatch/dispatch_handler.h"
#include "server/dispatch/turn.h"

/* A handler's instance; outlives a reload while calls of it are under way. */
struct shared_instance {
	TAILQ_ENTRY(shared_instance) link; /* in a list of those to be closed */
	struct handler_instance *instance;
	size_t calls;   /* runs that are CALLING with it */
	bool unflushed; /* one of them became so since its last flush() */
};
TAILQ_HEAD(instance_list, shared_instance);

struct live_handler {
	int64_t number;
	char *name;
	struct shared_instance *shared;
	bool outlet;
	int64_t *retry_ms;
	size_t nretry;
	int64_t max_age_ms;
	int64_t wait_max_ms; /* no due time of our clock is further ahead */
	bool once_per_order;
	bool sends_repeats;
	bool logs_answers;
	bool paused;
	size_t starting;  /* its runs in that state */
	bool release;     /* others may have its jobs, if nobody is here */
	bool holds;       /* the store may have some for us alone */
	bool releasing;   /* it is asked to let others have them */
	struct gate gate; /* of an outlet */
	struct backlog backlog;
	struct turns turns;
	struct dispatch_attempts attempts;
	struct histogram calls;         /* how long they took: call_time.h */
	char error[HANDLER_REASON_MAX]; /* of its last attempt; or empty */
	int64_t error_ms;
	struct steady_time failing_since; /* see struct dispatch_live */
	bool works;
};

/*
 * Put h to work. Returns 0; or -1 and a reason, and then live is fit for
 * live_handler_fini().
 */
int live_handler_init(struct live_handler *live, const struct handler_env *env,
    const struct dispatch_handler *h, char reason[HANDLER_REASON_MAX]);

/* Go on with the backlog and the knowledge of old. */
void live_handler_inherit(struct live_handler *live, struct live_handler *old);

/*
 * Free all but the runs: its backlog must be empty. The instance joins closing
 * if calls of it are under way.
 */
void live_handler_fini(struct live_handler *live,
    struct instance_list *closing);

/*
 * May a job of it be started now: is it not paused, and, if it is pulled, is
 * there somebody to hand it to?
 */
bool live_handler_has_room(const struct live_handler *live);

/* Is it pulled, and has nobody come for long? Its jobs stay in the store. */
bool live_handler_is_away(const struct live_handler *live);

/* What the choice of its next job depends on; borrows live and pace. */
struct turn live_handler_turn(const struct live_handler *live,
    const struct pace *pace, struct moment now);

/* Flush it, if calls were begun since it was last. */
void instance_flush(struct shared_instance *shared);

/* Close the instances whose calls have ended. */
void instances_sweep(struct instance_list *closing);

#endif /* SERVER_LIVE_HANDLER_H */
