#include "server/upkeep/backup_push.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/exec/child.h"
#include "handlers/exec/child_outcome.h"
#include "handlers/exec/child_vars.h"
#include "handlers/exec/program.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "store/base/arena.h"
#include "store/base/timeval.h"

struct backup_push {
	struct child_pool *pool;
	struct event *timer; /* for the next try */
	struct child *child; /* the run under way; NULL: none */
	struct backup_push_fns fns;

	struct arena memory;
	const char *program; /* NULL: it cannot be run, for this reason */
	char refused[HANDLER_REASON_MAX];
	char **argv; /* with room for the path */
	size_t argc; /* without it */
	int64_t *retry_ms;
	size_t nretry;
	int64_t timeout_ms;
	uint64_t files_max;

	char path[PATH_MAX];
	unsigned tries; /* of this file */
	struct backup_push_status status;
};

static void
push_failed(struct backup_push *p, bool again, const char *reason)
{
	size_t i = p->tries < p->nretry ? p->tries : p->nretry - 1;
	const struct timeval tv = timeval_of_ms(p->retry_ms[i]);

	p->tries++;
	p->status.failures++;
	p->status.failed_ms = clock_wall_ms();
	(void)snprintf(p->status.reason, sizeof(p->status.reason), "%s",
	    reason);
	p->status.pending = again;
	if (again)
		(void)evtimer_add(p->timer, &tv);
	log_warn("backup: %s: was not handed on: %s; %s", log_text(p->path),
	    log_text(reason),
	    again ? "tried again" : "given up until the next one");
	p->fns.failed(p->path, again ? p->tries : 0, reason, p->fns.arg);
}

/* child_fn */
static void
push_child_cb(const struct child_end *end, void *arg)
{
	struct backup_push *p = arg;
	char why[HANDLER_REASON_MAX], line[HANDLER_REASON_MAX];
	char reason[HANDLER_REASON_MAX];
	enum child_outcome outcome;
	int code;

	p->child = NULL;
	outcome = child_judge(end, p->timeout_ms, &code, why);
	if (outcome == CHILD_DONE) {
		p->status = (struct backup_push_status){
			.failures = p->status.failures,
			.success_ms = clock_wall_ms(),
		};
		log_info("backup: %s: was handed on", log_text(p->path));
		p->fns.done(p->path, p->fns.arg);
		return;
	}
	child_first_line(end, line);
	(void)snprintf(reason, sizeof(reason), "%.100s%s%.100s", why,
	    line[0] == '\0' ? "" : ": ", line);
	push_failed(p, outcome != CHILD_FAILED, reason);
}

static void
push_start(struct backup_push *p)
{
	struct child_vars vars;
	const struct child_spec spec = {
		.path = p->program,
		.argv = p->argv,
		.envp = vars.vars,
		.input = "",
		.limit_ms = p->timeout_ms,
		.files_max = p->files_max,
	};

	int error = ENOMEM;

	if (p->program == NULL) {
		push_failed(p, false, p->refused);
		return;
	}
	child_vars_init(&vars);
	child_vars_put(&vars, "KLIKITD_BACKUP", p->path);
	p->argv[p->argc] = p->path;
	if (!vars.failed) {
		p->child = child_start(p->pool, &spec, push_child_cb, p);
		error = errno;
	}
	child_vars_fini(&vars);
	if (p->child == NULL)
		push_failed(p, true, strerror(error));
}

/* evtimer: the next try is due. */
static void
push_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	push_start(arg);
}

static void
push_end(struct backup_push *p)
{
	if (p->timer != NULL)
		(void)evtimer_del(p->timer);
	if (p->child != NULL)
		child_cancel(p->child);
	p->child = NULL;
}

void
backup_push_file(struct backup_push *p, const char *path)
{
	push_end(p);
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
	p->tries = 0;
	p->status.pending = true;
	push_start(p);
}

void
backup_push_status(const struct backup_push *p,
    struct backup_push_status *ret_status)
{
	*ret_status = p->status;
}

/* Returns 0; -1 when out of memory. */
static int
push_copy(struct backup_push *p, const struct backup_push_options *opt)
{
	p->argc = opt->ncommand;
	p->nretry = opt->nretry;
	p->timeout_ms = opt->timeout_ms;
	p->files_max = opt->files_max;
	p->argv = arena_array(&p->memory, p->argc + 2, sizeof(*p->argv));
	p->retry_ms = arena_dup(&p->memory, opt->retry_ms,
	    opt->nretry * sizeof(*opt->retry_ms));
	if (p->argv == NULL || p->retry_ms == NULL)
		return (-1);
	for (size_t i = 0; i < p->argc; i++) {
		p->argv[i] = arena_dup(&p->memory, opt->command[i],
		    strlen(opt->command[i]));
		if (p->argv[i] == NULL)
			return (-1);
	}
	if (program_find(&p->memory, p->argv[0], &p->program, p->refused) == -1)
		p->program = NULL;
	return (0);
}

struct backup_push *
backup_push_new(struct event_base *base, struct child_pool *pool,
    const struct backup_push_options *opt, const struct backup_push_fns *fns)
{
	struct backup_push *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (NULL);
	p->pool = pool;
	p->fns = *fns;
	/* Tried now, since that waits for the disk; a reload tries it again. */
	if (push_copy(p, opt) == -1 ||
	    (p->timer = evtimer_new(base, push_timer_cb, p)) == NULL) {
		backup_push_free(p);
		return (NULL);
	}
	return (p);
}

void
backup_push_free(struct backup_push *p)
{
	if (p == NULL)
		return;
	push_end(p);
	if (p->timer != NULL)
		event_free(p->timer);
	arena_fini(&p->memory);
	free(p);
}
