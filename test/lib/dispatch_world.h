/*
 * dispatch_world.h -- a dispatch at work over a model of the store.
 *
 * Owns: the loop, the fake store and what is true in it: a list of jobs with
 *       their states, as many as a test wants; handlers that give the verdict
 *       a test asks for and keep count of what they were given.
 */
#ifndef TEST_LIB_DISPATCH_WORLD_H
#define TEST_LIB_DISPATCH_WORLD_H

#include "handlers/handler.h"
#include "server/base/steady.h"
#include "server/dispatch/dispatch.h"
#include "test/lib/fake_store.h"

struct event_base;

#define WORLD_HANDLERS_MAX 4
#define WORLD_CALLS_MAX 128
#define WORLD_MAX_AGE_MS INT64_C(3600000)

struct world_job {
	int64_t id; /* its place in the list, from 1; its event's too */
	int64_t handler;
	int64_t behind; /* runs only after that job; 0: none */
	enum job_state state;
	int64_t due_ms;  /* with JOB_WAITING; by the steady clock */
	int64_t came_ms; /* its event, too; 0: at the start of the clock */
	unsigned attempts;
	unsigned runs; /* times that it was handed to its handler */
	bool replay;
	int64_t guards;
	bool bad;   /* its calls fail, with the world's bad_fault */
	bool hangs; /* its calls stay PENDING */
};

struct world {
	struct event_base *base;
	struct store *st;
	struct dispatch *d;
	struct handler_env env;
	struct steady clock;
	struct world_job *jobs;
	size_t njobs;
	size_t first; /* all jobs before it have ended */
	enum handler_verdict verdict;
	enum handler_fault bad_fault;

	/* Outlets: handlers with a number from here on; 0: none. */
	int64_t outlets;
	size_t concurrency; /* 0: 4 */
	bool once;
	bool batches;     /* new outlets have a flush() */
	bool flush_ends;  /* it ends what it flushes, with DONE */
	size_t flushes;   /* times that it was called */
	size_t unflushed; /* calls that are PENDING since the last one */
	size_t batch;     /* calls that the last one found so */
	bool pulled;      /* new outlets are */
	size_t room;      /* of them: jobs that somebody waits for */
	bool away;        /* nobody has come for long */
	size_t retired;
	size_t hurries;  /* times that an outlet was to wait no longer */
	bool kept;       /* what recorded() was called with last */
	size_t recorded; /* times that it was */
	int64_t alarm_max_ms;
	bool paused;                  /* new ones are, at world_handlers() */
	size_t body_len;              /* of events, as it is said */
	const char *type;             /* of events; NULL: a created one */
	struct handler_result result; /* what run() gives, but the verdict */
	struct handler_call *calls[WORLD_CALLS_MAX]; /* PENDING, oldest first */
	int64_t calling[WORLD_CALLS_MAX];            /* their jobs */
	size_t ncalls;
	size_t calls_max;       /* most ever at once */
	size_t cancelled;       /* calls */
	size_t bodies;          /* outlet jobs that came with a body */
	unsigned attempt;       /* of the last outlet job */
	enum store_rc start_rc; /* what becomes of starts */
	int64_t already;        /* a job that ends so instead of starting */

	enum store_rc finish_rc; /* what becomes of outcomes */
	int64_t refuse_done;     /* a job whose rows break a constraint */
	bool begins_next;        /* with an end, if that is asked for */
	size_t runs;
	size_t disorder; /* runs of a job after a later one */
	int64_t last[WORLD_HANDLERS_MAX + 1]; /* run, by handler */
	size_t opened;                        /* handlers that live */
	size_t queue_max;   /* most jobs ever seen in one queue */
	size_t records_max; /* most outcomes ever seen under way */
	char outcome[512];  /* of the last outcome recorded */
};

/* cmocka's setup and teardown: *state is the world. */
int world_setup(void **state);
int world_teardown(void **state);
#define world_test(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* The world with one handler, an outlet with that verdict; calls at once. */
struct world *world_outlet(void **state, enum handler_verdict verdict,
    size_t concurrency);

/* The same, with n jobs, and as many calls at once as usual. */
struct world *world_calls(void **state, enum handler_verdict verdict, size_t n);

/*
 * Put the handlers 1 to n to work; one that is named in `without' (a number;
 * 0: none) is left out.
 */
void world_handlers(struct world *w, size_t n, int64_t without);

/* The same, where it may fail: as dispatch_set_handlers(). */
int world_try_handlers(struct world *w, size_t n, int64_t without);

/* n jobs more in the store, of that handler; dispatch does not know. */
void world_add(struct world *w, size_t n, int64_t handler);

/* A new event with one job was committed: dispatch holds it. */
int64_t world_arrive(struct world *w, int64_t handler);

/* The oldest PENDING call ends so; world.result has the rest. */
void world_finish(struct world *w, enum handler_verdict verdict);

/* Complete all calls under way, in their order, as the model says. */
void world_serve(struct world *w);

/* One turn of the loop, without waiting. */
void world_turn(struct world *w);

/* Turns and answers until nothing happens any more. */
void world_settle(struct world *w);

/* Jobs in that state. */
size_t world_count(const struct world *w, enum job_state state);

#endif /* TEST_LIB_DISPATCH_WORLD_H */
