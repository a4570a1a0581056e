#include "handlers/klikit/klikit_request.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "handlers/body/message.h"
#include "handlers/body/status_ask.h"
#include "handlers/queue/digest.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define ORDER_MARK "{order}"

/* -- The request -- */

/* Write the id as a part of a path. Returns where it ends. */
static char *
encode(const char *id, char *out)
{
	for (; *id != '\0'; id++) {
		if (isalnum((unsigned char)*id) || strchr("-_.~", *id) != NULL)
			*out++ = *id;
		else
			out += sprintf(out, "%%%02X", (unsigned char)*id);
	}
	*out = '\0';
	return (out);
}

char *
klikit_path(const char *base, const char *path, const char *order)
{
	size_t base_len = strlen(base), marks = 0;
	const char *p;
	char *text, *out;

	while (base_len > 0 && base[base_len - 1] == '/')
		base_len--;
	for (p = path; (p = strstr(p, ORDER_MARK)) != NULL; p++)
		marks++;
	text = malloc(base_len + strlen(path) + marks * 3 * strlen(order) + 1);
	if (text == NULL)
		return (NULL);
	out = mempcpy(text, base, base_len);
	for (p = path; *p != '\0';) {
		if (strncmp(p, ORDER_MARK, strlen(ORDER_MARK)) == 0) {
			out = encode(order, out);
			p += strlen(ORDER_MARK);
		} else {
			*out++ = *p++;
		}
	}
	*out = '\0';
	return (text);
}

/* The object that is sent; NULL when out of memory. */
static json_t *
make_object(const json_t *asked, const char *status, int64_t at_ms)
{
	json_t *o = json_pack("{s:s}", "status", status), *value;
	char at[FORMAT_TIME_MAX];
	int bad = o == NULL;

	for (const char *const *f = status_ask_fields; *f != NULL; f++) {
		if ((value = json_object_get(asked, *f)) != NULL)
			bad |= json_object_set(o, *f, value);
	}
	if (at_ms != 0 && json_object_get(o, "occurred_at") == NULL)
		bad |= json_object_set_new(o, "occurred_at",
		    json_string(format_time(at_ms, at)));
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}

static enum handler_verdict
dead(struct handler_result *ret_result, const char *reason)
{
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s", reason);
	return (HANDLER_DEAD);
}

enum handler_verdict
klikit_request(const struct store_event *ev, const struct key_list *statuses,
    int64_t at_ms, struct klikit_change *ret_change,
    struct handler_result *ret_result)
{
	json_t *asked = NULL, *o = NULL;
	const char *order, *word, *status;
	enum handler_verdict verdict;

	if (ev->body == NULL)
		return (dead(ret_result, "the body was purged"));
	asked = json_loadb(ev->body, ev->body_len, 0, NULL);
	if (json_unpack(asked, "{s:s, s:s}", "order", &order, "status",
		&word) == -1) {
		verdict = dead(ret_result, "the event asks for no status");
	} else if ((status = status_ask_find(statuses, word)) == NULL) {
		verdict = dead(ret_result,
		    "what was asked for is not in this handler's statuses");
	} else {
		verdict = HANDLER_RETRY;
		ret_change->order = strdup(order);
		o = make_object(asked, status, at_ms);
		ret_change->body =
		    o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
		if (ret_change->order != NULL && ret_change->body != NULL)
			verdict = HANDLER_DONE;
	}
	if (verdict == HANDLER_RETRY) {
		free(ret_change->order);
		free(ret_change->body);
		(void)message_no_memory(ret_result);
	}
	json_decref(o);
	json_decref(asked);
	return (verdict);
}

int
klikit_key(const char *job_key, char ret_key[KLIKIT_KEY_MAX + 1])
{
	unsigned char digest[SHA256_LEN];

	_Static_assert(2 * SHA256_LEN == KLIKIT_KEY_MAX, "a digest fits");
	if (strlen(job_key) <= KLIKIT_KEY_MAX) {
		(void)strcpy(ret_key, job_key);
		return (0);
	}
	if (digest_sha256(job_key, strlen(job_key), digest) == -1)
		return (-1);
	hex_encode(digest, sizeof(digest), ret_key);
	return (0);
}
