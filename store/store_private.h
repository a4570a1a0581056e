/* store_private.h -- private to store/ itself: queues, what threads share. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include <pthread.h>

#include "store/news.h"
#include "store/op.h"
#include "store/store_ops.h"

struct store_queue {
	struct store_op *head;
	struct store_op **tail;
	size_t n;
};

void store_queue_init(struct store_queue *q);
void store_queue_put(struct store_queue *q, struct store_op *op);
struct store_op *store_queue_get(struct store_queue *q);
void store_queue_unget(struct store_queue *q, struct store_op *op);

/* How far a backup is; op NULL: nothing new. */
struct store_backup_progress {
	struct store_op *op;
	int64_t copied, total;
};

/* Lines for the operator that wait for the caller's thread. */
#define STORE_NOTES_MAX 8
struct store_note {
	enum store_note_level level;
	char text[STORE_REASON_MAX];
};
struct store_notes {
	pthread_mutex_t mutex;
	struct store_note list[STORE_NOTES_MAX];
	size_t n;
};

struct store_thread {
	pthread_t id;
	bool started;
	pthread_cond_t cond; /* work for it, or stop */
};

/* What the caller's thread alone uses. */
struct store_caller {
	const struct store_stand_in *stand_in; /* NULL: the threads do it */
	int64_t repeat_window_ms;
	store_note_fn *note; /* may be NULL */
	void *note_arg;
	void (*gather)(void *arg); /* NULL: the writer is woken at once */
	void *gather_arg;
	bool unflushed; /* gather was called, store_flush() is due */
	struct store_listener listener;
	struct store_queue collected; /* done() is due */
	struct store_op *pend_head, *pend_tail;
	uint64_t next_seq;
	enum store_health seen_health;
	char seen_reason[STORE_REASON_MAX];
	struct store_count_sweeps sweeps;
	bool closing;
};

/* What the writer's thread alone uses. */
struct store_writing {
	struct store_op **batch; /* batch_max places */
	unsigned batch_max;
	unsigned pause_ms; /* the first one between reopenings */
	unsigned tries;    /* repairs that came to STORE_OK */
	int64_t looked_ms; /* when look was called last */
	struct store_ticking ticking;
};

struct store {
	/* Set by open, then constant. */
	const struct store_ops *ops;
	void *be;
	enum store_mode mode;
	size_t queue_max;
	int fd; /* eventfd: something is finished, or the health changed */

	/* Shared, under the mutex. */
	pthread_mutex_t mutex;
	struct store_thread writer, reader;
	pthread_cond_t done_cond; /* finished */
	struct store_queue urgent, background, reads, finished;
	struct store_backup_progress progress;
	size_t queued_bytes;
	struct store_stats stats;
	enum store_health health;
	char reason[STORE_REASON_MAX];
	enum store_upkeep upkeep; /* the reader's part */
	bool held;                /* the reader is not to begin anything */
	bool reading;             /* it is in ops->read() */
	bool committing;          /* the writer is in ops->commit() */
	bool damage;              /* somebody met damage: repair is due */
	bool stop;
	uint64_t answers; /* of the writer; a batch is one */
	struct store_sharing sharing;

	struct store_notes notes; /* has a mutex of its own */
	struct store_caller caller;
	struct store_writing writing;
};

/* Any other thread, with the mutex held: op is finished. */
void store_finished(struct store *st, struct store_op *op);

/* Make store_fd() readable. */
void store_wake(struct store *st);

/* Caller's thread: hand the lines on. */
void store_deliver_notes(struct store *st);

/* Thread bodies; arg is the struct store. */
void *store_writer_main(void *arg);
void *store_reader_main(void *arg);

#endif /* STORE_STORE_PRIVATE_H */
