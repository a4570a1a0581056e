#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_input.h"
#include "server/cli/verbs.h"
#include "store/store_read.h"

struct backup {
	bool live;  /* stderr is a terminal */
	bool shown; /* a line of progress stands there */
	char wal[PATH_MAX + 8];
	long long wal_before;
	enum store_rc rc;
	char reason[STORE_REASON_MAX];
};

static long long
file_size(const char *path)
{
	struct stat sb;

	return (stat(path, &sb) == 0 ? (long long)sb.st_size : 0);
}

/* What the log has grown by: as long as it runs, a backup keeps it. */
static long long
wal_growth(const struct backup *b)
{
	long long grown = file_size(b->wal) - b->wal_before;

	return (grown > 0 ? grown : 0);
}

/* store_progress_fn */
static void
progress_cb(int64_t copied, int64_t total, void *arg)
{
	struct backup *b = arg;

	if (!b->live || total <= 0)
		return;
	fprintf(stderr, "\r%3lld %% copied, log grown by %lld KiB ",
	    (long long)(copied * 100 / total), wal_growth(b) / 1024);
	b->shown = true;
}

/* store_done_fn */
static void
done_cb(const struct store_result *res, void *arg)
{
	struct backup *b = arg;

	b->rc = res->rc;
	if (res->rc != STORE_OK)
		(void)snprintf(b->reason, sizeof(b->reason), "%s", res->reason);
}

static enum verb_exit
backup_run(const struct verb_args *args)
{
	const char *path = args->words[0];
	struct backup b = { .live = isatty(STDERR_FILENO),
		.rc = STORE_FAILED,
		.reason = "out of memory" };
	struct verb_store_name name;
	struct store *st;

	if ((st = verb_store_named(args, &name)) == NULL)
		return (VERB_FAILED);
	(void)snprintf(b.wal, sizeof(b.wal), "%s-wal", name.path);
	b.wal_before = file_size(b.wal);
	if (store_backup(st, path, progress_cb, done_cb, &b) == 0)
		store_wait(st);
	store_close(st);
	if (b.shown)
		(void)fputc('\n', stderr);
	if (b.rc != STORE_OK) {
		fprintf(stderr, "klikitd backup: %s\n", b.reason);
		return (VERB_FAILED);
	}
	printf("%s: %lld bytes, verified; the store's log grew by %lld "
	       "bytes meanwhile\n",
	    log_text(path), file_size(path), wal_growth(&b));
	return (VERB_DONE);
}

static const struct verb_flag flags[] = {
	{ "dev", NULL, "of the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_backup = {
	.name = "backup",
	.words = "FILE",
	.text = "Copy the whole store to a new file, also while serving",
	.more = "The copy shows the store at one moment, holds up no delivery, "
		"and is\nchecked. FILE must not be there yet; it is readable "
		"by its owner only.\nTo restore it: stop the server, put it in "
		"the place of the store, and\nremove the store's -wal and "
		"-shm files.\n",
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = backup_run,
};
