/*
 * no_memory.c -- memory that runs out in a running program when a test says so.
 *
 * A library for LD_PRELOAD. Stands in front of malloc() and its like for the
 * whole process: the program, all its libraries, all its threads. A file that
 * the test shares with it, named by NO_MEMORY, says which calls fail; heap.h is
 * the same for a unit test. With a sanitizer its allocator is what is called,
 * and with NO_MEMORY_SHOW set it prints where the first call that fails is
 * made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As test/blackbox/no_memory.py has it. */
struct control {
	_Atomic uint64_t armed;
	_Atomic uint64_t first; /* of those that fail; the next call is 1 */
	_Atomic uint64_t times; /* so many of them fail */
	_Atomic uint64_t calls; /* since it was armed */
	_Atomic uint64_t failed;
};

static struct control *control;
static bool control_shows; /* where the next call that fails is made */

/* Of a sanitizer, if there is one; else of glibc. */
#define WEAK __attribute__((weak))
void *__interceptor_malloc(size_t size) WEAK;
void *__interceptor_calloc(size_t n, size_t size) WEAK;
void *__interceptor_realloc(void *p, size_t size) WEAK;
void __sanitizer_print_stack_trace(void) WEAK;
int __interceptor_posix_memalign(void **ret, size_t align, size_t size) WEAK;
void *__interceptor_aligned_alloc(size_t align, size_t size) WEAK;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

__attribute__((constructor)) static void
no_memory_begin(void)
{
	const char *path = getenv("NO_MEMORY");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	control_shows = getenv("NO_MEMORY_SHOW") != NULL;
	if (fd == -1)
		return;
	p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	if (p != MAP_FAILED)
		control = p;
	(void)close(fd);
}

static bool
fails(void)
{
	uint64_t call, first;

	if (control == NULL || atomic_load(&control->armed) == 0)
		return (false);
	call = atomic_fetch_add(&control->calls, 1) + 1;
	first = atomic_load(&control->first);
	if (call < first || call >= first + atomic_load(&control->times))
		return (false);
	(void)atomic_fetch_add(&control->failed, 1);
	if (control_shows && __sanitizer_print_stack_trace != NULL) {
		control_shows = false;
		__sanitizer_print_stack_trace();
	}
	errno = ENOMEM;
	return (true);
}

void *
malloc(size_t size)
{
	if (fails())
		return (NULL);
	return (__interceptor_malloc != NULL ? __interceptor_malloc(size)
					     : __libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	if (fails())
		return (NULL);
	return (__interceptor_calloc != NULL ? __interceptor_calloc(n, size)
					     : __libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	if (size > 0 && fails())
		return (NULL);
	return (__interceptor_realloc != NULL ? __interceptor_realloc(p, size)
					      : __libc_realloc(p, size));
}

void *
aligned_alloc(size_t align, size_t size)
{
	if (fails())
		return (NULL);
	return (__interceptor_aligned_alloc != NULL
		    ? __interceptor_aligned_alloc(align, size)
		    : __libc_memalign(align, size));
}

int
posix_memalign(void **ret, size_t align, size_t size)
{
	if (fails())
		return (ENOMEM);
	if (__interceptor_posix_memalign != NULL)
		return (__interceptor_posix_memalign(ret, align, size));
	*ret = __libc_memalign(align, size);
	return (*ret == NULL ? ENOMEM : 0);
}

/* A sanitizer's own would not ask malloc(). */
char *
strndup(const char *text, size_t max)
{
	size_t len = strnlen(text, max);
	char *copy = fails() ? NULL
		     : __interceptor_malloc != NULL
			 ? __interceptor_malloc(len + 1)
			 : __libc_malloc(len + 1);

	if (copy == NULL)
		return (NULL);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return (copy);
}

char *
strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = fails()                        ? NULL
		     : __interceptor_malloc != NULL ? __interceptor_malloc(size)
						    : __libc_malloc(size);

	return (copy == NULL ? NULL : memcpy(copy, text, size));
}
