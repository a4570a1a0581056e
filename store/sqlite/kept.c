/*
 * The files beside the store that hold customers' data outside of it.
 *
 * Copies are made from the store, by a migration or by a restore that was cut
 * short: what is in them is in the store as well, so they go with the bodies.
 * What was set aside (a damaged or lost store, a log without its database)
 * may hold acknowledged events that are nowhere else: it goes only when
 * somebody says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/* What follows the store's name, and then a number or a time. */
static const struct {
	const char *word;
	bool copy;
	const char *what;
} kinds[] = {
	{ SCHEMA_COPY, true, "the copy made before a migration" },
	{ ".restoring.tmp", true, "the copy of a restore that was cut short" },
	{ ".damaged-", false, "a damaged store that was set aside" },
	{ ".rescued-", false, "what was saved of a lost store" },
	{ ".aside-", false, "a log without its database" },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Skip that many digits; NULL: there are fewer. */
static const char *
kept_digits(const char *p, size_t n)
{
	return (strspn(p, "0123456789") >= n ? p + n : NULL);
}

/* What follows a word: a time and, if that was taken, a number. */
static const char *
kept_skip_time(const char *p)
{
	if ((p = kept_digits(p, 8)) == NULL || *p != '-' ||
	    (p = kept_digits(p + 1, 6)) == NULL)
		return (NULL);
	return (*p == '.' && p[1] >= '0' && p[1] <= '9'
		    ? p + 1 + strspn(p + 1, "0123456789")
		    : p);
}

/* Is that the rest of such a name, and no more? */
static bool
kept_ends(const char *word, const char *p)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal",
		".new", ".new-journal", ".tmp", ".tmp-journal" };
	size_t digits;

	if (strcmp(word, SCHEMA_COPY) == 0) {
		if ((digits = strspn(p, "0123456789")) == 0)
			return (false);
		p += digits;
	} else if (word[strlen(word) - 1] == '-' &&
		   (p = kept_skip_time(p)) == NULL)
		return (false);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (strcmp(p, ends[i]) == 0)
			return (true);
	return (false);
}

/* The kind of the file of that name; NKINDS: none of them. */
static size_t
kept_kind(const char *name, const char *store)
{
	size_t len = strlen(store), i, n;

	for (i = 0; i < NKINDS && strncmp(name, store, len) == 0; i++) {
		n = strlen(kinds[i].word);
		if (strncmp(name + len, kinds[i].word, n) == 0 &&
		    kept_ends(kinds[i].word, name + len + n))
			return (i);
	}
	return (NKINDS);
}

/* A file that was found. */
struct kept_file {
	int folder; /* it is in */
	const char *name;
	char path[PATH_MAX];
	size_t kind;
	int64_t at_ms; /* of its last change */
};

typedef void kept_fn(const struct kept_file *file, void *arg);

/*
 * Call each() for the files beside the store. The folder is opened by open(),
 * which ThreadSanitizer knows of.
 */
static void
kept_each(const char *store, kept_fn *each, void *arg)
{
	char *folder = place_folder(store);
	const char *slash = strrchr(store, '/');
	struct kept_file file = { .folder = -1 };
	struct dirent *e;
	struct stat sb;
	DIR *d = NULL;
	int fd = -1;

	if (folder != NULL)
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1 && (d = fdopendir(fd)) == NULL)
		(void)close(fd);
	while (d != NULL && (e = readdir(d)) != NULL) {
		file.kind =
		    kept_kind(e->d_name, slash == NULL ? store : slash + 1);
		if (file.kind == NKINDS ||
		    fstatat(fd, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(sb.st_mode))
			continue;
		file.folder = fd;
		file.name = e->d_name;
		file.at_ms = (int64_t)sb.st_mtime * 1000;
		(void)snprintf(file.path, sizeof(file.path), "%s/%s", folder,
		    e->d_name);
		each(&file, arg);
	}
	if (d != NULL)
		(void)closedir(d);
	free(folder);
}

/* -- For those who look -- */

struct kept_look {
	store_set_aside_fn *each;
	void *arg;
};

/* kept_fn */
static void
kept_look_cb(const struct kept_file *file, void *arg)
{
	const struct kept_look *look = arg;

	if (!kinds[file->kind].copy)
		look->each(file->path, kinds[file->kind].what, file->at_ms,
		    look->arg);
}

void
kept_set_aside(const char *path, store_set_aside_fn *each, void *arg)
{
	struct kept_look look = { each, arg };
	char *real = place_real(path);

	if (real != NULL)
		kept_each(real, kept_look_cb, &look);
	free(real);
}

/* -- Purging -- */

struct kept_purge {
	struct sqlite_store *s;
	const struct store_purge *purge;
	int64_t before_ms;
	struct kept_purged *ret;
};

/*
 * Is a body kept that came before that time, and could be purged? Then it is
 * not old, whatever the clock says, and nor is a copy of it.
 */
static bool
kept_is_young(struct db *db, int64_t made_ms)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_PURGE_LEFT)) == NULL)
		return (true);
	(void)sqlite3_bind_int64(st, 1, made_ms);
	rc = sqlite3_step(st);
	(void)sqlite3_reset(st);
	return (rc != SQLITE_DONE);
}

/* Is the file to go? */
static bool
kept_goes(const struct kept_purge *p, const struct kept_file *file)
{
	if (!kinds[file->kind].copy)
		return (p->purge->set_aside);
	if (p->purge->set_aside)
		return (false);
	return (p->purge->order_id != NULL ||
		(file->at_ms < p->before_ms &&
		    !kept_is_young(&p->s->writer, file->at_ms)));
}

/* kept_fn */
static void
kept_purge_cb(const struct kept_file *file, void *arg)
{
	struct kept_purge *p = arg;

	if (!kept_goes(p, file)) {
		/* It may hold purged data. */
		p->ret->left +=
		    !kinds[file->kind].copy &&
		    (p->purge->order_id != NULL || file->at_ms < p->before_ms);
		return;
	}
	if (unlinkat(file->folder, file->name, 0) == -1) {
		store_note(p->s->st, STORE_NOTE_WARN,
		    "%s: holds customers' data that is to be purged, and "
		    "cannot be removed: %s",
		    file->path, strerror(errno));
		p->ret->left++;
		return;
	}
	p->ret->removed++;
	store_note(p->s->st, STORE_NOTE_INFO, "%s: %s is purged", file->path,
	    kinds[file->kind].what);
}

void
kept_purge(struct sqlite_store *s, const struct store_purge *purge,
    struct kept_purged *ret)
{
	struct kept_purge p = { .s = s,
		.purge = purge,
		.before_ms = purge->bodies_before_ms > purge->ids_before_ms
				 ? purge->bodies_before_ms
				 : purge->ids_before_ms,
		.ret = ret };

	memset(ret, 0, sizeof(*ret));
	kept_each(s->path, kept_purge_cb, &p);
	if (ret->removed > 0)
		(void)place_sync_folder(s->path);
}
