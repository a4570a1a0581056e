#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

/* Read a file of /proc/PID. Returns 0, or -1. */
static int
proc_file(int pid, const char *name, char *ret_text, size_t size)
{
	char path[64];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	len = fread(ret_text, 1, size - 1, f);
	ret_text[len] = '\0';
	(void)fclose(f);
	return (0);
}

/* The number behind a name in a file of /proc/PID; 0 if it is not there. */
static int64_t
proc_number(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	long long value = 0;

	if (at != NULL)
		(void)sscanf(at + strlen(name), "%lld", &value);
	return (value);
}

/* utime, stime, cutime and cstime: fields 14 to 17, behind "(name)". */
static int64_t
proc_ticks(const char *text)
{
	unsigned long long u = 0, s = 0, cu = 0, cs = 0;
	const char *at = strrchr(text, ')');

	if (at == NULL || sscanf(at + 2,
			      "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			      "%llu %llu %llu %llu",
			      &u, &s, &cu, &cs) != 4)
		return (0);
	return ((int64_t)(u + s + cu + cs));
}

void
proc_read(int pid, struct proc *ret_proc)
{
	char text[4096];

	memset(ret_proc, 0, sizeof(*ret_proc));
	if (proc_file(pid, "stat", text, sizeof(text)) == 0)
		ret_proc->cpu_us =
		    proc_ticks(text) * 1000000 / sysconf(_SC_CLK_TCK);
	if (proc_file(pid, "status", text, sizeof(text)) == 0) {
		ret_proc->rss_kb = proc_number(text, "VmRSS:");
		ret_proc->peak_kb = proc_number(text, "VmHWM:");
		ret_proc->threads = proc_number(text, "Threads:");
	}
	if (proc_file(pid, "io", text, sizeof(text)) == 0)
		ret_proc->written = proc_number(text, "\nwrite_bytes:");
}
