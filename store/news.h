/*
 * news.h -- private to the files of store/ itself: what receivers that share a
 * store learn of each other.
 *
 * Owns: the forms in which news and reports pass between the threads.
 */
#ifndef STORE_NEWS_H
#define STORE_NEWS_H

#include "store/store.h"

/* The caller's thread. */
struct store_listener {
	store_news_fn *fn; /* may be NULL */
	void *arg;
	struct store_news news; /* what it is called with */
};

/* The writer's thread. */
struct store_ticking {
	int64_t at_ms; /* of the last tick, by the monotonic clock */
	struct store_news news;
	char report[STORE_REPORT_MAX];
};

/* Between them, under the mutex. */
struct store_sharing {
	bool watched;
	bool report_due;
	char report[STORE_REPORT_MAX];
	struct store_news news; /* not yet collected */
};

/* What is new in `from' is new in `to', too. */
void store_news_merge(struct store_news *to, const struct store_news *from);

/* Is anything new? */
bool store_news_any(const struct store_news *news);

/* Nothing is. */
void store_news_reset(struct store_news *news);

#endif /* STORE_NEWS_H */
