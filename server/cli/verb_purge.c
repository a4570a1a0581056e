#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "server/admin/admin_query.h"
#include "server/admin/entity.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/cli/verb_admin.h"
#include "server/cli/verb_ask.h"
#include "server/cli/verb_purge_look.h"
#include "server/cli/verbs.h"
#include "store/base/parse.h"

/* What the flags ask for, as the API wants it; NULL, and said why, if they do
 * not. */
static json_t *
wanted(const struct verb_args *args)
{
	const char *order = verb_flag(args, "order", 0);
	const char *age = verb_flag(args, "older-than", 0);
	const char *scope = verb_flag(args, "scope", 0);
	json_t *o = NULL;
	int64_t ms;

	if (verb_has(args, "dry-run") && verb_has(args, "json"))
		(void)verb_usage(args, "--dry-run: excludes --json");
	else if ((order != NULL) + (age != NULL) +
		     verb_has(args, "set-aside") !=
		 1)
		(void)verb_usage(args,
		    "needs --order ID, --older-than DURATION or --set-aside, "
		    "and one of them only");
	else if (scope != NULL && order == NULL)
		(void)verb_usage(args, "--scope: only with --order");
	else if (age != NULL && (parse_duration(age, &ms) == -1 || ms == 0))
		(void)verb_usage(args,
		    "--older-than: \"%s\" is not a duration such as 30d",
		    log_text(age));
	else if (age != NULL)
		o = json_pack("{s:I}", "older_than_ms", (json_int_t)ms);
	else if (verb_has(args, "set-aside"))
		o = json_pack("{s:b}", "set_aside", 1);
	else {
		o = verb_admin_flag(args, "order");
		if (scope != NULL)
			(void)json_object_set_new(o, "scope",
			    json_string(scope));
	}
	return (o);
}

/*
 * Has the order a pending job? Then its events were left alone. Returns 0 or 1;
 * -1, said on stderr, if it could not be found out.
 */
static int
has_pending(struct verb_admin *va, const char *order, const char *scope)
{
	char id[ADMIN_VALUE_MAX * 3], in[ADMIN_VALUE_MAX * 3] = "";
	char path[sizeof(id) + sizeof(in) + 64];
	json_t *page;
	size_t n;

	if (admin_query_encode(order, id, sizeof(id)) == -1 ||
	    (scope != NULL && admin_query_encode(scope, in, sizeof(in)) == -1))
		return (0); /* the server has refused it before */
	(void)snprintf(path, sizeof(path),
	    "/api/v1/jobs?limit=1&state=" ENTITY_JOB_PENDING "&order=%s%s%s",
	    id, scope != NULL ? "&scope=" : "", in);
	if ((page = verb_admin_get(va, path)) == NULL)
		return (-1);
	n = json_array_size(json_object_get(page, "jobs"));
	json_decref(page);
	return (n > 0);
}

/* Say what was kept, lest it be taken for purged. As has_pending(). */
static int
say_pending(struct verb_admin *va, const char *order, const char *scope)
{
	int rc = has_pending(va, order, scope);

	if (rc == 1)
		fprintf(stderr,
		    "klikitd purge: order %s has pending jobs; what they need "
		    "was kept:\nsee klikitd jobs --state pending --order %s, "
		    "discard them or purge again later\n",
		    log_text(order), log_text(order));
	return (rc);
}

/* What went, and what stood in the way. */
struct purged {
	long long events;
	long long rejections;
	long long files;
	long long files_left;
	bool busy;
};

/* How long a purge waits for who reads the log, and how often it looks. */
#define BUSY_US 5000000
#define LOOK_NS 100000000

/*
 * All is purged, but the log still holds traces while somebody reads it: a
 * list, a backup, or the store itself, which copies the log now and then. Most
 * are soon done, so ask again for a while. Returns if to ask again.
 */
static bool
busy_wait(int64_t since_us)
{
	struct timespec pause = { .tv_nsec = LOOK_NS };

	if (clock_mono_us() - since_us >= BUSY_US)
		return (false);
	(void)nanosleep(&pause, NULL);
	return (true);
}

/* Ask until nothing is left. Returns 0; -1 after an error message. */
static int
purge(struct verb_admin *va, json_t *what, struct purged *ret_purged)
{
	bool live = isatty(STDERR_FILENO);
	struct purged p = { 0 };
	int64_t last_us = clock_mono_us();
	bool more = true;
	json_t *answer;

	while (more || (p.busy && busy_wait(last_us))) {
		if (more)
			last_us = clock_mono_us();
		answer =
		    verb_admin_post(va, "/api/v1/purge", json_incref(what));
		if (answer == NULL)
			return (-1);
		p.events +=
		    json_integer_value(json_object_get(answer, "purged")) -
		    json_integer_value(json_object_get(answer, "rejections"));
		p.rejections +=
		    json_integer_value(json_object_get(answer, "rejections"));
		p.files += json_integer_value(json_object_get(answer, "files"));
		p.files_left =
		    json_integer_value(json_object_get(answer, "files_left"));
		more = json_is_true(json_object_get(answer, "more"));
		p.busy = json_is_true(json_object_get(answer, "log_busy"));
		json_decref(answer);
		if (live)
			fprintf(stderr, "\r%lld purged%s",
			    p.events + p.rejections, more ? "" : "\n");
	}
	*ret_purged = p;
	return (0);
}

/*
 * Say it, to a person or a program. leaves: where else traces may be; pending:
 * something was kept.
 */
static enum verb_exit
report(const struct verb_args *args, const struct purged *p, const char *leaves,
    bool pending)
{
	if (verb_has(args, "json"))
		printf("{\"events\": %lld, \"rejections\": %lld, "
		       "\"files\": %lld, \"files_left\": %lld, "
		       "\"pending\": %s, \"log_busy\": %s}\n",
		    p->events, p->rejections, p->files, p->files_left,
		    pending ? "true" : "false", p->busy ? "true" : "false");
	else if (verb_has(args, "set-aside"))
		printf("purged %lld files that were set aside\n", p->files);
	else
		printf("purged %lld events and %lld rejections\n", p->events,
		    p->rejections);
	fprintf(stderr,
	    "klikitd purge: backups made before hold what they held%s%s\n",
	    leaves == NULL ? "" : "; ", leaves == NULL ? "" : leaves);
	if (p->files_left > 0)
		fprintf(stderr,
		    "klikitd purge: %lld files set aside beside the store may "
		    "hold it still: klikitd doctor names them, and klikitd "
		    "purge --set-aside removes them\n",
		    p->files_left);
	if (p->busy)
		fprintf(stderr, "klikitd purge: %s; purge again\n",
		    leaves == NULL ? "the store's log still holds traces: a "
				     "list or a backup stood in the way"
				   : "some of it was in use, and was kept");
	return (
	    p->busy || pending || p->files_left > 0 ? VERB_FAILED : VERB_DONE);
}

/* What would go. */
static enum verb_exit
show(struct verb_admin *va, const struct verb_args *args)
{
	char text[VERB_PURGE_LOOK_MAX];

	if (verb_purge_look(va, args, text) == -1)
		return (VERB_FAILED);
	printf("would remove %s\n", text);
	return (VERB_DONE);
}

/* Has nobody to be asked, or do they say yes? */
static bool
may_purge(struct verb_admin *va, const struct verb_args *args)
{
	char text[VERB_PURGE_LOOK_MAX];

	return (!verb_asks(args) ||
		(verb_purge_look(va, args, text) == 0 &&
		    verb_ask(args, "Remove for good %s", text)));
}

static enum verb_exit
purge_run(const struct verb_args *args)
{
	enum verb_exit rc = VERB_FAILED;
	bool dry = verb_has(args, "dry-run");
	struct verb_admin *va;
	struct purged p;
	json_t *what;
	int pending = 0;

	if ((what = wanted(args)) == NULL)
		return (VERB_USAGE);
	va = verb_admin_open(args, dry ? VERB_LOOKS : VERB_CHANGES);
	if (va != NULL && dry)
		rc = show(va, args);
	if (va == NULL || dry || !may_purge(va, args) ||
	    purge(va, what, &p) == -1)
		goto out;
	if (verb_has(args, "order"))
		pending = say_pending(va, verb_flag(args, "order", 0),
		    verb_flag(args, "scope", 0));
	rc =
	    report(args, &p, verb_admin_traits(va)->purge_leaves, pending != 0);
out:
	verb_admin_close(va);
	json_decref(what);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "order", "ID", "the customer's data of this order", false },
	{ "scope", "WORD",
	    "only where the order is of this scope; '' is the usual one",
	    false },
	{ "older-than", "DURATION", "of events that came in before, as 30d",
	    false },
	{ "set-aside", NULL,
	    "the files of a damaged or lost store (see doctor)", false },
	{ "dry-run", NULL, "only say what that would be", false },
	VERB_YES_FLAG,
	{ "json", NULL, "one JSON object", false },
	{ "dev", NULL, "in the store of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Removes bodies, answers and rejections for good, also from the store's\n"
    "log, and the copies of it made before a migration; backups keep theirs.\n"
    "The event's id stays known, so that another delivery is a duplicate.\n"
    "Events with pending jobs are left alone: see klikitd jobs. If the\n"
    "order has some, the exit code is 1.\n"
    "\n"
    "By --order rejections go that name the order, and those that nobody can\n"
    "read to the end: of most only the first KB is kept.\n";

const struct verb verb_purge = {
	.name = "purge",
	.words = "",
	.text = "Remove customers' data",
	.more = more,
	.flags = flags,
	.config = true,
	.run = purge_run,
};
