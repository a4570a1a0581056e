/* How many files may be open, and how many are kept for what. */
#include <sys/resource.h>

#include "handlers/registry.h"
#include "server/admin/admin_listener.h"
#include "server/cli/open_files.h"
#include "server/config/config.h"
#include "test/lib/cmocka_all.h"

static void
test_calls_and_the_admin_listener_are_kept_room_for(void **state)
{
	struct config_handler handlers[] = {
		{ .type = &handler_orders },
		{ .type = &handler_forward, .concurrency = 4 },
		{ .type = &handler_exec, .concurrency = 10 },
	};
	struct config cfg = { .http_listen = { .n = 2 } };
	size_t bare = open_files_kept(&cfg), with_admin;

	(void)state;
	cfg.admin_listen.n = 1;
	with_admin = open_files_kept(&cfg);
	assert_true(with_admin >= bare + ADMIN_LISTENER_CONNECTIONS);
	cfg.handlers = handlers;
	cfg.nhandlers = 3;
	assert_int_equal(open_files_kept(&cfg),
	    with_admin + 4 * handler_forward.files + 10 * handler_exec.files);
	assert_true(handler_forward.files > 0);
	assert_true(handler_exec.files > 0);
}

/* What attempts share does not grow with them; a reload doubles it. */
static void
test_shared_connections_are_kept_room_for(void **state)
{
	static const struct handler linked = { .files = 1, .shared_files = 3 };
	struct config_handler handlers[] = {
		{ .type = &linked, .concurrency = 10 },
		{ .type = &linked, .concurrency = 1 },
	};
	struct config cfg = { .http_listen = { .n = 1 } };
	size_t bare = open_files_kept(&cfg);

	(void)state;
	cfg.handlers = handlers;
	cfg.nhandlers = 2;
	assert_int_equal(open_files_kept(&cfg), bare + 10 + 6 + 1 + 6);
}

static void
test_connections_have_what_is_left(void **state)
{
	struct config cfg = { .http_max_connections = 1024 };
	size_t kept = open_files_kept(&cfg);

	(void)state;
	assert_int_equal(open_files_connections(&cfg, OPEN_FILES_UNKNOWN),
	    1024);
	assert_int_equal(open_files_connections(&cfg, kept + 1024), 1024);
	assert_int_equal(open_files_connections(&cfg, kept + 1023), 1023);
	assert_int_equal(open_files_connections(&cfg, kept + 40), 40);
	/* Too few for anything: then a few, and they pay for each other. */
	assert_int_equal(open_files_connections(&cfg, kept), 16);
	assert_int_equal(open_files_connections(&cfg, 3), 16);
	cfg.http_max_connections = 5;
	assert_int_equal(open_files_connections(&cfg, 3), 5);
}

static void
test_the_limit_is_raised_to_the_hard_one(void **state)
{
	struct rlimit old, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(open_files_limit(), 200);
	assert_int_equal(open_files_raise(), 200);
	assert_true(open_files_limit() > 200 || old.rlim_max == 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_calls_and_the_admin_listener_are_kept_room_for),
		cmocka_unit_test(test_shared_connections_are_kept_room_for),
		cmocka_unit_test(test_connections_have_what_is_left),
		cmocka_unit_test(test_the_limit_is_raised_to_the_hard_one),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
