/*
 * walk.c -- how far a list is looked through.
 *
 * What an index has of few rows is found by that. Everything else is looked for
 * among the newest: one call looks at so many, and says where the next goes on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/sqlite/lists.h"

/* So few that all of them are looked at. */
#define FEW 5000

/* Of ids that begin alike: fewer than a page has room for. */
#define FEW_FOUND 100

/*
 * What looking at one row costs, where its jobs or its orders are asked as
 * well: so many times as much.
 */
#define COSTS_MORE 5

int64_t
walk_before(int64_t before)
{
	return (before > 0 ? before : INT64_MAX);
}

/* The first row's numbers, up to n. */
static int
walk_row(struct db *db, sqlite3_stmt *st, int64_t *ret, int n)
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

/* The greatest number before that one; 0: none. */
static int
walk_newest(struct db *db, enum db_sql which, int64_t before, int64_t *ret)
{
	sqlite3_stmt *st;

	if ((st = db_stmt(db, which)) != NULL)
		(void)sqlite3_bind_int64(st, 1, before);
	return (walk_row(db, st, ret, 1));
}

/* From high on back, at most look of them. */
static int
walk_back(struct db *db, enum db_sql which, size_t look, struct walk *w)
{
	int64_t newest = 0;
	int rc;

	if ((rc = walk_newest(db, which, w->high, &newest)) != SQLITE_OK)
		return (rc);
	w->high = newest + 1;
	w->low = w->high - (int64_t)look;
	w->back = true;
	if (w->low < w->floor)
		w->low = w->floor;
	return (SQLITE_OK);
}

/* Are they few that which, up to FEW + 1 of them, counts? */
static int
walk_few(struct db *db, enum db_sql which, struct walk *w, bool *ret_few)
{
	sqlite3_stmt *st;
	int64_t n = 0;
	int rc;

	if ((st = db_stmt(db, which)) != NULL)
		(void)sqlite3_bind_int64(st, 1, FEW + 1);
	if ((rc = walk_row(db, st, &n, 1)) != SQLITE_OK)
		return (rc);
	*ret_few = n <= FEW;
	if (*ret_few)
		w->found = (size_t)n;
	return (SQLITE_OK);
}

/* Of a short time the first and the last number. */
static int
walk_time(struct db *db, int64_t since_ms, int64_t until_ms, struct walk *w)
{
	int64_t at[3]; /* how many, first, last */
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_FEW_OF_TIME)) != NULL) {
		(void)sqlite3_bind_int64(st, 1, since_ms);
		(void)sqlite3_bind_int64(st, 2, walk_before(until_ms));
		(void)sqlite3_bind_int64(st, 3, FEW + 1);
	}
	if ((rc = walk_row(db, st, at, 3)) != SQLITE_OK || at[0] > FEW)
		return (rc);
	w->floor = at[0] == 0 ? INT64_MAX : at[1];
	if (at[2] + 1 < w->high)
		w->high = at[2] + 1;
	return (SQLITE_OK);
}

/* How many events a call looks at. */
static size_t
walk_look(const struct store_filter *f)
{
	size_t look = f->look > 0 ? f->look : STORE_LOOK_MAX;

	if (f->look == 0 &&
	    (f->progress != STORE_PROGRESS_ANY || f->handler != NULL))
		look /= COSTS_MORE;
	return (look);
}

int
walk_events(struct db *db, const struct store_filter *f, struct walk *w)
{
	bool few = f->order_id != NULL;
	int rc = SQLITE_OK;

	*w = (struct walk){ .high = walk_before(f->before), .limit = f->limit };
	if (f->since_ms != 0 || f->until_ms != 0)
		rc = walk_time(db, f->since_ms, f->until_ms, w);
	w->low = w->floor;
	if (f->scan == NULL)
		return (rc);
	if (rc == SQLITE_OK && !few && f->progress == STORE_PROGRESS_PENDING)
		rc = walk_few(db, SQL_FEW_OPEN, w, &few);
	if (rc == SQLITE_OK && !few && f->progress == STORE_PROGRESS_DEAD)
		rc = walk_few(db, SQL_FEW_DEAD, w, &few);
	if (rc != SQLITE_OK || few)
		return (rc);
	return (walk_back(db, SQL_WALK_EVENTS, walk_look(f), w));
}

int
walk_orders(struct db *db, const struct store_filter *f, struct walk *w)
{
	struct store_filter orders = *f;

	/* Of each its event is asked for, and its cart. */
	if (f->look == 0)
		orders.look = STORE_LOOK_MAX / COSTS_MORE;
	orders.progress = STORE_PROGRESS_ANY;
	return (walk_events(db, &orders, w));
}

int
walk_jobs(struct db *db, const struct store_job_filter *f, struct walk *w)
{
	size_t look = f->look > 0 ? f->look : STORE_LOOK_MAX / COSTS_MORE;
	struct walk times = { .high = INT64_MAX };
	bool few = f->rang || f->event_id != NULL || f->order_id != NULL;
	int rc = SQLITE_OK;

	*w = (struct walk){ .high = walk_before(f->before), .limit = f->limit };
	if (few)
		return (SQLITE_OK);
	/* A replay is newer than its event: of the jobs it says nothing. */
	if (f->since_ms != 0 || f->until_ms != 0) {
		rc = walk_time(db, f->since_ms, f->until_ms, &times);
		w->of_time = times.floor > 0;
	}
	if (rc != SQLITE_OK || w->of_time || f->scan == NULL)
		return (rc);
	if (f->pending || (!f->any_state && f->state != JOB_DONE))
		rc = walk_few(db,
		    f->pending || f->state != JOB_DEAD ? SQL_FEW_OPEN
						       : SQL_FEW_DEAD,
		    w, &few);
	if (rc != SQLITE_OK || few)
		return (rc);
	return (walk_back(db, SQL_WALK_JOBS, look, w));
}

int
walk_end(struct db *db, enum db_sql which, const struct walk *w, size_t n,
    int64_t last, struct store_scan *ret)
{
	bool full = n >= w->limit;
	int64_t below = 0;
	int rc = SQLITE_OK;

	if (!full && w->low > w->floor)
		rc = walk_newest(db, which, w->low, &below);
	if (rc != SQLITE_OK)
		return (rc);
	ret->looked = (int64_t)(w->found > n ? w->found : n);
	if (w->back)
		ret->looked = w->high - (full ? last : w->low);
	if (ret->looked < 0)
		ret->looked = 0;
	ret->next = full                             ? last
		    : below > 0 && below >= w->floor ? below + 1
						     : 0;
	return (SQLITE_OK);
}

/* -- What is named -- */

/* Few numbers; and as a JSON array, of which only the end lacks. */
struct numbers {
	int64_t few[FEW_FOUND + 1];
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
	static const char last[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF */
	size_t len = strlen(find);
	char *end;

	if ((end = arena_alloc(a, len + sizeof(last))) == NULL)
		return (SQLITE_NOMEM);
	memcpy(end, find, len);
	memcpy(end + len, last, sizeof(last));
	db_bind_text(st, at, find);
	db_bind_text(st, at + 1, end);
	return (SQLITE_OK);
}

/* The letters as SQLite's lower() has them. */
static int
bind_lower(sqlite3_stmt *st, int at, struct arena *a, const char *find)
{
	char *text;

	if ((text = arena_dup(a, find, strlen(find))) == NULL)
		return (SQLITE_NOMEM);
	for (char *p = text; *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
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

/* What the ids of events and orders begin with: the first FEW_FOUND + 1. */
static int
find_ids(struct db *db, struct arena *a, const char *find, struct numbers *list)
{
	sqlite3_stmt *st;
	int rc;

	if ((st = db_stmt(db, SQL_FIND_IDS)) == NULL)
		return (sqlite3_extended_errcode(db->conn));
	if ((rc = bind_prefix(st, 1, a, find)) != SQLITE_OK)
		return (rc);
	(void)sqlite3_bind_int64(st, 3, FEW_FOUND + 1);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && list->nfew <= FEW_FOUND)
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

/* Each row's orders are asked for as well. */
static void
walk_less(struct walk *w)
{
	if (w->high - w->low > STORE_LOOK_MAX / COSTS_MORE)
		w->low = w->high - STORE_LOOK_MAX / COSTS_MORE;
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
	    list.nfew > FEW_FOUND || list.nfew >= f->limit) {
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
