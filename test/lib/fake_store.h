/*
 * fake_store.h -- a store that keeps what it is given until a test says what
 * becomes of it.
 *
 * Owns: a store without threads (struct store_stand_in): the calls are those of
 *       the product, which copy what they are given, and nothing completes
 *       before the call has returned.
 */
#ifndef TEST_LIB_FAKE_STORE_H
#define TEST_LIB_FAKE_STORE_H

#include <sys/queue.h>

#include "store/store.h"

enum fake_call {
	FAKE_APPEND,
	FAKE_FINISH,
	FAKE_RUNNABLE,
	FAKE_REJECT,
	FAKE_START,
	FAKE_ACT,
	FAKE_PAUSE,
	FAKE_PURGE,
	FAKE_NCALLS
};

struct store_op;

/* A call under way, as it was made; what it points to is the operation's. */
struct fake_op {
	TAILQ_ENTRY(fake_op) link;
	enum fake_call call;
	struct store_op *op;
	struct store_event *ev; /* append */
	const struct store_job_spec *specs;
	size_t nspecs;
	struct store_outcome out; /* finish */
	const char *outcome;
	const char *answer;
	int64_t handler; /* runnable */
	size_t limit;
	struct steady_time now; /* runnable */
	int64_t now_ms;         /* start, act, pause */
	int64_t job;            /* start, act */
	unsigned skip;          /* start */
	enum store_act act;
	const char *name; /* pause: the handler, by whom, and why */
	const char *by;   /* NULL: to let it go on */
	const char *why;  /* act too */
	struct store_purge purge;
	const struct store_rejection *rejections; /* reject */
	size_t nrejections;
};

/* Owned by the caller. Fails the test when out of memory. */
struct store *fake_store_new(void);

/* Fails the test if a call is still under way. */
void fake_store_free(struct store *st);

/* Let the next n calls return -1. */
void fake_store_refuse(struct store *st, size_t n);

/* What was begun is not held any more: store_holds(). */
void fake_store_lose(struct store *st);

/* The oldest call under way, of any kind; NULL if there is none. */
struct fake_op *fake_store_first(struct store *st);

/* The oldest one of that kind; fails the test if there is none. */
struct fake_op *fake_store_find(struct store *st, enum fake_call call);

/* How many of that kind are under way. */
size_t fake_store_waiting(const struct store *st, enum fake_call call);

/* How many of that kind were accepted since the start. */
size_t fake_store_total(const struct store *st, enum fake_call call);

/*
 * Complete op: run its done() with res and free it. An event that was stored
 * gets res->id.
 */
void fake_store_complete(struct store *st, struct fake_op *op,
    const struct store_result *res);

/* Complete the oldest call of that kind with rc and nothing else. */
void fake_store_end(struct store *st, enum fake_call call, enum store_rc rc);

#endif /* TEST_LIB_FAKE_STORE_H */
