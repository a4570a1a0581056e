#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/repeat_case.h"

struct store_case repeat_case;
int64_t repeat_handler, repeat_bell;

void
repeat_reopen(void)
{
	if (repeat_case.st != NULL)
		store_case_close(&repeat_case);
	store_case_open(&repeat_case);
	store_set_repeat_window(repeat_case.st, WINDOW);
}

int
repeat_setup(void **state)
{
	(void)state;
	store_case_init(&repeat_case);
	repeat_reopen();
	repeat_handler = case_handler(&repeat_case, "pos");
	repeat_bell = case_handler(&repeat_case, "bell");
	return (0);
}

int
repeat_teardown(void **state)
{
	(void)state;
	store_case_fini(&repeat_case);
	return (0);
}

static size_t
given_jobs(const struct repeat_given *g, struct store_job_spec specs[2])
{
	if (g->unrouted)
		return (0);
	specs[0] = (struct store_job_spec){ .handler = repeat_handler,
		.place = STORE_WHOLE_EVENT,
		.ordered = !g->unordered,
		.guards = STORE_NO_GUARD };
	specs[1] = (struct store_job_spec){ .handler = repeat_bell,
		.place = STORE_WHOLE_EVENT,
		.due_at.ms = NOW + 5000,
		.guards = 0 };
	return (g->alarmed ? 2 : 1);
}

struct case_result
repeat_append(struct repeat_given g)
{
	struct store_job_spec specs[2];
	struct store_order orders[3] = { 0 };
	struct store_event src = { .event_id = g.id,
		.type = g.type != NULL ? g.type : CREATED,
		.scope = g.scope,
		.secret = g.secret != NULL ? g.secret : "s",
		.peer = "p",
		.received_at_ms = NOW + g.at_ms,
		.came_at.ms = NOW + g.at_ms,
		.orders = orders,
		.body = strdup(g.body),
		.body_len = strlen(g.body) };
	struct case_result r = { 0 };
	struct store_event *ev;

	for (size_t i = 0; i < 3 && g.orders[i] != NULL; i++)
		orders[src.norders++] = (struct store_order){
			.place = (int32_t)i,
			.order_id = g.orders[i],
			.updated_at = g.time,
		};
	(void)snprintf((char *)src.digest, sizeof(src.digest), "%.8s%.20s",
	    src.secret, g.body);
	assert_non_null(ev = store_event_new(&src));
	assert_int_equal(store_append(repeat_case.st, ev, specs,
			     given_jobs(&g, specs), case_done_cb, &r),
	    0);
	store_wait(repeat_case.st);
	store_event_unref(ev);
	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

/* A plain one, whose body has a time. */
struct case_result
repeat_timed(const char *id, const char *body)
{
	return (repeat_append((struct repeat_given){ .id = id,
	    .body = body,
	    .orders = { "1" },
	    .time = TIME }));
}

/* The same without a time in it. */
struct case_result
repeat_timeless(const char *id, const char *body)
{
	return (repeat_append((
	    struct repeat_given){ .id = id, .body = body, .orders = { "1" } }));
}

int64_t
repeat_count(const char *from)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", from);
	return (store_case_int(&repeat_case, sql));
}

/* What that event repeats, by number; 0: nothing. */
int64_t
repeat_original(const char *id)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT coalesce(repeat_of, 0) FROM events WHERE event_id = '%s'",
	    id);
	return (store_case_int(&repeat_case, sql));
}

struct case_result
repeat_start(int64_t job, unsigned skip)
{
	struct case_result r = { 0 };

	assert_int_equal(store_start(repeat_case.st,
			     &(struct store_job){ .id = job }, skip, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(repeat_case.st);
	return (r);
}

struct case_result
repeat_end(int64_t job, enum job_state to)
{
	struct case_result r = case_finish(&repeat_case, job, to, 0);

	assert_int_equal(r.rc, STORE_OK);
	return (r);
}

struct case_result
repeat_replay(int64_t job)
{
	struct case_result r = { 0 };

	assert_int_equal(store_act(repeat_case.st, STORE_REPLAY, job, NULL, NOW,
			     case_done_cb, &r),
	    0);
	store_wait(repeat_case.st);
	return (r);
}
