#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/base/roff.h"

/* What is printed by one call, owned by the caller. */
#define PRINTED(call)                                                          \
	char *got = NULL;                                                      \
	size_t len = 0;                                                        \
	FILE *out = open_memstream(&got, &len);                                \
	assert_non_null(out);                                                  \
	call;                                                                  \
	assert_int_equal(fclose(out), 0)

/* Dots and quotes ask for nothing at the beginning of a line. */
static void
test_roff_text_makes_no_request(void **state)
{
	(void)state;
	PRINTED(roff_text(out, ".so /etc/passwd\n'x.\n a.b"));
	assert_string_equal(got, "\\&.so /etc/passwd\n\\&\\(aqx.\n a.b");
	free(got);
}

/* Each sign comes out as the one that was meant, to be pasted into a shell. */
static void
test_roff_text_keeps_signs(void **state)
{
	(void)state;
	PRINTED(roff_text(out, "--a \\n `b` ^~"));
	assert_string_equal(got, "\\-\\-a \\en \\(gab\\(ga \\(ha\\(ti");
	free(got);
}

/* An entry without a value has no blank behind its name. */
static void
test_roff_entry(void **state)
{
	(void)state;
	PRINTED(roff_entry(out, "--all", NULL);
		roff_entry(out, "--type", "TYPE"));
	assert_string_equal(got,
	    ".TP\n\\fB\\-\\-all\\fR\n.TP\n\\fB\\-\\-type\\fR TYPE\n");
	free(got);
}

/* What follows stands on a line of its own, whatever the end of the text. */
static void
test_roff_verbatim_ends_its_last_line(void **state)
{
	(void)state;
	PRINTED(roff_verbatim(out, "a\n"); roff_verbatim(out, "b"));
	assert_string_equal(got, ".PP\n.nf\na\n.fi\n.PP\n.nf\nb\n.fi\n");
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roff_text_makes_no_request),
		cmocka_unit_test(test_roff_text_keeps_signs),
		cmocka_unit_test(test_roff_entry),
		cmocka_unit_test(test_roff_verbatim_ends_its_last_line),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
