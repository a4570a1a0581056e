/*
 * exec_world.h -- a loop, an env that notes what an attempt came to, and
 * handlers of type "exec" on real programs.
 */
#ifndef TEST_LIB_EXEC_WORLD_H
#define TEST_LIB_EXEC_WORLD_H

#include "handlers/handler.h"

/* What finish() was told; texts end with a NUL. */
struct exec_outcome {
	struct handler_call *call;
	enum handler_verdict verdict;
	enum handler_fault fault;
	bool unknown;
	int code;
	char reason[HANDLER_REASON_MAX];
	char detail[HANDLER_REASON_MAX];
	char answer[2048];
	size_t answer_len;
};

#define EXEC_OUTCOMES_MAX 32

struct exec_world {
	struct event_base *base;
	struct handler_env env;
	struct handler_instance *h;
	struct store_event ev; /* what the next job is for */
	int32_t place;
	int64_t guards;
	struct exec_outcome outcomes[EXEC_OUTCOMES_MAX];
	size_t noutcomes;
};

/* A group's set-up and tear-down of each test; the latter finds zombies. */
int exec_world_setup(void **state);
int exec_world_teardown(void **state);

/* What opening a handler on argv comes to. */
struct handler_instance *exec_world_try(struct exec_world *w,
    const char *const *argv, int64_t timeout_ms,
    char reason[HANDLER_REASON_MAX]);

/* Open a handler on argv, or on a script of the shell; closed at the end. */
void exec_world_open(struct exec_world *w, const char *const *argv,
    int64_t timeout_ms);
void exec_world_script(struct exec_world *w, const char *script,
    int64_t timeout_ms);

/* Begin attempt 3 of a job, which is named by call. */
enum handler_verdict exec_world_begin(struct exec_world *w, size_t call,
    struct handler_result *ret_result);

/* Begin one and run the loop until it has ended. The last outcome. */
const struct exec_outcome *exec_world_run(struct exec_world *w);

/* Run the loop until there are n outcomes. */
void exec_world_wait(struct exec_world *w, size_t n);

/* What children leave behind is to become ours, until one of them has died. */
void exec_world_adopt(void);

/* Reap one of these: returns when it is dead. */
void exec_world_await_death(const char *pid);

#endif /* TEST_LIB_EXEC_WORLD_H */
