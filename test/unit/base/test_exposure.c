#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/exposure.h"

static enum exposure
judge(mode_t mode, uid_t owner, bool in_group)
{
	const struct stat st = { .st_mode = S_IFREG | mode, .st_uid = owner };

	return (exposure_of(&st, 1000, in_group));
}

/* What the group may do is meant so, or is the mask of an access list. */
static void
test_group_is_meant(void **state)
{
	static const mode_t modes[] = { 0600, 0400, 0440, 0640, 0660, 0770 };

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(judge(modes[i], 1000, false), EXPOSURE_NONE);
		assert_int_equal(judge(modes[i], 0, true), EXPOSURE_NONE);
	}
	assert_null(exposure_advice(EXPOSURE_NONE));
}

/* What all may read or change is not. */
static void
test_others_are_not(void **state)
{
	(void)state;
	assert_int_equal(judge(0644, 1000, false), EXPOSURE_OTHERS);
	assert_int_equal(judge(0604, 1000, false), EXPOSURE_OTHERS);
	assert_int_equal(judge(0602, 1000, false), EXPOSURE_OTHERS);
	assert_int_equal(judge(0644, 0, true), EXPOSURE_OTHERS);
	assert_string_equal(exposure_advice(EXPOSURE_OTHERS), "chmod o-rwx it");
}

/* To take it from all others would take it from klikitd's user, too. */
static void
test_needed_by_us(void **state)
{
	(void)state;
	assert_int_equal(judge(0644, 0, false), EXPOSURE_NEEDED);
	assert_int_equal(judge(0604, 0, true), EXPOSURE_NEEDED);
	assert_non_null(
	    strstr(exposure_advice(EXPOSURE_NEEDED), "user or group first"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_is_meant),
		cmocka_unit_test(test_others_are_not),
		cmocka_unit_test(test_needed_by_us),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
