#include "test/lib/fake_alerts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "server/alert/alerts.h"

#define FAKE_MAX 32

static struct {
	enum alert_kind kind;
	char subject[ALERT_SUBJECT_MAX];
	char sentence[ALERT_SENTENCE_MAX];
	bool up;
	bool raised; /* since the last sweep */
} all[FAKE_MAX];
static size_t n;
static int64_t after;

void
fake_alerts_reset(int64_t after_ms)
{
	n = 0;
	after = after_ms;
}

/* Its place, made if there is none. */
static size_t
place_of(enum alert_kind kind, const char *subject)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (all[i].kind == kind && strcmp(all[i].subject, subject) == 0)
			return (i);
	}
	assert_true(n < FAKE_MAX);
	all[n].kind = kind;
	all[n].up = all[n].raised = false;
	(void)snprintf(all[n].subject, sizeof(all[n].subject), "%s", subject);
	return (n++);
}

void
alerts_raise(struct alerts *a, enum alert_kind kind, const char *subject,
    const char *sentence)
{
	size_t i = place_of(kind, subject);

	assert_null(a);
	all[i].up = all[i].raised = true;
	(void)snprintf(all[i].sentence, sizeof(all[i].sentence), "%s",
	    sentence);
}

void
alerts_clear(struct alerts *a, enum alert_kind kind, const char *subject)
{
	assert_null(a);
	all[place_of(kind, subject)].up = false;
}

void
alerts_sweep(struct alerts *a, enum alert_kind kind)
{
	assert_null(a);
	for (size_t i = 0; i < n; i++) {
		if (all[i].kind != kind)
			continue;
		all[i].up = all[i].up && all[i].raised;
		all[i].raised = false;
	}
}

void
alerts_here(const struct alerts *a, const char *subject,
    char ret_subject[ALERT_SUBJECT_MAX])
{
	assert_null(a);
	(void)snprintf(ret_subject, ALERT_SUBJECT_MAX, "%s", subject);
}

int64_t
alerts_after_ms(const struct alerts *a)
{
	assert_null(a);
	return (after);
}

const char *
fake_alerts_up(enum alert_kind kind, const char *subject)
{
	size_t i = place_of(kind, subject);

	return (all[i].up ? all[i].sentence : NULL);
}

size_t
fake_alerts_count(void)
{
	size_t up = 0;

	for (size_t i = 0; i < n; i++)
		up += all[i].up;
	return (up);
}
