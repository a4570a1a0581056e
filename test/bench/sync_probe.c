/*
 * sync_probe.c -- what making 4 KB durable costs on this disk: appends to a
 * new file and fdatasync, then the same over written bytes. Prints the median
 * of either in us, as JSON.
 *
 * usage: sync_probe FOLDER COUNT
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define COUNT_MAX 100000

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return ((x > y) - (x < y));
}

/* Write and sync n blocks from the start on. Returns 0, or -1. */
static int
probe(int fd, int64_t *took_ns, size_t n, double *ret_us)
{
	char block[BLOCK];

	memset(block, 'k', sizeof(block));
	for (size_t i = 0; i < n; i++) {
		int64_t start_ns = now_ns();

		if (pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)) != BLOCK ||
		    fdatasync(fd) == -1)
			return (-1);
		took_ns[i] = now_ns() - start_ns;
	}
	qsort(took_ns, n, sizeof(*took_ns), by_value);
	*ret_us = (double)took_ns[n / 2] / 1000;
	return (0);
}

int
main(int argc, char **argv)
{
	double append_us = 0, over_us = 0;
	int64_t *took_ns;
	char path[4096];
	long n;
	int fd, rc;

	if (argc != 3 || (n = strtol(argv[2], NULL, 10)) < 1 || n > COUNT_MAX) {
		(void)fputs("usage: sync_probe FOLDER COUNT\n", stderr);
		return (2);
	}
	(void)snprintf(path, sizeof(path), "%s/sync_probe.XXXXXX", argv[1]);
	if ((fd = mkstemp(path)) == -1 ||
	    (took_ns = calloc((size_t)n, sizeof(*took_ns))) == NULL) {
		perror(path);
		return (1);
	}
	(void)unlink(path);
	rc = probe(fd, took_ns, (size_t)n, &append_us) == -1 ||
	     probe(fd, took_ns, (size_t)n, &over_us) == -1;
	if (rc != 0)
		perror("sync_probe");
	else
		(void)printf("{\"append_us\": %.1f, \"overwrite_us\": %.1f}\n",
		    append_us, over_us);
	free(took_ns);
	(void)close(fd);
	return (rc);
}
