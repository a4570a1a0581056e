/*
 * admin_stats.h -- private to admin_*.c: what of the statistics other answers
 * show as well.
 */
#ifndef SERVER_ADMIN_STATS_H
#define SERVER_ADMIN_STATS_H

#include <jansson.h>

struct series;

/*
 * What was counted of that handler in all slots of s: done, failed, dead ...; a
 * new reference, NULL when out of memory.
 */
json_t *admin_stats_total(const struct series *s, const char *name);

#endif /* SERVER_ADMIN_STATS_H */
