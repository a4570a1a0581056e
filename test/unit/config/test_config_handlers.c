/* Handlers that call out, and alarms, as they are configured. */
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
#include "test/lib/settings.h"

#define TOLD_MAX 4096

/* A directory of its own, and what config_load() told of c.ini in it. */
struct fixture {
	char dir[64];
	char told[TOLD_MAX];
};

static const char *const env[] = { "KLIKIT_WEBHOOK_SECRET=s3cret", NULL };
static const char *const files[] = { "c.ini", "token", "secret", "lines" };

static void
file_of(const struct fixture *f, const char *name, char ret_path[128])
{
	(void)snprintf(ret_path, 128, "%s/%s", f->dir, name);
}

static void
write_file(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	file_of(f, name, path);
	assert_non_null(out = fopen(path, "w"));
	assert_int_equal(fputs(text, out) >= 0, 1);
	assert_int_equal(fclose(out), 0);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/test_config_handlers.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		file_of(f, files[i], path);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return (0);
}

/* config_error_fn: the line, without the directory. */
static void
tell_cb(const char *line, void *arg)
{
	struct fixture *f = arg;
	size_t len = strlen(f->told), dir = strlen(f->dir) + 1;

	if (strncmp(line, f->dir, dir - 1) == 0)
		line += dir;
	(void)snprintf(f->told + len, TOLD_MAX - len, "%s\n", line);
}

static struct config *
load(struct fixture *f, const char *ini)
{
	char path[128];
	const struct config_source src = { .types = handler_types,
		.path = path,
		.env = env };

	write_file(f, "c.ini", ini);
	file_of(f, "c.ini", path);
	f->told[0] = '\0';
	return (config_load(&src, tell_cb, f));
}

static struct config *
load_good(struct fixture *f, const char *ini)
{
	struct config *cfg = load(f, ini);

	if (cfg == NULL)
		fail_msg("%s", f->told);
	assert_string_equal(f->told, "");
	return (cfg);
}

static void
assert_tells(struct fixture *f, const char *ini, const char *lines)
{
	assert_null(load(f, ini));
	assert_string_equal(f->told, lines);
}

/* All keys of forward arrive, with what stands in its files. */
static void
test_forward_is_read_whole(void **state)
{
	struct fixture *f = *state;
	struct config *cfg;
	const struct config_handler *h;
	const struct key_list *headers;
	const struct key_secret *secret;

	write_file(f, "token", "Bearer 1, 2\n");
	write_file(f, "secret", "abc\n");
	cfg = load_good(f,
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
	struct fixture *f = *state;
	struct config *cfg = load_good(f,
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
	struct fixture *f = *state;
	struct config *cfg =
	    load_good(f, "[handler bell]\ntype = exec\nevents =\n"
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
test_bad_outlets_are_told(void **state)
{
	struct fixture *f = *state;

	assert_tells(f,
	    "[handler a]\ntype = forward\n"
	    "[handler b]\ntype = exec\n"
	    "[handler c]\ntype = forward\nurl = ftp://pos.example/\n"
	    "unit = both\non_conflict = maybe\nonce_per_order = 1\n"
	    "timeout = 1ms\nconcurrency = 0\n"
	    "[handler d]\ntype = exec\ncommand = ring 'aloud\n"
	    "[handler e]\ntype = exec\ncommand =\n",
	    "c.ini:7: handler.url: must begin with http:// or https://\n"
	    "c.ini:8: handler.unit: \"both\" is not one of event, order\n"
	    "c.ini:9: handler.on_conflict: \"maybe\" is not one of dead, "
	    "done\n"
	    "c.ini:10: handler.once_per_order: \"1\" is not one of no, yes\n"
	    "c.ini:11: handler.timeout: \"1ms\" is not between 10ms and "
	    "3600s\n"
	    "c.ini:12: handler.concurrency: \"0\" is not a number from 1 to "
	    "64\n"
	    "c.ini:15: handler.command: a quote is not closed\n"
	    "c.ini:18: handler.command: names no program\n"
	    "c.ini:1: handler.url: is missing in [handler a]\n"
	    "c.ini:3: handler.command: is missing in [handler b]\n");
}

/* What concerns TLS is refused where there is none, and by halves. */
static void
test_keys_of_tls_need_https(void **state)
{
	struct fixture *f = *state;

	assert_tells(f,
	    "[handler a]\ntype = forward\nurl = http://127.0.0.1/\n"
	    "ca_file = /ca.pem\nclient_certificate = /c.pem\n"
	    "client_key = /c.key\n"
	    "[handler b]\ntype = forward\nurl = https://127.0.0.1/\n"
	    "client_certificate = /c.pem\n"
	    "[handler c]\ntype = forward\nurl = HTTPS://127.0.0.1/\n"
	    "client_key = /c.key\n",
	    "c.ini:4: handler.ca_file: is of no use without an https:// "
	    "url\n"
	    "c.ini:5: handler.client_certificate: is of no use without an "
	    "https:// url\n"
	    "c.ini:6: handler.client_key: is of no use without an https:// "
	    "url\n"
	    "c.ini:10: handler.client_certificate: needs client_key\n"
	    "c.ini:14: handler.client_key: needs client_certificate\n");
}

/* A key of another type is a mistake, not a detail. */
static void
test_keys_of_another_type_are_told(void **state)
{
	struct fixture *f = *state;

	assert_tells(f,
	    "[handler a]\ntype = orders\nurl = http://127.0.0.1/\n"
	    "concurrency = 2\n"
	    "[handler b]\ncommand = sh\ntype = forward\n"
	    "url = http://127.0.0.1/\nterminal = 3\n"
	    "[handler c]\ntype = exec\ncommand = sh\nheader = A: b\n",
	    "c.ini:3: handler.url: is no key of a handler of type orders\n"
	    "c.ini:4: handler.concurrency: is no key of a handler of type "
	    "orders\n"
	    "c.ini:6: handler.command: is no key of a handler of type "
	    "forward\n"
	    "c.ini:9: handler.terminal: is no key of a handler of type "
	    "forward\n"
	    "c.ini:13: handler.header: is no key of a handler of type exec\n");
}

/* Headers have a name and a value, and ours stay ours. */
static void
test_bad_headers_are_told(void **state)
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
	struct fixture *f = *state;
	char ini[256], told[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(ini, sizeof(ini),
		    "[handler a]\ntype = forward\nurl = http://[::1]:1/\n"
		    "header = %s\n",
		    bad[i].header);
		(void)snprintf(told, sizeof(told),
		    "c.ini:4: handler.header: %s\n", bad[i].reason);
		assert_tells(f, ini, told);
	}
}

/* A file that is named must be there, and be one line. */
static void
test_bad_files_are_told(void **state)
{
	struct fixture *f = *state;

	write_file(f, "lines", "a\nb\n");
	assert_null(
	    load(f, "[handler a]\ntype = forward\nurl = http://127.0.0.1/\n"
		    "header = A: @lines, B: @gone\nsign_secret_file = gone\n"));
	assert_non_null(strstr(f->told, "c.ini:4: handler.header: "));
	assert_non_null(strstr(f->told, " lines: is not one line\n"));
	assert_non_null(strstr(f->told, "/gone"));
	assert_non_null(strstr(f->told, "c.ini:5: handler.sign_secret_file: "));
}

/* An alarm has a time and a handler. */
static void
test_alarms_are_read(void **state)
{
	struct fixture *f = *state;
	struct config *cfg = load_good(f,
	    "[handler pos]\ntype = orders\ndeadline = 3m\non_deadline = bell\n"
	    "[handler bell]\ntype = exec\nevents =\ncommand = true\n");

	assert_int_equal(cfg->handlers[0].deadline_ms, 180000);
	assert_string_equal(cfg->handlers[0].on_deadline, "bell");
	config_free(cfg);
}

/* One that nobody, or only itself, or a circle would hear is refused. */
static void
test_bad_alarms_are_told(void **state)
{
	struct fixture *f = *state;

	assert_tells(f,
	    "[handler a]\ntype = orders\ndeadline = 1m\non_deadline = bel\n"
	    "[handler bell]\ntype = orders\ndeadline = 1m\n"
	    "on_deadline = bell\n"
	    "[handler c]\ntype = orders\ndeadline = 1m\n"
	    "[handler d]\ntype = orders\non_deadline = bell\n"
	    "[handler e]\ntype = orders\ndeadline = 0\non_deadline =\n"
	    "[handler f]\ntype = orders\ndeadline = 1m\non_deadline = g\n"
	    "[handler g]\ntype = orders\ndeadline = 1m\non_deadline = f\n",
	    "c.ini:17: handler.deadline: \"0\" is not between 1000ms and "
	    "2592000s\n"
	    "c.ini:18: handler.on_deadline: names nothing\n"
	    "c.ini:4: handler.on_deadline: there is no [handler bel]; did you "
	    "mean bell?\n"
	    "c.ini:8: handler.on_deadline: bell cannot ring for itself\n"
	    "c.ini:11: handler.deadline: needs on_deadline, the handler that "
	    "rings then\n"
	    "c.ini:14: handler.on_deadline: needs a deadline\n"
	    "c.ini:22: handler.on_deadline: g would ring for f in a circle\n"
	    "c.ini:26: handler.on_deadline: f would ring for g in a circle\n");
}

/* Ids are kept at least as long as bodies. */
static void
test_retention_is_read(void **state)
{
	struct fixture *f = *state;
	struct config *cfg = load_good(f, "[retention]\nbodies = 7d\n");

	assert_int_equal(cfg->retention_bodies_ms, 7 * INT64_C(86400000));
	assert_int_equal(cfg->retention_ids_ms, 400 * INT64_C(86400000));
	config_free(cfg);
	assert_tells(f, "[retention]\nids = 29d\n",
	    "retention.ids: is shorter than retention.bodies: a body is not "
	    "kept without its id\n");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_forward_is_read_whole),
		TEST(test_types_have_their_own_defaults),
		TEST(test_commands_are_split_into_words),
		TEST(test_bad_outlets_are_told),
		TEST(test_keys_of_tls_need_https),
		TEST(test_keys_of_another_type_are_told),
		TEST(test_bad_headers_are_told),
		TEST(test_bad_files_are_told),
		TEST(test_alarms_are_read),
		TEST(test_bad_alarms_are_told),
		TEST(test_retention_is_read),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
