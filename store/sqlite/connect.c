/*
 * The connections of a store that is written: the writer's, the reader's, the
 * copier's. They are opened and closed together, since what is to be done
 * about a failed sync is done with none of them open.
 */
#include <errno.h>
#include <stdio.h>

#include "store/sqlite/sqlite.h"

/* SQLite takes what it cannot write as read-only, without a word. */
static enum store_rc
connect_writer(struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	int rc;

	if ((rc = db_open(&s->writer, s, DB_WRITER)) != SQLITE_OK)
		return (db_reason(&s->writer, s, rc, reason));
	if (sqlite3_db_readonly(s->writer.conn, "main") == 1)
		return (place_errno(s->path, EROFS, reason));
	what = s->started ? schema_check(s, reason) : schema_prepare(s, reason);
	if (what != STORE_OK)
		return (what);
	s->checkpoint_at = checkpoint_pages(s);
	/* SQLite syncs the folder for the log's name, but never looks how. */
	if (place_sync_folder(s->path) == -1)
		return (place_errno(s->path, errno, reason));
	if (!s->started &&
	    (rc = attempts_recover(&s->writer, s->now_ms)) != SQLITE_OK)
		return (db_reason(&s->writer, s, rc, reason));
	return (STORE_OK);
}

enum store_rc
connect_reader(struct sqlite_store *s, char *reason)
{
	enum store_rc what = STORE_OK;
	struct db reader;
	int rc;

	if (s->reader.conn != NULL)
		return (STORE_OK);
	if ((rc = db_open(&reader, s, DB_READER)) != SQLITE_OK) {
		what = db_reason(&reader, s, rc, reason);
		db_close(&reader);
		return (what);
	}
	(void)pthread_mutex_lock(&s->mutex);
	s->reader = reader;
	(void)pthread_mutex_unlock(&s->mutex);
	return (what);
}

enum store_rc
connect_all(struct sqlite_store *s, char *reason)
{
	enum store_rc what;
	int rc;

	if ((what = connect_writer(s, reason)) != STORE_OK ||
	    (what = connect_reader(s, reason)) != STORE_OK)
		return (what);
	if ((rc = db_open(&s->copier, s, DB_COPIER)) != SQLITE_OK)
		return (db_reason(&s->copier, s, rc, reason));
	s->started = true;
	watch_begin(s);
	return (STORE_OK);
}

void
connect_leave(struct sqlite_store *s)
{
	struct db reader = { 0 };

	(void)pthread_mutex_lock(&s->mutex);
	if (!s->setup.no_recovery) {
		reader = s->reader;
		s->reader = (struct db){ 0 };
	}
	(void)pthread_mutex_unlock(&s->mutex);
	db_leave(&reader);
	db_leave(&s->copier);
	db_leave(&s->writer);
}
