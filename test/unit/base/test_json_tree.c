#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/json_tree.h"

/* Read a text of exactly its length, so that reading past it is seen. */
static enum json_tree_rc
read_text(const char *text, struct json_tree *ret_tree)
{
	size_t len = strlen(text);
	char *exact = malloc(len == 0 ? 1 : len);
	enum json_tree_rc rc;

	assert_non_null(exact);
	memcpy(exact, text, len);
	rc = json_tree_read(ret_tree, exact, len);
	return (rc);
}

static void
drop(struct json_tree *tree)
{
	free((void *)tree->text);
	json_tree_fini(tree);
}

/* What the grammar of RFC 8259 allows is read. */
static void
test_json_of_every_kind_is_read(void **state)
{
	static const char *const texts[] = { "0", "-0.5e+10", "1E5", "true",
		"null", "\"\"", "\"\\u00e9\\\"\\/\xff\"", "[]", "{}", " [ ] ",
		"[1,[2,{}],\"x\"]", "{\"a\":{\"b\":[]},\"a\":1}\r\n" };
	struct json_tree tree;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(read_text(texts[i], &tree), JSON_TREE_OK);
		drop(&tree);
	}
}

/* A text that ends too early is told from one that is none. */
static void
test_cut_texts_are_told_from_bad_ones(void **state)
{
	static const char *const cut[] = { "", " ", "[", "[1", "[1,", "{\"a",
		"{\"a\":", "{\"a\":1", "tru", "\"x", "\"\\", "\"\\u00", "-",
		"1.", "1e", "[{\"a\":[[" };
	static const struct {
		const char *text;
		size_t at;
	} bad[] = { { "nul]", 3 }, { "[1,]", 3 }, { "{1:2}", 1 },
		{ "{\"a\",1}", 4 }, { "[1}", 2 }, { "01", 1 }, { "1 2", 2 },
		{ "\"\\x\"", 2 }, { "\"\n\"", 1 }, { "a=b", 0 },
		{ "\"\\u00g0\"", 5 }, { "{}]", 2 } };
	struct json_tree tree;

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		assert_int_equal(read_text(cut[i], &tree), JSON_TREE_CUT);
		drop(&tree);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_text(bad[i].text, &tree), JSON_TREE_BAD);
		assert_int_equal(tree.wrong_at, bad[i].at);
		drop(&tree);
	}
}

/* Values know their parents, their names and their neighbours. */
static void
test_nodes_are_linked(void **state)
{
	const struct json_node *n;
	struct json_tree tree;

	(void)state;
	assert_int_equal(read_text("{\"b\":[1,2],\"a\":\"x\"}", &tree),
	    JSON_TREE_OK);
	n = tree.nodes;
	assert_int_equal(tree.nnodes, 5);
	assert_int_equal(n[0].child, 1);
	assert_int_equal(n[1].next, 4);
	assert_int_equal(n[1].child, 2);
	assert_int_equal(n[2].next, 3);
	assert_int_equal(n[3].parent, 1);
	assert_int_equal(n[4].next, JSON_TREE_NONE);
	assert_memory_equal(tree.text + n[4].key_at, "\"a\"", n[4].key_len);
	assert_int_equal(json_tree_sort(&tree), 0);
	assert_int_equal(n[0].sorted_child, 4);
	assert_int_equal(n[4].sorted_next, 1);
	assert_int_equal(n[1].sorted_next, JSON_TREE_NONE);
	assert_int_equal(n[1].sorted_child, 2);
	drop(&tree);
}

/* Many values and deep ones are refused or read, but never too much. */
static void
test_size_and_depth_are_bounded(void **state)
{
	size_t len = 2 * (JSON_TREE_NODES_MAX + 1);
	char *text = malloc(len);
	struct json_tree tree;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < len; i++)
		text[i] = i % 2 == 0 ? '1' : ',';
	text[0] = '[';
	text[1] = '1';
	assert_int_equal(json_tree_read(&tree, text, len), JSON_TREE_BIG);
	json_tree_fini(&tree);
	memset(text, '[', 50000);
	memset(text + 50000, ']', 50000);
	assert_int_equal(json_tree_read(&tree, text, 100000), JSON_TREE_OK);
	assert_int_equal(tree.nnodes, 50000);
	assert_int_equal(json_tree_sort(&tree), 0);
	json_tree_fini(&tree);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_of_every_kind_is_read),
		cmocka_unit_test(test_cut_texts_are_told_from_bad_ones),
		cmocka_unit_test(test_nodes_are_linked),
		cmocka_unit_test(test_size_and_depth_are_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
