/*
 * heap.h -- memory that runs out when a test says so.
 *
 * Owns: malloc, calloc and strdup as our own objects call them: the program is
 *       linked with --wrap for each of them. Libraries are not affected.
 */
#ifndef TEST_LIB_HEAP_H
#define TEST_LIB_HEAP_H

#include <stddef.h>

/* Let n more calls succeed, and fail the times calls after them. */
void heap_fail(size_t n, size_t times);

/* Fail no more. Returns how many of the failures were not used up. */
size_t heap_heal(void);

/* For fakes: zeroed memory that does not run out. To be freed by free(). */
void *heap_alloc(size_t size);

#endif /* TEST_LIB_HEAP_H */
