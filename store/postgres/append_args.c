/*
 * What is appended, as the arrays of append() in schema/014_arrivals.sql.
 * Events and jobs have numbers there, from 1 on.
 */
#include <stddef.h>
#include <string.h>

#include "store/postgres/append_args.h"
#include "store/postgres/rounds.h"

/* What is put, and how many there are of all. */
struct puts {
	const struct appends *of;
	size_t norders, njobs, nlanes;
};

static const struct store_event *
event_of(const struct puts *all, size_t i)
{
	return (all->of->ops[i]->in.append.ev);
}

bool
append_has_lanes(const struct store_job_spec *spec)
{
	return (spec->ordered && spec->guards == STORE_NO_GUARD &&
		!job_is_end(spec->born));
}

/* Is it in the lane of that order? */
static bool
is_for(const struct store_job_spec *spec, const struct store_order *order)
{
	return (
	    spec->place == STORE_WHOLE_EVENT || spec->place == order->place);
}

static void
count(struct puts *all)
{
	for (size_t i = 0; i < all->of->n; i++) {
		const struct store_op *op = all->of->ops[i];
		const struct store_event *ev = op->in.append.ev;

		all->norders += ev->norders;
		all->njobs += op->in.append.njobs;
		for (size_t k = 0; k < op->in.append.njobs; k++)
			for (size_t o = 0;
			     o < ev->norders &&
			     append_has_lanes(&op->in.append.jobs[k]);
			     o++)
				all->nlanes += is_for(&op->in.append.jobs[k],
				    &ev->orders[o]);
	}
}

/* -- Of events -- */

/* A text that each event has: the member at that offset. */
static void
put_texts(struct pg_args *a, const struct puts *all, size_t offset)
{
	const char *text;

	pg_arg_array(a, PG_TEXTS, all->of->n);
	for (size_t i = 0; i < all->of->n; i++) {
		memcpy(&text, (const char *)event_of(all, i) + offset,
		    sizeof(text));
		pg_item_text(a, text);
	}
}

static void
put_signatures(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_BYTES, all->of->n);
	for (size_t i = 0; i < all->of->n; i++) {
		const struct store_event *ev = event_of(all, i);

		pg_item_bytes(a, ev->secret != NULL ? ev->digest : NULL,
		    sizeof(ev->digest));
	}
	put_texts(a, all, offsetof(struct store_event, secret));
}

static void
put_times(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_INT8S, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_int(a, event_of(all, i)->received_at_ms);
	pg_arg_array(a, PG_INT8S, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_int_or_null(a, event_of(all, i)->came_at.ms);
}

static void
put_bodies(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_INT8S, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_int(a, (int64_t)event_of(all, i)->body_len);
	pg_arg_array(a, PG_BYTES, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_bytes(a, event_of(all, i)->body,
		    event_of(all, i)->body_len);
}

/* What may be repeated: since when, and by what order it is looked up. */
static void
put_searches(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_TEXTS, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_text(a, rounds_may_repeat(all->of->ops[i])
				    ? event_of(all, i)->orders[0].order_id
				    : NULL);
	pg_arg_array(a, PG_INT8S, all->of->n);
	for (size_t i = 0; i < all->of->n; i++) {
		const struct store_event *ev = event_of(all, i);

		pg_item_int(a, (ev->came_at.ms != 0 ? ev->came_at.ms
						    : ev->received_at_ms) -
				   all->of->ops[i]->in.append.repeat_window_ms);
	}
	pg_arg_array(a, PG_BOOLS, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_bool(a, store_event_has_time(event_of(all, i)));
}

static void
put_origins(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_TEXTS, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_text(a, store_origin_name(event_of(all, i)->origin));
}

static void
put_events(struct pg_args *a, const struct puts *all)
{
	put_texts(a, all, offsetof(struct store_event, event_id));
	put_texts(a, all, offsetof(struct store_event, scope));
	put_texts(a, all, offsetof(struct store_event, type));
	put_origins(a, all);
	put_texts(a, all, offsetof(struct store_event, brand));
	put_texts(a, all, offsetof(struct store_event, branch));
	put_signatures(a, all);
	put_texts(a, all, offsetof(struct store_event, peer));
	put_times(a, all);
	put_bodies(a, all);
	put_searches(a, all);
}

/* -- Of their orders, jobs and lanes -- */

static void
put_order_texts(struct pg_args *a, const struct puts *all, size_t offset)
{
	const char *text;

	pg_arg_array(a, PG_TEXTS, all->norders);
	for (size_t i = 0; i < all->of->n; i++)
		for (size_t o = 0; o < event_of(all, i)->norders; o++) {
			memcpy(&text,
			    (const char *)&event_of(all, i)->orders[o] + offset,
			    sizeof(text));
			pg_item_text(a, text);
		}
}

static void
put_orders(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_INT8S, all->norders);
	for (size_t i = 0; i < all->of->n; i++)
		for (size_t o = 0; o < event_of(all, i)->norders; o++)
			pg_item_int(a, (int64_t)i + 1);
	pg_arg_array(a, PG_INT8S, all->norders);
	for (size_t i = 0; i < all->of->n; i++)
		for (size_t o = 0; o < event_of(all, i)->norders; o++)
			pg_item_int(a, event_of(all, i)->orders[o].place);
	put_order_texts(a, all, offsetof(struct store_order, order_id));
	pg_arg_array(a, PG_TEXTS, all->norders);
	for (size_t i = 0; i < all->of->n; i++)
		for (size_t o = 0; o < event_of(all, i)->norders; o++)
			pg_item_text(a, event_of(all, i)->scope);
	put_order_texts(a, all, offsetof(struct store_order, status));
	put_order_texts(a, all, offsetof(struct store_order, updated_at));
	put_order_texts(a, all, offsetof(struct store_order, external_id));
}

/* The state in which a job begins; an alarm, or one due later, waits. */
static enum job_state
first_state(const struct store_job_spec *spec)
{
	if (job_is_end(spec->born))
		return (spec->born);
	return (spec->guards != STORE_NO_GUARD || spec->due_at.ms != 0
		    ? JOB_WAITING
		    : JOB_READY);
}

/* A value of each job: the number of its event first. */
enum job_value { JOB_EVENT, JOB_HANDLER, JOB_PLACE, JOB_DUE, JOB_GUARDS };

static void
put_job_numbers(struct pg_args *a, const struct puts *all, enum job_value which)
{
	int64_t before = 0; /* jobs of earlier events */

	pg_arg_array(a, PG_INT8S, all->njobs);
	for (size_t i = 0; i < all->of->n; i++) {
		const struct store_op *op = all->of->ops[i];

		for (size_t k = 0; k < op->in.append.njobs; k++) {
			const struct store_job_spec *s = &op->in.append.jobs[k];
			int64_t value = 0;

			switch (which) {
			case JOB_EVENT:
				value = (int64_t)i + 1;
				break;
			case JOB_HANDLER:
				value = s->handler;
				break;
			case JOB_PLACE:
				value = s->place;
				break;
			case JOB_DUE:
				value = s->due_at.ms;
				break;
			case JOB_GUARDS:
				if (s->guards != STORE_NO_GUARD)
					value = before + s->guards + 1;
				break;
			}
			pg_item_int(a, value);
		}
		before += (int64_t)op->in.append.njobs;
	}
}

/* The next of all jobs, by event and place in it; NULL after the last. */
static const struct store_job_spec *
next_job(const struct puts *all, size_t *i, size_t *k)
{
	for (; *i < all->of->n; (*i)++, *k = 0)
		if (*k < all->of->ops[*i]->in.append.njobs)
			return (&all->of->ops[*i]->in.append.jobs[(*k)++]);
	return (NULL);
}

static void
put_jobs(struct pg_args *a, const struct puts *all)
{
	const struct store_job_spec *s;
	size_t i, k;

	put_job_numbers(a, all, JOB_EVENT);
	put_job_numbers(a, all, JOB_HANDLER);
	put_job_numbers(a, all, JOB_PLACE);
	pg_arg_array(a, PG_TEXTS, all->njobs);
	for (i = k = 0; (s = next_job(all, &i, &k)) != NULL;)
		pg_item_text(a, job_state_name(first_state(s)));
	put_job_numbers(a, all, JOB_DUE);
	pg_arg_array(a, PG_BOOLS, all->njobs);
	for (i = k = 0; (s = next_job(all, &i, &k)) != NULL;)
		pg_item_bool(a, s->ordered && s->guards == STORE_NO_GUARD);
	put_job_numbers(a, all, JOB_GUARDS);
	pg_arg_array(a, PG_TEXTS, all->njobs);
	for (i = k = 0; (s = next_job(all, &i, &k)) != NULL;)
		pg_item_text(a, s->outcome);
}

/* A lane, as one item of each of three arrays. */
enum lane_value { LANE_JOB, LANE_ORDER, LANE_SCOPE };

static void
put_lane(struct pg_args *a, const struct puts *all, enum lane_value which)
{
	const struct store_job_spec *s;
	int64_t job = 0;
	size_t i = 0, k = 0;

	pg_arg_array(a, which == LANE_JOB ? PG_INT8S : PG_TEXTS, all->nlanes);
	while ((s = next_job(all, &i, &k)) != NULL) {
		const struct store_event *ev = event_of(all, i);

		job++;
		for (size_t o = 0; o < ev->norders && append_has_lanes(s);
		     o++) {
			if (!is_for(s, &ev->orders[o]))
				continue;
			if (which == LANE_JOB)
				pg_item_int(a, job);
			else
				pg_item_text(a, which == LANE_ORDER
						    ? ev->orders[o].order_id
						    : ev->scope);
		}
	}
}

void
append_put_doubted(struct pg_args *a, const struct appends *doubted)
{
	struct puts puts = { .of = doubted };

	put_texts(a, &puts, offsetof(struct store_event, event_id));
	put_texts(a, &puts, offsetof(struct store_event, scope));
	put_times(a, &puts);
}

/* Is that the first event of all with its set of header fields? */
static bool
is_first_of_set(const struct puts *all, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (event_of(all, k)->header_set ==
		    event_of(all, i)->header_set)
			return (false);
	return (true);
}

static void
put_headers(struct pg_args *a, const struct puts *all)
{
	pg_arg_array(a, PG_INT8S, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_int_or_null(a, event_of(all, i)->header_set);
	pg_arg_array(a, PG_TEXTS, all->of->n);
	for (size_t i = 0; i < all->of->n; i++)
		pg_item_text(a,
		    is_first_of_set(all, i) ? event_of(all, i)->headers : NULL);
	put_texts(a, all, offsetof(struct store_event, own_headers));
	put_texts(a, all, offsetof(struct store_event, answers));
}

void
append_put(struct pg_args *a, const struct appends *all)
{
	struct puts puts = { .of = all };

	count(&puts);
	put_events(a, &puts);
	put_orders(a, &puts);
	put_jobs(a, &puts);
	put_lane(a, &puts, LANE_JOB);
	put_lane(a, &puts, LANE_ORDER);
	put_lane(a, &puts, LANE_SCOPE);
	put_texts(a, &puts, offsetof(struct store_event, endpoint));
	put_headers(a, &puts);
}
