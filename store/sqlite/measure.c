/*
 * How much there is: files, disk, backlog. On the reader thread, since a disk
 * that hangs may hold up stat() as well.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <stdio.h>
#include <string.h>

#include "store/sqlite/lists.h"

/* The size of a file of this name and suffix; 0 if there is none. */
static int64_t
measure_file(const char *path, const char *suffix, struct arena *a)
{
	struct stat sb;
	char *name;
	size_t room = strlen(path) + strlen(suffix) + 1;

	if ((name = arena_alloc(a, room)) == NULL)
		return (0);
	(void)snprintf(name, room, "%s%s", path, suffix);
	return (stat(name, &sb) == 0 ? (int64_t)sb.st_size : 0);
}

/* What a statement counts. */
static int
measure_count(struct db *db, enum db_sql which, uint64_t *ret)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, which)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW ? SQLITE_OK : rc);
}

int
measure_run(struct db *db, struct store_op *op)
{
	const char *path = sqlite3_db_filename(db->conn, NULL);
	struct store_figures *f;
	struct statvfs fs;
	int rc;

	if ((f = arena_alloc(&op->res_mem, sizeof(*f))) == NULL)
		return (SQLITE_NOMEM);
	if ((rc = lists_handlers(db, op)) != SQLITE_OK ||
	    (rc = measure_count(db, SQL_LANES_BLOCKED, &f->lanes_blocked)) !=
		SQLITE_OK ||
	    (rc = measure_count(db, SQL_ALARMS_OPEN, &f->alarms)) != SQLITE_OK)
		return (rc);
	f->handlers = op->handlers;
	f->nhandlers = op->nrows;
	f->bytes = measure_file(path, "", &op->res_mem);
	f->log_bytes = measure_file(path, "-wal", &op->res_mem);
	f->reserve_bytes = measure_file(path, ".reserve", &op->res_mem);
	f->free_bytes = -1;
	if (statvfs(path, &fs) == 0) {
		f->free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
		f->floor_bytes = reserve_floor(&fs);
	}
	f->receivers = 1; /* the one that holds the lock */
	op->figures = f;
	return (SQLITE_OK);
}
