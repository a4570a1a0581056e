/*
 * The check of the jobs: which handlers have dead ones, and what to do.
 */
#include <stdio.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "store/store_read.h"

#define ADVICE_MAX 1024

static void
jobs_look(struct doctor *d, const struct store_handler_info *h)
{
	const char *name = log_text(h->name);
	char advice[ADVICE_MAX];

	(void)snprintf(advice, sizeof(advice),
	    "klikitd jobs --state dead --handler %s shows why; then klikitd "
	    "replay --state dead --handler %s, or, if nothing more is to be "
	    "done about them, klikitd discard --state dead --handler %s "
	    "--reason TEXT",
	    name, name, name);
	doctor_report(d, DOCTOR_WARN, advice,
	    "%s: %llu jobs are dead: they are not tried again by themselves",
	    name, (unsigned long long)h->dead);
}

/* store_handlers_fn */
static void
jobs_cb(enum store_rc rc, const struct store_handler_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct doctor *d = arg;
	bool dead = false;

	for (size_t i = 0; i < n; i++) {
		if (rows[i].dead > 0)
			jobs_look(d, &rows[i]);
		dead = dead || rows[i].dead > 0;
	}
	if (rc != STORE_OK) /* the check of the store says what to do */
		doctor_report(d, DOCTOR_FAIL, "see what is said of the store",
		    "cannot be counted: %s", reason);
	else if (!dead)
		doctor_report(d, DOCTOR_OK, NULL, "none is dead");
}

void
doctor_jobs(struct doctor *d)
{
	if (d->st != NULL && store_list_handlers(d->st, jobs_cb, d) == 0)
		store_wait(d->st);
}
