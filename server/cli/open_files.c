#include "server/cli/open_files.h"

#include <sys/resource.h>

#include "handlers/handler.h"
#include "server/admin/admin_listener.h"
#include "server/config/config.h"
#include "server/http/http.h"

/*
 * The store with a backup, a check, and SQLite's temporary files under way;
 * the resolver, the loop, the log, a program that is being started, and what
 * came with the process.
 */
#define BESIDE 64

/* With fewer public connections than that nothing is served. */
#define CONNECTIONS_MIN 16

uint64_t
open_files_raise(void)
{
	struct rlimit limit;
	uint64_t before;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return (OPEN_FILES_UNKNOWN);
	before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else it stays as it was */
	return (before);
}

uint64_t
open_files_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return (OPEN_FILES_UNKNOWN);
	return (limit.rlim_cur);
}

size_t
open_files_kept(const struct config *cfg)
{
	size_t n = BESIDE + HTTP_ROOM_OVER;

	n += cfg->http_listen.n + cfg->http_plain_listen.n +
	     cfg->http_proxy_listen.n;
	if (cfg->admin_listen.n > 0)
		n += 1 + ADMIN_LISTENER_CONNECTIONS + HTTP_ROOM_OVER;
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct handler *type = cfg->handlers[i].type;

		n += type->files * (size_t)cfg->handlers[i].concurrency;
		/* After a reload the attempts of before end on theirs. */
		n += 2 * type->shared_files;
	}
	return (n);
}

size_t
open_files_connections(const struct config *cfg, uint64_t limit)
{
	size_t wanted = (size_t)cfg->http_max_connections;
	size_t kept = open_files_kept(cfg);
	uint64_t left = limit > kept ? limit - kept : 0;

	if (left < CONNECTIONS_MIN)
		left = CONNECTIONS_MIN;
	return (wanted < left ? wanted : (size_t)left);
}
