#include "handlers/hub/hub_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "store/base/base64.h"

#define JOB_HEAD_MAX 160 /* id, lease, lease_ms and what stands around them */

/* -- A job -- */

/* Does that field say something to who has the event, and not the hub alone? */
static bool
travels(const char *name)
{
	static const char *const no[] = { "authorization", "connection",
		"content-length", "cookie", "expect", "host", "idempotency-key",
		"keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
		"via" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(name, no[i]) == 0)
			return (false);
	return (strncasecmp(name, "proxy-", 6) != 0 &&
		strncasecmp(name, "x-klikitd-", 10) != 0 &&
		strcasestr(name, "forwarded") == NULL &&
		(len < 3 || strcasecmp(name + len - 3, "-ip") != 0));
}

/* "(12 bytes)": what it said was not kept (server/diagnosis/redact.h). */
static bool
is_redacted(const char *value)
{
	size_t n;

	if (*value != '(' || (n = strspn(value + 1, "0123456789")) == 0)
		return (false);
	return (strcmp(value + 1 + n, " bytes)") == 0);
}

/* One field as it came, "name: value"; line is cut up. */
static void
add_received(json_t *headers, char *line)
{
	char *value = strstr(line, ": ");
	json_t *pair;

	if (value == NULL)
		return;
	*value = '\0';
	value += 2;
	if (*line == '\0' || strlen(line) > HUB_HEADER_NAME_MAX ||
	    !travels(line) || is_redacted(value) ||
	    (pair = json_pack("[s, s]", line, value)) == NULL)
		return;
	if (strcasecmp(line, "content-type") == 0)
		(void)json_array_set_new(headers, 0, pair);
	else
		(void)json_array_append_new(headers, pair);
}

/* What a handler of type forward would send, and what else came with it. */
static json_t *
headers_of(const struct handler_job *job, const struct message *m)
{
	struct message_attribute all[MESSAGE_HEADERS_MAX];
	size_t n = message_headers(m, all); /* Content-Type is the first */
	json_t *headers = json_array();
	char *text = NULL, *rest, *line;

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(headers,
		    json_pack("[s, s]", all[i].name, all[i].value));
	if (job->ev->headers != NULL &&
	    (text = strdup(job->ev->headers)) == NULL) {
		json_decref(headers);
		return (NULL);
	}
	rest = text;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL &&
	       json_array_size(headers) < HUB_HEADERS_MAX)
		add_received(headers, line);
	free(text);
	return (headers);
}

/* All but the body. */
static char *
facts_of(const struct handler_job *job, const struct message *m)
{
	json_t *facts = json_pack("{s:i, s:s, s:I, s:o}", "attempt",
	    (int)job->attempt, "event_id", job->ev->event_id, "received_at",
	    (json_int_t)job->ev->received_at_ms, "headers", headers_of(job, m));
	char *text = json_dumps(facts, JSON_COMPACT);

	json_decref(facts);
	return (text);
}

char *
hub_text_new(const struct handler_job *job, const struct message *m,
    size_t *ret_len)
{
	static const char name[] = ",\"body\":\"";
	char *facts = facts_of(job, m), *text = NULL;
	size_t len;

	if (facts == NULL)
		return (NULL);
	len = strlen(facts) - 2; /* without its braces */
	text = malloc(len + sizeof(name) + BASE64_SIZE(m->body_len) + 1);
	if (text != NULL) {
		memcpy(text, facts + 1, len);
		memcpy(text + len, name, sizeof(name) - 1);
		len += sizeof(name) - 1;
		len += base64_encode(m->body, m->body_len, text + len);
		text[len++] = '"';
		text[len] = '\0';
		*ret_len = len;
	}
	free(facts);
	return (text);
}

/* -- A batch -- */

char *
hub_text_batch(const struct hub_text_job *jobs, size_t n, size_t *ret_len)
{
	static const char begin[] = "{\"jobs\":[", end[] = "]}";
	size_t size = sizeof(begin) + sizeof(end), len;
	char *text;

	for (size_t i = 0; i < n; i++)
		size += JOB_HEAD_MAX + jobs[i].len;
	if ((text = malloc(size)) == NULL)
		return (NULL);
	len = (size_t)sprintf(text, "%s", begin);
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, JOB_HEAD_MAX,
		    "%s{\"id\":\"%" PRId64 "\",\"lease\":\"%s\","
		    "\"lease_ms\":%" PRId64 ",",
		    i > 0 ? "," : "", jobs[i].id, jobs[i].lease,
		    jobs[i].lease_ms);
		memcpy(text + len, jobs[i].text, jobs[i].len);
		len += jobs[i].len;
		text[len++] = '}';
	}
	len += (size_t)sprintf(text + len, "%s", end);
	*ret_len = len;
	return (text);
}
