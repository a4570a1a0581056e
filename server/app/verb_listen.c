/*
 * The far side of a hub on a developer's machine: klikitd dev whose events are
 * fetched, with a store that is gone when it ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/dev_forward.h"
#include "server/app/listen_dir.h"
#include "server/app/server.h"
#include "server/app/verb_table.h"
#include "server/cli/process_guard.h"
#include "server/cli/verb.h"

#define HANDLER "listen"
#define OWN_FLAGS 5 /* pairs that a configuration cannot change */

/* What its configuration is made of. */
struct listening {
	struct config_hub hub;
	char *token_file, *ca_file, *secret_file; /* absolute; or NULL */
	const char **flags;
};

/* An absolute path; NULL when out of memory, or if there is no flag. */
static char *
path_flag(const struct verb_args *args, const char *name)
{
	const char *path = verb_flag(args, name, 0);
	char *dir, *whole = NULL;

	if (path == NULL || path[0] == '/' || path[0] == '\0')
		return (path == NULL ? NULL : strdup(path));
	if ((dir = getcwd(NULL, 0)) != NULL &&
	    asprintf(&whole, "%s/%s", dir, path) == -1)
		whole = NULL;
	free(dir);
	return (whole);
}

static const char *
token_variable(void)
{
	const size_t len = strlen(CONFIG_ENV_TOKEN);

	for (const char *const *env = process_environment(); *env != NULL;
	     env++) {
		if (strncmp(*env, CONFIG_ENV_TOKEN, len) == 0 &&
		    (*env)[len] == '=' && (*env)[len + 1] != '\0')
			return (*env + len + 1);
	}
	return (NULL);
}

static void
set_hub(struct listening *l, const struct verb_args *args)
{
	struct config_hub_key *k = l->hub.keys;

	l->hub.name = "hub";
	*k++ = (struct config_hub_key){ "url", args->words[0], "URL: " };
	if (l->token_file != NULL)
		*k++ = (struct config_hub_key){ "token_file", l->token_file,
			"--token-file: " };
	else
		l->hub.token = token_variable();
	if (l->ca_file != NULL)
		*k++ = (struct config_hub_key){ "ca_file", l->ca_file,
			"--ca-file: " };
	/* A secret that was named is to be proved; else the hub's word is. */
	if (l->secret_file == NULL)
		*k++ = (struct config_hub_key){ "trust", "hub", "" };
}

/* The given flags, and those that make it what it is, which win. */
static int
set_flags(struct listening *l, const struct verb_args *args,
    const struct listen_dir *dir, struct config_source *source)
{
	const char *const own[2 * OWN_FLAGS] = {
		"http.listen",
		"127.0.0.1:0",
		"store.url",
		dir->store,
		"klikit.secret_file",
		l->secret_file == NULL ? "" : l->secret_file,
		"tls.certificate",
		"",
		"tls.key",
		"",
	};
	size_t n = args->nconfig_flags;

	if ((l->flags = calloc(2 * (n + OWN_FLAGS), sizeof(char *))) == NULL)
		return (-1);
	if (n > 0)
		memcpy(l->flags, args->config_flags, 2 * n * sizeof(char *));
	memcpy(l->flags + 2 * n, own, sizeof(own));
	source->flags = l->flags;
	source->nflags = n + OWN_FLAGS;
	return (0);
}

/* server_options: print what the developer can do now. */
static void
listen_ready(const struct server_ready *r)
{
	char target[HANDLER_REASON_MAX];

	config_target(r->cfg, HANDLER, target);
	(void)printf("\n"
		     "klikitd listen fetches events from\n"
		     "    %s\n"
		     "and hands each one to\n"
		     "    %s\n",
	    config_upstream_find(r->cfg, "hub")->url, target);
	if (r->admin_url[0] != '\0')
		(void)printf("It shows them, as they come, at\n"
			     "    %s/\n",
		    r->admin_url);
	(void)printf("It keeps them in a folder that is gone when it ends. "
		     "What comes here goes to\n"
		     "nobody else who pulls under this name.\n\n");
	(void)printf(r->keys ? "Keys: r sends the newest event again, o opens "
			       "the page, q quits.\n\n"
			     : "Stop with Ctrl-C.\n\n");
	(void)fflush(stdout);
}

static enum verb_exit
listen_fail(const char *reason)
{
	(void)fprintf(stderr, "klikitd listen: %s\n", reason);
	return (VERB_FAILED);
}

/* Serve with that folder, and say what was left. */
static enum verb_exit
listen_serve(const struct verb_args *args, struct listening *l,
    const struct listen_dir *dir)
{
	struct config_source source =
	    verb_config_source(args, CONFIG_SERVER, true);
	struct server_options opt = { .source = &source,
		.dev = true,
		.ready = listen_ready };
	int rc;

	source.hub = &l->hub;
	source.extra = dev_forward(HANDLER, verb_flag(args, "forward-to", 0));
	if (set_flags(l, args, dir, &source) == -1)
		return (listen_fail("out of memory"));
	if ((opt.cfg = verb_config_serve(&source)) == NULL)
		return (VERB_FAILED);
	rc = server_run(&opt);
	if (listen_dir_tell(dir, HANDLER, "klikitd listen") != LISTEN_LEFT_NONE)
		rc = -1;
	return (rc == 0 ? VERB_DONE : VERB_FAILED);
}

static enum verb_exit
verb_listen_run(const struct verb_args *args)
{
	struct listening l = { 0 };
	char reason[LISTEN_DIR_REASON_MAX];
	struct listen_dir dir;
	enum verb_exit rc;

	if (!verb_has(args, "forward-to"))
		return (verb_usage(args,
		    "needs --forward-to URL, where the events go"));
	l.token_file = path_flag(args, "token-file");
	l.ca_file = path_flag(args, "ca-file");
	l.secret_file = path_flag(args, "secret-file");
	set_hub(&l, args);
	if (l.token_file == NULL && l.hub.token == NULL)
		rc =
		    verb_usage(args, "needs the hub's token: --token-file "
				     "FILE, or the variable " CONFIG_ENV_TOKEN);
	else if (listen_dir_make(&dir, reason) == -1)
		rc = listen_fail(reason);
	else {
		listen_dir_sweep(HANDLER);
		rc = listen_serve(args, &l, &dir);
		listen_dir_remove(&dir);
	}
	free(l.token_file);
	free(l.ca_file);
	free(l.secret_file);
	free(l.flags);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "forward-to", "URL", "POST each event to URL, and show the answers",
	    false },
	{ "token-file", "FILE", "the token that the hub knows for this name",
	    false },
	{ "ca-file", "FILE", "who may vouch for the hub's certificate (PEM)",
	    false },
	{ "secret-file", "FILE", "klikit's secret: verify each signature again",
	    false },
	{ 0 },
};

const struct verb verb_listen = {
	.name = "listen",
	.words = "URL",
	.text = "Fetch a hub's events for a program on this machine",
	.more =
	    "URL is that of a handler of type pull at the hub, "
	    "https://HUB/pull/NAME. Give a\n"
	    "developer one of his own: what is fetched here goes to nobody "
	    "else who pulls\n"
	    "under the same name. The token may stand in " CONFIG_ENV_TOKEN
	    " as well.\n"
	    "\n"
	    "  klikitd listen https://hub.example.com/pull/dev-ann \\\n"
	    "      --token-file token --forward-to http://127.0.0.1:3000/hook\n"
	    "\n"
	    "Lines, keys and the page are those of klikitd dev. The hub hears "
	    "that an event\n"
	    "is done when it is stored here, in a folder in $TMPDIR or /tmp "
	    "that is removed\n"
	    "at the end. What has not been forwarded by then is said, by event "
	    "id, and the\n"
	    "exit code is 1: the hub has it, and klikitd replay there sends it "
	    "again. After a\n"
	    "crash the next klikitd listen says it. Without --secret-file the "
	    "hub's word is\n"
	    "enough; with it an event of another secret is refused, and dead "
	    "at the hub.\n",
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.alone = true,
	.run = verb_listen_run,
};
