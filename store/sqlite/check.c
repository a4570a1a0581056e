/*
 * SQLite's checks of a whole file. That a page is used by nothing is no damage
 * to them here: a repair leaves such pages behind, and a copy has them too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/* Lines of a check: more than unused pages are likely to take. */
#define LINES_MAX "100000"

/* Does the line, up to its end, say of a page only that it is unused? */
static bool
check_is_harmless(const char *line, size_t len)
{
	const char *unused = strstr(line, "never used");

	if (len == 0 || strncmp(line, "*** in database", 15) == 0 ||
	    (len == 2 && strncmp(line, "ok", 2) == 0))
		return (true);
	return (strncmp(line, "Page ", 5) == 0 && unused != NULL &&
		unused < line + len);
}

/* Keep the first line of text that matters. */
static void
check_note(const char *text, char ret_found[CHECK_FOUND_MAX])
{
	size_t len;

	for (const char *line = text; ret_found[0] == '\0'; line += len + 1) {
		len = strcspn(line, "\n");
		if (!check_is_harmless(line, len))
			(void)snprintf(ret_found, CHECK_FOUND_MAX, "%.*s",
			    (int)(len < CHECK_FOUND_MAX ? len
							: CHECK_FOUND_MAX),
			    line);
		if (line[len] == '\0')
			return;
	}
}

int
check_run(sqlite3 *conn, const char *check, char ret_found[CHECK_FOUND_MAX])
{
	sqlite3_stmt *st = NULL;
	const char *text;
	char sql[64];
	int rc;

	ret_found[0] = '\0';
	(void)snprintf(sql, sizeof(sql), "PRAGMA %s(" LINES_MAX ")", check);
	rc = sqlite3_prepare_v2(conn, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(st, 0);
		rc = text == NULL ? SQLITE_NOMEM : SQLITE_OK;
		if (text != NULL)
			check_note(text, ret_found);
		if (ret_found[0] != '\0')
			break;
	}
	(void)sqlite3_finalize(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* PATH.check: there while a check is due. */
static void
check_path(const struct sqlite_store *s, char ret_path[PATH_MAX])
{
	(void)snprintf(ret_path, PATH_MAX, "%s.check", s->path);
}

bool
check_is_due(const struct sqlite_store *s)
{
	char path[PATH_MAX];

	check_path(s, path);
	return (access(path, F_OK) == 0);
}

void
check_note_due(const struct sqlite_store *s, bool due)
{
	char path[PATH_MAX];
	int fd;

	check_path(s, path);
	if (!due) {
		(void)unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	place_own(s->path, fd);
	(void)close(fd);
	(void)place_sync_folder(path);
}
