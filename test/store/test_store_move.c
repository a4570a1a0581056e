/* What a move takes along: every column of every table, but for a few. */
#include <stdio.h>
#include <string.h>

#include "store/move/tables.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

static struct store_case c;

static int
setup(void **state)
{
	(void)state;
	store_case_init(&c);
	store_case_open(&c);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	store_case_fini(&c);
	return (0);
}

/* The columns of a table, as a table with a column `name'. */
#define FILE_COLUMNS "pragma_table_info('%s')"
#define SHARED_COLUMNS                                                         \
	"(SELECT column_name AS name FROM information_schema.columns "         \
	"WHERE table_schema = 'klikitd' AND table_name = '%s') AS x"

/* How many columns of that name the table has; NULL: of any name. */
static int64_t
columns(const char *table, const char *name)
{
	char from[256], sql[512];

	(void)snprintf(from, sizeof(from),
	    store_case_is_shared() ? SHARED_COLUMNS : FILE_COLUMNS, table);
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s%s%s%s", from,
	    name != NULL ? " WHERE name = '" : "", name != NULL ? name : "",
	    name != NULL ? "'" : "");
	return (store_case_int(&c, sql));
}

static void
test_every_column_is_moved(void **state)
{
	(void)state;
	for (size_t i = 0; i < MOVE_TABLES; i++) {
		const struct move_table *t = &move_tables[i];
		size_t n = move_table_columns(t);

		for (size_t j = 0; j < n; j++)
			if (columns(t->name, t->columns[j].name) != 1)
				fail_msg("%s has no %s", t->name,
				    t->columns[j].name);
		/* Who owns a job is nobody's in another store. */
		if (store_case_is_shared() && strcmp(t->name, "jobs") == 0)
			n++;
		if (columns(t->name, NULL) != (int64_t)n)
			fail_msg("%s: some columns are not moved", t->name);
	}
}

/* The rest has no rows that last: see tables.h. */
static void
test_every_table_is_moved(void **state)
{
	int64_t others = store_case_is_shared() ? 7 : 2;

	(void)state;
	assert_int_equal(store_case_int(&c,
			     store_case_is_shared()
				 ? "SELECT count(*) FROM pg_tables "
				   "WHERE schemaname = 'klikitd'"
				 : "SELECT count(*) FROM sqlite_master "
				   "WHERE type = 'table'"),
	    MOVE_TABLES + others);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_column_is_moved,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_table_is_moved,
		    setup, teardown),
	};

	return (store_case_run("store_move", tests));
}
