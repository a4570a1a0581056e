/*
 * dev_keys.h -- the keys of klikitd dev on a terminal: r replays the newest
 * event, o opens the page, q quits.
 *
 * Owns:    the keyboard (base/keyboard.h) while it is open.
 */
#ifndef SERVER_DEV_KEYS_H
#define SERVER_DEV_KEYS_H

struct admin;
struct event_base;

/*
 * From now on keys are obeyed, where a person is at the terminal. Keeps api,
 * which may be NULL, and page, "" where there is none. Returns 0; -1: there are
 * no keys.
 */
int dev_keys_open(struct event_base *base, struct admin *api, const char *page);

/* Before api and base are freed. */
void dev_keys_close(void);

#endif /* SERVER_DEV_KEYS_H */
