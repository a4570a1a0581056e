/* The boxes of a hub: found by their names, looked at, and freed. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/hub/hub_private.h"

/* The buckets of a hub. */
#define NBUCKETS (sizeof(((struct hub *)NULL)->buckets) / sizeof(void *))

static size_t
bucket_of(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return (hash % NBUCKETS);
}

struct hub_box *
hub_box_find(struct hub *hub, const char *name)
{
	struct hub_box *box;

	LIST_FOREACH(box, &hub->buckets[bucket_of(name)], link)
	{
		if (strcmp(box->name, name) == 0)
			return (box);
	}
	return (NULL);
}

struct hub_box *
hub_box_new(struct hub *hub, const char *name)
{
	struct hub_box *box;

	if ((box = calloc(1, sizeof(*box))) == NULL ||
	    (box->name = strdup(name)) == NULL) {
		free(box);
		return (NULL);
	}
	box->hub = hub;
	box->stats.name = box->name;
	TAILQ_INIT(&box->members);
	TAILQ_INIT(&box->asks);
	TAILQ_INIT(&box->jobs);
	LIST_INSERT_HEAD(&hub->buckets[bucket_of(name)], box, link);
	TAILQ_INSERT_TAIL(&hub->boxes, box, all);
	return (box);
}

void
hub_box_sweep(struct hub_box *box)
{
	if (!TAILQ_EMPTY(&box->members) || box->nretired > 0 ||
	    !TAILQ_EMPTY(&box->asks) || !TAILQ_EMPTY(&box->jobs) ||
	    box->nreports > 0)
		return;
	LIST_REMOVE(box, link);
	TAILQ_REMOVE(&box->hub->boxes, box, all);
	hub_late_fini(&box->late);
	free(box->name);
	free(box);
}

void
hub_box_look(struct hub_box *box)
{
	if (box->looked)
		return;
	box->looked = true;
	TAILQ_INSERT_TAIL(&box->hub->look, box, look);
	event_active(box->hub->pump, EV_TIMEOUT, 0);
}
