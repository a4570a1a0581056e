/*
 * The checks of those who are asked for events: the hubs, and klikit's list of
 * orders. One question each; no job is taken, and nothing is filled.
 */
#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/lent_env.h"
#include "server/cli/reconcile_far.h"
#include "server/reconcile/reconcile_try.h"
#include "server/upstream/upstream_try.h"

/* A question under way. */
struct question {
	struct doctor *d;
	const char *far; /* who is asked */
	struct event_base *base;
	struct lent_env lent;
	char reason[HANDLER_REASON_MAX]; /* why it could not be asked */
};

/* Returns 0; -1 when out of memory. To be ended by question_end(). */
static int
question_open(struct question *q, struct doctor *d, const char *far)
{
	*q = (struct question){ .d = d,
		.far = far,
		.base = event_base_new(),
		.reason = "out of memory" };
	(void)signal(SIGPIPE, SIG_IGN);
	return (q->base == NULL ? -1 : lent_env_open(&q->lent, q->base));
}

/* reconcile_try_fn, upstream_try_fn */
static void
answered_cb(const char *text, const char *advice, void *arg)
{
	struct question *q = arg;

	doctor_report(q->d, advice == NULL ? DOCTOR_OK : DOCTOR_FAIL, advice,
	    "%s: %s", log_text(q->far), text);
	(void)event_base_loopbreak(q->base);
}

/* Wait for the answer; or say why there will be none. */
static void
question_wait(struct question *q, bool asked)
{
	if (asked)
		(void)event_base_dispatch(q->base);
	else
		doctor_report(q->d, DOCTOR_FAIL, "put it right and try again",
		    "%s: not tried: %s", log_text(q->far), q->reason);
}

static void
question_end(struct question *q)
{
	lent_env_close(&q->lent);
	if (q->base != NULL)
		event_base_free(q->base);
}

static void
ask_hub(struct doctor *d, const struct config_upstream *up)
{
	const struct upstream_settings set = {
		.name = up->name,
		.url = up->url,
		.token = up->token,
		.ca_file = up->ca_file,
	};
	struct upstream_try *try = NULL;
	struct question q;
	char far[2 * LOG_TEXT_MAX];

	(void)snprintf(far, sizeof(far), "%s: %s", up->name, up->url);
	if (question_open(&q, d, far) == 0)
		try = upstream_try_start(&q.lent.env, &set, answered_cb, &q,
		    q.reason);
	question_wait(&q, try != NULL);
	upstream_try_free(try);
	question_end(&q);
}

void
doctor_upstreams(struct doctor *d)
{
	for (size_t i = 0; d->opt->network && i < d->cfg->nupstreams; i++)
		ask_hub(d, &d->cfg->upstreams[i]);
}

void
doctor_reconcile(struct doctor *d)
{
	struct reconcile_try *try = NULL;
	struct reconcile_far far;
	struct question q;

	if (!d->opt->network || d->cfg->reconcile.url == NULL)
		return;
	reconcile_far_of(d->cfg, &far);
	if (question_open(&q, d, d->cfg->reconcile.url) == 0)
		try = reconcile_try_start(&q.lent.env, &far,
		    d->cfg->reconcile.window_ms, answered_cb, &q, q.reason);
	question_wait(&q, try != NULL);
	reconcile_try_free(try);
	question_end(&q);
}
