/*
 * intake_case.h -- rejections on their way to a fake store, with a clock, a log
 * and memory that obey.
 */
#ifndef TEST_LIB_INTAKE_CASE_H
#define TEST_LIB_INTAKE_CASE_H

#include <stdint.h>

#include "server/intake/rejections.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_log.h"
#include "test/lib/fake_store.h"
#include "test/lib/heap.h"

struct intake_case {
	struct event_base *base;
	struct store *st;
	struct rejections *rej;
};

/* Clock and log begin anew. */
void intake_case_init(struct intake_case *c);

/* Ends what is still under way in the store: rejections are written. */
void intake_case_fini(struct intake_case *c);

/* Let time pass, then turn the loop once. */
void intake_case_pass_ms(struct intake_case *c, int64_t ms);

/* cmocka's, where *state is such a case and nothing more. */
int intake_case_setup(void **state);
int intake_case_teardown(void **state);

#endif /* TEST_LIB_INTAKE_CASE_H */
