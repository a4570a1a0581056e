/*
 * Checkpoints. The bulk of the log is copied aside, by the reader thread,
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
#define PAGES_LEAST 16
#define PART_OF_RESERVE 4 /* PAGES_ANYHOW times that is still less than it */
#define PAGES_FEW 16      /* of these the part that is little enough for it */

/* What checkpoint_tidy() does. */
enum step {
	STEP_NOTHING,
	STEP_ASIDE,   /* let the reader copy the bulk */
	STEP_COPY,    /* copy the rest here */
	STEP_PUT_OFF, /* until more has come */
	STEP_BROKEN   /* the copier met an error */
};

int
checkpoint_pages(const struct sqlite_store *s)
{
	int64_t due = BYTES_DUE;

	if (s->setup.checkpoint_pages != 0)
		return (s->setup.checkpoint_pages);
	/* On a full disk the reserve must do for what is not copied yet. */
	if (s->copy_soon && due > s->reserve_bytes / PART_OF_RESERVE)
		due = s->reserve_bytes / PART_OF_RESERVE;
	due /= s->writer.page_size;
	return (due < PAGES_LEAST ? PAGES_LEAST : (int)due);
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
checkpoint_aside(struct sqlite_store *s)
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
checkpoint_after_aside(struct sqlite_store *s)
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
		return (STEP_ASIDE);
	return (STEP_COPY);
}

static enum step
checkpoint_next(struct sqlite_store *s, enum store_aside at)
{
	switch (at) {
	case STORE_ASIDE_DONE:
		return (checkpoint_after_aside(s));
	case STORE_ASIDE_NONE:
		return (s->writer.wal_pages < s->checkpoint_at ? STEP_NOTHING
							       : STEP_ASIDE);
	case STORE_ASIDE_WANTED:
		return (checkpoint_is_late(s) ? STEP_COPY : STEP_NOTHING);
	case STORE_ASIDE_RUNNING:
		break;
	}
	return (STEP_NOTHING);
}

/* Copy what is left of the log, in the writer's thread. */
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
	case STORE_FULL: /* the log keeps what it has; commits will tell */
		return (STORE_OK);
	case STORE_EXISTS:
	case STORE_NOTFOUND:
	case STORE_REFUSED:
	case STORE_MOVED:
	case STORE_NEWER:
	case STORE_NOTADB:
	case STORE_FAILED:
		break;
	}
	return (db_reason(&s->writer, s, rc, reason));
}

enum store_rc
checkpoint_tidy(struct sqlite_store *s, enum store_aside at, bool *ret_aside,
    char *reason)
{
	switch (checkpoint_next(s, at)) {
	case STEP_NOTHING:
		break;
	case STEP_ASIDE:
		*ret_aside = true;
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
