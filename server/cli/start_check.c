#include "server/cli/start_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/address.h"
#include "server/base/log.h"
#include "server/cli/proc.h"
#include "server/cli/served.h"
#include "server/http/http_address.h"
#include "server/service/run_as.h"
#include "store/store.h"

#define LINE_MAX_LEN (STORE_REASON_MAX + 64)

struct start {
	const struct config *cfg;
	const struct listen_fds *sockets; /* NULL: another process starts */
	config_error_fn *error;
	void *arg;
	size_t errors;
};

static void __attribute__((format(printf, 2, 3)))
start_error(struct start *st, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	st->error(line, st->arg);
	st->errors++;
}

/* As root: who else will open the store? */
static bool
will_be_another(const struct start *st, struct run_as *ret_user)
{
	char reason[RUN_AS_REASON_MAX];

	return (geteuid() == 0 && st->cfg->process_user[0] != '\0' &&
		run_as_find(st->cfg->process_user, ret_user, reason) == 0);
}

static void
check_store(struct start *st)
{
	char reason[STORE_REASON_MAX];
	enum store_found found;
	enum store_rc rc;
	struct run_as user;
	bool as_user = will_be_another(st, &user) && run_as_try(&user) == 0;

	rc = store_would_open(st->cfg->store_url, &found, reason);
	if (as_user)
		run_as_end_try();
	if (rc != STORE_OK && as_user)
		start_error(st, "as %s: %s", user.name, reason);
	else if (rc != STORE_OK)
		start_error(st, "%s", reason);
}

/* Is it a server of this very store that has the port? */
static bool
is_our_port(const struct start *st, const char *address)
{
	pid_t pid = proc_listener(address_port(address));
	struct served served;

	served_find(st->cfg, NULL, &served);
	return (pid == 0 ? served.n > 0 : served_has(&served, pid));
}

static void
check_listen(struct start *st, const char *key, enum listen_key which,
    const struct key_list *list)
{
	char reason[HTTP_ADDRESS_REASON_MAX];
	const char *address;
	int error;

	for (size_t i = 0; i < list->n; i++) {
		address = list->items[i];
		if (st->sockets != NULL &&
		    listen_fds_has(st->sockets, which, address))
			continue;
		if ((error = http_address_test(address)) == 0)
			continue;
		if (error == EADDRINUSE &&
		    (st->sockets != NULL || is_our_port(st, address)))
			continue;
		http_address_reason(address, error, reason);
		start_error(st, "%s: %s", key, reason);
	}
}

static void
check_public(struct start *st)
{
	if (st->sockets == NULL || !listen_fds_has_http(st->sockets))
		check_listen(st, "http.listen", LISTEN_HTTP,
		    &st->cfg->http_listen);
	check_listen(st, "http.plain_listen", LISTEN_PLAIN,
	    &st->cfg->http_plain_listen);
	check_listen(st, "http.proxy_listen", LISTEN_PROXY,
	    &st->cfg->http_proxy_listen);
}

static void
check_admin(struct start *st)
{
	check_listen(st, "admin.listen", LISTEN_ADMIN, &st->cfg->admin_listen);
}

static void (*const checks[])(struct start *st) = {
	check_store,
	check_admin,
	check_public,
};

size_t
start_check(const struct config *cfg, const struct listen_fds *sockets,
    config_error_fn *error, void *arg)
{
	struct start st = { .cfg = cfg,
		.sockets = sockets,
		.error = error,
		.arg = arg };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&st);
	return (st.errors);
}
