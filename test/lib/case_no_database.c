/* In place of case_database.c where there is no libpq: no test gets here. */
#include <stdlib.h>

#include "test/lib/case_database.h"

struct case_database *
case_database_new(char *ret_url, size_t room)
{
	(void)ret_url;
	(void)room;
	abort();
}

void
case_database_free(struct case_database *db)
{
	(void)db;
}

int64_t
case_database_int(struct case_database *db, const char *sql)
{
	(void)db;
	(void)sql;
	abort();
}

void
case_database_sql(struct case_database *db, const char *sql)
{
	(void)db;
	(void)sql;
	abort();
}

bool
case_database_says(struct case_database *db, const char *text)
{
	(void)db;
	(void)text;
	abort();
}
