/*
 * clock_box.h -- a box in a kitchen: klikitd's clocks, pipeline and retention
 * over a real store, in a world whose true time only the test knows.
 *
 * Owns: the store and its directory, the loop, the modules, a handler "pos"
 *       and the alarm "bell" that it has after BOX_DEADLINE_MS. Links the fake
 *       clock and the fake log.
 */
#ifndef TEST_LIB_CLOCK_BOX_H
#define TEST_LIB_CLOCK_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "server/base/steady.h"
#include "test/lib/store_case.h"

#define BOX_DEADLINE_MS INT64_C(180000)
#define BOX_RETRY_MS INT64_C(600000)
#define BOX_BODIES_MS (30 * STEADY_DAY_MS)
#define BOX_IDS_MS (400 * STEADY_DAY_MS)
#define BOX_EVENTS 26
#define BOX_CALLS_MAX 8

/* What became of an event, in true time. */
struct box_event {
	int64_t came_ms; /* 0: there is none */
	int64_t rang_ms; /* its alarm; 0: it did not */
	int64_t called_ms[BOX_CALLS_MAX];
	unsigned calls;
	unsigned rings;
};

struct box {
	struct store_case c;
	struct event_base *base;
	struct clock_watch *clock;
	struct rejections *rej;
	struct dispatch *dispatch;
	struct ingest *ingest;
	struct janitor *janitor;
	struct handler_env env;
	int64_t pos; /* their numbers in the store */
	int64_t bell;
	int64_t true_ms;
	bool pos_works;
	struct box_event events[BOX_EVENTS]; /* "A" to "Z" */
};

/* A new box with a new store, switched on at that time of its wall clock. */
void box_open(struct box *b, int64_t wall_ms);
void box_close(struct box *b);

/* Do what is to be done now. */
void box_settle(struct box *b);

/* Let so much time pass, looking at the box each step_ms. */
void box_pass(struct box *b, int64_t ms, int64_t step_ms);

/* The machine sleeps for so long. */
void box_sleep(struct box *b, int64_t ms);

/* The wall clock is set by so much. */
void box_step(struct box *b, int64_t ms);

/* klikitd is away for so long; killed: without having its clock kept. */
void box_restart(struct box *b, int64_t ms, bool killed);

/* The machine is off for so long, and its clock says that afterwards. */
void box_reboot(struct box *b, int64_t off_ms, int64_t wall_ms, bool killed);

/* Deliver the event of that letter, with an order of its own. */
struct box_event *box_deliver(struct box *b, char letter);

/* Rows in a table. */
int64_t box_count(const struct box *b, const char *table);

#endif /* TEST_LIB_CLOCK_BOX_H */
