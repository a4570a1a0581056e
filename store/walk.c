#include "store/walk.h"

#include <string.h>

#include "store/base/arena.h"

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

void
walk_less(struct walk *w)
{
	if (w->high - w->low > STORE_LOOK_MAX / COSTS_MORE)
		w->low = w->high - STORE_LOOK_MAX / COSTS_MORE;
}

/* From high on back, at most look of them. */
static int
walk_back(const struct walk_asks *asks, enum walk_rows rows, size_t look,
    struct walk *w)
{
	int64_t newest = 0;
	int rc;

	if ((rc = asks->newest(asks->arg, rows, w->high, &newest)) != 0)
		return (rc);
	w->high = newest + 1;
	w->low = w->high - (int64_t)look;
	w->back = true;
	if (w->low < w->floor)
		w->low = w->floor;
	return (0);
}

static int
are_few(const struct walk_asks *asks, enum walk_jobs_in which, struct walk *w,
    bool *ret_few)
{
	int64_t n = 0;
	int rc;

	if ((rc = asks->count(asks->arg, which, &n)) != 0)
		return (rc);
	*ret_few = n <= WALK_FEW;
	if (*ret_few)
		w->found = (size_t)n;
	return (0);
}

/* Of a short time the first and the last number. */
static int
within_time(const struct walk_asks *asks, int64_t since_ms, int64_t until_ms,
    struct walk *w)
{
	struct walk_time t = { since_ms, walk_before(until_ms), 0, 0, 0 };
	int rc;

	if ((rc = asks->of_time(asks->arg, &t)) != 0 || t.n > WALK_FEW)
		return (rc);
	w->floor = t.n == 0 ? INT64_MAX : t.first;
	if (t.last + 1 < w->high)
		w->high = t.last + 1;
	return (0);
}

/* How many events a call looks at. */
static size_t
events_to_look_at(const struct store_filter *f)
{
	size_t look = f->look > 0 ? f->look : STORE_LOOK_MAX;

	if (f->look == 0 &&
	    (f->progress != STORE_PROGRESS_ANY || f->handler != NULL))
		look /= COSTS_MORE;
	return (look);
}

int
walk_events(const struct walk_asks *asks, const struct store_filter *f,
    struct walk *w)
{
	bool few = f->order_id != NULL;
	int rc = 0;

	*w = (struct walk){ .high = walk_before(f->before), .limit = f->limit };
	if (f->since_ms != 0 || f->until_ms != 0)
		rc = within_time(asks, f->since_ms, f->until_ms, w);
	w->low = w->floor;
	if (f->scan == NULL)
		return (rc);
	if (rc == 0 && !few && f->progress == STORE_PROGRESS_PENDING)
		rc = are_few(asks, WALK_OPEN, w, &few);
	if (rc == 0 && !few && f->progress == STORE_PROGRESS_DEAD)
		rc = are_few(asks, WALK_DEAD, w, &few);
	if (rc != 0 || few)
		return (rc);
	return (walk_back(asks, WALK_EVENTS, events_to_look_at(f), w));
}

int
walk_orders(const struct walk_asks *asks, const struct store_filter *f,
    struct walk *w)
{
	struct store_filter orders = *f;

	/* Of each its event is asked for, and its cart. */
	if (f->look == 0)
		orders.look = STORE_LOOK_MAX / COSTS_MORE;
	orders.progress = STORE_PROGRESS_ANY;
	return (walk_events(asks, &orders, w));
}

int
walk_jobs(const struct walk_asks *asks, const struct store_job_filter *f,
    struct walk *w)
{
	size_t look = f->look > 0 ? f->look : STORE_LOOK_MAX / COSTS_MORE;
	struct walk times = { .high = INT64_MAX };
	bool few = f->rang || f->event_id != NULL || f->order_id != NULL;
	int rc = 0;

	*w = (struct walk){ .high = walk_before(f->before), .limit = f->limit };
	if (few)
		return (0);
	/* A replay is newer than its event: of the jobs it says nothing. */
	if (f->since_ms != 0 || f->until_ms != 0) {
		rc = within_time(asks, f->since_ms, f->until_ms, &times);
		w->of_time = times.floor > 0;
	}
	if (rc != 0 || w->of_time || f->scan == NULL)
		return (rc);
	if (f->pending || (!f->any_state && f->state != JOB_DONE))
		rc = are_few(asks,
		    f->pending || f->state != JOB_DEAD ? WALK_OPEN : WALK_DEAD,
		    w, &few);
	if (rc != 0 || few)
		return (rc);
	return (walk_back(asks, WALK_JOBS, look, w));
}

int
walk_end(const struct walk_asks *asks, enum walk_rows rows,
    const struct walk *w, size_t n, int64_t last, struct store_scan *ret)
{
	bool full = n >= w->limit;
	int64_t below = 0;
	int rc = 0;

	if (!full && w->low > w->floor)
		rc = asks->newest(asks->arg, rows, w->low, &below);
	if (rc != 0)
		return (rc);
	ret->looked = (int64_t)(w->found > n ? w->found : n);
	if (w->back)
		ret->looked = w->high - (full ? last : w->low);
	if (ret->looked < 0)
		ret->looked = 0;
	ret->next = full                             ? last
		    : below > 0 && below >= w->floor ? below + 1
						     : 0;
	return (0);
}

char *
walk_behind(struct arena *a, const char *find)
{
	static const char last[] = "\xf4\x8f\xbf\xbf"; /* U+10FFFF */
	size_t len = strlen(find);
	char *end = arena_alloc(a, len + sizeof(last));

	if (end == NULL)
		return (NULL);
	memcpy(end, find, len);
	memcpy(end + len, last, sizeof(last));
	return (end);
}

char *
walk_lower(struct arena *a, const char *find)
{
	char *text = arena_dup(a, find, strlen(find));

	for (char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return (text);
}
