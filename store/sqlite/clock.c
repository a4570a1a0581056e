/* When the clocks were last looked at: the one row of the table clock. */
#include <stdio.h>

#include "store/sqlite/sqlite.h"

int
clock_note(struct db *db, struct store_op *op)
{
	const struct store_clock *c = &op->in.clock;
	sqlite3_stmt *st;

	if ((st = db_stmt(db, SQL_CLOCK_NOTE)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	(void)sqlite3_bind_int64(st, 1, c->steady.ms);
	(void)sqlite3_bind_int64(st, 2, c->wall.ms);
	(void)sqlite3_bind_int64(st, 3, c->believed.ms);
	(void)sqlite3_bind_int64(st, 4, c->in_step.ms);
	(void)sqlite3_bind_int64(st, 5, c->boot_ms);
	db_bind_text(st, 6, c->boot);
	return (db_run(db, st));
}

int
clock_get(struct db *db, struct store_op *op)
{
	struct store_clock *c = &op->in.clock;
	const char *boot;
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_CLOCK_GET)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		c->steady.ms = sqlite3_column_int64(st, 0);
		c->wall.ms = sqlite3_column_int64(st, 1);
		c->believed.ms = sqlite3_column_int64(st, 2);
		c->in_step.ms = sqlite3_column_int64(st, 3);
		c->boot_ms = sqlite3_column_int64(st, 4);
		boot = (const char *)sqlite3_column_text(st, 5);
		(void)snprintf(c->boot, sizeof(c->boot), "%s",
		    boot != NULL ? boot : "");
		c->newest_came.ms = sqlite3_column_int64(st, 6);
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW    ? SQLITE_OK
		: rc == SQLITE_DONE ? SQLITE_CORRUPT
				    : rc);
}
