/*
 * arena.h -- memory that is given back all at once.
 *
 * Owns:    the chunks it hands pieces of.
 * Touches: malloc only. One thread at a time.
 */
#ifndef STORE_BASE_ARENA_H
#define STORE_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* All zero is an empty arena. */
struct arena {
	struct arena_chunk *chunks; /* private; newest first */
};

/*
 * len zeroed bytes, aligned for any type, valid until arena_fini(). Returns
 * NULL when out of memory; what was handed out before stays valid.
 */
void *arena_alloc(struct arena *a, size_t len);

/* As arena_alloc() for n members of size bytes; NULL also on overflow. */
void *arena_array(struct arena *a, size_t n, size_t size);

/*
 * Room for one member more than the n of old, which has *room places: old
 * itself, or a larger copy of it. NULL old: the first ones. Returns NULL as
 * above.
 */
void *arena_more(struct arena *a, void *old, size_t n, size_t *room,
    size_t size);

/* A copy of len bytes at src followed by a NUL. Returns NULL as above. */
void *arena_dup(struct arena *a, const void *src, size_t len);

/*
 * Copy the text src to *ret_text; NULL stays NULL. Returns 0, or -1 when out
 * of memory.
 */
int arena_text(struct arena *a, const char *src, const char **ret_text);

/*
 * Replace each of the texts by a copy, in place; NULL stays NULL, and a NULL
 * ends the list. Returns 0; -1 when out of memory, and some are not copied.
 */
int arena_texts(struct arena *a, const char **const *texts);

/* Free everything; the arena is empty again. */
void arena_fini(struct arena *a);

#endif /* STORE_BASE_ARENA_H */
