#include "server/stats/series.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/stats/stats_numbers.h"

void
series_init(struct series *s, enum store_count_step step, int64_t from_ms,
    size_t n)
{
	assert(n <= SERIES_SLOTS_MAX);
	*s = (struct series){ .step = step, .from_ms = from_ms, .n = n };
}

static struct series_line *
find(const struct series *s, enum store_count_kind kind, const char *name)
{
	for (size_t i = 0; i < s->nlines; i++) {
		if (s->lines[i].kind == kind &&
		    strcmp(s->lines[i].name, name) == 0)
			return (&s->lines[i]);
	}
	return (NULL);
}

const struct series_line *
series_find(const struct series *s, enum store_count_kind kind,
    const char *name)
{
	return (find(s, kind, name));
}

/* A further line. NULL: no memory. */
static struct series_line *
make(struct series *s, enum store_count_kind kind, const char *name)
{
	struct series_line line = { .kind = kind, .name = strdup(name) };
	struct series_line *more;

	more = realloc(s->lines, (s->nlines + 1) * sizeof(*more));
	if (more != NULL)
		s->lines = more;
	line.slots = calloc(s->n + 1, sizeof(*line.slots));
	if (more == NULL || line.name == NULL || line.slots == NULL) {
		free(line.name);
		free(line.slots);
		return (NULL);
	}
	for (size_t i = 0; i < s->n; i++) {
		line.slots[i].kind = kind;
		line.slots[i].at_ms =
		    s->from_ms + (int64_t)i * store_count_step_ms(s->step);
	}
	more[s->nlines] = line;
	return (&more[s->nlines++]);
}

int
series_add(struct series *s, const struct store_count *c)
{
	int64_t step_ms = store_count_step_ms(s->step);
	struct series_line *line;

	if (c->at_ms < s->from_ms ||
	    c->at_ms >= s->from_ms + (int64_t)s->n * step_ms ||
	    store_count_names(c->kind, s->step) == 0)
		return (0);
	if ((line = find(s, c->kind, c->name)) == NULL &&
	    (line = make(s, c->kind, c->name)) == NULL)
		return (-1);
	store_count_add(&line->slots[(c->at_ms - s->from_ms) / step_ms], c);
	return (0);
}

int64_t
series_call_us(const struct store_count *c, double share)
{
	struct histogram h;

	call_time_init(&h);
	for (size_t i = 0; i < STATS_CALL_BUCKETS; i++)
		h.counts[i] = (uint64_t)c->numbers[STATS_CALLS + i];
	return (histogram_quantile(&h, share));
}

void
series_fini(struct series *s)
{
	for (size_t i = 0; i < s->nlines; i++) {
		free(s->lines[i].name);
		free(s->lines[i].slots);
	}
	free(s->lines);
	*s = (struct series){ 0 };
}
