/*
 * Checkpoints. The bulk of the log is copied by the reader thread,
 * while commits go on; a round later little is left. When that is little
 * enough the writer copies it between two commits, and the next one starts
 * the log over. If the reader has no time the writer copies all by itself.
 *
 * While a foreign reader holds an old snapshot the log cannot start over: it
 * is tried again when as much as makes a checkpoint has come on top.
 */
#include "store/sqlite/sqlite.h"

#define BYTES_DUE ((int64_t)32 << 20)
#define PAGES_ANYHOW 3 /* times as many: the writer copies all by itself */
#define PAGES_LARGE 4  /* times as many: that is worth a warning */
#define PAGES_LEAST 16
#define PART_OF_RESERVE 4 /* PAGES_ANYHOW times that is still less than it */
#define PAGES_FEW 16      /* of these the part that is little enough for it */

/* What checkpoint_upkeep() does. */
enum step {
	STEP_NOTHING,
	STEP_LONG,    /* let the reader copy the bulk */
	STEP_COPY,    /* copy the rest here */
	STEP_PUT_OFF, /* until more has come */
	STEP_BROKEN   /* the copier met an error */
};

/* What makes one due while there is room. */
static int
checkpoint_usual(const struct sqlite_store *s)
{
	if (s->setup.checkpoint_pages != 0)
		return (s->setup.checkpoint_pages);
	return ((int)(BYTES_DUE / s->writer.page_size));
}

int
checkpoint_pages(const struct sqlite_store *s)
{
	int due = checkpoint_usual(s);
	int64_t part;

	if (!s->copy_soon || s->setup.checkpoint_pages != 0)
		return (due);
	/* On a full disk the reserve must do for the rest of the copy. */
	part = s->reserve_bytes / PART_OF_RESERVE / s->writer.page_size;
	if (due > part)
		due = (int)part;
	return (due < PAGES_LEAST ? PAGES_LEAST : due);
}

void
checkpoint_soon(struct sqlite_store *s, bool soon)
{
	if (s->copy_soon == soon)
		return;
	s->copy_soon = soon;
	s->checkpoint_at = checkpoint_pages(s);
}

void
checkpoint_upkeep_long(struct sqlite_store *s)
{
	s->copier_rc = db_checkpoint(&s->copier, &s->copier_log);
	/* Else the writer, which ends the checkpoint, would sync all of it. */
	if (s->copier_rc == SQLITE_OK)
		s->copier_rc = db_sync(&s->copier);
}

/* Whether the reader has had its time. */
static bool
checkpoint_is_late(const struct sqlite_store *s)
{
	return (s->writer.wal_pages >=
		s->checkpoint_at + checkpoint_pages(s) * (PAGES_ANYHOW - 1));
}

/* What is left to do when the copier is done. */
static enum step
checkpoint_after_long(struct sqlite_store *s)
{
	int pages = s->writer.wal_pages;
	int due = checkpoint_pages(s);
	int few = due / PAGES_FEW;
	int copied = s->copier_log.pages - s->copier_log.left;

	if (db_rc(&s->copier, s->copier_rc) == STORE_FAILED ||
	    db_rc(&s->copier, s->copier_rc) == STORE_NOTADB)
		return (STEP_BROKEN);
	if (pages < due) /* it has started over meanwhile */
		return (STEP_NOTHING);
	if (s->copier_rc != SQLITE_OK || s->copier_log.left > few)
		return (STEP_PUT_OFF);
	if (pages - copied > few && !checkpoint_is_late(s))
		return (STEP_LONG);
	return (STEP_COPY);
}

static enum step
checkpoint_next(struct sqlite_store *s, enum store_upkeep at)
{
	switch (at) {
	case STORE_UPKEEP_DONE:
		return (checkpoint_after_long(s));
	case STORE_UPKEEP_NONE:
		return (s->writer.wal_pages < s->checkpoint_at ? STEP_NOTHING
							       : STEP_LONG);
	case STORE_UPKEEP_WANTED:
		return (checkpoint_is_late(s) ? STEP_COPY : STEP_NOTHING);
	case STORE_UPKEEP_RUNNING:
		break;
	}
	return (STEP_NOTHING);
}

/* Copy the rest of the log, in the writer's thread. */
static enum store_rc
checkpoint_copy(struct sqlite_store *s, char *reason)
{
	struct db_log log = { 0 };
	int rc;

	rc = db_checkpoint(&s->writer, &log);
	s->checkpoint_at = checkpoint_pages(s);
	if (rc != SQLITE_OK || log.left > 0)
		s->checkpoint_at += s->writer.wal_pages;
	s->writer.wal_pages = 0; /* the next commit counts anew */
	switch (db_rc(&s->writer, rc)) {
	case STORE_OK:
	case STORE_BUSY: /* somebody else copies */
	case STORE_FULL: /* the log keeps it; commits will fail */
		return (STORE_OK);
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_LOST:
	case STORE_AWAY:
	case STORE_FAILED:
		break;
	}
	return (db_reason(&s->writer, s, rc, reason));
}

static long long
checkpoint_mib(const struct sqlite_store *s)
{
	return (((int64_t)s->writer.wal_pages * s->writer.page_size) >> 20);
}

/* Warn of a log that cannot start over, again whenever it has doubled. */
static void
checkpoint_watch(struct sqlite_store *s)
{
	int large = checkpoint_usual(s) * PAGES_LARGE;
	int pages = s->writer.wal_pages;
	char who[HOLDER_MAX];

	if (pages >= large && pages >= s->log_warn_at) {
		holder_of_log(s, who);
		store_note(s->st, STORE_NOTE_WARN,
		    "%s-wal: the log of changes has grown to %lld MiB and "
		    "cannot start over: %s",
		    s->path, checkpoint_mib(s), who);
		s->log_warned = true;
		s->log_warn_at = 2 * pages;
	} else if (s->log_warned && pages > 0 && pages < large / 2) {
		store_note(s->st, STORE_NOTE_INFO,
		    "%s-wal: the log of changes has started over", s->path);
		s->log_warned = false;
		s->log_warn_at = 0;
	}
}

enum store_rc
checkpoint_upkeep(struct sqlite_store *s, enum store_upkeep at, bool *ret_long,
    char *reason)
{
	checkpoint_watch(s);
	switch (checkpoint_next(s, at)) {
	case STEP_NOTHING:
		break;
	case STEP_LONG:
		*ret_long = true;
		break;
	case STEP_COPY:
		return (checkpoint_copy(s, reason));
	case STEP_PUT_OFF:
		s->checkpoint_at = s->writer.wal_pages + checkpoint_pages(s);
		break;
	case STEP_BROKEN:
		return (db_reason(&s->copier, s, s->copier_rc, reason));
	}
	return (STORE_OK);
}
