/*
 * pg_pipe_case.h -- a connection of the backend on PostgreSQL, by way of a
 * proxy, for each test; one database for all of a program's.
 */
#ifndef TEST_STORE_PG_PIPE_CASE_H
#define TEST_STORE_PG_PIPE_CASE_H

#include "store/postgres/pipe.h"
#include "store/postgres/row.h"
#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/pg_proxy.h"

#define LONG_MS 60000 /* nobody waits for that */
#define SHORT_MS 300  /* somebody waits for that, in vain */

struct world {
	struct case_database *db;
	struct pg_proxy *proxy;
	char url[256]; /* past the proxy */
	char through[256];
	int stop_fd;
	struct pg_conn *c;
	struct arena mem;
	char reason[STORE_REASON_MAX];
};

extern const struct pg_statement add; /* $1 and $2 */

int pg_pipe_setup_all(void **state);
int pg_pipe_teardown_all(void **state);
int pg_pipe_setup(void **state);
int pg_pipe_teardown(void **state);

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, pg_pipe_setup, pg_pipe_teardown)

/* w->c is the new connection, or as before. */
enum store_rc try_connect(struct world *w, const char *url, unsigned within_ms);
void connect_through(struct world *w);

/* Arguments for a statement; valid until the test ends. */
const struct pg_args *two(struct world *w, struct pg_args *a, int64_t first,
    int64_t second);

/* Ask for a sum, of which the answer is dropped. */
enum store_rc ask(struct world *w);

/* The connection is good: it adds. */
void assert_works(struct world *w);

#endif /* TEST_STORE_PG_PIPE_CASE_H */
