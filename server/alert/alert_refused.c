#include "server/alert/alert_refused.h"

#include <inttypes.h>
#include <stdio.h>

#include "server/alert/alerts.h"
#include "server/intake/ingest.h"
#include "server/intake/rejections.h"

/* It is over when none came for so many times alerts_after_ms(). */
#define CALM 6
#define DAY_MS INT64_C(86400000)

#define CHANGED "changed deliveries"
#define SECRET "secret"

/* -- What klikit has sent, for sure -- */

static void
look_at_changed(struct alert_refused *r, struct steady_time now)
{
	char sentence[ALERT_SENTENCE_MAX];
	const char *text;
	uint64_t n = rejections_of_klikit(r->rej, &text);

	if (n > r->of_klikit || r->at.ms == 0)
		r->at = now;
	r->of_klikit = n;
	if (steady_since(now, r->at) > CALM * alerts_after_ms(r->alerts)) {
		alerts_clear(r->alerts, ALERT_REJECTIONS, CHANGED);
		return;
	}
	if (n == 0) /* nobody knows yet how it was before the start */
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "deliveries of klikit are refused: %s", text);
	alerts_raise(r->alerts, ALERT_REJECTIONS, CHANGED, sentence);
}

/* -- Only what nobody has signed -- */

/* Has something good come since the last look? */
static bool
is_good(struct alert_refused *r)
{
	struct ingest_stats in;
	uint64_t before = r->good;

	ingest_stats(r->in, &in);
	r->good = in.received + in.duplicates;
	return (r->good > before);
}

static void
look_at_forged(struct alert_refused *r, struct steady_time now)
{
	uint64_t forged = rejections_count(r->rej, REJECT_SIGNATURE);
	char sentence[ALERT_SENTENCE_MAX];

	if (forged > r->forged || r->later.ms == 0)
		r->later = now;
	r->forged = forged;
	if (is_good(r) || steady_since(now, r->later) > DAY_MS) {
		r->before = forged;
		r->since.ms = 0;
		alerts_clear(r->alerts, ALERT_REJECTIONS, SECRET);
		return;
	}
	if (forged == r->before)
		return;
	if (r->since.ms == 0)
		r->since = now;
	if (forged - r->before < ALERT_REFUSED_MIN ||
	    steady_since(now, r->since) < alerts_after_ms(r->alerts))
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "no delivery was taken since %" PRIu64 " with a wrong signature "
	    "came: klikit's secret may be another one than ours",
	    forged - r->before);
	alerts_raise(r->alerts, ALERT_REJECTIONS, SECRET, sentence);
}

void
alert_refused_look(struct alert_refused *r, struct steady_time now)
{
	look_at_changed(r, now);
	look_at_forged(r, now);
}
