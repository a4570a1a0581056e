/* Chunks of at least ARENA_CHUNK bytes, filled from the front. */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/arena.h"

#define ARENA_CHUNK 480

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char mem[];
};

void *
arena_alloc(struct arena *a, size_t len)
{
	struct arena_chunk *c = a->chunks;
	size_t align = alignof(max_align_t);
	size_t size;
	void *p;

	if (len > SIZE_MAX / 2)
		return (NULL);
	len = (len + align - 1) / align * align;
	if (c == NULL || c->size - c->used < len) {
		size = len > ARENA_CHUNK ? len : ARENA_CHUNK;
		if ((c = calloc(1, sizeof(*c) + size)) == NULL)
			return (NULL);
		c->size = size;
		c->next = a->chunks;
		a->chunks = c;
	}
	p = c->mem + c->used;
	c->used += len;
	return (p);
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		return (NULL);
	return (arena_alloc(a, n * size));
}

void *
arena_more(struct arena *a, void *old, size_t n, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 4 : *room * 2;
	void *p;

	if (n < *room)
		return (old);
	if ((p = arena_array(a, more, size)) == NULL)
		return (NULL);
	if (n > 0)
		memcpy(p, old, n * size);
	*room = more;
	return (p);
}

void *
arena_dup(struct arena *a, const void *src, size_t len)
{
	unsigned char *p;

	if (len == SIZE_MAX || (p = arena_alloc(a, len + 1)) == NULL)
		return (NULL);
	if (len > 0)
		memcpy(p, src, len);
	return (p);
}

int
arena_text(struct arena *a, const char *src, const char **ret_text)
{
	char *p;

	if (src == NULL) {
		*ret_text = NULL;
		return (0);
	}
	if ((p = arena_dup(a, src, strlen(src))) == NULL)
		return (-1);
	*ret_text = p;
	return (0);
}

int
arena_texts(struct arena *a, const char **const *texts)
{
	for (; *texts != NULL; texts++) {
		if (arena_text(a, **texts, *texts) == -1)
			return (-1);
	}
	return (0);
}

void
arena_fini(struct arena *a)
{
	struct arena_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
}
