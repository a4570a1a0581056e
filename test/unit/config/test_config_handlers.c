/* Handlers that call out, and alarms, as they are configured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/registry.h"
#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"
#include "test/lib/settings.h"

/* A handler's keys arrive in its record. */
static void
test_handlers_are_read(void **state)
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

/* Handlers are checked key by key, and as a whole. */
static void
test_bad_handlers_are_reported(void **state)
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
	    "%:2: handler.type: no type \"ordres\"; there is: ^\n"
	    "%:3: handler.events: * is every event of klikit's; only types of "
	    "klikitd's own stand beside it\n"
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

/* All keys of forward arrive, with what stands in its files. */
static void
test_forward_is_read_whole(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;
	const struct config_handler *h;
	const struct key_list *headers;
	const struct key_secret *secret;

	config_case_write(f, "token", "Bearer 1, 2\n");
	config_case_write(f, "secret", "abc\n");
	cfg = config_case_load_good(f,
	    "[handler pos]\ntype = forward\nurl = http://pos.lan:9000/o?x=1\n"
	    "unit = order\nheader = X-A: 1 2, Authorization: @token\n"
	    "sign_secret_file = secret\non_conflict = done\ntimeout = 7s\n"
	    "concurrency = 9\nonce_per_order = no\n");
	h = &cfg->handlers[0];
	headers = &SETTING_OF(h, struct key_list, "header");
	secret = &SETTING_OF(h, struct key_secret, "sign_secret_file");
	assert_string_equal(SETTING_OF(h, char *, "url"),
	    "http://pos.lan:9000/o?x=1");
	assert_true(h->per_order);
	assert_int_equal(headers->n, 2);
	assert_string_equal(headers->items[0], "X-A: 1 2");
	assert_string_equal(headers->items[1], "Authorization: Bearer 1, 2");
	assert_int_equal(secret->len, 3);
	assert_memory_equal(secret->bytes, "abc", 3);
	assert_true(SETTING_OF(h, bool, "on_conflict"));
	assert_int_equal(h->timeout_ms, 7000);
	assert_int_equal(h->concurrency, 9);
	assert_false(h->once_per_order);
	assert_true(h->ordered);
	config_free(cfg);
}

/* What a type is given when nothing is asked for. */
static void
test_types_have_their_own_defaults(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    "[handler pos]\ntype = forward\nurl = http://127.0.0.1:1/\n"
	    "[handler bell]\ntype = exec\ncommand = true\n");
	const struct config_handler *h = cfg->handlers;

	assert_int_equal(h[0].timeout_ms, 5000);
	assert_int_equal(h[0].concurrency, 4);
	assert_true(h[0].once_per_order);
	assert_false(h[0].per_order);
	assert_false(SETTING_OF(h, bool, "on_conflict"));
	assert_null(SETTING_OF(h, struct key_secret, "sign_secret_file").bytes);
	assert_int_equal(h[1].timeout_ms, 30000);
	assert_int_equal(h[1].concurrency, 2);
	assert_true(h[1].once_per_order);
	assert_int_equal(h[1].deadline_ms, 0);
	config_free(cfg);
}

/* A command is split at blanks; quotes hold words together. */
static void
test_commands_are_split_into_words(void **state)
{
	static const char *const words[] = { "/bin/sh", "--text", "it's \"on\"",
		"", "a,b", "\\" };
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    "[handler bell]\ntype = exec\nevents =\n"
	    "command = '/bin/sh'  --text \"it's \\\"on\\\"\" ''\n"
	    "  a,b \\\n");
	const struct key_list *list =
	    &SETTING_OF(cfg->handlers, struct key_list, "command");

	assert_int_equal(list->n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(list->items[i], words[i]);
	assert_null(list->items[6]);
	assert_int_equal(cfg->handlers[0].events.n, 0);
	config_free(cfg);
}

/* Each refusal names the file's line and the key. */
static void
test_bad_outlets_are_reported(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\ntype = forward\n"
	    "[handler b]\ntype = exec\n"
	    "[handler c]\ntype = forward\nurl = ftp://pos.example/\n"
	    "unit = both\non_conflict = maybe\nonce_per_order = 1\n"
	    "timeout = 1ms\nconcurrency = 0\n"
	    "[handler d]\ntype = exec\ncommand = ring 'aloud\n"
	    "[handler e]\ntype = exec\ncommand =\n",
	    "%:7: handler.url: must begin with http:// or https://\n"
	    "%:8: handler.unit: \"both\" is not one of event, order\n"
	    "%:9: handler.on_conflict: \"maybe\" is not one of dead, "
	    "done\n"
	    "%:10: handler.once_per_order: \"1\" is not one of no, yes\n"
	    "%:11: handler.timeout: \"1ms\" is not between 10ms and "
	    "3600s\n"
	    "%:12: handler.concurrency: \"0\" is not a number from 1 to "
	    "512\n"
	    "%:15: handler.command: a quote is not closed\n"
	    "%:18: handler.command: names no program\n"
	    "%:1: handler.url: is missing in [handler a]\n"
	    "%:3: handler.command: is missing in [handler b]\n");
}

/* What concerns TLS is refused where there is none, and by halves. */
static void
test_keys_of_tls_need_https(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\ntype = forward\nurl = http://127.0.0.1/\n"
	    "ca_file = /ca.pem\nclient_certificate = /c.pem\n"
	    "client_key = /c.key\n"
	    "[handler b]\ntype = forward\nurl = https://127.0.0.1/\n"
	    "client_certificate = /c.pem\n"
	    "[handler c]\ntype = forward\nurl = HTTPS://127.0.0.1/\n"
	    "client_key = /c.key\n",
	    "%:4: handler.ca_file: is of no use, as the url is without "
	    "TLS\n"
	    "%:5: handler.client_certificate: is of no use, as the url is "
	    "without TLS\n"
	    "%:6: handler.client_key: is of no use, as the url is without "
	    "TLS\n"
	    "%:10: handler.client_certificate: needs client_key\n"
	    "%:14: handler.client_key: needs client_certificate\n");
}

/* A key of another type is a mistake, not a detail. */
static void
test_keys_of_another_type_are_reported(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\ntype = orders\nurl = http://127.0.0.1/\n"
	    "concurrency = 2\n"
	    "[handler b]\ncommand = sh\ntype = forward\n"
	    "url = http://127.0.0.1/\nterminal = 3\n"
	    "[handler c]\ntype = exec\ncommand = sh\nheader = A: b\n",
	    "%:3: handler.url: is no key of a handler of type orders\n"
	    "%:4: handler.concurrency: is no key of a handler of type "
	    "orders\n"
	    "%:6: handler.command: is no key of a handler of type "
	    "forward\n"
	    "%:9: handler.terminal: is no key of a handler of type "
	    "forward\n"
	    "%:13: handler.header: is no key of a handler of type exec\n");
}

/* Headers have a name and a value, and ours stay ours. */
static void
test_bad_headers_are_reported(void **state)
{
	static const struct {
		const char *header;
		const char *reason;
	} bad[] = {
		{ "X-A", "an item is not NAME: VALUE or NAME: @FILE" },
		{ "X A: 1", "an item is not NAME: VALUE or NAME: @FILE" },
		{ ": 1", "an item is not NAME: VALUE or NAME: @FILE" },
		{ "X-A:", "X-A has no value" },
		{ "X-A: 1,, X-B: 2", "an empty item in the list" },
		{ "host: x", "host is not for you to set" },
		{ "Content-Length: 3", "Content-Length is not for you to set" },
		{ "X-Klikit-Signature: 0",
		    "X-Klikit-Signature is not for you to set" },
		{ "idempotency-key: 0",
		    "idempotency-key is not for you to set" },
	};
	struct config_case *f = *state;
	char ini[256], want[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(ini, sizeof(ini),
		    "[handler a]\ntype = forward\nurl = http://[::1]:1/\n"
		    "header = %s\n",
		    bad[i].header);
		(void)snprintf(want, sizeof(want), "%%:4: handler.header: %s\n",
		    bad[i].reason);
		config_case_errors(f, ini, want);
	}
}

/* A file that is named must be there, and be one line. */
static void
test_bad_files_are_reported(void **state)
{
	struct config_case *f = *state;

	config_case_write(f, "lines", "a\nb\n");
	assert_null(config_case_load(f,
	    "[handler a]\ntype = forward\nurl = http://127.0.0.1/\n"
	    "header = A: @lines, B: @gone\nsign_secret_file = gone\n"));
	assert_non_null(strstr(f->reported, "c.ini:4: handler.header: "));
	assert_non_null(strstr(f->reported, " lines: is not one line\n"));
	assert_non_null(strstr(f->reported, "/gone"));
	assert_non_null(
	    strstr(f->reported, "c.ini:5: handler.sign_secret_file: "));
}

/* An alarm has a time and a handler. */
static void
test_alarms_are_read(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    "[handler pos]\ntype = orders\ndeadline = 3m\non_deadline = bell\n"
	    "[handler bell]\ntype = exec\nevents =\ncommand = true\n");

	assert_int_equal(cfg->handlers[0].deadline_ms, 180000);
	assert_string_equal(cfg->handlers[0].on_deadline, "bell");
	config_free(cfg);
}

/* One that nobody, or only itself, or a circle would hear is refused. */
static void
test_bad_alarms_are_reported(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\ntype = orders\ndeadline = 1m\non_deadline = bel\n"
	    "[handler bell]\ntype = orders\ndeadline = 1m\n"
	    "on_deadline = bell\n"
	    "[handler c]\ntype = orders\ndeadline = 1m\n"
	    "[handler d]\ntype = orders\non_deadline = bell\n"
	    "[handler e]\ntype = orders\ndeadline = 0\non_deadline =\n"
	    "[handler f]\ntype = orders\ndeadline = 1m\non_deadline = g\n"
	    "[handler g]\ntype = orders\ndeadline = 1m\non_deadline = f\n",
	    "%:17: handler.deadline: \"0\" is not between 1000ms and "
	    "2592000s\n"
	    "%:18: handler.on_deadline: names nothing\n"
	    "%:4: handler.on_deadline: there is no [handler bel]; did you "
	    "mean bell?\n"
	    "%:8: handler.on_deadline: bell cannot ring for itself\n"
	    "%:11: handler.deadline: needs on_deadline, the handler that "
	    "rings then\n"
	    "%:14: handler.on_deadline: needs a deadline\n"
	    "%:22: handler.on_deadline: g would ring for f in a circle\n"
	    "%:26: handler.on_deadline: f would ring for g in a circle\n");
}

/* Ids are kept at least as long as bodies. */
static void
test_retention_is_read(void **state)
{
	struct config_case *f = *state;
	struct config *cfg =
	    config_case_load_good(f, "[retention]\nbodies = 7d\n");

	assert_int_equal(cfg->retention_bodies_ms, 7 * INT64_C(86400000));
	assert_int_equal(cfg->retention_ids_ms, 400 * INT64_C(86400000));
	config_free(cfg);
	config_case_errors(f, "[retention]\nids = 29d\n",
	    "retention.ids: is shorter than retention.bodies: a body is not "
	    "kept without its id\n");
}

/* A star is all of klikit's, or what follows a dot. */
static void
test_stars_in_types(void **state)
{
	struct config_case *f = *state;

	config_free(config_case_load_good(f,
	    "[handler a]\ntype = orders\nevents = klikitd.alert.*, a.b\n"
	    "[handler b]\ntype = orders\nevents = *, klikitd.alert.*\n"));
	config_case_errors(f,
	    "[handler a]\ntype = orders\nevents = klikit*\n"
	    "[handler b]\ntype = orders\nevents = a.*.b\n"
	    "[handler c]\ntype = orders\nevents = **\n",
	    "%:3: handler.events: \"klikit*\": a * is all, or the end after a "
	    "dot\n"
	    "%:6: handler.events: \"a.*.b\": a * is all, or the end after a "
	    "dot\n"
	    "%:9: handler.events: \"**\": a * is all, or the end after a "
	    "dot\n");
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_handlers_are_read),
		TEST(test_bad_handlers_are_reported),
		TEST(test_forward_is_read_whole),
		TEST(test_types_have_their_own_defaults),
		TEST(test_commands_are_split_into_words),
		TEST(test_bad_outlets_are_reported),
		TEST(test_keys_of_tls_need_https),
		TEST(test_keys_of_another_type_are_reported),
		TEST(test_bad_headers_are_reported),
		TEST(test_bad_files_are_reported),
		TEST(test_alarms_are_read),
		TEST(test_bad_alarms_are_reported),
		TEST(test_retention_is_read),
		TEST(test_stars_in_types),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
