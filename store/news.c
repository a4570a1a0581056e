/*
 * What receivers that share a store learn of each other: the caller's thread
 * says what it wants and what it counts, the writer's asks the backend, and
 * store_collect() hands on what came.
 */
#include <stdio.h>
#include <string.h>

#include "store/store_private.h"

void
store_on_news(struct store *st, store_news_fn *fn, void *arg)
{
	st->caller.listener.fn = fn;
	st->caller.listener.arg = arg;
}

void
store_watch(struct store *st, bool watched)
{
	(void)pthread_mutex_lock(&st->mutex);
	st->sharing.watched = watched;
	(void)pthread_mutex_unlock(&st->mutex);
}

bool
store_holds(const struct store *st, int64_t hold)
{
	return (st->ops->holds == NULL || st->ops->holds(st->be, hold));
}

void
store_report(struct store *st, const char *json)
{
	size_t len = strlen(json);

	if (st->ops->tick == NULL || len >= STORE_REPORT_MAX)
		return;
	(void)pthread_mutex_lock(&st->mutex);
	memcpy(st->sharing.report, json, len + 1);
	st->sharing.report_due = true;
	(void)pthread_mutex_unlock(&st->mutex);
}

/* Add numbers that find room. Returns whether all did. */
static bool
news_add(int64_t to[STORE_NEWS_MAX], size_t *n,
    const int64_t from[STORE_NEWS_MAX], size_t nfrom)
{
	for (size_t i = 0; i < nfrom; i++) {
		if (*n == STORE_NEWS_MAX)
			return (false);
		to[(*n)++] = from[i];
	}
	return (true);
}

void
store_news_merge(struct store_news *to, const struct store_news *from)
{
	bool all;

	to->jobs |= from->jobs;
	to->handlers |= from->handlers;
	all = news_add(to->events, &to->nevents, from->events, from->nevents);
	all &=
	    news_add(to->changed, &to->nchanged, from->changed, from->nchanged);
	all &= news_add(to->rejections, &to->nrejections, from->rejections,
	    from->nrejections);
	to->lost |= from->lost || !all;
}

bool
store_news_any(const struct store_news *news)
{
	return (news->jobs || news->handlers || news->lost ||
		news->nevents + news->nchanged + news->nrejections > 0);
}

void
store_news_reset(struct store_news *news)
{
	news->jobs = news->handlers = news->lost = false;
	news->nevents = news->nchanged = news->nrejections = 0;
}
