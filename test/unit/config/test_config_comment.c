#include <string.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"
#include "test/lib/settings.h"

/* A value that can hold neither ; nor # says where comments belong. */
static void
test_config_comment_is_an_error_on_typed_keys(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		const char *sign;
	} cases[] = {
		{ "http.max_body", "1m ; one", "; one" },
		{ "http.max_body", "1m;one", ";one" },
		{ "http.max_body", "; one", "; one" },
		{ "http.max_connections", "5 # five", "# five" },
		{ "http.request_timeout", "5s # five", "# five" },
		{ "http.listen", "*:80 ; all", "; all" },
		{ "http.listen", "*:80 ; all, *:81", "; all, *:81" },
		{ "http.plain_listen", "127.0.0.1:80 ; here", "; here" },
		{ "admin.listen", "; none", "; none" },
		{ "log.level", "info ; or debug", "; or debug" },
		{ "log.format", "text # json", "# json" },
		{ "store.url", "sqlite:a.db ; here", "; here" },
		{ "handler.type", "forward ; POS", "; POS" },
		{ "handler.events", "a, b ; two", "; two" },
		{ "handler.events", "* # all", "# all" },
		{ "handler.brands", "1, #2", "#2" },
		{ "handler.terminal", "3;cancelled", ";cancelled" },
		{ "handler.ordering", "none ; any", "; any" },
		{ "handler.retry", "1s, ; first\n  2s ; second",
		    "; first 2s ; second" },
		{ "handler.deadline", "3m ; rings", "; rings" },
		{ "handler.on_deadline", "bell ; rings", "; rings" },
		{ "handler.url", "http://a/ ; POS", "; POS" },
		{ "handler.unit", "order ; each", "; each" },
		{ "handler.on_conflict", "dead ; 409", "; 409" },
		{ "handler.once_per_order", "yes ; once", "; once" },
		{ "secret.valid_until", "2027-01-31T00:00:00Z ; new", "; new" },
	};
	struct config_case *f = *state;
	char ini[256], want[256];
	const char *type;
	size_t len;

	f->src.need = CONFIG_STORE;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		len = strcspn(cases[i].key, ".");
		type = "type = forward\n";
		if (len != strlen("handler") ||
		    strcmp(cases[i].key, "handler.type") == 0)
			type = "";
		else if (strcmp(cases[i].key, "handler.terminal") == 0)
			type = "type = orders\n";
		(void)snprintf(ini, sizeof(ini), "[%.*s%s]\n%s = %s\n%s",
		    (int)len, cases[i].key,
		    len == 7 || strncmp(cases[i].key, "secret", 6) == 0 ? " x"
									: "",
		    cases[i].key + len + 1, cases[i].value, type);
		assert_null(config_case_load(f, ini));
		(void)snprintf(want, sizeof(want),
		    "%s:2: %s: \"%s\" cannot stand in this value; comments "
		    "need a line of their own\n",
		    f->file, cases[i].key, cases[i].sign);
		if (strncmp(f->reported, want, strlen(want)) != 0)
			fail_msg("%s is not\n%s", f->reported, want);
	}
}

#define KEPT                                                                   \
	" and what follows it is part of the value; comments need a line "     \
	"of their own, and quotes around the value say that it is meant\n"

/* Text is kept whole, and what looks like a comment is warned of. */
static void
test_config_comment_is_kept_in_text(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_warnings(f,
	    "[handler pos]\ntype = forward\nurl = http://a/;v=1\n"
	    "header = X-Store: Table bar #5, X-Api-Key: k\n",
	    "%:4: handler.header: the #" KEPT);
	assert_int_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
			     "header")
			     .n,
	    2);
	assert_string_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
				"header")
				.items[0],
	    "X-Store: Table bar #5");
	assert_string_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
				"header")
				.items[1],
	    "X-Api-Key: k");
	assert_string_equal(SETTING_OF(&cfg->handlers[0], char *, "url"),
	    "http://a/;v=1");
	config_free(cfg);

	cfg = config_case_warnings(f,
	    "[handler bell]\ntype = exec\ncommand = sh ; rings\n",
	    "%:3: handler.command: the ;" KEPT);
	assert_int_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
			     "command")
			     .n,
	    3);
	assert_string_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
				"command")
				.items[1],
	    ";");
	config_free(cfg);

	f->src.need = CONFIG_STORE;
	cfg = config_case_warnings(f, "[klikit]\nsecret_file = /a ; secret\n",
	    "%:2: klikit.secret_file: the ;" KEPT);
	assert_string_equal(cfg->secret_file, "/a ; secret");
	config_free(cfg);
}

/* What is plainly meant is not warned of. */
static void
test_config_comment_signs_that_are_meant(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_load_good(f,
	    "[handler a] ; the first\ntype = forward\n"
	    "url = \"http://a/x\" # a\nbrands = \"b;1, #2\"\n"
	    "header = \"X-Store: Table bar #5, X-Api-Key: k\" ; two\n"
	    "; a line of its own\n  # also within a value\n"
	    "[handler b]#the second\ntype = exec\n"
	    "command = sh -c 'a ; b' \"c\\\" # d\" e;f 'g'#h\n");
	assert_int_equal(SETTING_OF(&cfg->handlers[0], struct key_list,
			     "header")
			     .n,
	    2);
	assert_string_equal(cfg->handlers[0].brands.items[0], "b;1");
	assert_string_equal(cfg->handlers[0].brands.items[1], "#2");
	assert_int_equal(SETTING_OF(&cfg->handlers[1], struct key_list,
			     "command")
			     .n,
	    6);
	assert_string_equal(SETTING_OF(&cfg->handlers[1], struct key_list,
				"command")
				.items[2],
	    "a ; b");
	assert_string_equal(SETTING_OF(&cfg->handlers[1], struct key_list,
				"command")
				.items[3],
	    "c\" # d");
	assert_string_equal(SETTING_OF(&cfg->handlers[1], struct key_list,
				"command")
				.items[4],
	    "e;f");
	assert_string_equal(SETTING_OF(&cfg->handlers[1], struct key_list,
				"command")
				.items[5],
	    "g#h");
	config_free(cfg);
}

/* docker --env-file takes the whole line, as this file does now. */
static void
test_config_comment_in_a_variable(void **state)
{
	struct config_case *f = *state;

	f->env[1] = "KLIKITD_LOG_LEVEL=info # or debug";
	config_case_errors(f, "[http]\n",
	    "KLIKITD_LOG_LEVEL: log.level: \"# or debug\" cannot stand in "
	    "this value; comments need a line of their own\n");
	f->env[1] = "KLIKITD_TLS_KEY=/a #b";
	f->src.need = CONFIG_STORE;
	config_free(config_case_warnings(f, "[tls]\ncertificate = /c\n",
	    "KLIKITD_TLS_KEY: tls.key: the #" KEPT));
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_comment_is_an_error_on_typed_keys),
		TEST(test_config_comment_is_kept_in_text),
		TEST(test_config_comment_signs_that_are_meant),
		TEST(test_config_comment_in_a_variable),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
