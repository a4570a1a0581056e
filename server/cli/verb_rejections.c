#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/admin/entity.h"
#include "server/base/log.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"

#define NUMBER_MAX 32

static void
add_number(struct table *t, int64_t n)
{
	char text[NUMBER_MAX];

	(void)snprintf(text, sizeof(text), "%lld", (long long)n);
	table_add(t, text);
}

static void
add_row(struct table *t, const struct store_rejection_info *info)
{
	const struct store_rejection *r = &info->r;
	char stamp[FORMAT_TIME_MAX];

	add_number(t, info->id);
	table_add(t, format_time(r->at_ms, stamp));
	table_add(t, r->peer);
	table_add(t, r->cause);
	table_add(t, r->code);
	add_number(t, (int64_t)r->size);
	add_number(t, (int64_t)r->repeats);
	add_number(t, (int64_t)r->not_kept);
}

/* store_rejections_fn: one page. */
static void
page_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	for (size_t i = 0; i < n && list->left > 0; i++, list->left--) {
		list->filter.before = rows[i].id;
		if (list->table != NULL)
			add_row(list->table, &rows[i]);
		else if (verb_json_print(
			     field_json(entity_rejection, &rows[i])) == -1)
			verb_list_fail(list, "out of memory");
	}
}

/* Each header on a line of its own, fit for a terminal. */
static void
print_headers(const char *text)
{
	char line[4096];
	size_t len;

	for (; text != NULL && *text != '\0'; text += len + (text[len] != 0)) {
		len = strcspn(text, "\n");
		log_escape(text, len, line, sizeof(line));
		printf("  %s\n", line);
	}
}

static void
print_rejection(const struct store_rejection_info *info)
{
	const struct store_rejection *r = &info->r;
	char stamp[FORMAT_TIME_MAX];

	printf("rejection  %lld\n", (long long)info->id);
	printf("received   %s from %s\n", format_time(r->at_ms, stamp),
	    log_text(r->peer));
	printf("refused    %s\n", log_text(r->cause));
	if (r->code != NULL)
		printf("diagnosis  %s\n           %s\n", log_text(r->code),
		    r->diagnosis == NULL ? "-" : r->diagnosis);
	printf("body       %zu bytes, %zu of them kept\n", r->size,
	    r->body_len);
	if (r->repeats > 0)
		printf("again      %" PRIu64 " times, last at %s\n", r->repeats,
		    format_time(r->last_at_ms, stamp));
	if (r->not_kept > 0)
		printf("not kept   %" PRIu64 " others refused before it\n",
		    r->not_kept);
	printf("headers\n");
	print_headers(r->headers);
}

/* store_rejections_fn: the one that was asked for. */
static void
show_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	if (n == 0)
		return;
	if (list->content)
		(void)fwrite(rows->r.body, 1, rows->r.body_len, stdout);
	else if (list->table != NULL)
		print_rejection(rows);
	else if (verb_json_print(field_json(entity_rejection_whole, rows)) ==
		 -1)
		verb_list_fail(list, "out of memory");
}

static int
rejections_page(struct store *st, struct verb_list *list)
{
	const struct store_rejection_filter filter = {
		.before = list->filter.before,
		.cause = verb_flag(list->args, "cause", 0),
		.since_ms = list->filter.since_ms,
		.until_ms = list->filter.until_ms,
		.limit = list->filter.limit,
	};

	return (store_list_rejections(st, &filter, page_cb, list));
}

static int
rejections_get(struct store *st, const char *id, struct verb_list *list)
{
	int64_t number;

	if (parse_int(id, 1, INT64_MAX, &number) == -1)
		return (0); /* there is none */
	return (store_get_rejection(st, number, show_cb, list));
}

static const char *const titles[] = { "REJECTION", "RECEIVED", "FROM",
	"REFUSED", "DIAGNOSIS", "BYTES", "AGAIN", "NOT KEPT", NULL };

static const struct verb_list_kind kind = {
	.noun = "rejection",
	.content = "body",
	.titles = titles,
	.page = rejections_page,
	.get = rejections_get,
};

static enum verb_exit
rejections_run(const struct verb_args *args)
{
	return (verb_list_run(args, &kind));
}

static const struct verb_flag flags[] = {
	{ "cause", "CAUSE", "only those refused for this: signature, ...",
	    false },
	VERB_LIST_FLAGS_COMMON,
	{ "body", NULL, "print what is kept of one's body, byte for byte",
	    false },
	{ 0 },
};

static const char more[] =
    "Without ID lists the deliveries that were refused, the newest first; "
    "with\n"
    "it shows that one, with what the signature doctor found and what to do.\n"
    "Reads the store beside a running server.\n"
    "\n"
    "AGAIN: times that the same signed body was refused again, noted once a\n"
    "minute at most. NOT KEPT: others that were refused before that one and "
    "are\n"
    "only counted, since too many came; klikitd_rejections_not_kept_total has "
    "all.\n"
    "\n"
    "Causes: headers_missing, headers_invalid, signature, invalid_json,\n"
    "too_many_orders, id_conflict.\n";

const struct verb verb_rejections = {
	.name = "rejections",
	.words = "[ID]",
	.text = "List the deliveries refused and why, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = rejections_run,
};
