/*
 * faulty_store.h -- a store backend that fails or blocks when it is told to,
 * and otherwise is the SQLite one.
 *
 * Owns: the switches. Thread-safe: tests turn them while the store runs.
 */
#ifndef TEST_LIB_FAULTY_STORE_H
#define TEST_LIB_FAULTY_STORE_H

#include "store/store_ops.h"

struct faulty_store;

/* Every time, from now on. */
#define FAULTY_ALWAYS 0xffffffffu

/* sqlite: how SQLite is to be opened, kept; may be NULL. Aborts if short of
 * memory. */
struct faulty_store *faulty_store_new(struct store_sqlite_setup *sqlite);

/* After store_close(). Accepts NULL. */
void faulty_store_free(struct faulty_store *f);

/* What to give to store_open_with(); valid until free. */
const struct store_setup *faulty_store_setup(struct faulty_store *f);

/*
 * Let the nth commit from now (1: the next) and times - 1 after it fail with
 * rc, without anything being written.
 */
void faulty_store_fail(struct faulty_store *f, unsigned nth, unsigned times,
    enum store_rc rc);

/* Let the next so many reopenings fail with rc. */
void faulty_store_fail_reopen(struct faulty_store *f, unsigned times,
    enum store_rc rc);

/* Let the next commit and those after it wait for release. */
void faulty_store_block(struct faulty_store *f);
void faulty_store_release(struct faulty_store *f);

/* Wait until a commit is being held. */
void faulty_store_wait_blocked(struct faulty_store *f);

/* The same for reads; while one is held it has no snapshot. */
void faulty_store_block_reads(struct faulty_store *f);
void faulty_store_release_reads(struct faulty_store *f);
void faulty_store_wait_read_blocked(struct faulty_store *f);

/* How often it was asked so far. */
unsigned faulty_store_commits(struct faulty_store *f);
unsigned faulty_store_reopens(struct faulty_store *f);
unsigned faulty_store_upkeeps(struct faulty_store *f);

/* The largest number of operations in one commit so far. */
size_t faulty_store_largest(struct faulty_store *f);

#endif /* TEST_LIB_FAULTY_STORE_H */
