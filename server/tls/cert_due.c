#include "server/tls/cert_due.h"

#include <stddef.h>

#define DAY_MS INT64_C(86400000)

/* How long before the end each stage begins. */
static const struct {
	enum cert_stage stage;
	int64_t before_ms;
} stages[] = {
	{ CERT_WEEKS, 21 * DAY_MS },
	{ CERT_WEEK, 7 * DAY_MS },
	{ CERT_DAY, DAY_MS },
	{ CERT_EXPIRED, 0 },
};
#define NSTAGES (sizeof(stages) / sizeof(stages[0]))

/* Its last moment is still valid (RFC 5280, section 4.1.2.5). */
static int64_t
begins_ms(size_t i, int64_t until_ms)
{
	return (until_ms - stages[i].before_ms +
		(stages[i].stage == CERT_EXPIRED ? 1 : 0));
}

enum cert_stage
cert_due_stage(int64_t from_ms, int64_t until_ms, int64_t now_ms)
{
	enum cert_stage stage = CERT_FINE;

	if (now_ms < from_ms)
		return (CERT_EARLY);
	for (size_t i = 0; i < NSTAGES; i++) {
		if (now_ms >= begins_ms(i, until_ms))
			stage = stages[i].stage;
	}
	return (stage);
}

bool
cert_due_warns(enum cert_stage seen, enum cert_stage stage)
{
	if (stage == CERT_EARLY)
		return (seen != CERT_EARLY);
	return (stage > CERT_FINE && stage > seen);
}

int64_t
cert_due_wait_ms(int64_t from_ms, int64_t until_ms, int64_t now_ms)
{
	if (now_ms < from_ms)
		return (from_ms - now_ms);
	for (size_t i = 0; i < NSTAGES; i++) {
		if (now_ms < begins_ms(i, until_ms))
			return (begins_ms(i, until_ms) - now_ms);
	}
	return (INT64_MAX);
}
