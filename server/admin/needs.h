/*
 * needs.h -- what needs a person now, the most urgent first.
 *
 * Pure: facts come in, sentences go out. The status has them for the page.
 */
#ifndef SERVER_NEEDS_H
#define SERVER_NEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/alert/alert.h"

/* In the order of their urgency. */
enum need_kind {
	NEED_STORE,
	NEED_ALARM,
	NEED_HANDLER_FAILING,
	NEED_HANDLER_PAUSED,
	NEED_REJECTIONS,
	NEED_PROBE,
	NEED_UPSTREAM,
	NEED_DISK,
	NEED_JOB_DEAD,
	NEED_BRANCH_SILENT,
	NEED_CLOCK,
	NEED_CERTIFICATE,
	NEED_RECONCILE,
	NEED_BACKUP,
	NEED_NKINDS
};

/* A handler, as it is now; texts are borrowed. */
struct needs_handler {
	const char *name;
	int64_t paused_at_ms; /* 0: it is not */
	const char *paused_why;
	uint64_t pending; /* jobs */
	uint64_t dead;
	int64_t failing_ms;  /* since then no call has succeeded; 0: they do */
	const char *error;   /* of the last one */
	int64_t next_try_ms; /* when; 0: not known */
};

struct needs_facts {
	const char *health; /* of the store: "ready", or why not */
	const char *clock;  /* what is wrong with it; NULL: nothing */
	uint64_t alarms;    /* that rang, and nobody has acknowledged */
	const struct needs_handler *handlers;
	size_t nhandlers;
	/* The i-th alert that is up; NULL past the end. */
	const struct alert *(*alert)(const void *arg, size_t i);
	const void *arg;
};

#define NEEDS_MAX 64 /* further ones are only counted */
#define NEED_TEXT_MAX 400

struct need {
	enum need_kind kind;
	char subject[ALERT_SUBJECT_MAX]; /* a handler's name, a branch, ... */
	char text[NEED_TEXT_MAX];        /* a sentence without a full stop */
	const char *advice;              /* what can be done; static */
	int64_t since_ms;                /* 0: not known */
	int64_t next_try_ms;             /* 0: none is known */
};

struct needs {
	struct need list[NEEDS_MAX + 1]; /* the last place is spare */
	size_t n;
	size_t more; /* that found no room */
};

/* Its word in the API: those of alerts, and handler_paused, alarm; static. */
const char *need_kind_name(enum need_kind kind);

/* Does it keep orders from where they belong? Else it may wait for the day. */
bool need_is_urgent(enum need_kind kind);

void needs_find(const struct needs_facts *f, struct needs *ret);

#endif /* SERVER_NEEDS_H */
