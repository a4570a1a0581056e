/*
 * backup_name.h -- what scheduled backups are called, and which may go.
 *
 * Pure.
 *
 *   klikitd-20261129T145036Z-1f2e3d4c.db
 *
 * The date is UTC, so that names sort by it. What follows it stands for the
 * store and the machine: a file of any other name is never ours to remove.
 */
#ifndef SERVER_BACKUP_NAME_H
#define SERVER_BACKUP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKUP_NAME_MAX 48 /* of a name, its NUL included */
#define BACKUP_TAG_MAX 9   /* of what stands for the store, its NUL included */

/* Which store on which machine; either may be "". */
void backup_tag(const char *machine, const char *store,
    char ret_tag[BACKUP_TAG_MAX]);

/* The name of a backup of that time; its milliseconds are cut. */
void backup_name(int64_t at_ms, const char *tag,
    char ret_name[BACKUP_NAME_MAX]);

enum backup_kind {
	BACKUP_OTHER, /* not ours */
	BACKUP_WHOLE, /* one that was verified */
	BACKUP_HALF,  /* one that was not finished, or a file beside it */
	BACKUP_SENT   /* the note that one was handed on */
};

/*
 * What a file of that name is. Of all but BACKUP_OTHER, *ret_at_ms is the
 * backup's time.
 */
enum backup_kind backup_name_parse(const char *name, const char *tag,
    int64_t *ret_at_ms);

/* A file while it is made and checked, and the note beside one: its name and */
#define BACKUP_HALF_END ".new"
#define BACKUP_SENT_END ".sent"

struct backup_file {
	int64_t at_ms;
	bool surplus; /* of backup_choose(): it may go */
};

struct backup_rule {
	int64_t now_ms;
	size_t keep;        /* at least 1 */
	int64_t max_age_ms; /* older ones go, but for the newest */
};

/*
 * Sort the verified backups, newest first, and mark those that are too many
 * or too old. The newest never is. Those dated more than a day after now, by a
 * clock that was wrong, count as the oldest.
 */
void backup_choose(struct backup_file *files, size_t n,
    const struct backup_rule *rule);

/* How old the newest is; INT64_MAX if there is none, or it is from a later day.
 */
int64_t backup_age(const struct backup_file *files, size_t n, int64_t now_ms);

#endif /* SERVER_BACKUP_NAME_H */
