/*
 * alert_refused.h -- refused deliveries that look like klikit's, looked at for
 * alerts.
 *
 * Owns:    what was counted at the last look, and since when nothing is taken.
 * Touches: rejections.h, ingest.h (counts), alerts.h.
 *
 * Two things are sent. That klikit has sent what was refused: the signature
 * doctor found that a form of it was signed, or it was signed and makes no
 * sense. And that only forgeries come: several were refused for their
 * signature, and nothing good came since the first; then klikit's secret is
 * perhaps another one now. Anybody can make the second look so, once.
 */
#ifndef SERVER_ALERT_REFUSED_H
#define SERVER_ALERT_REFUSED_H

#include <stdint.h>

#include "store/base/times.h"

struct alerts;
struct ingest;
struct rejections;

/* All zero but for what it is given. It begins with the first look. */
struct alert_refused {
	struct alerts *alerts;
	const struct rejections *rej;
	const struct ingest *in;
	uint64_t of_klikit;       /* at the last look */
	struct steady_time at;    /* when the last of them was seen */
	uint64_t good;            /* deliveries taken, at the last look */
	uint64_t forged;          /* the same of those with a wrong signature */
	struct steady_time later; /* when the last of them was seen */
	uint64_t before;          /* of them, when the last good one came */
	struct steady_time since; /* the first after that was seen; 0: none */
};

#define ALERT_REFUSED_MIN 3 /* forgeries without a good one */

void alert_refused_look(struct alert_refused *r, struct steady_time now);

#endif /* SERVER_ALERT_REFUSED_H */
