/*
 * net_clock.h -- a clock that only goes forward, as the timers of the loop do,
 * and lengths of time.
 */
#ifndef HANDLERS_NET_CLOCK_H
#define HANDLERS_NET_CLOCK_H

#include <stdint.h>

#define NET_CLOCK_TEXT_MAX 32

/* Since nobody knows when. */
int64_t net_clock_us(void);
int64_t net_clock_ms(void);

/* A length of time, for people: "5s", "1.5s", "250ms". Returns ret_text. */
const char *net_clock_text(int64_t ms, char ret_text[NET_CLOCK_TEXT_MAX]);

#endif /* HANDLERS_NET_CLOCK_H */
