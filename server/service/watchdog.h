/*
 * watchdog.h -- when the service manager's watchdog is fed (pure).
 *
 * It is fed by the loop, so a loop that hangs starves it; and only while the
 * store's writer gets on, so a disk that never answers a sync starves it too.
 * A store that says what ails it (no space, a repair, a database that is away)
 * does answer: a restart would help nothing there, and undo a repair.
 */
#ifndef SERVER_WATCHDOG_H
#define SERVER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How often it is to be looked at, by $WATCHDOG_USEC and $WATCHDOG_PID, each
 * NULL if not set: a quarter of the limit, in ms. 0: nobody watches this
 * process.
 */
int64_t watchdog_every_ms(const char *usec, const char *pid, int64_t self);

/* All zero at the beginning. */
struct watchdog {
	bool behind; /* at the last look, and with so many answers */
	uint64_t answers;
};

/*
 * A look: behind and answers are those of store_is_behind(), asked says whether
 * they mean anything. May it be fed? Not if the writer was behind at the last
 * look already, and has answered nothing since.
 */
bool watchdog_look(struct watchdog *w, bool asked, bool behind,
    uint64_t answers);

#endif /* SERVER_WATCHDOG_H */
