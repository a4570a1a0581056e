#include "server/cli/live_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/admin/admin.h"
#include "server/auth/admin_token.h"
#include "server/cli/admin_link.h"
#include "server/cli/proc.h"
#include "store/store_read.h"

#define TIMEOUT_S 60
#define LOOK_TIMEOUT_S 5 /* then who asks does without */
#define LOOK_AGAIN_MS 50
#define LOOKS_MAX 40 /* in two seconds */
#define PATH_LEN_MAX 8192
#define TARGET_MAX (HTTP_URL_MAX + PATH_LEN_MAX)
#define BEARER_MAX (ADMIN_TOKEN_MAX + 16)

/* Of a store that several share: looked for by what each reports. */
struct look {
	struct live_server *ls;
	bool unheard; /* one of this machine has just begun to serve */
};

/* store_receivers_fn: the one that runs on this machine, if any. */
static void
receivers_cb(enum store_rc rc, const struct store_receiver_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct look *look = arg;
	struct live_server *ls = look->ls;

	(void)reason;
	look->unheard = false;
	for (size_t i = 0; rc == STORE_OK && i < n && ls->url[0] == '\0'; i++) {
		if (!rows[i].alive || proc_receiver(rows[i].name) == 0)
			continue;
		if (rows[i].report == NULL)
			look->unheard = true;
		else
			admin_report_url(rows[i].report, ls->url,
			    sizeof(ls->url));
	}
}

/* Where the one of this machine is. It says so within a second of its start. */
static void
find_receiver(struct live_server *ls, struct store *st)
{
	const struct timespec pause = { 0, LOOK_AGAIN_MS * 1000000L };
	struct look look = { .ls = ls };

	for (int i = 0; i < LOOKS_MAX; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL);
		if (store_list_receivers(st, receivers_cb, &look) == 0)
			store_wait(st);
		if (ls->url[0] != '\0' || !look.unheard)
			return;
	}
}

bool
live_server_runs(struct live_server *ls, const struct config *cfg,
    struct store *st)
{
	if (!store_traits(cfg->store_url)->is_shared)
		return (proc_server(cfg->store_url) != 0);
	ls->url[0] = '\0';
	if (st != NULL)
		find_receiver(ls, st);
	return (ls->url[0] != '\0');
}

int
live_server_find(struct live_server *ls, const struct config *cfg,
    char reason[LIVE_SERVER_REASON_MAX])
{
	char why[ADMIN_TOKEN_REASON_MAX];

	if (!store_traits(cfg->store_url)->is_shared &&
	    admin_link_read(cfg->store_url, ls->url, reason) == -1)
		return (-1);
	if (cfg->admin_token_file == NULL)
		return (0);
	ls->token = admin_token_read(cfg->admin_token_file, why);
	if (ls->token != NULL)
		return (0);
	(void)snprintf(reason, LIVE_SERVER_REASON_MAX, "admin.token_file: %s",
	    why);
	return (-1);
}

int
live_server_ask(const struct live_server *ls, const char *path,
    const char *body, struct trigger_answer *ret_answer,
    char reason[LIVE_SERVER_REASON_MAX])
{
	char target[TARGET_MAX], bearer[BEARER_MAX];
	struct trigger_header headers[] = {
		{ "Content-Type", "application/json" },
		{ NULL, NULL },
		{ NULL, NULL },
	};
	const struct trigger_request request = { headers, body,
		body == NULL ? 0 : strlen(body),
		body == NULL ? LOOK_TIMEOUT_S : TIMEOUT_S };
	struct trigger_client *tc;
	int rc = -1;

	if (ls->token != NULL) {
		(void)snprintf(bearer, sizeof(bearer), "Bearer %s", ls->token);
		headers[1] = (struct trigger_header){ "Authorization", bearer };
	}
	(void)snprintf(target, sizeof(target), "%s%s", ls->url, path);
	if ((tc = trigger_client_new(target, NULL, reason)) != NULL)
		rc = trigger_client_post(tc, &request, ret_answer, reason);
	trigger_client_free(tc);
	explicit_bzero(bearer, sizeof(bearer));
	return (rc);
}

void
live_server_fini(struct live_server *ls)
{
	if (ls->token != NULL)
		explicit_bzero(ls->token, strlen(ls->token));
	free(ls->token);
	ls->token = NULL;
}
