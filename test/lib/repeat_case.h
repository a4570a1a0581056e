/*
 * repeat_case.h -- a store that looks for repeats, and events that may be some.
 *
 * Owns: one store_case of the test program, with a handler and its alarm.
 */
#ifndef TEST_LIB_REPEAT_CASE_H
#define TEST_LIB_REPEAT_CASE_H

#include "test/lib/store_case.h"

#define NOW INT64_C(1750000000000)
#define WINDOW 1000000
#define TIME "2026-06-25T09:14:11Z"
#define CREATED "klikit.order.created.v2"

extern struct store_case repeat_case;
extern int64_t repeat_handler, repeat_bell;

/* Close the store, if it is open, and open it again. */
void repeat_reopen(void);

/* cmocka's setup and teardown. */
int repeat_setup(void **state);
int repeat_teardown(void **state);

/* An event, beside what all of them are. */
struct repeat_given {
	const char *id;
	const char *body;
	const char *orders[3];
	const char *time;   /* of its orders; NULL: they have none */
	const char *type;   /* NULL: CREATED */
	const char *secret; /* NULL: "s"; each makes digests of its own */
	const char *scope;
	int64_t at_ms; /* after NOW */
	bool unordered, unrouted, alarmed;
};

struct case_result repeat_append(struct repeat_given g);

/* A plain one, whose order has a time; the same without a time. */
struct case_result repeat_timed(const char *id, const char *body);
struct case_result repeat_timeless(const char *id, const char *body);

/* The rows of "TABLE WHERE ...". */
int64_t repeat_count(const char *from);

/* The number of the event that this one repeats; 0: none. */
int64_t repeat_original(const char *id);

/* Begin a job; end it; do it again by hand. */
struct case_result repeat_start(int64_t job, unsigned skip);
struct case_result repeat_end(int64_t job, enum job_state to);
struct case_result repeat_replay(int64_t job);

#endif /* TEST_LIB_REPEAT_CASE_H */
