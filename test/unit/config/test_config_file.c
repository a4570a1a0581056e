/* Sections and keys of the file, and values of each kind. */
#include <unistd.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

/* Every kind of bad value has its reason, its line and its key. */
static void
test_config_reports_bad_values(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[http]\n"
	    "listen = 8080, *:x, localhost:80\n"
	    "max_connections = many\n"
	    "request_timeout = 10\n"
	    "idle_timeout = 1ms\n"
	    "[store]\n"
	    "url = mysql://me:pass@x\n"
	    "queue = 1k\n"
	    "[log]\n"
	    "level = loud\n"
	    "format = dev\n",
	    "%:2: http.listen: \"8080\" is not HOST:PORT; for every address "
	    "write *:PORT\n"
	    "%:3: http.max_connections: \"many\" is not a number from 1 to "
	    "65536\n"
	    "%:4: http.request_timeout: \"10\" is not a duration such as "
	    "500ms, 10s, 5m, 2h, 1d\n"
	    "%:5: http.idle_timeout: \"1ms\" is not between 100ms and "
	    "86400s\n"
	    "%:7: store.url: \"mysql\" is no store; write sqlite:PATH or "
	    "postgres://HOST/DATABASE\n"
	    "%:8: store.queue: \"1k\" is not a size from 64k to 4g\n"
	    "%:10: log.level: \"loud\" is not one of error, warn, info, "
	    "debug\n"
	    "%:11: log.format: \"dev\" is not one of text, json\n");
	config_case_errors(f, "[http]\nlisten = *:x\n",
	    "%:2: http.listen: \"*:x\" has no port from 0 to 65535\n");
	config_case_errors(f, "[http]\nlisten = localhost:80\n",
	    "%:2: http.listen: \"localhost:80\" has no numeric address; write "
	    "127.0.0.1:PORT, [::1]:PORT or *:PORT\n");
	config_case_errors(f, "[http]\nlisten = *:80,, *:81\n",
	    "%:2: http.listen: an empty item in the list\n");
	config_case_errors(f, "[http]\nlisten =\n",
	    "%:2: http.listen: needs an address, such as *:8080\n");
	config_case_errors(f, "[http]\nlisten = *:80, *:80\n",
	    "http.listen: *:80 is listed twice\n");
	config_case_errors(f, "[http]\nmax_body = 31m\n[store]\nqueue = 1m\n",
	    "store.queue: is smaller than http.max_body: the largest body "
	    "could never be stored\n");
	config_case_errors(f, "[http]\nmax_body = 32m\n",
	    "%:2: http.max_body: \"32m\" is not a size from 1k to 31m\n");
}

/* A misspelt name is reported with the nearest, wherever it stands. */
static void
test_config_names_the_nearest(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "stray = 1\n[htpp]\nlisten = x\n[http]\nmax_bdy = 1m\n"
	    "zzzzzzzz = 1\n[handler a]\ntype = orders\nevnets = *\n"
	    "[qqqqqq]\n",
	    "%:1: stray: stands before any [section]\n"
	    "%:2: [htpp]: unknown section; did you mean [http]?\n"
	    "%:5: http.max_bdy: unknown key; did you mean http.max_body?\n"
	    "%:6: http.zzzzzzzz: unknown key\n"
	    "%:9: handler.evnets: unknown key; did you mean handler.events?\n"
	    "%:10: [qqqqqq]: unknown section\n");
	assert_string_equal(config_nearest_flag("htp.listen"), "http.listen");
	assert_null(config_nearest_flag("entirely.different"));

	f->src.path = NULL;
	f->flags[0] = "http.nothing";
	f->flags[1] = "1";
	f->src.nflags = 1;
	config_case_errors(f, NULL, "--http.nothing: unknown flag\n");
}

/* A key or the whole file may not be there twice, or not be readable. */
static void
test_config_reports_bad_files(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[log]\nlevel = info\n[http]\n[log]\nlevel = warn\n",
	    "%:5: log.level: given twice\n");
	config_case_errors(f, "[http]\nword\n",
	    "%:2: neither a [section] nor key = value\n");
	assert_int_equal(unlink(f->file), 0);
	config_case_errors(f, NULL,
	    "%: cannot be read: No such file or directory\n");
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_reports_bad_values),
		TEST(test_config_names_the_nearest),
		TEST(test_config_reports_bad_files),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
