/*
 * metrics_listeners.c -- connections, limits, TLS and its certificates,
 * streams.
 */
#include <stdio.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/admin/stream.h"
#include "server/base/histogram.h"
#include "server/http/http.h"

static const char *const listeners[2] = { "public", "admin" };

/* A number of each listener. */
static void
print_listeners(FILE *f, const char *name, enum metrics_type type,
    const char *help, const uint64_t values[2])
{
	metrics_family(f, name, type, help);
	for (size_t i = 0; i < 2; i++)
		metrics_count(f, name, LABELS("listener", listeners[i]),
		    values[i]);
}

/* What the guard cut for a limit that each connection has. */
static void
print_guard_cuts(FILE *f, const struct http_stats stats[2])
{
	static const char name[] = "klikitd_guard_cuts_total";
	static const char *const limits[] = {
		[HTTP_CUT_BAD] = NULL, /* these two have families */
		[HTTP_CUT_FORBIDDEN] = NULL,
		[HTTP_CUT_BODY] = "body",
		[HTTP_CUT_TIME] = "request_timeout",
		[HTTP_CUT_MEMORY] = "unverified_bytes",
		[HTTP_CUT_INPUT] = "input",
	};
	_Static_assert(sizeof(limits) / sizeof(limits[0]) == HTTP_NCUTS,
	    "every limit has a name");

	metrics_family(f, name, METRICS_COUNTER,
	    "Requests that were not read to their end, being slow or greedy.");
	for (size_t i = 0; i < 2; i++) {
		for (size_t cut = 0; cut < HTTP_NCUTS; cut++) {
			if (limits[cut] != NULL)
				metrics_count(f, name,
				    LABELS("listener", listeners[i], "limit",
					limits[cut]),
				    stats[i].cuts[cut]);
		}
	}
}

static void
print_room_cuts(FILE *f, const struct http_stats stats[2])
{
	static const char name[] = "klikitd_room_cuts_total";
	static const char *const limits[] = {
		[HTTP_LIMIT_CONNECTIONS] = "connections",
		[HTTP_LIMIT_DESCRIPTORS] = "descriptors",
		[HTTP_LIMIT_HANDSHAKES] = "handshakes",
		[HTTP_LIMIT_STREAMS] = "streams",
	};
	_Static_assert(sizeof(limits) / sizeof(limits[0]) == HTTP_NLIMITS,
	    "every limit has a name");

	metrics_family(f, name, METRICS_COUNTER,
	    "Connections closed to make room for others, by what was short.");
	for (size_t i = 0; i < 2; i++) {
		for (size_t limit = 0; limit < HTTP_NLIMITS; limit++)
			metrics_count(f, name,
			    LABELS("listener", listeners[i], "limit",
				limits[limit]),
			    stats[i].room_cuts[limit]);
	}
}

static void
print_http(FILE *f, const struct metrics_sources *from)
{
	const struct http *http[2] = { from->http(from->arg),
		from->http_admin(from->arg) };
	const struct histogram *acks = from->acks(from->arg);
	struct http_stats stats[2] = { { 0 } };
	uint64_t open[2] = { 0 };

	for (size_t i = 0; i < 2; i++) {
		if (http[i] == NULL)
			continue;
		http_stats(http[i], &stats[i]);
		open[i] = http_connections(http[i]);
	}
	print_listeners(f, "klikitd_connections", METRICS_GAUGE,
	    "Connections that are open.", open);
	print_listeners(f, "klikitd_requests_total", METRICS_COUNTER,
	    "Requests that came whole.",
	    (uint64_t[]){ stats[0].requests, stats[1].requests });
	print_listeners(f, "klikitd_bad_requests_total", METRICS_COUNTER,
	    "Requests that are no proper HTTP.",
	    (uint64_t[]){ stats[0].cuts[HTTP_CUT_BAD],
		stats[1].cuts[HTTP_CUT_BAD] });
	print_listeners(f, "klikitd_forbidden_requests_total", METRICS_COUNTER,
	    "Requests of addresses that are not in http.allow.",
	    (uint64_t[]){ stats[0].cuts[HTTP_CUT_FORBIDDEN],
		stats[1].cuts[HTTP_CUT_FORBIDDEN] });
	print_guard_cuts(f, stats);
	print_room_cuts(f, stats);
	print_listeners(f, "klikitd_limited_requests_total", METRICS_COUNTER,
	    "Requests answered 429 unseen: too much from there had failed.",
	    (uint64_t[]){ from->limited(from->arg, false),
		from->limited(from->arg, true) });
	print_listeners(f, "klikitd_unverified_bytes", METRICS_GAUGE,
	    "What has come of requests that are not whole.",
	    (uint64_t[]){ stats[0].unverified, stats[1].unverified });
	metrics_family(f, "klikitd_ack_seconds", METRICS_HISTOGRAM,
	    "From a delivery's being whole to its answer having left.");
	if (acks != NULL)
		metrics_histogram(f, "klikitd_ack_seconds", NULL, acks, 1e6);
}

static void
print_tls(FILE *f, const struct metrics_sources *from)
{
	static const char name[] = "klikitd_tls_handshakes_total";
	struct metrics_tls tls;

	metrics_family(f, name, METRICS_COUNTER,
	    "TLS handshakes of clients by how they ended.");
	if (from->tls == NULL || !from->tls(from->arg, &tls))
		return;
	metrics_count(f, name, LABELS("result", "full"),
	    tls.handshakes - tls.resumed);
	metrics_count(f, name, LABELS("result", "resumed"), tls.resumed);
	metrics_count(f, name, LABELS("result", "failed"), tls.failed);
	metrics_count(f, name, LABELS("result", "timeout"), tls.timed_out);
}

static void
print_certificates(FILE *f, const struct metrics_sources *from)
{
	static const char name[] =
	    "klikitd_certificate_expiry_timestamp_seconds";
	struct metrics_certificate cert;

	metrics_family(f, name, METRICS_GAUGE,
	    "When a certificate that is in use ends.");
	for (size_t i = 0; from->certificate != NULL &&
			   from->certificate(from->arg, i, &cert);
	     i++)
		metrics_real(f, name, LABELS("certificate", cert.name),
		    (double)cert.until_ms / 1e3);
}

static void
print_stream(FILE *f, const struct stream *s)
{
	struct stream_stats stats;

	stream_stats(s, &stats);
	metrics_one(f, "klikitd_stream_readers", METRICS_GAUGE,
	    "Those who look on.", stats.readers);
	metrics_one(f, "klikitd_stream_messages_total", METRICS_COUNTER,
	    "Messages made for them.", stats.messages);
	metrics_one(f, "klikitd_stream_resets_total", METRICS_COUNTER,
	    "Times that readers had to load all anew: too much happened.",
	    stats.resets);
}

void
metrics_print_listeners(FILE *f, const struct metrics_sources *from)
{
	print_http(f, from);
	print_tls(f, from);
	print_certificates(f, from);
	print_stream(f, from->stream);
}
