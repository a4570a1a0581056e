/*
 * attempts_case.h -- what the tests of attempts, and of what is done to jobs by
 * hand, share: one store, and calls that wait for what became of them.
 *
 * Owns: the store case, between setup and teardown.
 */
#ifndef TEST_LIB_ATTEMPTS_CASE_H
#define TEST_LIB_ATTEMPTS_CASE_H

#include "test/lib/store_case.h"

#define ATTEMPTS_NOW 1750000000000

extern struct store_case attempts_case;

/* For cmocka: an open store, a closed one. */
int attempts_setup(void **state);
int attempts_teardown(void **state);
#define ATTEMPTS_CASE(name)                                                    \
	cmocka_unit_test_setup_teardown(name, attempts_setup, attempts_teardown)

/* The job that store_start() or store_act() handed out. */
struct started {
	struct case_result res;
	unsigned attempts;
	bool begun;
	bool replay;
	int64_t guards;
	int64_t key_of;
	char body[64];
};

/* Start a job; once: it may end as `already'. */
struct started case_start(int64_t job, bool once);

/* A job is done, and so are its orders: begin the next, as the store may. */
struct started case_go_on(int64_t job, bool (*once)(const char *type));

/* Have that done to a job by hand. */
struct started case_act(enum store_act what, int64_t job, const char *why);

/* End an attempt, its orders done for good. */
struct case_result case_serve(int64_t job);

/* Append an event with these specs; the ids of its runnable jobs. */
struct case_result case_append_specs(const char *id, const char *const *orders,
    const struct store_job_spec *specs, size_t n);

/* An event with a job of h and an alarm of bell for it, due at ATTEMPTS_NOW +
 * 100. */
struct case_result case_append_guarded(const char *id, int64_t h, int64_t bell);

/* The number of rows that a condition on jobs names. */
int64_t case_jobs_where(const char *condition);

#endif /* TEST_LIB_ATTEMPTS_CASE_H */
