/*
 * order: the running server sends klikit the status of an order, and says which
 * there are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/admin/admin_query.h"
#include "server/base/log.h"
#include "server/base/table.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"

#define PATH_MAX_LEN 2048
#define LOOK_MS 200
#define WAIT_MS 10000 /* unless --wait says otherwise */

/* What is asked for. NULL, said as a usage error, for what is no UTF-8. */
static json_t *
make_request(const struct verb_args *args)
{
	static const struct {
		const char *flag;
		const char *member;
	} flags[] = {
		{ "reason", "reason_code" },
		{ "note", "note" },
		{ "key", "key" },
		{ "scope", "scope" },
	};
	const char *by = verb_flag(args, "by", 0), *value;
	json_t *o = json_pack("{s:s, s:s}", "status", args->words[1], "by",
	    by != NULL ? by : verb_user(args));
	int bad = o == NULL;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if ((value = verb_flag(args, flags[i].flag, 0)) != NULL)
			bad |= json_object_set_new(o, flags[i].member,
			    json_string(value));
	}
	if (bad == 0)
		return (o);
	json_decref(o);
	(void)verb_usage(args, "what is said is no UTF-8");
	return (NULL);
}

/* Where an order's status is. Returns 0; -1, said on stderr. */
static int
status_path(const struct verb_args *args, char ret_path[PATH_MAX_LEN])
{
	const char *scope = verb_flag(args, "scope", 0);
	char order[PATH_MAX_LEN / 3], of[PATH_MAX_LEN / 3] = "";

	if (admin_query_encode(args->words[0], order, sizeof(order)) == -1 ||
	    (scope != NULL &&
		admin_query_encode(scope, of, sizeof(of)) == -1)) {
		fprintf(stderr, "klikitd order: that is no order's id\n");
		return (-1);
	}
	(void)snprintf(ret_path, PATH_MAX_LEN, "/api/v1/orders/%s/status%s%s",
	    order, scope == NULL ? "" : "?scope=", of);
	return (0);
}

/* -- Which there are -- */

static enum verb_exit
print_words(const json_t *answer)
{
	static const struct table_column columns[] = { { .title = "word" },
		{ .title = "what klikit gets" } };
	const struct screen screen = screen_of(stdout);
	const json_t *words = json_object_get(answer, "statuses"), *one;
	struct table *t = table_new(columns, 2);
	enum verb_exit rc = VERB_FAILED;
	size_t i;

	json_array_foreach(words, i, one)
	{
		if (t == NULL)
			break;
		table_add(t, verb_admin_text(one, "word"));
		table_add(t, verb_admin_text(one, "status"));
	}
	if (json_array_size(words) == 0)
		fprintf(stderr,
		    "klikitd order: there is no handler of type klikit for "
		    "this order's brand and branch\n");
	else if (t == NULL || table_print(t, &screen, stdout) == -1)
		fprintf(stderr, "klikitd order: out of memory\n");
	else
		rc = VERB_DONE;
	table_free(t);
	return (rc);
}

static enum verb_exit
list_words(const struct verb_args *args, const char *path)
{
	struct verb_admin *va;
	enum verb_exit rc;
	json_t *answer;

	if ((va = verb_admin_open(args, VERB_LOOKS)) == NULL)
		return (VERB_FAILED);
	answer = verb_admin_ask_live(va, path);
	rc = answer == NULL ? VERB_FAILED : print_words(answer);
	json_decref(answer);
	verb_admin_close(va);
	return (rc);
}

/* -- What klikit says -- */

/* The event as it stands now, from the store. NULL, said on stderr. */
static json_t *
look(struct verb_admin *va, const json_t *answer)
{
	char encoded[PATH_MAX_LEN / 2], path[PATH_MAX_LEN];

	if (admin_query_encode(verb_admin_text(answer, "event_id"), encoded,
		sizeof(encoded)) == -1)
		return (NULL);
	(void)snprintf(path, sizeof(path), "/api/v1/events/%s", encoded);
	return (verb_admin_get(va, path));
}

/* Has that event a job that is not at its end? */
static bool
is_under_way(const json_t *event)
{
	const json_t *job;
	const char *state;
	size_t i;

	json_array_foreach(json_object_get(event, "jobs"), i, job)
	{
		state = verb_admin_text(job, "state");
		if (strcmp(state, "done") != 0 && strcmp(state, "dead") != 0)
			return (true);
	}
	return (false);
}

static void
sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

/* Say how each job of it stands. VERB_FAILED: one is dead. */
static enum verb_exit
report(const json_t *event)
{
	enum verb_exit rc = VERB_DONE;
	const json_t *job;
	size_t i;

	json_array_foreach(json_object_get(event, "jobs"), i, job)
	{
		const char *state = verb_admin_text(job, "state");
		bool dead = strcmp(state, "dead") == 0;

		printf("%s: %s: %s\n",
		    log_text(verb_admin_text(job, "handler")),
		    dead ? "not done" : state,
		    log_text(verb_admin_text(job, "outcome")));
		if (dead)
			rc = VERB_FAILED;
	}
	return (rc);
}

/* Wait for what klikit says. */
static enum verb_exit
follow(struct verb_admin *va, const json_t *answer, int64_t wait_ms)
{
	enum verb_exit rc = VERB_FAILED;
	json_t *event = NULL;

	for (int64_t left_ms = wait_ms;; left_ms -= LOOK_MS) {
		json_decref(event);
		if ((event = look(va, answer)) == NULL)
			return (VERB_FAILED);
		if (!is_under_way(event) || left_ms <= 0)
			break;
		sleep_ms(LOOK_MS);
	}
	rc = report(event);
	json_decref(event);
	return (rc);
}

static enum verb_exit
order_run(const struct verb_args *args)
{
	const char *text = verb_flag(args, "wait", 0);
	enum verb_exit rc = VERB_FAILED;
	int64_t wait_ms = WAIT_MS;
	char path[PATH_MAX_LEN];
	json_t *request, *answer;
	struct verb_admin *va;

	if (status_path(args, path) == -1)
		return (VERB_FAILED);
	if (args->nwords == 1)
		return (list_words(args, path));
	if (text != NULL && parse_duration(text, &wait_ms) == -1)
		return (verb_usage(args,
		    "--wait: \"%s\" is not a duration such as 200ms or 5s",
		    log_text(text)));
	if ((request = make_request(args)) == NULL)
		return (VERB_USAGE);
	if ((va = verb_admin_open(args, VERB_LOOKS)) == NULL) {
		json_decref(request);
		return (VERB_FAILED);
	}
	if ((answer = verb_admin_post_live(va, path, request)) != NULL) {
		printf("order %s: %s is %s: event %s\n",
		    log_text(args->words[0]), log_text(args->words[1]),
		    json_is_true(json_object_get(answer, "asked_before"))
			? "asked for already"
			: "asked for",
		    log_text(verb_admin_text(answer, "event_id")));
		rc = wait_ms == 0 ? VERB_DONE : follow(va, answer, wait_ms);
	}
	json_decref(answer);
	verb_admin_close(va);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "reason", "CODE", "klikit's reason_code: to reject, to cancel",
	    false },
	{ "note", "TEXT", "a note for klikit", false },
	{ "by", "NAME", "who you are (default: the user who runs this)",
	    false },
	{ "key", "TEXT", "the same thing under the same key is done once",
	    false },
	{ "scope", "WORD", "of an order that several scopes have", false },
	{ "wait", "DURATION",
	    "for what klikit says (default 10s; 0: not at all)", false },
	{ "dev", NULL, "of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Has the running server send it, by its handler of type klikit, and waits\n"
    "a little for the answer. It is sent also if that takes longer: as any "
    "job\n"
    "it is stored, tried again, and seen in klikitd jobs. Without a WORD it\n"
    "says which there are for this order: that handler's statuses.\n"
    "Exit 1: it was refused, by the server or by klikit.\n"
    "\n"
    "  klikitd order 7585307\n"
    "  klikitd order 7585307 accept\n"
    "  klikitd order 7585307 reject --reason kitchen_closed\n";

const struct verb verb_order = {
	.name = "order",
	.words = "ORDER-ID [WORD]",
	.text = "Send klikit the status of an order: accept, ready, reject...",
	.more = more,
	.flags = flags,
	.words_min = 1,
	.words_max = 2,
	.config = true,
	.run = order_run,
};
