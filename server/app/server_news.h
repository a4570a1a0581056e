/*
 * server_news.h -- what receivers that share a store learn of each other.
 *
 * Owns: the timer that reports what this one counts, and says whether somebody
 *       looks at its page.
 */
#ifndef SERVER_SERVER_NEWS_H
#define SERVER_SERVER_NEWS_H

struct server;

/*
 * Follow what others do: their jobs that nobody has any more, handlers that
 * they paused, and what changed, for the page. Nothing to be done of a store
 * that is not shared. Returns 0; -1 when out of memory, logged.
 */
int server_open_news(struct server *s);

/* Before the store is closed. */
void server_close_news(struct server *s);

#endif /* SERVER_SERVER_NEWS_H */
