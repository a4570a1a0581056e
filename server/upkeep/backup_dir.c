#include "server/upkeep/backup_dir.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "store/store.h"

#define MACHINE_ID "/etc/machine-id"
#define MACHINE_MAX 64
#define NAMES_TRIED 100 /* one a second from now on */

struct backup_dir {
	char path[PATH_MAX];
	char tag[BACKUP_TAG_MAX];
	char newest[BACKUP_NAME_MAX];
	int fd;
};

static int
fail(char *reason, const char *path, const char *why)
{
	(void)snprintf(reason, BACKUP_REASON_MAX, "%.300s: %s", log_text(path),
	    why);
	return (-1);
}

/* The machine, so that two may share a directory; "" if it has no name. */
static void
read_machine(char ret_name[MACHINE_MAX])
{
	FILE *f = fopen(MACHINE_ID, "re");

	if (f == NULL || fgets(ret_name, MACHINE_MAX, f) == NULL)
		ret_name[0] = '\0';
	ret_name[strcspn(ret_name, "\n")] = '\0';
	if (f != NULL)
		(void)fclose(f);
}

struct backup_dir *
backup_dir_open(const char *path, const char *store_url, bool lock,
    char reason[BACKUP_REASON_MAX])
{
	char machine[MACHINE_MAX], store[PATH_MAX];
	struct backup_dir *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		(void)fail(reason, path, "out of memory");
		return (NULL);
	}
	(void)snprintf(d->path, sizeof(d->path), "%s", path);
	if (store_locate(store_url, store) == -1)
		store[0] = '\0';
	read_machine(machine);
	backup_tag(machine, store, d->tag);
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd == -1)
		(void)fail(reason, path, strerror(errno));
	else if (lock) /* as far as its file system has such locks */
		(void)flock(d->fd, LOCK_EX);
	if (d->fd != -1)
		return (d);
	backup_dir_close(d);
	return (NULL);
}

/* -- What is in it -- */

/*
 * The next file of ours, a regular one; NULL: no more. Anything else that has
 * such a name was not made here.
 */
static const char *
next_file(struct backup_dir *d, DIR *dir, enum backup_kind *ret_kind,
    int64_t *ret_at_ms, struct stat *ret_sb)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		*ret_kind = backup_name_parse(entry->d_name, d->tag, ret_at_ms);
		if (*ret_kind != BACKUP_OTHER &&
		    fstatat(d->fd, entry->d_name, ret_sb,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(ret_sb->st_mode))
			return (entry->d_name);
	}
	return (NULL);
}

static DIR *
open_list(const struct backup_dir *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);

	if (dir == NULL && fd != -1)
		(void)close(fd);
	return (dir);
}

void
backup_dir_sweep(struct backup_dir *d)
{
	DIR *dir = open_list(d);
	enum backup_kind kind;
	const char *name;
	struct stat sb;
	int64_t at_ms;

	while (dir != NULL &&
	       (name = next_file(d, dir, &kind, &at_ms, &sb)) != NULL) {
		if (kind == BACKUP_HALF)
			(void)unlinkat(d->fd, name, 0);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* The verified ones, in any order; from malloc, NULL if there are none. */
static struct backup_file *
list_whole(struct backup_dir *d, size_t *ret_n, int64_t *ret_bytes)
{
	struct backup_file *files = NULL, *grown;
	DIR *dir = open_list(d);
	enum backup_kind kind;
	struct stat sb;
	int64_t at_ms;

	*ret_n = 0;
	*ret_bytes = 0;
	while (dir != NULL && next_file(d, dir, &kind, &at_ms, &sb) != NULL) {
		if (kind != BACKUP_WHOLE)
			continue;
		grown = realloc(files, (*ret_n + 1) * sizeof(*files));
		if (grown == NULL)
			break;
		files = grown;
		files[(*ret_n)++] = (struct backup_file){ .at_ms = at_ms };
		*ret_bytes += sb.st_size;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return (files);
}

void
backup_dir_look(struct backup_dir *d, int64_t now_ms,
    struct backup_dir_look *ret_look)
{
	char sent[BACKUP_NAME_MAX + sizeof(BACKUP_SENT_END)];
	struct backup_dir_look look = { .newest = d->newest };
	struct backup_file *files;
	struct stat sb;

	files = list_whole(d, &look.n, &look.bytes);
	look.age_ms = backup_age(files, look.n, now_ms);
	d->newest[0] = '\0';
	for (size_t i = 0; i < look.n; i++) {
		int64_t age = backup_age(&files[i], 1, now_ms);

		if (age == look.age_ms && files[i].at_ms > look.newest_ms)
			look.newest_ms = files[i].at_ms;
	}
	free(files);
	if (look.n > 0) {
		backup_name(look.newest_ms, d->tag, d->newest);
		if (fstatat(d->fd, d->newest, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			look.newest_bytes = sb.st_size;
		(void)snprintf(sent, sizeof(sent), "%s" BACKUP_SENT_END,
		    d->newest);
		look.sent = fstatat(d->fd, sent, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	}
	*ret_look = look;
}

/* -- Making and removing -- */

int
backup_dir_name(struct backup_dir *d, int64_t now_ms, char ret_path[PATH_MAX],
    char ret_half[PATH_MAX])
{
	char name[BACKUP_NAME_MAX];
	struct stat sb;
	int n;

	for (int i = 0; i < NAMES_TRIED; i++) {
		backup_name(now_ms + 1000 * i, d->tag, name);
		if (fstatat(d->fd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 ||
		    errno != ENOENT)
			continue;
		n = snprintf(ret_half, PATH_MAX, "%s/%s" BACKUP_HALF_END,
		    d->path, name);
		/* The store makes it under a name that is longer yet. */
		if (n < 0 || n > PATH_MAX - 16)
			return (-1);
		(void)snprintf(ret_path, PATH_MAX, "%.*s/%s",
		    PATH_MAX - BACKUP_NAME_MAX - 2, d->path, name);
		return (0);
	}
	return (-1);
}

int
backup_dir_keep(struct backup_dir *d, const char *half, const char *path,
    char reason[BACKUP_REASON_MAX])
{
	if (rename(half, path) == -1) {
		(void)fail(reason, path, strerror(errno));
		(void)unlink(half);
		return (-1);
	}
	if (fsync(d->fd) == 0)
		return (0);
	(void)fail(reason, path, strerror(errno));
	(void)unlink(path); /* who knows whether it would be there tomorrow */
	return (-1);
}

size_t
backup_dir_prune(struct backup_dir *d, const struct backup_rule *rule)
{
	char name[BACKUP_NAME_MAX];
	char sent[BACKUP_NAME_MAX + sizeof(BACKUP_SENT_END)];
	struct backup_file *files;
	size_t n, removed = 0;
	int64_t bytes;

	files = list_whole(d, &n, &bytes);
	backup_choose(files, n, rule);
	for (size_t i = 0; i < n; i++) {
		if (!files[i].surplus)
			continue;
		backup_name(files[i].at_ms, d->tag, name);
		(void)snprintf(sent, sizeof(sent), "%s" BACKUP_SENT_END, name);
		if (unlinkat(d->fd, name, 0) == 0)
			removed++;
		(void)unlinkat(d->fd, sent, 0);
	}
	free(files);
	return (removed);
}

void
backup_dir_sent(struct backup_dir *d, const char *name)
{
	char sent[BACKUP_NAME_MAX + sizeof(BACKUP_SENT_END)];
	int64_t at_ms;
	int fd;

	if (backup_name_parse(name, d->tag, &at_ms) != BACKUP_WHOLE)
		return;
	(void)snprintf(sent, sizeof(sent), "%s" BACKUP_SENT_END, name);
	fd = openat(d->fd, sent, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd != -1)
		(void)close(fd);
}

void
backup_dir_close(struct backup_dir *d)
{
	if (d == NULL)
		return;
	if (d->fd != -1)
		(void)close(d->fd);
	free(d);
}
