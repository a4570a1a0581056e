/*
 * The check of what the server that runs calls for help about.
 */
#include <stdio.h>

#include <jansson.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/live_server.h"

/* What one of them says; NULL: nothing that can be shown. */
static const char *
text_of(const json_t *alert, const char *name)
{
	return (json_string_value(json_object_get(alert, name)));
}

static void
report_alert(const struct doctor *d, const json_t *alert)
{
	const char *kind = text_of(alert, "kind");
	const char *sentence = text_of(alert, "sentence");
	const char *advice = text_of(alert, "advice");
	const char *since = text_of(alert, "since");

	if (kind == NULL || sentence == NULL || advice == NULL || since == NULL)
		return;
	doctor_report(d, DOCTOR_WARN, log_text(advice), "%s: %s, since %s",
	    log_text(kind), log_text(sentence), log_text(since));
}

/* Ask for the status. NULL and why, if there is none to be had. */
static json_t *
ask_status(const struct doctor *d, char reason[LIVE_SERVER_REASON_MAX])
{
	struct live_server live = { 0 };
	struct trigger_answer answer;
	json_error_t where;
	json_t *o = NULL;

	(void)snprintf(reason, LIVE_SERVER_REASON_MAX, "it cannot be found");
	if (live_server_runs(&live, d->cfg, d->st) &&
	    live_server_find(&live, d->cfg, reason) == 0 &&
	    live_server_ask(&live, "/api/v1/status", NULL, &answer, reason) ==
		0) {
		(void)snprintf(reason, LIVE_SERVER_REASON_MAX,
		    "its answer is %d", answer.status);
		if (answer.status == 200)
			o = json_loads(answer.text, 0, &where);
	}
	live_server_fini(&live);
	return (o);
}

void
doctor_alerts(struct doctor *d)
{
	char reason[LIVE_SERVER_REASON_MAX];
	const json_t *alerts, *alert;
	json_t *status;
	size_t i;

	if (d->holder == 0)
		return; /* only who runs knows */
	if ((status = ask_status(d, reason)) == NULL) {
		doctor_report(d, DOCTOR_WARN,
		    "give it an admin listener (admin.listen), and run this "
		    "as its user: then it says what it calls for help about",
		    "the server (pid %d) does not say: %s", (int)d->holder,
		    log_text(reason));
		return;
	}
	alerts = json_object_get(status, "alerts");
	json_array_foreach(alerts, i, alert) report_alert(d, alert);
	if (json_array_size(alerts) == 0)
		doctor_report(d, DOCTOR_OK, NULL,
		    "the server (pid %d) calls for no help", (int)d->holder);
	json_decref(status);
}
