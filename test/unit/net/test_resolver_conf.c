#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/resolver_conf.h"

static void
assert_candidates(const struct resolver_conf *conf, const char *name,
    const char *const *expected)
{
	char text[RESOLVER_NAME_MAX];
	unsigned i = 0;

	for (; expected[i] != NULL; i++) {
		assert_int_equal(resolver_conf_candidate(conf, name, i, text),
		    0);
		assert_string_equal(text, expected[i]);
	}
	assert_int_equal(resolver_conf_candidate(conf, name, i, text), -1);
}

/* An empty file means 127.0.0.1, and the domain of this machine. */
static void
test_resolver_conf_has_defaults(void **state)
{
	struct resolver_conf conf;

	(void)state;
	resolver_conf_parse("", "box", &conf);
	assert_int_equal(conf.nservers, 1);
	assert_string_equal(conf.servers[0], "127.0.0.1");
	assert_int_equal(conf.ndomains, 0);
	assert_int_equal(conf.ndots, 1);
	resolver_conf_parse("# nameserver 1.1.1.1\n; search x\n", "box.a.test",
	    &conf);
	assert_int_equal(conf.ndomains, 1);
	assert_string_equal(conf.domains[0], "a.test");
	assert_string_equal(conf.servers[0], "127.0.0.1");
}

/* As libc reads it: three servers, the last search, blanks of any kind. */
static void
test_resolver_conf_reads_the_file(void **state)
{
	struct resolver_conf conf;

	(void)state;
	resolver_conf_parse("domain old.test\r\n"
			    "\tnameserver\t192.0.2.1 # the router\n"
			    "nameserver fe80::1%eth0\n"
			    "nameserver\n"
			    "nameservers 192.0.2.9\n"
			    "search a.test  b.test. .\r\n"
			    "nameserver [2001:db8::1]:5353\n"
			    "nameserver 192.0.2.4\n"
			    "options rotate ndots:2 timeout:1",
	    "box.c.test", &conf);
	assert_int_equal(conf.nservers, 3);
	assert_string_equal(conf.servers[0], "192.0.2.1");
	assert_string_equal(conf.servers[1], "fe80::1%eth0");
	assert_string_equal(conf.servers[2], "[2001:db8::1]:5353");
	assert_int_equal(conf.ndomains, 2);
	assert_string_equal(conf.domains[0], "a.test");
	assert_string_equal(conf.domains[1], "b.test.");
	assert_int_equal(conf.ndots, 2);
	resolver_conf_parse("options ndots:99\nsearch a\ndomain b.test c.test",
	    "", &conf);
	assert_int_equal(conf.ndots, 15);
	assert_int_equal(conf.ndomains, 1);
	assert_string_equal(conf.domains[0], "b.test");
}

/* What does not fit is left out. */
static void
test_resolver_conf_keeps_its_bounds(void **state)
{
	char text[700], name[RESOLVER_NAME_MAX];
	struct resolver_conf conf;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "nameserver ", 11);
	memcpy(text + 300, "\nsearch ", 8);
	text[sizeof(text) - 1] = '\0';
	resolver_conf_parse(text, "", &conf);
	assert_string_equal(conf.servers[0], "127.0.0.1");
	assert_int_equal(conf.ndomains, 0);
	assert_int_equal(resolver_conf_candidate(&conf, text + 310, 0, name),
	    -1);
}

/* A long name is first meant as it stands, a short one last. */
static void
test_resolver_conf_has_candidates(void **state)
{
	struct resolver_conf conf;

	(void)state;
	resolver_conf_parse("search a.test b.test.\n", "", &conf);
	assert_candidates(&conf, "pos",
	    (const char *const[]){ "pos.a.test.", "pos.b.test.", "pos.",
		NULL });
	assert_candidates(&conf, "pos.c",
	    (const char *const[]){ "pos.c.", "pos.c.a.test.", "pos.c.b.test.",
		NULL });
	assert_candidates(&conf, "pos.", (const char *const[]){ "pos.", NULL });
	resolver_conf_parse("options ndots:3\n", "", &conf);
	assert_candidates(&conf, "pos.c",
	    (const char *const[]){ "pos.c.", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolver_conf_has_defaults),
		cmocka_unit_test(test_resolver_conf_reads_the_file),
		cmocka_unit_test(test_resolver_conf_keeps_its_bounds),
		cmocka_unit_test(test_resolver_conf_has_candidates),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
