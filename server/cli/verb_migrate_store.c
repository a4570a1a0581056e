#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/base/table.h"
#include "server/cli/verbs.h"
#include "store/store_move.h"

#define LIVE_US INT64_C(200000)   /* between two looks on a terminal */
#define LINE_US INT64_C(10000000) /* between two lines elsewhere */

struct show {
	bool live;  /* stderr is a terminal */
	bool shown; /* a line of progress stands there */
	int64_t last_us;
};

/* End the line of progress. */
static void
show_end(struct show *s)
{
	if (s->shown)
		(void)fputc('\n', stderr);
	s->shown = false;
}

/* store_move.progress */
static void
progress_cb(enum store_move_step step, const char *table, int64_t done,
    int64_t total, void *arg)
{
	struct show *s = arg;
	int64_t now_us = clock_mono_us();

	if (now_us - s->last_us < (s->live ? LIVE_US : LINE_US))
		return;
	s->last_us = now_us;
	s->shown = s->live;
	fprintf(stderr, "%s%s %s: %" PRId64 " of %" PRId64 " rows%s",
	    s->live ? "\r\033[K" : "",
	    step == STORE_MOVE_COPIES ? "copied" : "compared", table, done,
	    total, s->live ? "" : "\n");
}

/* store_note_fn */
static void
note_cb(enum store_note_level level, const char *text, void *arg)
{
	(void)level;
	show_end(arg);
	fprintf(stderr, "%s\n", log_text(text));
}

/* -- The result -- */

static enum verb_exit
print_json(const struct store_move_result *r)
{
	json_t *o = json_object(), *list = json_array(), *row;
	char *text = NULL;
	int bad = 0;

	for (size_t i = 0; i < MOVE_TABLES; i++) {
		row = json_object();
		bad |= json_set_text(row, "table", r->tables[i].name);
		bad |= json_set_int(row, "rows", r->tables[i].rows);
		bad |= json_set_text(row, "sha256", r->tables[i].digest);
		json_list_add(&list, row);
	}
	bad |= json_object_set_new(o, "tables", list);
	bad |= json_object_set_new(o, "resumed", json_boolean(r->resumed));
	bad |= json_set_int(o, "mended", r->mended);
	if (bad == 0)
		text = json_text(o);
	if (text != NULL)
		printf("%s\n", text);
	else
		fprintf(stderr, "klikitd migrate-store: out of memory\n");
	json_decref(o);
	free(text);
	return (text != NULL ? VERB_DONE : VERB_FAILED);
}

static enum verb_exit
print_text(const struct store_move_result *r)
{
	static const struct table_column columns[] = { { .title = "table" },
		{ .title = "rows" }, { .title = "sha256" } };
	static const struct screen whole = { 0 };
	struct table *t =
	    table_new(columns, sizeof(columns) / sizeof(columns[0]));
	char rows[32];
	int rc = -1;

	for (size_t i = 0; i < MOVE_TABLES && t != NULL; i++) {
		(void)snprintf(rows, sizeof(rows), "%" PRId64,
		    r->tables[i].rows);
		table_add(t, r->tables[i].name);
		table_add(t, rows);
		table_add(t, r->tables[i].digest);
	}
	if (t != NULL)
		rc = table_print(t, &whole, stdout);
	table_free(t);
	if (rc == -1) {
		fprintf(stderr, "klikitd migrate-store: out of memory\n");
		return (VERB_FAILED);
	}
	if (r->mended > 0)
		printf("%" PRId64 " texts were no UTF-8: the bytes that are "
		       "none are U+FFFD now.\n",
		    r->mended);
	printf("All of it is in the new store, compared row by row. Name that "
	       "one in [store] url\nand start klikitd. The old one is not "
	       "served any more, but still holds customers'\ndata: remove "
	       "it when it is not needed any more.\n");
	return (VERB_DONE);
}

/* -- The verb -- */

/* A URL on a command line is seen by everybody on the machine. */
static int
look_at_url(const char *url)
{
	char reason[STORE_REASON_MAX];
	const char *advice;

	if (store_check_url(url, &advice, reason) == -1)
		fprintf(stderr, "klikitd migrate-store: %s\n",
		    log_text(reason));
	else if (advice != NULL)
		fprintf(stderr, "klikitd migrate-store: ps shows a password "
				"that stands in a URL here; put it into "
				"PGPASSFILE or ~/.pgpass\n");
	else
		return (0);
	return (-1);
}

static enum verb_exit
move_back(const char *url)
{
	char name[STORE_NAME_MAX], reason[STORE_REASON_MAX];

	if (look_at_url(url) == -1)
		return (VERB_FAILED);
	if (store_move_back(url, clock_wall_ms(), reason) != STORE_OK) {
		fprintf(stderr, "klikitd migrate-store: %s\n",
		    log_text(reason));
		return (VERB_FAILED);
	}
	store_url_name(url, name);
	printf("%s: may be served again, with what it held when it was moved "
	       "away\n",
	    log_text(name));
	return (VERB_DONE);
}

static enum verb_exit
move(const struct verb_args *args)
{
	struct show show = { .live = isatty(STDERR_FILENO),
		.last_us = clock_mono_us() };
	const struct store_move what = { .from = args->words[0],
		.to = args->words[1],
		.now_ms = clock_wall_ms(),
		.renew = clock_watch_renew,
		.progress = progress_cb,
		.note = note_cb,
		.arg = &show };
	struct store_move_result result;
	char reason[STORE_REASON_MAX];
	enum store_rc rc;

	if (look_at_url(what.from) == -1 || look_at_url(what.to) == -1)
		return (VERB_FAILED);
	rc = store_move(&what, &result, reason);
	show_end(&show);
	if (rc != STORE_OK) {
		fprintf(stderr, "klikitd migrate-store: %s\n",
		    log_text(reason));
		return (VERB_FAILED);
	}
	return (
	    verb_has(args, "json") ? print_json(&result) : print_text(&result));
}

static enum verb_exit
migrate_store_run(const struct verb_args *args)
{
	const char *back = verb_flag(args, "reopen", 0);

	if (back != NULL && args->nwords == 0)
		return (move_back(back));
	if (back != NULL || args->nwords != 2)
		return (verb_usage(args, "give FROM and TO, or --reopen URL"));
	return (move(args));
}

static const struct verb_flag flags[] = {
	{ "reopen", "URL", "let a store that was moved away be served again",
	    false },
	{ "json", NULL, "one JSON object: tables, resumed, mended", false },
	{ 0 },
};

static const char more[] =
    "FROM and TO are URLs as [store] url has them: sqlite:PATH, or\n"
    "postgres://HOST/DATABASE. Stop every klikitd on both first. TO must not\n"
    "be there yet, or be an empty database.\n"
    "\n"
    "Events, jobs, attempts, orders and rejections are copied, read back and\n"
    "compared row by row; what is pending is handled by who serves TO. If "
    "this\n"
    "is cut short, run it again: it goes on where it was. Until it has ended "
    "TO\n"
    "cannot be served, and then FROM cannot. To go back without what TO took "
    "in\n"
    "meanwhile: --reopen FROM; with it: migrate-store TO to a third place.\n"
    "\n"
    "  klikitd migrate-store sqlite:/var/lib/klikitd/klikitd.db \\\n"
    "      postgres://db.example/klikitd\n";

const struct verb verb_migrate_store = {
	.name = "migrate-store",
	.words = "[FROM TO]",
	.text = "Move everything to another store",
	.more = more,
	.flags = flags,
	.words_max = 2,
	.run = migrate_store_run,
};
