/*
 * The fake POS, for trying out handlers that forward.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/devtools/sink.h"
#include "server/devtools/verbs.h"
#include "store/base/parse.h"

#define DEFAULT_PORT 9000
#define DEFAULT_STATUS 200

/* Read a flag of the form "30%". Returns 0; -1, and says why on stderr. */
static int
read_percent(const struct verb_args *args, const char *name,
    unsigned *inout_percent)
{
	const char *text = verb_flag(args, name, 0);
	size_t len = text == NULL ? 0 : strlen(text);
	char digits[4] = "";
	int64_t value;

	if (text == NULL)
		return (0);
	if (len >= 2 && len <= sizeof(digits) && text[len - 1] == '%')
		memcpy(digits, text, len - 1);
	if (parse_int(digits, 0, 100, &value) == -1) {
		(void)verb_usage(args, "--%s: \"%s\" is not from 0%% to 100%%",
		    name, log_text(text));
		return (-1);
	}
	*inout_percent = (unsigned)value;
	return (0);
}

static int
read_delay(const struct verb_args *args, int64_t *inout_ms)
{
	const char *text = verb_flag(args, "delay", 0);

	if (text == NULL || parse_duration(text, inout_ms) == 0)
		return (0);
	(void)verb_usage(args,
	    "--delay: \"%s\" is not a duration such as 200ms or 5s",
	    log_text(text));
	return (-1);
}

/* Read the flags. Returns 0; -1, and says why on stderr. */
static int
read_options(const struct verb_args *args, struct sink_options *ret_opt)
{
	long long port = DEFAULT_PORT, status = DEFAULT_STATUS, seed;
	uint32_t some;

	if (signature_random(&some, sizeof(some)) == -1)
		some = 0;
	seed = some;
	*ret_opt = (struct sink_options){
		.print = verb_has(args, "print"),
		.klikit_api = verb_has(args, "klikit-api"),
		.log_path = verb_flag(args, "log", 0),
		.certificate = verb_flag(args, "certificate", 0),
		.key = verb_flag(args, "key", 0),
	};
	if ((ret_opt->certificate == NULL) != (ret_opt->key == NULL)) {
		(void)verb_usage(args, "--certificate and --key go together");
		return (-1);
	}
	if (ret_opt->klikit_api && verb_has(args, "status")) {
		(void)verb_usage(args, "--klikit-api answers by itself, not "
				       "with --status");
		return (-1);
	}
	if (verb_int(args, "port", 0, 65535, &port) == -1 ||
	    verb_int(args, "status", 200, 599, &status) == -1 ||
	    verb_int(args, "seed", 0, INT64_MAX, &seed) == -1 ||
	    read_percent(args, "fail", &ret_opt->fail) == -1 ||
	    read_percent(args, "drop-after-read", &ret_opt->drop) == -1 ||
	    read_delay(args, &ret_opt->delay_ms) == -1)
		return (-1);
	ret_opt->port = (uint16_t)port;
	ret_opt->status = (int)status;
	ret_opt->seed = (uint64_t)seed;
	return (0);
}

static enum verb_exit
sink_verb_run(const struct verb_args *args)
{
	char reason[SINK_REASON_MAX];
	struct sink_options opt;
	struct sink_totals totals;
	struct sink *s;
	int rc;

	if (read_options(args, &opt) == -1)
		return (VERB_USAGE);
	if ((s = sink_open(&opt, reason)) == NULL) {
		(void)fprintf(stderr, "klikitd sink: %s\n", reason);
		return (VERB_FAILED);
	}
	if ((rc = sink_run(s, reason)) == -1)
		(void)fprintf(stderr, "klikitd sink: %s\n", reason);
	totals = sink_totals(s);
	(void)fprintf(stderr,
	    "%" PRIu64 " requests, %" PRIu64 " distinct idempotency keys, "
	    "%" PRIu64 " repeats (seed %" PRIu64 ")\n",
	    totals.requests, totals.keys, totals.repeats, opt.seed);
	sink_close(s);
	return (rc == 0 ? VERB_DONE : VERB_FAILED);
}

static const struct verb_flag flags[] = {
	{ "port", "N", "listen on this port (default 9000; 0: any)", false },
	{ "fail", "PERCENT", "answer 503 to so many, such as 30%", false },
	{ "status", "CODE", "answer this to the others (default 200)", false },
	{ "klikit-api", NULL, "stand in for klikit's API, not for a POS",
	    false },
	{ "delay", "DURATION", "wait before each answer, such as 2s", false },
	{ "drop-after-read", "PERCENT",
	    "close so many connections without an answer", false },
	{ "print", NULL, "print each request", false },
	{ "log", "FILE", "append each request to FILE, as JSON", false },
	{ "certificate", "FILE", "speak https, with this certificate (PEM)",
	    false },
	{ "key", "FILE", "the certificate's private key (PEM)", false },
	{ "seed", "N", "make the same random choices again", false },
	{ 0 },
};

static const char more[] =
    "Stands in for a POS: takes every request, on 127.0.0.1 only, and answers\n"
    "{\"status\":\"accepted\"}, or what the flags say. At the end (Ctrl-C, "
    "TERM)\n"
    "it prints how many requests came, with how many distinct idempotency "
    "keys.\n"
    "\n"
    "A line of --log is written when a request has been read, before it is\n"
    "answered: time_ms, method, path, key, event_id, type, attempt, orders,\n"
    "signature, body_len, body_sha256, and answer (null: no answer was "
    "given).\n"
    "\n"
    "With --klikit-api it is klikit's Partner API: lists of orders, one "
    "order,\n"
    "and the change of a status. The user test-key with the password\n"
    "test-secret gets pages, the bearer token test-token gets cursors. It "
    "has\n"
    "the orders that are put to /fake/orders, and does wrong what is put to\n"
    "/fake/faults.\n"
    "\n"
    "  klikitd sink --port 9000 --fail 30% --print\n"
    "  klikitd sink --certificate pos.pem --key pos.key\n"
    "  klikitd sink --klikit-api --port 9001 --print\n";

const struct verb verb_sink = {
	.name = "sink",
	.words = "",
	.text = "Stand in for a POS, or for klikit's API; fail as asked",
	.more = more,
	.flags = flags,
	.words_max = 0,
	.run = sink_verb_run,
};
