/*
 * url.h -- private to store/postgres/: what a URL of the configuration says.
 * Touches no network and no file.
 */
#ifndef STORE_POSTGRES_URL_H
#define STORE_POSTGRES_URL_H

#include "store/store.h"

/*
 * The URL as libpq takes it: "postgres:?service=x" is "postgres://?service=x".
 * Owned by the caller, with whatever password stands in it. NULL when out of
 * memory.
 */
char *url_for_libpq(const char *url);

/* As store_url_name() and store_check_url(). */
void url_name(const char *url, char ret_name[STORE_NAME_MAX]);
int url_check(const char *url, const char **ret_advice, char *reason);

#endif /* STORE_POSTGRES_URL_H */
