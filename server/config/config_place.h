/*
 * config_place.h -- which store a relative path means.
 */
#ifndef SERVER_CONFIG_PLACE_H
#define SERVER_CONFIG_PLACE_H

#include <stdbool.h>

struct config_draft;

enum config_place {
	CONFIG_PLACE_HERE,   /* with the state */
	CONFIG_PLACE_BEFORE, /* beside the configuration, since it is there */
	CONFIG_PLACE_TWO     /* two stores, and no way to know which */
};

/* Is there a store here, and before; are they the same file? Pure. */
enum config_place config_place_choose(bool here, bool before, bool same);

/* Is it /etc or below? Pure. */
bool config_place_is_etc(const char *dir);

/* Move store.url to where it belongs. When all values are set. */
void config_place_store(struct config_draft *d);

#endif /* SERVER_CONFIG_PLACE_H */
