#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/backup_scheduled.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_input.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"
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
backup_to(const struct verb_args *args, const char *path)
{
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

/* Does the configuration have any? If not that is said on stderr. */
static bool
are_scheduled(const struct config *cfg)
{
	const struct store_traits *traits = store_traits(cfg->store_url);

	if (traits->backup_with != NULL)
		fprintf(stderr,
		    "klikitd backup: this store is backed up by %s\n",
		    traits->backup_with);
	else if (cfg->backup_dir == NULL || cfg->backup_every_ms == 0)
		fprintf(stderr, "klikitd backup: none are scheduled: set "
				"backup.every and backup.dir\n");
	else
		return (true);
	return (false);
}

static enum verb_exit
backup_as_scheduled(const struct verb_args *args)
{
	const char *at = verb_flag(args, "at", 0);
	struct backup_order order = {
		.if_due = verb_has(args, "if-due"),
		.json = verb_has(args, "json"),
		.sent = verb_flag(args, "sent", 0),
	};
	enum verb_exit rc = VERB_FAILED;
	struct config *cfg;

	if (at != NULL && parse_time(at, strlen(at), &order.at_ms) == -1)
		return (verb_usage(args,
		    "--at: \"%s\" is no time such as "
		    "2027-01-31T00:00:00Z",
		    log_text(at)));
	cfg = verb_config(args, CONFIG_STORE, verb_dev_store(args));
	order.cfg = cfg;
	if (cfg != NULL && are_scheduled(cfg) && backup_scheduled(&order) == 0)
		rc = VERB_DONE;
	config_free(cfg);
	return (rc);
}

static enum verb_exit
backup_run(const struct verb_args *args)
{
	bool scheduled = verb_has(args, "scheduled");

	if (scheduled && args->nwords > 0)
		return (verb_usage(args, "--scheduled: takes no FILE"));
	if (scheduled)
		return (backup_as_scheduled(args));
	for (size_t i = 0; i < args->ngiven; i++) {
		if (strcmp(args->given[i].flag->name, "dev") != 0)
			return (verb_usage(args, "--%s: goes with --scheduled",
			    args->given[i].flag->name));
	}
	if (args->nwords == 0)
		return (verb_usage(args, "needs FILE, or --scheduled"));
	return (backup_to(args, args->words[0]));
}

static const struct verb_flag flags[] = {
	{ "scheduled", NULL, "one as [backup] says, into its dir", false },
	{ "if-due", NULL, "only if the newest there is older than its every",
	    false },
	{ "json", NULL, "say what came of it as one JSON object", false },
	{ "at", "TIME", "what time it is; else as the store's clock says",
	    false },
	{ "sent", "NAME", "only note that this one was handed on", false },
	{ "dev", NULL, "of the store of klikitd dev", false },
	{ 0 },
};

const struct verb verb_backup = {
	.name = "backup",
	.words = "[FILE]",
	.text = "Copy the whole store to a new file, also while serving",
	.more = "The copy shows the store at one moment, holds up no delivery, "
		"and is\nchecked. FILE must not be there yet; it is readable "
		"by its owner only.\nklikitd restore puts it back.\n\nWith "
		"[backup] every and dir the server makes them by itself. "
		"--scheduled makes\none of those now: verified, named by its "
		"date; those that are too many or too\nold are removed.\n",
	.flags = flags,
	.words_min = 0,
	.words_max = 1,
	.config = true,
	.run = backup_run,
};
