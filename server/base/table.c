#include "server/base/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"

struct table {
	const char *const *titles;
	size_t ncolumns;
	size_t widths[TABLE_COLUMNS_MAX];
	char **cells;
	size_t ncells;
	size_t max;
	bool lost;
};

/* Characters of UTF-8 text, each taken as one column wide. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += (*text & 0xc0) != 0x80;
	return (n);
}

struct table *
table_new(const char *const *titles)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return (NULL);
	t->titles = titles;
	for (; titles[t->ncolumns] != NULL; t->ncolumns++)
		t->widths[t->ncolumns] = width(titles[t->ncolumns]);
	return (t);
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void
table_add(struct table *t, const char *text)
{
	size_t column = t->ncells % t->ncolumns, max;
	char **grown;
	char *copy;

	if (t->ncells == t->max) {
		max = t->max == 0 ? 256 : 2 * t->max;
		grown = realloc(t->cells, max * sizeof(*grown));
		if (grown == NULL) {
			t->lost = true;
			return;
		}
		t->cells = grown;
		t->max = max;
	}
	if ((copy = strdup(log_text(text))) == NULL) {
		t->lost = true;
		return;
	}
	t->cells[t->ncells++] = copy;
	if (width(copy) > t->widths[column])
		t->widths[column] = width(copy);
}

/* The last cell of a line is not filled up. */
static void
print_cell(const struct table *t, size_t column, const char *text, FILE *out)
{
	size_t fill = t->widths[column] - width(text) + 2;

	if (column + 1 == t->ncolumns)
		fprintf(out, "%s\n", text);
	else
		fprintf(out, "%s%*s", text, (int)fill, "");
}

int
table_print(const struct table *t, FILE *out)
{
	for (size_t i = 0; i < t->ncolumns; i++)
		print_cell(t, i, t->titles[i], out);
	for (size_t i = 0; i < t->ncells; i++)
		print_cell(t, i % t->ncolumns, t->cells[i], out);
	return (t->lost ? -1 : 0);
}
