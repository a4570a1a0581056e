/*
 * fake_log.h -- the log, kept in memory instead of printed.
 *
 * Owns: what server/base/log.h declares; link it before the server's library.
 */
#ifndef TEST_LIB_FAKE_LOG_H
#define TEST_LIB_FAKE_LOG_H

#include <stddef.h>

/* Forget all lines. */
void fake_log_clear(void);

/* How many lines, "level message", have that text in them. */
size_t fake_log_count(const char *text);

#endif /* TEST_LIB_FAKE_LOG_H */
