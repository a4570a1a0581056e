#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/app/verb_table.h"
#include "server/cli/verb_help.h"

/* Every verb can be found, has a line of help, and fits 80 columns. */
static void
test_verb_table_is_whole(void **state)
{
	char *text = NULL, *line, *rest;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	verb_print_list(verb_table, out);
	for (size_t i = 0; verb_table[i] != NULL; i++) {
		assert_ptr_equal(verb_find(verb_table, verb_table[i]->name),
		    verb_table[i]);
		assert_true(
		    verb_table[i]->words_min <= verb_table[i]->words_max);
		verb_print_help(verb_table[i], out);
	}
	assert_int_equal(fclose(out), 0);
	for (line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strlen(line) > 80)
			fail_msg("too long: %s", line);
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verb_table_is_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
