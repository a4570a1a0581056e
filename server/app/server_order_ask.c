#include "server/app/server_order_ask.h"

#include <stdio.h>
#include <string.h>

#include "handlers/body/status_ask.h"
#include "server/app/server_handlers.h"
#include "server/app/server_parts.h"
#include "server/base/clock_watch.h"
#include "server/base/json.h"
#include "server/base/log.h"

/* The statuses that a handler sends of orders there; NULL: none. */
static const struct key_list *
words_of(const struct config_handler *ch, const char *brand, const char *branch)
{
	const struct selection_event ev = { .type = STATUS_ASK_TYPE,
		.brand = brand,
		.branch = branch };
	const struct selection takes = server_handler_takes(ch);

	if (ch->type->statuses == NULL || ch->type->statuses->words == NULL ||
	    !selection_takes(&takes, &ev))
		return (NULL);
	return (ch->type->statuses->words(ch->settings));
}

json_t *
server_order_words_cb(void *arg, const char *brand, const char *branch)
{
	const struct server *s = arg;
	json_t *list = json_array();

	for (size_t i = 0; i < s->cfg->nhandlers; i++) {
		const struct key_list *words =
		    words_of(&s->cfg->handlers[i], brand, branch);

		for (size_t j = 0; words != NULL && j < words->n; j++) {
			size_t len = strcspn(words->items[j], ":");

			json_list_add(&list,
			    json_pack("{s:s%, s:s}", "word", words->items[j],
				len, "status",
				words->items[j] + len + 1 +
				    strspn(words->items[j] + len + 1, " \t")));
		}
	}
	return (list);
}

int
server_order_ask_cb(void *arg, const struct order_ask *ask,
    ingest_done_fn *done, void *done_arg, char ret_event_id[ORDER_ASK_ID_MAX],
    char reason[HANDLER_REASON_MAX])
{
	struct server *s = arg;
	char words[HANDLER_REASON_MAX / 2];

	if (!config_may_ask(s->cfg, ask->word, words, sizeof(words))) {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    words[0] == '\0'
			? "no handler of type klikit is configured: see "
			  "klikitd help handler"
			: "no handler can send klikit that status; there is: "
			  "%s",
		    words);
		return (words[0] == '\0' ? 409 : 400);
	}
	if (!order_ask_is_for_some(s->ingest, ask)) {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "no handler of type klikit is for this order's brand and "
		    "branch");
		return (409);
	}
	if (order_ask_submit(s->ingest, ask, clock_watch_wall(s->clock).ms,
		done, done_arg, ret_event_id) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX,
		    "it cannot be stored now; try again");
		return (503);
	}
	log_info("order %s: %s is asked for by %s: event %s",
	    log_text(ask->order->order_id), log_text(ask->word),
	    ask->by == NULL ? "the admin API" : log_text(ask->by),
	    ret_event_id);
	return (0);
}
