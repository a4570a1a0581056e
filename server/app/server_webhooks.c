#include "server/app/server_webhooks.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/commands.h"

/* The endpoint's first path at the first listener; NULL: no memory. */
static char *
first_url(const struct server_webhooks *w, const struct config_endpoint *ep)
{
	char *url;

	if (asprintf(&url, "%s%s", w->bases[0], ep->paths.items[0]) == -1)
		return (NULL);
	return (url);
}

/* The commands that send something to the usual endpoint. */
static void
make_commands(struct server_webhooks *w, const struct config *cfg)
{
	const struct config_endpoint *ep = config_endpoint_usual(cfg);
	const char *source =
	    cfg->secrets[config_endpoint_secret(cfg, ep)].source;
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *url = first_url(w, ep);
	const struct commands_place place = {
		.program = n > 0 ? program : "klikitd",
		.secret_file = source[0] == '/' ? source : NULL,
		.url = url,
		.ca_file = w->ca_file,
		.certificate = strncmp(w->bases[0], "https:", 6) == 0
				   ? cfg->tls_certificate
				   : NULL,
	};

	if (url == NULL)
		return;
	program[n > 0 ? n : 0] = '\0';
	w->trigger = commands_trigger(&place);
	w->sign = commands_sign(&place);
	w->curl = commands_curl(&place);
	free(url);
}

/* Forget what was made of a configuration. */
static void
clear(struct server_webhooks *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->urls[i]);
	for (size_t i = 0; i < w->nnames; i++)
		free(w->names[i]);
	free(w->urls);
	free(w->names);
	free(w->trigger);
	free(w->sign);
	free(w->curl);
	w->urls = w->names = NULL;
	w->n = w->nnames = 0;
	w->trigger = w->sign = w->curl = NULL;
}

/* One item more, made of two texts. Short of memory it is left out. */
static void
add(char ***list, size_t *n, const char *base, const char *path)
{
	char **grown = realloc(*list, (*n + 1) * sizeof(*grown));
	char *text;

	if (grown == NULL)
		return;
	*list = grown;
	if (asprintf(&text, "%s%s", base, path) != -1)
		grown[(*n)++] = text;
}

void
server_webhooks_set(struct server_webhooks *w, const struct config *cfg)
{
	clear(w);
	if (cfg->nsecrets == 0) /* nothing that is sent here is taken */
		return;
	for (size_t i = 0; i < w->nbases; i++) {
		for (size_t j = 0; j < cfg->nendpoints; j++) {
			const struct key_list *paths = &cfg->endpoints[j].paths;

			for (size_t k = 0; k < paths->n; k++) {
				add(&w->names, &w->nnames,
				    cfg->endpoints[j].name, "");
				if (w->nnames > w->n)
					add(&w->urls, &w->n, w->bases[i],
					    paths->items[k]);
			}
		}
	}
	if (w->nbases > 0)
		make_commands(w, cfg);
}

void
server_webhooks_add(struct server_webhooks *w, const struct config *cfg,
    const char *url)
{
	add(&w->bases, &w->nbases, url, "");
	server_webhooks_set(w, cfg);
	if (w->nbases == 1 && !w->dev && w->trigger != NULL)
		log_info("to send a test event: %s", w->trigger);
}

void
server_webhooks_fini(struct server_webhooks *w)
{
	clear(w);
	for (size_t i = 0; i < w->nbases; i++)
		free(w->bases[i]);
	free(w->bases);
}
