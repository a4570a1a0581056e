#include "server/app/server_news.h"

#include <stdlib.h>

#include <event2/event.h>

#include "server/admin/admin.h"
#include "server/admin/stream.h"
#include "server/app/server_parts.h"
#include "server/app/server_status.h"
#include "server/base/log.h"

/* How often others are told what this one counts, and that it is watched. */
static const struct timeval report_pause = { 1, 0 };

/* store_handlers_fn: somebody paused one, or let one go on. */
static void
news_listed_cb(enum store_rc rc, const struct store_handler_info *rows,
    size_t n, const char *reason, void *arg)
{
	struct server *s = arg;

	if (rc != STORE_OK)
		log_debug("store: handlers paused elsewhere are not known: %s",
		    reason);
	for (size_t i = 0; rc == STORE_OK && i < n; i++)
		dispatch_pause(s->dispatch, rows[i].number,
		    rows[i].paused_at_ms != 0);
}

/* store_news_fn */
static void
news_cb(const struct store_news *news, void *arg)
{
	struct server *s = arg;

	if (news->handlers &&
	    store_list_handlers(s->st, news_listed_cb, s) == -1)
		log_warn("store: handlers paused elsewhere are not known: out "
			 "of memory");
	if (news->jobs)
		dispatch_look_again(s->dispatch);
	if (news->lost)
		journal_lose(s->journal);
	for (size_t i = 0; i < news->nevents; i++)
		journal_note(s->journal, JOURNAL_EVENT, news->events[i]);
	for (size_t i = 0; i < news->nchanged; i++)
		journal_note(s->journal, JOURNAL_JOB, news->changed[i]);
	for (size_t i = 0; i < news->nrejections; i++)
		journal_note(s->journal, JOURNAL_REJECTION,
		    news->rejections[i]);
}

/* evtimer: report. */
static void
news_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct stream_stats stream = { 0 };
	struct admin_status status = { 0 };
	char *json;

	(void)fd;
	(void)what;
	if (s->admin.stream != NULL)
		stream_stats(s->admin.stream, &stream);
	store_watch(s->st, stream.readers > 0);
	server_status_cb(s, &status);
	if ((json = admin_report(&status)) != NULL)
		store_report(s->st, json);
	free(json);
	(void)evtimer_add(s->store_events.news, &report_pause);
}

int
server_open_news(struct server *s)
{
	if (!store_traits(s->cfg->store_url)->is_shared)
		return (0);
	if ((s->store_events.news = evtimer_new(s->base, news_timer_cb, s)) ==
	    NULL) {
		log_error("cannot start: out of memory");
		return (-1);
	}
	store_on_news(s->st, news_cb, s);
	news_timer_cb(-1, 0, s);
	return (0);
}

void
server_close_news(struct server *s)
{
	if (s->st != NULL)
		store_on_news(s->st, NULL, NULL);
	if (s->store_events.news != NULL)
		event_free(s->store_events.news);
	s->store_events.news = NULL;
}
