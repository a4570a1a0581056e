#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/config/config_ini.h"

#define TOLD_MAX 4096

/* All calls, one "line:[section name]key=value" after the other. */
struct told {
	char text[TOLD_MAX];
	size_t len;
	int stop_after; /* calls; -1: never */
};

/* config_ini_fn */
static int
tell_cb(const struct config_ini_key *k, void *arg)
{
	struct told *told = arg;

	told->len += (size_t)snprintf(told->text + told->len,
	    sizeof(told->text) - told->len, "%u:[%s%s%s]%s%s%s%s%s|", k->line,
	    k->section, k->name[0] == '\0' ? "" : " ", k->name,
	    k->key == NULL ? "" : k->key, k->key == NULL ? "" : "=",
	    k->quoted ? "\"" : "", k->value, k->quoted ? "\"" : "");
	return (told->stop_after-- == 0 ? -1 : 0);
}

static void
assert_reads(const char *text, size_t len, const char *expected)
{
	struct told told = { .stop_after = -1 };
	const char *error;
	unsigned line;

	assert_int_equal(config_ini_read(text, len, tell_cb, &told, &error,
			     &line),
	    0);
	assert_string_equal(told.text, expected);
}

static void
assert_fails(const char *text, size_t len, const char *reason, unsigned at)
{
	struct told told = { .stop_after = -1 };
	const char *error = NULL;
	unsigned line = 0;

	assert_int_equal(config_ini_read(text, len, tell_cb, &told, &error,
			     &line),
	    -1);
	assert_non_null(error);
	if (strstr(error, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, error);
	assert_int_equal(line, at);
}

#define READS(text, expected) assert_reads(text, sizeof(text) - 1, expected)
#define FAILS(text, reason, at) assert_fails(text, sizeof(text) - 1, reason, at)

/* Sections and keys arrive in order, each with its line. */
static void
test_ini_tells_lines(void **state)
{
	(void)state;
	READS("", "");
	READS("[http]\nlisten = *:80\n\n[handler pos]\ntype=orders",
	    "1:[http]|2:[http]listen=*:80|4:[handler pos]|"
	    "5:[handler pos]type=orders|");
	READS("a = 1\n", "1:[]a=1|");
}

/* Blanks around names and values mean nothing, nor do CRLF and a BOM. */
static void
test_ini_drops_blanks(void **state)
{
	(void)state;
	READS("\xef\xbb\xbf[ handler \t pos ] \r\nkey\t =  v w \t\r\n",
	    "1:[handler pos]|2:[handler pos]key=v w|");
	READS("k =\n", "1:[]k=|");
}

/* A comment begins a line, or stands behind a ]; else it is text. */
static void
test_ini_comments(void **state)
{
	(void)state;
	READS("; a\n# b\n  ; c\n[s] ; d\nk = v\n", "4:[s]|5:[s]k=v|");
	READS("[s]#d\n[t];\n", "1:[s]|2:[t]|");
	READS("k = a;b#c\n", "1:[]k=a;b#c|");
	READS("k = v ; e\nl = x # f\n", "1:[]k=v ; e|2:[]l=x # f|");
	READS("k = ; a\nl =# b\n", "1:[]k=; a|2:[]l=# b|");
	FAILS("k ; a = b\n", "a key is made of", 1);
}

/* In quotes blanks, comment signs and quotes are text. */
static void
test_ini_quotes(void **state)
{
	(void)state;
	READS("k = \" a ; b \" ; c\n", "1:[]k=\" a ; b \"|");
	READS("k = \"a\" # b\nl = \"c\";d\n", "1:[]k=\"a\"|2:[]l=\"c\"|");
	READS("k = \"a\\\"b\\\\c\"\n", "1:[]k=\"a\"b\\c\"|");
	READS("k = \"\"\n", "1:[]k=\"\"|");
	READS("k = a \"b\"\n", "1:[]k=a \"b\"|");
	FAILS("k = \"a\n", "closing quote is missing", 1);
	FAILS("k = \"a\\n\"\n", "\\ may stand only", 1);
	FAILS("k = \"a\\", "\\ may stand only", 1);
	FAILS("k = \"a\" b\n", "after the closing quote", 1);
	FAILS("k = \"a\"b\n", "after the closing quote", 1);
}

/* An indented line goes on with the value, which keeps its first line. */
static void
test_ini_continues_values(void **state)
{
	(void)state;
	READS("k = one,\n  two,\n\n\t; between\n\tthree ; end\nl = x\n",
	    "1:[]k=one, two, three ; end|6:[]l=x|");
	READS("k =\n one\n", "1:[]k=one|");
	FAILS(" k = v\n", "goes on with the value before it", 1);
	FAILS("k = v\n[s]\n w\n", "goes on with the value before it", 3);
	FAILS("k = \"v\"\n w\n", "cannot go over lines", 2);
	FAILS("k = v\n \"w\"\n", "cannot go over lines", 2);
}

/* A malformed line is named by its reason. */
static void
test_ini_refuses_malformed(void **state)
{
	(void)state;
	FAILS("[http\n", "] is missing", 1);
	FAILS("\n[http] x\n", "after the section's ]", 2);
	FAILS("[]\n", "a section is", 1);
	FAILS("[a b c]\n", "a section is", 1);
	FAILS("[a/b]\n", "a section is", 1);
	FAILS("word\n", "neither", 1);
	FAILS("= v\n", "a key is made of", 1);
	FAILS("a b = v\n", "a key is made of", 1);
}

/* Bytes that are no clean text are refused, in comments too. */
static void
test_ini_refuses_unclean_text(void **state)
{
	(void)state;
	FAILS("k = a\0b\n", "control character", 1);
	FAILS("\n; \033[0m\n", "control character", 2);
	FAILS("k = a\rb\n", "control character", 1);
	FAILS("k = \xff\n", "UTF-8", 1);
	FAILS("k = \xed\xa0\x80\n", "UTF-8", 1);
	READS("k = caf\xc3\xa9\n", "1:[]k=caf\xc3\xa9|");
}

/* Neither lines nor values have a limit. */
static void
test_ini_takes_long_lines(void **state)
{
	struct told told = { .stop_after = -1 };
	const char *error;
	unsigned line;
	char *text;

	(void)state;
	text = malloc(3000);
	assert_non_null(text);
	memset(text, 'x', 3000);
	memcpy(text, "k = ", 4);
	assert_int_equal(config_ini_read(text, 3000, tell_cb, &told, &error,
			     &line),
	    0);
	assert_int_equal(told.len, strlen("1:[]k=|") + 2996);
	free(text);
}

/* The callback can stop the reading; then there is no error text. */
static void
test_ini_stops_when_told(void **state)
{
	struct told told = { .stop_after = 1 };
	const char *error = "";
	unsigned line;

	(void)state;
	assert_int_equal(config_ini_read("[a]\nk = 1\nl = 2\n", 16, tell_cb,
			     &told, &error, &line),
	    -1);
	assert_null(error);
	assert_string_equal(told.text, "1:[a]|2:[a]k=1|");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ini_tells_lines),
		cmocka_unit_test(test_ini_drops_blanks),
		cmocka_unit_test(test_ini_comments),
		cmocka_unit_test(test_ini_quotes),
		cmocka_unit_test(test_ini_continues_values),
		cmocka_unit_test(test_ini_refuses_malformed),
		cmocka_unit_test(test_ini_refuses_unclean_text),
		cmocka_unit_test(test_ini_takes_long_lines),
		cmocka_unit_test(test_ini_stops_when_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
