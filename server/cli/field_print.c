#include "server/cli/field_print.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/table.h"

#define LINE_MAX_SHOWN 4096

/* -- Tables -- */

struct field_table {
	const struct field *columns[TABLE_COLUMNS_MAX];
	const char *titles[TABLE_COLUMNS_MAX + 1];
	size_t n;
	bool within;
	struct table *table;
};

/* field_each: a column for what has a title. */
static void
add_column(const struct field *f, void *arg)
{
	struct field_table *t = arg;

	if (f->title == NULL || (t->within && f->outermost) ||
	    t->n == TABLE_COLUMNS_MAX)
		return;
	t->columns[t->n] = f;
	t->titles[t->n++] = f->title;
}

struct field_table *
field_table_new(const struct field *fields, bool within)
{
	struct field_table *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->within = within;
	field_each(fields, add_column, t);
	if ((t->table = table_new(t->titles)) == NULL) {
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
	char buf[FIELD_CELL_MAX];

	for (size_t i = 0; i < t->n; i++)
		table_add(t->table, field_cell(t->columns[i], object, buf));
}

int
field_table_print(const struct field_table *t, FILE *out)
{
	return (table_print(t->table, out));
}

/* -- One -- */

struct printing {
	const json_t *object;
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
	char buf[FIELD_CELL_MAX];

	if (!has_line(f, p->object))
		return;
	if (f->kind == FIELD_LINES && json_is_string(value)) {
		fprintf(p->out, "%s\n", f->name);
		print_lines(json_string_value(value), p->out);
		return;
	}
	if (json_is_string(value)) /* a cell may show more than this value */
		fprintf(p->out, "%-*s  %s\n", p->width, f->name,
		    log_text(json_string_value(value)));
	else
		fprintf(p->out, "%-*s  %s\n", p->width, f->name,
		    json_is_null(value) ? "-" : field_cell(f, p->object, buf));
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

static int print_rows(const struct field *f, const json_t *rows, FILE *out);

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
	else if (print_rows(f, list, p->out) == -1)
		p->rc = -1;
}

static int
print_rows(const struct field *f, const json_t *rows, FILE *out)
{
	struct field_table *t = field_table_new(f->fields, true);
	const json_t *row;
	size_t i;
	int rc;

	if (t == NULL)
		return (-1);
	json_array_foreach(rows, i, row) field_table_add(t, row);
	rc = field_table_print(t, out);
	field_table_free(t);
	return (rc);
}

int
field_print(const struct field *fields, const json_t *object, FILE *out)
{
	struct printing p = { .object = object, .out = out };

	field_each(fields, measure, &p);
	field_each(fields, print_value, &p);
	field_each(fields, print_list, &p);
	return (p.rc);
}
