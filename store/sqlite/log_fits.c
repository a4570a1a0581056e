/*
 * Whether a log that was left behind can belong to the database beside it.
 * SQLite asks nothing of the kind: put an older copy of the database beside
 * the log of a newer one, and it plays the one into the other.
 *
 * What can be known for certain: a database grows only by pages that are in
 * the log. A page past the end of the file that is not in the log either was
 * in another file. And a log with pages of another size is another's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

#define LOG_HEAD 32
#define FRAME_HEAD 24
#define LOG_MAGIC 0x377f0682 /* the last bit: big-endian sums */
#define PAGE_MAX 65536
#define LOG_MOST ((int64_t)256 << 20) /* reading more would hold up a start */
#define LOCK_PAGE_AT 0x40000000       /* SQLite leaves the page there out */

struct fits {
	int fd;
	bool big; /* how the words of a sum are read */
	uint32_t sum[2];
	uint32_t page_size;
	unsigned char salt[8];
	int64_t pages;       /* in the database's file */
	int64_t end;         /* of the database, by the last commit */
	unsigned char *seen; /* a bit for each page past the file's end */
	int64_t room;        /* bits in it */
	unsigned char frame[FRAME_HEAD + PAGE_MAX];
};

static uint32_t
fits_word(const unsigned char *p, bool big)
{
	return (big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			  (uint32_t)p[2] << 8 | p[3]
		    : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
			  (uint32_t)p[1] << 8 | p[0]);
}

static void
fits_add(struct fits *f, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		f->sum[0] += fits_word(p + i, f->big) + f->sum[1];
		f->sum[1] += fits_word(p + i + 4, f->big) + f->sum[0];
	}
}

/* Are the next two words, big-endian, the sum so far? */
static bool
fits_sum_is(const struct fits *f, const unsigned char *p)
{
	return (fits_word(p, true) == f->sum[0] &&
		fits_word(p + 4, true) == f->sum[1]);
}

/* The log's head. False: SQLite will take nothing from this log. */
static bool
fits_head(struct fits *f)
{
	unsigned char head[LOG_HEAD];

	if (pread(f->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    (fits_word(head, true) & ~(uint32_t)1) != LOG_MAGIC)
		return (false);
	f->big = (head[3] & 1) != 0;
	f->page_size = fits_word(head + 8, true);
	memcpy(f->salt, head + 16, sizeof(f->salt));
	fits_add(f, head, 24);
	return (fits_sum_is(f, head + 24) && f->page_size >= 512 &&
		f->page_size <= PAGE_MAX &&
		(f->page_size & (f->page_size - 1)) == 0);
}

/* Note that the log has that page. Returns 0, or -1: no memory. */
static int
fits_note(struct fits *f, int64_t page)
{
	int64_t bit = page - f->pages - 1;
	unsigned char *grown;
	int64_t room;

	if (bit < 0)
		return (0);
	if (bit >= f->room) {
		room = (bit / 8 + 1) * 16; /* whole bytes, twice as many */
		if ((grown = realloc(f->seen, (size_t)room / 8)) == NULL)
			return (-1);
		memset(grown + f->room / 8, 0, (size_t)(room - f->room) / 8);
		f->seen = grown;
		f->room = room;
	}
	f->seen[bit / 8] |= (unsigned char)(1 << bit % 8);
	return (0);
}

/* Read the frames up to the first that SQLite would not take. 0, or -1. */
static int
fits_read(struct fits *f)
{
	size_t len = FRAME_HEAD + f->page_size;
	const unsigned char *p = f->frame;
	int64_t at = LOG_HEAD;
	int64_t size;

	for (; pread(f->fd, f->frame, len, at) == (ssize_t)len;
	     at += (int64_t)len) {
		fits_add(f, p, 8);
		fits_add(f, p + FRAME_HEAD, f->page_size);
		if (memcmp(p + 8, f->salt, sizeof(f->salt)) != 0 ||
		    !fits_sum_is(f, p + 16))
			break;
		if (fits_note(f, fits_word(p, true)) == -1)
			return (-1);
		if ((size = fits_word(p + 4, true)) != 0)
			f->end = size;
	}
	return (0);
}

/* Does a page lack that is in neither file? */
static bool
fits_lacks(const struct fits *f)
{
	int64_t left_out = LOCK_PAGE_AT / (int64_t)f->page_size + 1;

	for (int64_t page = f->pages + 1; page <= f->end; page++) {
		int64_t bit = page - f->pages - 1;

		if (page == left_out ||
		    (bit < f->room && (f->seen[bit / 8] & 1 << bit % 8) != 0))
			continue;
		return (true);
	}
	return (false);
}

/* The size of the database's pages, by its head; 0: there is none. */
static uint32_t
fits_page_size(int fd)
{
	unsigned char head[20];
	uint32_t size;

	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, "SQLite format 3", 16) != 0)
		return (0);
	size = (uint32_t)head[16] << 8 | head[17];
	return (size == 1 ? PAGE_MAX : size);
}

bool
log_fits(int file_fd, const char *log_path)
{
	uint32_t page_size = fits_page_size(file_fd);
	bool fits = true;
	struct fits *f;
	struct stat sb;

	if (page_size == 0 || fstat(file_fd, &sb) == -1 ||
	    (f = calloc(1, sizeof(*f))) == NULL)
		return (true);
	f->pages = sb.st_size / page_size;
	f->fd = open(log_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd != -1 && fstat(f->fd, &sb) == 0 && sb.st_size <= LOG_MOST &&
	    fits_head(f)) {
		if (f->page_size != page_size)
			fits = false;
		else if (fits_read(f) == 0)
			fits = !fits_lacks(f);
	}
	if (f->fd != -1)
		(void)close(f->fd);
	free(f->seen);
	free(f);
	return (fits);
}
