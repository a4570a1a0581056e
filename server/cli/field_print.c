#include "server/cli/field_print.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/table.h"
#include "server/base/when.h"
#include "store/base/parse.h"

#define LINE_MAX_SHOWN 4096

#define TITLE_MAX 64
#define TYPE "klikit." /* nearly all types begin so */

/* -- Cells -- */

static bool
is_time(const struct field *f)
{
	return (f->kind == FIELD_TIME || f->look == FIELD_MOMENT);
}

/*
 * What a person reads in the place of text, which may be it. Of a time what
 * stands behind it stays: a mark, for one.
 */
static const char *
for_people(const struct field *f, const char *text, const struct screen *s,
    enum when_form form, char buf[FIELD_CELL_MAX])
{
	size_t len = strcspn(text, " ");
	char at[WHEN_MAX];
	int64_t ms;

	if (!s->terminal)
		return (text);
	if (f->look == FIELD_TYPE && strncmp(text, TYPE, strlen(TYPE)) == 0)
		return (text + strlen(TYPE));
	if (!is_time(f) || parse_time(text, len, &ms) == -1)
		return (text);
	(void)snprintf(buf, FIELD_CELL_MAX, "%s%s",
	    when_format(ms, s->utc, form, at), text + len);
	return (buf);
}

/* -- Tables -- */

struct field_table {
	const struct screen *screen;
	const struct field *fields[TABLE_COLUMNS_MAX];
	struct table_column columns[TABLE_COLUMNS_MAX];
	char time_title[TITLE_MAX]; /* names the zone */
	size_t n;
	bool within;
	struct table *table;
};

static enum table_look
look_of(const struct field *f)
{
	switch (f->look) {
	case FIELD_STATE:
		return (TABLE_STATE);
	case FIELD_ID:
		return (TABLE_ID);
	case FIELD_PLAIN:
	case FIELD_TYPE:
	case FIELD_MOMENT:
		break;
	}
	return (TABLE_PLAIN);
}

/* field_each: a column for what has a title. */
static void
add_column(const struct field *f, void *arg)
{
	struct field_table *t = arg;
	const char *title = f->title;
	char zone[WHEN_ZONE_MAX];

	if (title == NULL || (t->within && f->outermost) ||
	    t->n == TABLE_COLUMNS_MAX)
		return;
	if (t->screen->terminal && is_time(f) && t->time_title[0] == '\0') {
		(void)snprintf(t->time_title, sizeof(t->time_title), "%s (%s)",
		    title, when_zone(clock_wall_ms(), t->screen->utc, zone));
		title = t->time_title;
	}
	t->fields[t->n] = f;
	t->columns[t->n++] = (struct table_column){ .title = title,
		.look = look_of(f),
		.least = f->least,
		.spare = f->spare };
}

struct field_table *
field_table_new(const struct field *fields, bool within, const struct screen *s)
{
	struct field_table *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->within = within;
	t->screen = s;
	field_each(fields, add_column, t);
	if ((t->table = table_new(t->columns, t->n)) == NULL) {
		free(t);
		return (NULL);
	}
	return (t);
}

void
field_table_free(struct field_table *t)
{
	if (t == NULL)
		return;
	table_free(t->table);
	free(t);
}

void
field_table_add(struct field_table *t, const json_t *object)
{
	char buf[FIELD_CELL_MAX], made[FIELD_CELL_MAX];
	const struct field *f;

	for (size_t i = 0; i < t->n; i++) {
		f = t->fields[i];
		table_add(t->table, for_people(f, field_cell(f, object, buf),
					t->screen, WHEN_SECONDS, made));
	}
}

int
field_table_print(struct field_table *t, FILE *out)
{
	return (table_print(t->table, t->screen, out));
}

void
field_table_go_on(struct field_table *t)
{
	table_go_on(t->table);
}

/* -- One -- */

struct printing {
	const json_t *object;
	const struct screen *screen;
	FILE *out;
	int width; /* of the longest name */
	int rc;
};

static bool
is_list(const struct field *f)
{
	return (f->kind == FIELD_ROWS || f->kind == FIELD_LATER ||
		f->kind == FIELD_PAIRS);
}

/* Has it a line of its own in what is printed? */
static bool
has_line(const struct field *f, const json_t *object)
{
	return (!is_list(f) && f->kind != FIELD_BASE64 &&
		json_object_get(object, f->name) != NULL);
}

/* field_each: measure the names. */
static void
measure(const struct field *f, void *arg)
{
	struct printing *p = arg;
	int len = (int)strlen(f->name);

	if (has_line(f, p->object) && len > p->width)
		p->width = len;
}

/* Each line of the text on a line of its own. */
static void
print_lines(const char *text, FILE *out)
{
	char line[LINE_MAX_SHOWN];
	size_t len;

	for (; *text != '\0'; text += len + (text[len] != '\0')) {
		len = strcspn(text, "\n");
		log_escape(text, len, line, sizeof(line));
		fprintf(out, "  %s\n", line);
	}
}

/* field_each: a line for what is no list. */
static void
print_value(const struct field *f, void *arg)
{
	const struct printing *p = arg;
	const json_t *value = json_object_get(p->object, f->name);
	char buf[FIELD_CELL_MAX], made[FIELD_CELL_MAX];
	const char *text, *colour;

	if (!has_line(f, p->object))
		return;
	if (f->kind == FIELD_LINES && json_is_string(value)) {
		fprintf(p->out, "%s\n", f->name);
		print_lines(json_string_value(value), p->out);
		return;
	}
	if (json_is_string(value)) /* a cell may show more than this value */
		text = json_string_value(value);
	else
		text =
		    json_is_null(value) ? "-" : field_cell(f, p->object, buf);
	if (is_time(f))
		text = for_people(f, text, p->screen, WHEN_WHOLE, made);
	colour = f->look == FIELD_STATE ? screen_state(p->screen, text) : "";
	fprintf(p->out, "%-*s  %s%s%s\n", p->width, f->name, colour,
	    log_text(text), colour[0] == '\0' ? "" : screen_plain(p->screen));
}

static void
print_pairs(const json_t *pairs, FILE *out)
{
	const json_t *pair;
	size_t i;

	json_array_foreach(pairs, i, pair)
	{
		const char *name = json_string_value(json_array_get(pair, 0));
		const char *value = json_string_value(json_array_get(pair, 1));

		if (name == NULL || value == NULL)
			continue;
		fprintf(out, "  %s: ", log_text(name));
		fprintf(out, "%s\n", log_text(value));
	}
}

static int print_rows(const struct field *f, const json_t *rows,
    const struct printing *p);

/* field_each: a table for what is a list. */
static void
print_list(const struct field *f, void *arg)
{
	struct printing *p = arg;
	const json_t *list = json_object_get(p->object, f->name);

	if (!is_list(f) || json_array_size(list) == 0)
		return;
	fprintf(p->out, "\n%s\n", f->name);
	if (f->kind == FIELD_PAIRS)
		print_pairs(list, p->out);
	else if (print_rows(f, list, p) == -1)
		p->rc = -1;
}

static int
print_rows(const struct field *f, const json_t *rows, const struct printing *p)
{
	struct field_table *t = field_table_new(f->fields, true, p->screen);
	const json_t *row;
	size_t i;
	int rc;

	if (t == NULL)
		return (-1);
	json_array_foreach(rows, i, row) field_table_add(t, row);
	rc = field_table_print(t, p->out);
	field_table_free(t);
	return (rc);
}

int
field_print(const struct field *fields, const json_t *object,
    const struct screen *s, FILE *out)
{
	struct printing p = { .object = object, .screen = s, .out = out };

	field_each(fields, measure, &p);
	field_each(fields, print_value, &p);
	field_each(fields, print_list, &p);
	return (p.rc);
}
