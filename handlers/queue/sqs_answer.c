#include "handlers/queue/sqs_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "store/base/parse.h"

/* Copy as one line of printable ASCII, cut to what fits. */
static void
copy_line(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; from != NULL && from[i] != '\0' && i < size - 1; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[i] = '\0';
}

/*
 * An error's name is the same in both forms, with a namespace before it or
 * the word Exception behind it:
 *
 *	com.amazonaws.sqs#QueueDoesNotExist
 *	AWS.SimpleQueueService.NonExistentQueue
 *	com.amazon.coral.service#AccessDeniedException
 *	ThrottlingException:http://internal.amazon.com/...
 */
static void
copy_code(char *to, const char *from)
{
	static const char suffix[] = "Exception";
	size_t len, start = 0, tail = sizeof(suffix) - 1;

	if (from == NULL)
		from = "";
	len = strcspn(from, ":;");
	for (size_t i = 0; i < len; i++) {
		if (from[i] == '.' || from[i] == '#')
			start = i + 1;
	}
	from += start;
	len -= start;
	if (len > tail && memcmp(from + len - tail, suffix, tail) == 0)
		len -= tail;
	if (len >= SQS_CODE_MAX)
		len = SQS_CODE_MAX - 1;
	copy_line(to, len + 1, from);
}

static const char *
string_of(const json_t *object, const char *name)
{
	return (json_string_value(json_object_get(object, name)));
}

/* Which entry an element names; n: none of them. */
static size_t
index_of(const json_t *element, size_t n)
{
	const char *id = string_of(element, "Id");
	int64_t index;

	if (id == NULL || parse_int(id, 0, (int64_t)n - 1, &index) == -1)
		return (n);
	return ((size_t)index);
}

/* Is the digest that of what was sent? Yes if it was not to be had here. */
static bool
is_digest(const json_t *element, const char *name, const char *sent)
{
	const char *digest = string_of(element, name);

	return (
	    sent[0] == '\0' || (digest != NULL && strcmp(digest, sent) == 0));
}

static void
take_successful(const json_t *element, const struct sqs_entry *entry,
    struct sqs_entry_answer *ret)
{
	copy_line(ret->message_id, sizeof(ret->message_id),
	    string_of(element, "MessageId"));
	ret->end = is_digest(element, "MD5OfMessageBody", entry->body_md5) &&
			   is_digest(element, "MD5OfMessageAttributes",
			       entry->attributes_md5)
		       ? SQS_ENTRY_TAKEN
		       : SQS_ENTRY_DAMAGED;
}

static void
take_failed(const json_t *element, struct sqs_entry_answer *ret)
{
	ret->end = SQS_ENTRY_FAILED;
	copy_code(ret->error.code, string_of(element, "Code"));
	copy_line(ret->error.message, sizeof(ret->error.message),
	    string_of(element, "Message"));
}

/* One of the two lists of the answer. */
static void
take_list(const json_t *list, const struct sqs_entry *const *entries, size_t n,
    struct sqs_entry_answer *ret, bool failed, bool *seen)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		size_t at = index_of(element, n);

		if (at == n)
			continue; /* nobody asked for it */
		if (seen[at]) {
			ret[at] = (struct sqs_entry_answer){ 0 };
			continue;
		}
		seen[at] = true;
		if (failed)
			take_failed(element, &ret[at]);
		else
			take_successful(element, entries[at], &ret[at]);
	}
}

int
sqs_answer_batch(const char *text, size_t len,
    const struct sqs_entry *const *entries, size_t n,
    struct sqs_entry_answer *ret)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *good, *bad;
	bool *seen = NULL;
	int rc = -1;

	memset(ret, 0, n * sizeof(*ret));
	good = json_object_get(root, "Successful");
	bad = json_object_get(root, "Failed");
	if ((good != NULL || bad != NULL) &&
	    (seen = calloc(n, sizeof(*seen))) != NULL) {
		take_list(good, entries, n, ret, false, seen);
		take_list(bad, entries, n, ret, true, seen);
		rc = 0;
	}
	free(seen);
	json_decref(root);
	return (rc);
}

void
sqs_answer_error(const char *text, size_t len, struct sqs_error *ret_error)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	const char *message = string_of(root, "message");

	if (message == NULL)
		message = string_of(root, "Message");
	copy_code(ret_error->code, string_of(root, "__type"));
	copy_line(ret_error->message, sizeof(ret_error->message), message);
	json_decref(root);
}

/* An attribute that is a number; 0: it is none. */
static long long
number_of(const json_t *object, const char *name)
{
	const char *text = string_of(object, name);
	int64_t value;

	if (text == NULL || parse_int(text, 0, INT64_MAX, &value) == -1)
		return (0);
	return (value);
}

int
sqs_answer_queue(const char *text, size_t len, struct sqs_queue *ret_queue)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	const json_t *attributes = json_object_get(root, "Attributes");
	const char *fifo = string_of(attributes, "FifoQueue");
	int rc = json_is_object(attributes) ? 0 : -1;

	*ret_queue = (struct sqs_queue){
		.fifo = fifo != NULL && strcmp(fifo, "true") == 0,
		.redrive = string_of(attributes, "RedrivePolicy") != NULL,
		.retention_s = number_of(attributes, "MessageRetentionPeriod"),
		.size_max = number_of(attributes, "MaximumMessageSize"),
	};
	json_decref(root);
	return (rc);
}
