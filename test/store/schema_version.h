/* schema_version.h -- how many numbered files store/sqlite/schema/ has. */
#ifndef TEST_STORE_SCHEMA_VERSION_H
#define TEST_STORE_SCHEMA_VERSION_H

#define SCHEMA 18

#endif /* TEST_STORE_SCHEMA_VERSION_H */
