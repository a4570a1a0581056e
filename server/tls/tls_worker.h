/*
 * tls_worker.h -- private to tls*.c: a thread that computes handshakes, so that
 * the loop need not.
 *
 * Owns:    a thread, of a lower priority than the loop's, and the descriptor
 *          by which it wakes the loop.
 * Touches: no connection: only the work that it is given does.
 * Threads: all functions are the loop's.
 */
#ifndef SERVER_TLS_WORKER_H
#define SERVER_TLS_WORKER_H

#include <stdint.h>

struct event_base;
struct tls_worker; /* opaque */

struct tls_worker_fns {
	/* In the thread: do this work. What it touches is the thread's. */
	void (*work)(void *work);

	/* From the loop: it is done, and more may be given. */
	void (*done)(void *work, void *arg);
	void *arg;
};

/*
 * Keeps base until tls_worker_free(), copies fns. NULL: there can be none, for
 * want of memory or of locks inside mbedTLS, whose random numbers and keys two
 * threads would use.
 */
struct tls_worker *tls_worker_new(struct event_base *base,
    const struct tls_worker_fns *fns);

/*
 * Have that done; never before the last work's done() was called. Returns 0;
 * -1: there is no thread to be had, and nothing was begun. It is made for the
 * first work.
 */
int tls_worker_give(struct tls_worker *w, void *work);

/* How long the last work took of a processor. */
int64_t tls_worker_took_us(const struct tls_worker *w);

/* Waits for the work under way, whose done() does not run. Accepts NULL. */
void tls_worker_free(struct tls_worker *w);

#endif /* SERVER_TLS_WORKER_H */
