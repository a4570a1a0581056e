/*
 * spare_memory.h -- memory for libevent when there is none.
 *
 * Owns:    SPARE_MEMORY_SIZE bytes, in use for nothing else.
 * Touches: libevent's functions for memory, which are these here.
 * Threads: of the loop alone, as libevent is.
 *
 * libevent 2.1 cannot do without. Where it gets none while it makes a
 * connection it follows a null pointer; where it gets none for a field of an
 * answer it leaves the field out, and sends the rest. So what malloc() refuses
 * it is taken from here, and given back when libevent frees it.
 */
#ifndef SERVER_SPARE_MEMORY_H
#define SERVER_SPARE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define SPARE_MEMORY_SIZE ((size_t)256 << 10)

/* Have libevent use it. To be called once, before anything of libevent. */
void spare_memory_begin(void);

/* Is so much of it in use that nothing new should be begun? */
bool spare_memory_is_short(void);

/*
 * As malloc(), realloc() and free(), which they call; NULL if neither malloc()
 * nor the spare has enough. What libevent is given.
 */
void *spare_memory_alloc(size_t size);
void *spare_memory_realloc(void *p, size_t size);
void spare_memory_free(void *p);

#endif /* SERVER_SPARE_MEMORY_H */
