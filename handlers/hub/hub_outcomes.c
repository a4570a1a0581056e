#include "handlers/hub/hub_outcomes.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "store/base/parse.h"

/* Copy a text member into room of that size. NULL member: it stays empty. */
static bool
copy_text(const json_t *member, char *ret, size_t size)
{
	size_t len;

	if (!json_is_string(member) ||
	    (len = json_string_length(member)) >= size ||
	    strlen(json_string_value(member)) != len)
		return (false);
	memcpy(ret, json_string_value(member), len + 1);
	return (true);
}

/* The reason becomes one line: what is no printable byte becomes a blank. */
static bool
copy_reason(const json_t *member, char ret[HUB_REASON_MAX + 1])
{
	if (member == NULL || json_is_null(member))
		return (true);
	if (!copy_text(member, ret, HUB_REASON_MAX + 1))
		return (false);
	for (unsigned char *p = (unsigned char *)ret; *p != '\0'; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = ' ';
	}
	return (true);
}

static bool
read_verdict(const json_t *member, enum handler_verdict *ret)
{
	const char *word = json_string_value(member);

	if (word == NULL)
		return (false);
	if (strcmp(word, "done") == 0)
		*ret = HANDLER_DONE;
	else if (strcmp(word, "retry") == 0)
		*ret = HANDLER_RETRY;
	else if (strcmp(word, "dead") == 0)
		*ret = HANDLER_DEAD;
	else
		return (false);
	return (true);
}

static bool
read_retry_after(const json_t *member, struct hub_outcome *out)
{
	if (member == NULL || json_is_null(member))
		return (true);
	if (!json_is_integer(member) || json_integer_value(member) < 0 ||
	    out->verdict != HANDLER_RETRY)
		return (false);
	out->retry_after_ms = json_integer_value(member);
	if (out->retry_after_ms > HUB_RETRY_MAX_MS)
		out->retry_after_ms = HUB_RETRY_MAX_MS;
	return (true);
}

/* A job's number, as a batch names it; 0 is none. */
static bool
read_id(const json_t *member, struct hub_outcome *out)
{
	if (!copy_text(member, out->id_text, sizeof(out->id_text)))
		return (false);
	return (parse_int(out->id_text, 1, INT64_MAX, &out->id) == 0);
}

static const char *
read_outcome(const json_t *object, struct hub_outcome *out)
{
	if (!json_is_object(object))
		return ("each outcome is an object");
	if (!read_id(json_object_get(object, "id"), out))
		return ("id is the job's, as the batch has it: a text");
	if (!copy_text(json_object_get(object, "lease"), out->lease,
		sizeof(out->lease)))
		return ("lease is the one that came with the job");
	if (!read_verdict(json_object_get(object, "outcome"), &out->verdict))
		return ("outcome is done, retry or dead");
	if (!copy_reason(json_object_get(object, "reason"), out->reason))
		return ("reason is a text of at most 200 bytes");
	if (!read_retry_after(json_object_get(object, "retry_after_ms"), out))
		return ("retry_after_ms is a number of at least 0, with retry");
	return (NULL);
}

const char *
hub_outcomes_read(const char *text, size_t len, struct hub_outcome **ret,
    size_t *ret_n)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(root, "outcomes");
	size_t n = json_array_size(list);
	struct hub_outcome *all = NULL;
	const char *why = NULL;

	if (root == NULL)
		why = "the body is not JSON";
	else if (!json_is_array(list))
		why = "the body is an object with a list of outcomes";
	else if (n > HUB_OUTCOMES_MAX)
		why = "at most 200 outcomes at once";
	else if ((all = calloc(n + 1, sizeof(*all))) == NULL)
		why = "out of memory";
	for (size_t i = 0; i < n && why == NULL; i++)
		why = read_outcome(json_array_get(list, i), &all[i]);
	json_decref(root);
	if (why != NULL) {
		free(all);
		return (why);
	}
	*ret = all;
	*ret_n = n;
	return (NULL);
}
