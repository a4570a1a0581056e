#include "handlers/queue/pubsub_batch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/digest.h"
#include "store/base/base64.h"
#include "store/base/hex.h"

#define HASHED "sha256:"
#define HASHED_LEN (sizeof(HASHED) - 1 + 2 * SHA256_LEN)

/* -- A message -- */

char *
pubsub_ordering_key(const struct message *m, const struct store_event *ev)
{
	const struct store_order *order = m->order;
	char *key = NULL;

	if (order == NULL && ev->norders > 0)
		order = &ev->orders[0];
	if (order != NULL && order->order_id != NULL &&
	    asprintf(&key, "%s%s%s", ev->scope, ev->scope[0] == '\0' ? "" : ":",
		order->order_id) == -1)
		return (NULL);
	return (key);
}

/* As Pub/Sub takes it; NULL when out of memory. */
static json_t *
fit_text(const char *text)
{
	unsigned char digest[SHA256_LEN];
	char hashed[HASHED_LEN + 1];
	size_t len = strlen(text);
	json_t *fits = NULL;

	if (len <= PUBSUB_TEXT_MAX)
		fits = json_string(text); /* NULL if it is no UTF-8, too */
	if (fits != NULL || digest_sha256(text, len, digest) == -1)
		return (fits);
	(void)strcpy(hashed, HASHED);
	hex_encode(digest, sizeof(digest), hashed + sizeof(HASHED) - 1);
	return (json_string(hashed));
}

/* All but the data: {"attributes":{...},"orderingKey":...}. */
static char *
print_rest(const struct message *m, const char *ordering_key)
{
	json_t *attributes = json_object(), *root = json_object();
	char *text = NULL;
	int rc = 0;

	for (size_t i = 0; i < m->nattributes; i++)
		rc |= json_object_set_new(attributes, m->attributes[i].name,
		    fit_text(m->attributes[i].value));
	rc |= json_object_set_new(root, "attributes", attributes);
	if (ordering_key != NULL)
		rc |= json_object_set_new(root, "orderingKey",
		    fit_text(ordering_key));
	if (rc == 0)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return (text);
}

char *
pubsub_message_print(const struct message *m, const char *ordering_key,
    size_t *ret_len)
{
	static const char data[] = "{\"data\":\"";
	char *rest = print_rest(m, ordering_key);
	char *text = NULL, *p;
	size_t len;

	if (rest == NULL)
		return (NULL);
	len = strlen(rest);
	text = malloc(sizeof(data) + BASE64_SIZE(m->body_len) + len + 2);
	if (text != NULL) {
		p = stpcpy(text, data);
		p += base64_encode(m->body, m->body_len, p);
		*p++ = '"';
		*p++ = ',';
		p = stpcpy(p, rest + 1); /* without its bracket */
		*ret_len = (size_t)(p - text);
	}
	free(rest);
	return (text);
}

/* What it takes there: it may have been made shorter. */
static size_t
fitted(const char *text)
{
	size_t len = strlen(text);

	return (len > PUBSUB_TEXT_MAX ? HASHED_LEN : len);
}

size_t
pubsub_message_size(const struct message *m, const char *ordering_key)
{
	size_t size = m->body_len;

	for (size_t i = 0; i < m->nattributes; i++)
		size += strlen(m->attributes[i].name) +
			fitted(m->attributes[i].value);
	return (size + (ordering_key == NULL ? 0 : fitted(ordering_key)));
}

/* -- A request -- */

char *
pubsub_request_print(const char *const *messages, const size_t *lens, size_t n,
    size_t *ret_len)
{
	static const char head[] = "{\"messages\":[";
	size_t size = sizeof(head) + sizeof("]}");
	char *text, *p;

	for (size_t i = 0; i < n; i++)
		size += lens[i] + 1;
	if ((text = malloc(size)) == NULL)
		return (NULL);
	p = stpcpy(text, head);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*p++ = ',';
		p = mempcpy(p, messages[i], lens[i]);
	}
	p = stpcpy(p, "]}");
	*ret_len = (size_t)(p - text);
	return (text);
}

/* -- An answer -- */

/* Count the ids, if each is one: a text that is not empty. */
static size_t
count_ids(const json_t *ids)
{
	const json_t *id;
	size_t i;

	json_array_foreach(ids, i, id)
	{
		if (json_string_length(id) == 0)
			return (0);
	}
	return (i);
}

/* A code of google.rpc.Code is a word in capitals; anything else is none. */
static void
take_status(const json_t *error, struct pubsub_answer *a)
{
	const char *text = json_string_value(json_object_get(error, "status"));
	size_t len;

	if (text == NULL)
		return;
	len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	if (text[len] == '\0' && len < sizeof(a->status))
		(void)strcpy(a->status, text);
}

void
pubsub_answer_read(const void *bytes, size_t len, struct pubsub_answer *ret)
{
	const json_t *error;

	memset(ret, 0, sizeof(*ret));
	ret->root = json_loadb(bytes, len, 0, NULL);
	error = json_object_get(ret->root, "error");
	take_status(error, ret);
	ret->message = json_string_value(json_object_get(error, "message"));
	if (error == NULL)
		ret->nids = count_ids(json_object_get(ret->root, "messageIds"));
}

const char *
pubsub_answer_id(const struct pubsub_answer *a, size_t i)
{
	return (json_string_value(
	    json_array_get(json_object_get(a->root, "messageIds"), i)));
}

void
pubsub_answer_fini(struct pubsub_answer *a)
{
	json_decref(a->root);
	memset(a, 0, sizeof(*a));
}
