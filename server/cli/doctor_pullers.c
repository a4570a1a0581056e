/*
 * The check of the handlers that are pulled: when did somebody last come?
 */
#include <string.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "store/base/parse.h"

/* One that works asks again within a minute: 55 s is the longest wait. */
#define AWAY_MS 180000

static void
report_puller(const struct doctor *d, const char *name, const char *seen)
{
	int64_t seen_ms;

	if (seen == NULL || parse_time(seen, strlen(seen), &seen_ms) == -1)
		doctor_report(d, DOCTOR_WARN,
		    "is the box on, and does its doctor reach this server? "
		    "Its url ends in the handler's name, and its token stands "
		    "in token_file here",
		    "%s: nobody has pulled since the server began",
		    log_text(name));
	else if (d->now_ms - seen_ms > AWAY_MS)
		doctor_report(d, DOCTOR_WARN,
		    "see whether the box is on and has internet; what waits "
		    "here is fetched when it is back",
		    "%s: nobody has pulled since %s", log_text(name), seen);
	else
		doctor_report(d, DOCTOR_OK, NULL, "%s: last pulled %s",
		    log_text(name), seen);
}

/* Of the rows of /api/v1/handlers; false: that one is not among them. */
static bool
look_at(const struct doctor *d, const json_t *rows, const char *name)
{
	const json_t *row, *value;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		value = json_object_get(row, "name");
		if (!json_is_string(value) ||
		    strcmp(json_string_value(value), name) != 0)
			continue;
		if ((value = json_object_get(row, "pulled_at")) == NULL)
			return (false);
		report_puller(d, name, json_string_value(value));
		return (true);
	}
	return (false);
}

void
doctor_pullers(struct doctor *d)
{
	char reason[LIVE_SERVER_REASON_MAX];
	json_t *answer = NULL;

	if (d->holder == 0)
		return; /* only who runs knows */
	for (size_t i = 0; i < d->cfg->nhandlers; i++) {
		const struct config_handler *h = &d->cfg->handlers[i];

		if (h->type == NULL || h->type->pulled == NULL)
			continue;
		if (answer == NULL &&
		    (answer = doctor_ask(d, "/api/v1/handlers", reason)) ==
			NULL) {
			doctor_report(d, DOCTOR_WARN,
			    "see /metrics: "
			    "klikitd_puller_last_seen_timestamp_seconds",
			    "the server (pid %d) does not say who pulls: %s",
			    (int)d->holder, log_text(reason));
			return;
		}
		if (!look_at(d, json_object_get(answer, "handlers"), h->name))
			doctor_report(d, DOCTOR_WARN,
			    "reload it (HUP): then it has the handlers of "
			    "this file",
			    "%s: the server that runs has no such handler",
			    log_text(h->name));
	}
	json_decref(answer);
}
