#include "server/upkeep/backups.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>

#include "handlers/exec/child.h"
#include "handlers/exec/child_outcome.h"
#include "handlers/exec/child_vars.h"
#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "store/base/arena.h"
#include "store/base/parse.h"
#include "store/base/timeval.h"

/* The program that runs, also when its file was replaced. */
#define SELF "/proc/self/exe"
#define ARGS_MAX 24
/* A timer stands still while the machine sleeps, so it is looked at often. */
#define LOOK_MS 60000

struct backups {
	struct event_base *base;
	const struct clock_watch *clock;
	struct child_pool *pool;
	struct event *timer;
	struct child *child; /* one is made; NULL: none */
	struct child *note;  /* it is noted that one was handed on */
	int64_t due_ms;      /* of clock_boot_ms() */
	int64_t failing_ms;  /* the same: since when; 0: it is not */
	struct alerts *alerts;
	bool stopped;

	struct arena memory; /* of the settings */
	struct backups_settings set;
	struct backup_push *push; /* NULL: nowhere */
	struct backups_status status;
};

/* The arguments of one run. */
struct args {
	struct arena memory;
	char *argv[ARGS_MAX + 1];
	size_t n;
	bool failed;
};

static void backups_pump(struct backups *b);

/* -- Calling for help -- */

#define MAKING "backup"
#define HANDING "backup.command"
#define TRIES_ALERT 3

/* It is so, or it is not. */
static void
backups_call(struct backups *b, const char *subject, const char *sentence)
{
	char here[ALERT_SUBJECT_MAX];

	alerts_here(b->alerts, subject, here);
	if (sentence != NULL)
		alerts_raise(b->alerts, ALERT_BACKUP, here, sentence);
	else
		alerts_clear(b->alerts, ALERT_BACKUP, here);
}

/* backup_push_fn: a try has failed; how many that makes, if another comes. */
static void
backups_unpushed_cb(const char *path, unsigned tries, const char *reason,
    void *arg)
{
	struct backups *b = arg;
	char sentence[BACKUPS_REASON_MAX];

	if (tries != 0 && tries < TRIES_ALERT)
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "the backup %.200s is not handed on: %.200s", path, reason);
	backups_call(b, HANDING, sentence);
}

/* -- Running klikitd backup -- */

static void
args_add(struct args *a, const char *text)
{
	char *copy = arena_dup(&a->memory, text, strlen(text));

	if (copy == NULL || a->n == ARGS_MAX)
		a->failed = true;
	else
		a->argv[a->n++] = copy;
}

static void
args_add_number(struct args *a, const char *flag, int64_t value,
    const char *unit)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64 "%s", value, unit);
	args_add(a, flag);
	args_add(a, text);
}

/* Everything that it goes by: it reads no file and no variable of ours. */
static void
args_init(struct args *a, const struct backups *b)
{
	memset(a, 0, sizeof(*a));
	args_add(a, "klikitd");
	args_add(a, "backup");
	args_add(a, "--scheduled");
	args_add(a, "--json");
	args_add(a, "--store.url");
	args_add(a, b->set.store_url);
	args_add(a, "--backup.dir");
	args_add(a, b->set.dir);
	args_add_number(a, "--backup.every", b->set.every_ms, "ms");
}

/* Returns NULL, with errno, if it cannot be started. */
static struct child *
run_self(struct backups *b, struct args *a, child_fn *done)
{
	struct child *child = NULL;
	struct child_vars vars;
	const struct child_spec spec = {
		.path = SELF,
		.argv = a->argv,
		.envp = vars.vars,
		.input = "",
		.limit_ms = BACKUPS_LIMIT_MS,
		.files_max = b->set.push.files_max,
	};

	child_vars_init(&vars);
	errno = ENOMEM;
	if (!vars.failed && !a->failed)
		child = child_start(b->pool, &spec, done, b);
	child_vars_fini(&vars);
	arena_fini(&a->memory);
	return (child);
}

/* child_fn */
static void
backups_noted_cb(const struct child_end *end, void *arg)
{
	struct backups *b = arg;

	(void)end; /* without the note it is handed on again */
	b->note = NULL;
}

/* backup_push_fn: have it noted beside the file. */
static void
backups_pushed_cb(const char *path, void *arg)
{
	struct backups *b = arg;
	const char *name = strrchr(path, '/');
	struct args a;

	backups_call(b, HANDING, NULL);
	if (b->note != NULL)
		return;
	args_init(&a, b);
	args_add(&a, "--sent");
	args_add(&a, name == NULL ? path : name + 1);
	b->note = run_self(b, &a, backups_noted_cb);
}

/* -- What came of it -- */

static void
backups_failed(struct backups *b, const char *reason)
{
	char sentence[BACKUPS_REASON_MAX];
	int64_t wait_ms = b->set.every_ms < BACKUPS_RETRY_MS ? b->set.every_ms
							     : BACKUPS_RETRY_MS;

	if (strcmp(b->status.reason, reason) != 0)
		log_warn("backup: none was made: %s; it is tried again",
		    log_text(reason));
	(void)snprintf(b->status.reason, sizeof(b->status.reason), "%s",
	    reason);
	b->status.failures++;
	b->status.failed_ms = clock_wall_ms();
	b->due_ms = clock_boot_ms() + wait_ms;
	if (b->failing_ms == 0)
		b->failing_ms = clock_boot_ms();
	if (clock_boot_ms() - b->failing_ms < alerts_after_ms(b->alerts))
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "no backup can be made: %.500s", reason);
	backups_call(b, MAKING, sentence);
}

/* Hand the newest on, unless that is done or under way. */
static void
backups_push(struct backups *b, bool fresh, bool sent)
{
	char path[PATH_MAX];
	int n;

	if (b->push == NULL || sent || b->status.newest[0] == '\0' ||
	    (!fresh && b->status.push.pending))
		return;
	n = snprintf(path, sizeof(path), "%s/%s", b->set.dir, b->status.newest);
	if (n > 0 && (size_t)n < sizeof(path))
		backup_push_file(b->push, path);
}

static int64_t
int_of(const json_t *o, const char *name)
{
	return (json_integer_value(json_object_get(o, name)));
}

/* It says how it went: one was made, or none is due yet. */
static void
backups_done(struct backups *b, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "newest"));
	const char *at = json_string_value(json_object_get(o, "newest_at"));
	bool made = json_is_true(json_object_get(o, "made"));
	struct backups_status *st = &b->status;
	int64_t left_ms = b->set.every_ms - int_of(o, "age_ms");

	b->failing_ms = 0;
	backups_call(b, MAKING, NULL);
	st->known = true;
	st->failed_ms = 0;
	st->reason[0] = '\0';
	st->newest_ms = 0;
	(void)snprintf(st->newest, sizeof(st->newest), "%s",
	    name == NULL ? "" : name);
	if (at != NULL)
		(void)parse_time(at, strlen(at), &st->newest_ms);
	st->newest_bytes = int_of(o, "newest_bytes");
	st->count = int_of(o, "backups");
	st->bytes = int_of(o, "bytes");
	st->made += made;
	if (made)
		log_info("backup: %s/%s: %" PRId64 " bytes, %" PRId64
			 " events, verified; %" PRId64 " are kept, %" PRId64
			 " were removed",
		    log_text(b->set.dir), st->newest, st->newest_bytes,
		    int_of(o, "events"), st->count, int_of(o, "removed"));
	b->due_ms =
	    clock_boot_ms() +
	    (made || left_ms > b->set.every_ms ? b->set.every_ms : left_ms);
	if (b->push != NULL)
		backup_push_status(b->push, &st->push);
	backups_push(b, made, json_is_true(json_object_get(o, "sent")));
}

/* The last line that is an object; NULL: there is none. Owned by the caller. */
static json_t *
read_answer(const struct child_end *end)
{
	const char *p = end->output, *line = NULL;
	const char *limit = p + end->output_len;

	for (bool begins = true; p < limit; p++) {
		if (begins && *p == '{')
			line = p;
		begins = *p == '\n';
	}
	return (line == NULL
		    ? NULL
		    : json_loadb(line, (size_t)(limit - line), 0, NULL));
}

/* child_fn: one was made, or was not. */
static void
backups_child_cb(const struct child_end *end, void *arg)
{
	struct backups *b = arg;
	char why[HANDLER_REASON_MAX], line[HANDLER_REASON_MAX];
	char reason[BACKUPS_REASON_MAX];
	const char *error;
	json_t *answer = read_answer(end);
	int code;

	b->child = NULL;
	error = json_string_value(json_object_get(answer, "error"));
	if (child_judge(end, BACKUPS_LIMIT_MS, &code, why) == CHILD_DONE &&
	    answer != NULL) {
		backups_done(b, answer);
	} else if (error != NULL) {
		backups_failed(b, error);
	} else {
		child_first_line(end, line);
		(void)snprintf(reason, sizeof(reason), "%.200s: %.200s",
		    why[0] == '\0' ? "no answer" : why, line);
		backups_failed(b, reason);
	}
	json_decref(answer);
	backups_pump(b);
}

/* -- When -- */

static void
backups_start(struct backups *b)
{
	char now[FORMAT_TIME_MAX];
	struct args a;

	args_init(&a, b);
	args_add(&a, "--if-due");
	args_add(&a, "--at");
	args_add(&a, format_time(clock_watch_wall(b->clock).ms, now));
	args_add_number(&a, "--backup.keep", b->set.keep, "");
	args_add_number(&a, "--retention.bodies", b->set.max_age_ms, "ms");
	b->child = run_self(b, &a, backups_child_cb);
	if (b->child == NULL)
		backups_failed(b, strerror(errno));
}

/* Start one that is due; else wait until then. */
static void
backups_pump(struct backups *b)
{
	int64_t left_ms = b->due_ms - clock_boot_ms();
	struct timeval tv;

	if (b->stopped || !b->status.on || b->child != NULL)
		return;
	if (left_ms <= 0)
		backups_start(b);
	if (b->child != NULL)
		return;
	left_ms = b->due_ms - clock_boot_ms();
	tv = timeval_of_ms(left_ms < LOOK_MS ? left_ms : LOOK_MS);
	(void)evtimer_add(b->timer, &tv);
}

/* evtimer */
static void
backups_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	backups_pump(arg);
}

/* -- Settings -- */

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

static bool
same_push(const struct backup_push_options *a,
    const struct backup_push_options *b)
{
	if (a->ncommand != b->ncommand || a->nretry != b->nretry ||
	    a->timeout_ms != b->timeout_ms)
		return (false);
	for (size_t i = 0; i < a->ncommand; i++) {
		if (strcmp(a->command[i], b->command[i]) != 0)
			return (false);
	}
	return (a->nretry == 0 || memcmp(a->retry_ms, b->retry_ms,
				      a->nretry * sizeof(a->retry_ms[0])) == 0);
}

static bool
same_settings(const struct backups_settings *a,
    const struct backups_settings *b)
{
	return (same_text(a->store_url, b->store_url) &&
		same_text(a->dir, b->dir) && a->every_ms == b->every_ms &&
		a->keep == b->keep && a->max_age_ms == b->max_age_ms &&
		same_push(&a->push, &b->push));
}

/* Copy the settings. Returns 0; -1 when out of memory. */
static int
copy_settings(struct backups *b, const struct backups_settings *set)
{
	struct backup_push_options *push = &b->set.push;
	const char **words;

	b->set = *set;
	words = arena_array(&b->memory, push->ncommand + 1, sizeof(*words));
	push->retry_ms = arena_dup(&b->memory, set->push.retry_ms,
	    push->nretry * sizeof(*push->retry_ms));
	if (words == NULL || push->retry_ms == NULL ||
	    arena_text(&b->memory, set->store_url, &b->set.store_url) == -1 ||
	    arena_text(&b->memory, set->dir, &b->set.dir) == -1)
		return (-1);
	for (size_t i = 0; i < push->ncommand; i++) {
		if (arena_text(&b->memory, set->push.command[i], &words[i]) ==
		    -1)
			return (-1);
	}
	push->command = words;
	return (0);
}

/* Forget the settings; what is under way ends. */
static void
backups_clear(struct backups *b)
{
	(void)evtimer_del(b->timer);
	if (b->child != NULL)
		child_cancel(b->child);
	if (b->note != NULL)
		child_cancel(b->note);
	b->child = b->note = NULL;
	backup_push_free(b->push);
	b->push = NULL;
	arena_fini(&b->memory);
	b->set = (struct backups_settings){ .dir = NULL };
	if (b->status.on && !b->stopped) { /* who stops looking clears */
		backups_call(b, MAKING, NULL);
		backups_call(b, HANDING, NULL);
	}
	b->failing_ms = 0;
	b->status.on = false;
}

int
backups_set(struct backups *b, const struct backups_settings *set)
{
	if (same_settings(&b->set, set))
		return (0);
	backups_clear(b);
	if (set->dir == NULL || set->every_ms == 0)
		return (0);
	if (copy_settings(b, set) == -1 ||
	    (set->push.ncommand > 0 &&
		(b->push = backup_push_new(b->base, b->pool, &b->set.push,
		     &(struct backup_push_fns){ backups_pushed_cb,
			 backups_unpushed_cb, b })) == NULL)) {
		backups_clear(b);
		return (-1);
	}
	b->status = (struct backups_status){
		.on = true,
		.dir = b->set.dir,
		.every_ms = b->set.every_ms,
		.pushes = b->push != NULL,
		.made = b->status.made,
		.failures = b->status.failures,
	};
	b->due_ms = clock_boot_ms() + BACKUPS_FIRST_MS;
	backups_pump(b);
	return (0);
}

void
backups_status(const struct backups *b, struct backups_status *ret_status)
{
	*ret_status = b->status;
	ret_status->running = b->child != NULL;
	if (b->push != NULL)
		backup_push_status(b->push, &ret_status->push);
}

void
backups_stop(struct backups *b)
{
	if (b == NULL)
		return;
	b->stopped = true;
	backups_clear(b);
}

struct backups *
backups_new(struct event_base *base, const struct clock_watch *clock,
    struct alerts *alerts)
{
	struct backups *b;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	b->base = base;
	b->clock = clock;
	b->alerts = alerts;
	if ((b->timer = evtimer_new(base, backups_timer_cb, b)) == NULL ||
	    (b->pool = child_pool_new(base)) == NULL) {
		backups_free(b);
		return (NULL);
	}
	return (b);
}

void
backups_free(struct backups *b)
{
	if (b == NULL)
		return;
	b->stopped = true;
	if (b->timer != NULL) {
		backups_clear(b);
		event_free(b->timer);
	}
	child_pool_free(b->pool);
	free(b);
}
