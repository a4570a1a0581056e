/*
 * record.h -- what is stored, as plain data: events and their orders, jobs,
 * attempts, rejections, rows of projections.
 *
 * Owns:    a store_event, which is shared by counting its references. All else
 *          belongs to whom it stands with.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/times.h"
#include "store/job.h"
#include "store/order.h"

/* One order as an event carries it. Texts are valid UTF-8. */
struct store_order {
	int32_t place;           /* its index in the body's array of orders */
	const char *order_id;    /* the digits as they stand, or the string */
	const char *status;      /* raw code; NULL if absent */
	const char *updated_at;  /* as written; NULL if absent */
	const char *external_id; /* NULL if absent */
};

/* Where an event comes from. */
enum store_origin {
	STORE_KLIKIT,    /* delivered by klikit */
	STORE_HUB,       /* fetched from a hub that klikit delivered it to */
	STORE_RECONCILE, /* made from klikit's list of orders */
	STORE_INTERNAL   /* klikitd's own */
};

/*
 * How the peer of an event from a hub begins, and the secret of one that was
 * taken by the hub's word; then the upstream's name follows.
 */
#define STORE_BY_UPSTREAM "upstream "

/* Its word. */
const char *store_origin_name(enum store_origin origin);

/* The origin of that word. Returns 0, or -1 if there is none. */
int store_origin_parse(const char *word, enum store_origin *ret_origin);

/*
 * An event: the first delivery of an id in its scope. Plain data, made whole by
 * store_event_new(), then never changed but by the store, which sets id, and
 * by store_event_drop_body(). Reference-counted; the count belongs to the
 * caller's thread.
 */
struct store_event {
	int64_t id;           /* order of arrival; 0 until stored */
	const char *event_id; /* x-klikit-event-id */
	/* Ids of events and orders are unique within it; never NULL once made
	   by store_event_new(), which takes NULL for "". */
	const char *scope;
	const char *type; /* x-klikit-event-type */
	enum store_origin origin;
	/*
	 * The event that this one repeats; 0: none. The store finds it. Of a
	 * repeat only its row is stored: what is read of its orders and its
	 * body are the other's.
	 */
	int64_t repeat_of;
	/* That one's event_id; NULL: none, not read, or not known any more. */
	const char *original;
	const char *brand;  /* NULL if the body names none */
	const char *branch; /* NULL if the body names none */
	/* The verified HMAC-SHA256 of the body, under the secret named next. */
	unsigned char digest[ORDER_DIGEST_LEN];
	const char *secret; /* name of the secret that verified it; NULL: it is
			       not signed, and there is no digest */
	const char *peer;   /* address and port it came from */
	const char *endpoint; /* the name of the one it came through; NULL: it
				 came through none, or that is not known */
	int64_t received_at_ms;
	struct steady_time came_at; /* the same moment, as ages are counted;
				       0: as it is dated */
	/*
	 * The clock that received_at_ms is of was not believed. Of what is read
	 * only lists and store_get_event() say it.
	 */
	bool date_doubted;
	/*
	 * What its header fields said, redacted, one "name: value" a line. What
	 * many deliveries have in common is a set, kept once for all of them,
	 * under a number that its bytes make: see store/DESIGN.md. Neither is
	 * read back with an event (store_get_arrival() does), but for
	 * STORE_WITH_HEADERS: then headers has both.
	 */
	int64_t header_set;      /* 0: none is kept */
	char *headers;           /* that set; goes as the body does */
	const char *own_headers; /* what differs in each; NULL: nothing */
	/* How earlier ones were answered (store/arrival.h); NULL: no news. */
	const char *answers;
	const struct store_order *orders;
	size_t norders;
	void *body;      /* as received; NULL once dropped or not read */
	size_t body_len; /* stays known when the body is dropped */
	unsigned refs;
};

/*
 * A deep copy of src with one reference, owned by the caller; id and refs of
 * src are ignored. Takes src->body (from malloc) on success and leaves it to
 * the caller on failure; all else, headers too, is copied. Returns NULL when
 * out of memory.
 */
struct store_event *store_event_new(const struct store_event *src);

/* One more reference. Returns ev. */
struct store_event *store_event_ref(struct store_event *ev);

/* One reference less; frees ev with the last one. Accepts NULL. */
void store_event_unref(struct store_event *ev);

/* Of an event that is nobody else's: only the order at that place stays. */
void store_event_narrow(struct store_event *ev, int32_t place);

/* Free the bytes of body and headers, which nobody needs any more. */
void store_event_drop_body(struct store_event *ev);

/* Does any of its orders have a time that can be read? */
bool store_event_has_time(const struct store_event *ev);

/* A job to be made with an event. */
struct store_job_spec {
	int64_t handler; /* from store_register() */
	int32_t place;   /* of the order it is for, or STORE_WHOLE_EVENT */
	bool ordered;    /* wait in the lanes of the orders it is for */
	struct steady_time due_at; /* not before then; 0: at once */
	/*
	 * An alarm: the index in this array of the job it guards, which comes
	 * before it; the alarm is cancelled when that job is done. Else
	 * STORE_NO_GUARD.
	 */
	int32_t guards;
	/*
	 * JOB_DONE or JOB_DEAD: there is nothing to run, and the job is made
	 * only to be seen; it stands in no lane. outcome (copied) says why.
	 * JOB_READY, which is 0: it is to run.
	 */
	enum job_state born;
	const char *outcome; /* NULL unless it is born at its end */
};
#define STORE_WHOLE_EVENT (-1)
#define STORE_NO_GUARD (-1)

/* A job that may run now. */
struct store_job {
	int64_t id;
	int64_t handler;
	int32_t place;
	unsigned attempts; /* begun so far */
	bool replay;       /* made by hand from an earlier job */
	int64_t guards;    /* the job whose alarm it is; 0: it is none */
	/* From store_start(): the replay whose number is in its idempotency
	   key; 0: none is. */
	int64_t key_of;
	struct store_event *ev; /* without body; borrowed: ref to keep it */
};

/* Rows a projection writes together with its verdict. */
enum store_table { STORE_ORDERS, STORE_CARTS };
struct store_write {
	enum store_table table;
	const struct store_order *order;  /* carts use its id only */
	const char *scope;                /* NULL: the empty one */
	const char *brand;                /* NULL if unknown */
	const char *branch;               /* NULL if unknown */
	unsigned char key[ORDER_KEY_LEN]; /* a row with a greater one stays */
	int64_t event;
	int32_t place;
};

/* One try of a job, for the attempts table. */
struct store_attempt {
	int64_t started_at_ms;
	int64_t duration_ms;
	int code;           /* HTTP status or exit code; 0 if there is none */
	const void *answer; /* the first KB of it; NULL if there is none */
	size_t answer_len;
	const char *detail; /* what explains the outcome, but came from outside:
			       it goes with the answer; NULL: nothing */
};

/* What became of a job that ran. */
struct store_outcome {
	int64_t job;
	/*
	 * Of the attempt that ended, as store_start() gave it: the end counts
	 * only while the job runs under it. 0: it was not started.
	 */
	unsigned number;
	enum job_state to;   /* JOB_DONE, JOB_WAITING or JOB_DEAD */
	const char *outcome; /* "done", or why not: in our own words, which
				outlive a purge */
	int64_t at_ms;
	struct steady_time due_at; /* when to try again; only for JOB_WAITING */
	const struct store_attempt *attempt; /* NULL: none is recorded */
	bool
	    served; /* with JOB_DONE: note that its orders are done, for once */
	const struct store_write *writes;
	size_t nwrites;

	/*
	 * With an end: begin the job that moves up as well, as store_start()
	 * does, if it is the only one, and was not tried before. None is begun
	 * that may end as `already': of a repeat, or of an event whose type
	 * once() names (pure, called by any thread; NULL: none) if one of its
	 * orders was served. A store may do without.
	 */
	bool begin_next;
	bool (*once)(const char *type);
};

/* Whose it is: each class has its own share of the ring. Stored as numbers. */
enum store_reject_class {
	STORE_REJECT_STRANGER,  /* nothing says that it is klikit's */
	STORE_REJECT_KNOWN,     /* it was signed, and changed on its way */
	STORE_REJECT_AUTHENTIC, /* signed with one of our secrets */
	STORE_REJECT_NCLASSES
};

/* A delivery that was refused (or is kept beside the event it conflicts). */
struct store_rejection {
	enum store_reject_class class;
	int64_t at_ms;
	struct steady_time came_at; /* the same moment; 0: as it is dated */
	const char *peer;
	const char *endpoint;  /* as in an event */
	const char *cause;     /* one word: signature, headers, ... */
	const char *code;      /* what was found, one word; NULL: nothing */
	const char *diagnosis; /* the same in words; NULL if there is none */
	const char *headers;   /* redacted, one "name: value" a line */
	size_t size;           /* of the whole body */
	const void *body;      /* what is kept of it */
	size_t body_len;
	const unsigned char *digest; /* 32 bytes; NULL: not authentic */
	uint64_t repeats;   /* times that it came again, or more of them */
	int64_t last_at_ms; /* the last of them; 0: it came once. Only listed */
	uint64_t not_kept;  /* others that were refused before it, and are
			       nowhere */
};

#endif /* STORE_RECORD_H */
