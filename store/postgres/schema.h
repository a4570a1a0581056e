/*
 * schema.h -- private to store/postgres/: whether the database is ours, and how
 * it becomes this version's: numbered migrations, forward only, each of which
 * leaves it usable for the klikitd of before, unless it says otherwise.
 */
#ifndef STORE_POSTGRES_SCHEMA_H
#define STORE_POSTGRES_SCHEMA_H

#include "store/postgres/pipe.h"

/* A migration. Its text may say "-- usable_from: N", else it is for all. */
struct schema_step {
	int number;
	int usable_from;
	const char *text;
};

/*
 * The i-th migration that this klikitd knows, by number. Returns false if there
 * are no more. Pure.
 */
bool schema_step(size_t i, struct schema_step *ret_step);

/*
 * Bring the database up to date (STORE_SERVE makes the schema, too), or only
 * look whether it is (STORE_READ); and look whether the role has the rights
 * that it needs. Others may do the same meanwhile, and newer ones may have been
 * there. Returns STORE_OK; STORE_NOTFOUND (there is no store, and mode does not
 * make one), STORE_NEWER (a newer klikitd has made it unusable for this one),
 * STORE_BUSY (another one migrates, or a lock was not to be had), STORE_FAILED
 * (a right is missing: the reason has the SQL that gives it; an older klikitd's
 * and STORE_READ), or as pg_query(). On failure nothing was changed.
 */
enum store_rc schema_bring(struct pg_conn *c, enum store_mode mode,
    char reason[STORE_REASON_MAX]);

#endif /* STORE_POSTGRES_SCHEMA_H */
