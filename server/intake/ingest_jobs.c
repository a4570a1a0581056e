#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/envelope.h"
#include "handlers/body/event_kind.h"
#include "server/intake/ingest_jobs.h"
#include "server/intake/subscription.h"

/* -- The newest record of each order -- */

/* Room for the outcome of a place with an older record. */
#define SUPERSEDED_MAX 48

/* A record of an order; of those of one order the last in line is the newest.
 */
struct record {
	const struct store_order *order;
	unsigned char key[ORDER_KEY_LEN];
};

/* qsort: by order, then by version, then by place. */
static int
record_compare(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	int rc = strcmp(x->order->order_id, y->order->order_id);

	if (rc == 0)
		rc = memcmp(x->key, y->key, sizeof(x->key));
	if (rc == 0)
		rc = x->order->place < y->order->place ? -1 : 1;
	return (rc);
}

static bool
is_one_of(const char *text, const char *const *texts, size_t n)
{
	for (size_t i = 0; text != NULL && i < n; i++) {
		if (strcmp(text, texts[i]) == 0)
			return (true);
	}
	return (false);
}

static void
record_fill(struct record *record, const struct store_order *order,
    const struct subscriptions *subs, const char *type)
{
	const struct status_codes *codes = &subs->codes;
	const struct order_version version = {
		.updated_at = order->updated_at,
		.terminal =
		    is_one_of(order->status, codes->terminal, codes->nterminal),
		.rank = order_rank(order->status, codes->order, codes->norder),
		.status_event = event_kind(type) == EVENT_STATUS,
		.place = (uint32_t)order->place,
	};

	record->order = order;
	order_key(&version, record->key);
}

static bool
has_per_order(const struct subscriptions *subs)
{
	for (size_t i = 0; i < subs->n; i++) {
		if (subs->items[i].per_order)
			return (true);
	}
	return (false);
}

/*
 * For each order of the envelope the place of its newest record, which is its
 * own nearly always. NULL when out of memory.
 */
static int32_t *
newest_places(const struct subscriptions *subs, const char *type,
    const struct envelope *env)
{
	size_t n = env->norders;
	struct record *records = NULL;
	int32_t *places;

	if ((places = calloc(n + 1, sizeof(*places))) == NULL)
		return (NULL);
	for (size_t i = 0; i < n; i++)
		places[i] = env->orders[i].place;
	if (n < 2 || !has_per_order(subs))
		return (places);
	if ((records = malloc(n * sizeof(*records))) == NULL) {
		free(places);
		return (NULL);
	}
	for (size_t i = 0; i < n; i++)
		record_fill(&records[i], &env->orders[i], subs, type);
	qsort(records, n, sizeof(*records), record_compare);
	for (size_t i = n - 1; i-- > 0;) {
		const struct store_order *order = records[i].order;
		const struct store_order *next = records[i + 1].order;

		if (strcmp(order->order_id, next->order_id) == 0)
			places[order - env->orders] =
			    places[next - env->orders];
	}
	free(records);
	return (places);
}

/* -- Jobs -- */

/* What is being made. */
struct making {
	struct store_job_spec *specs;
	size_t n;
	char *texts; /* behind the specs: outcomes of older records */
	bool created;
	struct steady_time came_at;
};

/* Write a sub's alarm for the job just written, which is to be done in time.
 */
static void
add_alarm(struct making *m, const struct subscription *r)
{
	if (r->deadline_ms == 0)
		return;
	/* In no lane: an alarm does not wait behind another. */
	m->specs[m->n] = (struct store_job_spec){
		.handler = r->alarm,
		.place = m->specs[m->n - 1].place,
		.due_at = steady_add(m->came_at, r->deadline_ms),
		.guards = (int32_t)(m->n - 1),
	};
	m->n++;
}

/* Write a sub's job for one place. */
static struct store_job_spec *
add_job(struct making *m, const struct subscription *r, int32_t place)
{
	struct store_job_spec *spec = &m->specs[m->n++];

	*spec = (struct store_job_spec){
		.handler = r->handler,
		.place = place,
		/* Side by side, two of one order would both go out. */
		.ordered = r->ordered || (r->once_per_order && m->created),
		.guards = STORE_NO_GUARD,
	};
	return (spec);
}

/* A job for each place in the body: of an order, an older record, a stray. */
static void
add_places(struct making *m, const struct subscription *r,
    const struct envelope *env, const int32_t *newest)
{
	int32_t total = (int32_t)(env->norders + env->strays);
	struct store_job_spec *spec;
	size_t next = 0;

	for (int32_t place = 0; place < total; place++) {
		spec = add_job(m, r, place);
		if (next == env->norders || env->orders[next].place != place) {
			spec->born = JOB_DEAD;
			spec->outcome = "no usable order id";
		} else if (newest[next++] != place) {
			spec->born = JOB_DONE;
			spec->outcome = m->texts;
			m->texts += 1 + snprintf(m->texts, SUPERSEDED_MAX,
					    "superseded by place %" PRId32,
					    newest[next - 1]);
			continue; /* nothing is to be done in time */
		}
		add_alarm(m, r);
	}
}

/* Room for the jobs and the outcomes of older records, in one block. */
static int
making_init(struct making *m, size_t nsubs, const struct envelope *env)
{
	size_t places = env->norders + env->strays;
	size_t nspecs = nsubs * 2 * (places > 0 ? places : 1) + 1;

	m->specs = calloc(1,
	    nspecs * sizeof(*m->specs) + nsubs * env->norders * SUPERSEDED_MAX);
	if (m->specs == NULL)
		return (-1);
	m->texts = (char *)(m->specs + nspecs);
	return (0);
}

struct store_job_spec *
ingest_jobs(const struct subscriptions *subs, const struct ingest_jobs_of *of,
    struct steady_time came_at, size_t *ret_n)
{
	const struct envelope *env = of->env;
	const struct selection_event ev = { of->type, env->brand, env->branch,
		of->endpoint, of->origin };
	struct making m = {
		.created = event_kind(of->type) == EVENT_CREATED,
		.came_at = came_at,
	};
	int32_t *newest;

	if ((newest = newest_places(subs, of->type, env)) == NULL)
		return (NULL);
	if (making_init(&m, subs->n, env) == -1)
		goto out;
	for (size_t i = 0; i < subs->n; i++) {
		const struct subscription *r = &subs->items[i];

		if (!selection_takes(&r->takes, &ev))
			continue;
		if (r->per_order && env->norders > 0) {
			add_places(&m, r, env, newest);
		} else {
			(void)add_job(&m, r, STORE_WHOLE_EVENT);
			add_alarm(&m, r);
		}
	}
	*ret_n = m.n;
out:
	free(newest);
	return (m.specs);
}
