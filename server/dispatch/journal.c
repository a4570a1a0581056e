#include "server/dispatch/journal.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((JOURNAL_TIMES & (JOURNAL_TIMES - 1)) == 0, "a power of two");

/* Of the event with this number. */
struct times {
	int64_t event;
	int64_t stored_ms;
	int64_t acked_ms;
};

struct noted {
	size_t n;
	int64_t numbers[JOURNAL_MAX];
};

struct journal {
	struct times times[JOURNAL_TIMES]; /* by event, modulo */
	struct noted noted[JOURNAL_NKINDS];
	size_t max;
	bool lost;               /* more was noted than there is room for */
	bool some;               /* something is noted */
	void (*wake)(void *arg); /* NULL: nobody listens */
	void *arg;
};

struct journal *
journal_new(void)
{
	return (calloc(1, sizeof(struct journal)));
}

void
journal_free(struct journal *j)
{
	free(j);
}

static void
forget(struct journal *j)
{
	for (int i = 0; i < JOURNAL_NKINDS; i++)
		j->noted[i].n = 0;
	j->lost = false;
	j->some = false;
}

void
journal_listen(struct journal *j, size_t max, void (*wake)(void *arg),
    void *arg)
{
	j->max = max < JOURNAL_MAX ? max : JOURNAL_MAX;
	j->wake = wake;
	j->arg = arg;
	if (wake == NULL)
		forget(j);
}

/* -- Times -- */

static struct times *
slot(struct journal *j, int64_t event)
{
	return (&j->times[event & (JOURNAL_TIMES - 1)]);
}

static const struct times *
find(const struct journal *j, int64_t event)
{
	const struct times *t = &j->times[event & (JOURNAL_TIMES - 1)];

	return (t->event == event ? t : NULL);
}

void
journal_stored(struct journal *j, int64_t event, int64_t at_ms)
{
	if (j == NULL)
		return;
	*slot(j, event) = (struct times){ event, at_ms, 0 };
	journal_note(j, JOURNAL_EVENT, event);
}

void
journal_acked(struct journal *j, int64_t event, int64_t at_ms)
{
	if (j != NULL && slot(j, event)->event == event)
		slot(j, event)->acked_ms = at_ms;
}

int64_t
journal_stored_ms(const struct journal *j, int64_t event)
{
	const struct times *t = find(j, event);

	return (t == NULL ? 0 : t->stored_ms);
}

int64_t
journal_acked_ms(const struct journal *j, int64_t event)
{
	const struct times *t = find(j, event);

	return (t == NULL ? 0 : t->acked_ms);
}

/* -- News -- */

/* Have the listener look, unless it is about to. */
static void
wake(struct journal *j)
{
	if (j->some)
		return;
	j->some = true;
	j->wake(j->arg);
}

void
journal_lose(struct journal *j)
{
	if (j == NULL || j->wake == NULL)
		return;
	j->lost = true;
	wake(j);
}

void
journal_note(struct journal *j, enum journal_kind kind, int64_t number)
{
	struct noted *noted;

	if (j == NULL || j->wake == NULL)
		return;
	noted = &j->noted[kind];
	if (noted->n > 0 && noted->numbers[noted->n - 1] == number)
		return;
	if (noted->n >= j->max)
		j->lost = true;
	else
		noted->numbers[noted->n++] = number;
	wake(j);
}

bool
journal_lost(struct journal *j)
{
	bool lost = j->lost;

	if (lost)
		forget(j);
	return (lost);
}

/* qsort */
static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x < y ? -1 : x > y);
}

size_t
journal_take(struct journal *j, enum journal_kind kind,
    int64_t ret[JOURNAL_MAX])
{
	struct noted *noted = &j->noted[kind];
	size_t n = 0;

	qsort(noted->numbers, noted->n, sizeof(noted->numbers[0]), compare);
	for (size_t i = 0; i < noted->n; i++) {
		if (n == 0 || ret[n - 1] != noted->numbers[i])
			ret[n++] = noted->numbers[i];
	}
	noted->n = 0;
	j->some = false;
	for (int i = 0; i < JOURNAL_NKINDS; i++)
		j->some |= j->noted[i].n > 0;
	return (n);
}

bool
journal_has(const struct journal *j)
{
	return (j->some);
}
