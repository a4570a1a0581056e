#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <jansson.h>

#include "handlers/body/envelope.h"
#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/base/line_writer.h"
#include "server/base/log.h"
#include "server/devtools/sink_record.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define ATTEMPT_MAX 1000000000
#define PRINTED_MAX (6 * LOG_TEXT_MAX)

struct sink_record {
	const struct sink_options *opt;
	FILE *file;              /* NULL: none is wanted */
	struct line_writer *out; /* stdout; NULL: nothing is printed */
	json_t *keys;            /* a set: the keys of an object */
	struct sink_totals totals;
};

/* A request, taken apart; all borrowed from it. */
struct sink_request {
	const char *method;
	const char *path;
	const char *key;
	const char *event_id;
	const char *type;
	const char *attempt;
	const char *signature;
	const void *body;
	size_t body_len;
	int answer; /* 0: none */
};

/* line_report_fn */
static size_t
report_dropped(uint64_t n, int error, char ret[LINE_WRITER_REPORT_MAX])
{
	(void)error;
	return ((size_t)snprintf(ret, LINE_WRITER_REPORT_MAX,
	    "(%" PRIu64 " lines are missing here)\n", n));
}

struct sink_record *
sink_record_open(const struct sink_options *opt, char reason[SINK_REASON_MAX])
{
	struct sink_record *rec;

	(void)snprintf(reason, SINK_REASON_MAX, "out of memory");
	if ((rec = calloc(1, sizeof(*rec))) == NULL)
		return (NULL);
	rec->opt = opt;
	if ((rec->keys = json_object()) == NULL)
		goto fail;
	if (opt->log_path != NULL &&
	    (rec->file = fopen(opt->log_path, "ae")) == NULL) {
		(void)snprintf(reason, SINK_REASON_MAX, "cannot write %s: %s",
		    log_text(opt->log_path), strerror(errno));
		goto fail;
	}
	if (opt->print &&
	    (rec->out = line_writer_new(STDOUT_FILENO, report_dropped)) == NULL)
		goto fail;
	return (rec);
fail:
	sink_record_close(rec);
	return (NULL);
}

void
sink_record_close(struct sink_record *rec)
{
	if (rec == NULL)
		return;
	(void)line_writer_free(rec->out);
	if (rec->file != NULL)
		(void)fclose(rec->file);
	json_decref(rec->keys);
	free(rec);
}

struct sink_totals
sink_record_totals(const struct sink_record *rec)
{
	return (rec->totals);
}

const char *
sink_method_name(int method)
{
	static const struct {
		enum evhttp_cmd_type method;
		const char *name;
	} names[] = {
		{ EVHTTP_REQ_GET, "GET" },
		{ EVHTTP_REQ_POST, "POST" },
		{ EVHTTP_REQ_HEAD, "HEAD" },
		{ EVHTTP_REQ_PUT, "PUT" },
		{ EVHTTP_REQ_DELETE, "DELETE" },
		{ EVHTTP_REQ_PATCH, "PATCH" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((int)names[i].method == method)
			return (names[i].name);
	}
	return ("-");
}

/* Take a request apart. Returns 0; -1 when out of memory. */
static int
read_request(struct evhttp_request *req, struct sink_request *ret_r)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	struct evbuffer *body = evhttp_request_get_input_buffer(req);

	*ret_r = (struct sink_request){
		.method = sink_method_name(evhttp_request_get_command(req)),
		.path = evhttp_request_get_uri(req),
		.key = evhttp_find_header(in, "Idempotency-Key"),
		.event_id = evhttp_find_header(in, "x-klikit-event-id"),
		.type = evhttp_find_header(in, "x-klikit-event-type"),
		.attempt = evhttp_find_header(in, "x-klikitd-attempt"),
		.signature = evhttp_find_header(in, "x-klikit-signature"),
		.body = "",
		.body_len = evbuffer_get_length(body),
	};
	if (ret_r->body_len > 0)
		ret_r->body = evbuffer_pullup(body, -1);
	return (ret_r->body == NULL ? -1 : 0);
}

/* The ids of the orders in a body; none if it has no orders. */
static json_t *
list_orders(const struct sink_request *r)
{
	json_t *orders = json_array();
	struct envelope env;

	if (orders == NULL ||
	    envelope_scan(r->body, r->body_len, &env) != ENVELOPE_OK)
		return (orders);
	for (size_t i = 0; i < env.norders; i++)
		(void)json_array_append_new(orders,
		    json_string(env.orders[i].order_id));
	envelope_fini(&env);
	return (orders);
}

/* A request as one object; NULL when out of memory. */
static json_t *
make_object(const struct sink_request *r)
{
	unsigned char digest[SIGNATURE_LEN];
	char hex[2 * SIGNATURE_LEN + 1];
	json_t *object = json_object();
	int64_t attempt;

	if (object == NULL ||
	    signature_sha256(r->body, r->body_len, digest) == -1)
		goto fail;
	hex_encode(digest, sizeof(digest), hex);
	if (json_object_set_new(object, "time_ms",
		json_integer(clock_wall_ms())) == -1 ||
	    json_set_text(object, "method", r->method) == -1 ||
	    json_set_text(object, "path", r->path) == -1 ||
	    json_set_text(object, "key", r->key) == -1 ||
	    json_set_text(object, "event_id", r->event_id) == -1 ||
	    json_set_text(object, "type", r->type) == -1 ||
	    json_object_set_new(object, "attempt",
		r->attempt != NULL &&
			parse_int(r->attempt, 0, ATTEMPT_MAX, &attempt) == 0
		    ? json_integer(attempt)
		    : json_null()) == -1 ||
	    json_object_set_new(object, "orders", list_orders(r)) == -1 ||
	    json_set_text(object, "signature", r->signature) == -1 ||
	    json_object_set_new(object, "body_len",
		json_integer((json_int_t)r->body_len)) == -1 ||
	    json_set_text(object, "body_sha256", hex) == -1 ||
	    json_object_set_new(object, "answer",
		r->answer == 0 ? json_null() : json_integer(r->answer)) == -1)
		goto fail;
	return (object);
fail:
	json_decref(object);
	return (NULL);
}

/* Append the request to the file. Returns 0, or -1 with errno. */
static int
append(struct sink_record *rec, const struct sink_request *r)
{
	json_t *object = make_object(r);
	char *text = json_text(object);
	int rc;

	json_decref(object);
	if (text == NULL) {
		errno = ENOMEM;
		return (-1);
	}
	rc = fprintf(rec->file, "%s\n", text);
	free(text);
	return (rc < 0 || fflush(rec->file) == EOF ? -1 : 0);
}

/* Count it. Returns 0; -1 when out of memory. */
static int
count(struct sink_record *rec, const struct sink_request *r)
{
	rec->totals.requests++;
	if (r->key == NULL)
		return (0);
	if (json_object_get(rec->keys, r->key) != NULL) {
		rec->totals.repeats++;
		return (0);
	}
	rec->totals.keys++;
	return (json_object_set_new_nocheck(rec->keys, r->key, json_true()));
}

/* Nobody who reads it slowly may delay an answer. */
static void
print(struct sink_record *rec, const struct sink_request *r)
{
	char answer[16] = "no answer", line[PRINTED_MAX];
	int len;

	if (r->answer != 0)
		(void)snprintf(answer, sizeof(answer), "%d", r->answer);
	len = snprintf(line, sizeof(line),
	    "%s %s  event %s  type %s  key %s  attempt %s  %zu bytes  -> %s\n",
	    r->method, log_text(r->path), log_text(r->event_id),
	    log_text(r->type), log_text(r->key), log_text(r->attempt),
	    r->body_len, answer);
	line_writer_add(rec->out, line, (size_t)len, 1);
}

int
sink_record_add(struct sink_record *rec, struct evhttp_request *req, int answer,
    char reason[SINK_REASON_MAX])
{
	struct sink_request r;

	if (read_request(req, &r) == -1 || count(rec, &r) == -1) {
		(void)snprintf(reason, SINK_REASON_MAX, "out of memory");
		return (-1);
	}
	r.answer = answer;
	if (rec->file != NULL && append(rec, &r) == -1) {
		(void)snprintf(reason, SINK_REASON_MAX, "cannot write %s: %s",
		    log_text(rec->opt->log_path), strerror(errno));
		return (-1);
	}
	if (rec->out != NULL)
		print(rec, &r);
	return (0);
}
