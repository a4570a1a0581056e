/*
 * dial.c: connecting has an end, though looking up a name has none. This
 * program's getaddrinfo() takes the place of the C library's.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/postgres/pipe.h"
#include "test/lib/cmocka_all.h"

#define LONG_MS 60000
#define SHORT_MS 100

static int release_fd; /* readable: names are looked up, and found not to be */

typedef int look_up_fn(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **ret_list);

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **ret_list)
{
	struct pollfd fd = { .fd = release_fd, .events = POLLIN };

	/* libpq's own, of an address. */
	if ((hints->ai_flags & AI_NUMERICHOST) != 0) {
		look_up_fn *next;

		*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
		return (next(node, service, hints, ret_list));
	}
	while (poll(&fd, 1, -1) != 1)
		continue;
	return (EAI_NONAME);
}

static enum store_rc
try_connect(const char *url, int64_t within_ms, int stop_fd, char *reason)
{
	struct pg_connect what = { .url = url,
		.deadline_ms = pg_now_ms() + within_ms,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = stop_fd };
	struct pg_conn *c = NULL;
	enum store_rc rc = pg_connect(&what, &c, reason);

	assert_null(c);
	return (rc);
}

static void
test_a_name_that_is_not_found_in_time(void **state)
{
	char reason[STORE_REASON_MAX];

	(void)state;
	assert_int_equal(try_connect("postgres://db/d", SHORT_MS, -1, reason),
	    STORE_AWAY);
	assert_non_null(strstr(reason, "looks up its name"));
}

static void
test_an_interrupt_does_not_wait_for_names(void **state)
{
	char reason[STORE_REASON_MAX];
	int stop_fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(try_connect("postgres://db/d", LONG_MS, stop_fd,
			     reason),
	    STORE_AWAY);
	assert_non_null(strstr(reason, "interrupted"));
	(void)close(stop_fd);
}

/*
 * Threads that were left alone are bounded; once names are looked up again they
 * end, and all is well.
 */
static void
test_threads_do_not_pile_up(void **state)
{
	char reason[STORE_REASON_MAX];
	unsigned tries = 0;

	(void)state;
	do {
		assert_int_equal(try_connect("postgres://db/d", 1, -1, reason),
		    STORE_AWAY);
		assert_in_range(++tries, 1, 20);
	} while (strstr(reason, "earlier tries") == NULL);

	assert_int_equal(eventfd_write(release_fd, 1), 0);
	do
		assert_int_equal(try_connect("postgres://db/d", LONG_MS, -1,
				     reason),
		    STORE_AWAY);
	while (strstr(reason, "earlier tries") != NULL);
	assert_non_null(strstr(reason, "postgres://db/d: db: "));
}

/* Who is named by its address needs no look-up. */
static void
test_nothing_is_looked_up_for_sockets(void **state)
{
	char reason[STORE_REASON_MAX];

	(void)state;
	assert_int_equal(try_connect("postgres:///d?host=/nowhere&user=u",
			     LONG_MS, -1, reason),
	    STORE_AWAY);
	assert_non_null(strstr(reason, "No such file or directory"));
	assert_int_equal(try_connect("postgres:///"
				     "d?hostaddr=127.0.0.1&port=1&user=u",
			     LONG_MS, -1, reason),
	    STORE_AWAY);
	assert_non_null(strstr(reason, "Connection refused"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_looked_up_for_sockets),
		cmocka_unit_test(test_a_name_that_is_not_found_in_time),
		cmocka_unit_test(test_an_interrupt_does_not_wait_for_names),
		cmocka_unit_test(test_threads_do_not_pile_up),
	};

	release_fd = eventfd(0, EFD_CLOEXEC);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
