/*
 * version.h -- which database libraries the store is built on.
 */
#ifndef STORE_VERSION_H
#define STORE_VERSION_H

/* The version of the SQLite that is linked, such as "3.40.1"; static. */
const char *store_sqlite_version(void);

/* The same of PostgreSQL's client library; NULL: klikitd was built without. */
const char *store_libpq_version(void);

#endif /* STORE_VERSION_H */
