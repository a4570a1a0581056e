#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "server/base/clock_watch.h"
#include "server/dispatch/dispatch.h"
#include "server/intake/ingest.h"
#include "server/intake/janitor.h"
#include "server/intake/rejections.h"
#include "test/lib/clock_box.h"
#include "test/lib/fake_clock.h"

/* -- Handlers: both outlets answer at once -- */

struct instance {
	struct handler_instance handler; /* first */
	struct box *b;
};

static struct handler_instance *box_handler_open(const struct handler_env *env,
    const struct handler_options *opt, char reason[HANDLER_REASON_MAX]);
static enum handler_verdict box_call(struct handler_instance *h,
    const struct handler_job *job, struct handler_result *ret_result);
static enum handler_verdict box_ring(struct handler_instance *h,
    const struct handler_job *job, struct handler_result *ret_result);
static void box_handler_close(struct handler_instance *h);

static const struct handler pos_type = {
	.type = "pos",
	.outlet = true,
	.open = box_handler_open,
	.run = box_call,
	.close = box_handler_close,
};

static const struct handler bell_type = {
	.type = "bell",
	.outlet = true,
	.open = box_handler_open,
	.run = box_ring,
	.close = box_handler_close,
};

static struct handler_instance *
box_handler_open(const struct handler_env *env,
    const struct handler_options *opt, char reason[HANDLER_REASON_MAX])
{
	struct instance *in = calloc(1, sizeof(*in));

	(void)reason;
	assert_non_null(in);
	in->handler.type = opt->name[0] == 'p' ? &pos_type : &bell_type;
	in->b = env->arg;
	return (&in->handler);
}

static void
box_handler_close(struct handler_instance *h)
{
	free(h);
}

static struct box_event *
event_of(struct handler_instance *h, const struct handler_job *job)
{
	return (&((struct instance *)h)->b->events[job->ev->event_id[0] - 'A']);
}

static enum handler_verdict
box_call(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct box *b = ((struct instance *)h)->b;
	struct box_event *ev = event_of(h, job);

	assert_in_range(ev->calls, 0, BOX_CALLS_MAX - 1);
	ev->called_ms[ev->calls++] = b->true_ms;
	if (b->pos_works)
		return (HANDLER_DONE);
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
	    "the POS is closed");
	return (HANDLER_RETRY);
}

static enum handler_verdict
box_ring(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct box_event *ev = event_of(h, job);

	(void)ret_result;
	ev->rings++;
	ev->rang_ms = ((struct instance *)h)->b->true_ms;
	return (HANDLER_DONE);
}

static int64_t
box_now_ms(void *arg)
{
	(void)arg;
	return (fake_clock_wall_ms());
}

/* -- On and off -- */

static void
box_slept_cb(void *arg)
{
	dispatch_slept(((struct box *)arg)->dispatch);
}

static void
box_handlers(struct box *b)
{
	static const int64_t retry[] = { BOX_RETRY_MS };
	static const char *const every[] = { "*" };
	char reason[HANDLER_REASON_MAX];
	struct dispatch_handler h[2] = {
		{ .name = "pos", .type = &pos_type },
		{ .name = "bell", .type = &bell_type },
	};
	static const struct status_codes no_codes;
	struct subscription sub = { .takes.events = every,
		.takes.nevents = 1,
		.ordered = true,
		.deadline_ms = BOX_DEADLINE_MS };

	h[0].number = b->pos = sub.handler = case_handler(&b->c, "pos");
	h[1].number = b->bell = sub.alarm = case_handler(&b->c, "bell");
	for (size_t i = 0; i < 2; i++) {
		h[i].options.name = h[i].name;
		h[i].retry_ms = retry;
		h[i].nretry = 1;
		h[i].max_age_ms = STEADY_DAY_MS;
		h[i].concurrency = 4;
	}
	h[1].alarm_max_ms = BOX_DEADLINE_MS;
	assert_int_equal(dispatch_set_handlers(b->dispatch, h, 2, reason), 0);
	assert_int_equal(ingest_subscribe(b->ingest, &sub, 1, &no_codes), 0);
}

/* store_clock_fn: where the clocks were left. */
static void
box_clock_cb(enum store_rc rc, const struct store_clock *kept,
    const char *reason, void *arg)
{
	struct box *b = arg;

	(void)reason;
	assert_int_equal(rc, STORE_OK);
	clock_watch_take_up(b->clock, kept);
}

static void
box_start(struct box *b)
{
	store_case_open(&b->c);
	b->base = event_base_new();
	assert_non_null(b->base);
	b->env = (struct handler_env){ .now_ms = box_now_ms, .arg = b };
	b->clock = clock_watch_new(b->base, b->c.st);
	assert_non_null(b->clock);
	assert_int_equal(store_get_clock(b->c.st, box_clock_cb, b), 0);
	store_wait(b->c.st);
	b->rej = rejections_new(b->base, b->c.st);
	b->dispatch = dispatch_new(b->base, b->c.st, &b->env,
	    clock_watch_steady(b->clock));
	b->ingest = ingest_new(b->base, b->c.st, b->dispatch, b->rej);
	b->janitor =
	    janitor_new(b->base, b->c.st, clock_watch_steady(b->clock));
	clock_watch_on_move(b->clock, box_slept_cb, b);
	box_handlers(b);
	janitor_set(b->janitor, BOX_BODIES_MS, BOX_IDS_MS);
	box_settle(b);
}

static void
box_stop(struct box *b, bool killed)
{
	janitor_stop(b->janitor);
	if (!killed)
		clock_watch_keep(b->clock);
	dispatch_stop(b->dispatch);
	store_wait(b->c.st);
	ingest_free(b->ingest);
	dispatch_free(b->dispatch);
	clock_watch_free(b->clock);
	janitor_free(b->janitor);
	rejections_free(b->rej);
	store_case_close(&b->c);
	event_base_free(b->base);
}

void
box_open(struct box *b, int64_t wall_ms)
{
	static const struct store_sqlite_setup quick = { .sync_normal = true };
	static struct store_setup setup;

	memset(b, 0, sizeof(*b));
	fake_clock_reset();
	fake_clock_jump_ms(wall_ms - fake_clock_wall_ms());
	setup = (struct store_setup){ .ops = &store_sqlite_ops,
		.arg = (void *)&quick };
	store_case_init(&b->c);
	b->c.setup = &setup;
	b->true_ms = 1;
	box_start(b);
}

void
box_close(struct box *b)
{
	box_stop(b, false);
	store_case_fini(&b->c);
}

/* -- Time -- */

void
box_settle(struct box *b)
{
	for (int i = 0; i < 4; i++) {
		assert_int_not_equal(event_base_loop(b->base,
					 EVLOOP_ONCE | EVLOOP_NONBLOCK),
		    -1);
		store_wait(b->c.st);
	}
}

void
box_pass(struct box *b, int64_t ms, int64_t step_ms)
{
	for (; ms > 0; ms -= step_ms) {
		if (step_ms > ms)
			step_ms = ms;
		b->true_ms += step_ms;
		fake_clock_pass_ms(step_ms);
		box_settle(b);
	}
}

void
box_sleep(struct box *b, int64_t ms)
{
	b->true_ms += ms;
	fake_clock_sleep_ms(ms);
	box_settle(b);
}

void
box_step(struct box *b, int64_t ms)
{
	fake_clock_jump_ms(ms);
	box_settle(b);
}

void
box_restart(struct box *b, int64_t ms, bool killed)
{
	box_stop(b, killed);
	b->true_ms += ms;
	fake_clock_pass_ms(ms);
	box_start(b);
}

void
box_reboot(struct box *b, int64_t off_ms, int64_t wall_ms, bool killed)
{
	box_stop(b, killed);
	store_case_sql(&b->c, "UPDATE clock SET boot = 'the one before'");
	b->true_ms += off_ms;
	fake_clock_reboot(wall_ms);
	box_start(b);
}

/* -- Events -- */

/* ingest_done_fn: it is on disk, and the answer leaves at once. */
static void
box_stored_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct box *b = arg;

	assert_int_equal(rc, INGEST_RECEIVED);
	ingest_answered(b->ingest, event, true);
}

struct box_event *
box_deliver(struct box *b, char letter)
{
	static const unsigned char digest[ORDER_DIGEST_LEN] = { 7 };
	const char id[] = { letter, '\0' };
	char body[64];
	struct delivery del = {
		.event_id = id,
		.type = "klikit.order.created.v2",
		.secret = "default",
		.peer = "192.0.2.1:4711",
		.digest = digest,
		.received_at_ms = fake_clock_wall_ms(),
	};

	del.body_len = (size_t)snprintf(body, sizeof(body),
	    "{\"orders\":[{\"id\":%d}]}", letter);
	del.body = strdup(body);
	assert_non_null(del.body);
	b->events[letter - 'A'].came_ms = b->true_ms;
	assert_int_equal(ingest_submit(b->ingest, &del, box_stored_cb, b),
	    INGEST_PENDING);
	box_settle(b);
	return (&b->events[letter - 'A']);
}

int64_t
box_count(const struct box *b, const char *table)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return (store_case_int(&b->c, sql));
}
