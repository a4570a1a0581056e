#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "handlers/registry.h"
#include "server/config/config.h"
#include "test/lib/config_case.h"
#include "test/lib/settings.h"

#define SECRET CONFIG_CASE_SECRET

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

/* Every kind of bad value has its reason, its line and its key. */
static void
test_config_tells_bad_values(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[http]\n"
	    "listen = 8080, *:x, localhost:80\n"
	    "max_connections = many\n"
	    "request_timeout = 10\n"
	    "idle_timeout = 1ms\n"
	    "[store]\n"
	    "url = postgres://x\n"
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
	    "%:7: store.url: \"postgres://x\" is not sqlite:PATH\n"
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

/* Handlers are checked key by key, and as a whole. */
static void
test_config_tells_bad_handlers(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\n"
	    "type = ordres\n"
	    "events = *, x\n"
	    "brands = 1 2\n"
	    "ordering = some\n"
	    "retry =\n"
	    "max_age = 10ms\n"
	    "[handler a]\n"
	    "type = orders\n"
	    "[handler b]\n"
	    "[handler]\n"
	    "[http x]\n",
	    "%:2: handler.type: no type \"ordres\"; there is: orders, "
	    "forward, exec\n"
	    "%:3: handler.events: * is every event and stands alone\n"
	    "%:4: handler.brands: \"1 2\" is no single word; items are "
	    "separated by commas\n"
	    "%:5: handler.ordering: \"some\" is not one of auto, order, none\n"
	    "%:6: handler.retry: needs at least one duration, such as 30s\n"
	    "%:7: handler.max_age: \"10ms\" is not between 1000ms and "
	    "31536000s\n"
	    "%:8: [handler a]: there is one already on line 1\n"
	    "%:11: [handler]: needs a name: [handler NAME]\n"
	    "%:12: [http x]: this section takes no name\n"
	    "%:10: handler.type: is missing in [handler b]\n");
}

/* A handler's keys arrive in its record. */
static void
test_config_reads_handlers(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    "[handler a]\ntype = orders\nevents =\nbrands = 1,\n  2\n"
	    "ordering = none\nterminal = done\nretry = 1s\nmax_age = 1m\n"
	    "[handler b]\ntype = orders\nordering = order\n");
	const struct config_handler *h = cfg->handlers;

	assert_int_equal(cfg->nhandlers, 2);
	assert_string_equal(h->name, "a");
	assert_int_equal(h->line, 1);
	assert_int_equal(h->events.n, 0);
	assert_int_equal(h->brands.n, 2);
	assert_string_equal(h->brands.items[1], "2");
	assert_false(h->ordered);
	assert_string_equal(SETTING_OF(h, struct key_list, "terminal").items[0],
	    "done");
	assert_int_equal(h->retry.n, 1);
	assert_int_equal(h->retry.ms[0], 1000);
	assert_int_equal(h->max_age_ms, 60000);
	assert_string_equal(cfg->handlers[1].name, "b");
	assert_true(cfg->handlers[1].ordered);
	assert_int_equal(cfg->handlers[1].retry.n, 6);
	config_free(cfg);
}

/* A misspelt name is told with the nearest, wherever it stands. */
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

/* A key or the whole file may not be there twice, or not be readable. */
static void
test_config_tells_bad_files(void **state)
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
test_config_tells_bad_scopes(void **state)
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

/* A missing, doubled or misplaced secret is told; its text never is. */
static void
test_config_tells_bad_secrets(void **state)
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

/* Without any secret a server is told what to do; a reader needs none. */
static void
test_config_needs_a_secret(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[0] = "KLIKIT_WEBHOOK_SECRET=";
	config_case_errors(f, NULL,
	    "no webhook secret: set KLIKIT_WEBHOOK_SECRET or "
	    "KLIKIT_WEBHOOK_SECRET_FILE, or name its file by "
	    "klikit.secret_file in the configuration\n");
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

/* Whoever can reach it needs a token, or it stays on this machine. */
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

/* The example says every default: uncommented, nothing changes. */
static void
test_config_example_holds_the_defaults(void **state)
{
	struct config_case *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct config *cfg;
	const char *key;

	assert_non_null(out);
	config_print_example(out, handler_types);
	assert_int_equal(fclose(out), 0);
	for (char *p = strstr(text, "\n;"); p != NULL; p = strstr(p, "\n;"))
		p[1] = ' ';
	/* Blanks would continue a value: take them away as well. */
	for (char *from = text, *to = text;; from++) {
		if (from[0] == '\n' && from[1] == ' ') {
			*to++ = '\n';
			from++;
			continue;
		}
		if ((*to++ = *from) == '\0')
			break;
	}
	/* The files that the example names are not there. */
	f->src.need = CONFIG_STORE;
	cfg = config_case_load_good(f, text);
	assert_int_equal(cfg->nhandlers, 3);
	assert_int_equal(cfg->handlers[0].retry.n, 6);
	assert_string_equal(cfg->secret_file, "/etc/klikitd/secret");
	{
		/* Two files are named only to show how. */
		struct config *plain = config_case_load_good(f,
		    "[tls]\ncertificate = /etc/klikitd/cert.pem\n"
		    "key = /etc/klikitd/key.pem\n");

		assert_false(config_needs_restart(plain, cfg, &key));
		assert_int_equal(plain->http_max_body, cfg->http_max_body);
		assert_int_equal(plain->http_request_timeout_ms,
		    cfg->http_request_timeout_ms);
		config_free(plain);
	}
	config_free(cfg);
	free(text);
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
		TEST(test_config_tells_bad_values),
		TEST(test_config_tells_bad_handlers),
		TEST(test_config_reads_handlers),
		TEST(test_config_names_the_nearest),
		TEST(test_config_names_the_source),
		TEST(test_config_tells_bad_files),
		TEST(test_config_paths),
		TEST(test_config_reads_secrets),
		TEST(test_config_secret_precedence),
		TEST(test_config_scopes_of_secrets),
		TEST(test_config_tells_bad_scopes),
		TEST(test_config_tells_bad_secrets),
		TEST(test_config_needs_a_secret),
		TEST(test_config_dev),
		TEST(test_config_admin_beyond_the_loopback),
		TEST(test_config_plain_listen),
		TEST(test_config_tls_comes_and_goes_by_a_restart),
		TEST(test_config_needs_restart),
		TEST(test_config_example_holds_the_defaults),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
