/*
 * deliveries.h -- an ingest at work, and what its callers are told.
 *
 * Owns: the world of dispatch, rejections and ingest over it, with one route
 *       to handler 1 for every event.
 */
#ifndef TEST_LIB_DELIVERIES_H
#define TEST_LIB_DELIVERIES_H

#include <stdbool.h>

#include "server/intake/ingest.h"
#include "server/intake/rejections.h"
#include "test/lib/dispatch_world.h"

#define CREATED "klikit.order.created.v2"
#define BODY                                                                   \
	"{\"brand_id\":7,\"branch_id\":9,\"orders\":[{\"id\":81,\"status\":1}" \
	"]}"

struct deliveries {
	struct world *w; /* the store, the loop and dispatch */
	struct rejections *rej;
	struct ingest *in;
	const struct selection *fits; /* what its endpoint takes; NULL: all */
};

/* What a delivery's caller is told; static, as teardown may still tell it. */
struct deliveries_answer {
	struct deliveries *f;
	int times;
	bool resubmit; /* from inside done() */
	enum ingest_rc rc;
	int64_t event;
};

/* cmocka's setup and teardown: *state is the struct deliveries. */
int deliveries_setup(void **state);
int deliveries_teardown(void **state);

/*
 * Submit a delivery with the id evt-1, and free its body if it stays the
 * caller's. Fails the test if the answer comes before the call returns.
 */
enum ingest_rc deliveries_submit_type(struct deliveries *f, const char *type,
    const char *body, struct deliveries_answer *a);

/* The same with the type CREATED. */
enum ingest_rc deliveries_submit(struct deliveries *f, const char *body,
    struct deliveries_answer *a);

/* Deliveries that the store has not answered. */
size_t deliveries_appends(const struct deliveries *f);

/* The oldest delivery is committed as event id, with one job for handler 1. */
void deliveries_commit(struct deliveries *f, int64_t id);

/* Let time pass, then turn the loop once. */
void deliveries_pass_ms(struct deliveries *f, int64_t ms);

#endif /* TEST_LIB_DELIVERIES_H */
