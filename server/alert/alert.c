#include "server/alert/alert.h"

#include <stdio.h>

/* Was the last event that was sent of it not its end? */
static bool
is_announced(const struct alert *a)
{
	return (a->sent.word == ALERT_RAISED || a->sent.word == ALERT_REMINDER);
}

void
alert_init(struct alert *a, enum alert_kind kind, const char *subject)
{
	a->kind = kind;
	(void)snprintf(a->subject, sizeof(a->subject), "%s", subject);
}

void
alert_say(struct alert *a, const char *sentence)
{
	(void)snprintf(a->sentence, sizeof(a->sentence), "%s", sentence);
}

bool
alert_raise(struct alert *a, const char *sentence, int64_t wall_ms)
{
	bool raised = !a->up;

	a->is_so = true;
	alert_say(a, sentence);
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
alert_resume(struct alert *a, const struct alert_sent *sent)
{
	a->sent = *sent;
	a->known = true;
	if (a->sentence[0] == '\0')
		(void)snprintf(a->sentence, sizeof(a->sentence), "%s",
		    sent->sentence);
	if (is_announced(a)) {
		a->up = true;
		a->since_ms = sent->since_ms;
	} else if (!a->is_so && sent->word == ALERT_CLEARED) {
		a->up = false; /* another receiver has sent its end */
	}
}

enum alert_word
alert_next(const struct alert *a, const struct alert_terms *t)
{
	if (!a->known || a->busy || !a->up)
		return (ALERT_NOTHING);
	if (!is_announced(a)) /* also what has ended: it is owed */
		return (ALERT_RAISED);
	if (!a->is_so)
		return (t->may_clear ? ALERT_CLEARED : ALERT_NOTHING);
	if (t->remind_ms > 0 &&
	    steady_since(t->now, a->sent.at) >= t->remind_ms)
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
alert_note_sent(struct alert *a, enum alert_word word, struct steady_time now,
    const char *receiver)
{
	a->sent.turn++;
	a->sent.word = word;
	a->sent.at = now;
	a->sent.since_ms = a->since_ms;
	a->sent.reminders = word == ALERT_REMINDER ? a->sent.reminders + 1 : 0;
	(void)snprintf(a->sent.receiver, sizeof(a->sent.receiver), "%s",
	    receiver);
	if (word != ALERT_CLEARED)
		return;
	a->up =
	    a->is_so; /* it may have begun again while the end was on its way */
}

bool
alert_is_idle(const struct alert *a)
{
	return (!a->is_so && !a->up && !a->busy);
}
