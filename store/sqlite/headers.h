/*
 * headers.h -- private to store/sqlite/: sets of header fields that deliveries
 * have in common.
 *
 * Owns: the rows of header_sets, and what is remembered of them (db_headers).
 */
#ifndef STORE_SQLITE_HEADERS_H
#define STORE_SQLITE_HEADERS_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct purge_age;
struct store_event;
struct store_op;

/* Keep the set of header fields of an event that was inserted. */
int headers_keep(struct db *db, const struct store_event *ev);

/* Nothing is known any more: what was written may have been undone. */
void headers_forget(struct db *db);

/* Remove those that no event of a later age has. */
int headers_purge(struct db *db, const struct purge_age *age, bool *ret_some);

/* Remove that of an event, unless another has it, too. */
int headers_purge_own(struct db *db, int64_t event);

/* What those of an event said, shared or its own, into its headers. */
int headers_load(struct db *db, struct store_event *ev);

/* STORE_OP_GET_ARRIVAL. */
int headers_arrival(struct db *db, struct store_op *op);

#endif /* STORE_SQLITE_HEADERS_H */
