#include "server/base/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 64

void
nearest_init(struct nearest *n, const char *word)
{
	n->word = word;
	n->best = NULL;
	n->distance = SIZE_MAX;
}

void
nearest_offer(struct nearest *n, const char *name)
{
	size_t distance = nearest_distance(n->word, name);

	if (distance < n->distance) {
		n->distance = distance;
		n->best = name;
	}
}

const char *
nearest_get(const struct nearest *n)
{
	size_t most = 1 + strlen(n->word) / 4;

	return (n->best != NULL && n->distance <= most ? n->best : NULL);
}

static bool
same(char a, char b)
{
	return (tolower((unsigned char)a) == tolower((unsigned char)b));
}

static size_t
least(size_t a, size_t b)
{
	return (a < b ? a : b);
}

const char *
nearest_hint(struct nearest *n, const char *before, const char *behind)
{
	const char *name = nearest_get(n);

	n->hint[0] = '\0';
	if (name != NULL)
		(void)snprintf(n->hint, sizeof(n->hint),
		    "; did you mean %s%s%s?", before, name, behind);
	return (n->hint);
}

/* Row by row; the row before the last is kept for swapped neighbours. */
size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *older = rows[0], *old = rows[1], *row = rows[2], *swap;
	size_t alen = strlen(a), blen = strlen(b);

	if (alen > WORD_MAX || blen > WORD_MAX)
		return (SIZE_MAX);
	for (size_t j = 0; j <= blen; j++)
		row[j] = older[j] = old[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		swap = older;
		older = old;
		old = row;
		row = swap;
		row[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			row[j] = least(least(old[j], row[j - 1]) + 1,
			    old[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], older[j - 2] + 1);
		}
	}
	return (row[blen]);
}
