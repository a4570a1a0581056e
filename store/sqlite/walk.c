/* walk.c -- what store/walk.h asks of a database; and what a text names. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/lists.h"

/* The first row's numbers, up to n. */
static int
first_row(struct db *db, sqlite3_stmt *st, int64_t *ret, int n)
{
	int rc;

	if (st == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++)
			ret[i] = sqlite3_column_int64(st, i);
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(st);
	return (rc);
}

static int
newest(void *arg, enum walk_rows rows, int64_t before, int64_t *ret)
{
	struct db *db = arg;
	sqlite3_stmt *st =
	    db_stmt(db, rows == WALK_EVENTS ? SQL_WALK_EVENTS : SQL_WALK_JOBS);

	if (st != NULL)
		(void)sqlite3_bind_int64(st, 1, before);
	return (first_row(db, st, ret, 1));
}

static int
count(void *arg, enum walk_jobs_in which, int64_t *ret)
{
	struct db *db = arg;
	sqlite3_stmt *st =
	    db_stmt(db, which == WALK_OPEN ? SQL_FEW_OPEN : SQL_FEW_DEAD);

	if (st != NULL)
		(void)sqlite3_bind_int64(st, 1, WALK_FEW + 1);
	return (first_row(db, st, ret, 1));
}

static int
of_time(void *arg, struct walk_time *t)
{
	struct db *db = arg;
	sqlite3_stmt *st = db_stmt(db, SQL_FEW_OF_TIME);
	int64_t row[3] = { 0 };
	int rc;

	if (st != NULL) {
		(void)sqlite3_bind_int64(st, 1, t->since_ms);
		(void)sqlite3_bind_int64(st, 2, t->until_ms);
		(void)sqlite3_bind_int64(st, 3, WALK_FEW + 1);
	}
	rc = first_row(db, st, row, 3);
	t->n = row[0];
	t->first = row[1];
	t->last = row[2];
	return (rc);
}

struct walk_asks
walk_asks(struct db *db)
{
	return ((struct walk_asks){ db, newest, count, of_time });
}

/* -- What is named -- */

/* Few numbers; and as a JSON array, of which only the end lacks. */
struct numbers {
	int64_t few[WALK_FOUND_MAX + 1];
	size_t nfew;
	char *json;
	size_t len;
};
#define NUMBER_MAX 21 /* with a comma or a bracket */

static bool
numbers_has(const struct numbers *list, int64_t number)
{
	for (size_t i = 0; i < list->nfew; i++) {
		if (list->few[i] == number)
			return (true);
	}
	return (false);
}

static void
numbers_add(struct numbers *list, int64_t number)
{
	list->len += (size_t)snprintf(list->json + list->len, NUMBER_MAX + 1,
	    "%c%" PRId64, list->len == 0 ? '[' : ',', number);
}

/* Bind what is looked for, and what comes behind all that begins so. */
static int
bind_prefix(sqlite3_stmt *st, int at, struct arena *a, const char *find)
{
	const char *behind = walk_behind(a, find);

	if (behind == NULL)
		return (SQLITE_NOMEM);
	db_bind_text(st, at, find);
	db_bind_text(st, at + 1, behind);
	return (SQLITE_OK);
}

static int
bind_lower(sqlite3_stmt *st, int at, struct arena *a, const char *find)
{
	const char *text = walk_lower(a, find); /* as SQLite's lower() */

	if (text == NULL)
		return (SQLITE_NOMEM);
	db_bind_text(st, at, text);
	return (SQLITE_OK);
}

int
walk_bind(sqlite3_stmt *st, struct arena *a, const char *find)
{
	int rc;

	if (find == NULL)
		return (SQLITE_OK);
	if ((rc = bind_prefix(st, 13, a, find)) != SQLITE_OK)
		return (rc);
	return (bind_lower(st, 15, a, find));
}

/* What the ids of events and orders begin with: the first WALK_FOUND_MAX + 1.
 */
static int
find_ids(struct db *db, struct arena *a, const char *find, struct numbers *list)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_FIND_IDS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = bind_prefix(st, 1, a, find)) != SQLITE_OK)
		return (rc);
	(void)sqlite3_bind_int64(st, 3, WALK_FOUND_MAX + 1);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW &&
	       list->nfew <= WALK_FOUND_MAX)
		list->few[list->nfew++] = sqlite3_column_int64(st, 0);
	(void)sqlite3_reset(st);
	return (rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc);
}

/* Add up to room of those that have it in an external id, and are in w. */
static int
find_external(struct db *db, const char *find, size_t room, struct walk *w,
    struct arena *a, struct numbers *list)
{
	sqlite3_stmt *st;
	size_t n = 0;
	int64_t id;
	int rc;

	if ((st = db_stmt(db, SQL_FIND_EXTERNAL)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = bind_lower(st, 1, a, find)) != SQLITE_OK)
		return (rc);
	(void)sqlite3_bind_int64(st, 2, w->low);
	(void)sqlite3_bind_int64(st, 3, w->high);
	(void)sqlite3_bind_int64(st, 4, (int64_t)room);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
		if (!numbers_has(list, id))
			numbers_add(list, id);
		if (++n == room)
			w->low = id; /* the next page goes on from here */
	}
	(void)sqlite3_reset(st);
	return (rc == SQLITE_DONE ? SQLITE_OK : rc);
}

int
walk_find(struct db *db, const struct store_filter *f, struct walk *w,
    struct arena *a, const char **ret_json)
{
	struct numbers list = { .nfew = 0 };
	size_t room = f->limit;
	int rc;

	*ret_json = NULL;
	if ((rc = find_ids(db, a, f->find, &list)) != SQLITE_OK ||
	    list.nfew > WALK_FOUND_MAX || list.nfew >= f->limit) {
		walk_less(w);
		return (rc);
	}
	list.json = arena_array(a, f->limit + 2, NUMBER_MAX);
	if (list.json == NULL)
		return (SQLITE_NOMEM);
	if (f->before == 0) {
		room -= list.nfew;
		for (size_t i = 0; i < list.nfew; i++)
			numbers_add(&list, list.few[i]);
	}
	if ((rc = find_external(db, f->find, room, w, a, &list)) != SQLITE_OK)
		return (rc);
	(void)memcpy(list.json + list.len, list.len == 0 ? "[]" : "]",
	    list.len == 0 ? 3 : 2);
	w->limit = SIZE_MAX; /* a page of these is full by w->low */
	*ret_json = list.json;
	return (SQLITE_OK);
}
