/*
 * sink_record.h -- private to sink.c: what the fake POS notes of a request.
 *
 * Owns: the file that requests are appended to, and the keys it has seen.
 */
#ifndef SERVER_SINK_RECORD_H
#define SERVER_SINK_RECORD_H

#include "server/devtools/sink_options.h"

struct evhttp_request;
struct sink_record; /* opaque */

/* Keeps opt. Returns NULL, and one line in reason, if it cannot. */
struct sink_record *sink_record_open(const struct sink_options *opt,
    char reason[SINK_REASON_MAX]);

/*
 * Note a request that has been read whole, and the status it is to be answered
 * with, 0 for none. It is in the file, if there is one, on return. Returns 0;
 * -1, and one line in reason, if not.
 */
int sink_record_add(struct sink_record *rec, struct evhttp_request *req,
    int answer, char reason[SINK_REASON_MAX]);

struct sink_totals sink_record_totals(const struct sink_record *rec);

/* The word of an enum evhttp_cmd_type; "-" for one that sinks do not take. */
const char *sink_method_name(int method);

/* Accepts NULL. */
void sink_record_close(struct sink_record *rec);

#endif /* SERVER_SINK_RECORD_H */
