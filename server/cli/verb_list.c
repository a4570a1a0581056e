#include "server/cli/verb_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "store/base/parse.h"

#define LIMIT_DEFAULT 50
#define ID_MAX 1024
#define LIMIT_MAX 1000000

int
verb_list_time(const struct verb_args *args, const char *name, int64_t *ret_ms)
{
	const char *text = verb_flag(args, name, 0);

	if (text == NULL || parse_time(text, strlen(text), ret_ms) == 0)
		return (0);
	(void)verb_usage(args,
	    "--%s: \"%s\" is not a time such as 2026-06-25T09:00:00Z", name,
	    log_text(text));
	return (-1);
}

/* A flag that would have no effect is refused, not ignored. */
static int
check_flags(const struct verb_args *args, const char *content)
{
	static const char *const choosing[] = { "type", "order", "brand",
		"branch", "cause", "since", "until", "limit" };

	if (args->nwords == 0 && verb_has(args, content)) {
		(void)verb_usage(args, "--%s: needs %s", content,
		    args->verb->words);
		return (-1);
	}
	if (verb_has(args, "json") && verb_has(args, content)) {
		(void)verb_usage(args, "--%s: excludes --json", content);
		return (-1);
	}
	for (size_t i = 0; i < sizeof(choosing) / sizeof(choosing[0]); i++) {
		if (args->nwords > 0 && verb_has(args, choosing[i])) {
			(void)verb_usage(args, "--%s: only for the list",
			    choosing[i]);
			return (-1);
		}
	}
	return (0);
}

/* Returns 0, or -1, told, if a value is wrong or flags do not go together. */
static int
list_init(const struct verb_args *args, const char *content,
    struct verb_list *ret_list)
{
	struct store_filter *f = &ret_list->filter;
	long long limit = LIMIT_DEFAULT;

	memset(ret_list, 0, sizeof(*ret_list));
	if (check_flags(args, content) == -1 ||
	    verb_int(args, "limit", 1, LIMIT_MAX, &limit) == -1 ||
	    verb_list_time(args, "since", &f->since_ms) == -1 ||
	    verb_list_time(args, "until", &f->until_ms) == -1)
		return (-1);
	f->type = verb_flag(args, "type", 0);
	f->order_id = verb_flag(args, "order", 0);
	f->scope = verb_flag(args, "scope", 0);
	f->brand = verb_flag(args, "brand", 0);
	f->branch = verb_flag(args, "branch", 0);
	ret_list->args = args;
	ret_list->left = (size_t)limit;
	ret_list->content = verb_has(args, content);
	return (0);
}

/* Page by page, until enough rows or no more. A page may be longer. */
static void
list_pages(struct store *st, const struct verb_list_kind *kind,
    struct verb_list *list)
{
	do {
		list->filter.limit =
		    list->left < STORE_PAGE_MAX ? list->left : STORE_PAGE_MAX;
		if (kind->page(st, list) == -1)
			verb_list_fail(list, "out of memory");
		else
			store_wait(st);
	} while (list->error == NULL && list->left > 0 &&
		 list->got >= list->filter.limit);
	if (list->table != NULL && list->error == NULL &&
	    table_print(list->table, stdout) == -1)
		verb_list_fail(list, "out of memory");
}

static void
list_one(struct store *st, const struct verb_list_kind *kind, const char *id,
    struct verb_list *list)
{
	if (kind->get(st, id, list) == -1)
		verb_list_fail(list, "out of memory");
	else
		store_wait(st);
	if (list->error == NULL && list->got == 0) {
		(void)snprintf(list->reason, sizeof(list->reason),
		    "there is no %s %s", kind->noun, log_text(id));
		list->error = list->reason;
	}
}

enum verb_exit
verb_list_run(const struct verb_args *args, const struct verb_list_kind *kind)
{
	struct verb_list list;
	struct store *st;

	if (list_init(args, kind->content, &list) == -1)
		return (VERB_USAGE);
	if ((st = verb_store(args)) == NULL)
		return (VERB_FAILED);
	if (!verb_has(args, "json") &&
	    (list.table = table_new(kind->titles)) == NULL)
		verb_list_fail(&list, "out of memory");
	else if (args->nwords == 1)
		list_one(st, kind, args->words[0], &list);
	else
		list_pages(st, kind, &list);
	store_close(st);
	table_free(list.table);
	if (list.error == NULL)
		return (VERB_DONE);
	fprintf(stderr, "klikitd %s: %s\n", args->verb->name, list.error);
	return (VERB_FAILED);
}

void
verb_list_fail(struct verb_list *list, const char *reason)
{
	(void)snprintf(list->reason, sizeof(list->reason), "%s", reason);
	list->error = list->reason;
}

void
verb_list_add_id(struct table *t, const char *id, const char *scope)
{
	char text[ID_MAX];

	if (id == NULL || scope[0] == '\0') {
		table_add(t, id);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s (%s)", id, scope);
	table_add(t, text);
}

bool
verb_list_several(struct verb_list *list, size_t n)
{
	if (!list->content || n < 2)
		return (false);
	verb_list_fail(list,
	    "several scopes have one of that id; choose by --scope");
	return (true);
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
