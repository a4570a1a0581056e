#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/dev_forward.h"
#include "server/app/server.h"
#include "server/app/verb_table.h"
#include "server/base/clock.h"
#include "server/cli/commands.h"
#include "server/cli/dev_dir.h"
#include "server/cli/verb.h"
#include "server/devtools/tls_dev.h"
#include "server/http/http_address.h"
#include "server/intake/webhook.h"

/* What the flags of the configuration become with --tls. */
struct dev_tls {
	char *ca;
	char *server;
	const char **flags; /* the given ones and two of our own */
};

static void
dev_tls_fini(struct dev_tls *tls)
{
	free(tls->ca);
	free(tls->server);
	free(tls->flags);
}

static enum verb_exit
dev_fail(const struct verb_args *args, const char *reason)
{
	(void)fprintf(stderr, "klikitd %s: %s\n", args->verb->name, reason);
	return (VERB_FAILED);
}

/* Make the certificates, and let the server use them. */
static int
dev_tls_make(const struct verb_args *args, struct config_source *source,
    struct dev_tls *ret_tls)
{
	char reason[TLS_DEV_REASON_MAX] = "out of memory";
	size_t n = source->nflags;
	char *dir = NULL;
	int rc = -1;

	ret_tls->ca = dev_dir_path(TLS_DEV_CA);
	ret_tls->server = dev_dir_path(TLS_DEV_SERVER);
	ret_tls->flags = calloc(2 * (n + 2), sizeof(char *));
	dir = config_dev_dir((const char *const *)environ);
	if (ret_tls->ca == NULL || ret_tls->server == NULL ||
	    ret_tls->flags == NULL || dir == NULL ||
	    tls_dev_make(dir, clock_wall_ms(), reason) == -1)
		goto out;
	if (n > 0)
		memcpy(ret_tls->flags, source->flags, 2 * n * sizeof(char *));
	ret_tls->flags[2 * n] = "tls.certificate";
	ret_tls->flags[2 * n + 1] = ret_tls->server;
	ret_tls->flags[2 * n + 2] = "tls.key";
	ret_tls->flags[2 * n + 3] = ret_tls->server;
	source->flags = ret_tls->flags;
	source->nflags = n + 2;
	rc = 0;
out:
	free(dir);
	if (rc == -1)
		(void)dev_fail(args, reason);
	return (rc);
}

/* -- What the developer reads -- */

static void
print_commands(const struct commands_place *place)
{
	char *trigger = commands_trigger(place);
	char *all = commands_trigger_all(place);
	char *curl = commands_curl(place);

	if (trigger != NULL && all != NULL)
		(void)printf("Send an event, from another terminal:\n"
			     "    %s\n"
			     "or one of every kind, also wrong ones:\n"
			     "    %s\n",
		    trigger, all);
	if (curl != NULL)
		(void)printf("or one by curl:\n"
			     "    %s\n",
		    curl);
	free(trigger);
	free(all);
	free(curl);
}

/* How other programs come to trust the certificate. */
static void
print_trust(const char *url, const char *ca_file)
{
	char *file;

	if ((file = commands_word(ca_file)) == NULL)
		return;
	(void)printf(
	    "Its certificate is of a CA made for this machine alone:\n");
	if (commands_have_curl())
		(void)printf("    curl --cacert %s %s/healthz\n", file, url);
	(void)printf("    NODE_EXTRA_CA_CERTS=%s for Node, SSL_CERT_FILE=%s "
		     "for Python\n",
	    file, file);
	free(file);
}

static void
print_tunnel(const char *url, const char *path)
{
	(void)printf(
	    "klikit reaches this machine by a tunnel only: start one to\n"
	    "%s (ssh -R, cloudflared, ngrok, ...), and have klikit\n"
	    "register its public address with %s behind it. Put the\n"
	    "secret that klikit gave you into KLIKIT_WEBHOOK_SECRET, and start "
	    "klikitd dev\n"
	    "again: deliveries then appear here.\n",
	    url, path);
}

/* server_options: print what the developer can do now. */
static void
dev_ready(const struct server_ready *r)
{
	const struct config_endpoint *ep = config_endpoint_usual(r->cfg);
	const char *source =
	    r->cfg->secrets[config_endpoint_secret(r->cfg, ep)].source;
	char program[PATH_MAX], webhook[2 * HTTP_URL_MAX];
	struct commands_place place = {
		.program = program,
		.secret_file = source[0] == '/' ? source : NULL,
		.url = webhook,
		.ca_file = r->ca_file,
	};
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0)
		place.program = "klikitd";
	else
		program[n] = '\0';
	(void)snprintf(webhook, sizeof(webhook), "%s%s", r->url,
	    ep->paths.items[0]);
	dev_dir_tell(r->url);
	(void)printf("\n"
		     "klikitd dev receives klikit's deliveries at\n"
		     "    %s\n",
	    webhook);
	if (r->admin_url[0] != '\0')
		(void)printf("and shows them, as they come, at\n"
			     "    %s/\n",
		    r->admin_url);
	(void)printf("It keeps them in\n"
		     "    %s\n"
		     "The secret that signs them is in\n"
		     "    %s\n\n",
	    config_store_place(r->cfg), source);
	print_commands(&place);
	if (r->ca_file != NULL)
		print_trust(r->url, r->ca_file);
	(void)putchar('\n');
	print_tunnel(r->url, ep->paths.items[0]);
	(void)printf(r->keys ? "Keys: r replays the newest event, o opens the "
			       "page, q quits.\n\n"
			     : "Stop with Ctrl-C.\n\n");
	(void)fflush(stdout);
}

static enum verb_exit
verb_dev_run(const struct verb_args *args)
{
	struct config_source source =
	    verb_config_source(args, CONFIG_SERVER, true);
	struct server_options opt = { .source = &source,
		.dev = true,
		.ready = dev_ready };
	char reason[DEV_DIR_REASON_MAX];
	struct dev_tls tls = { 0 };
	enum verb_exit rc = VERB_FAILED;

	if (verb_has(args, "forward-to"))
		source.extra =
		    dev_forward("dev", verb_flag(args, "forward-to", 0));
	if (dev_dir_make(reason) == -1)
		return (dev_fail(args, reason));
	if (verb_has(args, "tls")) {
		if (dev_tls_make(args, &source, &tls) == -1)
			goto out;
		opt.ca_file = tls.ca;
	}
	if ((opt.cfg = verb_config_serve(&source)) == NULL)
		goto out;
	if (server_run(&opt) == 0)
		rc = VERB_DONE;
	dev_dir_forget();
out:
	dev_tls_fini(&tls);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "forward-to", "URL",
	    "POST each event to URL as well, and show the answers", false },
	{ "tls", NULL, "speak HTTPS, with a certificate made here", false },
	{ 0 },
};

const struct verb verb_dev = {
	.name = "dev",
	.words = "",
	.text =
	    "Serve on this machine only, with a store and secret of its own",
	.more =
	    "Listens on 127.0.0.1:8080 (PORT or --http.listen change the port, "
	    "not\n"
	    "the address). Store and secret live in $STATE_DIRECTORY, else in\n"
	    "./.klikitd; the secret is made at the first start, unless\n"
	    "KLIKIT_WEBHOOK_SECRET gives one. One line per event on stderr.\n"
	    "\n"
	    "--forward-to is for a program under development: it gets the raw "
	    "body with\n"
	    "klikit's own headers, also for an order that it had before. An "
	    "https "
	    "URL is\n"
	    "checked against the system's certificates, or those in "
	    "$SSL_CERT_FILE.\n"
	    "\n"
	    "--tls makes a CA (" TLS_DEV_CA
	    ", which may sign for this machine's loopback only)\n"
	    "and a certificate for localhost, 127.0.0.1 and ::1 beside the "
	    "secret, once; the\n"
	    "certificate is made anew from the same CA before it expires.\n",
	.flags = flags,
	.words_max = 0,
	.config = true,
	.alone = true,
	.run = verb_dev_run,
};
