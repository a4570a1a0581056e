#include "server/cli/verb_follow.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "server/cli/field_print.h"

#define FIRST_ROWS 10
#define LOOK_NS 500000000

static volatile sig_atomic_t over;

/* INT or TERM came. */
static void
over_cb(int signo)
{
	(void)signo;
	over = 1;
}

struct following {
	const struct verb_rows *which;
	struct screen screen;
	struct field_table *table; /* NULL: as JSON */
	json_t *rows;              /* that came, newest first */
	json_int_t last;           /* id of the newest that was printed */
	bool first;
};

/* verb_row_fn: 1 where the rows begin that were printed before. */
static int
collect_cb(const json_t *row, void *arg)
{
	struct following *f = arg;

	if (json_integer_value(json_object_get(row, "id")) <= f->last)
		return (1);
	return (json_array_append(f->rows, (json_t *)row));
}

/* Print what was collected, the oldest first. */
static int
print(struct following *f)
{
	size_t n = json_array_size(f->rows);
	int rc = 0;
	json_t *row;

	for (size_t i = n; i > 0 && rc == 0; i--) {
		row = json_array_get(f->rows, i - 1);
		f->last = json_integer_value(json_object_get(row, "id"));
		if (f->table == NULL)
			rc = verb_json_print(json_incref(row));
		else
			field_table_add(f->table, row);
	}
	if (f->table != NULL && (n > 0 || f->first)) {
		if (rc == 0)
			rc = field_table_print(f->table, stdout);
		field_table_go_on(f->table);
	}
	(void)json_array_clear(f->rows);
	f->first = false;
	verb_flush();
	return (rc);
}

static int
look(struct verb_admin *va, struct following *f)
{
	struct verb_rows which = *f->which;
	int rc;

	which.most = f->first ? FIRST_ROWS : 0;
	rc = verb_list_each(va, &which, collect_cb, f);
	return (rc == -1 ? -1 : print(f));
}

enum verb_exit
verb_follow(struct verb_admin *va, const struct verb_rows *which)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	const struct sigaction sa = { .sa_handler = over_cb };
	const struct verb_args *args = which->choice->args;
	struct following f = { .which = which,
		.screen = verb_screen(args),
		.rows = json_array(),
		.first = true };
	int rc = f.rows == NULL ? -1 : 0;

	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	if (!verb_has(args, "json") &&
	    (f.table = field_table_new(which->list->fields, false,
		 &f.screen)) == NULL)
		rc = -1;
	if (rc == -1)
		fprintf(stderr, "klikitd %s: out of memory\n",
		    args->verb->name);
	while (rc == 0 && !over && !ferror(stdout)) {
		rc = look(va, &f);
		if (rc == 0 && !over)
			(void)nanosleep(&pause, NULL);
	}
	field_table_free(f.table);
	json_decref(f.rows);
	return (rc == 0 ? VERB_DONE : VERB_FAILED);
}
