/*
 * The handler of type "exec": a program is run for each job, without a shell,
 * with the event's body on its standard input. Its exit status is the
 * verdict. The program is looked up once, when the handler is opened.
 */
#include <sys/queue.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/exec/child.h"
#include "handlers/exec/child_outcome.h"
#include "handlers/exec/child_vars.h"
#include "handlers/exec/program.h"
#include "handlers/registry.h"
#include "store/base/arena.h"

struct exec_settings {
	struct key_list command; /* argv, NULL after the last */
};

struct exec {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct arena memory; /* of path and argv */
	const char *path;
	char **argv;
	int64_t timeout_ms;
	struct child_pool *pool;
	TAILQ_HEAD(, exec_call) calls;
};

/* An attempt under way. */
struct exec_call {
	TAILQ_ENTRY(exec_call) next;
	struct exec *x;
	struct handler_call *call;
	struct child *child;
};

/* -- Opening and closing -- */

static void
exec_close(struct handler_instance *h)
{
	struct exec *x = (struct exec *)h;

	if (x == NULL)
		return;
	child_pool_free(x->pool);
	arena_fini(&x->memory);
	free(x);
}

/* Copy the command. Returns 0; -1 when out of memory. */
static int
copy_command(struct exec *x, const struct key_list *command)
{
	x->argv = arena_array(&x->memory, command->n + 1, sizeof(*x->argv));
	for (size_t i = 0; x->argv != NULL && i < command->n; i++) {
		x->argv[i] = arena_dup(&x->memory, command->items[i],
		    strlen(command->items[i]));
		if (x->argv[i] == NULL)
			return (-1);
	}
	return (x->argv == NULL ? -1 : 0);
}

/* If who started us ignored SIGCHLD, the kernel would swallow every status. */
static void
want_statuses(void)
{
	struct sigaction sa;

	if (sigaction(SIGCHLD, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
		(void)signal(SIGCHLD, SIG_DFL);
}

static struct handler_instance *
exec_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct exec_settings *set = opt->settings;
	struct exec *x;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((x = calloc(1, sizeof(*x))) == NULL)
		return (NULL);
	x->base.type = &handler_exec;
	x->env = env;
	x->timeout_ms = opt->timeout_ms;
	TAILQ_INIT(&x->calls);
	if ((x->pool = child_pool_new(env->base)) == NULL ||
	    copy_command(x, &set->command) == -1 ||
	    program_find(&x->memory, x->argv[0], &x->path, reason) == -1) {
		exec_close(&x->base);
		return (NULL);
	}
	want_statuses();
	return (&x->base);
}

/* -- The environment -- */

/* The order at the job's place; empty if what stands there has no id. */
static const char *
job_order(const struct handler_job *job)
{
	for (size_t i = 0; i < job->ev->norders; i++) {
		if (job->ev->orders[i].place == job->place)
			return (job->ev->orders[i].order_id);
	}
	return ("");
}

static void
put_vars(struct child_vars *v, const struct handler_job *job)
{
	const struct store_event *ev = job->ev;
	char attempt[16], number[24];

	child_vars_init(v);
	(void)snprintf(attempt, sizeof(attempt), "%u", job->attempt);
	child_vars_put(v, "KLIKIT_EVENT_ID", ev->event_id);
	child_vars_put(v, "KLIKIT_EVENT_TYPE", ev->type);
	child_vars_put(v, "KLIKIT_BRAND_ID",
	    ev->brand == NULL ? "" : ev->brand);
	child_vars_put(v, "KLIKIT_BRANCH_ID",
	    ev->branch == NULL ? "" : ev->branch);
	child_vars_put(v, "KLIKIT_SCOPE", ev->scope);
	child_vars_put(v, "KLIKIT_ATTEMPT", attempt);
	if (job->place != STORE_WHOLE_EVENT) {
		(void)snprintf(number, sizeof(number), "%" PRId32, job->place);
		child_vars_put(v, "KLIKIT_ORDER_ID", job_order(job));
		child_vars_put(v, "KLIKIT_ORDER_PLACE", number);
	}
	if (job->guards != 0) {
		(void)snprintf(number, sizeof(number), "%" PRId64, job->guards);
		child_vars_put(v, "KLIKIT_ALARM", number);
	}
}

/* -- The verdict -- */

static void
judge(const struct exec *x, const struct child_end *end,
    struct handler_result *res)
{
	switch (child_judge(end, x->timeout_ms, &res->code, res->reason)) {
	case CHILD_DONE:
		res->verdict = HANDLER_DONE;
		break;
	case CHILD_FAILED:
		res->verdict = HANDLER_DEAD;
		break;
	case CHILD_LATER:
		res->verdict = HANDLER_RETRY;
		break;
	case CHILD_KILLED:
		res->verdict = HANDLER_RETRY;
		res->unknown = true;
		res->fault = HANDLER_FAULT_JOB;
		break;
	case CHILD_LIMITED:
	case CHILD_LOST:
		res->verdict = HANDLER_RETRY;
		res->unknown = true;
		res->fault = HANDLER_FAULT_UNCLEAR;
		break;
	}
	if (res->verdict != HANDLER_DONE)
		child_first_line(end, res->detail);
	res->answer = end->output_len > 0 ? end->output : NULL;
	res->answer_len = end->output_len;
}

/* child_fn */
static void
exec_child_cb(const struct child_end *end, void *arg)
{
	struct exec_call *ec = arg;
	struct exec *x = ec->x;
	struct handler_call *call = ec->call;
	struct handler_result res = { .code = 0 };

	judge(x, end, &res);
	TAILQ_REMOVE(&x->calls, ec, next);
	free(ec);
	x->env->finish(x->env->arg, call, &res);
}

/* -- Running -- */

/* It could not be started: that may pass, unless it is too much for it. */
static enum handler_verdict
not_started(const struct exec *x, int error, struct handler_result *res)
{
	(void)snprintf(res->reason, sizeof(res->reason),
	    "cannot start %.150s: %s", x->path, strerror(error));
	res->fault =
	    error == ENOMEM ? HANDLER_FAULT_UNCLEAR : HANDLER_FAULT_DOWN;
	return (error == E2BIG ? HANDLER_DEAD : HANDLER_RETRY);
}

static enum handler_verdict
exec_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	struct exec *x = (struct exec *)h;
	struct child_vars vars;
	struct exec_call *ec;
	const struct child_spec spec = {
		.path = x->path,
		.argv = x->argv,
		.envp = vars.vars,
		.input = job->ev->body,
		.input_len = job->ev->body_len,
		.limit_ms = x->timeout_ms,
		.files_max = x->env->child_files,
	};
	int error = ENOMEM;

	if (job->ev->body == NULL) {
		(void)snprintf(ret_result->reason, sizeof(ret_result->reason),
		    "the body was purged");
		return (HANDLER_DEAD);
	}
	put_vars(&vars, job);
	ec = calloc(1, sizeof(*ec));
	if (ec != NULL && !vars.failed) {
		ec->child = child_start(x->pool, &spec, exec_child_cb, ec);
		error = errno;
	}
	child_vars_fini(&vars);
	if (ec == NULL || ec->child == NULL) {
		free(ec);
		return (not_started(x, error, ret_result));
	}
	ec->x = x;
	ec->call = job->call;
	TAILQ_INSERT_TAIL(&x->calls, ec, next);
	return (HANDLER_PENDING);
}

static void
exec_cancel(struct handler_instance *h, struct handler_call *call)
{
	struct exec *x = (struct exec *)h;
	struct exec_call *ec;

	TAILQ_FOREACH (ec, &x->calls, next) {
		if (ec->call == call)
			break;
	}
	if (ec == NULL)
		return;
	TAILQ_REMOVE(&x->calls, ec, next);
	child_cancel(ec->child);
	free(ec);
}

/* -- What the configuration may say -- */

/* The program must be there now: an alarm is no time to find that out. */
static void
exec_check(void *settings, const struct handler_check *c)
{
	const struct exec_settings *set = settings;
	char reason[HANDLER_REASON_MAX];
	struct arena memory = { 0 };
	const char *path;

	if (c->files && set->command.n > 0 &&
	    program_find(&memory, set->command.items[0], &path, reason) == -1)
		c->wrong(c->arg, "command", reason);
	arena_fini(&memory);
}

static const char *
exec_program(const void *settings)
{
	const struct exec_settings *set = settings;

	return (set->command.n == 0 ? NULL : set->command.items[0]);
}

static const struct key exec_keys[] = {
	{ "handler.command", KEY_COMMAND,
	    offsetof(struct exec_settings, command), .flags = KEY_REQUIRED,
	    .value = "PROGRAM ARGUMENT ...",
	    .example = "/usr/local/bin/ring --loud", .shown = "runs",
	    .text = "What to run, without a shell; '...' holds a word with "
		    "blanks together. It gets the body on stdin. Exit code 0 "
		    "is done, 75, a signal and the timeout are tried again, "
		    "anything else is dead." },
	{ 0 },
};

const struct handler handler_exec = {
	.type = "exec",
	.text = "runs a command",
	.example = "bell",
	.keys = exec_keys,
	.settings_size = sizeof(struct exec_settings),
	.check = exec_check,
	.program = exec_program,
	.ordered = true,
	.outlet = true,
	.timeout = "30s",
	.concurrency = "2",
	.files = 2, /* its output, and the process */
	.open = exec_open,
	.run = exec_run,
	.cancel = exec_cancel,
	.close = exec_close,
};
