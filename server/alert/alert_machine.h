/*
 * alert_machine.h -- the store, its disk, the clock and the certificates,
 * looked at for alerts.
 *
 * Owns:    since when store and clock are bad.
 * Touches: store.h (health), steady.h, cert_watch.h, alerts.h.
 */
#ifndef SERVER_ALERT_MACHINE_H
#define SERVER_ALERT_MACHINE_H

#include "store/base/times.h"

struct alerts;
struct cert_watch;
struct steady;
struct store;
struct store_figures;

/* All zero but for what it is given. */
struct alert_machine {
	struct alerts *alerts;
	struct store *st;
	const struct steady *clock;
	const struct cert_watch *certs;   /* NULL: there are none yet */
	struct steady_time store_bad;     /* since then; 0: it is not */
	struct steady_time clock_doubted; /* the same */
};

/* Certificates that end within that time are reported. */
#define ALERT_MACHINE_CERT_MS (14 * INT64_C(86400000))

void alert_machine_look(struct alert_machine *m);

/* What the store has counted: of its disk. */
void alert_machine_counted(struct alert_machine *m,
    const struct store_figures *f);

#endif /* SERVER_ALERT_MACHINE_H */
