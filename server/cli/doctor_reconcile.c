/*
 * The check of klikit's list of orders: one question, and nothing is filled.
 */
#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/lent_env.h"
#include "server/cli/reconcile_far.h"
#include "server/reconcile/reconcile_try.h"

/* What is being tried. */
struct tried {
	struct doctor *d;
	const char *url;
	struct event_base *base;
	struct lent_env lent;
};

/* reconcile_try_fn */
static void
tried_cb(const char *text, const char *advice, void *arg)
{
	struct tried *t = arg;

	doctor_report(t->d, advice == NULL ? DOCTOR_OK : DOCTOR_FAIL, advice,
	    "%s: %s", log_text(t->url), text);
	(void)event_base_loopbreak(t->base);
}

void
doctor_reconcile(struct doctor *d)
{
	struct tried t = { .d = d, .url = d->cfg->reconcile.url };
	char reason[HANDLER_REASON_MAX] = "out of memory";
	struct reconcile_try *try = NULL;
	struct reconcile_far far;

	if (!d->opt->network || t.url == NULL)
		return;
	(void)signal(SIGPIPE, SIG_IGN);
	reconcile_far_of(d->cfg, &far);
	if ((t.base = event_base_new()) != NULL &&
	    lent_env_open(&t.lent, t.base) == 0)
		try = reconcile_try_start(&t.lent.env, &far,
		    d->cfg->reconcile.window_ms, tried_cb, &t, reason);
	if (try != NULL)
		(void)event_base_dispatch(t.base);
	else
		doctor_report(d, DOCTOR_FAIL, "put it right and try again",
		    "%s: not tried: %s", log_text(t.url), reason);
	reconcile_try_free(try);
	lent_env_close(&t.lent);
	if (t.base != NULL)
		event_base_free(t.base);
}
