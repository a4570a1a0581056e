/*
 * load.h -- the parts of the load generator.
 *
 * A closed loop: each connection sends its next request when it has the whole
 * answer to the last one. One thread, one epoll set, one writev per request.
 *
 * load.c          options, the run, the report
 * load_options.c  the command line
 * load_parcel.c   what is sent: bodies, their signatures, heads
 * load_sign.c     signatures of bodies that begin alike
 * load_conn.c     connections: send, read the answer, again
 * load_answer.c   how far an answer has come (pure)
 * load_hist.c     latencies (pure)
 * load_proc.c     what the kernel says of the server's process
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <sys/queue.h>
#include <sys/uio.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* -- The command line -- */

struct options {
	struct sockaddr_in to;
	const char *path;
	const char *type;      /* of the events */
	const char *body_file; /* NULL: GET instead of POST */
	const char *secret_file;
	const char *ids_file;    /* gets the id of every event answered so */
	const char *expect_text; /* that the answer's body must hold, or NULL */
	uint64_t seed;           /* of the event ids */
	unsigned nbodies;        /* in turn; 0: each request has its own */
	unsigned nconns;
	unsigned nidle;
	unsigned expect_code;
	int pid;            /* whose CPU and memory are reported; 0: nobody's */
	int64_t warm_us;    /* before what is counted begins */
	int64_t run_us;     /* what is counted; at most, with nrequests */
	int64_t think_us;   /* between an answer and the next request */
	uint64_t nrequests; /* 0: as many as the time allows */
	uint64_t first_order;
	bool reopen; /* a connection that breaks is no failure, nor is a 503 */
};

/* Returns 0; -1 after having said on stderr what is wrong; 1 after help. */
int options_read(struct options *opt, int argc, char **argv);

/* -- Latencies -- */

/* Buckets of a width of 1/64 of their value: up to an hour, in us. */
#define HIST_SUB 64
#define HIST_BUCKETS (HIST_SUB * 27)

struct hist {
	uint64_t count[HIST_BUCKETS];
	uint64_t n;
	uint64_t sum_us;
	uint64_t max_us;
};

void hist_add(struct hist *h, uint64_t us);

/* The value that a share (0 to 1) of all is not above; 0 if there is none. */
uint64_t hist_at(const struct hist *h, double share);

/* -- Answers -- */

#define ANSWER_HEAD_MAX 4096
#define ANSWER_BODY_MAX 4096 /* of a body that is looked at */

struct answer {
	char bytes[ANSWER_HEAD_MAX + ANSWER_BODY_MAX + 1];
	size_t len;
	size_t head_len; /* 0: not whole yet */
	size_t body_len;
	unsigned code;
	bool closes; /* the server will close the connection */
};

enum answer_rc { ANSWER_MORE, ANSWER_DONE, ANSWER_BAD };

void answer_init(struct answer *a);

/* Bytes were added behind a->len, which counts them now: what has come? */
enum answer_rc answer_look(struct answer *a);

/* -- What is sent -- */

#define HEAD_MAX 768
#define MAC_LEN 32
#define ORDER_DIGITS 10 /* so all bodies have one length */
#define ID_LEN 36       /* of an event id, which looks like a UUID */

/* The signature of one body; all heads have the same length. */
struct body {
	unsigned char mac[MAC_LEN];
};

/* A body is the text before its order's number, the number, and the rest. */
struct parcels {
	char head[HEAD_MAX]; /* without id and signature */
	size_t head_len;
	size_t id_at; /* where they go; 0: there is none */
	size_t signature_at;
	char *text;
	struct iovec before, after;
	bool numbered; /* there is a number between them */
	struct signer *signer;
	struct body *bodies; /* the first ones' signatures */
	size_t nbodies;
	bool in_turn; /* those again and again; else more as they are needed */
	size_t body_len;
	uint64_t first_order;
	uint64_t seed;
};

/* A request as it is sent; the texts of the body are the parcels'. */
struct parcel {
	char head[HEAD_MAX];
	char digits[ORDER_DIGITS];
	struct iovec left[4]; /* what is to be sent yet */
};

/* Returns 0, or -1 after having said what is wrong. */
int parcels_init(struct parcels *p, const struct options *opt);
void parcels_fini(struct parcels *p);

/* The nth request. Returns 0, or -1 if it cannot be signed. */
int parcels_fill(struct parcels *p, uint64_t n, struct parcel *ret_parcel);

/* Write the id of the nth request: different for each n, spread at random. */
void parcels_id(const struct parcels *p, uint64_t n, char ret_id[ID_LEN]);

/* -- Signatures -- */

struct signer; /* opaque: a key, and a text with which all bodies begin */

/* Owned by the caller. NULL when out of memory. */
struct signer *signer_new(const struct iovec *key,
    const struct iovec *beginning);
void signer_free(struct signer *s); /* accepts NULL */

/* The MAC of the beginning and what follows. Returns 0, or -1. */
int signer_sign(struct signer *s, const struct iovec *segs, size_t nsegs,
    unsigned char ret_mac[MAC_LEN]);

/* -- The server's process -- */

struct proc {
	int64_t cpu_us; /* of it and of its children that have ended */
	int64_t rss_kb;
	int64_t peak_kb;
	int64_t threads;
	int64_t written; /* bytes that it sent to the disk */
};

/* All zero if there is no such process. */
void proc_read(int pid, struct proc *ret_proc);

/* -- Connections -- */

struct load;

struct conn {
	struct load *load;
	TAILQ_ENTRY(conn) next; /* while it waits for its time */
	int fd;                 /* -1: not open */
	bool waiting;           /* in the list of those that wait */
	bool busy;              /* sent, not answered */
	bool writing;           /* not all of it was taken */
	int64_t due_us;
	int64_t sent_us;
	uint64_t n; /* the request's number */
	struct parcel parcel;
	struct answer answer;
};
TAILQ_HEAD(conn_list, conn);

struct counts {
	uint64_t answered;
	uint64_t unexpected;
	uint64_t later; /* 503, with --reopen: no failure, and not kept */
	uint64_t cut;
	uint64_t refused; /* connections that could not be made */
};

struct load {
	const struct options *opt;
	struct parcels parcels;
	struct conn *conns;
	struct conn_list waiting; /* the next due first */
	FILE *ids;
	int epoll;
	int64_t counted_from_us; /* requests sent since then are counted */
	uint64_t next;           /* number of the next request */
	uint64_t nbusy;
	bool stopping;         /* nothing more is sent */
	bool over;             /* the window is: nothing more is counted */
	struct counts all;     /* since the start */
	struct counts counted; /* in the window */
	struct hist hist;
	char first_bad[256]; /* what was not expected */
};

int64_t load_now_us(void);

/* Open every connection and send. Returns 0, or -1 with a message. */
int conns_open(struct load *l);

/* Wait for answers, at most until then, and go on. Returns 0 or -1. */
int conns_turn(struct load *l, int64_t until_us);
void conns_close(struct load *l);

/*
 * Open connections on which nothing is said; owned by the caller. Returns
 * their descriptors, or NULL with a message.
 */
int *idle_open(const struct options *opt);

/* How many of them has the server not closed? */
unsigned idle_count(const int *fds, unsigned n);
void idle_close(int *fds, unsigned n);

#endif /* BENCH_LOAD_H */
