#include "server/upkeep/backup_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/parse.h"

#define PREFIX "klikitd-"
#define STAMP_LEN 16 /* 20261129T145036Z */
#define DAY_MS INT64_C(86400000)

static uint32_t
hash_text(uint32_t hash, const char *text)
{
	/* FNV-1a, with the NUL: "a" "bc" is not "ab" "c". */
	do
		hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
	while (*text++ != '\0');
	return (hash);
}

void
backup_tag(const char *machine, const char *store, char ret_tag[BACKUP_TAG_MAX])
{
	uint32_t hash = hash_text(UINT32_C(2166136261), machine);

	(void)snprintf(ret_tag, BACKUP_TAG_MAX, "%08x", hash_text(hash, store));
}

void
backup_name(int64_t at_ms, const char *tag, char ret_name[BACKUP_NAME_MAX])
{
	char time[FORMAT_TIME_MAX], stamp[STAMP_LEN + 1];
	size_t n = 0;

	/* 2026-11-29T14:50:36.000Z without what no file's name should have. */
	for (const char *p = format_time(at_ms, time);
	     *p != '\0' && *p != '.' && n < STAMP_LEN - 1; p++) {
		if (*p != '-' && *p != ':')
			stamp[n++] = *p;
	}
	stamp[n] = '\0';
	(void)snprintf(ret_name, BACKUP_NAME_MAX, PREFIX "%sZ-%s.db", stamp,
	    tag);
}

/* 20261129T145036Z; returns 0, or -1. */
static int
parse_stamp(const char *stamp, int64_t *ret_at_ms)
{
	char text[FORMAT_TIME_MAX];
	int n;

	n = snprintf(text, sizeof(text), "%.4s-%.2s-%.5s:%.2s:%.3s", stamp,
	    stamp + 4, stamp + 6, stamp + 11, stamp + 13);
	return (parse_time(text, (size_t)n, ret_at_ms));
}

enum backup_kind
backup_name_parse(const char *name, const char *tag, int64_t *ret_at_ms)
{
	static const char *const halves[] = { BACKUP_HALF_END,
		BACKUP_HALF_END "-wal", BACKUP_HALF_END "-shm",
		BACKUP_HALF_END "-journal", BACKUP_HALF_END ".tmp",
		BACKUP_HALF_END ".tmp-wal", BACKUP_HALF_END ".tmp-shm",
		BACKUP_HALF_END ".tmp-journal" };
	char own[BACKUP_NAME_MAX];
	int64_t at_ms;
	size_t len;

	if (strlen(name) < sizeof(PREFIX) - 1 + STAMP_LEN ||
	    parse_stamp(name + sizeof(PREFIX) - 1, &at_ms) == -1)
		return (BACKUP_OTHER);
	/* Only what backup_name() would write, to the letter. */
	backup_name(at_ms, tag, own);
	len = strlen(own);
	if (strncmp(name, own, len) != 0)
		return (BACKUP_OTHER);
	*ret_at_ms = at_ms;
	if (name[len] == '\0')
		return (BACKUP_WHOLE);
	if (strcmp(name + len, BACKUP_SENT_END) == 0)
		return (BACKUP_SENT);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		if (strcmp(name + len, halves[i]) == 0)
			return (BACKUP_HALF);
	}
	return (BACKUP_OTHER);
}

static int
newest_first(const void *a, const void *b)
{
	const struct backup_file *x = a, *y = b;

	return ((x->at_ms < y->at_ms) - (x->at_ms > y->at_ms));
}

static bool
is_ahead(const struct backup_file *file, int64_t now_ms)
{
	return (file->at_ms > now_ms + DAY_MS);
}

void
backup_choose(struct backup_file *files, size_t n,
    const struct backup_rule *rule)
{
	size_t ahead = 0;

	if (n == 0)
		return;
	qsort(files, n, sizeof(*files), newest_first);
	while (ahead < n && is_ahead(&files[ahead], rule->now_ms))
		ahead++;
	for (size_t i = 0; i < n; i++) {
		/* Its place when those that are ahead stand at the end. */
		size_t place = i < ahead ? n - ahead + i : i - ahead;

		files[i].surplus =
		    place >= rule->keep ||
		    (place > 0 && i >= ahead &&
			rule->now_ms - files[i].at_ms > rule->max_age_ms);
	}
}

int64_t
backup_age(const struct backup_file *files, size_t n, int64_t now_ms)
{
	int64_t age = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		if (!is_ahead(&files[i], now_ms) &&
		    now_ms - files[i].at_ms < age)
			age = now_ms - files[i].at_ms;
	}
	return (age < 0 ? 0 : age);
}
