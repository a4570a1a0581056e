#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define NUMBER_MAX 32

/* How an event's jobs stand, in one word. */
static const char *
progress(const struct store_event_info *info)
{
	if (info->dead > 0)
		return ("dead");
	return (info->unfinished > 0 ? "open" : "done");
}

static void
add_number(struct table *t, size_t n)
{
	char text[NUMBER_MAX];

	(void)snprintf(text, sizeof(text), "%zu", n);
	table_add(t, text);
}

static void
add_row(struct table *t, const struct store_event_info *info)
{
	const struct store_event *ev = info->ev;
	char stamp[FORMAT_TIME_MAX], count[NUMBER_MAX];

	table_add(t, format_time(ev->received_at_ms, stamp));
	verb_list_add_id(t, ev->event_id, ev->scope);
	table_add(t, ev->type);
	table_add(t, ev->brand);
	table_add(t, ev->branch);
	if (ev->norders == 1)
		table_add(t, ev->orders[0].order_id);
	else {
		(void)snprintf(count, sizeof(count), "%zu orders", ev->norders);
		table_add(t, count);
	}
	if (ev->repeat_of != 0 && info->duplicates == 0)
		table_add(t, "repeat");
	else
		add_number(t, info->duplicates);
	table_add(t, progress(info));
}

/* What a list says of an event; NULL when out of memory. */
static json_t *
event_json(const struct store_event_info *info)
{
	const struct store_event *ev = info->ev;
	json_t *o = json_object(), *ids = json_array();
	int bad = 0;

	for (size_t i = 0; i < ev->norders; i++)
		bad |= json_array_append_new(ids,
		    json_string(ev->orders[i].order_id));
	bad |= json_set_text(o, "event_id", ev->event_id);
	bad |= json_set_unusual(o, "scope", ev->scope, "");
	bad |= json_set_unusual(o, "origin", store_origin_name(ev->origin),
	    store_origin_name(STORE_KLIKIT));
	if (ev->repeat_of != 0)
		bad |= json_set_text(o, "repeat_of", ev->original);
	bad |= json_set_text(o, "type", ev->type);
	bad |= json_set_text(o, "brand", ev->brand);
	bad |= json_set_text(o, "branch", ev->branch);
	bad |= json_set_time(o, "received_at", ev->received_at_ms);
	bad |= json_object_set_new(o, "orders", ids);
	bad |= json_object_set_new(o, "bytes",
	    json_integer((json_int_t)ev->body_len));
	bad |= json_set_text(o, "secret", ev->secret);
	bad |= json_set_text(o, "peer", ev->peer);
	bad |= json_object_set_new(o, "duplicates",
	    json_integer(info->duplicates));
	bad |=
	    json_set_time(o, "last_duplicate_at", info->last_duplicate_at_ms);
	bad |= json_object_set_new(o, "unfinished",
	    json_integer(info->unfinished));
	bad |= json_object_set_new(o, "dead", json_integer(info->dead));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

/* store_events_fn: one page. */
static void
page_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	for (size_t i = 0; i < n && list->left > 0; i++, list->left--) {
		list->filter.before = rows[i].ev->id;
		if (list->table != NULL)
			add_row(list->table, &rows[i]);
		else if (verb_json_print(event_json(&rows[i])) == -1)
			verb_list_fail(list, "out of memory");
	}
}

static void
print_orders(const struct store_event *ev)
{
	static const char *const titles[] = { "ORDER", "STATUS", "UPDATED AT",
		"EXTERNAL ID", NULL };
	struct table *t;

	if (ev->norders == 0 || (t = table_new(titles)) == NULL)
		return;
	for (size_t i = 0; i < ev->norders; i++) {
		table_add(t, ev->orders[i].order_id);
		table_add(t, ev->orders[i].status);
		table_add(t, ev->orders[i].updated_at);
		table_add(t, ev->orders[i].external_id);
	}
	printf("\n");
	(void)table_print(t, stdout);
	table_free(t);
}

static void
print_jobs(const struct store_event_info *info)
{
	static const char *const titles[] = { "JOB", "HANDLER", "STATE",
		"ATTEMPTS", "FINISHED AT", "OUTCOME", NULL };
	char stamp[FORMAT_TIME_MAX];
	const struct store_job_info *job;
	struct table *t;

	if (info->njobs == 0 || (t = table_new(titles)) == NULL)
		return;
	for (size_t i = 0; i < info->njobs; i++) {
		job = &info->jobs[i];
		add_number(t, (size_t)job->id);
		table_add(t, job->handler);
		table_add(t, job_state_name(job->state));
		add_number(t, job->attempts);
		table_add(t, job->finished_at_ms == 0
				 ? NULL
				 : format_time(job->finished_at_ms, stamp));
		table_add(t, job->outcome);
	}
	printf("\n");
	(void)table_print(t, stdout);
	table_free(t);
}

static void
print_event(const struct store_event_info *info)
{
	const struct store_event *ev = info->ev;
	char stamp[FORMAT_TIME_MAX], hex[2 * ORDER_DIGEST_LEN + 1];

	printf("event       %s\n", log_text(ev->event_id));
	if (ev->scope[0] != '\0')
		printf("scope       %s\n", log_text(ev->scope));
	if (ev->origin != STORE_KLIKIT)
		printf("origin      %s\n", store_origin_name(ev->origin));
	printf("type        %s\n", log_text(ev->type));
	printf("brand       %s\n", log_text(ev->brand));
	printf("branch      %s\n", log_text(ev->branch));
	printf("received    %s from %s\n",
	    format_time(ev->received_at_ms, stamp), log_text(ev->peer));
	printf("body        %zu bytes%s\n", ev->body_len,
	    ev->body == NULL ? ", no longer kept" : "");
	hex_encode(ev->digest, sizeof(ev->digest), hex);
	if (ev->secret == NULL)
		printf("signed      no\n");
	else
		printf("signed      %s under secret %s\n", hex,
		    log_text(ev->secret));
	if (ev->repeat_of != 0)
		printf("repeats     %s\n",
		    ev->original == NULL ? "an event that is not kept any more"
					 : log_text(ev->original));
	printf("duplicates  %u", info->duplicates);
	if (info->last_duplicate_at_ms != 0)
		printf(", the last at %s",
		    format_time(info->last_duplicate_at_ms, stamp));
	printf("\n");
	print_orders(ev);
	print_jobs(info);
}

/* One event's JSON has its jobs as well. */
static int
print_event_json(const struct store_event_info *info)
{
	json_t *o = event_json(info), *jobs = json_array(), *j;
	const struct store_job_info *job;
	int bad = 0;

	for (size_t i = 0; i < info->njobs; i++) {
		job = &info->jobs[i];
		j = json_object();
		bad |= json_object_set_new(j, "id", json_integer(job->id));
		bad |= json_set_text(j, "handler", job->handler);
		bad |= json_set_text(j, "state", job_state_name(job->state));
		bad |= json_object_set_new(j, "attempts",
		    json_integer(job->attempts));
		bad |= json_set_time(j, "due_at", job->due_at_ms);
		bad |= json_set_time(j, "finished_at", job->finished_at_ms);
		bad |= json_set_text(j, "outcome", job->outcome);
		bad |= json_array_append_new(jobs, j);
	}
	bad |= json_object_set_new(o, "jobs", jobs);
	if (bad == 0)
		return (verb_json_print(o));
	json_decref(o);
	return (-1);
}

/* store_events_fn: the event that was asked for, of each scope that has it. */
static void
show_cb(enum store_rc rc, const struct store_event_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct verb_list *list = arg;

	if (rc != STORE_OK) {
		verb_list_fail(list, reason);
		return;
	}
	list->got = n;
	if (verb_list_several(list, n))
		return;
	for (size_t i = 0; i < n && list->error == NULL; i++) {
		const struct store_event *ev = rows[i].ev;

		if (list->content && ev->body == NULL)
			verb_list_fail(list, "its body is no longer kept");
		else if (list->content)
			(void)fwrite(ev->body, 1, ev->body_len, stdout);
		else if (list->table == NULL) {
			if (print_event_json(&rows[i]) == -1)
				verb_list_fail(list, "out of memory");
		} else {
			printf("%s", i > 0 ? "\n" : "");
			print_event(&rows[i]);
		}
	}
}

static int
events_page(struct store *st, struct verb_list *list)
{
	return (store_list_events(st, &list->filter, page_cb, list));
}

static int
events_get(struct store *st, const char *id, struct verb_list *list)
{
	return (store_get_event(st, id, list->filter.scope, show_cb, list));
}

static const char *const titles[] = { "RECEIVED", "EVENT", "TYPE", "BRAND",
	"BRANCH", "ORDERS", "DUPLICATES", "JOBS", NULL };

static const struct verb_list_kind kind = {
	.noun = "event",
	.content = "body",
	.titles = titles,
	.page = events_page,
	.get = events_get,
};

static enum verb_exit
events_run(const struct verb_args *args)
{
	return (verb_list_run(args, &kind));
}

static const struct verb_flag flags[] = {
	{ "type", "TYPE", "only of this type", false },
	VERB_LIST_FLAGS,
	{ "body", NULL, "print one event's body, byte for byte", false },
	{ 0 },
};

static const char more[] =
    "Without EVENT-ID lists events, the newest first; with it shows that one\n"
    "with its orders and jobs. Reads the store beside a running server.\n";

const struct verb verb_events = {
	.name = "events",
	.words = "[EVENT-ID]",
	.text = "List the events received, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = events_run,
};
