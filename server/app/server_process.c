/*
 * server_process.c -- from root to the user of the configuration, and from all
 * of the file system to what klikitd needs of it.
 *
 * Programs of handlers would be shut in as well, without a way out, and could
 * not be those of other users (sudo, sendmail). So who has such a handler is
 * not shut in, and who is shut in gets none by a reload.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/server_http.h"
#include "server/app/server_parts.h"
#include "server/app/server_process.h"
#include "server/app/server_sockets.h"
#include "server/base/log.h"
#include "server/cli/process_guard.h"
#include "server/service/run_as.h"
#include "server/service/sandbox.h"

/* -- The user -- */

/* Be the user of the configuration. Returns 0, or -1, logged. */
static int
become_user(struct server *s)
{
	struct run_as user;
	char reason[RUN_AS_REASON_MAX];

	if (s->cfg->process_user[0] == '\0')
		return (0);
	if (geteuid() != 0) {
		log_debug("process.user: not started as root: the user stays");
		return (0);
	}
	if (server_bind_sockets(s) == -1)
		return (-1);
	if (run_as_find(s->cfg->process_user, &user, reason) == -1 ||
	    run_as_become(&user, reason) == -1) {
		log_error("cannot start: process.user: %s", reason);
		return (-1);
	}
	process_guard_memory(); /* the kernel forgot that with the ids */
	log_info("root no longer: the user is %s from now on", user.name);
	return (0);
}

/* -- The sandbox -- */

/* What starts a program: the name of a handler, or a key; NULL: nothing. */
static const char *
program_of(const struct config *cfg)
{
	/* A backup is made by klikitd itself, but as a program of its own. */
	if (cfg->backup_every_ms > 0 && cfg->backup_dir != NULL)
		return ("backup.every");
	for (size_t i = 0; i < cfg->nhandlers; i++) {
		const struct config_handler *h = &cfg->handlers[i];

		if (h->type->program != NULL &&
		    h->type->program(h->settings) != NULL)
			return (h->name);
	}
	return (NULL);
}

/* The files that keys of a table name. */
static void
allow_keys(struct sandbox *box, const struct key *keys, const void *settings)
{
	for (; keys != NULL && keys->name != NULL; keys++) {
		if (keys->kind == KEY_PATH || keys->kind == KEY_SECRET)
			sandbox_allow_folder(box, SANDBOX_READ,
			    config_file_of(keys, settings));
	}
}

static void
allow_configuration(struct sandbox *box, const struct config *cfg)
{
	sandbox_allow_folder(box, SANDBOX_READ, cfg->path);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->secret_file);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->tls_certificate);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->tls_key);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->admin_token_file);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->probe_ca_file);
	sandbox_allow_folder(box, SANDBOX_READ,
	    cfg->reconcile.credentials_file);
	sandbox_allow_folder(box, SANDBOX_READ, cfg->reconcile.ca_file);
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		if (cfg->secrets[i].source[0] == '/')
			sandbox_allow_folder(box, SANDBOX_READ,
			    cfg->secrets[i].source);
	}
	for (size_t i = 0; i < cfg->nupstreams; i++) {
		sandbox_allow_folder(box, SANDBOX_READ,
		    cfg->upstreams[i].token_file);
		sandbox_allow_folder(box, SANDBOX_READ,
		    cfg->upstreams[i].ca_file);
	}
	for (size_t i = 0; i < cfg->nhandlers; i++)
		allow_keys(box, cfg->handlers[i].type->keys,
		    cfg->handlers[i].settings);
}

/*
 * What libraries read: certificates, time zones, name servers, the keys of
 * clouds and of libpq, for which variables name files or folders.
 */
static void
allow_system(struct sandbox *box, const char *const *env)
{
	static const char *const read[] = { "/etc", "/usr/share", "/usr/lib",
		"/lib", "/run/systemd/resolve", "/proc",
		"/sys/devices/system/cpu", "/dev/urandom", "/dev/tty" };
	const char *value;

	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		sandbox_allow(box, SANDBOX_READ, read[i]);
	sandbox_allow(box, SANDBOX_WRITE, "/dev/null");
	for (; *env != NULL; env++) {
		value = strchr(*env, '=');
		if (value != NULL && value[1] == '/' && value[2] != '\0')
			sandbox_allow(box, SANDBOX_READ, value + 1);
	}
}

static void
allow_store(struct sandbox *box, const char *url)
{
	char path[PATH_MAX];

	if (store_traits(url)->is_file && store_locate(url, path) == 0)
		sandbox_allow_folder(box, SANDBOX_WRITE, path);
}

static void
enter_sandbox(struct server *s)
{
	const char *who = program_of(s->cfg);
	struct sandbox *box;
	char reason[SANDBOX_REASON_MAX];

	if (!s->cfg->process_sandbox || s->webhooks.dev)
		return;
	if (who != NULL) {
		log_info("sandbox: none: %s starts a program", log_text(who));
		return;
	}
	if ((box = calloc(1, sizeof(*box))) == NULL) {
		log_warn("sandbox: none: out of memory");
		return;
	}
	allow_system(box, s->source->env);
	allow_configuration(box, s->cfg);
	allow_store(box, s->cfg->store_url);
	switch (sandbox_enter(box, reason)) {
	case SANDBOX_OK:
		s->service.sandboxed = true;
		log_info("sandbox: entered: programs cannot be started, and "
			 "files written only beside the store");
		break;
	case SANDBOX_ABSENT:
		log_info("sandbox: none: this kernel has no Landlock");
		break;
	case SANDBOX_FAILED:
		log_warn("sandbox: none: %s", reason);
		break;
	}
	sandbox_fini(box);
	free(box);
}

bool
server_process_allows(const struct server *s, const struct config *next)
{
	const char *who = program_of(next);

	if (!s->service.sandboxed || who == NULL)
		return (true);
	log_error("reload: refused: %s starts a program, and this klikitd has "
		  "shut itself off from that at its start: restart it",
	    log_text(who));
	return (false);
}

int
server_open_process(struct server *s)
{
	char reason[TLS_REASON_MAX];

	if (server_open_sockets(s) == -1)
		return (-1);
	if (server_load_tls(s->cfg, &s->front.tls, reason) == -1) {
		log_error("cannot start: %s", reason);
		return (-1);
	}
	if (become_user(s) == -1)
		return (-1);
	enter_sandbox(s);
	return (0);
}
