/* Blocks are runs of units; of each unit a byte says whether it is in use. */
#include "server/base/spare_memory.h"

#include <malloc.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define UNIT 64
#define UNITS (SPARE_MEMORY_SIZE / UNIT)

static struct {
	bool used[UNITS];
	size_t lengths[UNITS]; /* in units, at the first one of a block */
	size_t nused;
	alignas(max_align_t) unsigned char bytes[UNITS][UNIT];
} spare;

static bool
is_spare(const void *p)
{
	uintptr_t at = (uintptr_t)p, from = (uintptr_t)spare.bytes;

	return (at >= from && at < from + sizeof(spare.bytes));
}

/* The unit that a block begins with. */
static size_t
unit_of(const void *p)
{
	return (((uintptr_t)p - (uintptr_t)spare.bytes) / UNIT);
}

/* The first n units in a row that are free; UNITS: there are none. */
static size_t
find_run(size_t n)
{
	size_t run = 0;

	for (size_t i = 0; i < UNITS; i++) {
		run = spare.used[i] ? 0 : run + 1;
		if (run == n)
			return (i + 1 - n);
	}
	return (UNITS);
}

static void *
spare_take(size_t size)
{
	size_t n = size / UNIT + 1, at = UNITS;

	if (n <= UNITS)
		at = find_run(n);
	if (at < UNITS) {
		memset(&spare.used[at], true, n);
		spare.lengths[at] = n;
		spare.nused += n;
	}
	return (at < UNITS ? spare.bytes[at] : NULL);
}

static void
spare_give_back(void *p)
{
	size_t at = unit_of(p);

	memset(&spare.used[at], false, spare.lengths[at]);
	spare.nused -= spare.lengths[at];
}

static size_t
size_of(void *p)
{
	return (is_spare(p) ? spare.lengths[unit_of(p)] * UNIT
			    : malloc_usable_size(p));
}

void *
spare_memory_alloc(size_t size)
{
	void *p = malloc(size);

	return (p != NULL ? p : spare_take(size));
}

void *
spare_memory_realloc(void *p, size_t size)
{
	size_t before;
	void *moved;

	if (p == NULL)
		return (spare_memory_alloc(size));
	if (!is_spare(p) && (moved = realloc(p, size)) != NULL)
		return (moved);
	moved = is_spare(p) ? spare_memory_alloc(size) : spare_take(size);
	if (moved == NULL)
		return (NULL);
	before = size_of(p);
	memcpy(moved, p, before < size ? before : size);
	spare_memory_free(p);
	return (moved);
}

void
spare_memory_free(void *p)
{
	if (is_spare(p))
		spare_give_back(p);
	else
		free(p);
}

bool
spare_memory_is_short(void)
{
	return (spare.nused > UNITS / 2);
}

void
spare_memory_begin(void)
{
	memset(spare.bytes, 0, sizeof(spare.bytes)); /* real from now on */
	event_set_mem_functions(spare_memory_alloc, spare_memory_realloc,
	    spare_memory_free);
}
