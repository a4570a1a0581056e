/*
 * The check of what needs a person, as the server that runs and its page say.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/live_server.h"

/* What one of them says; NULL: nothing that can be shown. */
static const char *
text_of(const json_t *need, const char *name)
{
	return (json_string_value(json_object_get(need, name)));
}

/* Dead jobs are reported by the check of the jobs, with what can be done. */
static void
report_need(const struct doctor *d, const json_t *need)
{
	const char *kind = text_of(need, "kind");
	const char *text = text_of(need, "text");
	const char *advice = text_of(need, "advice");
	const char *since = text_of(need, "since");

	if (kind == NULL || text == NULL || strcmp(kind, "job_dead") == 0)
		return;
	doctor_report(d, DOCTOR_WARN,
	    advice == NULL ? "the page shows more about it" : log_text(advice),
	    "%s%s%s", log_text(text), since == NULL ? "" : ", since ",
	    since == NULL ? "" : log_text(since));
}

json_t *
doctor_ask(const struct doctor *d, const char *path,
    char reason[LIVE_SERVER_REASON_MAX])
{
	struct live_server live = { 0 };
	struct trigger_answer answer;
	json_error_t where;
	json_t *o = NULL;

	(void)snprintf(reason, LIVE_SERVER_REASON_MAX, "it cannot be found");
	if (live_server_runs(&live, d->cfg, d->st) &&
	    live_server_find(&live, d->cfg, reason) == 0 &&
	    live_server_ask(&live, path, NULL, &answer, reason) == 0) {
		(void)snprintf(reason, LIVE_SERVER_REASON_MAX,
		    "its answer is %d", answer.status);
		if (answer.status == 200)
			o = json_loads(answer.text, 0, &where);
	}
	live_server_fini(&live);
	return (o);
}

void
doctor_needs(struct doctor *d)
{
	char reason[LIVE_SERVER_REASON_MAX];
	const json_t *needs, *need;
	json_t *status;
	size_t i;

	if (d->holder == 0)
		return; /* only who runs knows */
	if ((status = doctor_ask(d, "/api/v1/status", reason)) == NULL) {
		doctor_report(d, DOCTOR_WARN,
		    "give it an admin listener (admin.listen), and run this "
		    "as its user: then it says what needs a person",
		    "the server (pid %d) does not say: %s", (int)d->holder,
		    log_text(reason));
		return;
	}
	needs = json_object_get(status, "needs");
	json_array_foreach(needs, i, need) report_need(d, need);
	if (json_array_size(needs) == 0)
		doctor_report(d, DOCTOR_OK, NULL,
		    "the server (pid %d) needs nobody", (int)d->holder);
	json_decref(status);
}
