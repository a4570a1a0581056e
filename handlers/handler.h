/*
 * handler.h -- what happens to a stored event.
 *
 * Owns:    the interface between dispatch, which decides when a job runs and
 *          records its verdict, and the handlers, which know what to do.
 * Touches: a handler never logs, reads no configuration and no clock, and
 *          does not write the store: what it needs arrives in handler_env
 *          and handler_options, what it wants written leaves in its result,
 *          so that rows and the job's end become true in one commit.
 *
 * To add a type: one file that exports one const struct handler with its keys,
 * and a line in registry.c. See DESIGN.md for that and the rules of
 * idempotency.
 */
#ifndef HANDLERS_HANDLER_H
#define HANDLERS_HANDLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers/key.h"
#include "store/store.h"

enum handler_verdict {
	HANDLER_DONE,   /* accepted: the rows in the result are to be written */
	HANDLER_RETRY,  /* not now; the result's reason says why */
	HANDLER_DEAD,   /* never; the result's reason says why */
	HANDLER_PENDING /* under way; env's finish() will be called */
};

/*
 * Whose fault a RETRY is, as far as one attempt shows. Dispatch holds back
 * all jobs of a far side that is down, but for one that fails by itself none
 * of the others.
 */
enum handler_fault {
	HANDLER_FAULT_JOB,     /* it was answered: this job was not taken */
	HANDLER_FAULT_UNCLEAR, /* the far side is down, or chokes on the job */
	HANDLER_FAULT_DOWN     /* not reached, so the job has no part in it */
};

#define HANDLER_REASON_MAX 256

/* How good what was found at a far side is. */
enum handler_level {
	HANDLER_FINE,
	HANDLER_DOUBTFUL, /* it works, and may lose or delay events */
	HANDLER_WRONG     /* jobs cannot be done like this */
};

struct bufferevent;
struct event_base;
struct handler_call; /* an attempt under way; dispatch's */
struct handler_result;
struct handler_tls; /* whom one handler trusts by TLS, and who it is there */
struct hub;
struct resolver;

/*
 * Files (PEM) of a handler that calls out by TLS, each NULL if there is none:
 * its keys ca_file, client_certificate and client_key (net/outlet_keys.h).
 */
struct handler_tls_files {
	char *ca_file; /* who vouches for the far side; else as usual */
	char *client_certificate; /* who we are there; else nobody */
	char *client_key;
};

/* What dispatch lends a handler; outlives every handler made with it. */
struct handler_env {
	struct event_base *base;
	struct resolver *resolver; /* names are looked up here, in the loop */
	int64_t (*now_ms)(void *arg); /* the wall clock */

	/*
	 * How many files a program that is started may have open: programs
	 * that use select(2) break with as many as we may. 0: as many as we.
	 */
	uint64_t child_files;

	/*
	 * The end of an attempt that run() left PENDING: exactly once, never
	 * before run() has returned, and never after cancel(). All of result is
	 * copied; its verdict is in it and is not PENDING.
	 */
	void (*finish)(void *arg, struct handler_call *call,
	    const struct handler_result *result);

	/*
	 * Is the job of that attempt ours for sure, so that the call may leave?
	 * Asked right before it does by a handler whose run() does not send at
	 * once: if not, nothing is sent, and the attempt ends. NULL: it is.
	 */
	bool (*may_call)(void *arg, const struct handler_call *call);

	/*
	 * What connect() needs for a handler that calls by TLS: reads the
	 * files. Owned by the caller, who gives it back by tls_close();
	 * connections made with it may outlive that. On failure returns NULL
	 * and writes one line to reason.
	 */
	struct handler_tls *(*tls_open)(void *arg,
	    const struct handler_tls_files *files,
	    char reason[HANDLER_REASON_MAX]);
	void (*tls_close)(void *arg, struct handler_tls *tls);

	/*
	 * A fresh bufferevent for one outgoing connection, not connected yet,
	 * owned by the caller; the one seam at which TLS comes in. With tls it
	 * shakes hands as soon as its socket is connected, checks that the far
	 * side is host (a name or a numeric address), and only then says
	 * BEV_EVENT_CONNECTED; its output is empty only when all has left. tls
	 * is NULL for a connection without TLS. NULL when out of memory.
	 */
	struct bufferevent *(*connect)(void *arg, struct handler_tls *tls,
	    const char *host, uint16_t port);

	/*
	 * Of a bufferevent that connect() made with tls: why TLS failed on it
	 * once its socket was connected, in one line for people; NULL if it did
	 * not. Valid until the bufferevent is freed.
	 */
	const char *(*tls_failure)(void *arg, struct bufferevent *bev);

	/*
	 * Of the same: how much of what was put into its output has left, in
	 * any unit; 0 as long as nothing has, whatever the handshake took.
	 */
	uint64_t (*tls_sent)(void *arg, struct bufferevent *bev);

	/*
	 * Of the same: send what was put into its output now, as far as the
	 * socket takes it, and not when the loop comes to it. Its callbacks may
	 * run.
	 */
	void (*tls_flush)(void *arg, struct bufferevent *bev);

	/* Of the same: it is about to be closed: take leave of the far side. */
	void (*tls_leave)(void *arg, struct bufferevent *bev);

	/*
	 * The lower-case hex HMAC-SHA256 of body under secret, as klikit
	 * signs. Returns 0, or -1 when out of memory.
	 */
	int (*sign)(void *arg, const void *secret, size_t secret_len,
	    const void *body, size_t body_len, char ret_hex[65]);

	/*
	 * A variable of the environment that the process was started with, also
	 * a secret that was taken out of it since; NULL: it is not set, or
	 * empty. Valid as long as env. Programs that are started never see it.
	 */
	const char *(*variable)(void *arg, const char *name);

	/*
	 * Where jobs of a type that is pulled wait for who comes for them;
	 * NULL: nobody can, as with those who only try a handler.
	 */
	struct hub *hub;

	/*
	 * The far side of that handler asks it to wait, or no longer does: one
	 * line in our own words, for the log. What an attempt ends with says
	 * the rest. NULL: nobody logs.
	 */
	void (*note)(void *arg, const char *handler, enum handler_level level,
	    const char *text);

	void *arg; /* of the functions above */
};

/* One configured handler; borrowed for open(). */
struct handler_options {
	const char *name;
	const void *settings; /* of the type's own keys, checked */
	int64_t timeout_ms;   /* an outlet's: of a whole attempt */
	size_t concurrency;   /* an outlet's: attempts at once, at most */
	/* Status codes from first to last; none: by their numbers. */
	struct key_list status_order;
};

/* What a type's check() is given. */
struct handler_check {
	bool files; /* read and judge what the settings name */

	/* Something is wrong with the value of that key ("url"). */
	void (*wrong)(void *arg, const char *key, const char *reason);

	/*
	 * The bytes of a file, without one newline at their end; a relative
	 * path begins beside the configuration. Owned by the caller, who wipes
	 * them. Returns 0; -1, with one line in reason, if it cannot be read,
	 * is empty, or too large.
	 */
	int (*read_file)(void *arg, const char *path, char **ret_bytes,
	    size_t *ret_len, char reason[KEY_REASON_MAX]);
	void *arg; /* of the functions above */
};

#define HANDLER_HOST_MAX 256 /* of a name or a numeric address */

/* What inspect() is given. */
struct handler_inspection {
	/*
	 * Something was found: one line for people, and what to do about it,
	 * which is NULL if and only if the level is HANDLER_FINE. Borrows both.
	 */
	void (*found)(void *arg, enum handler_level level, const char *text,
	    const char *advice);
	void (*done)(void *arg); /* that was all */
	void *arg;               /* of the functions above */
};

/* A job handed to run(); all borrowed for the call. */
struct handler_job {
	struct handler_call *call;    /* to be named in finish() */
	int64_t id;                   /* of the job */
	const struct store_event *ev; /* with its body only for outlets */
	int32_t place;    /* the order it is for, or STORE_WHOLE_EVENT */
	int64_t guards;   /* the job whose alarm it is; 0: it is none */
	int64_t key_of;   /* a replay that has a key of its own; 0: none */
	unsigned attempt; /* 1 for the first */
};

/* Set to all zero before run(); result and writes are the handler's. */
struct handler_result {
	enum handler_verdict verdict; /* only for finish() */
	/*
	 * With RETRY and DEAD, why: in our own words, with nothing in it that
	 * came from outside, since it is logged and kept for long.
	 */
	char reason[HANDLER_REASON_MAX];
	/*
	 * What the far side said of it, as one line; empty: nothing. Shown
	 * beside the reason, kept only as long as the answer, never logged.
	 */
	char detail[HANDLER_REASON_MAX];
	enum handler_fault fault; /* with RETRY */
	bool unknown;       /* with RETRY: it may have been done all the same */
	int code;           /* HTTP status or exit code; 0: there was none */
	const void *answer; /* the first KB of it, borrowed; or NULL */
	size_t answer_len;
	int64_t retry_after_ms; /* the far side's wish; 0: none */
	/*
	 * No further job is to be sent until the handler is resumed by hand;
	 * then the reason says what is to be done first. With RETRY the job is
	 * kept, however old it is.
	 */
	bool pause;
	struct store_write *writes; /* borrowed; valid until the next run() */
	size_t nwrites;

	/*
	 * Only for finish(), may be NULL: recorded(recorded_arg, kept) runs
	 * once, not before finish() has returned: what became of the attempt is
	 * on disk; or, if not kept, it never will be.
	 */
	void (*recorded)(void *arg, bool kept);
	void *recorded_arg;
};

/* One configured handler at work; each type embeds it first. */
struct handler_instance {
	const struct handler *type;
};

/*
 * What a type has whose far side comes for its jobs by itself, so that nothing
 * is begun while nobody is there. When there is room again it says so by
 * env's hub. Who comes can be another klikitd: its jobs' events have headers.
 */
struct handler_pulled {
	/* How many jobs could be handed out, beyond those that are PENDING. */
	size_t (*room)(const struct handler_instance *h);

	/* Has nobody come for long? Then jobs are left in the store. */
	bool (*away)(const struct handler_instance *h);

	/*
	 * Another instance has its place, or none: it gets no job any more.
	 * What is PENDING goes on; close() comes when that has ended.
	 */
	void (*retire)(struct handler_instance *h);

	/*
	 * Who comes for them now, in one line for people. Returns when somebody
	 * last did, by the wall clock; 0: not since the start.
	 */
	int64_t (*pullers)(const struct handler_instance *h,
	    char ret_text[HANDLER_REASON_MAX]);
};

/* What a type has whose connection to the far side lasts. */
struct handler_lasting {
	/* Is it there now? */
	bool (*connected)(const struct handler_instance *h);

	/*
	 * A person has let the handler go on, or wants a job tried now: the
	 * pause after a failure is over. NULL: it makes none.
	 */
	void (*hurry)(struct handler_instance *h);
};

/* What a type knows of the statuses of orders; what it does not is NULL. */
struct handler_statuses {
	/* Those that end an order, of the type that keeps orders. */
	const struct key_list *(*ends)(const void *settings);

	/* The statuses that it can send to klikit: "WORD: STATUS" each; the
	   type of events by which that is asked for, and which are its own. */
	const struct key_list *(*words)(const void *settings);
	const char *asked_by;
};

/*
 * A type of handlers. What it does not have is zero or NULL; type, text,
 * example, open(), run() and close() are always there.
 */
struct handler {
	const char *type; /* as it stands in the configuration */
	const char *text; /* what it does, behind its name: "POSTs to a URL" */
	const char *example; /* what config.example.ini calls one: "pos" */

	/*
	 * Its own keys, beside those that each handler has; each fills a field
	 * of a block of that size, which is all zero before.
	 */
	const struct key *keys;
	size_t settings_size;

	/*
	 * See what only several keys show together, and with c->files what the
	 * files that they name are worth; it may complete the settings by
	 * that. A key whose value was refused has its field all zero.
	 */
	void (*check)(void *settings, const struct handler_check *c);

	/*
	 * Where its jobs go, in one line for people, without any secret:
	 * "redis://10.0.0.5:6379/0, stream orders". NULL: nowhere outside.
	 */
	void (*target)(const void *settings, char ret_text[HANDLER_REASON_MAX]);

	/* The program that it starts, which doctor looks for; may be NULL. */
	const char *(*program)(const void *settings);

	/* The files by which it calls by TLS; NULL: it calls without. */
	const struct handler_tls_files *(*tls)(const void *settings);

	const struct handler_statuses *statuses; /* NULL: it knows of none */

	/*
	 * Does it matter to it in which order the events of one order come?
	 * Then its jobs wait in lanes, unless the configuration says otherwise.
	 */
	bool ordered;

	/*
	 * Does it call out? Then an attempt is recorded before it begins, gets
	 * the body, and may be PENDING.
	 */
	bool outlet;
	/* Of an attempt: the default of that key; NULL: it has no such key. */
	const char *timeout;
	const char *concurrency; /* attempts at once: likewise */
	bool per_order; /* it may be asked to be called once for each order */

	unsigned files;        /* that one attempt may have open, at most */
	unsigned shared_files; /* that all attempts share, at most */

	/*
	 * Make an instance, owned by the caller. Copies what it keeps of opt;
	 * keeps env. On failure returns NULL and writes one line to reason.
	 */
	struct handler_instance *(*open)(const struct handler_env *env,
	    const struct handler_options *opt, char reason[HANDLER_REASON_MAX]);

	/*
	 * Do the job, now and without blocking; the same job may come again
	 * (after a crash, or when its commit failed) and must then have the
	 * same effect once.
	 */
	enum handler_verdict (*run)(struct handler_instance *h,
	    const struct handler_job *job, struct handler_result *ret_result);

	/*
	 * What run() has left PENDING since the last flush() is all that could
	 * begin in this turn of the loop: send it, as one call where the far
	 * side takes that. Each job is still ended by itself. May call
	 * finish(). Not called when all of that has ended or was cancelled
	 * before. NULL: run() sends at once.
	 */
	void (*flush)(struct handler_instance *h);

	/*
	 * For doctor and check-config, in a loop of theirs, with an instance
	 * that was opened for this alone: do all that an attempt needs short of
	 * sending (connect, log in, look for the target), and look for settings
	 * of the far side that lose data. Copies in. done() runs once, after
	 * this returns, unless close() comes first, which is allowed at any
	 * time. Returns 0; -1 when out of memory, and then done() never runs.
	 * NULL: there is nothing to try.
	 */
	int (*inspect)(struct handler_instance *h,
	    const struct handler_inspection *in);

	/* Its connection to the far side; NULL: none outlasts its calls. */
	const struct handler_lasting *lasting;

	/*
	 * End an attempt that is PENDING, at once: finish() will not be called
	 * for it. NULL for a type that is never PENDING.
	 */
	void (*cancel)(struct handler_instance *h, struct handler_call *call);

	const struct handler_pulled *pulled; /* NULL: it is not */

	/* Free the instance, which has nothing PENDING. */
	void (*close)(struct handler_instance *h);
};

/* The one of that type in a table that ends in NULL; NULL: there is none. */
const struct handler *handler_find(const struct handler *const *types,
    const char *type);

/* Why that type, which there is, is not in this build; NULL: there is none. */
const char *handler_left_out(const char *type);

#endif /* HANDLERS_HANDLER_H */
