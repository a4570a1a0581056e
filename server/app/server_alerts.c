#include "server/app/server_alerts.h"

#include "server/alert/alert_watch.h"
#include "server/alert/alerts.h"
#include "server/app/server_parts.h"
#include "server/base/clock_watch.h"
#include "server/base/log.h"
#include "server/cli/proc.h"

int
server_open_alerts(struct server *s)
{
	char receiver[PROC_RECEIVER_MAX];
	const struct alerts_options opt = {
		.base = s->base,
		.st = s->st,
		.in = s->ingest,
		.clock = clock_watch_steady(s->clock),
		.receiver = receiver,
		.shared = store_traits(s->cfg->store_url)->is_shared,
	};

	proc_receiver_name(receiver);
	if ((s->alerts.all = alerts_new(&opt)) == NULL ||
	    (s->alerts.watch = alert_watch_new(&(struct alert_watch_options){
		 .base = s->base,
		 .st = s->st,
		 .d = s->dispatch,
		 .in = s->ingest,
		 .rej = s->rej,
		 .clock = clock_watch_steady(s->clock),
		 .alerts = s->alerts.all,
	     })) == NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	return (0);
}

void
server_set_alerts(struct server *s, const struct config *cfg)
{
	alerts_set(s->alerts.all, cfg->alert_after_ms, cfg->alert_remind_ms);
	alert_watch_begin(s->alerts.watch, cfg->alert_silence_ms);
}

void
server_stop_alerts(struct server *s)
{
	alert_watch_stop(s->alerts.watch);
	alerts_stop(s->alerts.all);
}

void
server_close_alerts(struct server *s)
{
	alert_watch_free(s->alerts.watch);
	alerts_free(s->alerts.all);
}
