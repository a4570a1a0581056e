#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "handlers/registry.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/exec_world.h"
#include "test/lib/settings.h"

static const struct store_order orders[] = {
	{ 0, "7585307", "2", "2026-06-25T09:14:11Z", "ABC-123" },
	{ 3, "7585308", "3", NULL, NULL },
};

/* handler_env: an attempt has ended. */
static void
finish_cb(void *arg, struct handler_call *call,
    const struct handler_result *result)
{
	struct exec_world *w = arg;
	struct exec_outcome *o = &w->outcomes[w->noutcomes++];

	assert_true(w->noutcomes <= EXEC_OUTCOMES_MAX);
	assert_true(result->answer_len < sizeof(o->answer));
	assert_true(result->answer_len == 0 || result->answer != NULL);
	o->call = call;
	o->verdict = result->verdict;
	o->unknown = result->unknown;
	o->fault = result->fault;
	o->code = result->code;
	memcpy(o->reason, result->reason, sizeof(o->reason));
	memcpy(o->detail, result->detail, sizeof(o->detail));
	if (result->answer_len > 0)
		memcpy(o->answer, result->answer, result->answer_len);
	o->answer[result->answer_len] = '\0';
	o->answer_len = result->answer_len;
	(void)event_base_loopbreak(w->base);
}

int
exec_world_setup(void **state)
{
	struct exec_world *w;

	(void)signal(SIGPIPE, SIG_IGN); /* as the server does */
	assert_non_null(w = calloc(1, sizeof(*w)));
	assert_non_null(w->base = event_base_new());
	w->env.base = w->base;
	w->env.finish = finish_cb;
	w->env.arg = w;
	w->ev = (struct store_event){
		.event_id = "evt-1",
		.scope = "",
		.type = "klikit.order.created.v2",
		.brand = "910",
		.branch = "2041",
		.orders = orders,
		.norders = 2,
	};
	w->ev.body = (void *)(uintptr_t) "{\"orders\":[]}";
	w->ev.body_len = strlen(w->ev.body);
	w->place = STORE_WHOLE_EVENT;
	*state = w;
	return (0);
}

int
exec_world_teardown(void **state)
{
	struct exec_world *w = *state;

	if (w->h != NULL)
		w->h->type->close(w->h);
	event_base_free(w->base);
	free(w);
	/* Not one child is left, alive or dead. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return (0);
}

struct handler_instance *
exec_world_try(struct exec_world *w, const char *const *argv,
    int64_t timeout_ms, char reason[HANDLER_REASON_MAX])
{
	struct key_list command = { (char **)argv, 0 };
	struct handler_options opt = { .name = "bell",
		.timeout_ms = timeout_ms };
	_Alignas(max_align_t) char settings[256] = { 0 };

	assert_true(handler_exec.settings_size <= sizeof(settings));
	while (argv[command.n] != NULL)
		command.n++;
	memcpy(settings_field(&handler_exec, settings, "command"), &command,
	    sizeof(command));
	opt.settings = settings; /* nothing of it is kept */
	return (handler_exec.open(&w->env, &opt, reason));
}

void
exec_world_open(struct exec_world *w, const char *const *argv,
    int64_t timeout_ms)
{
	char reason[HANDLER_REASON_MAX] = "";

	if (w->h != NULL)
		w->h->type->close(w->h);
	w->h = exec_world_try(w, argv, timeout_ms, reason);
	if (w->h == NULL)
		fail_msg("%s", reason);
}

void
exec_world_script(struct exec_world *w, const char *script, int64_t timeout_ms)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	exec_world_open(w, argv, timeout_ms);
}

enum handler_verdict
exec_world_begin(struct exec_world *w, size_t call,
    struct handler_result *ret_result)
{
	const struct handler_job job = {
		.call = (struct handler_call *)(uintptr_t)call,
		.id = 7,
		.ev = &w->ev,
		.place = w->place,
		.guards = w->guards,
		.attempt = 3,
	};
	size_t noutcomes = w->noutcomes;
	enum handler_verdict verdict;

	memset(ret_result, 0, sizeof(*ret_result));
	verdict = w->h->type->run(w->h, &job, ret_result);
	assert_int_equal(w->noutcomes, noutcomes);
	return (verdict);
}

void
exec_world_wait(struct exec_world *w, size_t n)
{
	while (w->noutcomes < n)
		assert_int_equal(event_base_dispatch(w->base), 0);
}

const struct exec_outcome *
exec_world_run(struct exec_world *w)
{
	size_t call = w->noutcomes + 1;
	struct handler_result res;

	assert_int_equal(exec_world_begin(w, call, &res), HANDLER_PENDING);
	exec_world_wait(w, call);
	assert_ptr_equal(w->outcomes[call - 1].call,
	    (struct handler_call *)(uintptr_t)call);
	return (&w->outcomes[call - 1]);
}

void
exec_world_adopt(void)
{
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

void
exec_world_await_death(const char *pid)
{
	assert_true(atoi(pid) > 1);
	assert_int_equal(waitpid((pid_t)atoi(pid), NULL, 0), atoi(pid));
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}
