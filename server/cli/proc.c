#include "server/cli/proc.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "store/store.h"

#define LINE_SIZE 512
#define COMM_SIZE 64
#define TCP_LISTEN 0x0a

/* Who holds a lock (flock) on the file? 0: nobody, or it is not known. */
static pid_t
proc_locker(const char *path)
{
	unsigned major_no, minor_no;
	unsigned long inode;
	char line[LINE_SIZE];
	struct stat st;
	pid_t found = 0;
	int pid;
	FILE *in;

	if (stat(path, &st) == -1 || (in = fopen("/proc/locks", "re")) == NULL)
		return (0);
	/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" */
	while (found == 0 && fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%lu", &pid,
			&major_no, &minor_no, &inode) == 4 &&
		    inode == st.st_ino && major_no == major(st.st_dev) &&
		    minor_no == minor(st.st_dev))
			found = (pid_t)pid;
	}
	(void)fclose(in);
	return (found);
}

pid_t
proc_server(const char *store_url)
{
	char lock[PATH_MAX + 8], path[PATH_MAX];

	if (store_locate(store_url, path) == -1)
		return (0);
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	return (proc_locker(lock));
}

void
proc_receiver_name(char ret_name[PROC_RECEIVER_MAX])
{
	char host[HOST_NAME_MAX + 1] = "?";

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(ret_name, PROC_RECEIVER_MAX, "%s/%ld", host,
	    (long)getpid());
}

pid_t
proc_receiver(const char *name)
{
	char host[HOST_NAME_MAX + 1] = "?", path[64];
	const char *slash = strrchr(name, '/');
	long pid;

	(void)gethostname(host, sizeof(host) - 1);
	if (slash == NULL || (size_t)(slash - name) != strlen(host) ||
	    strncmp(name, host, strlen(host)) != 0)
		return (0);
	pid = strtol(slash + 1, NULL, 10);
	(void)snprintf(path, sizeof(path), "/proc/%ld", pid);
	return (pid > 0 && access(path, F_OK) == 0 ? (pid_t)pid : 0);
}

/* The socket that listens on a port. */
struct listening {
	unsigned long inode; /* 0: there is none */
	uid_t owner;
};

static void
find_in_table(const char *table, unsigned port, struct listening *ret)
{
	unsigned local, owner, state;
	char line[LINE_SIZE];
	unsigned long inode;
	FILE *in;

	if (ret->inode != 0 || (in = fopen(table, "re")) == NULL)
		return;
	/* "0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 12345 ..." */
	while (ret->inode == 0 && fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line,
			"%*s %*[0-9A-F]:%x %*s %x %*s %*s %*s %u %*s %lu",
			&local, &state, &owner, &inode) == 4 &&
		    local == port && state == TCP_LISTEN) {
			ret->inode = inode;
			ret->owner = (uid_t)owner;
		}
	}
	(void)fclose(in);
}

static struct listening
find_listening(unsigned port)
{
	struct listening found = { 0 };

	find_in_table("/proc/net/tcp", port, &found);
	find_in_table("/proc/net/tcp6", port, &found);
	return (found);
}

/* Has the process that socket open? */
static bool
has_socket(const char *pid, unsigned long inode)
{
	char dir[64], path[PATH_MAX], target[64], wanted[64];
	struct dirent *entry;
	bool found = false;
	ssize_t n;
	DIR *fds;

	(void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	(void)snprintf(dir, sizeof(dir), "/proc/%.20s/fd", pid);
	if ((fds = opendir(dir)) == NULL)
		return (false);
	while (!found && (entry = readdir(fds)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if ((n = readlink(path, target, sizeof(target) - 1)) <= 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	(void)closedir(fds);
	return (found);
}

pid_t
proc_listener(unsigned port)
{
	const struct listening l = find_listening(port);
	struct dirent *entry;
	pid_t found = 0;
	DIR *proc;

	if (l.inode == 0 || (proc = opendir("/proc")) == NULL)
		return (0);
	while (found == 0 && (entry = readdir(proc)) != NULL) {
		if (strspn(entry->d_name, "0123456789") ==
			strlen(entry->d_name) &&
		    has_socket(entry->d_name, l.inode))
			found = (pid_t)atoi(entry->d_name);
	}
	(void)closedir(proc);
	return (found);
}

bool
proc_may_listen(pid_t pid, unsigned port)
{
	const struct listening l = find_listening(port);
	char path[64], line[LINE_SIZE];
	bool same = false;
	unsigned owner;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (l.inode == 0 || access(path, R_OK | X_OK) == 0)
		return (false);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((in = fopen(path, "re")) == NULL)
		return (false);
	while (fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "Uid: %*u %u", &owner) == 1)
			same = owner == l.owner;
	}
	(void)fclose(in);
	return (same);
}

const char *
proc_name(pid_t pid)
{
	char path[64], name[COMM_SIZE] = "";
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if ((in = fopen(path, "re")) != NULL) {
		if (fgets(name, sizeof(name), in) != NULL)
			name[strcspn(name, "\n")] = '\0';
		(void)fclose(in);
	}
	return (log_text(name[0] == '\0' ? "another process" : name));
}
