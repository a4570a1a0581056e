/* The hooks of shim_vfs.h keep the model; a real file is what the system shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/crash_disk.h"
#include "test/lib/shim_vfs.h"

#define SECTOR 512
#define PAGE ((size_t)4096)
#define FILES_MAX 4
#define PATH_MAX_LEN 256
#define MADE_MAX ((size_t)1 << 20) /* bytes of a store that was just made */

/* A write, or with data NULL a truncation, that no sync has covered yet. */
struct pending {
	struct pending *next;
	unsigned char *data;
	size_t len;
	int64_t offset;
	uint64_t seq;
};

/* One file as the disk has it. */
struct model_file {
	char name[PATH_MAX_LEN];
	int fd; /* of the real one; closed last, as locks go with it */
	unsigned char *synced;
	size_t len;
	struct pending *first, **last;
	bool entry; /* its name is durable */
};

struct model {
	pthread_mutex_t mutex;
	struct model_file *files[FILES_MAX];
	size_t nfiles;
	uint32_t seed;
	uint64_t seq; /* of the last write */
	crash_sync_fn *at_sync;
	void *arg;
	struct crash_plan plan;
	unsigned writes, syncs; /* since it was planned */
	bool failed;
	char dead[PATH_MAX_LEN]; /* the files of a killed store begin so */
};

static struct model m = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* The last write before the sync that this thread is doing. */
static _Thread_local uint64_t sync_mark;

uint32_t
crash_disk_random(void)
{
	m.seed ^= m.seed << 13;
	m.seed ^= m.seed >> 17;
	m.seed ^= m.seed << 5;
	return (m.seed);
}

void
crash_disk_lock(void)
{
	(void)pthread_mutex_lock(&m.mutex);
}

void
crash_disk_unlock(void)
{
	(void)pthread_mutex_unlock(&m.mutex);
}

/* -- The model -- */

/* The file before it has its name, or of a process that is gone. */
static bool
is_ignored(const char *path)
{
	size_t len = strlen(m.dead);

	return (strstr(path, ".db.new") != NULL ||
		(len > 0 && strncmp(path, m.dead, len) == 0));
}

static struct model_file *
model_file(const char *path)
{
	struct model_file *file;

	for (size_t i = 0; i < m.nfiles; i++)
		if (strcmp(m.files[i]->name, path) == 0)
			return (m.files[i]);
	if (m.nfiles == FILES_MAX || (file = calloc(1, sizeof(*file))) == NULL)
		abort();
	m.files[m.nfiles++] = file;
	(void)snprintf(file->name, sizeof(file->name), "%s", path);
	file->fd = open(path, O_RDWR | O_CLOEXEC);
	if (file->fd == -1)
		abort();
	file->last = &file->first;
	/* The database's name is made durable by the store, before SQLite. */
	file->entry = strstr(path, ".db-") == NULL;
	return (file);
}

/* Forget what is pending up to a write. */
static void
model_forget(struct model_file *file, uint64_t upto)
{
	struct pending *p;

	while ((p = file->first) != NULL && p->seq <= upto) {
		file->first = p->next;
		free(p->data);
		free(p);
	}
	if (file->first == NULL)
		file->last = &file->first;
}

static void
model_free(struct model_file *file)
{
	model_forget(file, UINT64_MAX);
	free(file->synced);
	(void)close(file->fd);
	free(file);
}

static void
model_add(const char *path, const void *data, size_t len, int64_t offset)
{
	struct model_file *file = model_file(path);
	struct pending *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		abort();
	if (data != NULL) {
		if ((p->data = malloc(len)) == NULL)
			abort();
		memcpy(p->data, data, len);
	}
	p->len = len;
	p->offset = offset;
	p->seq = ++m.seq;
	*file->last = p;
	file->last = &p->next;
}

/* -- Images -- */

/* Write part of p, from byte from on, to the content at *buf. */
static void
image_write(unsigned char **buf, size_t *len, const struct pending *p,
    size_t from, size_t n)
{
	size_t end = (size_t)p->offset + from + n;

	if (end > *len) {
		if ((*buf = realloc(*buf, end)) == NULL)
			abort();
		memset(*buf + *len, 0, end - *len);
		*len = end;
	}
	memcpy(*buf + p->offset + from, p->data + from, n);
}

/* Apply one pending write as a crash may: whole, torn, or not at all. */
static void
image_apply(unsigned char **buf, size_t *len, const struct pending *p)
{
	uint32_t how = crash_disk_random() % 4;
	size_t n;

	if (how == 0)
		return;
	if (p->data == NULL) {
		if (p->len < *len)
			*len = p->len;
		return;
	}
	for (size_t from = 0; from < p->len; from += n) {
		n = SECTOR - ((size_t)p->offset + from) % SECTOR;
		if (n > p->len - from)
			n = p->len - from;
		if (how == 1 && crash_disk_random() % 2 == 0)
			continue;
		image_write(buf, len, p, from, n);
	}
}

/* The content of a file: what is synced, and with `some' some of the rest. */
static unsigned char *
image_content(const struct model_file *file, bool some, size_t *ret_len)
{
	unsigned char *buf;
	size_t len = file->len;

	if ((buf = malloc(len + 1)) == NULL)
		abort();
	if (len > 0)
		memcpy(buf, file->synced, len);
	for (struct pending *p = file->first; p != NULL && some; p = p->next)
		image_apply(&buf, &len, p);
	*ret_len = len;
	return (buf);
}

void
crash_disk_image(const char *dir, bool some)
{
	char path[PATH_MAX_LEN];
	const char *suffix;
	unsigned char *buf;
	size_t len;
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/x.db-wal", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/x.db-shm", dir);
	(void)unlink(path);
	for (size_t i = 0; i < m.nfiles; i++) {
		suffix = strstr(m.files[i]->name, ".db") + 3;
		(void)snprintf(path, sizeof(path), "%s/x.db%s", dir, suffix);
		(void)unlink(path);
		if (!m.files[i]->entry && (!some || crash_disk_random() % 2))
			continue;
		buf = image_content(m.files[i], some, &len);
		if ((out = fopen(path, "wb")) == NULL ||
		    fwrite(buf, 1, len, out) != len || fclose(out) != 0)
			abort();
		free(buf);
	}
}

/* -- Failing -- */

void
crash_disk_plan(const struct crash_plan *plan)
{
	crash_disk_lock();
	m.plan = *plan;
	m.writes = m.syncs = 0;
	m.failed = false;
	crash_disk_unlock();
}

bool
crash_disk_failed(void)
{
	return (m.failed);
}

/* Show again what is on disk, in the pages that a write has touched. */
static void
model_drop(const struct model_file *file, const struct pending *p)
{
	unsigned char page[PAGE];
	size_t at = (size_t)p->offset / PAGE * PAGE;
	size_t end = (size_t)p->offset + p->len;
	off_t shown = lseek(file->fd, 0, SEEK_END);
	size_t n;

	for (; at < end && (off_t)at < shown; at += PAGE) {
		memset(page, 0, sizeof(page));
		n = at < file->len ? file->len - at : 0;
		if (n > 0)
			memcpy(page, file->synced + at, n < PAGE ? n : PAGE);
		n = (size_t)shown - at < PAGE ? (size_t)shown - at : PAGE;
		if (pwrite(file->fd, page, n, (off_t)at) != (ssize_t)n)
			abort();
	}
}

/* A sync of the file has failed: of its writes nothing comes to disk. */
static void
model_lose(struct model_file *file)
{
	struct pending *p, **at = &file->first;

	while ((p = *at) != NULL) {
		if (p->data == NULL) { /* sizes are not pages */
			at = &p->next;
			continue;
		}
		if (!m.plan.keeps)
			model_drop(file, p);
		*at = p->next;
		free(p->data);
		free(p);
	}
	file->last = at;
}

/* Is this the write, or the sync, that fails? */
static bool
fault_is_due(bool sync)
{
	bool first = m.plan.fault != CRASH_NO_FAULT && !m.failed &&
		     sync == (m.plan.fault < CRASH_WRITE_EIO);

	if (sync)
		m.syncs++;
	else
		m.writes++;
	if (first && (sync ? m.syncs : m.writes) == m.plan.nth) {
		m.failed = true;
		m.syncs = 0;
		return (true);
	}
	return (sync && m.failed && m.plan.bad_sync != 0 &&
		m.syncs == m.plan.bad_sync);
}

/* What a sync that fails says. */
static int
fault_of_sync(void)
{
	switch (m.plan.fault) {
	case CRASH_SYNC_ENOSPC:
		errno = ENOSPC;
		return (SQLITE_IOERR_FSYNC);
	case CRASH_SYNC_FULL:
		return (SQLITE_FULL);
	case CRASH_NO_FAULT:
	case CRASH_SYNC_EIO:
	case CRASH_WRITE_EIO:
	case CRASH_WRITE_ENOSPC:
	case CRASH_WRITE_SHORT:
	case CRASH_NFAULTS:
		break;
	}
	errno = EIO;
	return (SQLITE_IOERR_FSYNC);
}

/* Let a write fail as planned. */
static int
fault_of_write(const char *path, const void *data, size_t len, int64_t offset)
{
	switch (m.plan.fault) {
	case CRASH_WRITE_SHORT:
		len /= 2;
		if (pwrite(model_file(path)->fd, data, len, offset) !=
		    (ssize_t)len)
			abort();
		model_add(path, data, len, offset);
		return (SQLITE_FULL);
	case CRASH_WRITE_ENOSPC:
		return (SQLITE_FULL);
	case CRASH_NO_FAULT:
	case CRASH_SYNC_EIO:
	case CRASH_SYNC_ENOSPC:
	case CRASH_SYNC_FULL:
	case CRASH_WRITE_EIO:
	case CRASH_NFAULTS:
		break;
	}
	errno = EIO;
	return (SQLITE_IOERR_WRITE);
}

/* -- The hooks -- */

/* The content that the real file has, all of it synced. */
static void
model_read(struct model_file *file)
{
	ssize_t n;

	if ((file->synced = malloc(MADE_MAX)) == NULL ||
	    (n = pread(file->fd, file->synced, MADE_MAX, 0)) <= 0 ||
	    n == (ssize_t)MADE_MAX)
		abort();
	file->len = (size_t)n;
}

/* shim_hooks opened: the database comes whole and synced, see open.c. */
static void
model_opened(void *arg, const char *path)
{
	struct model_file *file;

	(void)arg;
	crash_disk_lock();
	if (!is_ignored(path) && strstr(path, ".db-") == NULL) {
		file = model_file(path);
		if (file->synced == NULL && file->first == NULL)
			model_read(file);
	}
	crash_disk_unlock();
}

/* shim_hooks write. */
static int
model_write(void *arg, const char *path, const void *data, size_t len,
    int64_t offset)
{
	int rc = SQLITE_OK;

	(void)arg;
	crash_disk_lock();
	if (!is_ignored(path)) {
		if (fault_is_due(false))
			rc = fault_of_write(path, data, len, offset);
		else
			model_add(path, data, len, offset);
	}
	crash_disk_unlock();
	return (rc);
}

/* shim_hooks truncated. */
static void
model_truncated(void *arg, const char *path, int64_t len)
{
	(void)arg;
	crash_disk_lock();
	if (!is_ignored(path))
		model_add(path, NULL, (size_t)len, 0);
	crash_disk_unlock();
}

/* shim_hooks sync: the moment before a sync is the richest one. */
static int
model_sync(void *arg, const char *path)
{
	int rc = SQLITE_OK;

	(void)arg;
	crash_disk_lock();
	if (!is_ignored(path)) {
		if (m.at_sync != NULL)
			m.at_sync(m.arg, path);
		sync_mark = m.seq;
		if (fault_is_due(true)) {
			model_lose(model_file(path));
			rc = fault_of_sync();
		}
	}
	crash_disk_unlock();
	return (rc);
}

/*
 * shim_hooks synced: what was written before the sync began is content now;
 * what another thread wrote meanwhile is not.
 */
static void
model_synced(void *arg, const char *path)
{
	struct model_file *file;

	(void)arg;
	crash_disk_lock();
	if (is_ignored(path)) {
		crash_disk_unlock();
		return;
	}
	file = model_file(path);
	for (struct pending *p = file->first; p != NULL && p->seq <= sync_mark;
	     p = p->next) {
		if (p->data != NULL)
			image_write(&file->synced, &file->len, p, 0, p->len);
		else if (p->len < file->len)
			file->len = p->len;
	}
	model_forget(file, sync_mark);
	file->entry = true; /* SQLite syncs the folder of what it creates */
	crash_disk_unlock();
}

/* shim_hooks deleted: the file is gone, its content too. */
static void
model_deleted(void *arg, const char *path)
{
	(void)arg;
	crash_disk_lock();
	for (size_t i = 0; i < m.nfiles; i++) {
		if (strcmp(m.files[i]->name, path) != 0)
			continue;
		model_free(m.files[i]);
		m.files[i] = m.files[--m.nfiles];
		break;
	}
	crash_disk_unlock();
}

static struct shim_hooks model_hooks = {
	.opened = model_opened,
	.write = model_write,
	.truncated = model_truncated,
	.sync = model_sync,
	.synced = model_synced,
	.deleted = model_deleted,
};

void
crash_disk_install(int traits, crash_sync_fn *at_sync, void *arg)
{
	m.seed = 2463534242u;
	m.at_sync = at_sync;
	m.arg = arg;
	m.plan = (struct crash_plan){ 0 };
	m.failed = false;
	m.dead[0] = '\0';
	model_hooks.traits = traits;
	if (shim_vfs_install(&model_hooks) != 0)
		abort();
}

void
crash_disk_uninstall(void)
{
	shim_vfs_uninstall();
	while (m.nfiles > 0)
		model_free(m.files[--m.nfiles]);
}

/* The real file's bytes, as the system shows them, under another name. */
static void
model_copy(const struct model_file *file, const char *to)
{
	unsigned char buf[PAGE];
	FILE *out = fopen(to, "wb");
	off_t at = 0;
	ssize_t n;

	if (out == NULL)
		abort();
	while ((n = pread(file->fd, buf, sizeof(buf), at)) > 0) {
		if (fwrite(buf, 1, (size_t)n, out) != (size_t)n)
			abort();
		at += n;
	}
	if (fclose(out) != 0)
		abort();
}

void
crash_disk_kill(const char *from, const char *to)
{
	char path[PATH_MAX_LEN];
	struct model_file *file;

	crash_disk_lock();
	for (size_t i = 0; i < m.nfiles; i++) {
		file = m.files[i];
		(void)snprintf(path, sizeof(path), "%s%s", to,
		    file->name + strlen(from));
		model_copy(file, path);
		(void)close(file->fd);
		(void)strcpy(file->name, path);
		if ((file->fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
			abort();
	}
	(void)snprintf(m.dead, sizeof(m.dead), "%s", from);
	crash_disk_unlock();
}
