/*
 * The user that serve is to become. As root one can see what that user will not
 * be able to do; a HUP reads the files again as that user.
 */
#include <string.h>
#include <unistd.h>

#include "server/config/config_check.h"
#include "server/config/config_draft.h"
#include "server/service/run_as.h"

static void
check_file(struct config_draft *d, const struct run_as *user, const char *key,
    const char *path)
{
	if (path != NULL && path[0] == '/' && access(path, R_OK) == 0 &&
	    !run_as_can_read(user, path))
		config_draft_warn(d,
		    "%s: %s cannot be read by %s: it is at the start, as root, "
		    "but a HUP will be refused",
		    key, path, user->name);
}

static void
check_keys(struct config_draft *d, const struct run_as *user,
    const struct key *keys, const void *settings)
{
	for (; keys != NULL && keys->name != NULL; keys++) {
		if (keys->kind == KEY_PATH || keys->kind == KEY_SECRET)
			check_file(d, user, keys->name,
			    config_file_of(keys, settings));
	}
}

void
config_check_user(struct config_draft *d)
{
	const struct config *cfg = d->cfg;
	char reason[RUN_AS_REASON_MAX];
	struct run_as user;

	if (cfg->process_user == NULL || cfg->process_user[0] == '\0')
		return;
	if (run_as_find(cfg->process_user, &user, reason) == -1) {
		config_draft_error(d, "process.user: %s", reason);
		return;
	}
	if (geteuid() != 0)
		return;
	check_file(d, &user, "the configuration", cfg->path);
	check_file(d, &user, "tls.certificate", cfg->tls_certificate);
	check_file(d, &user, "tls.key", cfg->tls_key);
	check_file(d, &user, "admin.token_file", cfg->admin_token_file);
	check_file(d, &user, "probe.ca_file", cfg->probe_ca_file);
	check_file(d, &user, "reconcile.credentials_file",
	    cfg->reconcile.credentials_file);
	check_file(d, &user, "reconcile.ca_file", cfg->reconcile.ca_file);
	for (size_t i = 0; i < cfg->nsecrets; i++)
		check_file(d, &user, cfg->secrets[i].name,
		    cfg->secrets[i].source);
	for (size_t i = 0; i < cfg->nupstreams; i++)
		check_keys(d, &user, config_upstream_keys, &cfg->upstreams[i]);
	for (size_t i = 0; i < cfg->nhandlers; i++)
		check_keys(d, &user, cfg->handlers[i].type->keys,
		    cfg->handlers[i].settings);
}
