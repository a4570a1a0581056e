/*
 * entity.h -- what is shown of an event, a job, an attempt, an order, a
 * rejection, a handler: the fields of each, in one place.
 *
 * From these lists come the answers of the admin API, the messages of the
 * stream, what the verbs print as JSON, and their tables for people.
 *
 * Pure but for memory: each function returns a new reference; NULL when out of
 * memory.
 */
#ifndef SERVER_ENTITY_H
#define SERVER_ENTITY_H

#include "handlers/handler.h"
#include "server/admin/field.h"
#include "store/store_read.h"

/* Of a row of a list; and, as ..._whole, of one that is asked for alone. */
extern const struct field entity_event[];
extern const struct field entity_event_whole[];
extern const struct field entity_job[];
extern const struct field entity_job_whole[];
extern const struct field entity_attempt[];
extern const struct field entity_alarm[]; /* of rows of jobs */
extern const struct field entity_order[];
extern const struct field entity_order_whole[];
extern const struct field entity_rejection[];
extern const struct field entity_rejection_whole[];
extern const struct field entity_rejection_group[];
extern const struct field entity_handler[];

void entity_event_write(struct json_write *w,
    const struct store_event_info *info);
json_t *entity_event_json(const struct store_event_info *info);

/* The states of a job that has not ended, in one word. */
#define ENTITY_JOB_PENDING "pending"
json_t *entity_job_json(const struct store_job_info *job);

/*
 * status_name: of its status, or NULL; terminal: it has come to one of the
 * codes that end an order.
 */
void entity_order_write(struct json_write *w,
    const struct store_order_info *info, const char *status_name,
    bool terminal);

/* What dispatch knows of a handler. */
struct entity_live {
	bool configured; /* else it is parked */
	bool probing;
	size_t under_way;  /* its calls */
	bool lasting;      /* it keeps a connection, and */
	bool connected;    /* has it now */
	bool pulled;       /* others come for its jobs, */
	int64_t pulled_ms; /* the last time then; 0: not since the start */
	int64_t error_ms;
	int64_t failing_ms;  /* since then no call has succeeded; 0: they do */
	int64_t next_try_ms; /* when; 0: not known */
	char error[HANDLER_REASON_MAX];  /* of its last attempt; or empty */
	char target[HANDLER_REASON_MAX]; /* where its jobs go; or empty */
	const char *type;                /* its word; NULL: parked */
	char takes[HANDLER_REASON_MAX];  /* which events; or empty */
};
json_t *entity_handler_json(const struct store_handler_info *h,
    const struct entity_live *live);

/* One moment of an event's life. */
struct entity_moment {
	int64_t at_ms;
	const char *what;
	const char *detail;
};
extern const struct field entity_moment[];

/* How an event stands, in one word; and back: 0, or -1. */
const char *entity_event_state(enum store_progress progress);
int entity_event_state_parse(const char *text, enum store_progress *ret);

#endif /* SERVER_ENTITY_H */
