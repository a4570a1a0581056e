#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/json_rewrite.h"

#define EACUTE "\xc3\xa9"
#define CLEF "\xf0\x9d\x84\x9e"

/* The text in that style, in a buffer of its own. */
static const char *
rewritten(const char *text, enum json_layout layout, bool sorted,
    unsigned escapes)
{
	static char out[1024];
	struct json_style style = { layout, sorted, escapes };
	struct json_tree tree;
	size_t len;

	assert_int_equal(json_tree_read(&tree, text, strlen(text)),
	    JSON_TREE_OK);
	assert_int_equal(json_tree_sort(&tree), 0);
	assert_int_equal(json_rewrite(&tree, &style, out, sizeof(out) - 1,
			     &len),
	    0);
	out[len] = '\0';
	json_tree_fini(&tree);
	return (out);
}

/* Layouts are those of common programs; values stay as they are. */
static void
test_layouts(void **state)
{
	static const char in[] =
	    " {\"b\" : [ 84.50,1e2,{ }],\n\t\"a\":{\"x\":[]} } \n";

	(void)state;
	assert_string_equal(rewritten(in, JSON_LAYOUT_COMPACT, false,
				JSON_ESCAPE_KEEP),
	    "{\"b\":[84.50,1e2,{}],\"a\":{\"x\":[]}}");
	assert_string_equal(rewritten(in, JSON_LAYOUT_SPACED, true,
				JSON_ESCAPE_KEEP),
	    "{\"a\": {\"x\": []}, \"b\": [84.50, 1e2, {}]}");
	assert_string_equal(rewritten(in, JSON_LAYOUT_INDENT2, false,
				JSON_ESCAPE_KEEP),
	    "{\n  \"b\": [\n    84.50,\n    1e2,\n    {}\n  ],\n"
	    "  \"a\": {\n    \"x\": []\n  }\n}");
	assert_string_equal(rewritten("[[1]]", JSON_LAYOUT_INDENT4, false,
				JSON_ESCAPE_KEEP),
	    "[\n    [\n        1\n    ]\n]");
	assert_string_equal(rewritten("[1]", JSON_LAYOUT_TAB, false,
				JSON_ESCAPE_KEEP),
	    "[\n\t1\n]");
	assert_string_equal(rewritten(" 7 ", JSON_LAYOUT_INDENT2, false,
				JSON_ESCAPE_KEEP),
	    "7");
	assert_string_equal(rewritten("{\"a\":1,\"B\":2,\"aa\":3,\"a\":4}",
				JSON_LAYOUT_COMPACT, true, JSON_ESCAPE_KEEP),
	    "{\"B\":2,\"a\":1,\"a\":4,\"aa\":3}");
}

/* Each manner of escaping, from raw text and from escapes alike. */
static void
test_escapes(void **state)
{
	static const struct {
		unsigned rules;
		const char *want;
	} cases[] = {
		{ JSON_ESCAPE_ANEW,
		    "[\"<" EACUTE "/\\n\\u0001\\\"" CLEF "\"]" },
		{ JSON_ESCAPE_ANEW | JSON_ESCAPE_HTML,
		    "[\"\\u003c" EACUTE "/\\n\\u0001\\\"" CLEF "\"]" },
		{ JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII,
		    "[\"<\\u00e9/\\n\\u0001\\\"\\ud834\\udd1e\"]" },
		{ JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII | JSON_ESCAPE_UPPER,
		    "[\"<\\u00E9/\\n\\u0001\\\"\\uD834\\uDD1E\"]" },
		{ JSON_ESCAPE_ANEW | JSON_ESCAPE_SLASH,
		    "[\"<" EACUTE "\\/\\n\\u0001\\\"" CLEF "\"]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++)
			assert_string_equal(rewritten(cases[i].want,
						JSON_LAYOUT_KEEP, false,
						cases[k].rules),
			    cases[k].want);
}

/* What is no character stays what it is. */
static void
test_broken_strings_survive(void **state)
{
	(void)state;
	assert_string_equal(rewritten("[\"\xff\\ud834x\\udd1e\", 1]",
				JSON_LAYOUT_KEEP, false,
				JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII),
	    "[\"\xff\\ud834x\\udd1e\", 1]");
}

/* Names are rewritten as well, and the blanks between are kept. */
static void
test_kept_layout_changes_strings_only(void **state)
{
	(void)state;
	assert_string_equal(rewritten(" {\"\\/\" : [ \"a/\" ] } ",
				JSON_LAYOUT_KEEP, false, JSON_ESCAPE_ANEW),
	    " {\"/\" : [ \"a/\" ] } ");
}

/* What does not fit is refused at every length, and nothing written past. */
static void
test_size_is_kept(void **state)
{
	static const char in[] = "{\"a\":[1,\"" EACUTE "\"]}";
	struct json_style style = { JSON_LAYOUT_INDENT2, false,
		JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII };
	size_t whole =
	    strlen(rewritten(in, style.layout, false, style.escapes));
	struct json_tree tree;
	char out[128];
	size_t len;

	(void)state;
	assert_int_equal(json_tree_read(&tree, in, strlen(in)), JSON_TREE_OK);
	for (size_t size = 0; size <= whole; size++) {
		memset(out, '!', sizeof(out));
		assert_int_equal(json_rewrite(&tree, &style, out, size, &len),
		    size == whole ? 0 : -1);
		assert_int_equal(out[size], '!');
	}
	assert_int_equal(len, whole);
	json_tree_fini(&tree);
}

/* What would come out as it stands is known beforehand. */
static void
test_keeps_is_right(void **state)
{
	static const char *const texts[] = { "[\"a\"]", "[\"" EACUTE "\"]",
		"[\"<\"]", "[\"/\"]", "{\"&\":1}" };
	struct json_style style = { .layout = JSON_LAYOUT_COMPACT };
	struct json_tree tree;
	char out[64];
	size_t len, kept = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(json_tree_read(&tree, texts[i],
				     strlen(texts[i])),
		    JSON_TREE_OK);
		for (style.escapes = 0; style.escapes < 16; style.escapes++) {
			if (style.escapes % 2 == 0 && style.escapes > 0)
				continue; /* without ANEW */
			assert_int_equal(json_rewrite(&tree, &style, out,
					     sizeof(out), &len),
			    0);
			/* It may be wrong only by trying too much. */
			if (json_rewrite_keeps(&tree, style.escapes)) {
				assert_int_equal(len, strlen(texts[i]));
				assert_memory_equal(out, texts[i], len);
				kept++;
			}
		}
		json_tree_fini(&tree);
	}
	assert_int_equal(kept, 27); /* of 45 */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_broken_strings_survive),
		cmocka_unit_test(test_kept_layout_changes_strings_only),
		cmocka_unit_test(test_size_is_kept),
		cmocka_unit_test(test_keeps_is_right),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
