/*
 * The check of the hubs that events are fetched from. No job is taken.
 */
#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/lent_env.h"
#include "server/upstream/upstream_try.h"

/* One that is being tried. */
struct tried {
	struct doctor *d;
	const struct config_upstream *up;
	struct event_base *base;
	struct lent_env lent;
};

/* upstream_try_fn */
static void
tried_cb(const char *text, const char *advice, void *arg)
{
	struct tried *t = arg;

	doctor_report(t->d, advice == NULL ? DOCTOR_OK : DOCTOR_FAIL, advice,
	    "%s: %s: %s", log_text(t->up->name), t->up->url, text);
	(void)event_base_loopbreak(t->base);
}

static void
try_one(struct doctor *d, const struct config_upstream *up)
{
	const struct upstream_settings set = {
		.name = up->name,
		.url = up->url,
		.token = up->token,
		.ca_file = up->ca_file,
	};
	struct tried t = { .d = d, .up = up };
	char reason[HANDLER_REASON_MAX] = "out of memory";
	struct upstream_try *try = NULL;

	if ((t.base = event_base_new()) != NULL &&
	    lent_env_open(&t.lent, t.base) == 0)
		try =
		    upstream_try_start(&t.lent.env, &set, tried_cb, &t, reason);
	if (try != NULL)
		(void)event_base_dispatch(t.base);
	else
		doctor_report(d, DOCTOR_FAIL, "put it right and try again",
		    "%s: not tried: %s", log_text(up->name), reason);
	upstream_try_free(try);
	lent_env_close(&t.lent);
	if (t.base != NULL)
		event_base_free(t.base);
}

void
doctor_upstreams(struct doctor *d)
{
	if (!d->opt->network)
		return;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < d->cfg->nupstreams; i++)
		try_one(d, &d->cfg->upstreams[i]);
}
