#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "test/lib/heap.h"

/* Named by the linker's --wrap. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *text);

static size_t good;     /* calls that succeed before the failures begin */
static size_t failures; /* to come */

void
heap_fail(size_t n, size_t times)
{
	good = n;
	failures = times;
}

size_t
heap_heal(void)
{
	size_t left = failures;

	failures = 0;
	return (left);
}

void *
heap_alloc(size_t size)
{
	void *p = __real_calloc(1, size);

	if (p == NULL)
		abort();
	return (p);
}

static bool
fails(void)
{
	if (failures == 0)
		return (false);
	if (good > 0) {
		good--;
		return (false);
	}
	failures--;
	return (true);
}

void *
__wrap_malloc(size_t size)
{
	return (fails() ? NULL : __real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return (fails() ? NULL : __real_calloc(n, size));
}

char *
__wrap_strdup(const char *text)
{
	return (fails() ? NULL : __real_strdup(text));
}
