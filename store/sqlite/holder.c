/*
 * Who reads an old state of the store, so that its log cannot start over. By
 * the system's list of locks: to ask for them with fcntl() the file would have
 * to be opened, and closing it again would end our own locks on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite.h"

/* The bytes of the -shm that SQLite's readers lock, one for each snapshot. */
#define READ_MARK_FIRST 123
#define READ_MARK_LAST 127

/* Another process with a lock of that kind; 0: none, or it cannot be known. */
static long
holder_process(const char *path)
{
	unsigned long long inode, from;
	char name[PATH_MAX], line[256];
	long pid, found = 0;
	struct stat sb;
	FILE *in;

	(void)snprintf(name, sizeof(name), "%s-shm", path);
	if (stat(name, &sb) == -1 || (in = fopen("/proc/locks", "re")) == NULL)
		return (0);
	/* "1: POSIX  ADVISORY  READ 1234 08:01:5678 123 123" */
	while (found == 0 && fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "%*s POSIX %*s READ %ld %*x:%*x:%llu %llu",
			&pid, &inode, &from) == 3 &&
		    inode == sb.st_ino && from >= READ_MARK_FIRST &&
		    from <= READ_MARK_LAST && pid != (long)getpid())
			found = pid;
	}
	(void)fclose(in);
	return (found);
}

/* A process's name; without control characters, for it is another's word. */
static void
holder_name(long pid, char ret_name[HOLDER_MAX])
{
	char path[64];
	FILE *in;

	ret_name[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	if ((in = fopen(path, "re")) == NULL)
		return;
	if (fgets(ret_name, HOLDER_MAX, in) == NULL)
		ret_name[0] = '\0';
	ret_name[strcspn(ret_name, "\n")] = '\0';
	for (char *p = ret_name; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	(void)fclose(in);
}

void
holder_of_log(const struct sqlite_store *s, char ret_text[HOLDER_MAX])
{
	long pid = holder_process(s->path);
	char name[HOLDER_MAX];

	if (pid != 0) {
		holder_name(pid, name);
		(void)snprintf(ret_text, HOLDER_MAX,
		    "process %ld (%.40s) reads an old state: end it, or its "
		    "transaction",
		    pid, name);
	} else {
		(void)snprintf(ret_text, HOLDER_MAX, "%s",
		    atomic_load(&s->reading)
			? "klikitd itself reads it, for a check or a copy: the "
			  "log shrinks after that"
			: "it is not known which process reads an old state: "
			  "end SQL shells and backups");
	}
}
