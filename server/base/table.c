#include "server/base/table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "store/base/utf8.h"

#define GAP 2              /* blanks between columns */
#define CUT "\xe2\x80\xa6" /* one character */
#define ID_LEAST 8
#define TEST "test-" /* the ids of klikitd trigger begin so */

/* Widths of columns; 0: it is left out. */
struct layout {
	size_t widths[TABLE_COLUMNS_MAX];
	bool silent[TABLE_COLUMNS_MAX]; /* nothing stands there */
	size_t last;                    /* column that is shown */
};

struct table {
	const struct table_column *columns;
	size_t ncolumns;
	char **cells;
	size_t ncells;
	size_t max;
	bool lost;
	bool goes_on;         /* below what was printed */
	struct layout layout; /* of that */
};

/* -- Cells -- */

struct table *
table_new(const struct table_column *columns, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	assert(n > 0 && n <= TABLE_COLUMNS_MAX);
	if (t == NULL)
		return (NULL);
	t->columns = columns;
	t->ncolumns = n;
	return (t);
}

static void
drop_cells(struct table *t)
{
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	t->ncells = 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	drop_cells(t);
	free(t->cells);
	free(t);
}

void
table_go_on(struct table *t)
{
	drop_cells(t);
	t->goes_on = true;
}

void
table_add(struct table *t, const char *text)
{
	char **grown;
	char *copy;
	size_t max;

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
}

/* -- Characters -- */

/* How many places a character takes: East Asian ones two, marks none. */
static size_t
places(uint32_t code)
{
	static const struct {
		uint32_t first, last;
		size_t places;
	} ranges[] = {
		{ 0x300, 0x36f, 0 },
		{ 0x1100, 0x115f, 2 },
		{ 0x200b, 0x200d, 0 },
		{ 0x2e80, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },
		{ 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1faff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (code >= ranges[i].first && code <= ranges[i].last)
			return (ranges[i].places);
	}
	return (1);
}

/*
 * The length in bytes of the beginning of text that fits into that many places,
 * which it takes: *ret_width.
 */
static size_t
fitting(const char *text, size_t room, size_t *ret_width)
{
	size_t len = strlen(text), at = 0, width = 0, n;
	uint32_t code;

	while (at < len) {
		if ((n = utf8_next(text + at, len - at, &code)) == 0) {
			n = 1; /* cannot be: cells are escaped */
			code = '?';
		}
		if (width + places(code) > room)
			break;
		width += places(code);
		at += n;
	}
	*ret_width = width;
	return (at);
}

static size_t
width_of(const char *text)
{
	size_t width;

	(void)fitting(text, SIZE_MAX, &width);
	return (width);
}

/* -- Short ids -- */

size_t
table_id_least(const char *id)
{
	return (strncmp(id, TEST, strlen(TEST)) == 0 ? strlen(TEST) + ID_LEAST
						     : ID_LEAST);
}

static int
compare_texts(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

/* How many bytes two different ids have in common at their beginning. */
static size_t
common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return (n);
}

/* Cut the id of a cell to so many bytes, or a few more; its scope stays. */
static void
shorten(char *cell, size_t len)
{
	size_t whole = strcspn(cell, " ");

	if (len < table_id_least(cell))
		len = table_id_least(cell);
	if (len + 4 < whole)
		memmove(cell + len, cell + whole, strlen(cell + whole) + 1);
}

/* Shorten the ids of a column; no two may become the same. */
static int
shorten_ids(struct table *t, size_t column)
{
	size_t n = t->ncells / t->ncolumns, least = 0, same;
	char **ids;

	if (n == 0)
		return (0);
	if ((ids = calloc(n, sizeof(*ids))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++)
		ids[i] = t->cells[i * t->ncolumns + column];
	qsort(ids, n, sizeof(*ids), compare_texts);
	for (size_t i = 1; i < n; i++) {
		same = common(ids[i - 1], ids[i]);
		/* One id may stand in several rows, and in several scopes. */
		if (strcspn(ids[i], " ") > same && same + 1 > least)
			least = same + 1;
	}
	for (size_t i = 0; i < n; i++)
		shorten(ids[i], least);
	free(ids);
	return (0);
}

/* -- Fitting -- */

/* As wide as the widest cell. */
static void
measure(const struct table *t, const struct screen *s, struct layout *ret)
{
	bool empty[TABLE_COLUMNS_MAX];
	size_t column, width;

	*ret = (struct layout){ 0 };
	for (size_t i = 0; i < t->ncolumns; i++) {
		ret->widths[i] = width_of(t->columns[i].title);
		empty[i] = t->ncells > 0;
	}
	for (size_t i = 0; i < t->ncells; i++) {
		column = i % t->ncolumns;
		if ((width = width_of(t->cells[i])) > ret->widths[column])
			ret->widths[column] = width;
		if (strcmp(t->cells[i], "-") != 0)
			empty[column] = false;
	}
	for (size_t i = 0; i < t->ncolumns; i++) {
		ret->silent[i] = s->terminal && !s->wide && empty[i] &&
				 t->columns[i].spare > 0;
		if (ret->silent[i])
			ret->widths[i] = 0;
	}
}

static size_t
line_width(const struct layout *l, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += l->widths[i] == 0 ? 0 : l->widths[i] + GAP;
	return (sum == 0 ? 0 : sum - GAP);
}

/* How narrow the column may become. */
static size_t
least_of(const struct table_column *c, size_t width)
{
	size_t least = width_of(c->title);

	if (c->least == 0)
		return (width);
	if (c->least > least)
		least = c->least;
	return (least < width ? least : width);
}

/* Cut the widest columns that may be cut until the line fits. Does it? */
static bool
narrow(const struct table *t, struct layout *l, size_t room)
{
	size_t widest;

	while (line_width(l, t->ncolumns) > room) {
		widest = t->ncolumns;
		for (size_t i = 0; i < t->ncolumns; i++) {
			if (l->widths[i] >
				least_of(&t->columns[i], l->widths[i]) &&
			    (widest == t->ncolumns ||
				l->widths[i] > l->widths[widest]))
				widest = i;
		}
		if (widest == t->ncolumns)
			return (false);
		l->widths[widest]--;
	}
	return (true);
}

/* Make the lines fit, as far as that can be. */
static void
fit(const struct table *t, const struct screen *s, struct layout *l)
{
	struct layout whole;
	size_t spare;

	for (bool fits = !s->terminal || s->wide; !fits;) {
		whole = *l;
		if ((fits = narrow(t, l, s->width)))
			break;
		spare = t->ncolumns;
		for (size_t i = 0; i < t->ncolumns; i++) {
			if (whole.widths[i] > 0 && t->columns[i].spare > 0 &&
			    (spare == t->ncolumns ||
				t->columns[i].spare > t->columns[spare].spare))
				spare = i;
		}
		if (spare == t->ncolumns)
			break;
		*l = whole;
		l->widths[spare] = 0;
	}
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (l->widths[i] > 0)
			l->last = i;
	}
}

/* In the columns that stand above, wider where that is needed and can be. */
static void
go_on(const struct table *t, const struct screen *s, struct layout *l)
{
	for (size_t i = 0; i < t->ncolumns; i++) {
		if (t->layout.widths[i] == 0)
			l->widths[i] = 0;
		else if (l->widths[i] < t->layout.widths[i])
			l->widths[i] = t->layout.widths[i];
	}
	l->last = t->layout.last;
	if (s->terminal && !s->wide)
		(void)narrow(t, l, s->width);
}

/* -- Printing -- */

struct printing {
	const struct table *t;
	const struct screen *s;
	struct layout l;
	FILE *out;
};

/* The last cell of a line is not filled up. */
static void
print_cell(const struct printing *p, size_t column, const char *text,
    const char *colour)
{
	size_t room = p->l.widths[column], width, len;
	const char *end = "";

	if (room == 0)
		return;
	len = fitting(text, room, &width);
	if (text[len] != '\0') {
		len = fitting(text, room - 1, &width);
		width++;
		end = CUT;
	}
	fprintf(p->out, "%s%.*s%s%s", colour, (int)len, text, end,
	    colour[0] == '\0' ? "" : screen_plain(p->s));
	if (column == p->l.last)
		fputc('\n', p->out);
	else
		fprintf(p->out, "%*s", (int)(room - width + GAP), "");
}

/* What was left out for want of room. */
static void
print_missing(const struct printing *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->t->ncolumns; i++) {
		if (p->l.widths[i] > 0 || p->l.silent[i])
			continue;
		if (n++ == 0)
			fprintf(p->out, "%s--wide shows ", screen_faint(p->s));
		else
			fprintf(p->out, ", ");
		fprintf(p->out, "%s", p->t->columns[i].title);
	}
	if (n > 0)
		fprintf(p->out, " as well%s\n", screen_plain(p->s));
}

int
table_print(struct table *t, const struct screen *s, FILE *out)
{
	struct printing p = { .t = t, .s = s, .out = out };
	int rc = t->lost ? -1 : 0;
	const char *colour;
	size_t column;

	for (size_t i = 0; s->terminal && !s->wide && i < t->ncolumns; i++) {
		if (t->columns[i].look == TABLE_ID && shorten_ids(t, i) == -1)
			rc = -1;
	}
	measure(t, s, &p.l);
	if (t->goes_on)
		go_on(t, s, &p.l);
	else
		fit(t, s, &p.l);
	for (size_t i = 0; !t->goes_on && i < t->ncolumns; i++)
		print_cell(&p, i, t->columns[i].title, screen_faint(s));
	for (size_t i = 0; i < t->ncells; i++) {
		column = i % t->ncolumns;
		colour = t->columns[column].look == TABLE_STATE
			     ? screen_state(s, t->cells[i])
			     : "";
		print_cell(&p, column, t->cells[i], colour);
	}
	if (!t->goes_on)
		print_missing(&p);
	t->layout = p.l;
	return (rc);
}
