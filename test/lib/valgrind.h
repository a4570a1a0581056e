/*
 * valgrind.h -- is a test run under valgrind?
 *
 * For tests that it cannot play: vfork(2) is fork(2) there, so that why
 * execve(2) fails does not reach us; and it keeps descriptors of its own at
 * the limit on them.
 */
#ifndef TEST_LIB_VALGRIND_H
#define TEST_LIB_VALGRIND_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool
under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return (preload != NULL && strstr(preload, "vgpreload") != NULL);
}

#endif /* TEST_LIB_VALGRIND_H */
