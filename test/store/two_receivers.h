/*
 * two_receivers.h -- two receivers on one database, and what they do to jobs.
 *
 * Whatever goes wrong fails the test.
 */
#ifndef TEST_STORE_TWO_RECEIVERS_H
#define TEST_STORE_TWO_RECEIVERS_H

#include <stdint.h>

#include "test/lib/case_database.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000

extern struct store_case a; /* has the database */
extern struct store_case b;
extern const char *const order[]; /* "1" alone */

/* For cmocka: both are open. */
int two_setup(void **state);
int two_teardown(void **state);
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, two_setup, two_teardown)

/* Open b on the database of a. */
void open_b(void);

/* Each is done when it returns, but for the one that is queued. */
struct case_result start(struct store_case *c, int64_t job);
struct case_result start_skipping(struct store_case *c, int64_t job,
    unsigned skip);
struct case_result finish(struct store_case *c, int64_t job, unsigned number,
    enum job_state to);
struct case_result act(struct store_case *c, enum store_act what, int64_t job);
void queue_act(struct store_case *c, enum store_act what, int64_t job,
    struct case_result *r);

/* A job of b's that b has begun, and an alarm that guards it. */
struct case_result append_guarded(int64_t h, int64_t bell);

#endif /* TEST_STORE_TWO_RECEIVERS_H */
