/* What config_load() makes of its sources, and what a reload may change. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handlers/registry.h"
#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"
#include "test/lib/settings.h"

/* Without a file all is as the documentation says. */
static void
test_config_has_defaults(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f, NULL);
	const struct config_handler *h = cfg->handlers;
	char cwd[1000], url[1100];

	assert_int_equal(cfg->http_listen.n, 1);
	assert_string_equal(cfg->http_listen.items[0], "*:8080");
	assert_int_equal(cfg->http_max_body, 1 << 20);
	assert_int_equal(cfg->http_max_connections, 1024);
	assert_int_equal(cfg->http_request_timeout_ms, 10000);
	assert_int_equal(cfg->http_idle_timeout_ms, 75000);
	assert_int_equal(cfg->store_queue_max, 64 << 20);
	assert_int_equal(cfg->log_level, LOG_INFO);
	assert_int_equal(cfg->log_format, LOG_TEXT);
	assert_null(cfg->path);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal(cfg->dir, cwd);
	(void)snprintf(url, sizeof(url), "sqlite:%s/klikitd.db", cwd);
	assert_string_equal(cfg->store_url, url);

	assert_int_equal(cfg->nhandlers, 1);
	assert_string_equal(h->name, "orders");
	assert_ptr_equal(h->type, &handler_orders);
	assert_int_equal(h->line, 0);
	assert_int_equal(h->events.n, 1);
	assert_string_equal(h->events.items[0], CONFIG_EVERY_EVENT);
	assert_int_equal(h->brands.n, 0);
	assert_false(h->ordered);
	assert_int_equal(SETTING_OF(h, struct key_list, "terminal").n, 2);
	assert_string_equal(SETTING_OF(h, struct key_list, "terminal").items[1],
	    "9");
	assert_int_equal(h->retry.n, 6);
	assert_int_equal(h->retry.ms[5], 6 * 3600 * 1000);
	assert_int_equal(h->max_age_ms, 24 * 3600 * 1000);
	config_free(cfg);
}

/* A flag wins over a variable, a variable over the file, it over defaults. */
static void
test_config_precedence(void **state)
{
	struct config_case *f = *state;
	const char *ini = "[http]\nmax_body = 2m\n";
	struct config *cfg;

	cfg = config_case_load_good(f, ini);
	assert_int_equal(cfg->http_max_body, 2 << 20);
	config_free(cfg);

	f->env[1] = "KLIKITD_HTTP_MAX_BODY=3m";
	cfg = config_case_load_good(f, ini);
	assert_int_equal(cfg->http_max_body, 3 << 20);
	config_free(cfg);

	f->flags[0] = "http.max_body";
	f->flags[1] = "4m";
	f->src.nflags = 1;
	cfg = config_case_load_good(f, ini);
	assert_int_equal(cfg->http_max_body, 4 << 20);
	config_free(cfg);
}

/* What a later source replaces is checked all the same. */
static void
test_config_checks_what_is_replaced(void **state)
{
	struct config_case *f = *state;

	f->env[1] = "KLIKITD_HTTP_MAX_BODY=3m";
	config_case_errors(f, "[http]\nmax_body = big\n",
	    "%:2: http.max_body: \"big\" is not a size from 1k to 31m\n");
}

/* Errors of variables and flags name these. */
static void
test_config_names_the_source(void **state)
{
	struct config_case *f = *state;

	f->env[1] = "KLIKITD_LOG_LEVEL=loud";
	f->flags[0] = "log.format";
	f->flags[1] = "xml";
	f->src.nflags = 1;
	config_case_errors(f, NULL,
	    "KLIKITD_LOG_LEVEL: log.level: \"loud\" is not one of error, "
	    "warn, info, debug\n"
	    "--log.format: \"xml\" is not one of text, json\n");
}

/* Relative paths begin beside the file, or where the state is kept. */
static void
test_config_paths(void **state)
{
	struct config_case *f = *state;
	char url[128], dir[64];
	struct config *cfg;

	cfg = config_case_load_good(f, "[store]\nurl = sqlite:a/b.db\n");
	(void)snprintf(url, sizeof(url), "sqlite:%s/a/b.db", f->dir);
	assert_string_equal(cfg->store_url, url);
	assert_string_equal(cfg->path, f->file);
	assert_string_equal(cfg->dir, f->dir);
	config_free(cfg);

	cfg = config_case_load_good(f, "[store]\nurl = sqlite:/a/b.db\n");
	assert_string_equal(cfg->store_url, "sqlite:/a/b.db");
	config_free(cfg);

	f->src.path = NULL;
	(void)snprintf(dir, sizeof(dir), "STATE_DIRECTORY=%s:/x", "/var/k");
	f->env[1] = dir;
	cfg = config_case_load_good(f, NULL);
	assert_string_equal(cfg->store_url, "sqlite:/var/k/klikitd.db");
	config_free(cfg);
}

/* klikitd dev has a place of its own, and does not leave the loopback. */
static void
test_config_dev(void **state)
{
	struct config_case *f = *state;
	char dir[100], text[256];
	struct config *cfg;

	(void)snprintf(dir, sizeof(dir), "STATE_DIRECTORY=%s", f->dir);
	f->env[0] = dir;
	f->src.dev = true;
	assert_null(config_case_load(f, NULL));
	(void)snprintf(text, sizeof(text),
	    "%s/secret: is not there: klikitd dev makes it when it starts; or "
	    "set KLIKIT_WEBHOOK_SECRET\n",
	    f->dir);
	assert_string_equal(f->reported, text);

	config_case_write(f, "secret", "dev");
	f->env[1] = "PORT=8081";
	cfg = config_case_load_good(f, NULL);
	assert_string_equal(cfg->http_listen.items[0], "127.0.0.1:8081");
	assert_int_equal(cfg->log_format, LOG_DEV);
	(void)snprintf(text, sizeof(text), "sqlite:%s/dev.db", f->dir);
	assert_string_equal(cfg->store_url, text);
	assert_memory_equal(cfg->secrets[0].bytes, "dev", 3);
	config_free(cfg);

	f->flags[0] = "http.listen";
	f->flags[1] = "*:8080";
	f->src.nflags = 1;
	config_case_errors(f, NULL,
	    "--http.listen: *:8080 is not on this machine's loopback, and "
	    "klikitd dev listens nowhere else; use klikitd serve for other "
	    "addresses\n");
}

/* A certificate may be replaced under way, but not come or go. */
static void
test_config_tls_comes_and_goes_by_a_restart(void **state)
{
	struct config_case *f = *state;
	struct config *without, *with, *other;
	const char *key = "";

	f->src.need = CONFIG_STORE; /* the files are not looked at */
	without = config_case_load_good(f, "[http]\n");
	with = config_case_load_good(f, "[tls]\ncertificate = a\nkey = b\n");
	other = config_case_load_good(f, "[tls]\ncertificate = c\nkey = d\n");
	assert_false(config_needs_restart(with, other, &key));
	assert_true(config_needs_restart(without, with, &key));
	assert_string_equal(key, "tls.certificate");
	assert_true(config_needs_restart(with, without, &key));
	config_free(without);
	config_free(with);
	config_free(other);
}

/* Only listeners, store, queue and connections need a restart. */
static void
test_config_needs_restart(void **state)
{
	struct config_case *f = *state;
	static const char *const live[] = { "[http]\nmax_body = 2m\n",
		"[log]\nlevel = debug\n", "[handler a]\ntype = orders\n",
		"[http]\nlisten = *:8080\n",
		"[tls]\nhandshake_timeout = 5s\nmax_handshakes = 9\n" };
	static const struct {
		const char *ini;
		const char *key;
	} fixed[] = {
		{ "[http]\nlisten = *:8082\n", "http.listen" },
		{ "[http]\nlisten = *:8080, [::1]:1\n", "http.listen" },
		{ "[http]\nplain_listen = 127.0.0.1:1\n", "http.plain_listen" },
		{ "[http]\nmax_connections = 5\n", "http.max_connections" },
		{ "[store]\nurl = sqlite:x.db\n", "store.url" },
		{ "[store]\nqueue = 65m\n", "store.queue" },
		{ "[admin]\nlisten = 127.0.0.1:9\n", "admin.listen" },
		{ "[admin]\nlisten =\n", "admin.listen" },
		{ "[admin]\ntoken_file = t\n", "admin.token_file" },
	};
	struct config *now = config_case_load_good(f, "[http]\n"), *next;
	const char *key = "";

	config_case_write(f, "t", "0123456789abcdef\n");
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++) {
		next = config_case_load_good(f, live[i]);
		assert_false(config_needs_restart(now, next, &key));
		assert_string_equal(key, "");
		config_free(next);
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		next = config_case_load_good(f, fixed[i].ini);
		assert_true(config_needs_restart(now, next, &key));
		assert_string_equal(key, fixed[i].key);
		config_free(next);
	}
	config_free(now);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_has_defaults),
		TEST(test_config_precedence),
		TEST(test_config_checks_what_is_replaced),
		TEST(test_config_names_the_source),
		TEST(test_config_paths),
		TEST(test_config_dev),
		TEST(test_config_tls_comes_and_goes_by_a_restart),
		TEST(test_config_needs_restart),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
