#include "server/app/server_webhooks.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/commands.h"
#include "server/intake/webhook.h"

/* The commands that send something to its first listener. */
static void
make_commands(struct server_webhooks *w, const struct config *cfg)
{
	const char *source = cfg->secrets[0].source;
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	const struct commands_place place = {
		.program = n > 0 ? program : "klikitd",
		.secret_file = source[0] == '/' ? source : NULL,
		.url = w->urls[0],
		.ca_file = w->ca_file,
		.certificate = strncmp(w->urls[0], "https:", 6) == 0
				   ? cfg->tls_certificate
				   : NULL,
	};

	program[n > 0 ? n : 0] = '\0';
	w->trigger = commands_trigger(&place);
	w->sign = commands_sign(&place);
	w->curl = commands_curl(&place);
	if (!w->dev && w->trigger != NULL)
		log_info("to send a test event: %s", w->trigger);
}

void
server_webhooks_add(struct server_webhooks *w, const struct config *cfg,
    const char *url)
{
	char **grown;
	char *copy;

	grown = realloc(w->urls, (w->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return;
	w->urls = grown;
	if (asprintf(&copy, "%s" WEBHOOK_PATH, url) == -1)
		return;
	w->urls[w->n++] = copy;
	if (w->n == 1)
		make_commands(w, cfg);
}

void
server_webhooks_fini(struct server_webhooks *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->urls[i]);
	free(w->urls);
	free(w->trigger);
	free(w->sign);
	free(w->curl);
}
