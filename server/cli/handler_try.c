#include "server/cli/handler_try.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

#include "server/cli/lent_env.h"
#include "store/base/timeval.h"

/* For all steps together: each has the time of an attempt, at most. */
#define TRY_STEPS 3
#define TRY_MAX_MS 15000

/* One handler, being tried. */
struct trial {
	struct event_base *base;
	struct lent_env lent;
	struct handler_instance *instance;
	handler_tried_fn *found;
	void *arg;
	bool done;
};

/* handler_inspection: found */
static void
trial_found_cb(void *arg, enum handler_level level, const char *text,
    const char *advice)
{
	struct trial *t = arg;

	t->found(level, text, advice, t->arg);
}

/* handler_inspection: done */
static void
trial_done_cb(void *arg)
{
	struct trial *t = arg;

	t->done = true;
	(void)event_base_loopbreak(t->base);
}

static void
trial_no_memory(const struct trial *t)
{
	t->found(HANDLER_WRONG, "not tried: out of memory", "try again later",
	    t->arg);
}

/* The instance looks, in the loop, until it is done or the time is over. */
static void
trial_inspect(struct trial *t, int64_t limit_ms)
{
	const struct handler_inspection in = {
		.found = trial_found_cb,
		.done = trial_done_cb,
		.arg = t,
	};
	const struct timeval limit = timeval_of_ms(limit_ms);
	char text[64];

	if (t->instance->type->inspect(t->instance, &in) == -1) {
		trial_no_memory(t);
		return;
	}
	(void)event_base_loopexit(t->base, &limit);
	(void)event_base_dispatch(t->base);
	if (t->done)
		return;
	(void)snprintf(text, sizeof(text), "no answer within %" PRId64 " ms",
	    limit_ms);
	t->found(HANDLER_WRONG, text,
	    "is it running, and the address right? Events wait for it", t->arg);
}

static void
trial_run(struct trial *t, const struct config *cfg,
    const struct config_handler *h)
{
	const struct handler_options opt = config_handler_options(cfg, h);
	int64_t limit_ms = TRY_STEPS * h->timeout_ms;
	char reason[HANDLER_REASON_MAX];

	if ((t->base = event_base_new()) == NULL ||
	    lent_env_open(&t->lent, t->base) == -1) {
		trial_no_memory(t);
		return;
	}
	t->instance = h->type->open(&t->lent.env, &opt, reason);
	if (t->instance != NULL)
		trial_inspect(t, limit_ms < TRY_MAX_MS ? limit_ms : TRY_MAX_MS);
	else
		t->found(HANDLER_WRONG, reason,
		    "put it right: klikitd does not start with it", t->arg);
}

bool
handler_try(const struct config *cfg, const struct config_handler *h,
    handler_tried_fn *found, void *arg)
{
	struct trial t = { .found = found, .arg = arg };

	if (h->type->inspect == NULL)
		return (false);
	(void)signal(SIGPIPE, SIG_IGN);
	trial_run(&t, cfg, h);
	if (t.instance != NULL)
		h->type->close(t.instance);
	lent_env_close(&t.lent);
	if (t.base != NULL)
		event_base_free(t.base);
	return (true);
}
