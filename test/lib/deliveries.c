#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/deliveries.h"
#include "test/lib/fake_clock.h"
#include "test/lib/heap.h"

static const char *const every[] = { "*" };
static const struct subscription all = { .handler = 1,
	.takes.events = every,
	.takes.nevents = 1,
	.ordered = true };

int
deliveries_setup(void **state)
{
	static const struct status_codes no_codes;
	struct deliveries *f = calloc(1, sizeof(*f));
	void *w;

	assert_non_null(f);
	(void)world_setup(&w);
	f->w = w;
	f->rej = rejections_new(f->w->base, f->w->st);
	f->in = ingest_new(f->w->base, f->w->st, f->w->d, f->rej);
	assert_non_null(f->rej);
	assert_non_null(f->in);
	assert_int_equal(ingest_subscribe(f->in, &all, 1, &no_codes), 0);
	*state = f;
	return (0);
}

int
deliveries_teardown(void **state)
{
	struct deliveries *f = *state;
	void *w = f->w;

	(void)heap_heal();
	fake_store_refuse(f->w->st, 0);
	dispatch_stop(f->w->d);
	while (fake_store_waiting(f->w->st, FAKE_APPEND) > 0)
		fake_store_end(f->w->st, FAKE_APPEND, STORE_FAILED);
	while (fake_store_waiting(f->w->st, FAKE_REJECT) > 0)
		fake_store_end(f->w->st, FAKE_REJECT, STORE_OK);
	assert_int_equal(ingest_pending(f->in), 0);
	ingest_free(f->in);
	rejections_free(f->rej);
	(void)world_teardown(&w);
	free(f);
	return (0);
}

static void
answer_cb(enum ingest_rc rc, int64_t event, void *arg)
{
	struct deliveries_answer *a = arg;

	a->times++;
	a->rc = rc;
	a->event = event;
	if (a->resubmit) {
		a->resubmit = false;
		assert_int_equal(deliveries_submit(a->f, BODY, a),
		    INGEST_PENDING);
	}
}

enum ingest_rc
deliveries_submit_type(struct deliveries *f, const char *type, const char *body,
    struct deliveries_answer *a)
{
	static const unsigned char digest[ORDER_DIGEST_LEN] = { 1, 2, 3 };
	struct delivery del = {
		.event_id = "evt-1",
		.type = type,
		.secret = "default",
		.endpoint = "burger",
		.fits = f->fits,
		.peer = "192.0.2.1:4711",
		.digest = digest,
		.received_at_ms = fake_clock_wall_ms(),
		.body = strdup(body),
		.body_len = strlen(body),
	};
	int before = a->times;
	enum ingest_rc rc;

	assert_non_null(del.body);
	a->f = f;
	rc = ingest_submit(f->in, &del, answer_cb, a);
	assert_int_equal(a->times, before); /* never before it returns */
	if (rc != INGEST_PENDING) {
		assert_string_equal(del.body, body); /* still the caller's */
		free(del.body);
	}
	return (rc);
}

enum ingest_rc
deliveries_submit(struct deliveries *f, const char *body,
    struct deliveries_answer *a)
{
	return (deliveries_submit_type(f, CREATED, body, a));
}

size_t
deliveries_appends(const struct deliveries *f)
{
	return (fake_store_waiting(f->w->st, FAKE_APPEND));
}

void
deliveries_commit(struct deliveries *f, int64_t id)
{
	struct fake_op *op = fake_store_find(f->w->st, FAKE_APPEND);
	struct store_job job = {
		.id = id,
		.handler = 1,
		.place = STORE_WHOLE_EVENT,
		.ev = op->ev,
	};

	world_add(f->w, 1, 1);
	assert_int_equal(f->w->njobs, id);
	fake_store_complete(f->w->st, op,
	    &(struct store_result){ .rc = STORE_OK,
		.id = id,
		.runnable = &job,
		.nrunnable = 1 });
}

void
deliveries_pass_ms(struct deliveries *f, int64_t ms)
{
	fake_clock_pass_ms(ms);
	world_turn(f->w);
}
