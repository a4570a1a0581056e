#include "server/cli/verb_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/json.h"
#include "server/base/log.h"
#include "server/cli/field_print.h"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 1000000
#define DOCUMENT ",\"document\":"

/* -- Flags -- */

/* A flag that would have no effect is refused, not ignored. */
static int
check_one(const struct verb_args *args, const struct verb_list *list)
{
	bool content = list->content != NULL && verb_has(args, list->content);
	const char *name;

	if (args->nwords == 0 && content) {
		(void)verb_usage(args, "--%s: needs %s", list->content,
		    args->verb->words);
		return (-1);
	}
	if (verb_has(args, "json") && content) {
		(void)verb_usage(args, "--%s: excludes --json", list->content);
		return (-1);
	}
	if (verb_has(args, "follow") &&
	    (args->nwords > 0 || verb_has(args, "limit") ||
		verb_has(args, "until"))) {
		(void)verb_usage(args,
		    "--follow: only for the list, without --limit and --until");
		return (-1);
	}
	if (args->nwords > 0 && verb_has(args, "limit")) {
		(void)verb_usage(args, "--limit: only for the list");
		return (-1);
	}
	for (size_t i = 0;
	     args->nwords > 0 && (name = verb_choice_name(i)) != NULL; i++) {
		if (!verb_has(args, name) ||
		    (list->content != NULL && strcmp(name, "scope") == 0))
			continue;
		(void)verb_usage(args, "--%s: only for the list", name);
		return (-1);
	}
	return (0);
}

/* -- Pages -- */

static int
add_number(char path[VERB_PATH_MAX], const char *name, int64_t value)
{
	char number[32];

	(void)snprintf(number, sizeof(number), "%" PRId64, value);
	return (verb_path_add(path, name, number));
}

/* The request for one page; before 0 is the first. Returns 0, or -1. */
static int
page_path(const struct verb_rows *which, size_t limit, int64_t before,
    char path[VERB_PATH_MAX])
{
	int bad;

	(void)snprintf(path, VERB_PATH_MAX, "%s", which->list->path);
	if (which->list->unpaged)
		return (0);
	bad = verb_choice_add(which->choice, path);
	if (which->event != NULL)
		bad |= verb_path_add(path, "event", which->event);
	if (which->newest)
		bad |= verb_path_add(path, "newest", "true");
	bad |= add_number(path, "limit", (int64_t)limit);
	if (before > 0)
		bad |= add_number(path, "before", before);
	return (bad);
}

int
verb_list_each(struct verb_admin *va, const struct verb_rows *which,
    verb_row_fn *each, void *arg)
{
	size_t left = which->most == 0 ? SIZE_MAX : which->most;
	char path[VERB_PATH_MAX];
	int64_t before = 0;
	json_t *page, *row;
	size_t i, limit;
	int rc = 0;

	do {
		limit = left < STORE_PAGE_MAX ? left : STORE_PAGE_MAX;
		if (page_path(which, limit, before, path) == -1) {
			fprintf(stderr, "klikitd %s: a flag is too long\n",
			    which->choice->args->verb->name);
			return (-1);
		}
		page = which->list->live ? verb_admin_get_live(va, path)
					 : verb_admin_get(va, path);
		if (page == NULL)
			return (-1);
		/* A page of orders may be longer than it was asked to be. */
		json_array_foreach(json_object_get(page, which->list->rows), i,
		    row)
		{
			if (rc == 0 && left > 0) {
				rc = each(row, arg);
				left--;
			}
		}
		before = json_integer_value(json_object_get(page, "next"));
		json_decref(page);
	} while (rc == 0 && left > 0 && before > 0);
	return (rc);
}

/* -- The list -- */

static int
out_of_memory(const char *verb)
{
	fprintf(stderr, "klikitd %s: out of memory\n", verb);
	return (-1);
}

int
verb_json_print(json_t *object)
{
	char *text = json_text(object);

	json_decref(object);
	if (text == NULL)
		return (-1);
	printf("%s\n", text);
	free(text);
	return (0);
}

/* A list that is being printed. */
struct listing {
	const char *verb;
	struct screen screen;
	struct field_table *table; /* NULL: as JSON */
	size_t rows;               /* so far */
};

/* verb_row_fn */
static int
json_cb(const json_t *row, void *arg)
{
	struct listing *l = arg;

	l->rows++;
	if (verb_json_print(json_incref((json_t *)row)) == 0)
		return (0);
	return (out_of_memory(l->verb));
}

/* verb_row_fn */
static int
table_cb(const json_t *row, void *arg)
{
	struct listing *l = arg;

	l->rows++;
	field_table_add(l->table, row);
	return (0);
}

/* Say what was looked for, so that nobody takes a slip for peace. */
static void
say_none(const struct verb_rows *which)
{
	fprintf(stderr, "klikitd %s: no %s found",
	    which->choice->args->verb->name, which->list->rows);
	if (verb_choice_given(which->choice->args)) {
		fprintf(stderr, " for");
		verb_choice_print(which->choice, stderr);
	}
	fputc('\n', stderr);
}

static int
print_list(struct verb_admin *va, const struct verb_rows *which)
{
	const struct verb_args *args = which->choice->args;
	struct listing l = { .verb = args->verb->name,
		.screen = verb_screen(args) };
	bool json = verb_has(args, "json");
	int rc;

	if (!json && (l.table = field_table_new(which->list->fields, false,
			  &l.screen)) == NULL)
		return (out_of_memory(l.verb));
	rc = verb_list_each(va, which, json ? json_cb : table_cb, &l);
	if (rc == 0 && l.rows == 0)
		say_none(which);
	if (rc == 0 && !json && (l.rows > 0 || !l.screen.terminal) &&
	    (rc = field_table_print(l.table, stdout)) == -1)
		(void)out_of_memory(l.verb);
	field_table_free(l.table);
	return (rc);
}

/* -- One -- */

/* What is shown of the one that the word names. */
struct showing {
	const struct verb_args *args;
	const struct verb_list *list;
	struct verb_one one;
	struct screen screen;
	size_t shown; /* so far: one in each scope */
};

/*
 * Parse the answer. An order's document, which stands last in it, is cut off:
 * its numbers may be more than can be read here.
 */
static json_t *
parse(char *text, const char **ret_document)
{
	json_error_t error;
	size_t len = strlen(text);
	char *document = strstr(text, DOCUMENT);

	*ret_document = NULL;
	if (document != NULL) {
		text[len - 1] = '\0'; /* the brace that ends the object */
		if (strcmp(document + strlen(DOCUMENT), "null") != 0)
			*ret_document = document + strlen(DOCUMENT);
		document[0] = '}';
		document[1] = '\0';
	}
	return (json_loads(text, 0, &error));
}

static int
show_content(struct showing *s, const json_t *scopes)
{
	if (json_array_size(scopes) < 2)
		return (s->list->print(&s->one));
	fprintf(stderr,
	    "klikitd %s: several scopes have one of that id; choose by "
	    "--scope\n",
	    s->one.verb);
	return (-1);
}

/* Show it as it is in that scope, NULL: in the first one that has it. */
static int
show_scope(struct showing *s, const char *scope, json_t **ret_scopes)
{
	char target[VERB_PATH_MAX], query[VERB_PATH_MAX] = "";
	json_t *object = NULL;
	const json_t *scopes;
	char *text = NULL;
	int rc = -1;

	if (scope != NULL && verb_path_add(query, "scope", scope) == -1) {
		fprintf(stderr, "klikitd %s: --scope: is too long\n",
		    s->one.verb);
		return (-1);
	}
	(void)snprintf(target, sizeof(target), "%s%s", s->one.path, query);
	if ((text = verb_admin_fetch(s->one.va, target, NULL)) == NULL)
		return (-1);
	if (verb_has(s->args, "json"))
		printf("%s\n", text);
	if ((object = parse(text, &s->one.document)) == NULL) {
		rc = out_of_memory(s->one.verb);
		goto out;
	}
	s->one.query = query;
	s->one.object = object;
	scopes = json_object_get(object, "scopes");
	if (s->list->content != NULL && verb_has(s->args, s->list->content))
		rc = show_content(s, scopes);
	else if (verb_has(s->args, "json"))
		rc = 0;
	else {
		printf("%s", s->shown++ > 0 ? "\n" : "");
		rc = field_print(s->list->whole, object, &s->screen, stdout);
	}
	if (scope == NULL)
		*ret_scopes = json_incref((json_t *)scopes);
out:
	json_decref(object);
	free(text);
	return (rc);
}

static int
print_one(struct verb_admin *va, const struct verb_args *args,
    const struct verb_list *list)
{
	struct showing s = { .args = args,
		.list = list,
		.screen = verb_screen(args),
		.one = { .va = va, .verb = args->verb->name } };
	json_t *scopes = NULL, *scope;
	char path[VERB_PATH_MAX], id[ADMIN_VALUE_MAX];
	const char *word = args->words[0];
	size_t i, len;
	int rc;

	if (list->long_ids) {
		if (verb_event_id(va, args, word, id) == -1)
			return (-1);
		word = id;
	}
	len = (size_t)snprintf(path, sizeof(path), "%s/", list->path);
	if (admin_query_encode(word, path + len, sizeof(path) - len) == -1) {
		fprintf(stderr, "klikitd %s: there is no %s\n", s.one.verb,
		    log_text(args->words[0]));
		return (-1);
	}
	s.one.path = path;
	rc = show_scope(&s, verb_flag(args, "scope", 0), &scopes);
	/* The first of them is shown. */
	for (i = 1; rc == 0 && i < json_array_size(scopes); i++) {
		scope = json_array_get(scopes, i);
		rc = show_scope(&s, json_string_value(scope), NULL);
	}
	json_decref(scopes);
	return (rc);
}

struct screen
verb_screen(const struct verb_args *args)
{
	struct screen s = screen_of(stdout);

	s.wide = s.terminal && verb_has(args, "wide");
	s.utc = s.terminal && verb_has(args, "utc");
	return (s);
}

enum verb_exit
verb_list_run(const struct verb_args *args, const struct verb_list *list)
{
	struct verb_choice choice;
	struct verb_rows which = { .list = list, .choice = &choice };
	long long limit = list->unpaged ? 0 : LIMIT_DEFAULT;
	enum verb_exit rc = VERB_USAGE;
	struct verb_admin *va;

	if (check_one(args, list) == -1 ||
	    verb_int(args, "limit", 1, LIMIT_MAX, &limit) == -1 ||
	    verb_choice_read(args, list->states, &choice) == -1)
		return (VERB_USAGE);
	which.most = (size_t)limit;
	if ((va = verb_admin_open(args, VERB_LOOKS)) == NULL)
		return (VERB_FAILED);
	if (args->nwords > 0)
		rc = print_one(va, args, list) == -1 ? VERB_FAILED : VERB_DONE;
	else if (verb_choice_known(va, &choice) == 0)
		rc = verb_has(args, "follow")       ? list->follow(va, &which)
		     : print_list(va, &which) == -1 ? VERB_FAILED
						    : VERB_DONE;
	verb_admin_close(va);
	return (rc);
}
