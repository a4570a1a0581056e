/*
 * case_database.h -- a PostgreSQL database for a program of tests, on the
 * server that test/with_postgres.py has started.
 *
 * Owns: the database, which goes with the server. Fails by cmocka's assertions.
 */
#ifndef TEST_LIB_CASE_DATABASE_H
#define TEST_LIB_CASE_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names the server: a URL of libpq's, of one who may make databases. */
#define CASE_SERVER "TEST_POSTGRES"

struct case_database;

/*
 * It, without a row; klikitd's tables may be there already. Its URL is that of
 * a user who owns it and may do no more.
 */
struct case_database *case_database_new(char *ret_url, size_t room);

/* Let no row stay, whoever is connected. Accepts NULL. */
void case_database_free(struct case_database *db);

/* One number by SQL; no row, or NULL, is a failed test. */
int64_t case_database_int(struct case_database *db, const char *sql);

/* Run SQL: one statement, or several. */
void case_database_sql(struct case_database *db, const char *sql);

/* Does any value of any row of klikitd's tables hold that text? */
bool case_database_says(struct case_database *db, const char *text);

#endif /* TEST_LIB_CASE_DATABASE_H */
