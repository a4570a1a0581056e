/*
 * klikit_faults.h -- what the fake klikit API is to do wrong.
 *
 * Owns:    the faults that were asked for, and how often each is still due.
 * Touches: nothing. Pure apart from memory.
 */
#ifndef SERVER_KLIKIT_FAULTS_H
#define SERVER_KLIKIT_FAULTS_H

#include <stdint.h>

#include <jansson.h>

struct klikit_faults; /* opaque */

enum klikit_fault_kind {
	KLIKIT_FAULT_NONE,
	KLIKIT_FAULT_STATUS, /* answer that status, and do nothing */
	KLIKIT_FAULT_HTML,   /* 200 with a page, as a captive portal has it */
	KLIKIT_FAULT_EMPTY,  /* a page without orders, though there are some */
	KLIKIT_FAULT_SIZE,   /* pages of that size, whatever is asked for */
	KLIKIT_FAULT_SLOW,   /* answer after that time */
	KLIKIT_FAULT_DROP,   /* close without an answer, and do nothing */
	KLIKIT_FAULT_LOST    /* do it, and close without an answer */
};

/* What kinds of requests there are; a fault may be for one of them. */
enum klikit_call {
	KLIKIT_CALL_LIST,
	KLIKIT_CALL_ORDER, /* one of them */
	KLIKIT_CALL_STATUS /* a change of one */
};

struct klikit_fault {
	enum klikit_fault_kind kind;
	int status;
	int64_t retry_after_s; /* 0: none */
	int64_t size;
	int64_t delay_ms;
};

/* NULL when out of memory. */
struct klikit_faults *klikit_faults_new(void);

/* Accepts NULL. */
void klikit_faults_free(struct klikit_faults *f);

/*
 * These from now on, in place of the old ones. Borrows list: an array of
 * {"what": …, "on": …, "times": …} and what that kind needs. Returns NULL; else
 * what is wrong with it, in one line, and then the old ones stay.
 */
const char *klikit_faults_put(struct klikit_faults *f, const json_t *list);

/* Those that are still due; owned by the caller. NULL when out of memory. */
json_t *klikit_faults_list(const struct klikit_faults *f);

/* The first that is due for such a request, which is one time less then. */
struct klikit_fault klikit_faults_take(struct klikit_faults *f,
    enum klikit_call call);

#endif /* SERVER_KLIKIT_FAULTS_H */
