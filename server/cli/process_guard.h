/*
 * process_guard.h -- what of this process others may see.
 *
 * Owns:    a copy of the environment's secrets, as long as the process lives.
 * Touches: the environment, also where the kernel shows it; limits of the
 *          process. Not the log.
 */
#ifndef SERVER_PROCESS_GUARD_H
#define SERVER_PROCESS_GUARD_H

#include <stdbool.h>

/*
 * Take the secrets out of the environment, and what the service manager has put
 * there: /proc/PID/environ, environ(7) and children have them no longer. Once,
 * at the start, before any thread. Returns 0; or -1 when out of memory, and
 * then nothing was changed.
 */
int process_guard_environment(void);

/*
 * The environment as it came, secrets included: NAME=value, NULL at the end.
 * Valid as long as the process.
 */
const char *const *process_environment(void);

/*
 * Leave no core file, and show memory, descriptors and environment to root
 * alone. Does nothing in builds with debug information or a sanitizer. The
 * programs that we start are as usual, but for the soft limit of core files.
 */
void process_guard_memory(void);

/*
 * Is this root of the whole machine? Not: root in a container that has other
 * user ids outside.
 */
bool process_is_root(void);

#endif /* SERVER_PROCESS_GUARD_H */
