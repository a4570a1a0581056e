/*
 * The checks of what comes in and goes out: our ports, and the handlers.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/exec/program.h"
#include "server/base/address.h"
#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/handler_try.h"
#include "server/http/http_address.h"
#include "store/base/arena.h"

/* -- Ports -- */

static void
port_in_use(struct doctor *d, const char *key, const char *address,
    unsigned port)
{
	pid_t pid = proc_listener(port);

	if (pid != 0 && served_has(&d->servers, pid))
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %s: klikitd itself listens there (pid %d)", key,
		    address, (int)pid);
	else if (pid != 0)
		doctor_report(d, DOCTOR_FAIL,
		    "stop that program, or choose another port",
		    "%s: %s: is taken by %s (pid %d)", key, address,
		    proc_name(pid), (int)pid);
	else if (d->holder != 0 && proc_may_listen(d->holder, port))
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %s: the klikitd that runs (pid %d), or another "
		    "program of its user, listens there",
		    key, address, (int)d->holder);
	else if (d->holder != 0)
		doctor_report(d, DOCTOR_WARN,
		    "run doctor as root to see who that is",
		    "%s: %s: is taken, perhaps by the klikitd that runs (pid "
		    "%d)",
		    key, address, (int)d->holder);
	else
		doctor_report(d, DOCTOR_FAIL,
		    "stop that program (ss -ltnp names it to root), or choose "
		    "another port",
		    "%s: %s: is taken by another program", key, address);
}

static void
port_look(struct doctor *d, const char *key, const char *address)
{
	unsigned port = address_port(address);
	const char *text = log_text(address);
	int error;

	if (port == 0) {
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: %s: the kernel chooses the port", key, text);
		return;
	}
	switch (error = http_address_test(address)) {
	case 0:
		doctor_report(d, DOCTOR_OK, NULL, "%s: %s: free", key, text);
		break;
	case EADDRINUSE:
		port_in_use(d, key, text, port);
		break;
	case EACCES:
		doctor_report(d, DOCTOR_FAIL,
		    port < 1024 ? "choose a port above 1023, or give klikitd "
				  "CAP_NET_BIND_SERVICE"
				: "allow klikitd the port (SELinux: semanage "
				  "port), or choose another",
		    port < 1024
			? "%s: %s: ports below 1024 need a privilege"
			: "%s: %s: this system's security policy forbids it",
		    key, text);
		break;
	case EADDRNOTAVAIL:
		doctor_report(d, DOCTOR_FAIL,
		    "name one of its addresses (ip address), or * for all",
		    "%s: %s: this machine has no such address", key, text);
		break;
	default:
		doctor_report(d, DOCTOR_FAIL, "choose another address",
		    "%s: %s: %s", key, text, strerror(error));
		break;
	}
}

static void
ports_of(struct doctor *d, const char *key, const struct key_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		port_look(d, key, list->items[i]);
}

void
doctor_ports(struct doctor *d)
{
	ports_of(d, "http.listen", &d->cfg->http_listen);
	ports_of(d, "http.plain_listen", &d->cfg->http_plain_listen);
	ports_of(d, "http.proxy_listen", &d->cfg->http_proxy_listen);
	ports_of(d, "admin.listen", &d->cfg->admin_listen);
}

/* -- Handlers -- */

static void
try_program(struct doctor *d, const struct config_handler *h,
    const char *program)
{
	char reason[HANDLER_REASON_MAX];
	struct arena memory = { 0 };
	const char *path;

	if (program_find(&memory, program, &path, reason) == 0)
		doctor_report(d, DOCTOR_OK, NULL, "%s: %s: can be run",
		    log_text(h->name), log_text(path));
	else
		doctor_report(d, DOCTOR_FAIL,
		    "install it, or chmod +x it, for klikitd's user", "%s: %s",
		    log_text(h->name), reason);
	arena_fini(&memory);
}

/* A handler whose far side is tried. */
struct tried {
	struct doctor *d;
	const char *name;
};

/* handler_tried_fn */
static void
tried_cb(enum handler_level level, const char *text, const char *advice,
    void *arg)
{
	static const enum doctor_level levels[] = {
		[HANDLER_FINE] = DOCTOR_OK,
		[HANDLER_DOUBTFUL] = DOCTOR_WARN,
		[HANDLER_WRONG] = DOCTOR_FAIL,
	};
	const struct tried *t = arg;

	doctor_report(t->d, levels[level], advice, "%s: %s", log_text(t->name),
	    log_text(text));
}

/* Try what its type says. Returns whether there was anything. */
static bool
try_handler(struct doctor *d, const struct config_handler *h)
{
	const char *program = NULL;
	struct tried t = { d, h->name };

	if (h->type->program != NULL &&
	    (program = h->type->program(h->settings)) != NULL)
		try_program(d, h, program);
	/* Without its secrets it would be let in nowhere. */
	return ((d->opt->network && d->whole &&
		    handler_try(d->cfg, h, tried_cb, &t)) ||
		program != NULL);
}

void
doctor_handlers(struct doctor *d)
{
	size_t looked = 0;

	for (size_t i = 0; i < d->cfg->nhandlers; i++)
		looked += try_handler(d, &d->cfg->handlers[i]);
	if (looked == 0)
		doctor_report(d, DOCTOR_OK, NULL,
		    "none that calls out was looked at");
}
