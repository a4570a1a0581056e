/* The lists of fields: every name once, and what the rows hold is shown. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/admin/entity.h"

static const struct field *const lists[] = { entity_event, entity_event_whole,
	entity_job, entity_job_whole, entity_attempt, entity_order,
	entity_order_whole, entity_rejection, entity_rejection_whole,
	entity_handler, entity_moment };

struct names {
	const char *all[64];
	size_t n;
	size_t ntitles;
};

static void
note(const struct field *f, void *arg)
{
	struct names *names = arg;

	for (size_t i = 0; i < names->n; i++)
		assert_string_not_equal(names->all[i], f->name);
	names->all[names->n++] = f->name;
	names->ntitles += f->title != NULL;
}

static void
test_every_name_stands_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct names names = { .n = 0 };

		field_each(lists[i], note, &names);
		assert_true(names.n > 2);
		assert_true(names.ntitles > 0);
	}
}

static const struct store_job_info job = { .id = 7,
	.event_id = "e",
	.scope = "",
	.type = "t",
	.handler = "pos",
	.place = STORE_WHOLE_EVENT,
	.state = JOB_WAITING,
	.attempts = 2,
	.due_at_ms = 1750000000000 };

static void
assert_text(const json_t *o, const char *name, const char *want)
{
	assert_string_equal(json_string_value(json_object_get(o, name)), want);
}

static const struct field *
field_of(const struct field *list, const char *name)
{
	while (strcmp(list->name, name) != 0)
		list++;
	return (list);
}

static void
test_a_job(void **state)
{
	json_t *o = entity_job_json(&job);
	char buf[FIELD_CELL_MAX];

	(void)state;
	assert_text(o, "handler", "pos");
	assert_text(o, "state", "waiting");
	assert_true(json_is_null(json_object_get(o, "place")));
	assert_null(json_object_get(o, "scope"));
	assert_null(json_object_get(o, "history"));
	assert_string_equal(field_cell(field_of(entity_job, "due_at"), o, buf),
	    "2025-06-15T15:06:40.000Z");
	json_decref(o);
}

/* How an alarm that has ended stands is said by its state. */
static void
test_an_alarm(void **state)
{
	static const struct {
		int64_t rang_at_ms, acknowledged_at_ms;
		const char *state;
	} ends[] = {
		{ 0, 0, "alarm not needed" },
		{ 1, 0, "rang" },
		{ 1, 2, "acknowledged" },
	};
	struct store_job_info alarm = job;

	(void)state;
	alarm.guards = 3;
	alarm.guarded = "pos";
	alarm.state = JOB_DONE;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		json_t *o;

		alarm.rang_at_ms = ends[i].rang_at_ms;
		alarm.acknowledged_at_ms = ends[i].acknowledged_at_ms;
		assert_non_null(o = entity_job_json(&alarm));
		assert_text(o, "state", ends[i].state);
		assert_text(o, "guarded", "pos");
		json_decref(o);
	}
}

static void
test_an_event(void **state)
{
	const struct store_order order = { .order_id = "7" };
	struct store_event ev = { .event_id = "e",
		.scope = "sandbox",
		.type = "t",
		.repeat_of = 3,
		.orders = &order,
		.norders = 1 };
	const struct store_event_info info = { .ev = &ev,
		.progress = STORE_PROGRESS_DEAD,
		.orders_total = 1,
		.jobs = &job,
		.njobs = 1 };
	json_t *o = entity_event_json(&info);
	char buf[FIELD_CELL_MAX];

	(void)state;
	assert_text(o, "state", "dead");
	assert_true(json_is_null(json_object_get(o, "repeat_of")));
	assert_null(json_object_get(o, "origin"));
	assert_text(json_array_get(json_object_get(o, "jobs"), 0), "handler",
	    "pos");
	assert_string_equal(field_cell(field_of(entity_event, "event_id"), o,
				buf),
	    "e (sandbox)");
	assert_string_equal(field_cell(field_of(entity_event, "orders"), o,
				buf),
	    "7");
	assert_string_equal(field_cell(field_of(entity_event, "duplicates"), o,
				buf),
	    "repeat");
	json_decref(o);
}

static void
test_states_parse_back(void **state)
{
	enum store_progress progress;

	(void)state;
	assert_int_equal(entity_event_state_parse("dead", &progress), 0);
	assert_int_equal(progress, STORE_PROGRESS_DEAD);
	assert_int_equal(entity_event_state_parse("open", &progress), -1);
}

/* What a person did goes before what the configuration and dispatch say. */
static void
test_a_handler_has_one_state(void **state)
{
	static const struct {
		int64_t paused_at_ms;
		bool configured, probing;
		const char *word;
	} cases[] = {
		{ 0, true, false, "active" },
		{ 0, true, true, "probing" },
		{ 0, false, false, "parked" },
		{ 1, true, true, "paused" },
		{ 1, false, false, "paused" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct store_handler_info h = { .name = "pos",
			.unfinished = 3,
			.paused_at_ms = cases[i].paused_at_ms };
		const struct entity_live live = {
			.configured = cases[i].configured,
			.probing = cases[i].probing,
		};
		json_t *o = entity_handler_json(&h, &live);

		assert_text(o, "state", cases[i].word);
		assert_int_equal(json_integer_value(
				     json_object_get(o, "pending")),
		    3);
		json_decref(o);
	}
}

/* What is not there is null; a connection is shown of who keeps one. */
static void
test_a_handler_shows_its_far_side(void **state)
{
	const struct store_handler_info h = { .name = "pos" };
	struct entity_live live = { .configured = true };
	json_t *o = entity_handler_json(&h, &live);

	(void)state;
	assert_true(json_is_null(json_object_get(o, "target")));
	assert_true(json_is_null(json_object_get(o, "last_error")));
	assert_true(json_is_null(json_object_get(o, "last_error_at")));
	assert_null(json_object_get(o, "connected"));
	json_decref(o);
	live = (struct entity_live){ .configured = true,
		.lasting = true,
		.error_ms = 1750000000000,
		.error = "it is full",
		.target = "redis://10.0.0.5/0, stream orders" };
	o = entity_handler_json(&h, &live);
	assert_text(o, "target", "redis://10.0.0.5/0, stream orders");
	assert_text(o, "last_error", "it is full");
	assert_text(o, "last_error_at", "2025-06-15T15:06:40.000Z");
	assert_true(json_is_false(json_object_get(o, "connected")));
	json_decref(o);
}

/* One that is dead by its row, but was replayed or discarded, is not dead. */
static void
test_a_job_is_dead_only_now(void **state)
{
	static const struct {
		int64_t replayed_by, discarded_at_ms;
		const char *word;
	} cases[] = { { 0, 0, "dead" }, { 9, 0, "replayed" },
		{ 0, 1, "discarded" }, { 9, 1, "replayed" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_job_info dead = job;
		json_t *o;

		dead.state = JOB_DEAD;
		dead.replayed_by = cases[i].replayed_by;
		dead.discarded_at_ms = cases[i].discarded_at_ms;
		o = entity_job_json(&dead);
		assert_text(o, "state", cases[i].word);
		json_decref(o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_name_stands_once),
		cmocka_unit_test(test_a_job),
		cmocka_unit_test(test_an_alarm),
		cmocka_unit_test(test_an_event),
		cmocka_unit_test(test_states_parse_back),
		cmocka_unit_test(test_a_handler_has_one_state),
		cmocka_unit_test(test_a_handler_shows_its_far_side),
		cmocka_unit_test(test_a_job_is_dead_only_now),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
