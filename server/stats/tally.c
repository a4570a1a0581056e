#include "server/stats/tally.h"

#include <stdlib.h>
#include <string.h>

#include "server/stats/stats_numbers.h"

static struct store_count *
tally_find(const struct tally *t, const struct store_count *c, const char *name)
{
	/* The newest minute is what is mostly added to. */
	for (size_t i = t->n; i > 0; i--) {
		struct store_count *row = &t->rows[i - 1];

		if (row->at_ms == c->at_ms && row->kind == c->kind &&
		    strcmp(row->name, name) == 0)
			return (row);
	}
	return (NULL);
}

static int
tally_grow(struct tally *t)
{
	size_t room = t->room == 0 ? 64 : t->room * 2;
	struct store_count *rows;

	if (t->n < t->room)
		return (0);
	if (t->n == TALLY_MAX ||
	    (rows = realloc(t->rows, room * sizeof(*rows))) == NULL)
		return (-1);
	t->rows = rows;
	t->room = room;
	return (0);
}

void
tally_add(struct tally *t, const struct store_count *c)
{
	char name[TALLY_NAME_MAX] = "";
	struct store_count *row;
	char *copy;

	if (c->name != NULL)
		(void)strncat(name, c->name, sizeof(name) - 1);
	if ((row = tally_find(t, c, name)) != NULL) {
		store_count_add(row, c);
		return;
	}
	if (tally_grow(t) == -1 || (copy = strdup(name)) == NULL)
		return;
	t->rows[t->n] = *c;
	t->rows[t->n++].name = copy;
}

void
tally_take(struct tally *t, struct tally *from)
{
	for (size_t i = 0; i < from->n; i++)
		tally_add(t, &from->rows[i]);
	tally_fini(from);
}

bool
tally_is_idle(const struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].kind != STORE_COUNT_INTAKE)
			return (false);
		for (size_t j = STATS_SECONDS + 1; j < STORE_COUNT_NUMBERS; j++)
			if (t->rows[i].numbers[j] != 0)
				return (false);
	}
	return (true);
}

int64_t
tally_oldest_ms(const struct tally *t)
{
	int64_t oldest = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (i == 0 || t->rows[i].at_ms < oldest)
			oldest = t->rows[i].at_ms;
	}
	return (oldest);
}

void
tally_fini(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((char *)t->rows[i].name);
	free(t->rows);
	*t = (struct tally){ 0 };
}
