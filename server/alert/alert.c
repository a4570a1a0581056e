#include "server/alert/alert.h"

#include <stdio.h>

/* Is what was raised told, and its end not? */
static bool
is_told(const struct alert *a)
{
	return (a->told.word == ALERT_RAISED || a->told.word == ALERT_REMINDER);
}

void
alert_init(struct alert *a, enum alert_kind kind, const char *subject)
{
	a->kind = kind;
	(void)snprintf(a->subject, sizeof(a->subject), "%s", subject);
}

bool
alert_raise(struct alert *a, const char *sentence, int64_t wall_ms)
{
	bool raised = !a->up;

	a->is_so = true;
	(void)snprintf(a->sentence, sizeof(a->sentence), "%s", sentence);
	if (raised) {
		a->up = true;
		a->since_ms = wall_ms;
	}
	return (raised);
}

bool
alert_clear(struct alert *a)
{
	bool cleared = a->up && a->is_so;

	a->is_so = false;
	return (cleared);
}

void
alert_learn(struct alert *a, const struct alert_told *told)
{
	a->told = *told;
	a->known = true;
	if (a->sentence[0] == '\0')
		(void)snprintf(a->sentence, sizeof(a->sentence), "%s",
		    told->sentence);
	if (is_told(a)) {
		a->up = true;
		a->since_ms = told->since_ms;
	} else if (!a->is_so && told->word == ALERT_CLEARED) {
		a->up = false; /* another receiver told it */
	}
}

enum alert_word
alert_next(const struct alert *a, const struct alert_terms *t)
{
	if (!a->known || a->busy || !a->up)
		return (ALERT_NOTHING);
	if (!is_told(a)) /* also what has ended: it is owed */
		return (ALERT_RAISED);
	if (!a->is_so)
		return (t->may_clear ? ALERT_CLEARED : ALERT_NOTHING);
	if (t->remind_ms > 0 &&
	    steady_since(t->now, a->told.at) >= t->remind_ms)
		return (ALERT_REMINDER);
	return (ALERT_NOTHING);
}

void
alert_drop(struct alert *a)
{
	if (!a->is_so)
		a->up = false;
	a->known = false;
}

void
alert_note_told(struct alert *a, enum alert_word word, struct steady_time now,
    const char *receiver)
{
	a->told.turn++;
	a->told.word = word;
	a->told.at = now;
	a->told.since_ms = a->since_ms;
	a->told.reminders = word == ALERT_REMINDER ? a->told.reminders + 1 : 0;
	(void)snprintf(a->told.receiver, sizeof(a->told.receiver), "%s",
	    receiver);
	if (word != ALERT_CLEARED)
		return;
	a->up = a->is_so; /* it may have come back while that was told */
}

bool
alert_is_idle(const struct alert *a)
{
	return (!a->is_so && !a->up && !a->busy);
}
