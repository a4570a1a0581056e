/*
 * config_table.h -- private to config_*.c: the tables of keys, and how one
 * value of one key is read.
 */
#ifndef SERVER_CONFIG_TABLE_H
#define SERVER_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "handlers/key.h"
#include "server/config/config.h"

/*
 * The keys of struct config, config_secret, config_endpoint, config_upstream
 * and config_handler: every type's.
 */
extern const struct key config_global_keys[];
extern const struct key config_secret_keys[];
extern const struct key config_endpoint_keys[];
extern const struct key config_upstream_keys[];
extern const struct key config_handler_keys[];

/* Those of config_handler that only some types have; see struct handler. */
extern const struct key config_outlet_keys[];
extern const struct key config_unit_keys[];

/* The key of that section with that name; NULL if there is none. */
const struct key *config_key_find(const struct key *keys, const char *section,
    const char *name);

/*
 * The key of that name that a handler of the type may have; NULL if there is
 * none. *ret_own: it is the type's own, of its settings. type may be NULL:
 * then only what every handler has.
 */
const struct key *config_handler_key(const struct handler *type,
    const char *name, bool *ret_own);

/* What one of config_outlet_keys is if it is not given; NULL: that type has no
   such key. */
const char *config_key_def(const struct key *key, const struct handler *type);

/* What the key events of that type is if it is not given; NULL: as it is for
   all. */
const char *config_events_def(const struct handler *type);

/* The global key "section.key"; NULL if there is none. */
const struct key *config_key_flag(const char *name);

struct nearest;

/* Offer the names of all keys; there may be no table. */
void config_keys_offer(const struct key *keys, struct nearest *n);

/* "key" of "section.key". */
const char *config_key_short(const struct key *key);

/*
 * Print the global keys by key(), and what stands before the first one of each
 * section by section(): its name is len bytes long.
 */
void config_print_globals(FILE *out,
    void (*section)(FILE *out, const char *name, int len),
    void (*key)(FILE *out, const struct key *key, const char *def));

/* Room for the longest name of a variable, its NUL included. */
#define CONFIG_ENV_MAX 64

/* Write the name of a global key's variable: KLIKITD_SECTION_KEY. */
const char *config_key_env(const struct key *key,
    char ret_name[CONFIG_ENV_MAX]);

/* -- config_value.c -- */

/*
 * Read text as a value of key into its field of base; what stood there is
 * freed. dir is what a relative path is relative to. Returns 0; or -1, with
 * the reason written, and then the field is as before.
 */
int config_value_set(const struct key *key, void *base, const char *dir,
    const char *text, char reason[KEY_REASON_MAX]);

/* Do two structs hold the same value for the key? */
bool config_value_equal(const struct key *key, const void *a, const void *b);

/* Free what the keys' fields of base hold; secrets are wiped. */
void config_values_free(const struct key *keys, void *base);

void config_list_free(struct key_list *list);

/* One item more, NULL after it. Returns 0, or -1 when out of memory. */
int config_list_add(struct key_list *list, const char *text, size_t len);

/* Write a reason. Always -1, so that it can be returned in one statement. */
int config_reason(char reason[KEY_REASON_MAX], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * path as it stands if absolute, else dir/path; owned by the caller. NULL
 * when out of memory.
 */
char *config_path_join(const char *dir, const char *path);

/* -- Checks of some keys' values -- */

key_check_fn config_check_listen;
key_check_fn config_check_plain;
key_check_fn config_check_admin;
key_check_fn config_check_addresses;
key_check_fn config_check_networks;
key_check_fn config_check_events;
key_check_fn config_check_not_empty;
key_check_fn config_check_paths;
key_check_fn config_check_scope;
key_check_fn config_check_some;
key_check_fn config_check_store;
key_check_fn config_check_probe;
key_check_fn config_check_upstream;
key_check_fn config_check_origins;
key_check_fn config_check_list_url;

#endif /* SERVER_CONFIG_TABLE_H */
