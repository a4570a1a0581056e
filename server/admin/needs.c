#include "server/admin/needs.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NONE ALERT_NKINDS

/* Each kind, and the kind of alert that says the same, whose advice it has. */
static const struct {
	const char *name; /* NULL: that of the alert */
	enum alert_kind alert;
	bool urgent;
} kinds[NEED_NKINDS] = {
	[NEED_STORE] = { NULL, ALERT_STORE, true },
	[NEED_ALARM] = { "alarm", NONE, true },
	[NEED_HANDLER_FAILING] = { NULL, ALERT_HANDLER_FAILING, true },
	[NEED_HANDLER_PAUSED] = { "handler_paused", NONE, true },
	[NEED_REJECTIONS] = { NULL, ALERT_REJECTIONS, true },
	[NEED_PROBE] = { NULL, ALERT_PROBE, true },
	[NEED_UPSTREAM] = { NULL, ALERT_UPSTREAM, true },
	[NEED_DISK] = { NULL, ALERT_DISK, true },
	[NEED_JOB_DEAD] = { NULL, ALERT_JOB_DEAD, true },
	[NEED_BRANCH_SILENT] = { NULL, ALERT_BRANCH_SILENT, false },
	[NEED_CLOCK] = { NULL, ALERT_CLOCK, false },
	[NEED_CERTIFICATE] = { NULL, ALERT_CERTIFICATE, false },
	[NEED_RECONCILE] = { NULL, ALERT_RECONCILE, false },
	[NEED_BACKUP] = { NULL, ALERT_BACKUP, false },
};

const char *
need_kind_name(enum need_kind kind)
{
	return (kinds[kind].name != NULL ? kinds[kind].name
					 : alert_kind_name(kinds[kind].alert));
}

bool
need_is_urgent(enum need_kind kind)
{
	return (kinds[kind].urgent);
}

/* One more; if there is no room for it, at the spare place. */
static struct need *add(struct needs *all, enum need_kind kind,
    const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static struct need *
add(struct needs *all, enum need_kind kind, const char *subject,
    const char *fmt, ...)
{
	struct need *need = &all->list[all->n];
	va_list ap;

	if (all->n < NEEDS_MAX)
		all->n++;
	else
		all->more++;
	*need = (struct need){ .kind = kind };
	(void)snprintf(need->subject, sizeof(need->subject), "%s", subject);
	va_start(ap, fmt);
	(void)vsnprintf(need->text, sizeof(need->text), fmt, ap);
	va_end(ap);
	if (kinds[kind].alert != NONE)
		need->advice = alert_kind_advice(kinds[kind].alert);
	return (need);
}

static void
add_alarms(const struct needs_facts *f, struct needs *all)
{
	struct need *need;

	if (f->alarms == 0)
		return;
	need = add(all, NEED_ALARM, "",
	    "%" PRIu64 " %s rung: %s not done by the deadline", f->alarms,
	    f->alarms == 1 ? "alarm has" : "alarms have",
	    f->alarms == 1 ? "an order was" : "orders were");
	need->advice = "See to the orders, then acknowledge the alarms.";
}

/* Why its calls fail; that begins with its name as a rule. */
static const char *
error_of(const struct needs_handler *h)
{
	size_t len = strlen(h->name);

	if (h->error == NULL)
		return ("?");
	return (strncmp(h->error, h->name, len) == 0 && h->error[len] == ' '
		    ? h->error + len + 1
		    : h->error);
}

/* Paused, its calls do not fail: none are made. */
static void
add_handler(const struct needs_handler *h, struct needs *all)
{
	struct need *need;

	if (h->paused_at_ms != 0) {
		need =
		    add(all, NEED_HANDLER_PAUSED, h->name, "%s is paused%s%s",
			h->name, h->paused_why == NULL ? "" : ": ",
			h->paused_why == NULL ? "" : h->paused_why);
		need->since_ms = h->paused_at_ms;
		need->advice = "Its jobs wait. Resume it when its far side can "
			       "take them.";
	} else if (h->failing_ms != 0) {
		need = add(all, NEED_HANDLER_FAILING, h->name, "%s fails: %s",
		    h->name, error_of(h));
		need->since_ms = h->failing_ms;
		need->next_try_ms = h->next_try_ms;
	}
	if (h->dead > 0)
		(void)add(all, NEED_JOB_DEAD, h->name,
		    "%" PRIu64 " %s dead: not done, and not tried again",
		    h->dead, h->dead == 1 ? "job is" : "jobs are");
}

/* The kind that such an alert is shown as. */
static enum need_kind
kind_of(enum alert_kind alert)
{
	int i = 0;

	while (kinds[i].alert != alert)
		i++;
	return ((enum need_kind)i);
}

/* Does what is known now say the same, or that it is over? */
static bool
is_known(const struct needs_facts *f, const struct alert *a)
{
	switch (a->kind) {
	case ALERT_JOB_DEAD:
	case ALERT_HANDLER_FAILING:
		return (true);
	case ALERT_STORE:
		return (strcmp(f->health, "ready") != 0);
	case ALERT_CLOCK:
		return (f->clock != NULL);
	case ALERT_DISK:
	case ALERT_CERTIFICATE:
	case ALERT_REJECTIONS:
	case ALERT_BRANCH_SILENT:
	case ALERT_BACKUP:
	case ALERT_PROBE:
	case ALERT_UPSTREAM:
	case ALERT_RECONCILE:
	case ALERT_NKINDS:
		break;
	}
	return (false);
}

static void
add_alerts(const struct needs_facts *f, struct needs *all)
{
	const struct alert *a;

	for (size_t i = 0; (a = f->alert(f->arg, i)) != NULL; i++) {
		if (!is_known(f, a))
			add(all, kind_of(a->kind), a->subject, "%s",
			    a->sentence)
			    ->since_ms = a->since_ms;
	}
}

/* Stable: within a kind as they came. */
static void
sort(struct needs *all)
{
	for (size_t i = 1; i < all->n; i++) {
		struct need one = all->list[i];
		size_t j = i;

		for (; j > 0 && all->list[j - 1].kind > one.kind; j--)
			all->list[j] = all->list[j - 1];
		all->list[j] = one;
	}
}

void
needs_find(const struct needs_facts *f, struct needs *ret)
{
	ret->n = ret->more = 0;
	if (strcmp(f->health, "ready") != 0)
		(void)add(ret, NEED_STORE, "", "the store is not well: %s",
		    f->health);
	add_alarms(f, ret);
	for (size_t i = 0; i < f->nhandlers; i++)
		add_handler(&f->handlers[i], ret);
	if (f->clock != NULL)
		(void)add(ret, NEED_CLOCK, "", "%s", f->clock);
	if (f->alert != NULL)
		add_alerts(f, ret);
	sort(ret);
}
