/*
 * mention.h -- does a text name an id, however it is written?
 *
 * Pure. For purging: in doubt the answer is yes.
 */
#ifndef STORE_BASE_MENTION_H
#define STORE_BASE_MENTION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does id, which is not empty, stand in the text by itself, with no letter or
 * digit beside it: as it is, or once JSON's escapes and percent-encoding are
 * undone? Short of memory the answer is yes.
 */
bool mention_finds(const void *text, size_t len, const char *id);

#endif /* STORE_BASE_MENTION_H */
