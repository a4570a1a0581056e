/* Short-hands over the asynchronous interface: queue, wait, compare. */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "test/lib/case_database.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define CASE_NOW_MS 1750000000000

bool
store_case_is_shared(void)
{
	const char *where = getenv("STORE_CASE");

	return (where != NULL && strcmp(where, "postgres") == 0);
}

void
store_case_init(struct store_case *c)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->dir, sizeof(c->dir), P_tmpdir "/klikitd-test-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	c->queue_max = 64 << 20;
	if (store_case_is_shared()) {
		c->db = case_database_new(c->url, sizeof(c->url));
		return;
	}
	(void)snprintf(c->path, sizeof(c->path), "%s/s.db", c->dir);
	(void)snprintf(c->url, sizeof(c->url), "sqlite:%s", c->path);
}

/* store_note_fn */
static void
note_cb(enum store_note_level level, const char *text, void *arg)
{
	struct store_case *c = arg;

	(void)level;
	c->nnotes++;
	(void)snprintf(c->note, sizeof(c->note), "%s", text);
}

void
store_case_wait_health(struct store_case *c, enum store_health health)
{
	struct pollfd p = { .fd = store_fd(c->st), .events = POLLIN };

	for (;;) {
		store_collect(c->st);
		if (store_health(c->st) == health)
			return;
		if (poll(&p, 1, 60000) == 0)
			fail_msg("health %d: %s", store_health(c->st),
			    store_reason(c->st));
	}
}

unsigned
store_case_mode(const struct store_case *c, const char *suffix)
{
	char path[STORE_CASE_PATH_MAX + 16];
	struct stat sb;

	(void)snprintf(path, sizeof(path), "%s%s", c->path, suffix);
	return (stat(path, &sb) == -1 ? 0 : sb.st_mode & 0777);
}

void
store_case_assert_reason(const struct store_case *c)
{
	const char *name = c->db != NULL ? c->url : c->dir;

	assert_non_null(strstr(c->reason, name));
	assert_null(strchr(c->reason, '\n'));
	assert_true(strlen(c->reason) > strlen(name) + 20);
}

enum store_rc
store_case_try(struct store_case *c, enum store_mode mode)
{
	struct store_options opt = {
		.url = c->url,
		.mode = mode,
		.queue_max = c->queue_max,
		.batch_max = c->batch_max,
		.now_ms = CASE_NOW_MS,
		.note = note_cb,
		.note_arg = c,
	};

	c->reason[0] = '\0';
	return (store_open_with(&opt, c->setup, &c->st, c->reason));
}

void
store_case_open(struct store_case *c)
{
	enum store_rc rc = store_case_try(c, STORE_SERVE);

	if (rc != STORE_OK)
		fail_msg("store_open: %s", c->reason);
	while (store_health(c->st) == STORE_RECOVERING)
		store_case_collect(c);
}

void
store_case_collect(struct store_case *c)
{
	struct pollfd p = { .fd = store_fd(c->st), .events = POLLIN };

	assert_int_equal(poll(&p, 1, 60000), 1);
	store_collect(c->st);
}

void
store_case_close(struct store_case *c)
{
	store_close(c->st);
	c->st = NULL;
}

void
store_case_fini(struct store_case *c)
{
	char path[STORE_CASE_PATH_MAX + 256];
	struct dirent *e;
	DIR *d;

	store_case_close(c);
	case_database_free(c->db);
	c->db = NULL;
	assert_non_null(d = opendir(c->dir));
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", c->dir, e->d_name);
		(void)unlink(path);
	}
	(void)closedir(d);
	assert_int_equal(rmdir(c->dir), 0);
}

int
store_case_setup(void **state)
{
	store_case_init(*state);
	return (0);
}

int
store_case_setup_open(void **state)
{
	store_case_init(*state);
	store_case_open(*state);
	return (0);
}

int
store_case_teardown(void **state)
{
	store_case_fini(*state);
	return (0);
}

const char *
store_case_file(const struct store_case *c, const char *name)
{
	static char paths[2][STORE_CASE_PATH_MAX + 64];
	static unsigned n;
	char *path = paths[n++ % 2];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", c->dir, name);
	return (path);
}

bool
store_case_has_file(const struct store_case *c, const char *name)
{
	return (access(store_case_file(c, name), F_OK) == 0);
}

int64_t
store_case_int(const struct store_case *c, const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *conn = NULL;
	int64_t value;

	if (c->db != NULL)
		return (case_database_int(c->db, sql));
	assert_int_equal(sqlite3_open_v2(c->path, &conn, SQLITE_OPEN_READONLY,
			     NULL),
	    0);
	if (sqlite3_prepare_v2(conn, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(conn));
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	value = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(conn);
	return (value);
}

void
store_case_sql(const struct store_case *c, const char *sql)
{
	sqlite3 *conn = NULL;

	if (c->db != NULL) {
		case_database_sql(c->db, sql);
		return;
	}
	assert_int_equal(sqlite3_open(c->path, &conn), SQLITE_OK);
	if (sqlite3_exec(conn, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(conn));
	(void)sqlite3_close(conn);
}

/* Does any byte of the file with that suffix say it? */
static bool
file_says(const struct store_case *c, const char *suffix, const char *text)
{
	char path[STORE_CASE_PATH_MAX + 8];
	struct stat sb;
	bool found;
	char *buf;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s%s", c->path, suffix);
	if (stat(path, &sb) == -1)
		return (false);
	assert_non_null(buf = malloc((size_t)sb.st_size + 1));
	assert_non_null(in = fopen(path, "rb"));
	found = memmem(buf, fread(buf, 1, (size_t)sb.st_size, in), text,
		    strlen(text)) != NULL;
	assert_int_equal(fclose(in), 0);
	free(buf);
	return (found);
}

bool
store_case_says(const struct store_case *c, const char *text)
{
	if (c->db != NULL)
		return (case_database_says(c->db, text));
	return (file_says(c, "", text) || file_says(c, "-wal", text) ||
		file_says(c, "-shm", text));
}

void
case_done_cb(const struct store_result *res, void *arg)
{
	struct case_result *r = arg;

	r->calls++;
	r->rc = res->rc;
	r->id = res->id;
	r->conflict = res->conflict;
	r->written = res->written;
	r->nrunnable = res->nrunnable;
	r->next_due_ms = res->next_due.ms;
	assert_in_range(res->nrunnable, 0, CASE_RUNNABLE_MAX);
	for (size_t i = 0; i < res->nrunnable; i++) {
		r->runnable[i] = res->runnable[i].id;
		assert_int_not_equal(res->runnable[i].ev->id, 0);
	}
	if (res->nrunnable > 0)
		(void)snprintf(r->event_id, sizeof(r->event_id), "%s",
		    res->runnable[0].ev->event_id);
	if (res->rc > STORE_EXISTS) {
		assert_non_null(res->reason);
		(void)snprintf(r->reason, sizeof(r->reason), "%s", res->reason);
	}
}

struct store_event *
case_event(const char *event_id, const char *body, const char *const *order_ids)
{
	static struct store_order orders[CASE_ORDERS_MAX];
	struct store_event ev = { 0 };
	struct store_event *copy;

	while (order_ids != NULL && order_ids[ev.norders] != NULL) {
		assert_in_range(ev.norders, 0, CASE_ORDERS_MAX - 1);
		orders[ev.norders] = (struct store_order){
			.place = (int32_t)ev.norders,
			.order_id = order_ids[ev.norders],
			.status = "2",
		};
		ev.norders++;
	}
	ev.orders = orders;
	ev.event_id = event_id;
	ev.type = "klikit.order.created.v2";
	ev.secret = "default";
	ev.peer = "127.0.0.1:5";
	ev.received_at_ms = CASE_NOW_MS;
	ev.body_len = strlen(body);
	ev.body = strdup(body);
	assert_non_null(ev.body);
	/* Stands for a MAC: equal bodies, equal digests. */
	for (size_t i = 0; i < ev.body_len; i++)
		ev.digest[i % sizeof(ev.digest)] =
		    (unsigned char)(ev.digest[i % sizeof(ev.digest)] * 31 +
				    body[i]);
	copy = store_event_new(&ev);
	assert_non_null(copy);
	return (copy);
}

void
case_queue_append(struct store_case *c, const char *event_id,
    const char *const *order_ids, int64_t handler, struct case_result *res)
{
	struct store_job_spec spec = {
		.handler = handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = true,
		.guards = STORE_NO_GUARD,
	};
	struct store_event *ev;

	memset(res, 0, sizeof(*res));
	ev = case_event(event_id, "{\"orders\":[{\"id\":1}]}", order_ids);
	assert_int_equal(store_append(c->st, ev, &spec, handler == 0 ? 0 : 1,
			     case_done_cb, res),
	    0);
	assert_int_equal(res->calls, 0);
	store_event_unref(ev);
}

struct case_result
case_append(struct store_case *c, const char *event_id,
    const char *const *order_ids, int64_t handler)
{
	struct case_result res;

	case_queue_append(c, event_id, order_ids, handler, &res);
	store_wait(c->st);
	assert_int_equal(res.calls, 1);
	return (res);
}

/* store_attempts_fn: the number of the one that has no outcome yet. */
static void
case_number_cb(enum store_rc rc, const struct store_attempt_info *rows,
    size_t n, const char *reason, void *arg)
{
	unsigned *number = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	for (size_t i = 0; i < n; i++) {
		if (rows[i].outcome == NULL)
			*number = rows[i].number;
	}
}

unsigned
case_number(struct store_case *c, int64_t job)
{
	unsigned number = 0;

	assert_int_equal(store_list_attempts(c->st, job, case_number_cb,
			     &number),
	    0);
	store_wait(c->st);
	return (number);
}

/* Queue a verdict about the attempt of that number. */
static void
case_end(struct store_case *c, int64_t job, unsigned number, enum job_state to,
    int64_t due_ms, struct case_result *res)
{
	struct store_outcome out = {
		.job = job,
		.number = number,
		.to = to,
		.outcome = job_state_name(to),
		.at_ms = CASE_NOW_MS,
		.due_at.ms = due_ms,
	};

	memset(res, 0, sizeof(*res));
	assert_int_equal(store_finish(c->st, &out, case_done_cb, res), 0);
	assert_int_equal(res->calls, 0);
}

void
case_queue_finish(struct store_case *c, int64_t job, enum job_state to,
    int64_t due_ms, struct case_result *res)
{
	case_end(c, job, 0, to, due_ms, res);
}

struct case_result
case_finish(struct store_case *c, int64_t job, enum job_state to,
    int64_t due_ms)
{
	struct case_result res;

	case_end(c, job, case_number(c, job), to, due_ms, &res);
	store_wait(c->st);
	assert_int_equal(res.calls, 1);
	return (res);
}

struct case_result
case_runnable(struct store_case *c, int64_t handler, size_t limit,
    int64_t now_ms)
{
	struct case_result res = { 0 };

	assert_int_equal(store_runnable(c->st, handler, limit,
			     (struct steady_time){ now_ms }, case_done_cb,
			     &res),
	    0);
	store_wait(c->st);
	assert_int_equal(res.calls, 1);
	return (res);
}

int64_t
case_handler(struct store_case *c, const char *name)
{
	struct case_result res = { 0 };

	assert_int_equal(store_register(c->st, name, CASE_NOW_MS, case_done_cb,
			     &res),
	    0);
	store_wait(c->st);
	assert_int_equal(res.rc, STORE_OK);
	return (res.id);
}

/* Is the name one of the words? */
static bool
case_is_named(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = words; (at = strstr(at, name)) != NULL; at += len)
		if ((at == words || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0'))
			return (true);
	return (false);
}

int
store_case_run_tests(const char *name, const struct CMUnitTest *tests, size_t n)
{
	const char *without = getenv("STORE_CASE_WITHOUT");
	struct CMUnitTest *chosen = calloc(n, sizeof(*chosen));
	size_t left = 0, words = 0;
	const char *at;
	int rc;

	if (chosen == NULL)
		abort();
	if (without == NULL)
		without = "";
	for (size_t i = 0; i < n; i++)
		if (!case_is_named(without, tests[i].name))
			chosen[left++] = tests[i];
	for (at = without; *at != '\0'; words++) {
		at += strcspn(at, " ");
		at += strspn(at, " ");
	}
	if (words != n - left) {
		(void)fprintf(stderr,
		    "STORE_CASE_WITHOUT names other tests "
		    "than %s has: %s\n",
		    name, without);
		abort();
	}
	rc = _cmocka_run_group_tests(name, chosen, left, NULL, NULL);
	free(chosen);
	return (rc);
}
