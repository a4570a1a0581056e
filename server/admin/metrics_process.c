/*
 * metrics_process.c -- what the process takes of the machine, by the names that
 * Prometheus' client libraries use for it.
 */
#include <sys/resource.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"

/* How many files are open, or -1. */
static int64_t
open_files(void)
{
	const struct dirent *entry;
	int64_t n = 0;
	DIR *dir;

	if ((dir = opendir("/proc/self/fd")) == NULL)
		return (-1);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return (n - 1); /* but for the folder itself */
}

/* A sample, if it is known. */
static void
print_known(FILE *f, const char *name, const char *help, int64_t value)
{
	metrics_family(f, name, METRICS_GAUGE, help);
	if (value >= 0)
		metrics_count(f, name, NULL, (uint64_t)value);
}

static void
print_memory(FILE *f)
{
	int64_t pages[2] = { -1, -1 }, page = sysconf(_SC_PAGESIZE);
	FILE *in;

	if ((in = fopen("/proc/self/statm", "re")) != NULL) {
		if (fscanf(in, "%" SCNd64 " %" SCNd64, &pages[0], &pages[1]) !=
		    2)
			pages[0] = pages[1] = -1;
		(void)fclose(in);
	}
	print_known(f, "process_virtual_memory_bytes",
	    "Virtual memory size in bytes.", pages[0] * page);
	print_known(f, "process_resident_memory_bytes",
	    "Resident memory size in bytes.", pages[1] * page);
}

static void
print_files(FILE *f)
{
	struct rlimit limit;
	int64_t max = -1;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		max = (int64_t)limit.rlim_cur;
	print_known(f, "process_open_fds", "Number of open file descriptors.",
	    open_files());
	print_known(f, "process_max_fds",
	    "Maximum number of open file descriptors.", max);
}

void
metrics_print_process(FILE *f, const struct metrics_sources *from)
{
	static const char cpu[] = "process_cpu_seconds_total";
	static const char start[] = "process_start_time_seconds";
	struct timespec used;

	metrics_family(f, cpu, METRICS_COUNTER,
	    "Total user and system CPU time spent in seconds.");
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
		metrics_real(f, cpu, NULL,
		    (double)used.tv_sec + (double)used.tv_nsec / 1e9);
	metrics_family(f, start, METRICS_GAUGE,
	    "Start time of the process since unix epoch in seconds.");
	metrics_real(f, start, NULL, (double)from->started_at_ms / 1e3);
	print_memory(f);
	print_files(f);
}
