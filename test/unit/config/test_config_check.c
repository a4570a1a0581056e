/* Secrets and listeners: what several keys only show together. */
#include <stdio.h>
#include <string.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

#define SECRET CONFIG_CASE_SECRET

/* A secret is used byte for byte; of a file one final newline is dropped. */
static void
test_config_reads_secrets(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[0] = "KLIKIT_WEBHOOK_SECRET= a b\n\n";
	cfg = config_case_load_good(f, "[klikit]\nsecret_file = nowhere\n");
	assert_int_equal(cfg->nsecrets, 1);
	assert_string_equal(cfg->secrets[0].name, "default");
	assert_string_equal(cfg->secrets[0].source, "KLIKIT_WEBHOOK_SECRET");
	assert_int_equal(cfg->secrets[0].len, 6);
	assert_memory_equal(cfg->secrets[0].bytes, " a b\n\n", 6);
	assert_false(cfg->secrets[0].newline_dropped);
	config_free(cfg);

	config_case_write(f, "secret", " x\n\n");
	f->env[0] = NULL;
	cfg = config_case_load_good(f,
	    "[secret old]\nfile = secret\nvalid_until = 2020-01-01T00:00:00Z\n"
	    "[klikit]\nsecret_file = secret\n");
	assert_int_equal(cfg->nsecrets, 2);
	assert_string_equal(cfg->secrets[0].name, "default");
	assert_int_equal(cfg->secrets[0].len, 3);
	assert_memory_equal(cfg->secrets[0].bytes, " x\n", 3);
	assert_true(cfg->secrets[0].newline_dropped);
	assert_int_equal(cfg->secrets[0].valid_until_ms, 0);
	assert_string_equal(cfg->secrets[1].name, "old");
	assert_int_equal(cfg->secrets[1].valid_until_ms, 1577836800000);
	config_free(cfg);

	cfg = config_case_load_good(f, "[secret only]\nfile = secret\n");
	assert_int_equal(cfg->nsecrets, 1);
	assert_string_equal(cfg->secrets[0].name, "only");
	config_free(cfg);
}

/* A flag's file, then a variable, then the configured file. */
static void
test_config_secret_precedence(void **state)
{
	struct config_case *f = *state;
	const char *ini = "[klikit]\nsecret_file = nowhere\n";
	struct config *cfg;
	char path[128];

	config_case_write(f, "secret", "from-file");
	f->env[0] = "KLIKIT_WEBHOOK_SECRET_FILE=secret";
	cfg = config_case_load_good(f, ini);
	(void)snprintf(path, sizeof(path), "%s/secret", f->dir);
	assert_string_equal(cfg->secrets[0].source, path);
	assert_memory_equal(cfg->secrets[0].bytes, "from-file", 9);
	config_free(cfg);

	f->env[0] = SECRET;
	f->flags[0] = "klikit.secret_file";
	f->flags[1] = "secret";
	f->src.nflags = 1;
	cfg = config_case_load_good(f, ini);
	assert_memory_equal(cfg->secrets[0].bytes, "from-file", 9);
	config_free(cfg);
}

/* Each secret has its scope, also the first; most have the empty one. */
static void
test_config_scopes_of_secrets(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[0] = NULL;
	config_case_write(f, "a", "aaa");
	config_case_write(f, "b", "bbb");
	cfg = config_case_load_good(f,
	    "[klikit]\nsecret_file = a\nscope = live.1\n"
	    "[secret b]\nfile = b\nscope = Sand-box_2\n");
	assert_string_equal(cfg->secrets[0].scope, "live.1");
	assert_string_equal(cfg->secrets[1].scope, "Sand-box_2");
	config_free(cfg);
	cfg = config_case_load_good(f,
	    "[klikit]\nsecret_file = a\n[secret b]\nfile = b\n");
	assert_string_equal(cfg->secrets[0].scope, "");
	assert_string_equal(cfg->secrets[1].scope, "");
	config_free(cfg);
	f->env[0] = "KLIKIT_WEBHOOK_SECRET=x";
	f->env[1] = "KLIKITD_KLIKIT_SCOPE=live";
	cfg = config_case_load_good(f, "");
	assert_string_equal(cfg->secrets[0].scope, "live");
	config_free(cfg);
}

/* One pair of bytes cannot mean two scopes; and a scope is a word. */
static void
test_config_reports_bad_scopes(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[0] = NULL;
	config_case_write(f, "a", "aaa");
	config_case_write(f, "b", "aaa\n");
	config_case_errors(f,
	    "[klikit]\nsecret_file = a\n"
	    "[secret b]\nfile = b\nscope = sandbox\n",
	    "secret b: has the same bytes as secret default, but another scope "
	    "(\"sandbox\", not \"\"): which one is meant could not be said\n");
	cfg = config_case_load_good(f,
	    "[klikit]\nsecret_file = a\n[secret b]\nfile = b\n");
	assert_int_equal(cfg->nsecrets, 2);
	config_free(cfg);
	config_case_errors(f,
	    "[klikit]\nsecret_file = a\nscope = a b\n"
	    "[secret b]\nfile = b\nscope = a:b\n"
	    "[secret c]\nfile = b\nscope = \"caf\xc3\xa9\"\n",
	    "%:3: klikit.scope: \"a b\" is no scope: letters, digits, '-', "
	    "'_' and '.', at most 64\n"
	    "%:6: secret.scope: \"a:b\" is no scope: letters, digits, '-', "
	    "'_' and '.', at most 64\n"
	    "%:9: secret.scope: \"caf\xc3\xa9\" is no scope: letters, "
	    "digits, '-', '_' and '.', at most 64\n");
}

/* A missing, doubled or misplaced secret is reported; its text never is. */
static void
test_config_reports_bad_secrets(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[klikit]\nsecret = hunter2\n[secret a]\nvalue = hunter2\n",
	    "%:2: klikit.secret: a secret does not stand in this file; put it "
	    "into a file of its own and name that by secret_file, or set "
	    "KLIKIT_WEBHOOK_SECRET\n"
	    "%:4: secret.value: a secret does not stand in this file; put it "
	    "into a file of its own and name that by file\n"
	    "%:3: secret.file: is missing in [secret a]\n");
	config_case_errors(f,
	    "[secret default]\n[secret a]\nvalid_until = soon\n[secret a]\n",
	    "%:1: [secret default]: this name is that of klikit.secret_file; "
	    "choose another\n"
	    "%:3: secret.valid_until: \"soon\" is not a time such as "
	    "2027-01-31T00:00:00Z\n"
	    "%:4: [secret a]: there is one already on line 2\n"
	    "%:2: secret.file: is missing in [secret a]\n");
	assert_null(config_case_load(f, "[secret a]\nfile = b\n"));
	assert_non_null(strstr(f->reported, "secret a: "));
	assert_non_null(strstr(f->reported, "/b: No such file"));
}

/* Without any secret a server says what to do; a reader needs none. */
static void
test_config_needs_a_secret(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[0] = "KLIKIT_WEBHOOK_SECRET=";
	config_case_errors(f, NULL,
	    "no webhook secret: set KLIKIT_WEBHOOK_SECRET or "
	    "KLIKIT_WEBHOOK_SECRET_FILE, name its file by "
	    "klikit.secret_file in the configuration, or have the service "
	    "manager hand it over as the credential klikit-secret\n");
	f->src.need = CONFIG_STORE;
	cfg = config_case_load_good(f, "[klikit]\nsecret_file = nowhere\n");
	assert_int_equal(cfg->nsecrets, 0);
	config_free(cfg);

	f->src.need = CONFIG_SERVER;
	f->src.path = NULL;
	f->env[0] = SECRET;
	f->env[1] = "KLIKIT_WEBHOOK_SECRET_FILE=x";
	config_case_errors(f, NULL,
	    "KLIKIT_WEBHOOK_SECRET: KLIKIT_WEBHOOK_SECRET_FILE is set as "
	    "well; unset one of them\n");
}

/* Who can reach it needs a token, or it stays on this machine. */
static void
test_config_admin_beyond_the_loopback(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_load_good(f, "[admin]\nlisten = [::1]:0\n");
	assert_string_equal(cfg->admin_listen.items[0], "[::1]:0");
	config_free(cfg);
	cfg = config_case_load_good(f, "[admin]\nlisten =\n");
	assert_int_equal(cfg->admin_listen.n, 0);
	config_free(cfg);
	config_case_write(f, "t", "0123456789abcdef\n");
	cfg =
	    config_case_load_good(f, "[admin]\nlisten = *:1\ntoken_file = t\n");
	assert_string_equal(strrchr(cfg->admin_token_file, '/'), "/t");
	assert_string_equal(cfg->admin_token, "0123456789abcdef");
	config_free(cfg);
	config_case_errors(f, "[admin]\nlisten = *:1\n",
	    "admin.listen: *:1 can be reached from other machines: name a "
	    "file with a token by admin.token_file\n");
	config_case_errors(f, "[admin]\nlisten = 127.0.0.1:1, 127.0.0.1:2\n",
	    "%:2: admin.listen: is one address, not a list\n");
	config_case_errors(f, "[admin]\nlisten = localhost\n",
	    "%:2: admin.listen: \"localhost\" is not HOST:PORT; for every "
	    "address write *:PORT\n");
}

/* What has no TLS is for this machine alone. */
static void
test_config_plain_listen(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f, "[http]\n");

	assert_int_equal(cfg->http_plain_listen.n, 0);
	config_free(cfg);
	cfg = config_case_load_good(f,
	    "[http]\nplain_listen = 127.0.0.1:1, [::1]:1, 127.9.9.9:0\n");
	assert_int_equal(cfg->http_plain_listen.n, 3);
	config_free(cfg);
	config_case_errors(f,
	    "[http]\nplain_listen = 127.0.0.1:1, 10.0.0.1:1\n",
	    "%:2: http.plain_listen: 10.0.0.1:1 can be reached from other "
	    "machines: this is for the loopback, as 127.0.0.1:8080; "
	    "http.listen is for all others\n");
	config_case_errors(f, "[http]\nplain_listen = [::1]:1, [::1]:1\n",
	    "http.plain_listen: [::1]:1 is listed twice\n");
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_reads_secrets),
		TEST(test_config_secret_precedence),
		TEST(test_config_scopes_of_secrets),
		TEST(test_config_reports_bad_scopes),
		TEST(test_config_reports_bad_secrets),
		TEST(test_config_needs_a_secret),
		TEST(test_config_admin_beyond_the_loopback),
		TEST(test_config_plain_listen),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
