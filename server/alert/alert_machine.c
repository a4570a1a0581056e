#include "server/alert/alert_machine.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/alert/alerts.h"
#include "server/base/clock.h"
#include "server/base/steady.h"
#include "server/tls/cert_watch.h"
#include "store/base/parse.h"
#include "store/store_read.h"

/* So many times the floor of free space is little, and so many enough. */
#define DISK_LOW 4
#define DISK_ENOUGH 5

#define MIB (INT64_C(1) << 20)
#define DAY_MS INT64_C(86400000)

/*
 * Note in *since that something is bad, or is not. Returns for how long it has
 * been so; -1: it is not.
 */
static int64_t
bad_for(struct steady_time *since, bool bad, struct steady_time now)
{
	if (!bad) {
		since->ms = 0;
		return (-1);
	}
	if (since->ms == 0)
		*since = now;
	return (steady_since(now, *since));
}

/* -- The store -- */

/* NULL: it works, or lacks space, of which the disk's alert tells. */
static const char *
store_trouble(enum store_health health, bool *ret_may_pass)
{
	*ret_may_pass = false;
	switch (health) {
	case STORE_READY:
	case STORE_NOSPACE:
		break;
	case STORE_DAMAGED:
		return ("the store is damaged");
	case STORE_FILE_LOST:
		return ("the file of the store was taken away");
	case STORE_RECOVERING:
		*ret_may_pass = true;
		return ("the store cannot be written");
	case STORE_UNREACHABLE:
		*ret_may_pass = true;
		return ("the database cannot be reached");
	}
	return (NULL);
}

static void
look_at_store(struct alert_machine *m, struct steady_time now)
{
	char sentence[ALERT_SENTENCE_MAX];
	bool may_pass;
	const char *what = store_trouble(store_health(m->st), &may_pass);
	int64_t ms = bad_for(&m->store_bad, what != NULL, now);

	if (what == NULL) {
		alerts_clear(m->alerts, ALERT_STORE, "store");
		return;
	}
	if (may_pass && ms < alerts_after_ms(m->alerts))
		return;
	(void)snprintf(sentence, sizeof(sentence), "%s: %s", what,
	    store_reason(m->st));
	alerts_raise(m->alerts, ALERT_STORE, "store", sentence);
}

/* Nothing is lost by it, but something damages the file. Until a restart. */
static void
look_at_repairs(struct alert_machine *m)
{
	struct store_stats stats;

	store_stats(m->st, &stats);
	if (stats.repairs > 0)
		alerts_raise(m->alerts, ALERT_STORE, "indexes",
		    "indexes of the store were damaged and are made anew: no "
		    "row is lost, but look at the disk and the memory");
	else
		alerts_clear(m->alerts, ALERT_STORE, "indexes");
}

void
alert_machine_counted(struct alert_machine *m, const struct store_figures *f)
{
	char subject[ALERT_SUBJECT_MAX], sentence[ALERT_SENTENCE_MAX];

	if (f->free_bytes < 0 || f->floor_bytes <= 0)
		return; /* not known: a database has a disk of its own */
	alerts_here(m->alerts, "disk", subject);
	if (f->free_bytes >= DISK_ENOUGH * f->floor_bytes) {
		alerts_clear(m->alerts, ALERT_DISK, subject);
	} else if (f->free_bytes < DISK_LOW * f->floor_bytes) {
		(void)snprintf(sentence, sizeof(sentence),
		    "the disk of the store is nearly full: %" PRId64
		    " MiB are free, and below %" PRId64
		    " MiB deliveries are refused",
		    f->free_bytes / MIB, f->floor_bytes / MIB);
		alerts_raise(m->alerts, ALERT_DISK, subject, sentence);
	}
}

/* -- The clock -- */

static void
look_at_clock(struct alert_machine *m, struct steady_time now)
{
	enum steady_doubt doubt = m->clock->doubt;
	int64_t ms = bad_for(&m->clock_doubted, doubt != STEADY_FINE, now);
	char subject[ALERT_SUBJECT_MAX];

	alerts_here(m->alerts, "clock", subject);
	if (ms == -1)
		alerts_clear(m->alerts, ALERT_CLOCK, subject);
	else if (ms >= alerts_after_ms(m->alerts))
		alerts_raise(m->alerts, ALERT_CLOCK, subject,
		    steady_doubt_text(doubt));
}

/* -- Certificates -- */

static void
look_at_certificate(struct alert_machine *m,
    const struct cert_watch_stats *cert, struct wall_time wall)
{
	char subject[ALERT_SUBJECT_MAX], sentence[ALERT_SENTENCE_MAX];
	char until[FORMAT_TIME_MAX];
	int64_t left_ms = cert->until_ms - wall.ms;

	alerts_here(m->alerts, cert->name, subject);
	if (left_ms >= ALERT_MACHINE_CERT_MS) {
		alerts_clear(m->alerts, ALERT_CERTIFICATE, subject);
		return;
	}
	(void)format_time(cert->until_ms, until);
	if (left_ms < 0)
		(void)snprintf(sentence, sizeof(sentence),
		    "the certificate of %s has expired: it ended at %s",
		    cert->name, until);
	else
		(void)snprintf(sentence, sizeof(sentence),
		    "the certificate of %s ends in %" PRId64 " days, at %s",
		    cert->name, left_ms / DAY_MS, until);
	alerts_raise(m->alerts, ALERT_CERTIFICATE, subject, sentence);
}

static void
look_at_certificates(struct alert_machine *m, struct steady_time now)
{
	const struct wall_time wall = steady_wall(m->clock, clock_wall(), now);
	struct cert_watch_stats cert;

	if (m->certs == NULL)
		return;
	for (size_t i = 0; cert_watch_stats(m->certs, i, &cert); i++)
		look_at_certificate(m, &cert, wall);
	alerts_sweep(m->alerts, ALERT_CERTIFICATE);
}

void
alert_machine_look(struct alert_machine *m)
{
	struct steady_time now = steady_now(m->clock);

	look_at_store(m, now);
	look_at_repairs(m);
	look_at_clock(m, now);
	look_at_certificates(m, now);
}
