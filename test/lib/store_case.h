/*
 * store_case.h -- what the tests of the store share: a private directory, a
 * store, small events, and results that outlive their callback.
 *
 * The store is a file in that directory, or with STORE_CASE=postgres in the
 * environment a database of its own: test/store/meson.build runs one program
 * with the one and the other.
 *
 * Owns: the directory and all in it, the database, the store. Fails by cmocka's
 * assertions.
 */
#ifndef TEST_LIB_STORE_CASE_H
#define TEST_LIB_STORE_CASE_H

#include "store/store_ops.h"
#include "store/store_read.h"

struct CMUnitTest;
struct case_database;

#define STORE_CASE_PATH_MAX 256

struct store_case {
	char dir[64];
	char path[STORE_CASE_PATH_MAX]; /* of the file; "": it is none */
	struct case_database *db;       /* NULL: it is a file */
	char url[STORE_CASE_PATH_MAX + 8];
	struct store *st;
	const struct store_setup *setup; /* NULL: the product's */
	unsigned batch_max;
	size_t queue_max;
	char reason[STORE_REASON_MAX];
	unsigned nnotes;             /* that the store gave */
	char note[STORE_REASON_MAX]; /* the last one */
};

/*
 * cmocka_run_group_tests_name(), but for the tests that STORE_CASE_WITHOUT in
 * the environment names, separated by blanks. Each must be one.
 */
#define store_case_run(name, tests)                                            \
	store_case_run_tests(name, tests, sizeof(tests) / sizeof((tests)[0]))
int store_case_run_tests(const char *name, const struct CMUnitTest *tests,
    size_t n);

/* Is it a database that several receivers may share? */
bool store_case_is_shared(void);

/* A directory, without a store in it yet; of a database, an empty one. */
void store_case_init(struct store_case *c);

/*
 * Open the store in it, and wait until it is fit for writing; the test fails
 * if that fails.
 */
void store_case_open(struct store_case *c);

/* Wait until there is something to collect, and do so. */
void store_case_collect(struct store_case *c);

/* Collect until the health is this one. */
void store_case_wait_health(struct store_case *c, enum store_health health);

/* The mode bits of the file beside the store with that suffix; 0: none. */
unsigned store_case_mode(const struct store_case *c, const char *suffix);

/* The reason of the last failure is one line that names the store. */
void store_case_assert_reason(const struct store_case *c);

/* Open it in a mode and say how that went; the reason is in c. */
enum store_rc store_case_try(struct store_case *c, enum store_mode mode);

void store_case_close(struct store_case *c);

/* Close the store; remove the directory, and the database. */
void store_case_fini(struct store_case *c);

/* For cmocka; *state is the case: init(), then open() as well; and fini(). */
int store_case_setup(void **state);
int store_case_setup_open(void **state);
int store_case_teardown(void **state);

/* DIR/name, valid until the call after the next. */
const char *store_case_file(const struct store_case *c, const char *name);

/* Is that there? */
bool store_case_has_file(const struct store_case *c, const char *name);

/* One number by SQL, over a connection of its own. */
int64_t store_case_int(const struct store_case *c, const char *sql);

/* Run SQL on a closed store. */
void store_case_sql(const struct store_case *c, const char *sql);

/*
 * Does the store hold that text? In a file and its log that is any byte of
 * them; in a database what SQL can read.
 */
bool store_case_says(const struct store_case *c, const char *text);

/* What a done() was given; texts and events are not kept, but ids are. */
#define CASE_RUNNABLE_MAX 256
struct case_result {
	unsigned calls;
	enum store_rc rc;
	int64_t id;
	bool conflict;
	uint64_t written;
	size_t nrunnable;
	int64_t runnable[CASE_RUNNABLE_MAX];
	int64_t next_due_ms;
	char event_id[64]; /* of the first runnable job's event */
	char reason[STORE_REASON_MAX];
};

/* store_done_fn: note the result in arg, a struct case_result. */
void case_done_cb(const struct store_result *res, void *arg);

/* An event with that id that carries these orders (up to NULL). */
#define CASE_ORDERS_MAX 4096
struct store_event *case_event(const char *event_id, const char *body,
    const char *const *order_ids);

/* Queue an append of a new event and forget the event. */
void case_queue_append(struct store_case *c, const char *event_id,
    const char *const *order_ids, int64_t handler, struct case_result *res);

/* The same, waited for; one ordered job for the whole event. */
struct case_result case_append(struct store_case *c, const char *event_id,
    const char *const *order_ids, int64_t handler);

/* The number of the job's attempt that is under way; 0: none is. Waits. */
unsigned case_number(struct store_case *c, int64_t job);

/* Queue a verdict without rows about a job that was not started. */
void case_queue_finish(struct store_case *c, int64_t job, enum job_state to,
    int64_t due_ms, struct case_result *res);

/* The same of one that was started, or not; waited for. */
struct case_result case_finish(struct store_case *c, int64_t job,
    enum job_state to, int64_t due_ms);

struct case_result case_runnable(struct store_case *c, int64_t handler,
    size_t limit, int64_t now_ms);

/* The number of a handler. */
int64_t case_handler(struct store_case *c, const char *name);

#endif /* TEST_LIB_STORE_CASE_H */
