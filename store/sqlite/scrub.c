/*
 * Scrubbing: what secure_delete leaves behind.
 *
 * SQLite overwrites a cell that is deleted, but when it splits or joins pages
 * it moves cells and leaves their old bytes in the unused middle of a page,
 * out of reach once the row itself is deleted. So after a purge every page's
 * unused middle is overwritten in the database file itself, a slice of pages
 * at a time, with commits in between.
 *
 * In a slice nobody else writes to the file: we hold the write lock and the
 * log has been copied to its end, so that no checkpoint finds anything to do.
 * Nobody reads the bytes that change. Our own cache is dropped, lest an old
 * page in it is written back. Should power fail, each byte is old or zero.
 */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/sqlite.h"

#define SLICE_BYTES ((int64_t)1 << 20)
#define PAGE_MAX 65536

/* The file as its pages lie in it. */
struct scrub {
	struct sqlite_store *s;
	sqlite3_file *file;
	int64_t page_size;
	int64_t pages;
	unsigned char page[PAGE_MAX];
};

static size_t
scrub_two(const unsigned char *p)
{
	return ((size_t)p[0] << 8 | p[1]);
}

/*
 * Where the unused middle of a page is. The first byte of a page in a tree is
 * its kind; of any other page it is the highest of a page number, 0 in
 * all files below 256 GB. Returns false if there is none.
 */
static bool
scrub_middle(const unsigned char *page, size_t size, size_t *ret_from,
    size_t *ret_to)
{
	size_t head, from, to;

	switch (page[0]) {
	case 2:
	case 5:
		head = 12;
		break;
	case 10:
	case 13:
		head = 8;
		break;
	default:
		return (false);
	}
	from = head + 2 * scrub_two(page + 3);
	to = scrub_two(page + 5);
	if (to == 0)
		to = PAGE_MAX;
	if (from >= to || to > size)
		return (false);
	*ret_from = from;
	*ret_to = to;
	return (true);
}

/* Overwrite the middle of one page, unless it is clean. */
static int
scrub_page(struct scrub *w, int64_t number)
{
	static const unsigned char zero[PAGE_MAX];
	const sqlite3_io_methods *io = w->file->pMethods;
	int64_t at = number * w->page_size;
	size_t from, to;
	int rc;

	rc = io->xRead(w->file, w->page, (int)w->page_size, at);
	if (rc != SQLITE_OK)
		return (rc);
	if (!scrub_middle(w->page, (size_t)w->page_size, &from, &to) ||
	    (!w->s->scrub_all && memcmp(w->page + from, zero, to - from) == 0))
		return (SQLITE_OK);
	return (
	    io->xWrite(w->file, zero, (int)(to - from), at + (int64_t)from));
}

/* With the write lock held: the next pages, and at the end make it durable. */
static int
scrub_pages(struct scrub *w)
{
	struct sqlite_store *s = w->s;
	int64_t end;
	int rc = SQLITE_OK;

	(void)sqlite3_db_release_memory(s->writer.conn);
	/* The first page is the schema's. */
	if (s->scrub_page == 0)
		s->scrub_page = 1;
	end = s->scrub_page + SLICE_BYTES / w->page_size;
	if (end > w->pages)
		end = w->pages;
	while (s->scrub_page < end && rc == SQLITE_OK)
		if ((rc = scrub_page(w, s->scrub_page)) == SQLITE_OK)
			s->scrub_page++;
	if (rc == SQLITE_OK && s->scrub_page >= w->pages)
		rc = w->file->pMethods->xSync(w->file, SQLITE_SYNC_NORMAL);
	return (rc);
}

static int
scrub_open(struct scrub *w)
{
	struct db *db = &w->s->writer;
	sqlite3_int64 size = 0;
	int rc;

	rc = sqlite3_file_control(db->conn, "main", SQLITE_FCNTL_FILE_POINTER,
	    &w->file);
	if (rc == SQLITE_OK)
		rc = db_int(db, "PRAGMA page_size", &w->page_size);
	if (rc == SQLITE_OK)
		rc = w->file->pMethods->xFileSize(w->file, &size);
	if (rc == SQLITE_OK && (w->page_size < 512 || w->page_size > PAGE_MAX))
		rc = SQLITE_CORRUPT;
	if (rc == SQLITE_OK)
		w->pages = size / w->page_size;
	return (rc);
}

int
scrub_log(struct sqlite_store *s, int how)
{
	struct db *db = &s->writer;
	int pages = 0, copied = 0;
	int rc;

	/* Do not wait for readers: acks would wait as long. */
	(void)sqlite3_busy_timeout(db->conn, 0);
	rc = sqlite3_wal_checkpoint_v2(db->conn, NULL, how, &pages, &copied);
	(void)sqlite3_busy_timeout(db->conn, db_busy_ms(s));
	if (rc == SQLITE_OK && copied < pages)
		rc = SQLITE_BUSY;
	if (rc == SQLITE_OK && how == SQLITE_CHECKPOINT_TRUNCATE)
		db->wal_pages = 0;
	return (rc);
}

static int
scrub_slice(struct scrub *w)
{
	struct db *db = &w->s->writer;
	int64_t before = 0, now = 0;
	int rc, end;

	rc = db_int(db, "PRAGMA data_version", &before);
	if (rc == SQLITE_OK)
		rc = scrub_log(w->s, SQLITE_CHECKPOINT_PASSIVE);
	if (rc == SQLITE_OK)
		rc = db_exec(db, SQL_BEGIN);
	if (rc != SQLITE_OK)
		return (rc);
	rc = db_int(db, "PRAGMA data_version", &now);
	/* Somebody else has committed to the log that we had just copied. */
	if (rc == SQLITE_OK && now != before)
		rc = SQLITE_BUSY;
	if (rc == SQLITE_OK)
		rc = scrub_open(w);
	if (rc == SQLITE_OK)
		rc = scrub_pages(w);
	end = db_exec(db, SQL_ROLLBACK);
	return (rc == SQLITE_OK ? end : rc);
}

void
scrub_run(struct sqlite_store *s, struct store_op *op)
{
	char reason[STORE_REASON_MAX];
	struct scrub *w = NULL;
	enum store_rc what;
	int rc = SQLITE_OK;

	if (!s->scrubbed) {
		if ((w = malloc(sizeof(*w))) == NULL) {
			rc = SQLITE_NOMEM;
		} else {
			w->s = s;
			rc = scrub_slice(w);
			s->scrubbed =
			    rc == SQLITE_OK && s->scrub_page >= w->pages;
			if (s->scrubbed)
				s->scrub_all = false;
		}
		free(w);
	}
	op->again = rc == SQLITE_OK && !s->scrubbed;
	if (op->again)
		return;
	if (rc == SQLITE_OK)
		rc = scrub_log(s, SQLITE_CHECKPOINT_TRUNCATE);
	if (rc == SQLITE_OK)
		return;
	what = db_reason(&s->writer, s, rc, reason);
	store_op_fail(op, what, reason);
}

void
scrub_forget(struct sqlite_store *s)
{
	s->scrub_page = 0;
	s->scrubbed = false;
}
