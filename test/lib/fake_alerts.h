/*
 * fake_alerts.h -- in place of alerts.h: keeps what was raised, sends nothing.
 *
 * Owns: what those who look for alerts have said (alerts_raise(),
 *       alerts_clear(), alerts_sweep()). Their struct alerts is NULL.
 */
#ifndef TEST_LIB_FAKE_ALERTS_H
#define TEST_LIB_FAKE_ALERTS_H

#include <stddef.h>
#include <stdint.h>

#include "server/alert/alert_kind.h"

/* Nothing was raised; alerts_after_ms() is this. */
void fake_alerts_reset(int64_t after_ms);

/* The sentence of one that is up; NULL: it is not. */
const char *fake_alerts_up(enum alert_kind kind, const char *subject);

/* How many are up. */
size_t fake_alerts_count(void);

#endif /* TEST_LIB_FAKE_ALERTS_H */
