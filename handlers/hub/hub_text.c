#include "handlers/hub/hub_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "store/base/base64.h"

#define JOB_HEAD_MAX 160 /* id, lease, lease_ms and what stands around them */

/* -- A job -- */

/* What a handler of type forward would send with it. */
static json_t *
headers_of(const struct message *m)
{
	struct message_attribute all[MESSAGE_HEADERS_MAX];
	size_t n = message_headers(m, all);
	json_t *headers = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(headers,
		    json_pack("[s, s]", all[i].name, all[i].value));
	return (headers);
}

/* All but the body. */
static char *
facts_of(const struct handler_job *job, const struct message *m)
{
	json_t *facts = json_pack("{s:i, s:s, s:I, s:o}", "attempt",
	    (int)job->attempt, "event_id", job->ev->event_id, "received_at",
	    (json_int_t)job->ev->received_at_ms, "headers", headers_of(m));
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
