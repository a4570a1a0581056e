/* A type of handlers that is in a test file alone is configured like any. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"
#include "test/lib/settings.h"
#include "test/lib/shout.h"

static int
shout_setup(void **state)
{
	struct config_case *f;

	if (config_case_setup(state) == -1)
		return (-1);
	f = *state;
	f->src.types = shout_types;
	return (0);
}

/* Its keys fill its settings, beside what every handler and outlet has. */
static void
test_type_has_its_settings(void **state)
{
	struct config_case *f = *state;
	const struct key_secret *secret;
	const struct config_handler *h;
	char path[128];
	struct config *cfg;

	config_case_write(f, "secret", "hush\n");
	cfg = config_case_load_good(f,
	    "[handler boy]\nvolume = 9\nfile = shouts\nwords = one, two\n"
	    "tone = low\ntimeout = 2s\nbrands = 7\ntype = shout\n"
	    "password_file = secret\n");
	h = &cfg->handlers[0];
	assert_ptr_equal(h->type, &handler_shout);
	(void)snprintf(path, sizeof(path), "%s/shouts", f->dir);
	assert_string_equal(SETTING_OF(h, char *, "file"), path);
	assert_int_equal(SETTING_OF(h, int64_t, "volume"), 9);
	assert_int_equal(SETTING_OF(h, int, "tone"), 0);
	assert_int_equal(SETTING_OF(h, struct key_list, "words").n, 2);
	secret = &SETTING_OF(h, struct key_secret, "password_file");
	assert_int_equal(secret->len, 4);
	assert_memory_equal(secret->bytes, "hush", 4);
	assert_int_equal(h->timeout_ms, 2000);
	assert_int_equal(h->concurrency, 1);
	assert_true(h->once_per_order);
	assert_false(h->ordered);
	assert_string_equal(h->brands.items[0], "7");
	config_free(cfg);
}

/* What is not given is as its table says. */
static void
test_type_has_its_defaults(void **state)
{
	struct config_case *f = *state;
	const struct config_handler *h;
	struct config *cfg = config_case_load_good(f,
	    "[handler boy]\ntype = shout\nfile = /shouts\n");

	h = &cfg->handlers[0];
	assert_int_equal(SETTING_OF(h, int64_t, "volume"), 5);
	assert_int_equal(SETTING_OF(h, int, "tone"), 1);
	assert_string_equal(SETTING_OF(h, struct key_list, "words").items[0],
	    "hey");
	assert_null(SETTING_OF(h, struct key_secret, "password_file").bytes);
	assert_int_equal(h->timeout_ms, 3000);
	config_free(cfg);
}

/* What is wrong has its file, line and key, as for every type. */
static void
test_type_is_checked(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\ntype = shout\nvolume = 12\ntone = shrill\n"
	    "words =\nvolum = 1\nvolume = 3\nurl = http://a/\n"
	    "[handler b]\ntype = shout\nfile = /x\ntone = high\nvolume = 9\n"
	    "[handler c]\ntype = exec\ncommand = true\nvolume = 1\n"
	    "[handler d]\ntype = shuot\nvolume = 1\n",
	    "%:3: handler.volume: \"12\" is not a number from 1 to 11\n"
	    "%:4: handler.tone: \"shrill\" is not one of low, middle, high\n"
	    "%:5: handler.words: says nothing\n"
	    "%:6: handler.volum: unknown key; did you mean handler.volume?\n"
	    "%:7: handler.volume: given twice\n"
	    "%:8: handler.url: is no key of a handler of type shout\n"
	    "%:17: handler.volume: is no key of a handler of type exec\n"
	    "%:19: handler.type: no type \"shuot\"; there is: ^\n"
	    "%:1: handler.file: is missing in [handler a]\n"
	    "%:13: handler.volume: is too loud with tone = high\n");
	assert_null(config_case_load(f,
	    "[handler a]\ntype = shout\nfile = /x\npassword_file = gone\n"));
	assert_non_null(
	    strstr(f->reported, "c.ini:4: handler.password_file: "));
	assert_non_null(strstr(f->reported, "/gone: No such file"));
}

/* One that is asked for by a flag stands beside the default one. */
static void
test_type_beside_the_file(void **state)
{
	static const char *const keys[] = { "type", "shout", "file", "/x",
		"volume", "7", NULL };
	static const char *const bad[] = { "type", "shout", "volume", "70",
		NULL };
	struct config_extra extra = { "dev", "--shout: ", keys };
	struct config_case *f = *state;
	struct config *cfg;

	f->src.extra = &extra;
	cfg = config_case_load_good(f, "[http]\n");
	assert_int_equal(cfg->nhandlers, 2);
	assert_string_equal(cfg->handlers[0].name, "orders");
	assert_ptr_equal(cfg->handlers[0].type, shout_types[0]);
	assert_false(cfg->handlers[0].logs_answers);
	assert_string_equal(cfg->handlers[1].name, "dev");
	assert_int_equal(SETTING_OF(&cfg->handlers[1], int64_t, "volume"), 7);
	assert_true(cfg->handlers[1].logs_answers);
	config_free(cfg);
	extra.keys = bad;
	config_case_errors(f, "[http]\n",
	    "--shout: \"70\" is not a number from 1 to 11\n"
	    "--shout: handler.file: is missing in [handler dev]\n");
	config_case_errors(f, "[handler dev]\ntype = shout\nfile = /x\n",
	    "--shout: the configuration has a [handler dev] already\n");
}

/* Without it in the table there is no such type, and no such key. */
static void
test_type_is_there_by_the_table_alone(void **state)
{
	struct config_case *f = *state, *plain;
	void *other;

	assert_int_equal(config_case_setup(&other), 0);
	plain = other;
	config_case_errors(plain, "[handler a]\ntype = shout\nvolume = 3\n",
	    "%:2: handler.type: no type \"shout\"; there is: ^\n"
	    "%:3: handler.volume: unknown key\n");
	(void)config_case_teardown(&other);
	config_free(config_case_load_good(f,
	    "[handler a]\ntype = shout\nfile = /x\nvolume = 3\n"));
}

/* What a print function writes; the caller frees it. */
static char *
printed(void (*print)(FILE *out, const struct handler *const *types))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out, shout_types);
	assert_int_equal(fclose(out), 0);
	return (text);
}

/* Help and the example have its keys, with its own defaults for the rest. */
static void
test_type_is_described(void **state)
{
	char *help = printed(config_print_handlers);
	char *example = printed(config_print_example);

	(void)state;
	assert_non_null(strstr(help,
	    "A handler of type shout shouts. Its keys:\n\n"
	    "  file FILE (required)\n      Where it is shouted to.\n"
	    "  volume NUMBER (default 5)\n      How loud.\n"));
	assert_non_null(strstr(help, "  timeout DURATION (default 3s)\n"));
	assert_non_null(strstr(example,
	    "\n# Of type shout: it shouts.\n;[handler boy]\n;type = shout\n"
	    "# Where it is shouted to.\n;file = /run/shouts\n"
	    "# How loud.\n;volume = 5\n"));
	assert_non_null(strstr(example, ";timeout = 3s\n;concurrency = 1\n"));
	free(help);
	free(example);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, shout_setup, config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_type_has_its_settings),
		TEST(test_type_has_its_defaults),
		TEST(test_type_is_checked),
		TEST(test_type_beside_the_file),
		TEST(test_type_is_there_by_the_table_alone),
		TEST(test_type_is_described),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
