#include "server/dispatch/held.h"

#include <stdlib.h>

void
held_init(struct held *h)
{
	TAILQ_INIT(&h->waiting);
	TAILQ_INIT(&h->answered);
}

void
held_fini(struct held *h)
{
	struct held_event *held;

	TAILQ_CONCAT(&h->answered, &h->waiting, link);
	while ((held = held_take(h)) != NULL)
		held_event_free(held);
}

void
held_event_free(struct held_event *held)
{
	store_event_unref(held->ev);
	free(held);
}

int
held_add(struct held *h, struct store_event *ev, const struct store_job *jobs,
    size_t njobs)
{
	struct held_event *held;

	held = calloc(1, sizeof(*held) + njobs * sizeof(held->jobs[0]));
	if (held == NULL)
		return (-1);
	held->ev = store_event_ref(ev);
	held->njobs = njobs;
	for (size_t i = 0; i < njobs; i++)
		held->jobs[i] = jobs[i];
	TAILQ_INSERT_TAIL(&h->waiting, held, link);
	return (0);
}

static struct held_event *
find(const struct held_list *list, int64_t event)
{
	struct held_event *held;

	TAILQ_FOREACH (held, list, link) {
		if (held->ev->id == event)
			break;
	}
	return (held);
}

int
held_answer(struct held *h, int64_t event)
{
	struct held_event *held = find(&h->waiting, event);

	if (held == NULL)
		return (-1);
	TAILQ_REMOVE(&h->waiting, held, link);
	TAILQ_INSERT_TAIL(&h->answered, held, link);
	return (0);
}

bool
held_defers(struct held *h, int64_t event)
{
	struct held_event *held = find(&h->waiting, event);

	/* Answered, but not taken: its own jobs are yet to be queued. */
	if (held == NULL)
		held = find(&h->answered, event);
	if (held != NULL)
		held->offered = true;
	return (held != NULL);
}

bool
held_has_answered(const struct held *h)
{
	return (!TAILQ_EMPTY(&h->answered));
}

struct held_event *
held_take(struct held *h)
{
	struct held_event *held = TAILQ_FIRST(&h->answered);

	if (held != NULL)
		TAILQ_REMOVE(&h->answered, held, link);
	return (held);
}
