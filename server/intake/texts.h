/*
 * texts.h -- copies of lists of texts.
 */
#ifndef SERVER_INTAKE_TEXTS_H
#define SERVER_INTAKE_TEXTS_H

#include <stddef.h>

/*
 * A copy of the list and its texts in one block, NULL behind the last, owned by
 * the caller; NULL when out of memory.
 */
const char *const *texts_copy(const char *const *texts, size_t n);

#endif /* SERVER_INTAKE_TEXTS_H */
