#include "server/app/listen_dir.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "store/store_read.h"

#define PREFIX "klikitd-listen."
#define STORE_FILE "listen.db"
#define NAMED_MAX 20 /* events that are named; of more the number is said */

static const char *
parent(void)
{
	const char *dir = getenv("TMPDIR");

	return (dir == NULL || dir[0] != '/' ? "/tmp" : dir);
}

/*
 * Take the folder at dir->path for ours: it is of this user, is no link, and
 * nobody else has it. Returns 0, or -1 with errno.
 */
static int
claim(struct listen_dir *dir)
{
	struct stat st;

	dir->fd =
	    open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd != -1 && fstat(dir->fd, &st) == 0 &&
	    st.st_uid == geteuid() && flock(dir->fd, LOCK_EX | LOCK_NB) == 0) {
		(void)snprintf(dir->store, sizeof(dir->store), "sqlite:%s/%s",
		    dir->path, STORE_FILE);
		return (0);
	}
	if (dir->fd != -1)
		(void)close(dir->fd);
	dir->fd = -1;
	return (-1);
}

int
listen_dir_make(struct listen_dir *ret_dir, char reason[LISTEN_DIR_REASON_MAX])
{
	int n;

	ret_dir->fd = -1;
	n = snprintf(ret_dir->path, sizeof(ret_dir->path),
	    "%s/" PREFIX "XXXXXX", parent());
	errno = ENAMETOOLONG;
	if (n < (int)sizeof(ret_dir->path) && mkdtemp(ret_dir->path) != NULL &&
	    claim(ret_dir) == 0)
		return (0);
	(void)snprintf(reason, LISTEN_DIR_REASON_MAX,
	    "cannot make a folder in %.300s: %s", log_text(parent()),
	    strerror(errno));
	return (-1);
}

/* -- What was not forwarded -- */

struct telling {
	const char *who;
	enum listen_left left;
};

/* store_jobs_fn */
static void
left_cb(enum store_rc rc, const struct store_job_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct telling *t = arg;

	if (rc != STORE_OK) {
		fprintf(stderr,
		    "%s: what was not forwarded cannot be read: %s\n", t->who,
		    reason);
		return;
	}
	t->left = n == 0 ? LISTEN_LEFT_NONE : LISTEN_LEFT_SOME;
	if (n == 0)
		return;
	fprintf(stderr,
	    "%s: %zu%s event%s taken from the hub, but not forwarded:\n",
	    t->who, n, n == STORE_PAGE_MAX ? " or more" : "",
	    n == 1 ? " was" : "s were");
	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		fprintf(stderr, "    %s\n", log_text(rows[i].event_id));
	if (n > NAMED_MAX)
		fprintf(stderr, "    and more\n");
	fprintf(stderr,
	    "The hub has them: klikitd replay EVENT-ID --handler NAME there "
	    "sends them again.\n");
}

enum listen_left
listen_dir_tell(const struct listen_dir *dir, const char *handler,
    const char *who)
{
	const struct store_options opt = {
		.url = dir->store,
		.mode = STORE_READ,
		.queue_max = 1,
		.now_ms = clock_wall_ms(),
	};
	const struct store_job_filter filter = {
		.pending = true,
		.handler = handler,
		.limit = STORE_PAGE_MAX,
	};
	struct telling t = { who, LISTEN_LEFT_UNKNOWN };
	char reason[STORE_REASON_MAX];
	struct store *st;

	if (faccessat(dir->fd, STORE_FILE, F_OK, 0) == -1)
		return (LISTEN_LEFT_NONE); /* it has never begun */
	if (store_open(&opt, &st, reason) != STORE_OK)
		left_cb(STORE_FAILED, NULL, 0, reason, &t);
	else {
		if (store_list_jobs(st, &filter, left_cb, &t) == 0)
			store_wait(st);
		else
			left_cb(STORE_FAILED, NULL, 0, "out of memory", &t);
		store_close(st);
	}
	return (t.left);
}

/* -- Its end -- */

void
listen_dir_remove(struct listen_dir *dir)
{
	DIR *all;
	const struct dirent *one;
	int fd;

	if (dir->fd == -1)
		return;
	fd = dup(dir->fd);
	if (fd != -1 && (all = fdopendir(fd)) != NULL) {
		while ((one = readdir(all)) != NULL)
			(void)unlinkat(dir->fd, one->d_name, 0);
		(void)closedir(all);
	} else if (fd != -1)
		(void)close(fd);
	if (rmdir(dir->path) == -1)
		fprintf(stderr,
		    "klikitd listen: %s cannot be removed: %s: customers' data "
		    "is in it\n",
		    log_text(dir->path), strerror(errno));
	(void)close(dir->fd);
	dir->fd = -1;
}

void
listen_dir_sweep(const char *handler)
{
	DIR *all = opendir(parent());
	const struct dirent *one;
	struct listen_dir dir;

	while (all != NULL && (one = readdir(all)) != NULL) {
		if (strncmp(one->d_name, PREFIX, strlen(PREFIX)) != 0 ||
		    snprintf(dir.path, sizeof(dir.path), "%s/%s", parent(),
			one->d_name) >= (int)sizeof(dir.path) ||
		    claim(&dir) == -1)
			continue;
		/* One that has no store yet may be about to begin. */
		if (faccessat(dir.fd, STORE_FILE, F_OK, 0) == -1) {
			(void)close(dir.fd);
			continue;
		}
		(void)listen_dir_tell(&dir, handler,
		    "klikitd listen: an earlier one was killed");
		listen_dir_remove(&dir);
	}
	if (all != NULL)
		(void)closedir(all);
}
