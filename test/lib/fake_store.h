/*
 * fake_store.h -- a store that keeps what it is given until a test says what
 * becomes of it.
 *
 * Owns: the functions of store/store.h that the pipeline calls; link it
 *       before the store's library. Like the real one it copies what it is
 *       given, and never completes a call before it has returned.
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

/* A call under way, as it was made. */
struct fake_op {
	TAILQ_ENTRY(fake_op) link;
	enum fake_call call;
	struct store_event *ev; /* append: a reference */
	struct store_job_spec *specs;
	size_t nspecs;
	struct store_outcome out; /* finish: its texts are the op's */
	char outcome[512];
	struct store_attempt attempt;
	char answer[2048];
	int64_t handler; /* runnable */
	size_t limit;
	struct steady_time now; /* runnable */
	int64_t now_ms;         /* start, act, pause */
	int64_t job;            /* start, act */
	unsigned skip;          /* start */
	enum store_act act;
	char name[64]; /* pause: the handler, by whom, and why */
	char by[64];   /* "" for NULL */
	char why[512]; /* act too */
	struct store_purge purge;
	struct store_rejection *rejections; /* reject: its texts too */
	size_t nrejections;
	store_done_fn *done;
	void *arg;
};

/* Owned by the caller. Fails the test when out of memory. */
struct store *fake_store_new(void);

/* Fails the test if a call is still under way. */
void fake_store_free(struct store *st);

/* Let the next n calls return -1. */
void fake_store_refuse(struct store *st, size_t n);

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
