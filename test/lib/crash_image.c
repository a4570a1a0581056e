#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sqlite3.h>

#include "test/lib/crash_image.h"
#include "test/store/schema_version.h"

static void finding(struct image_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Note what is wrong with an image; the first finding is kept in words. */
static void
finding(struct image_report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->findings++ != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(r->finding, sizeof(r->finding), fmt, ap);
	va_end(ap);
}

/* The first column of the first row as a number; -1: an error or no row. */
static int64_t
image_int(sqlite3 *conn, const char *sql, int64_t value)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(conn, sql, -1, &st, NULL) == SQLITE_OK) {
		(void)sqlite3_bind_int64(st, 1, value);
		if (sqlite3_step(st) == SQLITE_ROW)
			n = sqlite3_column_int64(st, 0);
	}
	(void)sqlite3_finalize(st);
	return (n);
}

/* Each must count nothing: halves of events, lanes that do not add up. */
static const char *const halves[] = {
	"SELECT count(*) FROM pragma_integrity_check "
	"WHERE integrity_check <> 'ok'",
	"SELECT count(*) FROM events WHERE id NOT IN "
	"(SELECT event FROM bodies WHERE length(body) = 3000)",
	"SELECT count(*) FROM events AS e WHERE 2 <> "
	"(SELECT count(*) FROM event_orders AS o WHERE o.event = e.id)",
	"SELECT count(*) FROM events AS e WHERE 1 <> "
	"(SELECT count(*) FROM jobs AS j WHERE j.event = e.id "
	"AND j.replay_of IS NULL)",
	"SELECT count(*) FROM jobs AS j WHERE attempts <> "
	"(SELECT count(*) FROM attempts AS a WHERE a.job = j.id)",
	"SELECT count(*) FROM jobs AS j WHERE (state = 'running') <> "
	"(SELECT count(*) FROM attempts AS a WHERE a.job = j.id "
	"AND a.outcome IS NULL)",
	"SELECT count(*) FROM jobs AS j WHERE state = 'done' AND 2 <> "
	"(SELECT count(*) FROM event_orders AS o JOIN served AS s "
	"ON s.handler = j.handler AND s.order_id = o.order_id "
	"WHERE o.event = j.event)",
	"SELECT count(*) FROM jobs AS j WHERE (finished_at IS NULL) * 2 <> "
	"(SELECT count(*) FROM lanes AS l WHERE l.job = j.id)",
	"SELECT count(*) FROM jobs AS j WHERE finished_at IS NULL AND behind "
	"<> (SELECT count(*) FROM lanes AS l WHERE l.job = j.id AND EXISTS "
	"(SELECT 1 FROM lanes AS k WHERE k.handler = l.handler "
	"AND k.lane = l.lane AND k.job < l.job))",
	"SELECT count(*) FROM jobs AS j WHERE state = 'done' AND NOT EXISTS "
	"(SELECT 1 FROM attempts AS a WHERE a.job = j.id)",
	"SELECT count(*) FROM jobs AS j WHERE state = 'done' AND NOT EXISTS "
	"(SELECT 1 FROM orders AS o WHERE o.event = j.event)",
};

/* What an ack of each kind promised of event ?1; each counts one. */
static const char *const promises[] = {
	"SELECT count(*) FROM events WHERE event_id = 'e' || ?1",
	"SELECT count(*) FROM jobs AS j JOIN events AS e ON e.id = j.event "
	"WHERE e.event_id = 'e' || ?1 AND j.state = 'done' "
	"AND j.replay_of IS NULL",
	"SELECT count(*) FROM jobs AS j JOIN events AS e ON e.id = j.event "
	"WHERE e.event_id = 'e' || ?1 AND j.replay_of IS NOT NULL",
	"SELECT count(*) FROM jobs AS j JOIN events AS e ON e.id = j.event "
	"WHERE e.event_id = 'e' || ?1 AND j.attempts = 1 "
	"AND j.state <> 'ready'",
};

void
crash_image_check(const char *path, const char *when, const char *acked,
    int nevents, struct image_report *r)
{
	sqlite3 *conn = NULL;
	bool any = false;

	for (int i = 0; i < nevents && !any; i++)
		any = acked[i] != 0;
	r->images++;
	if (sqlite3_open(path, &conn) != SQLITE_OK)
		finding(r, "%s: does not open", when);
	(void)sqlite3_exec(conn, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	/* All steps of the schema are one commit: there is all of it, or none.
	 */
	if (!any && image_int(conn, "PRAGMA user_version", 0) == 0) {
		if (image_int(conn, "SELECT count(*) FROM sqlite_master", 0))
			finding(r, "%s: half a schema", when);
		(void)sqlite3_close(conn);
		return;
	}
	if (image_int(conn, "PRAGMA user_version", 0) != SCHEMA)
		finding(r, "%s: another schema", when);
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		if (image_int(conn, halves[i], 0) != 0)
			finding(r, "%s: %s", when, halves[i]);
	for (int i = 0; i < nevents; i++) {
		if (acked[i] == 0 ||
		    image_int(conn, promises[acked[i] - 1], i) == 1)
			continue;
		r->lost++;
		finding(r, "%s: %d is lost", when, i);
	}
	(void)sqlite3_close(conn);
}
