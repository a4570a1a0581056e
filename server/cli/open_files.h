/*
 * open_files.h -- how many files may be open, and what for.
 *
 * Owns:    the limit on the files of this process; how many of them are kept
 *          for all that is no public connection: the store, which opens some
 *          late, the calls of the handlers, the admin listener.
 * Touches: setrlimit(2); else pure.
 */
#ifndef SERVER_OPEN_FILES_H
#define SERVER_OPEN_FILES_H

#include <stddef.h>
#include <stdint.h>

struct config;

#define OPEN_FILES_UNKNOWN UINT64_MAX

/*
 * Raise the limit as far as the system lets this process. Returns what it was
 * before, for programs that we start; OPEN_FILES_UNKNOWN if that cannot be
 * read.
 */
uint64_t open_files_raise(void);

/* The limit now; OPEN_FILES_UNKNOWN if there is none, or it cannot be read. */
uint64_t open_files_limit(void);

/* How many are kept for what is no public connection, with that configuration.
 */
size_t open_files_kept(const struct config *cfg);

/*
 * How many public connections there may be: http.max_connections, or what
 * limit leaves, but a few at least.
 */
size_t open_files_connections(const struct config *cfg, uint64_t limit);

#endif /* SERVER_OPEN_FILES_H */
