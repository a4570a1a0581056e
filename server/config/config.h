/*
 * config.h -- what the operator asked for.
 *
 * Owns:    the sections and their keys, from which the file, the environment,
 *          the command line, the help text, check-config and
 *          config.example.ini are read; the precedence (flag, environment,
 *          file, default); the validation of the whole. A handler's section
 *          has its type's keys as well, of which only the table is known.
 * Touches: the file and the environment it is given. Never the log: what is
 *          wrong comes back as one line each.
 *
 * The result is one const struct config, built whole and checked whole. On
 * HUP a second one is made; a bad one leaves the old one in force. A module
 * copies what it needs; nobody else reads configuration.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "handlers/handler.h"
#include "server/base/log.h"

/* A secret as configured; its bytes are read by config_load(). */
struct config_secret {
	char *name;    /* "default" for the global one */
	unsigned line; /* of its section; 0: it is not from the file */
	char *source;  /* the variable or file it came from, for messages */
	char *bytes;
	size_t len;
	bool newline_dropped;
	int64_t valid_until_ms; /* 0: for ever */
	/*
	 * Of what it signs: store.h. Its own, else the name of the endpoint
	 * that it opens; "": the usual one, of the one at CONFIG_WEBHOOK_PATH.
	 */
	char *scope;
	const char *endpoint; /* the one that it opens; NULL: none */
};

#define CONFIG_SCOPE_MAX 64    /* bytes of a scope, of an endpoint's name */
#define CONFIG_BODY_MAX_MIB 31 /* more do not fit in HTTP_UNVERIFIED_MAX */

#define CONFIG_EVERY_EVENT "*"

#define CONFIG_ENV_SECRET "KLIKIT_WEBHOOK_SECRET"
#define CONFIG_ENV_FILE "KLIKITD_CONFIG"        /* for verbs: see verb.h */
#define CONFIG_ENV_TOKEN "KLIKITD_LISTEN_TOKEN" /* for klikitd listen */

/*
 * Where klikit delivers to if nothing else is said; and the name of the
 * endpoint there that no section describes.
 */
#define CONFIG_WEBHOOK_PATH "/webhooks/klikit"
#define CONFIG_ENDPOINT "default"

/* Where deliveries come in, and which. */
struct config_endpoint {
	char *name;
	unsigned line;         /* of its section; 0: it is not from the file */
	struct key_list paths; /* at least one; each is another's nowhere */
	struct key_list secrets;  /* names; each opens no other */
	struct key_list brands;   /* empty: any */
	struct key_list branches; /* empty: any */
	struct key_list events;   /* types, or the one CONFIG_EVERY_EVENT */
};

/* A hub from which events are fetched. */
struct config_upstream {
	char *name;
	unsigned line; /* of its section; 0: it is not from the file */
	char *url;
	char *token_file; /* absolute */
	char *token;      /* what is in it; read only for CONFIG_SERVER */
	char *ca_file;    /* absolute; NULL: the system's */
	bool trust;       /* the hub's word is enough */
	int64_t alert_after_ms;
};

/* What the dialects of klikit's list of orders name: reconcile_dialect.h. */
#define CONFIG_LIST_NAMES 10

enum config_paging { PAGING_PAGE, PAGING_CURSOR };
enum config_auth { AUTH_BASIC, AUTH_BEARER };

/* klikit's list of orders, by which gaps are filled. */
struct config_reconcile {
	char *url; /* NULL: none is asked */
	enum config_auth auth;
	char *credentials_file; /* absolute */
	char *credentials;      /* what is in it; read only for CONFIG_SERVER */
	char *ca_file;          /* absolute; NULL: the system's */
	int64_t every_ms;
	int64_t window_ms;
	int64_t grace_ms;
	int64_t alert_after_ms;
	struct key_list brands;   /* empty: any */
	struct key_list branches; /* empty: any */
	enum config_paging paging;
	int64_t size; /* orders of a page */
	/* As enum reconcile_name; empty: the dialect's. */
	char *names[CONFIG_LIST_NAMES];
};

enum config_ordering { ORDERING_AUTO, ORDERING_ORDER, ORDERING_NONE };

struct config_handler {
	char *name;
	unsigned line; /* of its section; 0: it is not from the file */
	const struct handler *type;
	char *type_name;
	void *settings;            /* of the type's own keys */
	struct key_list events;    /* types, or the one CONFIG_EVERY_EVENT */
	struct key_list brands;    /* empty: any */
	struct key_list branches;  /* empty: any */
	struct key_list endpoints; /* empty: any */
	struct key_list origins;   /* empty: any */
	enum config_ordering ordering;
	bool ordered;               /* what that means for the type */
	struct key_durations retry; /* waits, the last repeats */
	int64_t max_age_ms;         /* a job older than this is given up */
	int64_t deadline_ms;        /* 0: none */
	char *on_deadline; /* the handler that rings then; NULL: none */

	/* Outlets. */
	int64_t timeout_ms;
	int64_t concurrency;
	bool once_per_order;
	bool sends_repeats; /* repeats = send */
	bool per_order;     /* unit = order */
	bool logs_answers;  /* what its calls are answered is logged */
};

struct config {
	struct key_list warnings; /* what is odd, one line each */

	char *path; /* of the file, absolute; NULL: none was given */
	char *dir;  /* what relative paths are relative to, absolute */

	struct key_list http_listen;          /* HOST:PORT, [V6]:PORT, *:PORT */
	struct key_list http_plain_listen;    /* of the loopback only */
	struct key_list http_proxy_listen;    /* for the PROXY protocol */
	struct key_list http_trusted_proxies; /* networks */
	struct key_list http_allow;           /* the same; empty: everybody */
	int64_t http_max_body;                /* bytes */
	int64_t http_max_connections;
	int64_t http_request_timeout_ms; /* for a whole request to arrive */
	int64_t http_idle_timeout_ms;    /* between requests */
	int64_t http_max_failures;       /* of an address a minute; 0: any */
	int64_t http_failure_work; /* bytes a second verified beyond that */

	char *secret_file;  /* absolute; NULL: none is named */
	char *secret_scope; /* of the secret "default" */
	struct config_secret *secrets;
	size_t nsecrets;

	struct config_endpoint *endpoints; /* CONFIG_SERVER: at least one */
	size_t nendpoints;

	char *tls_certificate;            /* absolute; NULL: plain HTTP */
	char *tls_key;                    /* the same; both or none */
	int64_t tls_handshake_timeout_ms; /* from accept to its end */
	int64_t tls_max_handshakes;       /* at once */

	char *store_url;  /* "sqlite:" and an absolute path, or what libpq
			     takes, which may hold a password */
	char *store_name; /* the same, as it may be shown */
	int64_t store_lease_ms;
	int64_t store_queue_max; /* bytes of events waiting for their commit */

	struct key_list admin_listen; /* one address, or none */
	char *admin_token_file;       /* absolute; NULL: none is named */
	char *admin_token;            /* what is in it; NULL: none */

	enum log_level log_level;
	enum log_format log_format;

	char *process_user;   /* to become, as root; "": as started */
	bool process_sandbox; /* touch own files only, if possible */

	struct key_list
	    status_order; /* codes, first to last; none: by number */
	struct key_list status_names; /* "CODE NAME" each */

	int64_t retention_bodies_ms; /* customers' data; since it came in */
	int64_t retention_ids_ms;    /* that it ever came in */
	int64_t repeat_window_ms;    /* 0: repeats are not looked for */

	int64_t alert_after_ms;   /* what lasts so long is worth a call */
	int64_t alert_remind_ms;  /* between two calls for it; 0: one only */
	int64_t alert_silence_ms; /* of a branch's usual hours; 0: never */
	char *probe_url;          /* NULL: none by a timer */
	int64_t probe_every_ms;   /* 0: the same */
	char *probe_ca_file;      /* absolute; NULL: the system's */

	int64_t backup_every_ms; /* 0: none are made */
	int64_t backup_keep;
	char *backup_dir;               /* absolute; NULL: none are made */
	struct key_list backup_command; /* argv, NULL after the last */
	struct key_durations
	    backup_retry;          /* of the command; the last repeats */
	int64_t backup_timeout_ms; /* for one run of it */

	struct config_reconcile reconcile;

	struct config_upstream *upstreams;
	size_t nupstreams;

	struct config_handler *handlers; /* at least one */
	size_t nhandlers;
};

/* What a verb asks of the configuration. */
enum config_need {
	CONFIG_SERVER, /* all of it; a missing secret is an error */
	CONFIG_STORE   /* only where the store is: secrets are not read */
};

/* A handler that does not stand in the file. */
struct config_extra {
	const char *name;
	const char *where;       /* how errors begin: "--forward-to: " */
	const char *const *keys; /* key and value by turns, NULL at the end */
};

/* A hub that does not stand in the file; its keys are those of [upstream]. */
#define CONFIG_HUB_KEYS_MAX 4
struct config_hub {
	const char *name;
	struct config_hub_key {
		const char *name; /* NULL: there are no more */
		const char *value;
		const char *where; /* how errors begin: "--ca-file: " */
	} keys[CONFIG_HUB_KEYS_MAX + 1];
	const char *token; /* in place of a token_file; NULL: that is given */
};

/* Settings from the command line and the environment. */
struct config_source {
	const struct handler *const *types; /* of handlers; see registry.h */
	const char *path;                   /* -c FILE; NULL: none */
	const char *const *env;             /* NAME=value, NULL at the end */
	/* "section.key" and value by turns, from --section.key; may be NULL. */
	const char *const *flags;
	size_t nflags; /* pairs */
	enum config_need need;
	bool dev;   /* the defaults of klikitd dev; see config_load.c */
	bool dates; /* a certificate that is out of its dates is an error */
	const struct config_extra *extra; /* its answers are logged; or NULL */
	const struct config_hub *hub;     /* of klikitd listen; or NULL */
};

/*
 * Called for each thing wrong, in order of the file: one line, with file and
 * line number (or variable, or flag), key and reason.
 */
typedef void config_error_fn(const char *line, void *arg);

/*
 * Build the configuration. Returns it, owned by the caller, with warnings in
 * it that the caller is to show; or NULL after at least one call of error().
 * Goes on after an error, so that all are reported, and after them the
 * warnings, as lines that begin with "warning: ".
 */
struct config *config_load(const struct config_source *src,
    config_error_fn *error, void *arg);

/* The endpoint of that name; NULL: there is none. */
const struct config_endpoint *config_endpoint_find(const struct config *cfg,
    const char *name);

/* The one that has the path, of so many bytes; NULL: there is none. */
const struct config_endpoint *config_endpoint_at(const struct config *cfg,
    const char *path, size_t len);

/*
 * The endpoint that is meant where none is named: that with
 * CONFIG_WEBHOOK_PATH, else the first. Only of a CONFIG_SERVER.
 */
const struct config_endpoint *config_endpoint_usual(const struct config *cfg);

/* The number of the first secret that opens it; nsecrets: none does. */
size_t config_endpoint_secret(const struct config *cfg,
    const struct config_endpoint *ep);

/* The upstream of that name; NULL: there is none. */
const struct config_upstream *config_upstream_find(const struct config *cfg,
    const char *name);

/* The handler of that name; NULL: there is none. */
const struct config_handler *config_handler_find(const struct config *cfg,
    const char *name);

/* Wipes the secrets. Accepts NULL. */
void config_free(struct config *cfg);

/* The status codes that end an order, valid as long as cfg; how many. */
size_t config_ends(const struct config *cfg, const char *const **ret_ends);

/*
 * Can any handler send klikit the status of that word? ret_words: all words
 * that some handler has; empty: no handler sends any.
 */
bool config_may_ask(const struct config *cfg, const char *word, char *ret_words,
    size_t size);

/* The deadline of the handler of that name; 0: it has none. */
int64_t config_deadline(const struct config *cfg, const char *handler);

/* The name of a status code, valid as long as cfg; NULL: it has none. */
const char *config_status_name(const struct config *cfg, const char *code);

/*
 * What a reload cannot change: does `next' differ from `now' in listeners,
 * in having a certificate, in store, queue or connection limits? If so writes
 * the first such key to *ret_key (static) and returns true.
 */
bool config_needs_restart(const struct config *now, const struct config *next,
    const char **ret_key);

/*
 * The directory in which klikitd dev keeps its store and its secret (the file
 * CONFIG_DEV_SECRET): absolute, whether it exists or not, owned by the
 * caller. NULL when out of memory.
 */
#define CONFIG_DEV_SECRET "secret"
#define CONFIG_DEV_STORE "dev.db"
char *config_dev_dir(const char *const *env);

/* The files by which a handler calls by TLS; NULL: it calls without. */
const struct handler_tls_files *config_handler_tls(
    const struct config_handler *h);

/*
 * Where the jobs of the handler of that name go, for people; empty if that is
 * nowhere outside, or there is none of that name.
 */
void config_target(const struct config *cfg, const char *name,
    char ret_text[HANDLER_REASON_MAX]);

/*
 * Of the handler of that name the word of its type, and which events it takes,
 * for people. NULL and empty if there is none of that name.
 */
const char *config_takes(const struct config *cfg, const char *name,
    char ret_text[HANDLER_REASON_MAX]);

/* With what its type opens an instance; borrows cfg. */
struct handler_options config_handler_options(const struct config *cfg,
    const struct config_handler *h);

/*
 * Where the store is, for people: the path of its file, or what may be shown of
 * its URL. Valid as long as cfg.
 */
const char *config_store_place(const struct config *cfg);

/* The file that a KEY_PATH or a KEY_SECRET names; NULL: none. */
const char *config_file_of(const struct key *key, const void *settings);

/*
 * The value of a key that check-config shows, in a handler's settings: a text,
 * or the first of a list; NULL: it is not shown, or not set.
 */
const char *config_shown(const struct key *key, const void *settings);

/* The name of the global key "section.key"; static. NULL: there is none. */
const char *config_flag(const char *name);

/*
 * The global key nearest to a misspelt name, for "did you mean"; NULL if
 * nothing is near. Static.
 */
const char *config_nearest_flag(const char *name);

/* Print every global key as a flag with default and text, for --help. */
void config_print_flags(FILE *out);

/* Print the keys of [handler NAME] and the types with theirs, for help. */
void config_print_handlers(FILE *out, const struct handler *const *types);

/* Print every global key as a flag, a blank before each, for a shell. */
void config_print_flag_names(FILE *out);

/* Print the man page klikitd.ini(5) from its first text on: every key. */
void config_print_man(FILE *out, const struct handler *const *types);

/* Print config.example.ini as it should be: every key, commented out. */
void config_print_example(FILE *out, const struct handler *const *types);

#endif /* SERVER_CONFIG_H */
