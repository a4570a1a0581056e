/*
 * flood.h -- private to store/: how many duplicates are noted. Pure.
 *
 * Someone who resends a captured delivery must not make us write without end:
 * so many are noted at once, and then one a second. Beyond that a duplicate is
 * only answered (and counted by the caller).
 */
#ifndef STORE_FLOOD_H
#define STORE_FLOOD_H

#include <stdint.h>

struct flood { /* all zero at first */
	int64_t at_ms;
	int64_t left;
};

/* How many may be noted at now_ms; the caller takes what it notes off f->left.
 */
int64_t flood_left(struct flood *f, int64_t now_ms);

#endif /* STORE_FLOOD_H */
