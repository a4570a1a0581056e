#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/upkeep/backup_name.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define AT INT64_C(1795963836000) /* 2026-11-29T14:50:36Z */

static void
test_a_name_has_the_date_and_the_store(void **state)
{
	char tag[BACKUP_TAG_MAX], name[BACKUP_NAME_MAX];

	(void)state;
	backup_tag("machine", "/var/lib/klikitd/klikitd.db", tag);
	assert_int_equal(strlen(tag), 8);
	backup_name(AT + 999, "1f2e3d4c", name);
	assert_string_equal(name, "klikitd-20261129T145036Z-1f2e3d4c.db");
}

/* Two stores, or two machines, in one directory leave each other alone. */
static void
test_a_tag_is_of_one_store_on_one_machine(void **state)
{
	char a[BACKUP_TAG_MAX], b[BACKUP_TAG_MAX];

	(void)state;
	backup_tag("m", "/a.db", a);
	backup_tag("m", "/a.db", b);
	assert_string_equal(a, b);
	backup_tag("m", "/b.db", b);
	assert_string_not_equal(a, b);
	backup_tag("n", "/a.db", b);
	assert_string_not_equal(a, b);
	backup_tag("m/", "a.db", b);
	assert_string_not_equal(a, b);
}

static void
test_names_sort_by_their_dates(void **state)
{
	char a[BACKUP_NAME_MAX], b[BACKUP_NAME_MAX];
	static const int64_t steps[] = { SECOND, 60 * SECOND, HOUR, DAY,
		31 * DAY, 366 * DAY };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		backup_name(AT, "1f2e3d4c", a);
		backup_name(AT + steps[i], "1f2e3d4c", b);
		assert_true(strcmp(a, b) < 0);
	}
}

static void
test_only_our_own_names_are_ours(void **state)
{
	static const struct {
		const char *name;
		enum backup_kind kind;
	} cases[] = {
		{ "klikitd-20261129T145036Z-1f2e3d4c.db", BACKUP_WHOLE },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.sent", BACKUP_SENT },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.new", BACKUP_HALF },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.new.tmp", BACKUP_HALF },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.new.tmp-wal",
		    BACKUP_HALF },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.new.tmp2",
		    BACKUP_OTHER },
		{ "klikitd-20261129T145036Z-1f2e3d4d.db", BACKUP_OTHER },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db.keep", BACKUP_OTHER },
		{ "klikitd-20261129T145036Z-1f2e3d4c.db-wal", BACKUP_OTHER },
		{ "klikitd-20261129T145036Z-1F2E3D4C.db", BACKUP_OTHER },
		{ "klikitd-20261329T145036Z-1f2e3d4c.db", BACKUP_OTHER },
		{ "klikitd-20261129t145036z-1f2e3d4c.db", BACKUP_OTHER },
		{ "klikitd-20261129T145036Z", BACKUP_OTHER },
		{ "klikitd-20261129T1450", BACKUP_OTHER },
		{ "klikitd.db", BACKUP_OTHER },
		{ "", BACKUP_OTHER },
	};
	int64_t at_ms;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		at_ms = 0;
		assert_int_equal(backup_name_parse(cases[i].name, "1f2e3d4c",
				     &at_ms),
		    cases[i].kind);
		if (cases[i].kind != BACKUP_OTHER)
			assert_true(at_ms == AT);
	}
}

/* Which of them stay, as letters in the order they came in; '.' goes. */
static const char *
chosen(const int64_t *times, size_t n, const struct backup_rule *rule)
{
	static char text[16];
	struct backup_file files[15];

	for (size_t i = 0; i < n; i++)
		files[i] = (struct backup_file){ .at_ms = times[i] };
	backup_choose(files, n, rule);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			if (times[i] == files[j].at_ms)
				text[i] =
				    files[j].surplus ? '.' : (char)('a' + i);
		}
	}
	text[n] = '\0';
	return (text);
}

static void
test_the_newest_are_kept(void **state)
{
	static const int64_t times[] = { AT - 3 * DAY, AT, AT - DAY,
		AT - 2 * DAY };
	struct backup_rule rule = { .now_ms = AT,
		.keep = 2,
		.max_age_ms = 30 * DAY };

	(void)state;
	assert_string_equal(chosen(times, 4, &rule), ".bc.");
	rule.keep = 9;
	assert_string_equal(chosen(times, 4, &rule), "abcd");
	rule.keep = 1;
	assert_string_equal(chosen(times, 4, &rule), ".b..");
	backup_choose(NULL, 0, &rule);
}

static void
test_what_is_too_old_goes_but_not_the_newest(void **state)
{
	static const int64_t times[] = { AT - 3 * DAY, AT - DAY };
	struct backup_rule rule = { .now_ms = AT,
		.keep = 9,
		.max_age_ms = 2 * DAY };

	(void)state;
	assert_string_equal(chosen(times, 2, &rule), ".b");
	rule.now_ms = AT + 90 * DAY;
	assert_string_equal(chosen(times, 2, &rule), ".b");
}

/* A clock that was ahead once must not cost the backup that was just made. */
static void
test_what_is_dated_ahead_counts_as_the_oldest(void **state)
{
	static const int64_t times[] = { AT + 700 * DAY, AT, AT - DAY };
	struct backup_rule rule = { .now_ms = AT,
		.keep = 2,
		.max_age_ms = 30 * DAY };

	(void)state;
	assert_string_equal(chosen(times, 3, &rule), ".bc");
	rule.keep = 3;
	assert_string_equal(chosen(times, 3, &rule), "abc");
}

static void
test_the_newest_has_the_age(void **state)
{
	struct backup_file files[] = { { .at_ms = AT - 3 * DAY },
		{ .at_ms = AT - HOUR }, { .at_ms = AT + 700 * DAY } };

	(void)state;
	assert_true(backup_age(files, 3, AT) == HOUR);
	assert_true(backup_age(files, 0, AT) == INT64_MAX);
	assert_true(backup_age(&files[2], 1, AT) == INT64_MAX);
	/* A clock that was set back a little. */
	assert_true(backup_age(&files[1], 1, AT - 2 * HOUR) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_has_the_date_and_the_store),
		cmocka_unit_test(test_a_tag_is_of_one_store_on_one_machine),
		cmocka_unit_test(test_names_sort_by_their_dates),
		cmocka_unit_test(test_only_our_own_names_are_ours),
		cmocka_unit_test(test_the_newest_are_kept),
		cmocka_unit_test(test_what_is_too_old_goes_but_not_the_newest),
		cmocka_unit_test(test_what_is_dated_ahead_counts_as_the_oldest),
		cmocka_unit_test(test_the_newest_has_the_age),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
