/*
 * fake_log.h -- the log, kept in memory instead of printed.
 *
 * Owns: the sink of server/base/log.h, from the first fake_log_clear() on.
 */
#ifndef TEST_LIB_FAKE_LOG_H
#define TEST_LIB_FAKE_LOG_H

#include <stddef.h>

/* Keep what is logged from now on, and forget what was kept. */
void fake_log_clear(void);

/* How many lines, "level message", have that text in them. */
size_t fake_log_count(const char *text);

#endif /* TEST_LIB_FAKE_LOG_H */
