/*
 * config_address.h -- addresses to listen on, as the configuration has them
 * (pure).
 */
#ifndef SERVER_CONFIG_ADDRESS_H
#define SERVER_CONFIG_ADDRESS_H

#include <stdbool.h>

/* Is "HOST:PORT" an address of this machine alone? */
bool config_is_loopback(const char *address);

/* Do both ask for one port of one address? Port 0 is a new one each time. */
bool config_addresses_collide(const char *a, const char *b);

#endif /* SERVER_CONFIG_ADDRESS_H */
